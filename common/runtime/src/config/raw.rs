//! The settings as they are written: every key once, with its default.
//!
//! Place: read by `mod`, turned into typed values by `checked`. Holds rules that concern one value; rules between
//! values are in `checked`.

use std::collections::BTreeMap;
use std::fmt;

use garde::Validate;
use serde::de::Visitor;
use serde::{Deserialize, Deserializer, Serialize};

use super::cluster::{Bench, Kafka, Postgres, Registry, Service};

/// Declares a group of settings: all keys optional, unknown ones refused.
macro_rules! group {
    ($(#[$meta:meta])* $name:ident { $($(#[$doc:meta])* $key:ident: $kind:ty = $default:expr,)+ }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Validate)]
        #[serde(default, deny_unknown_fields)]
        pub struct $name { $($(#[$doc])* pub $key: $kind,)+ }

        impl Default for $name {
            fn default() -> Self {
                Self { $($key: $default,)+ }
            }
        }
    };
}

pub(super) use group;

group! {
    /// The file `da.yaml`.
    Raw {
        /// The public listener.
        #[garde(dive)]
        http: Http = Http::default(),
        /// The admin listener.
        #[garde(dive)]
        admin: Admin = Admin::default(),
        /// The one SQLite file.
        #[garde(dive)]
        embedded: Embedded = Embedded::default(),
        /// The row cache.
        #[garde(dive)]
        cache: Cache = Cache::default(),
        /// Rules about time.
        #[garde(dive)]
        time: Time = Time::default(),
        /// Rules about scores.
        #[garde(dive)]
        scores: Scores = Scores::default(),
        /// The route of existing Gooru clients.
        #[garde(dive)]
        gooru_alias: GooruAlias = GooruAlias::default(),
        /// Policy per partner.
        #[garde(dive)]
        partners: BTreeMap<String, Partner> = BTreeMap::new(),
        /// Topics that partners write to.
        #[garde(dive)]
        partner_topics: Vec<PartnerTopic> = Vec::new(),
        /// Processors per group.
        #[garde(dive)]
        dep: Dep = Dep::default(),
        /// Which part of a service this process is.
        #[garde(dive)]
        service: Service = Service::default(),
        /// The log of the form on a cluster.
        #[garde(dive)]
        kafka: Kafka = Kafka::default(),
        /// The store of the form on a cluster.
        #[garde(dive)]
        postgres: Postgres = Postgres::default(),
        /// The schema registry.
        #[garde(dive)]
        registry: Registry = Registry::default(),
        /// What a benchmark measures in place of the real way.
        #[garde(dive)]
        bench: Bench = Bench::default(),
        /// Record headers.
        #[garde(skip)]
        headers: Headers = Headers::None,
        /// Logs and traces.
        #[garde(dive)]
        telemetry: Telemetry = Telemetry::default(),
    }
}

group! {
    /// `http`.
    Http {
        /// Address and port.
        #[garde(skip)]
        listen: String = "127.0.0.1:8080".to_owned(),
        /// Bytes of a body as sent.
        #[garde(custom(between::<1_024, 67_108_864>))]
        max_body_bytes: Bytes = Bytes(5 << 20),
        /// Bytes of a body after decompression.
        #[garde(custom(between::<1_024, 268_435_456>))]
        max_decompressed_bytes: Bytes = Bytes(20 << 20),
        /// Decompressed bytes per byte sent.
        #[garde(range(min = 1, max = 1_000))]
        max_ratio: usize = 100,
        /// Events of one request.
        #[garde(range(min = 1, max = 10_000))]
        max_events: usize = 1_000,
        /// Bytes of one event.
        #[garde(custom(between::<1_024, 1_048_576>))]
        max_event_bytes: Bytes = Bytes(256 << 10),
        /// Nesting of one event.
        #[garde(range(min = 4, max = 100))]
        max_depth: usize = 64,
        /// Keys of one event.
        #[garde(range(min = 64, max = 100_000))]
        max_keys: usize = 2_000,
        /// Bytes of one string.
        #[garde(custom(between::<64, 1_048_576>))]
        max_string_bytes: Bytes = Bytes(64 << 10),
        /// Bytes of a request's head.
        #[garde(custom(between::<1_024, 65_536>))]
        max_header_bytes: Bytes = Bytes(16 << 10),
        /// Longest wait for a head.
        #[garde(range(min = 100, max = 60_000))]
        header_timeout_ms: u64 = 5_000,
        /// Longest wait for the next piece of a body.
        #[garde(range(min = 100, max = 60_000))]
        body_idle_timeout_ms: u64 = 5_000,
        /// Longest time for a whole body.
        #[garde(range(min = 100, max = 600_000))]
        total_timeout_ms: u64 = 30_000,
        /// Longest wait for the acknowledgement of the log.
        #[garde(range(min = 100, max = 60_000))]
        ack_deadline_ms: u64 = 8_000,
        /// Connections open at the same time.
        #[garde(range(min = 1, max = 100_000))]
        max_connections: usize = 1_024,
        /// Bytes of bodies in flight, over all requests.
        #[garde(custom(between::<1_048_576, 17_179_869_184>))]
        max_inflight_bytes: Bytes = Bytes(128 << 20),
        /// Serving on after a stop was asked for.
        #[garde(range(max = 120_000))]
        serve_on_ms: u64 = 0,
        /// Rates of keys that have none of their own.
        #[garde(dive)]
        rate: Rate = Rate::default(),
    }
}

group! {
    /// `http.rate`.
    Rate {
        /// Events per second and key.
        #[garde(range(min = 1, max = 10_000_000))]
        events_per_second: u32 = 20_000,
        /// Bytes per second and key, as sent.
        #[garde(custom(between::<1_024, 1_073_741_824>))]
        bytes_per_second: Bytes = Bytes(64 << 20),
        /// Seconds' worth that a burst may take at once.
        #[garde(range(min = 1, max = 60))]
        burst_seconds: u32 = 10,
    }
}

group! {
    /// `admin`.
    Admin {
        /// Address and port.
        #[garde(skip)]
        listen: String = "127.0.0.1:8081".to_owned(),
    }
}

group! {
    /// `embedded`.
    Embedded {
        /// Folder of the database and of the keys.
        #[garde(length(min = 1))]
        dir: String = "./da-data".to_owned(),
        /// Partitions of every topic; fixed once the file exists.
        #[garde(range(min = 1, max = 64))]
        partitions: u32 = 1,
        /// How long records are kept.
        #[garde(skip)]
        retention: Retention = Retention::Keep,
    }
}

group! {
    /// `cache`.
    Cache {
        /// Memory for rows.
        #[garde(custom(between::<1_048_576, 1_099_511_627_776>))]
        bytes: Bytes = Bytes(256 << 20),
    }
}

group! {
    /// `time`.
    Time {
        /// Longest time that one visit counts.
        #[garde(range(min = 60_000, max = 86_400_000))]
        visit_cap_ms: i64 = 7_200_000,
    }
}

group! {
    /// `scores`.
    Scores {
        /// Publish scores of items that still wait for grading.
        #[garde(skip)]
        provisional: bool = false,
    }
}

group! {
    /// `gooru_alias`.
    GooruAlias {
        /// Prefix of the key that stands for requests without one.
        #[garde(skip)]
        key_id: Option<String> = None,
    }
}

group! {
    /// `partners.<name>`.
    Partner {
        /// What to do with anonymous learners.
        #[garde(skip)]
        anonymous: Anonymous = Anonymous::Reject,
        /// Whether `extensions` are kept.
        #[garde(skip)]
        extensions: bool = false,
        /// Tenants that all keys of this partner may write for.
        #[garde(skip)]
        tenants: Vec<String> = Vec::new(),
    }
}

/// One entry of `partner_topics`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Validate)]
#[serde(deny_unknown_fields)]
pub struct PartnerTopic {
    /// Name of the topic, the partner's.
    #[garde(length(min = 1, max = 249))]
    pub topic: String,
    /// Who writes it.
    #[garde(length(min = 1, max = 64))]
    pub partner: String,
    /// Tenant of events that name none.
    #[garde(length(min = 1, max = 64))]
    pub tenant: String,
    /// Adapter that reads it.
    #[garde(skip)]
    #[serde(default)]
    pub adapter: Adapter,
}

group! {
    /// `dep`.
    Dep {
        /// Processors per group; `all` stands for every one.
        #[garde(skip)]
        groups: BTreeMap<String, Vec<String>> = BTreeMap::from([("dep".to_owned(), vec!["all".to_owned()])]),
    }
}

group! {
    /// `telemetry`.
    Telemetry {
        /// Logs.
        #[garde(dive)]
        log: Log = Log::default(),
        /// Traces.
        #[garde(dive)]
        otlp: Otlp = Otlp::default(),
    }
}

group! {
    /// `telemetry.otlp`.
    Otlp {
        /// Collector that takes OTLP over HTTP, such as `http://127.0.0.1:4318`; none is sent to where it is absent.
        #[garde(skip)]
        endpoint: Option<String> = None,
        /// Traces that are kept, in a hundred.
        #[garde(range(min = 1, max = 100))]
        sample_percent: u32 = 10,
    }
}

group! {
    /// `telemetry.log`.
    Log {
        /// For people or for machines.
        #[garde(skip)]
        format: LogFormat = LogFormat::Text,
        /// From this level on.
        #[garde(skip)]
        level: LogLevel = LogLevel::Info,
    }
}

/// What to do with anonymous learners.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Anonymous {
    /// Refuse the event.
    Reject,
    /// Take the session for the learner.
    Accept,
}

/// Who reads a partner's words.
#[derive(Default, Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Adapter {
    /// Gooru 3.0 and 4.0 events.
    #[default]
    Gooru,
    /// The canonical event as JSON.
    Native,
}

/// How long records are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Retention {
    /// For ever.
    Keep,
}

/// Which headers records carry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Headers {
    /// None.
    None,
}

