//! Element after element → verdicts and records of one request or partner record.
//!
//! Place: the heart of `take_in`. A panic while reading one element refuses that element alone; the rest goes on.

use std::panic::{AssertUnwindSafe, catch_unwind};

use da_model::fault::Rejection;
use da_model::outcome::{Flag, Reason, Verdict};
use da_model::time::Timestamp;
use rustc_hash::FxHashSet;
use uuid::Uuid;

use super::finish::{Finished, Receipt, finish};
use super::rejected::rejected;
use super::{Element, Intake, Limits, Origin, Partner, VerdictLine};
use crate::adapters::{self, Adapted, Adapter};
use crate::reader::{Doc, Shape, Value};
use crate::validate::Desk;

/// At most this many unknown fields are named per request: their names are the partner's text.
const UNKNOWN_LIMIT: usize = 64;

/// One call of `take_in`.
pub(super) struct Run<'r, 'b> {
    partner: &'r Partner,
    received_at: Timestamp,
    origin: &'r Origin,
    limits: &'r Limits,
    adapter: Option<&'static dyn Adapter>,
    seen: FxHashSet<(Uuid, [u8; 32])>,
    scratch: Vec<u8>,
    out: Intake<'b>,
}

/// What reading one element gave.
struct Judged<'b> {
    adapted: Adapted<'b>,
    reasons: Vec<Rejection>,
    unknown: Vec<String>,
}

impl<'r, 'b> Run<'r, 'b> {
    /// A run for one partner.
    pub(super) fn new(partner: &'r Partner, received_at: Timestamp, origin: &'r Origin, limits: &'r Limits) -> Self {
        Self {
            partner,
            received_at,
            origin,
            limits,
            adapter: adapters::named(partner.adapter),
            seen: FxHashSet::default(),
            scratch: Vec::with_capacity(1_024),
            out: Intake::default(),
        }
    }

