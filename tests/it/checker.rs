//! The audit over pipelines of the real engine: it passes a sound one and fails those that are broken on purpose.
//!
//! Place: beside the mutation tests of the checker itself (cli, `audit`). A checker that cannot fail proves nothing.

use std::sync::Arc;

use cli::audit::finding::{Anomaly, Finding, Tally};
use cli::audit::gather::{self, Gathering};
use cli::learners::{Profile, Settings};
use cli::ledger::{Answer, RequestId, Run, Writer};
use da_model::outcome::Verdict;
use da_model::schema::Schemas;
use da_model::time::Timestamp;
use da_runtime::io::sqlite_log::Reader;
use da_runtime::ports::Append;
use da_runtime::probe::Silent;
use tests::broken::{Broken, Flaw};
use tests::dsl::T0;
use tests::edge;
use tests::folder::Folder;
use tests::rounds::Rounds;

fn settings() -> Settings {
    Settings {
        profile: Profile::Soak,
        seed: 7,
        events: 900,
        connections: 1,
        batch: 30,
        classes: 2,
        learners: 20,
        base: T0,
    }
}

/// Takes a request in as the edge does: the records to append, and the answer.
fn answered(body: &str, at: Timestamp) -> (Vec<Append>, Answer) {
    let (records, verdicts) = edge::taken(body, at);
    let mut answer = Answer { status: 207, verdicts: String::new(), codes: Vec::new() };
    for line in verdicts {
        answer.verdicts.push(match line.verdict {
            Verdict::Accepted => 'a',
            Verdict::Duplicate => 'd',
            Verdict::Rejected => 'r',
        });
        if line.verdict == Verdict::Rejected {
            answer.codes.push((line.index, line.reasons.iter().map(|r| r.reason.code().to_owned()).collect()));
        }
    }
    (records, answer)
}

/// Plays learners through the engine, with a flaw in one stage, and audits what came of it.
fn audit(flaw: Option<(&str, Flaw)>) -> Vec<Finding> {
    let folder = Folder::new();
    let mut rounds = Rounds::new(Arc::new(Silent));
    if let Some((name, flaw)) = flaw {
        let at = rounds.stages().iter().position(|stage| stage.name() == name).unwrap();
        let sound = rounds.stages().remove(at);
        rounds.stages().insert(at, Box::new(Broken::new(sound, flaw)));
    }
    let path = folder.path().join("ledger.jsonl");
    let ledger = Writer::open(&path).unwrap();
    let settings = settings();
    let (tenant, partner) = ("t1".to_owned(), "p1".to_owned());
    ledger.run(&Run { settings: settings.clone(), tenant, partner, key_id: String::new() }).unwrap();
    let world = settings.world();
    let mut stream = settings.stream(&world, 0);
    let at = Timestamp(T0);
    let mut number = 0;
    while let Some((body, _)) = stream.request() {
        let id = RequestId { connection: 0, number };
        ledger.request(id, &body).unwrap();
        let (records, answer) = answered(&body, at);
        let receipt = rounds.append(records);
        rounds.drain();
        receipt.blocking_recv().unwrap().unwrap();
        ledger.answer(id, answer).unwrap();
        number += 1;
    }
    let ledgers = gather::ledgers(&[path], |run| (run.tenant.clone(), run.partner.clone())).unwrap();
    let mut gathering =
        Gathering::new(Box::new(Reader::open(&rounds.file()).unwrap()), Schemas::embedded(), ledgers).unwrap();
    gathering.everything(|_| {}).unwrap();
    cli::audit::check(&gathering.evidence)
}

#[test]
fn a_sound_pipeline_passes_the_audit() {
    assert_eq!(audit(None), []);
}

#[test]
fn plain_at_least_once_is_found_out_by_its_duplicates() {
    let findings = audit(Some(("demux", Flaw::OffsetsLater)));
    assert!(findings.iter().any(|f| f.anomaly == Anomaly::Duplicate), "{:?}", Tally::of(&findings));
}

#[test]
fn dedupe_memory_before_the_output_is_found_out_by_its_losses() {
    let findings = audit(Some(("gep", Flaw::DedupeEarlier)));
    assert!(findings.iter().any(|f| f.anomaly == Anomaly::LostWrite), "{:?}", Tally::of(&findings));
}

#[test]
fn transactions_of_the_log_alone_are_found_out_torn_when_their_end_comes_late() {
    let findings = audit(Some(("demux", Flaw::LateEnd)));
    assert!(findings.iter().any(|f| f.anomaly == Anomaly::Torn), "{:?}", Tally::of(&findings));
}
