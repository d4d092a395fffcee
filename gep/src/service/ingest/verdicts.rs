//! From what the intake decided to records on the log, the answer, and the counts.
//!
//! Place: last steps of a request. Decides nothing about an event.

use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use da_model::event::{Event, Lineage, RejectionSource};
use da_model::fault::Rejection;
use da_model::ids::SEPARATOR;
use da_model::names::{Label, Metric};
use da_model::outcome::{Flag, Verdict};
use da_model::schema::{Schemas, codec};
use da_model::time::Timestamp;
use da_runtime::http::REQUEST_ID;
use da_runtime::ports::Append;
use da_runtime::telemetry::metrics;
use serde::Serialize;
use sha2::{Digest, Sha256};
use utoipa::ToSchema;

use crate::intake::{Intake, IntakeEmit, VerdictLine};

/// The records of a request, encoded.
pub(super) fn appends(emits: &[IntakeEmit<'_>], schemas: &Schemas, received_at: Timestamp) -> Vec<Append> {
    let one = |emit: &IntakeEmit<'_>| {
        let mut value = Vec::with_capacity(512);
        codec::encode(&emit.event, &lineage(emit), schemas, &mut value);
        let key = emit.key.clone().into_bytes();
        Append { topic: emit.topic, key, value: Some(value), timestamp: received_at }
    };
    emits.iter().map(one).collect()
}

/// An accepted event begins a chain under its own key; a refused one is named by its request and index.
fn lineage(emit: &IntakeEmit<'_>) -> Lineage<'static> {
    match &emit.root {
        Some(root) => Lineage::of_intake(root.event_key, root.at),
        None => Lineage { id: refused_id(&emit.event), src: None, root: None, hop: 0, seq: None },
    }
}

fn refused_id(event: &Event<'_>) -> [u8; 16] {
    let mut hash = Sha256::new();
    if let Event::Rejected(refused) = event
        && let RejectionSource::Http { request_id, index } = &refused.source
    {
        let received = refused.received_at.0;
        hash.update(format!("{request_id}{SEPARATOR}{index}{SEPARATOR}{received}"));
    }
    let mut id = [0; 16];
    for (to, byte) in id.iter_mut().zip(hash.finalize()) {
        *to = byte;
    }
    id
}

/// The answer to a request that was read.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Answer {
    /// X-Request-Id.
    request_id: String,
    /// Set by `:validate`: nothing was stored.
    #[serde(skip_serializing_if = "Option::is_none")]
    dry_run: Option<bool>,
    /// Events that count exactly once.
    accepted: usize,
    /// Repeats of an event earlier in this request.
    duplicate: usize,
    /// Refused events.
    rejected: usize,
    /// One line per event, in the order sent.
    results: Vec<ResultLine>,
}

/// What became of one event.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct ResultLine {
    /// Position in the request, from 0.
    index: usize,
    /// The eventId, where there is a usable one.
    #[serde(skip_serializing_if = "Option::is_none")]
    event_id: Option<String>,
    /// accepted, duplicate or rejected.
    verdict: &'static str,
    /// What was corrected; absent where the event was rejected.
    #[serde(skip_serializing_if = "Option::is_none")]
    flags: Option<Vec<&'static str>>,
    /// All violations of a rejected event.
    #[serde(skip_serializing_if = "Option::is_none")]
    reasons: Option<Vec<ReasonLine>>,
}

/// One violation.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ReasonLine {
    /// The stable code.
    code: &'static str,
    /// Where in the event, as a JSON pointer.
    path: String,
    /// What is wrong.
    message: String,
}

/// Whether the events were stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// They are stored, and the answer follows the acknowledgement.
    Store,
    /// They are judged only.
    Judge,
}

impl Answer {
    pub(super) fn new(request_id: &str, verdicts: &[VerdictLine], purpose: Purpose) -> Self {
        let number = |verdict| verdicts.iter().filter(|v| v.verdict == verdict).count();
        Self {
            request_id: request_id.to_owned(),
            dry_run: (purpose == Purpose::Judge).then_some(true),
            accepted: number(Verdict::Accepted),
            duplicate: number(Verdict::Duplicate),
            rejected: number(Verdict::Rejected),
            results: verdicts.iter().map(ResultLine::new).collect(),
        }
    }

    fn status(&self) -> StatusCode {
        match (self.dry_run, self.rejected, self.accepted + self.duplicate) {
            (Some(_), _, _) => StatusCode::OK,
            (None, 0, _) => StatusCode::ACCEPTED,
            (None, _, 0) => StatusCode::UNPROCESSABLE_ENTITY,
            (None, _, _) => StatusCode::MULTI_STATUS,
        }
    }

    pub(super) fn into_response(self) -> Response {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        for (name, number) in [
            ("x-events-accepted", self.accepted),
            ("x-events-duplicate", self.duplicate),
            ("x-events-rejected", self.rejected),
        ] {
            headers.insert(HeaderName::from_static(name), HeaderValue::from(number));
        }
        if let Ok(id) = HeaderValue::from_str(&self.request_id) {
            headers.insert(REQUEST_ID, id);
        }
        // A struct of texts and numbers always serialises.
        let body = serde_json::to_vec(&self).unwrap_or_default();
        (self.status(), headers, body).into_response()
    }
}

impl ResultLine {
    fn new(line: &VerdictLine) -> Self {
        let refused = line.verdict == Verdict::Rejected;
        Self {
            index: line.index,
            event_id: line.event_id.clone(),
            verdict: line.verdict.code(),
            flags: (!refused).then(|| line.flags.iter().map(|f| f.code()).collect()),
            reasons: refused.then(|| line.reasons.iter().map(ReasonLine::new).collect()),
        }
    }
}

impl ReasonLine {
    fn new(reason: &Rejection) -> Self {
        Self { code: reason.reason.code(), path: reason.path.clone(), message: reason.detail.clone() }
    }
}

/// What is counted of a request once it is stored.
pub(super) struct Tally {
    verdicts: Vec<VerdictLine>,
    unknown_fields: Vec<(String, u32)>,
}

impl From<Intake<'_>> for Tally {
    fn from(Intake { verdicts, unknown_fields, .. }: Intake<'_>) -> Self {
        Self { verdicts, unknown_fields }
    }
}

/// Counts a request that was stored.
pub(super) fn count(intake: &Tally, partner: &str) {
    for verdict in Verdict::ALL {
        let number = intake.verdicts.iter().filter(|v| v.verdict == *verdict).count();
        let labels = [(Label::Partner, partner), (Label::Verdict, verdict.code())];
        metrics::count(Metric::IngestEvents, &labels, number as u64);
    }
    for line in &intake.verdicts {
        for reason in &line.reasons {
            let labels = [(Label::Partner, partner), (Label::Code, reason.reason.code())];
            metrics::count(Metric::IngestRejections, &labels, 1);
        }
    }
    for flag in Flag::ALL {
        let number = intake.verdicts.iter().filter(|v| v.flags.contains(flag)).count();
        let labels = [(Label::Partner, partner), (Label::Flag, flag.code())];
        metrics::count(Metric::IngestFlags, &labels, number as u64);
    }
    for (field, number) in &intake.unknown_fields {
        let labels = [(Label::Partner, partner), (Label::Field, field.as_str())];
        metrics::count(Metric::IngestUnknownFields, &labels, u64::from(*number));
    }
}
