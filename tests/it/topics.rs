//! Topics as a service finds them at its start: those that differ in what results depend on are refused by name.
//!
//! Place: one module of the integration binary, over Kafka, on topics under names of its own. What a plan makes of a
//! difference is tested in da-runtime.

use std::sync::Arc;

use da_model::fault::Fault;
use da_model::ids::TopicName;
use da_model::topics::{self, Topic};
use da_runtime::clock::SystemClock;
use da_runtime::io::kafka::admin::Change;
use da_runtime::io::kafka::member::{KafkaMember, MemberOptions};
use da_runtime::io::kafka::sink::{KafkaSink, SinkBounds};
use tests::cluster::broker::Broker;
use tests::cluster::unique;

/// What a topic is made as, where it differs from the others.
enum Other {
    /// Partitions.
    Count(u32),
    /// Cleanup.
    Cleanup(&'static str),
}

/// Makes what a service reads and writes with 3 partitions each, and one of them differently.
fn made(broker: &Broker, (service, reads): (&str, &[&str]), different: (&str, &Other)) {
    let scope = broker.settings().scope;
    let meant = |t: &&'static Topic| reads.contains(&t.name.as_str()) || t.producers.iter().any(|p| p == service);
    let names: Vec<String> = topics::all().iter().filter(meant).map(|t| scope.topic(TopicName(&t.name))).collect();
    let different = (scope.topic(topics::named(different.0).unwrap()), different.1);
    let mut plan = broker.admin().plan(Some(3)).unwrap();
    plan.retain(|change| matches!(change, Change::Create { topic, .. } if names.contains(topic)));
    for change in &mut plan {
        let Change::Create { topic, partitions, configs } = change else { continue };
        if *topic != different.0 {
            continue;
        }
        match different.1 {
            Other::Count(count) => *partitions = *count,
            Other::Cleanup(policy) => drop(configs.insert("cleanup.policy".to_owned(), (*policy).to_owned())),
        }
    }
    assert_eq!(plan.len(), names.len());
    broker.admin().apply(&plan, 1).unwrap();
}

/// A member of a group of a service, as its program opens it.
fn open(
    broker: &Broker,
    (service, group): (&'static str, &'static str),
    reads: TopicName,
) -> Result<KafkaMember, Fault> {
    let base = MemberOptions::new(broker.settings().clone(), group, "0", Arc::new(SystemClock));
    KafkaMember::open(&MemberOptions { topics: vec![reads], service, ..base })
}

/// The sentence of a refusal, which no repetition heals.
fn refused<T>(opened: Result<T, Fault>) -> String {
    match opened.err() {
        Some(fault @ Fault::Fatal(_)) => fault.to_string(),
        other => panic!("refused for good: {other:?}"),
    }
}

#[test]
fn another_partition_count_than_that_of_the_input_is_refused_in_each_group_of_a_service() {
    let test = "another_partition_count_than_that_of_the_input_is_refused_in_each_group_of_a_service";
    let Some(broker) = Broker::apart(test) else { return };
    let read = "demux.question.score";
    made(&broker, ("dep", &[read]), ("dep.lesson.score", &Other::Count(2)));
    let [lesson, from] = ["dep.lesson.score", read].map(|name| broker.settings().scope.topic(TopicName(name)));
    for group in ["dep", "scores"] {
        let sentence = refused(open(&broker, ("dep", group), TopicName(read)));
        let expected = format!("{lesson} has 2 partitions and {from}, from which it inherits them, has 3");
        assert!(sentence.contains(&expected) && sentence.contains("da topics plan"), "{group}: {sentence}");
    }
}

#[test]
fn a_partners_topic_may_have_as_many_partitions_as_it_likes() {
    let test = "a_partners_topic_may_have_as_many_partitions_as_it_likes";
    let Some(broker) = Broker::apart(test) else { return };
    made(&broker, ("gep", &[]), ("gep.usage", &Other::Count(3)));
    let partner = TopicName(unique("partner"));
    broker.admin().create_topic(partner, 5, 1).unwrap();
    assert!(open(&broker, ("gep", "gep.intake"), partner).is_ok());
}

#[test]
fn a_topic_that_is_compacted_is_refused_before_it_is_read_or_written() {
    let test = "a_topic_that_is_compacted_is_refused_before_it_is_read_or_written";
    for (different, policy) in
        [("gep.usage", "compact"), ("demux.question.score", "compact,delete"), ("demux.dead", "delete")]
    {
        let Some(broker) = Broker::apart(test) else { return };
        made(&broker, ("demux", &["gep.usage"]), (different, &Other::Cleanup(policy)));
        let opened = open(&broker, ("demux", "demux"), TopicName("gep.usage"));
        if policy == "delete" {
            assert!(opened.is_ok(), "as it is meant");
            continue;
        }
        let sentence = refused(opened);
        let name = broker.settings().scope.topic(topics::named(different).unwrap());
        let expected = format!("{name} has cleanup.policy={policy} and must have delete");
        assert!(sentence.contains(&expected) && sentence.contains("da topics plan"), "{sentence}");
    }
    let Some(broker) = Broker::apart(test) else { return };
    made(&broker, ("", &["gep.accepted"]), ("gep.accepted", &Other::Cleanup("compact")));
    let sink = KafkaSink::open(broker.settings(), &[TopicName("gep.accepted")], SinkBounds::default());
    let sentence = refused(sink);
    assert!(sentence.contains("gep.accepted has cleanup.policy=compact and must have delete"), "{sentence}");
}
