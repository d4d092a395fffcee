//! Settings → configuration of every client, mistakes explained before one is built, and errors → faults.
//!
//! Place: first step of `member`, `sink` and `admin`. Values are those of delivery.md §6 "Client settings". Connects to
//! nothing; opens no file (secrets come as text).

use std::fmt;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use da_model::fault::{Cause, Fault};
use da_model::ids::TopicName;
use da_model::topics;
use rdkafka::ClientContext;
use rdkafka::client::DefaultClientContext;
use rdkafka::config::{ClientConfig, RDKafkaLogLevel};
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};

use crate::commit::outbox::RECORD_BYTES;
use crate::io::is_on_this_machine;

/// How to talk to the brokers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KafkaSettings {
    /// `host:port`, several behind commas.
    pub bootstrap: String,
    /// Encryption and authentication.
    pub security: Security,
    /// User and password; required by the two SASL protocols.
    pub sasl: Option<Sasl>,
    /// Certificates that are trusted; the system's where absent.
    pub ca_file: Option<PathBuf>,
    /// Our certificate, for mutual TLS.
    pub certificate_file: Option<PathBuf>,
    /// Its key.
    pub key_file: Option<PathBuf>,
    /// The dev profile: plaintext beyond loopback is allowed.
    pub dev: bool,
    /// `classic` or `consumer`.
    pub group_protocol: GroupKind,
    /// After so long without a heartbeat a member is thrown out.
    pub session_timeout: Duration,
    /// After so long the broker aborts an open transaction.
    pub transaction_timeout: Duration,
    /// How long the producer gathers records of one request to a broker.
    pub linger: Duration,
    /// Compression of batches: `none`, `lz4`, `zstd`.
    pub compression: Compression,
    /// Most bytes of one poll.
    pub batch_bytes: usize,
    /// What keeps the names of this pipeline apart from those of another one on the same brokers.
    pub scope: Scope,
}

/// What stands before the names of all topics, groups and transactions: nothing, but in trials and tests where several
/// pipelines share brokers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Scope(pub &'static str);

impl Scope {
    /// A topic's name on the brokers.
    #[must_use]
    pub fn topic(self, name: TopicName) -> String {
        format!("{}{}", self.0, topics::full_name(name))
    }

    /// A group's name on the brokers.
    #[must_use]
    pub fn group(self, name: &str) -> String {
        format!("{}{name}", self.0)
    }
}

impl KafkaSettings {
    /// The defaults of delivery.md.
    #[must_use]
    pub fn new(bootstrap: impl Into<String>) -> Self {
        Self {
            bootstrap: bootstrap.into(),
            security: Security::Plaintext,
            sasl: None,
            ca_file: None,
            certificate_file: None,
            key_file: None,
            dev: false,
            group_protocol: GroupKind::Classic,
            session_timeout: Duration::from_secs(10),
            transaction_timeout: Duration::from_secs(15),
            linger: Duration::ZERO,
            compression: Compression::Lz4,
            batch_bytes: 4 << 20,
            scope: Scope::default(),
        }
    }
}

/// Encryption and authentication of connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Security {
    /// Neither: loopback, or the dev profile.
    Plaintext,
    /// TLS.
    Ssl,
    /// User and password in the clear: loopback, or the dev profile.
    SaslPlaintext,
    /// User and password over TLS.
    SaslSsl,
}

/// Which group protocol the brokers speak with us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GroupKind {
    /// The one that the drills were run with.
    Classic,
    /// KIP-848; see delivery.md §6 before you switch.
    Consumer,
}

/// Compression of batches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compression {
    /// None.
    None,
    /// Fast.
    Lz4,
    /// Small.
    Zstd,
}

/// User and password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sasl {
    /// `SCRAM-SHA-512`, `SCRAM-SHA-256` or `PLAIN`; must be named.
    pub mechanism: Option<String>,
    /// User.
    pub username: String,
    /// Password.
    pub password: Secret,
}

/// A text that is never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(pub String);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

const MECHANISMS: &[&str] = &["SCRAM-SHA-512", "SCRAM-SHA-256", "PLAIN"];

