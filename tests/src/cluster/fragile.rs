//! A stage that dies at one record: no caller can protect itself from it.
//!
//! Place: what the program `fragile` runs, which the tests of process killers start again and again.

use std::sync::Arc;

use da_model::effects::Effects;
use da_model::fault::Rejection;
use da_model::handler::Handler;
use da_model::ids::TopicName;
use da_model::outcome::Outcome;
use da_model::record::Record;
use da_model::schema::Schemas;
use da_model::state::{RowKey, Snapshot};
use da_runtime::clock::SystemClock;
use da_runtime::commit::GroupProtocol;
use da_runtime::commit::kafka_txn::KafkaTxn;
use da_runtime::commit::sql_txn::{SqlOptions, SqlTxn};
use da_runtime::driver::{DriverOptions, stage};
use da_runtime::io::sql::RUNTIME_POSTGRES;
use da_runtime::io::sql::postgres::{PostgresSettings, PostgresStore, StoreOptions};

use super::Slot;
use super::broker::Broker;
use super::worker::until_read;

/// The record that kills.
pub const KILLER: &str = "a7";

/// The name of its group's handler.
const NAME: &str = "demux.fragile";

struct Fragile(TopicName);

impl Handler for Fragile {
    type Input<'r> = Record<'r>;

    fn name(&self) -> &'static str {
        NAME
    }

    fn topics(&self) -> Vec<TopicName> {
        vec![self.0]
    }

    fn decode<'r>(&self, record: &Record<'r>, _: &Schemas) -> Result<Self::Input<'r>, Rejection> {
        Ok(*record)
    }

    fn reads(&self, _: &Self::Input<'_>) -> Vec<RowKey> {
        Vec::new()
    }

    fn decide<'r>(&self, input: &Self::Input<'r>, _: &Snapshot<'_>) -> Result<Effects<'r>, Rejection> {
        if input.value == Some(KILLER.as_bytes()) {
            std::process::abort();
        }
        Ok(Effects::none(Outcome::Applied))
    }
}

/// Runs the stage over `topic` in `group` until everything is read; by `kafka` or by `sql` in `database`.
///
/// # Panics
/// When Kafka or the database is not there.
pub fn run([protocol, topic, group, database]: [&'static str; 4]) {
    let broker = Broker::at_hand("fragile").unwrap_or_else(|| panic!("there is no broker"));
    let (topic, slot) = (TopicName(topic), Slot { group, slot: 0 });
    let member = Box::new(broker.serving(slot, &[topic], "demux").unwrap_or_else(|fault| panic!("{fault}")));
    let protocol: Box<dyn GroupProtocol> = if protocol == "kafka" {
        Box::new(KafkaTxn::new(member))
    } else {
        let store = PostgresStore::new(StoreOptions {
            settings: PostgresSettings { dev: true, ..PostgresSettings::of(database) },
            group: NAME,
            owner: "0".to_owned(),
            tables: Vec::new(),
            alone: Vec::new(),
            migrations: RUNTIME_POSTGRES.to_vec(),
        });
        let store = store.unwrap_or_else(|fault| panic!("{fault}"));
        Box::new(SqlTxn::new(member, Box::new(store), SqlOptions::default()))
    };
    until_read(stage(Fragile(topic), DriverOptions::new(Arc::new(SystemClock))), protocol);
}
