//! The settings of the form on a cluster: Kafka, PostgreSQL, the registry, and which part of a service this process is.
//!
//! Place: as written and as checked, beside `raw` and `checked`; secrets stay in their files until `load` reads them.
//! Connects to nothing.

use std::path::PathBuf;

use garde::Validate;
use serde::{Deserialize, Serialize};

use super::checked::Broken;
use super::raw::{Bytes, group};
use crate::io::is_on_this_machine;

group! {
    /// `service`.
    Service {
        /// The replica's own name, the same after every restart: static group member and transactional id.
        #[garde(custom(name))]
        slot: String = "0".to_owned(),
        /// Worker threads, each a group member of its own.
        #[garde(range(min = 1, max = 64))]
        threads: u32 = 1,
        /// Parts of the service that run here; empty runs all.
        #[garde(skip)]
        roles: Vec<String> = Vec::new(),
        /// Allows plain text connections beyond this machine.
        #[garde(skip)]
        dev: bool = false,
    }
}

group! {
    /// `kafka`.
    Kafka {
        /// Brokers to begin with, `host:port,host:port`; empty where Kafka is not used.
        #[garde(skip)]
        bootstrap: String = String::new(),
        /// How connections are made.
        #[garde(skip)]
        security: Security = Security::Plaintext,
        /// Who connects.
        #[garde(dive)]
        sasl: Sasl = Sasl::default(),
        /// Whom to trust.
        #[garde(dive)]
        tls: Tls = Tls::default(),
        /// Records of one batch.
        #[garde(range(min = 1, max = 100_000))]
        batch_records: usize = 2_000,
        /// Bytes of one batch.
        #[garde(skip)]
        batch_bytes: Bytes = Bytes(4 << 20),
        /// How long a batch is waited for.
        #[garde(range(min = 1, max = 1_000))]
        batch_wait_ms: u64 = 25,
        /// Until a silent member loses its partitions.
        #[garde(range(min = 1_000, max = 300_000))]
        session_timeout_ms: u64 = 10_000,
        /// Until the broker ends a silent transaction.
        #[garde(range(min = 1_000, max = 900_000))]
        transaction_timeout_ms: u64 = 15_000,
    }
}

group! {
    /// `kafka.sasl`.
    Sasl {
        /// `SCRAM-SHA-512`, `SCRAM-SHA-256` or `PLAIN`.
        #[garde(skip)]
        mechanism: Option<String> = None,
        /// User.
        #[garde(skip)]
        username: Option<String> = None,
        /// File that holds the password.
        #[garde(skip)]
        password_file: Option<PathBuf> = None,
    }
}

group! {
    /// `kafka.tls`.
    Tls {
        /// Certificates to trust; the system's where none is named.
        #[garde(skip)]
        ca_file: Option<PathBuf> = None,
        /// Certificate of this client.
        #[garde(skip)]
        certificate_file: Option<PathBuf> = None,
        /// Key of that certificate.
        #[garde(skip)]
        key_file: Option<PathBuf> = None,
    }
}

group! {
    /// `postgres`.
    Postgres {
        /// `postgres://user@host:5432/database`; empty where PostgreSQL is not used.
        #[garde(skip)]
        url: String = String::new(),
        /// File that holds the password.
        #[garde(skip)]
        password_file: Option<PathBuf> = None,
        /// Certificates to trust.
        #[garde(skip)]
        ca_file: Option<PathBuf> = None,
    }
}

group! {
    /// `registry`.
    Registry {
        /// URL with its base path, such as `http://127.0.0.1:8085/apis/ccompat/v7`; empty uses the compiled-in ids.
        #[garde(skip)]
        url: String = String::new(),
        /// User.
        #[garde(skip)]
        username: Option<String> = None,
        /// File that holds the password.
        #[garde(skip)]
        password_file: Option<PathBuf> = None,
        /// Certificates to trust.
        #[garde(skip)]
        ca_file: Option<PathBuf> = None,
        /// Folder of the ids kept for the time the registry is away.
        #[garde(skip)]
        cache_dir: PathBuf = PathBuf::from("./da-data/registry"),
    }
}