/// What is wrong with these settings, in one sentence that says what to do.
///
/// # Errors
/// That sentence.
pub fn check(settings: &KafkaSettings) -> Result<(), String> {
    let open = matches!(settings.security, Security::Plaintext | Security::SaslPlaintext);
    let foreign = settings.bootstrap.split(',').map(str::trim).find(|address| !is_on_this_machine(address));
    if let (true, false, Some(address)) = (open, settings.dev, foreign) {
        return Err(format!(
            "kafka.security is plaintext and {address} is not on this machine: records and passwords would cross the \
             network in the clear. Set kafka.security to sasl_ssl (or ssl), or run the dev profile"
        ));
    }
    if matches!(settings.security, Security::SaslPlaintext | Security::SaslSsl) {
        check_sasl(settings.sasl.as_ref())?;
    } else if settings.sasl.is_some() {
        return Err("kafka.sasl is given, but kafka.security names no SASL protocol; set it to sasl_ssl".to_owned());
    }
    if settings.certificate_file.is_some() != settings.key_file.is_some() {
        return Err("kafka.tls.certificate_file and kafka.tls.key_file go together; one is missing".to_owned());
    }
    if settings.transaction_timeout <= MESSAGE_TIMEOUT {
        return Err(format!(
            "kafka.transaction_timeout must be above the message timeout of {} s",
            MESSAGE_TIMEOUT.as_secs()
        ));
    }
    Ok(())
}

fn check_sasl(sasl: Option<&Sasl>) -> Result<(), String> {
    let sasl = sasl.ok_or("kafka.security names SASL, but kafka.sasl has neither user nor mechanism")?;
    let Some(mechanism) = &sasl.mechanism else {
        return Err(format!(
            "kafka.sasl.mechanism is missing. The client's own default is GSSAPI (Kerberos), which is not built in; \
             name one of {}",
            MECHANISMS.join(", ")
        ));
    };
    if mechanism.eq_ignore_ascii_case("OAUTHBEARER") {
        return Err(
            "kafka.sasl.mechanism OAUTHBEARER: fetching of tokens (OIDC) is not built in; use SCRAM-SHA-512 or \
                    a client certificate"
                .to_owned(),
        );
    }
    if !MECHANISMS.contains(&mechanism.as_str()) {
        return Err(format!(
            "kafka.sasl.mechanism `{mechanism}` is not built in; name one of {}",
            MECHANISMS.join(", ")
        ));
    }
    if sasl.username.is_empty() || sasl.password.0.is_empty() {
        return Err("kafka.sasl.username or the password is empty".to_owned());
    }
    Ok(())
}

/// Below the transaction timeout, so that a lost message ends a transaction and not the broker.
pub(super) const MESSAGE_TIMEOUT: Duration = Duration::from_secs(10);
/// The longest wait of the edge.
const EDGE_TIMEOUT: Duration = Duration::from_secs(8);

/// What all clients share.
///
/// # Errors
/// [`Fault::Fatal`] with the sentence of [`check`].
pub(super) fn common(settings: &KafkaSettings) -> Result<ClientConfig, Fault> {
    check(settings).map_err(|told| fatal("settings of Kafka", told))?;
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", &settings.bootstrap).set("client.id", "gooru-da");
    config.set("socket.timeout.ms", "10000").set("socket.keepalive.enable", "true");
    config.set("reconnect.backoff.ms", "50").set("reconnect.backoff.max.ms", "1000");
    let protocol = match settings.security {
        Security::Plaintext => "plaintext",
        Security::Ssl => "ssl",
        Security::SaslPlaintext => "sasl_plaintext",
        Security::SaslSsl => "sasl_ssl",
    };
    config.set("security.protocol", protocol);
    if let Some(Sasl { mechanism: Some(mechanism), username, password }) = &settings.sasl {
        config.set("sasl.mechanism", mechanism).set("sasl.username", username).set("sasl.password", &password.0);
    }
    let files = [
        ("ssl.ca.location", "kafka.tls.ca_file", &settings.ca_file),
        ("ssl.certificate.location", "kafka.tls.certificate_file", &settings.certificate_file),
        ("ssl.key.location", "kafka.tls.key_file", &settings.key_file),
    ];
    for (key, named, file) in files.into_iter().filter_map(|(key, named, file)| Some((key, named, file.as_ref()?))) {
        if !file.is_file() {
            return Err(fatal("settings of Kafka", format!("{named}: there is no file {}", file.display())));
        }
        config.set(key, file.display().to_string());
    }
    Ok(config)
}

