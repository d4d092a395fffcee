//! What a running installation adds to the picture of its topics: rates, ends, lags, schema versions, strangers.
//!
//! Place: the work of `da graph --live`, on a cluster and on the data file. Joins no group and reads no record's value.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use da_model::fault::Fault;
use da_model::ids::{Partition, TopicName};
use da_model::topics::{self, PREFIX};
use da_runtime::batch::service_of;
use da_runtime::clock::SystemClock;
use da_runtime::cluster::registry_of;
use da_runtime::config::Settings;
use da_runtime::io::kafka::admin::Admin;
use da_runtime::ports::Clock;
use da_runtime::reading::{ClusterReading, Reading};
use da_runtime::registry::client::Client;
use serde::Serialize;

use crate::cluster;
use crate::output::Refusal;

/// How long a registry that is away is asked again.
const PATIENCE: Duration = Duration::from_secs(2);
/// The longest sleep between two looks at the clock, ms.
const PAUSE_MS: i64 = 250;

/// A topic as it is now.
#[derive(Debug, Clone, PartialEq, Serialize, Default)]
pub struct Seen {
    /// Partitions; 0 where the topic is not there.
    pub partitions: u32,
    /// Offsets behind the last record, all partitions together.
    pub end: i64,
    /// Offsets per second between the two looks; on a cluster the ends of transactions take offsets, too.
    pub per_second: f64,
    /// Versions of its subject in the registry; none where there is no registry.
    pub schema_versions: Vec<u32>,
}

/// An installation between two looks.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Live {
    /// Topics by short name, partners' topics among them.
    pub topics: BTreeMap<String, Seen>,
    /// Records that wait, by topic and the service that reads them.
    pub lags: BTreeMap<(String, String), i64>,
    /// Topics under our prefix that topics.yaml does not list, by short name.
    pub unknown: Vec<String>,
    /// Topics that partners write.
    pub partners: Vec<String>,
}

/// Two looks so many seconds apart.
///
/// # Errors
/// A refusal where log or registry do not answer.
pub fn look(settings: &Settings, seconds: u32) -> anyhow::Result<Live> {
    let mut live = Live::default();
    let mut reading: Box<dyn Reading> = if cluster::is_meant(settings) {
        let kafka = cluster::kafka(settings)?;
        let found = Admin::open(&kafka).and_then(|admin| admin.topics()).map_err(cluster::unanswered)?;
        let ours = found.keys().filter_map(|name| name.strip_prefix(PREFIX));
        live.unknown = ours.filter(|name| topics::named(name).is_none()).map(str::to_owned).collect();
        let groups = cluster::groups(settings)?;
        Box::new(ClusterReading::open(&kafka, groups, None).map_err(cluster::unanswered)?)
    } else {
        Box::new(cluster::file(&settings.dir)?)
    };
    live.partners = settings.partner_topics.iter().map(|topic| topic.topic.clone()).collect();
    let listed = topics::all().iter().map(|topic| topic.name.clone());
    let names: Vec<String> = listed.chain(live.unknown.iter().cloned()).chain(live.partners.iter().cloned()).collect();
    watch(&mut live, &mut *reading, (&names, seconds)).map_err(cluster::unanswered)?;
    versions(&mut live, settings)?;
    Ok(live)
}

/// Ends, lags, and ends again.
fn watch(live: &mut Live, reading: &mut dyn Reading, (names, seconds): (&[String], u32)) -> Result<(), Fault> {
    let begun = SystemClock.now();
    for name in names {
        let (partitions, end) = stands(reading, name)?;
        live.topics.insert(name.clone(), Seen { partitions, end, ..Seen::default() });
    }
    for position in reading.positions()? {
        let service = service(&position.group, &position.topic);
        *live.lags.entry((position.topic, service)).or_default() += position.end.0 - position.next.0;
    }
    let until = begun.plus(i64::from(seconds) * 1_000);
    while SystemClock.now() < until {
        let left = until.since(SystemClock.now()).clamp(1, PAUSE_MS);
        // Nobody wakes this thread: it looks again when the time has come.
        std::thread::park_timeout(Duration::from_millis(left.unsigned_abs()));
    }
    let passed = SystemClock.now().since(begun).max(1);
    for name in names {
        let (_, end) = stands(reading, name)?;
        if let Some(seen) = live.topics.get_mut(name) {
            seen.per_second = rate(end - seen.end, passed);
            seen.end = end;
        }
    }
    Ok(())
}

/// Partitions and the end of a topic, all partitions together.
fn stands(reading: &mut dyn Reading, name: &str) -> Result<(u32, i64), Fault> {
    let partitions = reading.partitions(name)?;
    let ends = (0..partitions).map(|n| reading.end(name, Partition(n)).map(|end| end.0));
    Ok((partitions, ends.sum::<Result<i64, Fault>>()?))
}

/// Per second, to a tenth.
#[expect(clippy::cast_precision_loss, reason = "a rate for people")]
fn rate(offsets: i64, ms: i64) -> f64 {
    (offsets as f64 * 10_000.0 / ms as f64).round() / 10.0
}

/// The service that a group belongs to.
fn service(group: &str, topic: &str) -> String {
    let reads: Vec<TopicName> = topics::named(topic).into_iter().collect();
    service_of(group, &reads).to_owned()
}

fn versions(live: &mut Live, settings: &Settings) -> anyhow::Result<()> {
    let Some(registry) = registry_of(&settings.cluster).filter(|_| cluster::is_meant(settings)) else {
        return Ok(());
    };
    let refused = |e: &dyn std::fmt::Display| Refusal::unreachable(e.to_string(), "da doctor");
    let client = Client::new(&registry, Arc::new(SystemClock)).map_err(|e| refused(&e))?.patient(PATIENCE);
    for (name, seen) in live.topics.iter_mut().filter(|(name, _)| !live.partners.contains(name)) {
        let subject = format!("{PREFIX}{name}-value");
        seen.schema_versions = client.numbers(&subject).map_err(|e| refused(&e))?;
    }
    Ok(())
}
