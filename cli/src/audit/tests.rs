//! The checker against a modelled good run and against more than a thousand single spoilings of it.
//!
//! Place: beside the checker. The good run is what the oracle expects, laid out as records with lineage; so this shows
//! that the checker sees every difference, not that the services are right.

#![expect(clippy::too_many_lines, reason = "one table of spoilings")]

use std::collections::{BTreeMap, HashMap};

use super::check;
use super::evidence::{
    At, Copy, Dead, Digests, Evidence, Kept, Link, Observed, Position, Refused, Sent, Stored, Usage, digest,
};
use super::finding::Anomaly;
use super::mask;
use crate::learners::random::Random;
use crate::learners::{Profile, Settings, dirt};
use crate::ledger::RequestId;
use crate::oracle::class::Classes;
use crate::oracle::de::De;
use crate::oracle::learner::Became;
use crate::oracle::read::{Heard, Names, read};
use crate::oracle::tables::Tables;
use crate::oracle::{Accepted, Story, event_key};

const BASE: i64 = 1_772_442_000_000;

/// Lays out records as the three services would, over one partition.
#[derive(Default)]
struct Model {
    good: Evidence,
    ends: HashMap<String, i64>,
    seqs: HashMap<(String, String), i64>,
    stories: BTreeMap<String, Story>,
    classes: Classes,
    tables: Tables,
}

impl Model {
    fn at(&mut self, topic: &str) -> At {
        let end = self.ends.entry(topic.to_owned()).or_default();
        *end += 1;
        At { topic: topic.into(), partition: 0, offset: *end - 1 }
    }

    fn link(&mut self, from: &At, (to, index): (&str, i32), root: &str) -> Link {
        let seq = self.seqs.entry((from.topic.to_string(), to.to_owned())).or_default();
        *seq += 1;
        Link { from: from.clone(), index, seq: *seq, hop: 1, root: root.into() }
    }

    fn refuse(&mut self, raw: &str, codes: Vec<String>) {
        let at = self.at("gep.rejected");
        self.good.refused.push(Refused {
            at,
            key: "t\u{1f}p".into(),
            sha256: mask::sha256(raw.as_bytes()),
            codes,
            original: mask::kept(raw.as_bytes()).into(),
            length: raw.len() as i64,
        });
    }

    fn say(&mut self, de: &De, from: &At, index: i32) -> At {
        let (at, link) = (self.at(de.topic), self.link(from, (de.topic, index), &de.origin.event_key));
        self.tables.apply(de);
        self.good.observed.push(Observed {
            at: at.clone(),
            key: de.record_key("t").into(),
            link,
            de_id: de.id("t").into(),
            digests: Digests::of(de),
            text: None,
        });
        at
    }

    fn accept(&mut self, heard: &Heard, received: i64) {
        let Heard::Usage(list) = heard else { return };
        for told in list {
            let (key, at): (std::sync::Arc<str>, At) = (event_key("t", told).into(), self.at("gep.accepted"));
            let record_key: Box<str> = format!("t\u{1f}{}", told.user).into();
            let value = digest((&*key, at.offset));
            self.good.copies.push(Copy {
                at: at.clone(),
                key: record_key.clone(),
                event_key: key.clone(),
                received,
                value,
            });
            let accepted = Accepted { partition: 0, offset: at.offset, received };
            let story = self.stories.entry(told.user.to_string()).or_default();
            let (became, all) = story.apply(told.clone(), key.clone(), accepted);
            match became {
                Became::Applied => self.usage((at, record_key, key), &all),
                Became::Conflict => {
                    let (letter, link) = (self.at("gep.dead"), self.link(&at, ("gep.dead", 0), &key));
                    self.good.dead.push(Dead { at: letter, of: at, reason: "id_conflict".to_owned(), value, link });
                }
                Became::Duplicate => {}
            }
        }
    }

    fn usage(&mut self, (from, key, event_key): (At, Box<str>, std::sync::Arc<str>), all: &[De]) {
        let (at, link) = (self.at("gep.usage"), self.link(&from, ("gep.usage", 0), &event_key));
        let changes = all.iter().filter(|de| de.topic.starts_with("demux.")).count();
        self.good.usage.push(Usage { at: at.clone(), key, link, event_key, changes });
        let mut below = at.clone();
        let mut index = 0;
        for de in all {
            index += 1;
            let from = if de.topic.starts_with("demux.") { at.clone() } else { below };
            below = self.say(de, &from, index);
            if de.topic.starts_with("dep.member.")
                && let Some(class) = self.classes.apply(de)
            {
                self.say(&class, &below.clone(), 0);
            }
        }
    }

