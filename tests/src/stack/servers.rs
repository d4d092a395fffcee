//! Where the servers of a cluster form are, and how they are spoken to: in the clear, or by TLS, user and password.
//!
//! Place: below `site`; reads what the local stack tells of itself in the environment. Connects to nothing.

use std::path::{Path, PathBuf};

use da_runtime::io::kafka::client::{KafkaSettings, Sasl, Secret, Security};
use da_runtime::registry::RegistrySettings;

/// The mechanism that the local stack offers.
pub const MECHANISM: &str = "SCRAM-SHA-512";

/// What the local stack tells of itself, or a line that says what was skipped.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "where the stack runs is told to tests by the environment")]
pub fn told(test: &str, name: &str) -> Option<String> {
    let found = std::env::var(name).ok();
    if found.is_none() {
        eprintln!("skipped: {test}, because {name} names nothing");
    }
    found
}

/// Servers, and what it takes to be let in.
pub(super) struct Servers {
    /// The brokers.
    pub(super) kafka: KafkaSettings,
    /// The registry; where ids are kept is the site's.
    pub(super) registry: RegistrySettings,
    sasl_password_file: Option<PathBuf>,
    database_ca: Option<PathBuf>,
}

/// The brokers behind TLS, for a user with a password; also the file that holds it.
#[must_use]
pub fn secured_kafka(test: &str) -> Option<(KafkaSettings, PathBuf)> {
    let settings = KafkaSettings::new(told(test, "KAFKA_SASL_BOOTSTRAP")?);
    let (username, ca_file) = (told(test, "KAFKA_SASL_USER")?, Some(told(test, "KAFKA_CA_FILE")?.into()));
    let file = PathBuf::from(told(test, "KAFKA_SASL_PASSWORD_FILE")?);
    let password = std::fs::read_to_string(&file).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
    let sasl = Sasl { mechanism: Some(MECHANISM.to_owned()), username, password: Secret(password) };
    Some((KafkaSettings { security: Security::SaslSsl, sasl: Some(sasl), ca_file, ..settings }, file))
}

impl Servers {
    /// Over the listeners that this machine alone reaches.
    pub(super) fn in_the_clear(test: &str) -> Option<Self> {
        let (kafka, url) = (told(test, "KAFKA_BOOTSTRAP")?, told(test, "REGISTRY_URL")?);
        told(test, "DATABASE_URL")?;
        let registry = RegistrySettings { url, ..RegistrySettings::default() };
        Some(Self { kafka: KafkaSettings::new(kafka), registry, sasl_password_file: None, database_ca: None })
    }

    /// As beyond this machine: everybody proves who he is, and nothing crosses in the clear.
    pub(super) fn secured(test: &str) -> Option<Self> {
        let (kafka, file) = secured_kafka(test)?;
        let (url, ca_file) = (told(test, "REGISTRY_TLS_URL")?, Some(told(test, "REGISTRY_CA_FILE")?.into()));
        let database_ca = Some(told(test, "DATABASE_CA_FILE")?.into());
        told(test, "DATABASE_URL")?;
        let registry = RegistrySettings { url, ca_file, ..RegistrySettings::default() };
        Some(Self { kafka, registry, sasl_password_file: Some(file), database_ca })
    }

    /// The part of a settings file that names them.
    pub(super) fn yaml(&self, database: &str, cache: &Path) -> String {
        let Self { kafka: KafkaSettings { bootstrap, .. }, registry: RegistrySettings { url, .. }, .. } = self;
        let (Some(password), Some(sasl)) = (&self.sasl_password_file, &self.kafka.sasl) else {
            return format!(
                "service: {{ dev: true }}\nkafka: {{ bootstrap: {bootstrap:?} }}\npostgres: {{ url: {database:?} }}\n\
                 registry: {{ url: {url:?}, cache_dir: {cache:?} }}\n"
            );
        };
        let [kafka_ca, registry_ca, database_ca] =
            [&self.kafka.ca_file, &self.registry.ca_file, &self.database_ca].map(|ca| ca.clone().unwrap_or_default());
        format!(
            "kafka:\n  bootstrap: {bootstrap:?}\n  security: sasl_ssl\n  tls: {{ ca_file: {kafka_ca:?} }}\n  \
             sasl: {{ mechanism: {MECHANISM}, username: {:?}, password_file: {password:?} }}\n\
             postgres: {{ url: {database:?}, ca_file: {database_ca:?} }}\n\
             registry: {{ url: {url:?}, ca_file: {registry_ca:?}, cache_dir: {cache:?} }}\n",
            sasl.username
        )
    }
}