/// A consumer of `group` in `slot`.
pub(super) fn consumer(settings: &KafkaSettings, group: &str, slot: &str) -> Result<ClientConfig, Fault> {
    let (mut config, group) = (common(settings)?, settings.scope.group(group));
    config.set("group.id", &group).set("group.instance.id", format!("{group}-{slot}"));
    match settings.group_protocol {
        GroupKind::Classic => {
            config.set("group.protocol", "classic").set("partition.assignment.strategy", "cooperative-sticky");
            config.set("session.timeout.ms", millis(settings.session_timeout));
            // A member hears of a rebalance with its next heartbeat.
            config.set("heartbeat.interval.ms", millis(settings.session_timeout / 10));
        }
        GroupKind::Consumer => {
            config.set("group.protocol", "consumer");
        }
    }
    config.set("isolation.level", "read_committed").set("max.poll.interval.ms", "60000");
    config.set("enable.auto.commit", "false").set("enable.auto.offset.store", "false");
    config.set("allow.auto.create.topics", "false");
    config.set("auto.offset.reset", "error").set("enable.partition.eof", "false").set("check.crcs", "true");
    config.set("fetch.wait.max.ms", "50").set("fetch.queue.backoff.ms", "10");
    config.set("queued.max.messages.kbytes", "16384").set("statistics.interval.ms", "0");
    Ok(config)
}

/// When an idle connection of a transactional producer is closed, ms.
const IDLE_MS: &str = "8000";

/// The transactional producer of `group` in `slot`.
pub(super) fn transactional(settings: &KafkaSettings, group: &str, slot: &str) -> Result<ClientConfig, Fault> {
    let mut config = without_transactions(settings)?;
    config.set("transactional.id", format!("{}-{slot}", settings.scope.group(group)));
    config.set("transaction.timeout.ms", millis(settings.transaction_timeout));
    // The client can wait for ever for a group coordinator that left the cluster's list of brokers, whatever time it was
    // given (librdkafka #5511, #5456). It looks again when the state of any connection changes: one that is idle is closed.
    config.set("connections.max.idle.ms", IDLE_MS);
    // Whatever is shown of it: a transaction is suspect when the log tells of a connection that failed.
    config.set("log.connection.close", "true").set_log_level(RDKafkaLogLevel::Info);
    Ok(config)
}

/// The same without transactions, for a benchmark to set beside it.
pub(super) fn without_transactions(settings: &KafkaSettings) -> Result<ClientConfig, Fault> {
    let mut config = producer(settings)?;
    config.set("message.timeout.ms", millis(MESSAGE_TIMEOUT)).set("retry.backoff.ms", "20");
    config.set("delivery.report.only.error", "true");
    Ok(config)
}

/// The producer of the edge: every record is reported.
pub(super) fn edge(settings: &KafkaSettings) -> Result<ClientConfig, Fault> {
    let mut config = producer(settings)?;
    config.set("message.timeout.ms", millis(EDGE_TIMEOUT));
    Ok(config)
}

fn producer(settings: &KafkaSettings) -> Result<ClientConfig, Fault> {
    let mut config = common(settings)?;
    let compression = match settings.compression {
        Compression::None => "none",
        Compression::Lz4 => "lz4",
        Compression::Zstd => "zstd",
    };
    config.set("acks", "all").set("enable.idempotence", "true").set("compression.type", compression);
    config.set("linger.ms", millis(settings.linger)).set("partitioner", "murmur2_random");
    config.set("message.max.bytes", RECORD_BYTES.to_string());
    config.set("queue.buffering.max.kbytes", "32768").set("queue.buffering.max.messages", "200000");
    config.set("statistics.interval.ms", "0");
    Ok(config)
}

