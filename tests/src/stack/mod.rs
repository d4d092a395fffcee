//! The whole pipeline in a test: real listener, real log, real tables, a clock that stands still until it is set.
//!
//! Place: what every acceptance case runs on, in either [`Form`]. One folder per stack, removed at the end. Waits for
//! the pipeline, never for time: nothing is read before no group has lag.

mod cluster;
mod embedded;
mod eyes;
mod logged;
pub mod servers;
pub(crate) mod site;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use da_model::ids::TopicName;
use da_model::time::Timestamp;
use da_model::topics;
use da_runtime::clock::ManualClock;
use da_runtime::commit::embedded_txn::FILE;
use da_runtime::commit::status::Status;
use da_runtime::config::{self, Settings, Sources};
use da_runtime::http::auth::{self, NewKey, Scope};
use da_runtime::ports::{Append, Sink};
use serde_json::Value;

use crate::dsl::{self, Play, T0};
use crate::folder::Folder;
use crate::line::{self, Line};
use crate::tables::Tables;
use crate::{laws, tables};

pub use embedded::read_log;
pub use logged::{Logged, Reply};

/// The partner topic that every stack reads, for tenant t1.
pub const PARTNER_TOPIC: TopicName = TopicName("partner.events");

/// What a pipeline stands on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// One process on one SQLite file.
    Embedded,
    /// gep, demux and dep over Kafka, PostgreSQL and the registry.
    Cluster,
    /// The same with everything that crosses a network as it must beyond one's own machine: SASL and TLS to Kafka, TLS
    /// to PostgreSQL and registry, each with its authority.
    Secured,
}

impl Form {
    /// Whether it is at hand; otherwise a line says what was skipped.
    #[must_use]
    pub fn at_hand(self, test: &str) -> bool {
        self == Self::Embedded || site::servers(test, self).is_some()
    }

    /// A pipeline with nothing in it and the defaults of the cases.
    #[must_use]
    pub fn start(self) -> Stack {
        self.with("")
    }

    /// A pipeline whose settings file has these further lines; lines that begin with `DA__` stand for the environment.
    ///
    /// # Panics
    /// When it does not start.
    #[must_use]
    pub fn with(self, more: &str) -> Stack {
        Stack::of(self, more)
    }
}

/// One form of the pipeline: log and tables stay while processes come and go.
trait Engine: Send + Sync {
    /// Starts the processes.
    fn start(&mut self, settings: &Settings, clock: &Arc<ManualClock>);

    /// Stops them in order, where they run.
    fn stop(&mut self) -> anyhow::Result<()>;

    /// Where partners post.
    fn url(&self) -> String;

    /// Appends to the log from outside.
    fn append(&self, records: Vec<Append>);

    /// Waits until no group has lag, where the processes run.
    fn drain(&self);

    /// What the processes count; asked when no group has lag.
    fn status(&self) -> Status;

    /// All records of all topics, each topic in its order.
    fn log(&self) -> Vec<Logged>;

    /// A topic's name as readers outside have to spell it.
    fn full_name(&self, topic: TopicName) -> String;

    /// The tables.
    fn tables(&self) -> &dyn Tables;
}

/// A running pipeline.
pub struct Stack {
    /// The clock of its processes.
    pub clock: Arc<ManualClock>,
    // Before the folder that its processes write to.
    engine: Box<dyn Engine>,
    folder: Folder,
    yaml: String,
    environment: Vec<(String, String)>,
    client: reqwest::blocking::Client,
    key: String,
}

impl Default for Stack {
    fn default() -> Self {
        Self::start()
    }
}

impl Stack {
    /// The embedded form with the defaults of the cases.
    #[must_use]
    pub fn start() -> Self {
        Form::Embedded.start()
    }

    /// The embedded form with further settings, see [`Form::with`].
    #[must_use]
    pub fn with(more: &str) -> Self {
        Form::Embedded.with(more)
    }