/// How log lines are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// From which level on lines are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogLevel {
    /// Someone must act.
    Error,
    /// Something was dealt with.
    Warn,
    /// Life-cycle.
    Info,
    /// Per batch.
    Debug,
}

/// A number of bytes: `4096`, `64 KiB`, `5 MiB`, `1 GiB`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct Bytes(pub u64);

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(BytesVisitor)
    }
}

struct BytesVisitor;

impl Visitor<'_> for BytesVisitor {
    type Value = Bytes;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number of bytes, such as 4096, 64 KiB, 5 MiB or 1 GiB")
    }

    fn visit_u64<E: serde::de::Error>(self, bytes: u64) -> Result<Bytes, E> {
        Ok(Bytes(bytes))
    }

    fn visit_i64<E: serde::de::Error>(self, bytes: i64) -> Result<Bytes, E> {
        u64::try_from(bytes).map(Bytes).map_err(|_| E::custom("a number of bytes is not negative"))
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Bytes, E> {
        let digits = text.trim_end_matches(|c: char| !c.is_ascii_digit());
        let factor = match text.strip_prefix(digits).map(str::trim) {
            Some("") => 1,
            Some("KiB") => 1 << 10,
            Some("MiB") => 1 << 20,
            Some("GiB") => 1 << 30,
            _ => return Err(E::invalid_value(serde::de::Unexpected::Str(text), &self)),
        };
        let number: u64 = digits.parse().map_err(|_| E::invalid_value(serde::de::Unexpected::Str(text), &self))?;
        number.checked_mul(factor).map(Bytes).ok_or_else(|| E::custom("more bytes than can be counted"))
    }
}

fn between<const MIN: u64, const MAX: u64>(bytes: &Bytes, _: &()) -> garde::Result {
    if (MIN..=MAX).contains(&bytes.0) {
        Ok(())
    } else {
        Err(garde::Error::new(format!("must be {MIN} to {MAX} bytes, is {}", bytes.0)))
    }
}
