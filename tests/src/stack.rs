//! The whole process in a test: real listener, real file, a clock that stands still until it is set.
//!
//! Place: what every acceptance case runs on. One folder per stack, removed at the end. Waits for the pipeline, never
//! for time: nothing is read before no group has lag.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use cli::single::{self, Running};
use da_model::event::{DeadLetter, DiscreteEvent, Event, Lineage, RejectedEvent, UsageEvent};
use da_model::ids::{Offset, Partition, TopicName};
use da_model::schema::{Schemas, codec};
use da_model::time::Timestamp;
use da_runtime::clock::ManualClock;
use da_runtime::commit::status::Status;
use da_runtime::config::{self, Sources};
use da_runtime::http::auth::{self, NewKey, Scope};
use da_runtime::io::sqlite_log::Reader;
use da_runtime::ports::Append;
use da_runtime::reading::TapRecord;
use serde_json::Value;

use crate::dsl::{self, Play, T0};
use crate::folder::Folder;
use crate::line::{self, Line};
use crate::{laws, tables};

/// The partner topic that every stack reads, for tenant t1.
pub const PARTNER_TOPIC: TopicName = TopicName("partner.events");

/// A record of the log.
#[derive(Debug, Clone)]
pub struct Logged {
    /// Topic without the common prefix.
    pub topic: String,
    /// Partition.
    pub partition: Partition,
    /// Offset.
    pub offset: Offset,
    /// The record's timestamp.
    pub timestamp: Timestamp,
    /// Its key as text.
    pub key: String,
    /// Its value.
    pub value: Vec<u8>,
}

impl From<TapRecord> for Logged {
    fn from(r: TapRecord) -> Self {
        Self {
            topic: r.topic,
            partition: r.partition,
            offset: r.offset,
            timestamp: Timestamp(r.timestamp),
            key: String::from_utf8_lossy(&r.key.unwrap_or_default()).into_owned(),
            value: r.value.unwrap_or_default(),
        }
    }
}

impl Logged {
    /// The event it holds, with its lineage.
    ///
    /// # Panics
    /// When the value cannot be read.
    #[must_use]
    pub fn read(&self) -> (Lineage<'_>, Event<'_>) {
        let read = codec::decode(&self.value, &Schemas::embedded());
        read.unwrap_or_else(|r| panic!("{} {}: {r}", self.topic, self.offset))
    }

    /// The discrete event it holds, if it is one.
    #[must_use]
    pub fn discrete(&self) -> Option<DiscreteEvent<'_>> {
        if !self.topic.starts_with("demux.") && !self.topic.starts_with("dep.") {
            return None;
        }
        if let Event::Discrete(de) = self.read().1 { Some(*de) } else { None }
    }

    /// The refused event it holds.
    ///
    /// # Panics
    /// When it holds something else.
    #[must_use]
    pub fn rejected(&self) -> RejectedEvent<'_> {
        let Event::Rejected(event) = self.read().1 else {
            panic!("{} {}: not a rejected event", self.topic, self.offset)
        };
        *event
    }

    /// The dead letter it holds.
    ///
    /// # Panics
    /// When it holds something else.
    #[must_use]
    pub fn dead(&self) -> DeadLetter<'_> {
        let Event::Dead(letter) = self.read().1 else { panic!("{} {}: not a dead letter", self.topic, self.offset) };
        *letter
    }

    /// The accepted event it holds.
    ///
    /// # Panics
    /// When it holds something else.
    #[must_use]
    pub fn accepted(&self) -> UsageEvent<'_> {
        let Event::Usage(event) = self.read().1 else {
            panic!("{} {}: not an accepted event", self.topic, self.offset)
        };
        *event
    }
}

/// What a request was answered.
#[derive(Debug, Clone)]
pub struct Reply {
    /// The status code.
    pub status: u16,
    /// The body; null where it is no JSON.
    pub body: Value,
    /// `retry-after`, if there is one.
    pub retry_after: Option<String>,
}

impl Reply {
    /// Verdict of element `index`, followed by its flags or the codes of its reasons.
    #[must_use]
    pub fn verdict(&self, index: usize) -> Vec<String> {
        let result = &self.body["results"][index];
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let list = |value: &Value, of: fn(&Value) -> &Value| -> Vec<String> {
            value.as_array().into_iter().flatten().map(|v| text(of(v))).collect()
        };
        let mut words = vec![text(&result["verdict"])];
        words.extend(list(&result["flags"], |flag| flag));
        words.extend(list(&result["reasons"], |reason| &reason["code"]));
        words
    }
}

/// A running process.
pub struct Stack {
    /// The clock of the process.
    pub clock: Arc<ManualClock>,
    folder: Folder,
    yaml: String,
    environment: Vec<(String, String)>,
    client: reqwest::blocking::Client,
    key: String,
    running: Option<Running>,
}

impl Default for Stack {
    fn default() -> Self {
        Self::start()
    }
}