    fn of(form: Form, more: &str) -> Self {
        let (environment, more): (Vec<&str>, Vec<&str>) = more.lines().partition(|line| line.starts_with("DA__"));
        let pair = |line: &str| line.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned()));
        let environment = environment.into_iter().filter_map(pair).collect();
        let (folder, more) = (Folder::new(), more.join("\n"));
        let tenants = (1..=40).flat_map(|n| [format!("A{n}"), format!("B{n}")]).collect();
        let new = NewKey {
            partner: "p1".to_owned(),
            tenant: "t1".to_owned(),
            tenants,
            adapter: "gooru".to_owned(),
            scopes: vec![Scope::Ingest],
            rate: None,
        };
        let (key, _) = auth::create(folder.path(), new, Timestamp(T0)).unwrap_or_else(|e| panic!("a key: {e}"));
        let (engine, servers): (Box<dyn Engine>, String) = match form {
            Form::Embedded => (Box::new(embedded::Embedded::new(folder.path())), String::new()),
            Form::Cluster | Form::Secured => {
                let cluster = cluster::Cluster::new(form);
                let yaml = cluster.yaml();
                (Box::new(cluster), yaml)
            }
        };
        let yaml = format!(
            "http: {{ listen: \"127.0.0.1:0\" }}\nadmin: {{ listen: \"127.0.0.1:0\" }}\nembedded: {{ dir: {:?} }}\n\
             partner_topics: [ {{ topic: {PARTNER_TOPIC}, partner: p1, tenant: t1 }} ]\n{servers}{more}\n",
            folder.path().display().to_string()
        );
        let client = reqwest::blocking::Client::builder().timeout(None).no_proxy().build();
        let client = client.unwrap_or_else(|e| panic!("a client: {e}"));
        let clock = Arc::new(ManualClock::new(Timestamp(T0)));
        let mut stack = Self { clock, engine, folder, yaml, environment, client, key };
        stack.begin();
        stack
    }

    fn begin(&mut self) {
        let file = Some(("case.yaml".to_owned(), self.yaml.clone()));
        let sources = Sources { file, environment: self.environment.clone() };
        let loaded = config::read(&sources).unwrap_or_else(|findings| panic!("{findings:?}"));
        self.engine.start(&loaded.settings, &self.clock);
    }

    /// Stops the processes in order.
    pub fn stop(&mut self) {
        self.engine.stop().unwrap_or_else(|e| panic!("the processes do not stop: {e:#}"));
    }

    /// Stops the processes and starts them again over the same log and tables.
    pub fn restart(&mut self) {
        self.stop();
        self.begin();
    }

    /// Stops the processes and starts them again with one more variable of the environment.
    pub fn restart_with(&mut self, name: &str, value: &str) {
        self.environment.push((name.to_owned(), value.to_owned()));
        self.restart();
    }

    /// The part of the stack's key that names it.
    #[must_use]
    pub fn key_id(&self) -> &str {
        self.key.split('.').next().unwrap_or_default()
    }

    /// A further key, known after the next start.
    ///
    /// # Panics
    /// When it cannot be made.
    #[must_use]
    pub fn further_key(&self, (partner, tenant, adapter): (&str, &str, &str), scope: Scope) -> String {
        let new = NewKey {
            partner: partner.to_owned(),
            tenant: tenant.to_owned(),
            tenants: Vec::new(),
            adapter: adapter.to_owned(),
            scopes: vec![scope],
            rate: None,
        };
        auth::create(self.folder.path(), new, Timestamp(T0)).unwrap_or_else(|e| panic!("a key: {e}")).0
    }

    /// The data file of the embedded form.
    #[must_use]
    pub fn file(&self) -> PathBuf {
        self.folder.path().join(FILE)
    }

    /// The data folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The address of a path of the public listener.
    #[must_use]
    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.engine.url())
    }

    /// A request to be filled in, with the key of the stack.
    pub fn request(&self, path: &str) -> reqwest::blocking::RequestBuilder {
        self.client.post(self.url(path)).bearer_auth(&self.key)
    }

    /// A request without a key.
    pub fn anonymous(&self, path: &str) -> reqwest::blocking::RequestBuilder {
        self.client.post(self.url(path))
    }

    /// Posts a body at a time of the clock.
    #[must_use]
    pub fn post(&self, body: impl Into<Vec<u8>>, at: i64) -> Reply {
        self.clock.set(Timestamp(at));
        answer(self.request("/v1/events").header("content-type", "application/json").body(body.into()))
    }

    /// Posts events as one array.
    #[must_use]
    pub fn post_all(&self, events: &[Value], at: i64) -> Reply {
        self.post(Value::Array(events.to_vec()).to_string(), at)
    }

    /// Delivers the lines of a case one by one, each when it ends, and checks each verdict.
    pub fn play(&self, text: &str) {
        for play in dsl::plays(text) {
            self.deliver(&play);
        }
    }

    /// The same, each event in another tenant.
    pub fn play_as(&self, tenant: &str, text: &str) {
        for mut play in dsl::plays(text) {
            play.event["context"]["tenantId"] = tenant.into();
            self.deliver(&play);
        }
    }

    /// Delivers one event in a request of its own and checks its verdict.
    ///
    /// # Panics
    /// When it gets another one.
    pub fn deliver(&self, play: &Play) {
        let reply = self.post_all(std::slice::from_ref(&play.event), play.received);
        let said = reply.verdict(0);
        assert_eq!(said[0], play.verdict, "{}: {} {}", play.line, reply.status, reply.body);
        if let Some(words) = &play.words {
            assert_eq!(&said[1..], &words[..], "{}: {}", play.line, reply.body);
        }
    }

    /// Appends records to a topic of the log as somebody else would, at the clock's time.
    pub fn append(&self, records: Vec<Append>) {
        self.engine.append(records);
    }

    /// Sends values over the partner's topic at a time of the clock.
    pub fn send(&self, values: Vec<Vec<u8>>, at: i64) {
        self.clock.set(Timestamp(at));
        let record = |value| Append {
            topic: PARTNER_TOPIC,
            key: b"whatever".to_vec(),
            value: Some(value),
            timestamp: Timestamp(at),
        };
        self.append(values.into_iter().map(record).collect());
    }

    /// Waits until no group has lag.
    pub fn drain(&self) {
        self.engine.drain();
    }

    /// What the processes count.
    #[must_use]
    pub fn status(&self) -> Status {
        self.drain();
        self.engine.status()
    }

    /// The records of one topic.
    #[must_use]
    pub fn topic(&self, name: &str) -> Vec<Logged> {
        self.log().into_iter().filter(|l| l.topic == name).collect()
    }

    /// A topic's name as readers outside have to spell it.
    ///
    /// # Panics
    /// When there is no such topic.
    #[must_use]
    pub fn full_name(&self, topic: &str) -> String {
        let topic = topics::named(topic).unwrap_or_else(|| panic!("no topic {topic}"));
        self.engine.full_name(topic)
    }

    /// All records of all topics, drained, each topic in its order.
    #[must_use]
    pub fn log(&self) -> Vec<Logged> {
        self.drain();
        self.engine.log()
    }

    /// The discrete events of the whole log as lines.
    #[must_use]
    pub fn lines(&self) -> Vec<Line> {
        let log = self.log();
        laws::hold(&log);
        log.iter().filter_map(Logged::discrete).map(|de| Line::of(&de)).collect()
    }

    /// Checks that the discrete events are exactly these.
    pub fn expect(&self, expected: &str) {
        line::expect_exactly(&self.lines(), expected);
    }

    /// Checks that the discrete events of these names are exactly these.
    pub fn expect_of(&self, names: &[&str], expected: &str) {
        let wanted = |l: &Line| names.contains(&l.head.0.as_str());
        let lines: Vec<Line> = self.lines().into_iter().filter(wanted).collect();
        line::expect_exactly(&lines, expected);
    }

    /// Checks the number of records of a topic.
    ///
    /// # Panics
    /// When there are others.
    pub fn expect_count(&self, topic: &str, count: usize) {
        assert_eq!(self.topic(topic).len(), count, "records of {topic}");
    }

    /// Rows of a table (see [`tables::rows`]), drained.
    #[must_use]
    pub fn rows(&self, columns: &str, from: &str) -> Vec<String> {
        self.drain();
        tables::rows(self.engine.tables(), columns, from)
    }

    /// What must be equal in *equal tables*, drained.
    #[must_use]
    pub fn equal_tables(&self) -> tables::Dump {
        self.drain();
        tables::equal(self.engine.tables())
    }

    /// All of dep's tables but updated_at, drained.
    #[must_use]
    pub fn whole_tables(&self) -> tables::Dump {
        self.drain();
        tables::whole(self.engine.tables())
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        let ended = self.engine.stop();
        if !std::thread::panicking() {
            ended.unwrap_or_else(|e| panic!("the processes do not stop: {e:#}"));
        }
    }
}

/// Appends and waits for the receipt.
fn appended(sink: &dyn Sink, records: Vec<Append>) {
    let receipt = sink.append(records).unwrap_or_else(|e| panic!("append: {e}"));
    let appended = receipt.blocking_recv().unwrap_or_else(|e| panic!("no receipt: {e}"));
    appended.unwrap_or_else(|e| panic!("not appended: {e}"));
}

/// Sends a request and reads its answer.
///
/// # Panics
/// When there is none.
#[must_use]
pub fn answer(request: reqwest::blocking::RequestBuilder) -> Reply {
    let response = request.send().unwrap_or_else(|e| panic!("no answer: {e:?}"));
    let retry_after = response.headers().get("retry-after").and_then(|v| v.to_str().ok()).map(str::to_owned);
    let status = response.status().as_u16();
    let bytes = response.bytes().unwrap_or_else(|e| panic!("no body: {e}"));
    Reply { status, body: serde_json::from_slice(&bytes).unwrap_or_default(), retry_after }
}