fn millis(length: Duration) -> String {
    length.as_millis().to_string()
}

/// What a client told about the connection; shared with the thread that serves its events.
#[derive(Debug, Default)]
pub(super) struct Trouble {
    count: AtomicU64,
    last: Mutex<Option<(RDKafkaErrorCode, String)>>,
    lost: Mutex<Option<RDKafkaErrorCode>>,
}

impl Trouble {
    /// How often the connection failed or timed out since the start.
    pub(super) fn count(&self) -> u64 {
        self.count.load(Ordering::SeqCst)
    }

    /// The last thing told, once.
    pub(super) fn take(&self) -> Option<(RDKafkaErrorCode, String)> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Why a message was not delivered, once.
    pub(super) fn take_lost(&self) -> Option<RDKafkaErrorCode> {
        self.lost.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// A message was not delivered.
    pub(super) fn lose(&self, code: RDKafkaErrorCode) {
        self.lost.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(code);
    }

    fn note(&self, error: &KafkaError, reason: &str) {
        let code = error.rdkafka_error_code().unwrap_or(RDKafkaErrorCode::Fail);
        if is_of_the_line(code) {
            self.count.fetch_add(1, Ordering::SeqCst);
        }
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        // That all are down follows the word that says why.
        if code != RDKafkaErrorCode::AllBrokersDown || last.is_none() {
            *last = Some((code, reason.to_owned()));
        }
    }
}

/// The ear of a client that only reports.
#[derive(Debug, Clone, Default)]
pub(super) struct Ear(pub(super) Arc<Trouble>);

/// The word before a line of the client's log that says that a connection failed.
const FAILED: &str = "FAIL";

impl ClientContext for Ear {
    fn error(&self, error: KafkaError, reason: &str) {
        self.0.note(&error, reason);
    }

    /// Of a connection that the other side closed the client tells in its log alone, and sends the request again.
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        if facility == FAILED {
            self.0.count.fetch_add(1, Ordering::SeqCst);
        }
        DefaultClientContext.log(level, facility, message);
    }
}

/// Failures of the connection, as against refusals.
pub(super) const fn is_of_the_line(code: RDKafkaErrorCode) -> bool {
    matches!(
        code,
        RDKafkaErrorCode::BrokerTransportFailure
            | RDKafkaErrorCode::AllBrokersDown
            | RDKafkaErrorCode::OperationTimedOut
            | RDKafkaErrorCode::RequestTimedOut
            | RDKafkaErrorCode::MessageTimedOut
            | RDKafkaErrorCode::Resolve
            | RDKafkaErrorCode::NetworkException
    )
}

/// Refusals that no repetition heals.
const fn is_refusal(code: RDKafkaErrorCode) -> bool {
    matches!(
        code,
        RDKafkaErrorCode::Authentication
            | RDKafkaErrorCode::SaslAuthenticationFailed
            | RDKafkaErrorCode::UnsupportedSASLMechanism
            | RDKafkaErrorCode::SSL
            | RDKafkaErrorCode::TopicAuthorizationFailed
            | RDKafkaErrorCode::GroupAuthorizationFailed
            | RDKafkaErrorCode::ClusterAuthorizationFailed
            | RDKafkaErrorCode::TransactionalIdAuthorizationFailed
    )
}

/// The class of an error outside a transaction: a refusal ends the process, everything else is tried again.
pub(super) fn fault(attempted: impl Into<String>, error: &KafkaError) -> Fault {
    let code = if let KafkaError::AdminOp(code) = error { Some(*code) } else { error.rdkafka_error_code() };
    let refused = code.is_some_and(is_refusal);
    if refused { fatal(attempted, error) } else { transient(attempted, error) }
}

/// [`Fault::Transient`] in short.
pub(super) fn transient(attempted: impl Into<String>, cause: impl fmt::Display) -> Fault {
    Fault::Transient(Cause::new(attempted, cause))
}