    fn request(&mut self, request: RequestId, body: &str, names: &mut Names) {
        let elements: Vec<&serde_json::value::RawValue> = serde_json::from_str(body).unwrap();
        let mut before: Vec<Heard> = Vec::new();
        for (index, raw) in elements.iter().enumerate() {
            let heard = read(raw.get(), "t", names);
            let mut sent =
                Sent { request, index, heard: heard.clone(), raw: None, verdict: Some('a'), codes: Vec::new() };
            if let Heard::Refused(codes) = &heard {
                sent.codes = codes.iter().map(|c| (*c).to_owned()).collect();
                (sent.verdict, sent.raw) = (Some('r'), Some(raw.get().into()));
                self.refuse(raw.get(), sent.codes.clone());
            } else if before.contains(&heard) {
                sent.verdict = Some('d');
            } else {
                self.accept(&heard, BASE + request.number as i64);
            }
            before.push(heard);
            self.good.sent.push(sent);
        }
    }

    fn finished(mut self) -> Evidence {
        for ((table, key), row) in &self.tables.rows {
            let key: Vec<&str> = key.iter().map(|k| &**k).collect();
            let stored = Stored::of(table, row, false);
            self.good.tables.insert((*table, da_model::key::joined(&key).into()), stored);
        }
        for (topic, end) in &self.ends {
            let read = da_model::topics::named(topic).and_then(da_model::topics::find);
            if read.is_some_and(|t| t.consumers.iter().any(|c| c != "sink") && !t.is_own()) {
                let next = At { topic: topic.as_str().into(), partition: 0, offset: *end };
                // As on a cluster: what was published may lie in the outbox for a while.
                let kept = Kept {
                    group: "g".to_owned(),
                    topic: next.topic.clone(),
                    partition: 0,
                    next: Some(*end),
                    outbox: Some(*end).filter(|end| end % 2 == 0),
                };
                self.good.kept.push(kept);
                self.good.positions.push(Position { group: "g".to_owned(), next, end: *end });
            }
        }
        self.good
    }
}

fn good() -> Evidence {
    let settings = Settings {
        profile: Profile::Soak,
        seed: 11,
        events: 180,
        connections: 2,
        batch: 45,
        classes: 2,
        learners: 5,
        base: BASE,
    };
    let (world, mut names, mut model) = (settings.world(), Names::default(), Model::default());
    (model.good.tenant, model.good.partner, model.good.partitions) = ("t".to_owned(), "p".to_owned(), 1);
    for connection in 0..settings.connections {
        let mut stream = settings.stream(&world, connection);
        let mut first = None;
        for number in 0.. {
            let Some((body, _)) = stream.request() else { break };
            first.get_or_insert_with(|| body.clone());
            model.request(RequestId { connection, number }, &body, &mut names);
        }
        // What a small run has too little of: a repeat, an id with other content, something refused.
        let first: Vec<serde_json::Value> = serde_json::from_str(&first.unwrap()).unwrap();
        let again = first.iter().map(ToString::to_string).find(|e| dirt::conflicting(e).is_some()).unwrap();
        let (other, broken) = (dirt::conflicting(&again).unwrap(), dirt::keyless(&again));
        let body = format!("[{again},{again},{other},{again},{broken},{{\"text\":\"x\"}}]");
        model.request(RequestId { connection, number: 1_000 }, &body, &mut names);
    }
    model.finished()
}

type Spoil = fn(&mut Evidence, &mut Random) -> bool;

/// One of a list, by chance.
fn some<'e, T>(list: &'e mut [T], random: &mut Random) -> Option<&'e mut T> {
    let n = random.index(list.len());
    list.get_mut(n)
}

