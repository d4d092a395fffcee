//! Times, zones, receipts and fingerprints (domain.md §2.1, §3; A17, A18, A23, B10, B11).

use da_model::time::Timestamp;

use crate::support::*;

const LATER: &str = "\"endTime\":1772442030000";
const FROM: &str = "\"startTime\":1772442000000";

fn times_of(changes: &[(&str, &str)], at: i64) -> (Option<i64>, i64, Vec<&'static str>) {
    let text = question(changes);
    let event = usage_at(&text, at);
    (event.start_time.map(|t| t.0), event.end_time.0, event.flags.iter().map(|f| f.code()).collect())
}

#[test]
fn a18_seconds_and_numeric_strings() {
    let got = times_of(&[(FROM, "\"startTime\":1772442000"), (LATER, "\"endTime\":\"1772442030\"")], T0 + 30_000);
    assert_eq!(got, (Some(T0), 1_772_442_030_000, vec!["seconds"]));
}

#[test]
fn a17_an_end_before_the_start() {
    let got = times_of(&[(FROM, "\"startTime\":1772442100000"), (LATER, "\"endTime\":1772442090000")], T0 + 100_000);
    assert_eq!(got, (Some(T0 + 100_000), T0 + 100_000, vec!["end_before_start"]));
}

#[test]
fn one_missing_time() {
    assert_eq!(times_of(&[(LATER, "\"endTime\":null")], T0), (Some(T0), T0, vec![]));
    assert_eq!(times_of(&[(FROM, "\"startTime\":\"\"")], T0 + 30_000), (None, T0 + 30_000, vec!["start_unknown"]));
    let start = [(FROM, "\"a\":1"), ("\"type\":\"stop\"", "\"type\":\"start\"")];
    assert_eq!(times_of(&start, T0 + 30_000), (Some(T0 + 30_000), T0 + 30_000, vec![]));
}

#[test]
fn both_missing_is_refused_but_for_reactions() {
    refused(
        &question(&[(FROM, "\"startTime\":null"), (LATER, "\"endTime\":\"NA\"")]),
        &[("missing_field", "/endTime")],
    );
    refused(
        &grading("collection.score.update", "{\"score\":1,\"maxScore\":2}").replace(&T0.to_string(), "null"),
        &[("missing_field", "/endTime")],
    );
    let text = reaction("3").replace(&T0.to_string(), "null");
    let event = usage_at(&text, T0 + 5);
    assert_eq!((event.start_time, event.end_time), (Some(Timestamp(T0 + 5)), Timestamp(T0 + 5)));
    assert_eq!(event.flags.iter().map(|f| f.code()).collect::<Vec<_>>(), ["time_missing"]);
    let later = usage_at(&text, T0 + 86_400_000);
    assert_eq!(event.fingerprint, later.fingerprint, "a value taken from the receipt counts as 0");
}

#[test]
fn what_is_no_time() {
    refused(&question(&[(LATER, "\"endTime\":\"tomorrow\"")]), &[("bad_time", "/endTime")]);
    refused(&question(&[(LATER, "\"endTime\":1772442030000.5")]), &[("bad_time", "/endTime")]);
    refused(&question(&[(LATER, "\"endTime\":99999999999999999999")]), &[("bad_time", "/endTime")]);
    refused(&question(&[(LATER, "\"endTime\":true")]), &[("bad_type", "/endTime")]);
}

#[test]
fn b10_a_clock_ahead_is_shifted_and_remembered() {
    let month = 30 * 86_400_000_i64;
    let text = question(&[
        (FROM, &format!("\"startTime\":{}", T0 + month)),
        (LATER, &format!("\"endTime\":{}", T0 + month + 10_000)),
    ]);
    let received = T0 + 600_000;
    let event = usage_at(&text, received);
    assert_eq!(event.flags.iter().map(|f| f.code()).collect::<Vec<_>>(), ["clock_ahead"]);
    assert_eq!((event.start_time, event.end_time), (Some(Timestamp(received - 10_000)), Timestamp(received)));
    assert_eq!(event.clock_skew, Some(month + 10_000 - 600_000));
    assert_eq!(event.local_date.to_iso(), "2026-03-02");
    let again = usage_at(&text, received + 7_000);
    assert_eq!(again.fingerprint, event.fingerprint, "the fingerprint is of the values sent");
    assert_ne!(again.end_time, event.end_time);
}

