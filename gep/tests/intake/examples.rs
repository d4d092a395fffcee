//! Every file of `schemas/partners/<format>/examples` adapts, or is refused with the named reasons.

use std::path::PathBuf;

use da_model::time::Timestamp;
use gep::adapters::ADAPTERS;
use gep::intake::{AnonymousPolicy, BodyForm, Limits, Partner, split_body, take_in};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::support::*;

/// One example: a body as sent, and what becomes of it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Example<'a> {
    about: String,
    #[serde(default)]
    received_at: Option<i64>,
    #[serde(default)]
    anonymous_accepted: bool,
    #[serde(borrow)]
    input: &'a RawValue,
    verdicts: Vec<Expected>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Expected {
    verdict: String,
    #[serde(default)]
    event_id: Option<String>,
    #[serde(default)]
    flags: Vec<String>,
    #[serde(default)]
    reasons: Vec<(String, String)>,
}

fn check(name: &str, text: &str, adapter: &'static str) {
    let example: Example<'_> = serde_json::from_str(text).unwrap_or_else(|e| panic!("{name}: {e}"));
    assert!(!example.about.is_empty(), "{name}");
    let anonymous = if example.anonymous_accepted { AnonymousPolicy::Accept } else { AnonymousPolicy::Reject };
    let partner = Partner { adapter, anonymous, ..north() };
    let limits = Limits::default();
    let elements = split_body(example.input.get().as_bytes(), BodyForm::Json, &limits).unwrap();
    let at = Timestamp(example.received_at.unwrap_or(T0 + 3_900_000));
    let intake = take_in(&elements, &partner, at, &http(), &limits);
    assert_eq!(intake.verdicts.len(), example.verdicts.len(), "{name}");
    for (line, expected) in intake.verdicts.iter().zip(&example.verdicts) {
        assert_eq!(line.verdict.code(), expected.verdict, "{name}: {:?}", line.reasons);
        assert_eq!(flags(line), expected.flags, "{name}");
        let expected_reasons: Vec<_> = expected.reasons.iter().map(|(c, p)| (c.as_str(), p.as_str())).collect();
        assert_eq!(reasons(line), expected_reasons, "{name}");
        if expected.event_id.is_some() {
            assert_eq!(line.event_id, expected.event_id, "{name}");
        }
    }
}

#[test]
fn every_example_of_every_format_says_what_happens() {
    let partners = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../schemas/partners");
    for adapter in ADAPTERS {
        let folder = partners.join(adapter.name()).join("examples");
        let mut files = 0;
        for file in std::fs::read_dir(&folder).unwrap() {
            let path = file.unwrap().path();
            let text = std::fs::read_to_string(&path).unwrap();
            check(&path.display().to_string(), &text, adapter.name());
            files += 1;
        }
        assert!(files >= 3, "{} has too few examples", adapter.name());
    }
}