fn spoilings() -> Vec<(&'static str, &'static [Anomaly], Spoil)> {
    use Anomaly as A;
    vec![
        ("a discrete event is gone", &[A::LostWrite], |e, r| {
            let n = r.index(e.observed.len());
            e.observed.remove(n);
            true
        }),
        ("a signal is gone", &[A::LostWrite], |e, r| {
            let n = r.index(e.usage.len());
            e.usage.remove(n);
            true
        }),
        ("an accepted copy is gone", &[A::LostWrite], |e, r| {
            let n = r.index(e.copies.len());
            e.copies.remove(n);
            true
        }),
        ("a refused event is gone", &[A::LostWrite], |e, r| {
            let n = r.index(e.refused.len());
            e.refused.remove(n);
            true
        }),
        ("a discrete event is there twice", &[A::Duplicate], |e, r| {
            let n = r.index(e.observed.len());
            let mut again = e.observed[n].clone();
            again.at.offset = e.observed.iter().filter(|o| o.at.topic == again.at.topic).count() as i64;
            e.observed.push(again);
            true
        }),
        ("a signal is there twice", &[A::Duplicate], |e, r| {
            let n = r.index(e.usage.len());
            let mut again = e.usage[n].clone();
            again.at.offset = e.usage.len() as i64;
            e.usage.push(again);
            true
        }),
        ("two records of one key are swapped", &[A::Misordered], |e, r| {
            let n = r.index(e.observed.len());
            let one = e.observed[n].clone();
            let other = |o: &Observed| {
                o.at.topic == one.at.topic && o.key == one.key && o.link.from.topic == one.link.from.topic
            };
            let Some(m) = (n + 1..e.observed.len()).find(|m| other(&e.observed[*m])) else { return false };
            let (first, second) = (e.observed[n].at.clone(), e.observed[m].at.clone());
            e.observed[n].at = second;
            e.observed[m].at = first;
            true
        }),
        ("several outcomes of one event are gone", &[A::Torn], |e, r| {
            let n = r.index(e.observed.len());
            let root = e.observed[n].link.root.clone();
            let learner = |o: &Observed| o.link.root == root && !o.at.topic.starts_with("dep.class");
            let all = e.observed.iter().filter(|o| learner(o)).count();
            let drop: Vec<std::sync::Arc<str>> =
                e.observed.iter().filter(|o| learner(o)).skip(1).take(2).map(|o| o.de_id.clone()).collect();
            e.observed.retain(|o| !drop.contains(&o.de_id));
            all > 2
        }),
        ("a value is altered", &[A::WrongValue], |e, r| {
            some(&mut e.observed, r).map(|o| o.digests.value ^= 1).is_some()
        }),
        ("a context is altered", &[A::WrongContext], |e, r| {
            some(&mut e.observed, r).map(|o| o.digests.identity ^= 1).is_some()
        }),
        ("a record has another key", &[A::WrongKey], |e, r| {
            some(&mut e.observed, r).map(|o| o.key = "t\u{1f}other".into()).is_some()
        }),
        ("an accepted copy has another key", &[A::WrongKey], |e, r| {
            some(&mut e.copies, r).map(|c| c.key = "t\u{1f}other".into()).is_some()
        }),
        ("a record lies in another partition", &[A::WrongPartition], |e, r| {
            some(&mut e.observed, r).map(|o| o.at.partition = 1).is_some()
        }),
        ("a refusal is kept with another reason", &[A::WrongReason], |e, r| {
            some(&mut e.refused, r).map(|o| o.codes = vec!["internal".to_owned()]).is_some()
        }),
        ("kept bytes differ", &[A::WrongBytes], |e, r| {
            some(&mut e.refused, r).and_then(|o| o.original.last_mut().map(|b| *b ^= 1)).is_some()
        }),
        ("an answer names another reason", &[A::WrongReason], |e, r| {
            let mut refused: Vec<&mut Sent> = e.sent.iter_mut().filter(|s| s.verdict == Some('r')).collect();
            some(&mut refused, r).map(|s| s.codes = vec!["internal".to_owned()]).is_some()
        }),
        ("a good event was answered with a refusal", &[A::WrongVerdict], |e, r| {
            let mut taken: Vec<&mut Sent> = e.sent.iter_mut().filter(|s| s.verdict == Some('a')).collect();
            some(&mut taken, r).map(|s| s.verdict = Some('r')).is_some()
        }),
        ("a bad event was answered with acceptance", &[A::WrongVerdict], |e, r| {
            let mut refused: Vec<&mut Sent> = e.sent.iter_mut().filter(|s| s.verdict == Some('r')).collect();
            some(&mut refused, r).map(|s| s.verdict = Some('a')).is_some()
        }),
        ("a row differs", &[A::WrongAggregate], |e, r| {
            let mut keys: Vec<_> = e.tables.keys().cloned().collect();
            keys.sort();
            let key = keys[r.index(keys.len())].clone();
            e.tables.get_mut(&key).map(|row| row.digest ^= 1).is_some()
        }),
        ("a row is gone", &[A::WrongAggregate], |e, r| {
            let mut keys: Vec<_> = e.tables.iter().filter(|(_, row)| !row.void).map(|(k, _)| k.clone()).collect();
            keys.sort();
            e.tables.remove(&keys[r.index(keys.len())]).is_some()
        }),
        ("a row nobody explains", &[A::WrongAggregate], |e, r| {
            let key = format!("u{}\u{1f}s\u{1f}i\u{1f}r", r.bits());
            e.tables.insert(("resource_time", key.into()), Stored { digest: 1, void: false, row: None });
            true
        }),
        ("a group has not come to the end", &[A::OpenPosition], |e, r| {
            some(&mut e.positions, r).map(|p| p.next.offset -= 1).is_some()
        }),
        ("a group has read nothing", &[A::OpenPosition], |e, r| {
            let n = r.index(e.positions.len());
            e.positions.remove(n);
            true
        }),
        ("the database is behind the group's offset", &[A::OpenPosition], |e, r| {
            some(&mut e.kept, r).map(|k| k.next = k.next.map(|n| n - 1)).is_some()
        }),
        ("the database is ahead of the group's offset", &[A::OpenPosition], |e, r| {
            some(&mut e.kept, r).map(|k| k.next = k.next.map(|n| n + 3)).is_some()
        }),
        ("the database does not know a partition", &[A::OpenPosition], |e, r| {
            let n = r.index(e.kept.len());
            e.kept.remove(n);
            true
        }),
        ("the log does not know the database's position", &[A::OpenPosition], |e, r| {
            some(&mut e.kept, r).map(|k| k.partition = 7).is_some()
        }),
        ("outputs wait in the outbox", &[A::Unpublished], |e, r| {
            some(&mut e.kept, r).map(|k| k.outbox = k.next.map(|n| n + 2)).is_some()
        }),
        ("a transaction is open", &[A::OpenTransaction], |e, r| {
            e.open.push(format!("org.gooru.da.gep.usage/{}", r.index(12)));
            true
        }),
        ("a dead letter holds other bytes", &[A::WrongBytes], |e, r| {
            some(&mut e.dead, r).map(|d| d.value ^= 1).is_some()
        }),
        ("a dead letter has another reason", &[A::WrongReason], |e, r| {
            some(&mut e.dead, r).map(|d| d.reason = "handler_failed".to_owned()).is_some()
        }),
        ("a signal says fewer changes", &[A::WrongValue], |e, r| {
            some(&mut e.usage, r).map(|u| u.changes += 1).is_some()
        }),
        ("a number on an edge is skipped", &[A::LostWrite], |e, r| {
            let n = r.index(e.observed.len());
            let (from, to) = (e.observed[n].link.from.topic.clone(), e.observed[n].at.clone());
            for record in e.observed.iter_mut().filter(|o| o.at.topic == to.topic && o.at.offset >= to.offset) {
                if record.link.from.topic == from {
                    record.link.seq += 1;
                }
            }
            true
        }),
    ]
}

#[test]
fn a_good_run_has_no_findings_and_every_single_spoiling_is_named() {
    let good = good();
    let findings = check(&good);
    assert!(findings.is_empty(), "{:#?}", findings.iter().take(5).map(ToString::to_string).collect::<Vec<_>>());
    let sizes = (good.sent.len(), good.observed.len(), good.dead.len(), good.refused.len());
    assert!(sizes.0 >= 180 && sizes.1 > 300 && sizes.2 >= 2 && sizes.3 >= 4, "{sizes:?}");
    let mut random = Random::new(5, 0);
    let (mut done, kinds) = (0, spoilings());
    for round in 0..40 {
        for (name, named, spoil) in &kinds {
            let mut bad = good.clone();
            if !spoil(&mut bad, &mut random) {
                continue;
            }
            done += 1;
            let found = check(&bad);
            let right = found.iter().any(|f| named.contains(&f.anomaly));
            let all: Vec<String> = found.iter().take(5).map(ToString::to_string).collect();
            assert!(right, "{name} (round {round}): {all:#?}");
        }
    }
    assert!(done >= 1_000, "{done}");
}