group! {
    /// `bench`: how a benchmark has a service run; brokers that no benchmark has marked refuse it.
    Bench {
        /// File that says what follows from inputs; then nothing is decided, bytes are copied in that shape.
        #[garde(skip)]
        copy: Option<PathBuf> = None,
        /// true publishes without transactions, at least once.
        #[garde(skip)]
        at_least_once: bool = false,
    }
}

/// How connections to Kafka are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Security {
    /// In the clear.
    Plaintext,
    /// TLS.
    Ssl,
    /// In the clear, with a user.
    SaslPlaintext,
    /// TLS, with a user.
    SaslSsl,
}

/// The form on a cluster, checked; the parts as written.
#[derive(Debug, Clone, PartialEq)]
pub struct Cluster {
    /// Which part of a service this process is.
    pub service: Service,
    /// Kafka; unused with an empty `bootstrap`.
    pub kafka: Kafka,
    /// PostgreSQL; unused with an empty `url`.
    pub postgres: Postgres,
    /// The registry; unused with an empty `url`.
    pub registry: Registry,
    /// What a benchmark measures in place of the real way; nothing elsewhere.
    pub bench: Bench,
}

/// Rules between the values of the cluster.
pub(super) fn check(cluster: &Cluster, broken: &mut Vec<Broken>) {
    let Cluster { service, kafka, postgres, registry, bench: _ } = cluster;
    let sasl = matches!(kafka.security, Security::SaslPlaintext | Security::SaslSsl);
    let clear = matches!(kafka.security, Security::Plaintext | Security::SaslPlaintext);
    let mechanisms = ["SCRAM-SHA-512", "SCRAM-SHA-256", "PLAIN"];
    match (&kafka.sasl.mechanism, sasl) {
        (None, true) => broken.push(Broken::error(
            "kafka.sasl.mechanism",
            "is missing: security is sasl, and GSSAPI, the client's default, is not built in; use SCRAM-SHA-512",
        )),
        (Some(named), true) if !mechanisms.contains(&named.as_str()) => broken.push(Broken::error(
            "kafka.sasl.mechanism",
            format!("`{named}` is not built in; use SCRAM-SHA-512 (SCRAM-SHA-256 and PLAIN are known, too)"),
        )),
        (Some(_), false) => broken.push(Broken::error(
            "kafka.sasl.mechanism",
            "is set, but kafka.security uses no SASL; set kafka.security: sasl_ssl",
        )),
        (None, false) | (Some(_), true) => {}
    }
    if sasl && (kafka.sasl.username.is_none() || kafka.sasl.password_file.is_none()) {
        broken.push(Broken::error("kafka.sasl", "needs username and password_file"));
    }
    if kafka.tls.certificate_file.is_some() != kafka.tls.key_file.is_some() {
        broken.push(Broken::error("kafka.tls", "certificate_file and key_file belong together"));
    }
    let mut brokers = kafka.bootstrap.split(',').map(str::trim).filter(|address| !address.is_empty());
    if clear && !service.dev && brokers.any(|address| !is_on_this_machine(address)) {
        let message = "is plain text to another machine; use ssl or sasl_ssl, or service.dev: true for a trial";
        broken.push(Broken::error("kafka.security", message));
    }
    if kafka.transaction_timeout_ms <= 10_000 {
        let message = "must be above 10000, the time a message may take";
        broken.push(Broken::error("kafka.transaction_timeout_ms", message));
    }
    if !postgres.url.is_empty() && !postgres.url.starts_with("postgres://") {
        broken.push(Broken::error("postgres.url", "must read postgres://user@host:port/database"));
    }
    if !registry.url.is_empty() && !registry.url.starts_with("http://") && !registry.url.starts_with("https://") {
        broken.push(Broken::error("registry.url", "must begin with http:// or https://"));
    }
    let clear = registry.url.strip_prefix("http://").and_then(|rest| rest.split('/').next());
    if !service.dev && clear.is_some_and(|address| !is_on_this_machine(address)) {
        let message = "is plain text to another machine; use https, or service.dev: true for a trial";
        broken.push(Broken::error("registry.url", message));
    }
}

/// A word that may stand in a group instance and in a transactional id.
fn name(text: &str, _: &()) -> garde::Result {
    let fits = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    if (1..=64).contains(&text.len()) && text.chars().all(fits) {
        return Ok(());
    }
    Err(garde::Error::new("must be 1 to 64 letters, digits, `.`, `_` or `-`"))
}
