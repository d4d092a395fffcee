//! The pipeline as it runs beyond one's own machine, and what a service says to each mistake on the way there.
//!
//! Place: one module of the integration binary, over the listeners with TLS and users of the local stack; skipped
//! without them. That settings cannot hold some mistakes is tested in da-runtime.

use std::sync::Arc;
use std::thread;

use da_model::fault::Fault;
use da_model::ids::TopicName;
use da_runtime::clock::SystemClock;
use da_runtime::io::kafka::client::{KafkaSettings, Sasl, Secret, Security};
use da_runtime::io::kafka::member::{KafkaMember, MemberOptions};
use da_runtime::io::kafka::sink::{KafkaSink, SinkBounds};
use da_runtime::ports::Clock;
use tests::cluster::Slot;
use tests::stack::Form;
use tests::stack::servers::{secured_kafka, told};

use crate::cases::a01_full_session;

/// The longest that a service may take to say what is wrong, ms.
const PATIENCE: i64 = 20_000;

/// A way to ask for something wrong, and what must be said to it.
struct Mistake {
    what: &'static str,
    settings: KafkaSettings,
    /// What refuses ends the process; what may pass is tried again.
    ends: bool,
    says: &'static [&'static str],
}

#[test]
fn a_whole_session_counts_exactly_over_sasl_and_tls() {
    if !Form::Secured.at_hand("a_whole_session_counts_exactly_over_sasl_and_tls") {
        return;
    }
    let stack = Form::Secured.start();
    a01_full_session::holds(&stack);
    let of_services = "pg_stat_ssl JOIN pg_stat_activity USING (pid) \
                       WHERE datname = current_database() AND application_name NOT IN ('da', 'tests')";
    assert_eq!(stack.rows("DISTINCT ssl", of_services), ["true"], "services and database");
    assert!(stack.rows("count(*) AS sessions", of_services)[0].parse::<u32>().unwrap() >= 2, "gep and dep");
}

/// Each mistake beside the settings that let in.
fn mistakes(good: &KafkaSettings, (other_ca, plain): (String, String)) -> Vec<Mistake> {
    let sasl = |change: fn(&mut Sasl)| {
        let mut sasl = good.sasl.clone().unwrap();
        change(&mut sasl);
        KafkaSettings { sasl: Some(sasl), ..good.clone() }
    };
    let ca = |file: String| KafkaSettings { ca_file: Some(file.into()), ..good.clone() };
    let secure = |security: Security| KafkaSettings { security, sasl: None, ..good.clone() };
    let row = |what, settings, ends, says| Mistake { what, settings, ends, says };
    vec![
        row(
            "a wrong password",
            sasl(|sasl| sasl.password = Secret("wrong-secret".to_owned())),
            true,
            &["kafka.sasl: user, password"],
        ),
        row(
            "a user that is not there",
            sasl(|sasl| sasl.username = "nobody".to_owned()),
            true,
            &["kafka.sasl: user, password"],
        ),
        row(
            "a mechanism that the broker does not offer",
            sasl(|sasl| sasl.mechanism = Some("SCRAM-SHA-256".to_owned())),
            true,
            &["does not offer kafka.sasl.mechanism", "supported mechanisms: SCRAM-SHA-512"],
        ),
        row("a foreign authority", ca(other_ca), true, &["kafka.tls.ca_file"]),
        row("no file of the authority", ca("no/such.pem".to_owned()), true, &["kafka.tls.ca_file", "no/such.pem"]),
        row("plain text to a port of TLS", secure(Security::Plaintext), false, &["what kafka.security names"]),
        row("TLS without a user", secure(Security::Ssl), false, &["what kafka.security names"]),
        row(
            "TLS to a port of plain text",
            KafkaSettings { bootstrap: plain, ..good.clone() },
            false,
            &["what kafka.security names"],
        ),
    ]
}

/// What the reading and what the writing side of a service say, each with the time that it took, ms.
fn said(settings: &KafkaSettings) -> [(Fault, i64); 2] {
    let timed = |open: &dyn Fn() -> Option<Fault>| {
        let begun = SystemClock.now();
        let fault = open().unwrap_or_else(|| panic!("it was let in: {settings:?}"));
        (fault, SystemClock.now().since(begun))
    };
    let topics = [TopicName("gep.usage")];
    let base = MemberOptions::new(settings.clone(), Slot::new().group, "0", Arc::new(SystemClock));
    let options = MemberOptions { topics: topics.to_vec(), ..base };
    [
        timed(&|| KafkaMember::open(&options).err()),
        timed(&|| KafkaSink::open(settings, &topics, SinkBounds::default()).err()),
    ]
}

#[test]
fn each_mistake_on_the_way_to_kafka_is_told_with_the_setting_to_look_at() {
    let test = "each_mistake_on_the_way_to_kafka_is_told_with_the_setting_to_look_at";
    let Some((good, _)) = secured_kafka(test) else { return };
    let (Some(other_ca), Some(plain)) = (told(test, "KAFKA_OTHER_CA_FILE"), told(test, "KAFKA_BOOTSTRAP")) else {
        return;
    };
    let mistakes = mistakes(&good, (other_ca, plain));
    let all: Vec<[(Fault, i64); 2]> = thread::scope(|scope| {
        let asked: Vec<_> = mistakes.iter().map(|mistake| scope.spawn(|| said(&mistake.settings))).collect();
        asked.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    for (mistake, (fault, took)) in mistakes.iter().zip(all).flat_map(|(m, both)| both.map(|one| (m, one))) {
        let Mistake { what, settings, ends, says } = mistake;
        let sentence = fault.to_string();
        assert_eq!(matches!(fault, Fault::Fatal(_)), *ends, "{what}: {sentence}");
        assert_eq!(matches!(fault, Fault::Transient(_)), !ends, "{what}: {sentence}");
        assert!(says.iter().all(|part| sentence.contains(part)), "{what}: {sentence}");
        let is_file = *what == "no file of the authority";
        assert!(is_file || sentence.contains(&settings.bootstrap), "{what}, where: {sentence}");
        assert!(!sentence.contains("wrong-secret"), "{what} shows no secret: {sentence}");
        assert!(took < PATIENCE, "{what} is told after {took} ms");
    }
}
