//! The brokers: whether they answer, hold our topics, let every role do its work, commit in time and know the time.
//!
//! Place: first part of `examine`. What hangs on a connection that there is none of is told as skipped.

use std::sync::Arc;

use da_model::fault::Fault;
use da_model::ids::TopicName;
use da_model::topics::{self, SCRATCH};
use da_runtime::batch::service_of;
use da_runtime::clock::SystemClock;
use da_runtime::config::Settings;
use da_runtime::io::kafka::admin::Change;
use da_runtime::io::kafka::trial::{MISSING, Rights, Sample, Told, Trial};

use super::{Asked, Check, clock};
use crate::cluster;

/// Transactions measured for each group.
const TRANSACTIONS: usize = 5;
/// What to do where brokers do not answer, or refuse.
const CONTACT: (&str, &str) = (
    "start the brokers, or correct kafka.bootstrap: da config show",
    "correct kafka.security, kafka.sasl and kafka.tls: da config show",
);
/// What to do where a transaction fails.
const TRANSACT: (&str, &str) = (
    "look at the brokers' log: the coordinator of transactions or a replica is away",
    "allow this user Write on the transactional ids that begin with the group's name, and Create, Read and Write on \
     org.gooru.da.scratch.doctor (kafka-acls.sh)",
);
/// What hangs on the connection, in order.
const LATER: [&str; 4] = ["topics", "rights", "transaction", "kafka.clock"];

/// A group with the service it belongs to and the topics it reads.
struct Reader {
    group: &'static str,
    service: &'static str,
    topics: Vec<TopicName>,
}

/// Makes the checks, and tells each.
pub(super) fn examine(
    settings: &Settings,
    asked: &Asked,
    tell: &mut dyn FnMut(Check) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let place = settings.cluster.kafka.bootstrap.as_str();
    let skip = |tell: &mut dyn FnMut(Check) -> anyhow::Result<()>| {
        LATER.iter().try_for_each(|check| tell(Check::skipped(check, "Kafka does not answer")))
    };
    let kafka = match cluster::kafka(settings) {
        Ok(kafka) => kafka,
        Err(error) => {
            tell(Check::new("kafka", place).found(format!("{error:#}"), "da validate"))?;
            return skip(tell);
        }
    };
    let trial = Trial::open(&kafka, Arc::new(SystemClock)).and_then(|trial| trial.contact().map(|told| (trial, told)));
    let (trial, (brokers, ms)) = match trial {
        Ok(answered) => answered,
        Err(fault) => {
            tell(Check::new("kafka", place).fault(&fault, CONTACT))?;
            return skip(tell);
        }
    };
    let said = format!("{brokers} broker(s), an answer in {ms} ms");
    tell(Check::new("kafka", place).said(said).measured("brokers", brokers as i64).measured("answer_ms", ms))?;
    tell(as_listed(&trial, place, asked.partitions))?;
    let user = settings.cluster.kafka.sasl.username.as_deref().unwrap_or("NAME");
    let readers = readers(settings, &asked.roles)?;
    for role in &asked.roles {
        tell(rights(&trial, (role, user), &readers))?;
    }
    let mut ahead = None;
    for reader in &readers {
        let sample = trial.transactions(reader.group, TRANSACTIONS);
        ahead = ahead.or(sample.as_ref().ok().map(|sample| sample.ahead));
        tell(transactions(reader.group, sample))?;
    }
    match ahead {
        Some(ahead) => tell(clock("kafka.clock", place, ahead)),
        None => tell(Check::skipped("kafka.clock", "no transaction succeeded")),
    }
}