/// [`Fault::Fatal`] in short.
pub(super) fn fatal(attempted: impl Into<String>, cause: impl fmt::Display) -> Fault {
    Fault::Fatal(Cause::new(attempted, cause))
}

/// What the client's own words point at where its code is that of many mistakes.
const WORDS: &[(&str, &str)] = &[
    ("mechanism handshake failed", "the broker does not offer kafka.sasl.mechanism: name one that it supports"),
    (UNTRUSTED, TLS),
];
/// Told with the code of a lost line as well, and yet no repetition heals it.
const UNTRUSTED: &str = "certificate verify failed";
const TLS: &str = "TLS was refused: look at kafka.tls.ca_file and at the name in the broker's certificate";
const SILENT: &str = "no broker answers: look whether it runs, and whether this port speaks what kafka.security names";
/// Refusals that say more than that we were refused.
const HINTS: &[(RDKafkaErrorCode, &str)] = &[
    (RDKafkaErrorCode::SSL, TLS),
    (RDKafkaErrorCode::UnsupportedSASLMechanism, "the broker does not offer kafka.sasl.mechanism"),
    (RDKafkaErrorCode::ClusterAuthorizationFailed, "the broker knows us and does not allow it: look at its ACLs"),
];
const REFUSED: &str = "the broker refused kafka.sasl: user, password or mechanism";

/// What a failure to reach the brokers most likely is, in plain words.
pub(super) fn unreachable(settings: &KafkaSettings, told: Option<(RDKafkaErrorCode, String)>) -> Fault {
    let at = format!("connect to Kafka at {}", settings.bootstrap);
    let Some((code, reason)) = told else { return transient(at, SILENT) };
    let pointed = WORDS.iter().find(|(words, _)| reason.contains(words)).map(|(_, hint)| *hint);
    if is_refusal(code) || reason.contains(UNTRUSTED) {
        let hint = || HINTS.iter().find(|(of, _)| *of == code).map_or(REFUSED, |(_, hint)| hint);
        return fatal(at, format!("{} ({reason})", pointed.unwrap_or_else(hint)));
    }
    // A broker that hangs up does so in many words: before, within or after the begin of TLS.
    transient(at, format!("{} ({reason})", pointed.unwrap_or(SILENT)))
}

/// Looks for the reason why brokers do not answer, and events heard at each.
const LOOKS: usize = 3;
const LOOK: Duration = Duration::from_secs(1);
const EVENTS: usize = 32;