    /// Judges all elements.
    pub(super) fn all(mut self, elements: &[Element<'b>]) -> Intake<'b> {
        for (index, element) in elements.iter().enumerate() {
            self.one(index, element);
        }
        self.out
    }

    fn one(&mut self, index: usize, element: &Element<'b>) {
        let judged = catch_unwind(AssertUnwindSafe(|| {
            let mut judged = self.judge(element);
            let drafts = std::mem::take(&mut judged.adapted.drafts);
            let receipt = Receipt { at: self.received_at, visit_cap_ms: self.limits.visit_cap_ms };
            let finished = if judged.reasons.is_empty() {
                drafts.into_iter().map(|draft| finish(draft, receipt, &mut self.scratch)).collect()
            } else {
                Vec::new()
            };
            (judged, finished)
        }));
        let (judged, finished) = judged.unwrap_or_else(|_| {
            let internal = Rejection::new(Reason::Internal, "this event could not be read; the fault is ours");
            (Judged::refused(internal), Vec::new())
        });
        self.count_unknown(judged.unknown);
        if judged.reasons.is_empty() {
            self.accept(index, judged.adapted.sent_id, finished);
        } else {
            self.reject(index, element, (judged.adapted.sent_id, judged.reasons));
        }
    }

    fn judge(&self, element: &Element<'b>) -> Judged<'b> {
        if let Some(refused) = &element.refused {
            return Judged::refused(refused.clone());
        }
        if element.bytes.len() > self.limits.max_event_bytes {
            let detail = format!("{} bytes, at most {}", element.bytes.len(), self.limits.max_event_bytes);
            return Judged::refused(Rejection::new(Reason::TooLarge, detail));
        }
        if let Some(doc) = &element.doc {
            return self.adapt(doc);
        }
        let Ok(text) = std::str::from_utf8(element.bytes) else {
            return Judged::refused(Rejection::new(Reason::BadUtf8, "the bytes are no UTF-8"));
        };
        match Doc::read(text, self.limits) {
            Ok(doc) => self.adapt(&doc),
            Err(refused) => Judged::refused(refused),
        }
    }

    fn adapt(&self, doc: &Doc<'b>) -> Judged<'b> {
        let value = Value::root(doc);
        if value.shape() != Shape::Object {
            return Judged::refused(Rejection::new(Reason::NotAnObject, "an event is a JSON object"));
        }
        let Some(adapter) = self.adapter else {
            return Judged::refused(Rejection::new(Reason::Internal, "the adapter of this credential is not known"));
        };
        let mut desk = Desk::new(self.partner, self.received_at, self.limits);
        desk.reasons = doc.faults();
        let adapted = adapter.adapt(value, &mut desk);
        Judged { adapted, reasons: desk.reasons, unknown: desk.unknown }
    }

    fn accept(&mut self, index: usize, sent_id: Option<String>, finished: Vec<Finished<'b>>) {
        let repeated = |f: &Finished<'_>| f.seen.as_ref().is_some_and(|seen| self.seen.contains(seen));
        let duplicate = !finished.is_empty() && finished.iter().all(repeated);
        let mut flags: Vec<Flag> = finished.iter().flat_map(|f| f.flags.iter().copied()).collect();
        flags.sort_unstable();
        flags.dedup();
        let verdict = if duplicate { Verdict::Duplicate } else { Verdict::Accepted };
        self.out.verdicts.push(VerdictLine { index, event_id: sent_id, verdict, flags, reasons: Vec::new() });
        if duplicate {
            return;
        }
        for event in finished {
            self.seen.extend(event.seen);
            self.out.emits.push(event.emit);
        }
    }

    fn reject(&mut self, index: usize, element: &Element<'b>, refused: (Option<String>, Vec<Rejection>)) {
        let (event_id, mut reasons) = refused;
        if element.indexed {
            for reason in &mut reasons {
                reason.path = format!("/{index}{}", reason.path);
            }
        }
        let what = (element.bytes, reasons.clone());
        self.out.emits.push(rejected((self.origin, index), self.partner, self.received_at, what));
        let verdict = Verdict::Rejected;
        self.out.verdicts.push(VerdictLine { index, event_id, verdict, flags: Vec::new(), reasons });
    }

    fn count_unknown(&mut self, names: Vec<String>) {
        for name in names {
            if let Some((_, count)) = self.out.unknown_fields.iter_mut().find(|(known, _)| *known == name) {
                *count += 1;
            } else if self.out.unknown_fields.len() < UNKNOWN_LIMIT {
                self.out.unknown_fields.push((name, 1));
            }
        }
    }
}

impl Judged<'_> {
    fn refused(reason: Rejection) -> Self {
        let adapted = Adapted { sent_id: None, drafts: Vec::new() };
        Self { adapted, reasons: vec![reason], unknown: Vec::new() }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{AnonymousPolicy, take_in};
    use super::*;

    #[test]
    fn a_panic_refuses_its_event_alone() {
        let partner = Partner {
            tenant: "t".to_owned(),
            tenants: Vec::new(),
            partner: "p".to_owned(),
            adapter: "fragile",
            anonymous: AnonymousPolicy::Reject,
            allow_extensions: false,
        };
        let (limits, origin) = (Limits::default(), Origin::Http { request_id: String::new() });
        let elements = [Element::new(b"{\"break\":1}"), Element::new(b"{}")];
        let intake = take_in(&elements, &partner, Timestamp(0), &origin, &limits);
        let reasons = |n: usize| intake.verdicts[n].reasons.iter().map(|r| r.reason.code()).collect::<Vec<_>>();
        assert_eq!(reasons(0), ["internal"]);
        assert_eq!(reasons(1)[0], "missing_field");
        assert_eq!(intake.emits.len(), 2);
        let partner = Partner { adapter: "unheard of", ..partner };
        let unknown = take_in(&elements[1..], &partner, Timestamp(0), &origin, &limits);
        assert_eq!(unknown.verdicts[0].reasons[0].reason, Reason::Internal, "no adapter of this name");
    }
}
