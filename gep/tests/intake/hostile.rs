//! Bytes that nobody should send: the 318 files of JSONTestSuite, arbitrary and mutated bytes.

use std::path::PathBuf;

use da_model::outcome::Verdict;
use da_model::time::Timestamp;
use gep::intake::{BodyForm, Limits, fuzz_intake, split_body, take_in};
use proptest::prelude::*;

use crate::documents::{PLAY_START, QUESTION_STOP};
use crate::support::*;

/// Whether a body got anything but refusals.
fn passes(body: &[u8]) -> bool {
    let limits = Limits::default();
    let Ok(elements) = split_body(body, BodyForm::Json, &limits) else { return false };
    let intake = take_in(&elements, &north(), Timestamp(T0), &http(), &limits);
    intake.verdicts.iter().any(|line| line.verdict != Verdict::Rejected)
}

#[test]
fn every_file_of_the_suite_is_survived_and_every_bad_one_refused() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/jsontestsuite/test_parsing");
    let Ok(files) = std::fs::read_dir(&folder) else {
        eprintln!("left out: {} is not there", folder.display());
        return;
    };
    let (mut bad, mut good) = (0, 0);
    for file in files {
        let path = file.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let whole = std::fs::read(&path).unwrap();
        let element = [b"[", whole.as_slice(), b"]"].concat();
        fuzz_intake(&whole);
        fuzz_intake(&element);
        if name.starts_with("n_") {
            bad += 1;
            assert!(!passes(&whole) && !passes(&element), "{name}");
        }
        if name.starts_with("y_") {
            good += 1;
            let text = std::str::from_utf8(&whole).unwrap();
            let read = gep::reader::Doc::read(text, &Limits::default());
            assert!(read.is_ok(), "{name}: {read:?}");
        }
    }
    assert_eq!((bad, good), (188, 95));
}

#[test]
fn hostile_depth_costs_no_stack() {
    let deep = [b"[".repeat(5_000_000), b"]".repeat(5_000_000)].concat();
    assert!(!passes(&deep));
    let limits = Limits::default();
    let elements = split_body(&deep, BodyForm::Json, &limits).unwrap();
    assert_eq!(elements.len(), 1);
    let objects = b"{\"a\":".repeat(50_000);
    fuzz_intake(&objects);
    fuzz_intake(&[b"[", objects.as_slice(), b"]"].concat());
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(400) })]

    #[test]
    fn any_bytes_are_survived(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        fuzz_intake(&bytes);
    }

    #[test]
    fn any_text_like_json_is_survived(text in "[\\[\\]{},:\"a-e0-9 .eE+\\\\u-]{0,120}") {
        fuzz_intake(text.as_bytes());
    }

    #[test]
    fn mutated_events_are_survived(
        which in any::<bool>(),
        edits in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0_u8..3), 1..6),
    ) {
        let mut bytes = if which { PLAY_START } else { QUESTION_STOP }.as_bytes().to_vec();
        for (at, byte, how) in edits {
            let at = at.index(bytes.len());
            match how {
                0 => bytes[at] = byte,
                1 => bytes.insert(at, byte),
                _ => { bytes.remove(at); }
            }
        }
        fuzz_intake(&bytes);
    }

    #[test]
    fn what_serde_json_refuses_is_refused(text in "[\\[\\]{},:\"a0-9 .eE+\\\\nu-]{0,24}") {
        let theirs = serde_json::from_str::<&serde_json::value::RawValue>(&text).is_ok();
        let ours = gep::reader::Doc::read(&text, &Limits::default()).is_ok();
        prop_assert_eq!(ours, theirs, "{}", text);
    }
}