fn readers(settings: &Settings, roles: &[&'static str]) -> anyhow::Result<Vec<Reader>> {
    let reader = |(group, topics): (&'static str, Vec<TopicName>)| {
        let internal: Vec<TopicName> = topics.iter().copied().filter(|t| topics::find(*t).is_some()).collect();
        Reader { group, service: service_of(group, &internal), topics }
    };
    let all = cluster::groups(settings)?.into_iter().map(reader);
    Ok(all.filter(|reader| roles.contains(&reader.service)).collect())
}

fn as_listed(trial: &Trial, place: &str, partitions: Option<u32>) -> Check {
    let this = Check::new("topics", place);
    let plan = match trial.admin().plan(partitions) {
        Ok(plan) => plan,
        Err(fault) => return this.fault(&fault, CONTACT),
    };
    let this = this.said(format!("{} are listed in topics.yaml, {} differ", topics::all().len(), plan.len()));
    plan.iter().fold(this.measured("differ", plan.len() as i64), |this, change| {
        let next = match change {
            Change::Create { .. } => "da topics apply, unless `rights` says that this user may not see it",
            Change::Grow { .. } | Change::Set { .. } => "da topics plan, then da topics apply",
            Change::Leave { .. } => "decide by hand: what is there keeps more, or was made with another number",
        };
        this.found(change.to_string(), next)
    })
}

/// Whether our user may do all that a role does.
fn rights(trial: &Trial, (role, user): (&'static str, &str), readers: &[Reader]) -> Check {
    let this = Check::new("rights", role);
    let mine = || readers.iter().filter(|reader| reader.service == role);
    let written = topics::all().iter().filter(|t| t.producers.iter().any(|p| p == role));
    let written: Vec<String> = written.map(|t| topics::full_name(TopicName(&t.name))).collect();
    let read: Vec<String> = mine().flat_map(|reader| &reader.topics).map(|t| topics::full_name(*t)).collect();
    let groups: Vec<String> = mine().map(|reader| reader.group.to_owned()).collect();
    let named: Vec<String> = written.iter().chain(&read).cloned().collect();
    let told = trial.rights_on_topics(&named).and_then(|topics| Ok((topics, trial.rights_on_groups(&groups)?)));
    let (on_topics, on_groups) = match told {
        Ok(told) => told,
        Err(fault) => return this.fault(&fault, CONTACT),
    };
    let said = format!("reads {}, writes {} topics, as {}", read.len(), written.len(), groups.join(", "));
    let mut this = this.said(said);
    for (names, told, operation) in [
        (&written, &on_topics, Operation::Write),
        (&read, &on_topics, Operation::Read),
        (&groups, &on_groups, Operation::Join),
    ] {
        this = names.iter().fold(this, |this, name| judged(this, (name, told), (user, operation)));
    }
    this
}

/// What a role does with a topic or a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operation {
    Read,
    Write,
    Join,
}

fn judged(this: Check, (name, told): (&str, &Told), (user, operation): (&str, Operation)) -> Check {
    let (word, kind) = match operation {
        Operation::Read => ("Read", "topic"),
        Operation::Write => ("Write", "topic"),
        Operation::Join => ("Read", "group"),
    };
    let allowed = |rights: &Rights| if operation == Operation::Write { rights.write } else { rights.read };
    let why = match told.get(name) {
        Some(Ok(rights)) if allowed(rights) => return this,
        Some(Ok(_)) => format!("this user is not allowed {word}"),
        Some(Err(why)) => why.clone(),
        None => "the brokers told nothing of it".to_owned(),
    };
    let next = if why == MISSING {
        "da topics apply".to_owned()
    } else {
        format!("kafka-acls.sh --add --allow-principal User:{user} --operation {word} --{kind} {name}")
    };
    this.found(format!("{kind} {name}: {why}"), next)
}

fn transactions(group: &str, sample: Result<Sample, Fault>) -> Check {
    let this = Check::new("transaction", format!("{SCRATCH} as {group}"));
    match sample {
        Ok(sample) => this.timed(&sample.took, "look at the brokers' disks and at the network to them"),
        Err(fault) => this.fault(&fault, TRANSACT),
    }
}
