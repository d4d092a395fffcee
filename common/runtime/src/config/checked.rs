//! The settings as they are used: parsed addresses, durations, bounds, and the rules between values.
//!
//! Place: what every part of the process is started with. Reads nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use super::cluster::{self, Cluster};
use super::raw::{self, Adapter, Anonymous, Bytes, Raw};
use crate::http::auth::Rate;
use crate::http::limits::BodyLimits;
use crate::http::server::ServerLimits;
use crate::telemetry::log::Format;
use crate::telemetry::trace::Otlp;

/// Checked settings.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// The public listener.
    pub http: Http,
    /// Address of the admin listener.
    pub admin_listen: SocketAddr,
    /// Folder of the database and of the keys.
    pub dir: PathBuf,
    /// Partitions of every topic on the embedded log.
    pub partitions: u32,
    /// Memory for rows.
    pub cache_bytes: usize,
    /// Longest time that one visit counts.
    pub visit_cap_ms: i64,
    /// Publish scores of items that still wait for grading.
    pub provisional: bool,
    /// Prefix of the key that stands for requests of the Gooru route without one.
    pub alias_key_id: Option<String>,
    /// Policy per partner.
    pub partners: BTreeMap<String, PartnerPolicy>,
    /// Topics that partners write to.
    pub partner_topics: Vec<PartnerTopic>,
    /// Processors per group.
    pub dep_groups: BTreeMap<String, Processors>,
    /// Kafka, PostgreSQL and registry of the form on a cluster.
    pub cluster: Cluster,
    /// Where spans go; nowhere where absent.
    pub otlp: Option<Otlp>,
    /// How log lines are written.
    pub log_format: Format,
    /// From which level on lines are written.
    pub log_level: &'static str,
}

/// The public listener.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Http {
    /// Address.
    pub listen: SocketAddr,
    /// Bounds on connections and heads.
    pub server: ServerLimits,
    /// Bounds on bodies.
    pub body: BodyLimits,
    /// Bounds on events.
    pub events: EventLimits,
    /// Bytes of bodies in flight, over all requests.
    pub inflight_bytes: usize,
    /// Longest wait for the acknowledgement of the log.
    pub ack_deadline: Duration,
    /// Serving on after a stop was asked for.
    pub serve_on: Duration,
    /// Rates of keys that have none of their own.
    pub rate: Rate,
}

/// Bounds on events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventLimits {
    /// Events of one request.
    pub max_events: usize,
    /// Bytes of one event.
    pub max_event_bytes: usize,
    /// Nesting.
    pub max_depth: usize,
    /// Keys.
    pub max_keys: usize,
    /// Bytes of one string.
    pub max_string_bytes: usize,
}

/// Policy of a partner.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PartnerPolicy {
    /// Whether anonymous learners are accepted.
    pub accept_anonymous: bool,
    /// Whether `extensions` are kept.
    pub extensions: bool,
    /// Further tenants.
    pub tenants: Vec<String>,
}

/// A topic that a partner writes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartnerTopic {
    /// Name of the topic.
    pub topic: String,
    /// Who writes it.
    pub partner: String,
    /// Default tenant.
    pub tenant: String,
    /// Adapter.
    pub adapter: Adapter,
}

/// Which processors a group runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Processors {
    /// Every one.
    All,
    /// These.
    Named(Vec<String>),
}

/// A broken rule between values: the key at fault, and what is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broken {
    /// `http.listen`.
    pub key: String,
    /// What is wrong, and what to do.
    pub message: String,
    /// It stops nothing.
    pub only_a_warning: bool,
}

impl Broken {
    pub(super) fn error(key: impl Into<String>, message: impl Into<String>) -> Self {
        Self { key: key.into(), message: message.into(), only_a_warning: false }
    }
}

