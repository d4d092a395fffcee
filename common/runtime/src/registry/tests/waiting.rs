//! The Driver and a foreign schema: its partition waits while the registry is away, and nothing else does.
//!
//! Place: test code of this folder, over a log in memory of two partitions.

use std::collections::BTreeMap;

use da_model::effects::Effects;
use da_model::fault::{Fault, Rejection};
use da_model::handler::Handler;
use da_model::outcome::Outcome;
use da_model::record::Record;
use da_model::state::{RowKey, Snapshot};

use super::*;
use crate::batch::Rows;
use crate::commit::{Ask, Protocol, Work};
use crate::driver::{DriverOptions, stage};

/// Reads system events and does nothing about them.
struct Reader(Arc<Mutex<Vec<i64>>>);

impl Handler for Reader {
    type Input<'r> = i64;

    fn name(&self) -> &'static str {
        "gep"
    }

    fn topics(&self) -> Vec<TopicName> {
        vec![SYSTEM]
    }

    fn decode<'r>(&self, record: &Record<'r>, schemas: &Schemas) -> Result<i64, Rejection> {
        codec::decode(record.value.unwrap(), schemas).map(|_| record.offset.0)
    }

    fn reads(&self, _: &i64) -> Vec<RowKey> {
        Vec::new()
    }

    fn decide<'r>(&self, input: &i64, _: &Snapshot<'_>) -> Result<Effects<'r>, Rejection> {
        self.0.lock().unwrap().push(*input);
        Ok(Effects::none(Outcome::Applied))
    }
}

/// Records per partition, where each stands, and the dead letters.
#[derive(Default)]
struct Memory {
    records: BTreeMap<u32, Vec<Vec<u8>>>,
    stands: BTreeMap<u32, Position>,
    dead: Vec<Vec<u8>>,
}

impl Protocol for Memory {
    fn partitions(&self, _: TopicName) -> u32 {
        2
    }

    fn poll(&mut self, ask: Ask<'_>) -> Result<Polled, Fault> {
        let mut parts = Vec::new();
        for (number, values) in &self.records {
            let at = TopicPartition { topic: SYSTEM, partition: Partition(*number) };
            let position = self.stands.get(number).cloned().unwrap_or_default();
            let first = usize::try_from(position.next.0).unwrap();
            if first == values.len() || ask.except.contains(&at) {
                continue;
            }
            let mut segment = Segment::new(Offset(0));
            values.iter().for_each(|value| segment.push(Timestamp(1), None, Some(value)));
            parts.push(Part { at, position, spans: vec![(Arc::new(segment), first..values.len())] });
        }
        Ok(Polled { parts, set_aside: false })
    }

    fn begin(&mut self, _: &[RowKey]) -> Result<Rows, Fault> {
        Ok(Rows::default())
    }

    fn commit(&mut self, work: Work) -> Result<(), Fault> {
        self.stands.extend(work.positions.into_iter().map(|(at, position)| (at.partition.0, position)));
        self.dead.extend(work.out.records().map(|record| record.value.to_vec()));
        Ok(())
    }

    fn abandon(&mut self) {}
}

#[test]
fn a_partition_waits_for_a_schema_and_the_others_go_on() {
    let (folder, schemas) = (Folder::new(), Schemas::embedded());
    let (ours, newer, schema) = values(&schemas);
    let answer = Arc::new(Mutex::new(None::<(u16, String)>));
    let said = Arc::clone(&answer);
    let stub = Stub::start(move |_| match said.lock().unwrap().clone() {
        Some((status, text)) => Reply::Says(status, text),
        None => Reply::Gone,
    });
    let clock = Arc::new(ManualClock::new(Timestamp(0)));
    let registry = Client::within(&at(&stub.url()), clock.clone(), SHORT).unwrap();
    let translator = Some(Arc::new(translator(&folder.0, registry, clock.clone())));
    let seen = Arc::new(Mutex::new(Vec::new()));
    let mut stage = stage(Reader(Arc::clone(&seen)), DriverOptions { translator, ..DriverOptions::new(clock.clone()) });
    let mut log = Memory::default();
    log.records.insert(0, vec![ours.clone(), newer.clone()]);
    log.records.insert(1, vec![ours.clone(), ours.clone(), ours]);

    assert_eq!(stage.step(&mut log, 100).unwrap().records, 3, "partition 1 alone");
    assert_eq!(stage.step(&mut log, 100).unwrap().records, 0, "partition 0 waits");
    assert_eq!(log.stands.keys().copied().collect::<Vec<_>>(), [1]);
    assert!(stage.stalled().is_empty(), "waiting is no alarm");

    *answer.lock().unwrap() = Some((200, json!({"schema": schema}).to_string()));
    assert_eq!(stage.step(&mut log, 100).unwrap().records, 0, "asked again after a while only");
    clock.advance(1_001);
    assert_eq!(stage.step(&mut log, 100).unwrap().records, 2);
    assert_eq!((seen.lock().unwrap().len(), log.dead.len()), (5, 0));

    let mut unknown = newer;
    unknown[1..5].copy_from_slice(&78_u32.to_be_bytes());
    *answer.lock().unwrap() = Some((404, r#"{"error_code": 40403, "message": "none"}"#.to_owned()));
    log.records.get_mut(&0).unwrap().push(unknown.clone());
    assert_eq!(stage.step(&mut log, 100).unwrap().records, 1);
    let (_, event) = codec::decode(&log.dead[0], &schemas).unwrap();
    let Event::Dead(letter) = event else { panic!("{event:?}") };
    assert_eq!((letter.rejection.reason, letter.value), (Reason::SchemaUnknown, Some(unknown)), "the bytes that came");
}
