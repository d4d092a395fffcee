//! The edge without HTTP: a body as the intake takes it in, its records encoded and ready to append.
//!
//! Place: tests and benchmarks that drive engines or handlers themselves. Appends nothing and answers nobody.

use da_model::event::Lineage;
use da_model::schema::{Schemas, codec};
use da_model::time::Timestamp;
use da_runtime::ports::Append;
use gep::intake::{AnonymousPolicy, BodyForm, Limits, Origin, Partner, VerdictLine, split_body, take_in};

/// The partner of tenant `t1` that the cases speak of.
#[must_use]
pub fn partner() -> Partner {
    Partner {
        tenant: "t1".to_owned(),
        tenants: vec![],
        partner: "p1".to_owned(),
        adapter: "gooru",
        anonymous: AnonymousPolicy::Reject,
        allow_extensions: false,
    }
}

/// Takes a body in: the records to append, and a verdict per element.
///
/// # Panics
/// When the body is refused as a whole.
#[must_use]
pub fn taken(body: &str, at: Timestamp) -> (Vec<Append>, Vec<VerdictLine>) {
    let (limits, schemas) = (Limits::default(), Schemas::embedded());
    let elements = split_body(body.as_bytes(), BodyForm::Json, &limits).unwrap_or_else(|e| panic!("{e}"));
    let origin = Origin::Http { request_id: "edge".to_owned() };
    let intake = take_in(&elements, &partner(), at, &origin, &limits);
    let mut records = Vec::new();
    for emit in intake.emits {
        let none = Lineage { id: [0; 16], src: None, root: None, hop: 0, seq: None };
        let lineage = emit.root.map_or(none, |root| Lineage::of_intake(root.event_key, root.at));
        let mut value = Vec::new();
        codec::encode(&emit.event, &lineage, &schemas, &mut value);
        records.push(Append { topic: emit.topic, key: emit.key.into_bytes(), value: Some(value), timestamp: at });
    }
    (records, intake.verdicts)
}