/// Types and rules.
///
/// # Errors
/// All broken rules. Warnings come with the settings.
pub fn check(raw: &Raw) -> Result<(Settings, Vec<Broken>), Vec<Broken>> {
    let mut broken = Vec::new();
    let listen = address("http.listen", &raw.http.listen, &mut broken);
    let admin_listen = address("admin.listen", &raw.admin.listen, &mut broken);
    if listen == admin_listen && listen.port() != 0 {
        broken.push(Broken::error("admin.listen", "is the public listener's address; the two must be apart"));
    }
    rates(&raw.http, &mut broken);
    partner_topics(raw, &mut broken);
    groups(raw, &mut broken);
    let otlp = otlp(&raw.telemetry.otlp, &mut broken);
    let cluster = cluster_of(raw);
    cluster::check(&cluster, &mut broken);
    if broken.iter().any(|b| !b.only_a_warning) {
        return Err(broken);
    }
    let settings = Settings {
        http: http(&raw.http, listen),
        admin_listen,
        dir: PathBuf::from(&raw.embedded.dir),
        partitions: raw.embedded.partitions,
        cache_bytes: size(raw.cache.bytes),
        visit_cap_ms: raw.time.visit_cap_ms,
        provisional: raw.scores.provisional,
        alias_key_id: raw.gooru_alias.key_id.clone().filter(|id| !id.is_empty()),
        partners: raw.partners.iter().map(|(name, p)| (name.clone(), policy(p))).collect(),
        partner_topics: raw.partner_topics.iter().map(partner_topic).collect(),
        dep_groups: raw.dep.groups.iter().map(|(name, list)| (name.clone(), processors(list))).collect(),
        cluster,
        otlp,
        log_format: match raw.telemetry.log.format {
            raw::LogFormat::Text => Format::Text,
            raw::LogFormat::Json => Format::Json,
        },
        log_level: match raw.telemetry.log.level {
            raw::LogLevel::Error => "error",
            raw::LogLevel::Warn => "warn",
            raw::LogLevel::Info => "info",
            raw::LogLevel::Debug => "debug",
        },
    };
    Ok((settings, broken))
}

fn cluster_of(raw: &Raw) -> Cluster {
    Cluster {
        service: raw.service.clone(),
        kafka: raw.kafka.clone(),
        postgres: raw.postgres.clone(),
        registry: raw.registry.clone(),
        bench: raw.bench.clone(),
    }
}

fn otlp(raw: &raw::Otlp, broken: &mut Vec<Broken>) -> Option<Otlp> {
    let endpoint = raw.endpoint.clone().filter(|endpoint| !endpoint.is_empty())?;
    if !endpoint.starts_with("http://") && !endpoint.starts_with("https://") {
        let message = "must begin with http:// or https://, such as http://127.0.0.1:4318";
        broken.push(Broken::error("telemetry.otlp.endpoint", message));
    }
    Some(Otlp { endpoint, sample_percent: raw.sample_percent })
}

fn address(key: &str, text: &str, broken: &mut Vec<Broken>) -> SocketAddr {
    match text.parse::<SocketAddr>() {
        Ok(address) => {
            if !address.ip().is_loopback() {
                let message = "is no loopback address and speaks plain HTTP; put TLS in front of it".to_owned();
                broken.push(Broken { key: key.to_owned(), message, only_a_warning: true });
            }
            address
        }
        Err(_) => {
            broken.push(Broken::error(key, format!("`{text}` is no address and port, such as 127.0.0.1:8080")));
            SocketAddr::from(([127, 0, 0, 1], 0))
        }
    }
}

fn rates(http: &raw::Http, broken: &mut Vec<Broken>) {
    let rate = &http.rate;
    let burst = u64::from(rate.burst_seconds);
    if u64::from(rate.events_per_second).saturating_mul(burst) < http.max_events as u64 {
        let message = "times burst_seconds is less than http.max_events: a full request could never pass";
        broken.push(Broken::error("http.rate.events_per_second", message));
    }
    if rate.bytes_per_second.0.saturating_mul(burst) < http.max_body_bytes.0 {
        let message = "times burst_seconds is less than http.max_body_bytes: a full request could never pass";
        broken.push(Broken::error("http.rate.bytes_per_second", message));
    }
    if http.max_decompressed_bytes.0 < http.max_body_bytes.0 {
        broken.push(Broken::error("http.max_decompressed_bytes", "is less than http.max_body_bytes"));
    }
    if http.max_inflight_bytes.0 < http.max_body_bytes.0.saturating_add(http.max_decompressed_bytes.0) {
        let message = "is less than max_body_bytes + max_decompressed_bytes: a full request could never pass";
        broken.push(Broken::error("http.max_inflight_bytes", message));
    }
}

