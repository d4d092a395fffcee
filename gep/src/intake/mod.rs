//! Bytes and a partner → a verdict per event: accepted, duplicate, or rejected with all its reasons.
//!
//! Place: the pure first step of GEP, called by the HTTP edge and by the reader of partner topics alike
//! (domain.md §2). Deliberately without I/O and clock: the receipt time is handed in. Repeats of earlier requests
//! are the processor's business, not the edge's.

mod body;
mod element;
mod finish;
mod handler;
mod rejected;
mod run;

pub use body::{BodyError, BodyForm, split_body};
pub use element::Element;
pub use handler::{IntakeHandler, PartnerTopic};

use da_model::event::Event;
use da_model::event::lineage::Root;
use da_model::fault::Rejection;
use da_model::ids::{Offset, Partition, TopicName};
use da_model::outcome::{Flag, Reason, Verdict};
use da_model::time::Timestamp;

pub use crate::reader::Limits;

/// Where refused events go.
pub const REJECTED: TopicName = TopicName("gep.rejected");
/// Where events of content, classes and users go.
pub const SYSTEM: TopicName = TopicName("gep.system");

/// Whom a credential or a partner topic speaks for, and in which words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Partner {
    /// The tenant where an event names none.
    pub tenant: String,
    /// Further tenants it may write for.
    pub tenants: Vec<String>,
    /// Who posts.
    pub partner: String,
    /// The adapter that reads its events: `gooru` or `native`.
    pub adapter: &'static str,
    /// What becomes of events of nobody.
    pub anonymous: AnonymousPolicy,
    /// Whether `extensions` pass.
    pub allow_extensions: bool,
}

impl Partner {
    /// Whether the credential may write for a tenant.
    #[must_use]
    pub fn may_write(&self, tenant: &str) -> bool {
        self.tenant == tenant || self.tenants.iter().any(|t| t == tenant)
    }
}

/// What becomes of an event whose learner is `anonymous`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum AnonymousPolicy {
    /// Refused as `anonymous_user`.
    #[default]
    Reject,
    /// Counted for `anonymous:<sessionId>`: no hot key, no mixing.
    Accept,
}

/// Where the bytes came in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// An HTTP request.
    Http {
        /// X-Request-Id.
        request_id: String,
    },
    /// A record of a partner's topic.
    Kafka {
        /// The partner's topic.
        topic: TopicName,
        /// Partition.
        partition: Partition,
        /// Offset.
        offset: Offset,
    },
}

/// What became of one request or record.
#[derive(Debug, Default)]
pub struct Intake<'b> {
    /// One line per element, in the order sent.
    pub verdicts: Vec<VerdictLine>,
    /// Records to append, in this order.
    pub emits: Vec<IntakeEmit<'b>>,
    /// Paths of fields that were dropped because nobody knows them, with their number.
    pub unknown_fields: Vec<(String, u32)>,
}

/// What a partner is told about one element.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerdictLine {
    /// Position in the request.
    pub index: usize,
    /// The eventId as sent (of a flat form: the derived one); absent where there is no usable one.
    pub event_id: Option<String>,
    /// The verdict.
    pub verdict: Verdict,
    /// What was corrected; empty for rejected elements.
    pub flags: Vec<Flag>,
    /// All violations; empty unless rejected.
    pub reasons: Vec<Rejection>,
}

/// One record to append.
#[derive(Debug)]
pub struct IntakeEmit<'b> {
    /// `gep.accepted`, `gep.system` or `gep.rejected`.
    pub topic: TopicName,
    /// Its key.
    pub key: String,
    /// What it says.
    pub event: Event<'b>,
    /// Where its chain begins; absent for rejected events.
    pub root: Option<Root>,
}

/// Judges the elements of one request or record.
#[must_use]
#[expect(clippy::too_many_arguments, reason = "the one door: what came, from whom, when, where, and the bounds")]
pub fn take_in<'b>(
    elements: &[Element<'b>],
    partner: &Partner,
    received_at: Timestamp,
    origin: &Origin,
    limits: &Limits,
) -> Intake<'b> {
    run::Run::new(partner, received_at, origin, limits).all(elements)
}

/// Feeds any bytes to every way in; must neither panic nor lose an element. For fuzzers.
pub fn fuzz_intake(data: &[u8]) {
    let limits = Limits { max_events: 50, ..Limits::default() };
    let origin = Origin::Http { request_id: String::new() };
    for adapter in crate::adapters::ADAPTERS {
        let partner = Partner {
            tenant: "t".to_owned(),
            tenants: Vec::new(),
            partner: "p".to_owned(),
            adapter: adapter.name(),
            anonymous: AnonymousPolicy::Accept,
            allow_extensions: true,
        };
        for form in [BodyForm::Json, BodyForm::Ndjson] {
            let Ok(elements) = split_body(data, form, &limits) else { continue };
            let intake = take_in(&elements, &partner, Timestamp(0), &origin, &limits);
            assert_eq!(intake.verdicts.len(), elements.len(), "one verdict per element");
        }
        let elements = body::split_record(data, &limits);
        let intake = take_in(&elements, &partner, Timestamp(0), &origin, &limits);
        assert_eq!(intake.verdicts.len(), elements.len(), "one verdict per element of a record");
        let caught = intake.verdicts.iter().flat_map(|v| &v.reasons).any(|r| r.reason == Reason::Internal);
        assert!(!caught, "no event may make the intake panic");
    }
}