impl Stack {
    /// A process on an empty folder with the defaults of the cases.
    #[must_use]
    pub fn start() -> Self {
        Self::with("")
    }

    /// A process whose settings file has these further lines; lines that begin with `DA__` stand for the environment.
    ///
    /// # Panics
    /// When it does not start.
    #[must_use]
    pub fn with(more: &str) -> Self {
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
        let yaml = format!(
            "http: {{ listen: \"127.0.0.1:0\" }}\nadmin: {{ listen: \"127.0.0.1:0\" }}\nembedded: {{ dir: {:?} }}\n\
             partner_topics: [ {{ topic: {PARTNER_TOPIC}, partner: p1, tenant: t1 }} ]\n{more}\n",
            folder.path().display().to_string()
        );
        let client = reqwest::blocking::Client::builder().timeout(None).no_proxy().build();
        let client = client.unwrap_or_else(|e| panic!("a client: {e}"));
        let clock = Arc::new(ManualClock::new(Timestamp(T0)));
        let mut stack = Self { clock, folder, yaml, environment, client, key, running: None };
        stack.begin();
        stack
    }

    fn begin(&mut self) {
        let file = Some(("case.yaml".to_owned(), self.yaml.clone()));
        let sources = Sources { file, environment: self.environment.clone() };
        let loaded = config::read(&sources).unwrap_or_else(|findings| panic!("{findings:?}"));
        let started = single::start(&loaded.settings, Arc::clone(&self.clock) as _);
        self.running = Some(started.unwrap_or_else(|e| panic!("the process does not start: {e:#}")));
    }

    fn running(&self) -> &Running {
        self.running.as_ref().unwrap_or_else(|| panic!("the process was stopped"))
    }

    /// Stops the process in order.
    pub fn stop(&mut self) {
        if let Some(running) = self.running.take() {
            let drain = running.stop();
            drain.unwrap_or_else(|e| panic!("the process does not stop: {e:#}"));
        }
    }

    /// Stops the process and starts it again on the same folder.
    pub fn restart(&mut self) {
        self.stop();
        self.begin();
    }

    /// Stops the process and starts it again with one more variable of the environment.
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

    /// The data file.
    #[must_use]
    pub fn file(&self) -> PathBuf {
        self.folder.path().join("da.sqlite")
    }

    /// The data folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The address of a path of the public listener.
    #[must_use]
    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.running().url)
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
        let receipt = self.running().sink.append(records).unwrap_or_else(|e| panic!("append: {e}"));
        let appended = receipt.blocking_recv().unwrap_or_else(|e| panic!("no receipt: {e}"));
        appended.unwrap_or_else(|e| panic!("not appended: {e}"));
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
    ///
    /// # Panics
    /// When that takes far too long.
    pub fn drain(&self) {
        let running = self.running();
        for _ in 0..60_000 {
            if running.watch.status().lag() == 0 {
                return;
            }
            std::thread::park_timeout(std::time::Duration::from_millis(1));
        }
        panic!("a group stays behind: {:?}", running.watch.status());
    }

    /// What the engine counts.
    #[must_use]
    pub fn status(&self) -> Status {
        self.drain();
        self.running().watch.status()
    }

    /// The records of one topic.
    #[must_use]
    pub fn topic(&self, name: &str) -> Vec<Logged> {
        self.log().into_iter().filter(|l| l.topic == name).collect()
    }

    /// All records of all topics, drained, each topic in its order.
    #[must_use]
    pub fn log(&self) -> Vec<Logged> {
        if self.running.is_some() {
            self.drain();
        }
        read_log(&self.file())
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
        tables::rows(&self.file(), columns, from)
    }

    /// What must be equal in *equal tables*, drained.
    #[must_use]
    pub fn equal_tables(&self) -> tables::Dump {
        self.drain();
        tables::equal(&self.file())
    }

    /// All of dep's tables but updated_at, drained.
    #[must_use]
    pub fn whole_tables(&self) -> tables::Dump {
        self.drain();
        tables::whole(&self.file())
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        match self.running.take() {
            Some(running) if std::thread::panicking() => drop(running.stop()),
            running => {
                self.running = running;
                self.stop();
            }
        }
    }
}

/// All records of all topics of a data file, each topic in its order.
///
/// # Panics
/// When it cannot be read.
#[must_use]
pub fn read_log(file: &Path) -> Vec<Logged> {
    let mut reader = Reader::open(file).unwrap_or_else(|fault| panic!("{fault}"));
    let partitions = reader.partitions().unwrap_or_else(|fault| panic!("{fault}"));
    let mut found = Vec::new();
    for topic in reader.topics().unwrap_or_else(|fault| panic!("{fault}")) {
        for part in (0..partitions).map(Partition) {
            let records = reader.records((&topic, part), Offset(0), usize::MAX);
            found.extend(records.unwrap_or_else(|fault| panic!("{fault}")).into_iter().map(Logged::from));
        }
    }
    found
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