fn partner_topics(raw: &Raw, broken: &mut Vec<Broken>) {
    let mut seen = BTreeSet::new();
    for (n, entry) in raw.partner_topics.iter().enumerate() {
        let key = format!("partner_topics[{n}].topic");
        if entry.topic.starts_with(da_model::topics::PREFIX)
            || da_model::topics::all().iter().any(|t| t.name == entry.topic)
        {
            broken.push(Broken::error(&key, format!("`{}` is a topic of ours", entry.topic)));
        }
        if !seen.insert(&entry.topic) {
            broken.push(Broken::error(&key, format!("`{}` is listed twice", entry.topic)));
        }
    }
}

fn groups(raw: &Raw, broken: &mut Vec<Broken>) {
    let mut seen = BTreeSet::new();
    for (name, processors) in &raw.dep.groups {
        let key = format!("dep.groups.{name}");
        if processors.is_empty() {
            broken.push(Broken::error(&key, "lists no processor; `[all]` stands for every one"));
        }
        let all = processors.iter().any(|p| p == "all");
        if all && (processors.len() > 1 || raw.dep.groups.len() > 1) {
            broken.push(Broken::error(&key, "`all` stands alone in the only group"));
        }
        for processor in processors {
            if !seen.insert(processor) {
                broken.push(Broken::error(&key, format!("`{processor}` is in two groups; it would count twice")));
            }
        }
    }
    if raw.dep.groups.is_empty() {
        broken.push(Broken::error("dep.groups", "names no group"));
    }
}

fn http(raw: &raw::Http, listen: SocketAddr) -> Http {
    Http {
        listen,
        server: ServerLimits {
            connections: raw.max_connections,
            header_bytes: size(raw.max_header_bytes),
            header: Duration::from_millis(raw.header_timeout_ms),
        },
        body: BodyLimits {
            body_bytes: size(raw.max_body_bytes),
            decompressed_bytes: size(raw.max_decompressed_bytes),
            ratio: raw.max_ratio,
            idle: Duration::from_millis(raw.body_idle_timeout_ms),
            total: Duration::from_millis(raw.total_timeout_ms),
        },
        events: EventLimits {
            max_events: raw.max_events,
            max_event_bytes: size(raw.max_event_bytes),
            max_depth: raw.max_depth,
            max_keys: raw.max_keys,
            max_string_bytes: size(raw.max_string_bytes),
        },
        inflight_bytes: size(raw.max_inflight_bytes),
        ack_deadline: Duration::from_millis(raw.ack_deadline_ms),
        serve_on: Duration::from_millis(raw.serve_on_ms),
        rate: Rate {
            events_per_second: raw.rate.events_per_second,
            bytes_per_second: u32::try_from(raw.rate.bytes_per_second.0).unwrap_or(u32::MAX),
            burst_seconds: raw.rate.burst_seconds,
        },
    }
}

fn size(bytes: Bytes) -> usize {
    usize::try_from(bytes.0).unwrap_or(usize::MAX)
}

fn policy(raw: &raw::Partner) -> PartnerPolicy {
    PartnerPolicy {
        accept_anonymous: raw.anonymous == Anonymous::Accept,
        extensions: raw.extensions,
        tenants: raw.tenants.clone(),
    }
}

fn partner_topic(raw: &raw::PartnerTopic) -> PartnerTopic {
    let raw = raw.clone();
    PartnerTopic { topic: raw.topic, partner: raw.partner, tenant: raw.tenant, adapter: raw.adapter }
}

fn processors(list: &[String]) -> Processors {
    if list.iter().any(|p| p == "all") { Processors::All } else { Processors::Named(list.to_vec()) }
}