#[test]
fn the_bounds_of_age_and_lead() {
    let day = 86_400_000_i64;
    let flags_at = |lead: i64| times_of(&[], T0 + 30_000 - lead).2;
    assert_eq!(flags_at(600_000), Vec::<&str>::new());
    assert_eq!(flags_at(600_001), ["clock_ahead"]);
    assert_eq!(flags_at(-14 * day), Vec::<&str>::new());
    assert_eq!(flags_at(-14 * day - 1), ["late"]);
    assert_eq!(flags_at(-400 * day), ["late"]);
    assert_eq!(flags_at(-400 * day - 1), ["clock_behind", "late"]);
}

#[test]
fn b11_a_late_repeat_has_the_fingerprint_of_the_first() {
    let text = question(&[]);
    let first = usage_at(&text, T0 + 30_000);
    let late = usage_at(&text, T0 + 30_000 + 15 * 86_400_000);
    assert_eq!(late.flags.iter().map(|f| f.code()).collect::<Vec<_>>(), ["late"]);
    assert_eq!((first.event_key, &first.fingerprint), (late.event_key, &late.fingerprint));
    let other = question(&[("\"attemptStatus\":\"correct\"", "\"attemptStatus\":\"incorrect\"")]);
    let other = usage_at(&other, T0 + 30_000);
    assert_eq!(other.event_key, first.event_key);
    assert_ne!(other.fingerprint, first.fingerprint);
}

#[test]
fn the_fingerprint_is_of_the_record_without_receipt() {
    use sha2::{Digest, Sha256};
    let text = question(&[]);
    let mut event = usage_at(&text, T0 + 30_000);
    let fingerprint = std::mem::take(&mut event.fingerprint);
    event.received_at = Timestamp(0);
    let mut bytes = Vec::new();
    da_model::schema::codec::encode_usage_body(&event, &mut bytes);
    let hex: String = Sha256::digest(&bytes).iter().map(|b| format!("{b:02x}")).collect();
    assert_eq!(fingerprint, hex);
    assert!(bytes.len() > 100);
}

#[test]
fn a23_the_date_is_that_of_the_zone() {
    let dated = |zone: &str| {
        let text = question(&[
            ("\"timezone\":\"UTC\"", zone),
            (FROM, "\"startTime\":1772407700000"),
            (LATER, "\"endTime\":1772407800000"),
        ]);
        let event = usage_at(&text, 1_772_407_800_000);
        let flags: Vec<_> = event.flags.iter().map(|f| f.code()).collect();
        assert!(event.answer.is_some());
        (event.local_date.to_iso(), event.timezone.into_owned(), flags)
    };
    let utc = |flags: Vec<&'static str>| ("2026-03-01".to_owned(), "UTC".to_owned(), flags);
    assert_eq!(dated("\"timezone\":\"Asia/Jakarta\""), ("2026-03-02".to_owned(), "Asia/Jakarta".to_owned(), vec![]));
    assert_eq!(dated("\"timezone\":\"UTC\""), utc(vec![]));
    assert_eq!(dated("\"timezone\":\"WIB\""), utc(vec!["timezone_unknown"]));
    assert_eq!(dated("\"timezone\":7"), utc(vec!["timezone_unknown"]));
    assert_eq!(dated("\"timezone\":null"), utc(vec![]));
    assert_eq!(dated("\"timezone\":\"undefined\""), utc(vec![]));
    assert_eq!(dated("\"timezone\":\"EST\"").2, Vec::<&str>::new());
}