/// Why the brokers do not answer a client whose own events nobody serves: a consumer is told of them inside a poll.
pub(super) fn why(settings: &KafkaSettings) -> Fault {
    let built = common(settings).and_then(|mut config| {
        let config = config.set("group.id", "gooru-da-reading");
        config.create_with_context(Ear::default()).map_err(|e| fatal("build of a reader", e))
    });
    let consumer: BaseConsumer<Ear> = match built {
        Ok(consumer) => consumer,
        Err(fault) => return fault,
    };
    let mut told = None;
    for _ in 0..LOOKS {
        let answered = consumer.fetch_metadata(None, LOOK).is_ok();
        for _ in 0..EVENTS {
            drop(consumer.poll(Duration::ZERO));
            let heard = consumer.context().0.take();
            if heard.as_ref().is_some_and(|(code, _)| is_refusal(*code)) {
                return unreachable(settings, heard);
            }
            told = heard.or(told);
        }
        if answered || told.is_some() {
            break;
        }
    }
    unreachable(settings, told)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sasl(mechanism: Option<&str>) -> Option<Sasl> {
        let mechanism = mechanism.map(str::to_owned);
        Some(Sasl { mechanism, username: "u".to_owned(), password: Secret("p".to_owned()) })
    }

    #[test]
    fn mistakes_are_explained_before_a_client_is_built() {
        let local = || KafkaSettings::new("127.0.0.1:9092,localhost:9093,[::1]:9094");
        let remote = || KafkaSettings::new("127.0.0.1:9092,broker.example:9092");
        let cases = [
            (local(), None),
            (remote(), Some("broker.example:9092 is not on this machine")),
            (KafkaSettings { dev: true, ..remote() }, None),
            (KafkaSettings { security: Security::Ssl, ..remote() }, None),
            (KafkaSettings { security: Security::SaslSsl, ..remote() }, Some("neither user nor mechanism")),
            (KafkaSettings { security: Security::SaslSsl, sasl: sasl(None), ..remote() }, Some("default is GSSAPI")),
            (KafkaSettings { security: Security::SaslSsl, sasl: sasl(Some("OAUTHBEARER")), ..remote() }, Some("OIDC")),
            (KafkaSettings { security: Security::SaslSsl, sasl: sasl(Some("SCRAM")), ..remote() }, Some("`SCRAM`")),
            (KafkaSettings { security: Security::SaslSsl, sasl: sasl(Some("SCRAM-SHA-512")), ..remote() }, None),
            (KafkaSettings { sasl: sasl(Some("PLAIN")), ..local() }, Some("names no SASL protocol")),
            (KafkaSettings { security: Security::SaslPlaintext, sasl: sasl(Some("PLAIN")), ..remote() }, Some("clear")),
            (KafkaSettings { key_file: Some("k".into()), ..local() }, Some("kafka.tls.key_file go together")),
            (KafkaSettings { transaction_timeout: MESSAGE_TIMEOUT, ..local() }, Some("above the message timeout")),
        ];
        for (n, (settings, expected)) in cases.into_iter().enumerate() {
            match (check(&settings), expected) {
                (Ok(()), None) => {}
                (Err(told), Some(part)) => assert!(told.contains(part), "case {n}: {told}"),
                (told, _) => panic!("case {n}: {told:?}"),
            }
        }
    }

    #[test]
    fn a_file_that_is_not_there_is_named_with_its_setting() {
        let settings = KafkaSettings { ca_file: Some("no/such.pem".into()), ..KafkaSettings::new("127.0.0.1:9092") };
        let told = common(&settings).err().map(|fault| fault.to_string()).unwrap_or_default();
        assert!(
            told.starts_with("fatal: ") && told.contains("kafka.tls.ca_file: there is no file no/such.pem"),
            "{told}"
        );
    }

    #[test]
    fn the_client_gets_the_settings_of_the_document() {
        let settings = KafkaSettings::new("127.0.0.1:9092");
        let config = consumer(&settings, "demux", "0").unwrap();
        let expected = [
            ("group.instance.id", "demux-0"),
            ("partition.assignment.strategy", "cooperative-sticky"),
            ("isolation.level", "read_committed"),
            ("session.timeout.ms", "10000"),
            ("max.poll.interval.ms", "60000"),
            ("enable.auto.commit", "false"),
            ("auto.offset.reset", "error"),
            ("fetch.wait.max.ms", "50"),
            ("queued.max.messages.kbytes", "16384"),
            ("fetch.queue.backoff.ms", "10"),
        ];
        for (key, value) in expected {
            assert_eq!(config.get(key), Some(value), "{key}");
        }
        let config = transactional(&settings, "demux", "0").unwrap();
        let expected = [
            ("transactional.id", "demux-0"),
            ("transaction.timeout.ms", "15000"),
            ("connections.max.idle.ms", "8000"),
            ("message.timeout.ms", "10000"),
            ("retry.backoff.ms", "20"),
            ("delivery.report.only.error", "true"),
            ("acks", "all"),
            ("message.max.bytes", "16777216"),
        ];
        for (key, value) in expected {
            assert_eq!(config.get(key), Some(value), "{key}");
        }
        let config = edge(&settings).unwrap();
        assert_eq!((config.get("message.timeout.ms"), config.get("transactional.id")), (Some("8000"), None));
    }

    #[test]
    fn a_password_is_never_shown() {
        let settings = KafkaSettings { sasl: sasl(Some("PLAIN")), ..KafkaSettings::new("x") };
        assert!(!format!("{settings:?}").contains("\"p\""), "{settings:?}");
    }
}
