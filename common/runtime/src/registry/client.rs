//! The REST calls of a schema registry, with retry and bounds: Confluent's, which Karapace, Redpanda and Apicurio speak.
//!
//! Place: the only file that talks to a registry. It is not trusted: answers are read up to a size and a time, and only
//! its numbered codes are definite. Blocks: never called from async code. Keeps nothing (`cache` does).

use std::fmt::{self, Write as _};
use std::fs;
use std::io::Read;
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use da_model::delivery::retry;
use da_model::names::{Label, Metric};
use reqwest::blocking::{Client as Http, Response};
use reqwest::header::{ACCEPT, CONTENT_TYPE};
use reqwest::{Certificate, Method, StatusCode, redirect};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::json;

use super::error::{Asked, RegistryError};
use super::{RegistrySettings, spread};
use crate::ports::Clock;
use crate::telemetry::metrics;

/// How long an answer may take and how large it may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The longest wait for a connection.
    pub connect: Duration,
    /// The longest wait for the head of an answer, and for each further piece of it.
    pub piece: Duration,
    /// The longest time for a whole answer.
    pub whole: Duration,
    /// The most bytes of an answer.
    pub bytes: usize,
}

const MEDIA: &str = "application/vnd.schemaregistry.v1+json";

/// A registry as it is asked; clones share connections and what they know of an outage.
#[derive(Clone)]
pub struct Client {
    shared: Arc<Shared>,
    patience: Duration,
}

struct Shared {
    http: Http,
    limits: Limits,
    base: String,
    ca: Option<String>,
    login: Option<(String, String)>,
    clock: Arc<dyn Clock>,
    rest: Mutex<Rest>,
    wake: Condvar,
}

/// How long the registry has been away.
#[derive(Debug, Default)]
struct Rest {
    failures: u32,
    until: i64,
    ended: bool,
}

/// One version of a subject.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Version {
    /// Its number.
    pub version: u32,
    /// The id of its schema.
    pub id: u32,
    /// The schema.
    pub schema: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Schema {
    schema: String,
    schema_type: Option<String>,
}

#[derive(Deserialize)]
struct Id {
    id: u32,
}

#[derive(Deserialize)]
struct Level {
    #[serde(rename = "compatibilityLevel", alias = "compatibility")]
    level: String,
}

#[derive(Default, Deserialize)]
struct Said {
    #[serde(default)]
    error_code: u32,
    #[serde(default)]
    message: String,
}

struct Call {
    operation: &'static str,
    method: Method,
    path: String,
    body: Option<String>,
    asked: Asked,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(2),
            piece: Duration::from_secs(3),
            whole: Duration::from_secs(10),
            bytes: 1 << 20,
        }
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("base", &self.shared.base).field("patience", &self.patience).finish()
    }
}

impl Client {
    /// A client that asks once; see [`Client::patient`]. Reads the password and the certificates.
    ///
    /// # Errors
    /// [`RegistryError::Setting`] where a setting or one of its files cannot be used.
    pub fn new(settings: &RegistrySettings, clock: Arc<dyn Clock>) -> Result<Self, RegistryError> {
        Self::within(settings, clock, Limits::default())
    }

    /// As [`Client::new`], with limits of the caller's.
    ///
    /// # Errors
    /// As [`Client::new`].
    pub fn within(settings: &RegistrySettings, clock: Arc<dyn Clock>, limits: Limits) -> Result<Self, RegistryError> {
        let base = base_of(&settings.url)?;
        let login = match (&settings.username, &settings.password_file) {
            (None, None) => None,
            (Some(user), Some(file)) => {
                Some((user.clone(), read("registry.password_file", file)?.trim_end().to_owned()))
            }
            (Some(_), None) | (None, Some(_)) => {
                return Err(setting("registry.username and registry.password_file belong together"));
            }
        };
        let mut http = Http::builder()
            .timeout(limits.piece)
            .connect_timeout(limits.connect)
            .redirect(redirect::Policy::none())
            .no_proxy()
            .user_agent(concat!("gooru-da/", env!("CARGO_PKG_VERSION")))
            .https_only(base.starts_with("https://"));
        if let Some(file) = &settings.ca_file {
            let found = Certificate::from_pem_bundle(read("registry.ca_file", file)?.as_bytes());
            let certificates = found.ok().filter(|found| !found.is_empty());
            let unread = || setting(format!("registry.ca_file: {} holds no certificate in PEM form", file.display()));
            http = http.tls_certs_only(certificates.ok_or_else(unread)?);
        }
        let http = http.build().map_err(|e| setting(format!("registry: no client can be made: {e}")))?;
        let ca = settings.ca_file.as_ref().map(|file| file.display().to_string());
        let (rest, wake) = (Mutex::default(), Condvar::new());
        let shared = Arc::new(Shared { http, limits, base, ca, login, clock, rest, wake });
        Ok(Self { shared, patience: Duration::ZERO })
    }

    /// The same client, asking again for so long while the registry is away. Without patience it also keeps quiet for
    /// a while after a failure, so that a caller who comes back at once does not wait for an answer each time.
    #[must_use]
    pub fn patient(&self, patience: Duration) -> Self {
        Self { shared: Arc::clone(&self.shared), patience }
    }

    /// Ends all waits, now and later: a stop was asked for.
    pub fn hurry(&self) {
        self.rest().ended = true;
        self.shared.wake.notify_all();
    }

    /// Its URL, as settings give it.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.shared.base
    }

    /// The text of an Avro schema; `None` where the registry says that there is none of this id.
    ///
    /// # Errors
    /// A [`RegistryError`].
    pub fn schema(&self, id: u32) -> Result<Option<String>, RegistryError> {
        let asked = self.asked(format!("look-up of schema id {id}"));
        let call = Call::get("schema", format!("/schemas/ids/{id}?deleted=true"), asked.clone());
        let found: Option<Schema> = found(self.ask(&call))?;
        match found {
            Some(Schema { schema_type: Some(kind), .. }) if kind != "AVRO" => {
                Err(RegistryError::Invalid { asked, code: 0, said: format!("it is of type {}, not AVRO", tame(&kind)) })
            }
            found => Ok(found.map(|schema| schema.schema)),
        }
    }

    /// The id of a schema under a subject; `None` where it is not registered there.
    ///
    /// # Errors
    /// A [`RegistryError`].
    pub fn id_of(&self, subject: &str, text: &str) -> Result<Option<u32>, RegistryError> {
        let asked = self.asked(format!("look-up of our schema under {subject}"));
        let call = Call::post("id", format!("/subjects/{subject}?deleted=false"), body_of(text), asked);
        Ok(found::<Id>(self.ask(&call))?.map(|found| found.id))
    }

    /// Registers a schema; a schema that is there already keeps its id.
    ///
    /// # Errors
    /// A [`RegistryError`], with [`RegistryError::Incompatible`] where an earlier version stands in the way.
    pub fn register(&self, subject: &str, text: &str) -> Result<u32, RegistryError> {
        let asked = self.asked(format!("registration of our schema under {subject}"));
        let call = Call::post("register", format!("/subjects/{subject}/versions"), body_of(text), asked);
        self.ask::<Id>(&call).map(|registered| registered.id)
    }

    /// The versions of a subject, oldest first; none where the registry has no such subject.
    ///
    /// # Errors
    /// A [`RegistryError`].
    pub fn versions(&self, subject: &str) -> Result<Vec<Version>, RegistryError> {
        let asked = || self.asked(format!("look-up of the versions of {subject}"));
        let version = |n| self.ask(&Call::get("version", format!("/subjects/{subject}/versions/{n}"), asked()));
        self.numbers(subject)?.into_iter().map(version).collect()
    }

    /// The numbers of the versions of a subject, oldest first; none where the registry has no such subject.
    ///
    /// # Errors
    /// A [`RegistryError`].
    pub fn numbers(&self, subject: &str) -> Result<Vec<u32>, RegistryError> {
        let asked = self.asked(format!("look-up of the versions of {subject}"));
        let call = Call::get("versions", format!("/subjects/{subject}/versions"), asked);
        let mut numbers: Vec<u32> = found(self.ask(&call))?.unwrap_or_default();
        numbers.sort_unstable();
        Ok(numbers)
    }

    /// The compatibility level of a subject; `None` where it has none of its own.
    ///
    /// # Errors
    /// A [`RegistryError`].
    pub fn level(&self, subject: &str) -> Result<Option<String>, RegistryError> {
        let asked = self.asked(format!("look-up of the compatibility level of {subject}"));
        let found: Option<Level> = found(self.ask(&Call::get("level", format!("/config/{subject}"), asked)))?;
        Ok(found.map(|found| tame(&found.level)))
    }

    /// Sets the compatibility level of a subject.
    ///
    /// # Errors
    /// A [`RegistryError`].
    pub fn set_level(&self, subject: &str, level: &str) -> Result<(), RegistryError> {
        let asked = self.asked(format!("setting of the compatibility level of {subject}"));
        let body = Some(json!({ "compatibility": level }).to_string());
        let path = format!("/config/{subject}");
        let call = Call { operation: "set_level", method: Method::PUT, path, body, asked };
        self.ask::<serde_json::Value>(&call).map(drop)
    }

    /// The number of subjects: a question that any registry answers.
    ///
    /// # Errors
    /// A [`RegistryError`].
    pub fn subjects(&self) -> Result<usize, RegistryError> {
        let asked = self.asked("list of subjects".to_owned());
        self.ask::<Vec<String>>(&Call::get("subjects", "/subjects".to_owned(), asked)).map(|all| all.len())
    }

    fn asked(&self, what: String) -> Asked {
        Asked { what, url: self.shared.base.clone() }
    }

    fn ask<T: DeserializeOwned>(&self, call: &Call) -> Result<T, RegistryError> {
        let now = || self.shared.clock.now().0;
        if self.patience.is_zero() && now() < self.rest().until {
            return Err(call.away("it did not answer a moment ago"));
        }
        let until = now().saturating_add(ms(self.patience));
        let mut attempts = 0;
        loop {
            let failed = match self.once(call) {
                Ok(answer) => {
                    self.answered();
                    return serde_json::from_slice(&answer)
                        .map_err(|e| call.strange(format!("its answer is not as agreed: {e}")));
                }
                Err(error) if error.is_passing() => error,
                Err(error) => return Err(error),
            };
            let wait = spread(retry::wait_ms(attempts));
            if now().saturating_add(ms(wait)) > until || !self.waited(wait) {
                self.failed(now());
                return Err(failed);
            }
            attempts += 1;
        }
    }

    /// Waits, unless a stop comes first.
    fn waited(&self, wait: Duration) -> bool {
        let rest = self.shared.wake.wait_timeout_while(self.rest(), wait, |rest| !rest.ended);
        !rest.unwrap_or_else(PoisonError::into_inner).0.ended
    }

    fn answered(&self) {
        let mut rest = self.rest();
        (rest.failures, rest.until) = (0, 0);
    }

    fn failed(&self, now: i64) {
        let mut rest = self.rest();
        rest.until = now.saturating_add(ms(spread(retry::wait_ms(rest.failures))));
        rest.failures = rest.failures.saturating_add(1);
    }

    fn rest(&self) -> std::sync::MutexGuard<'_, Rest> {
        self.shared.rest.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One request and its whole answer.
    fn once(&self, call: &Call) -> Result<Vec<u8>, RegistryError> {
        let shared = &self.shared;
        let mut request = shared.http.request(call.method.clone(), format!("{}{}", shared.base, call.path));
        request = request.header(ACCEPT, MEDIA);
        if let Some(body) = &call.body {
            request = request.header(CONTENT_TYPE, MEDIA).body(body.clone());
        }
        if let Some((user, password)) = &shared.login {
            request = request.basic_auth(user, Some(password));
        }
        let until = shared.clock.now().0.saturating_add(ms(shared.limits.whole));
        let answered = request.send();
        let status = answered.as_ref().map_or_else(|_| "unreachable".to_owned(), |a| a.status().as_u16().to_string());
        let labels = [(Label::Operation, call.operation), (Label::Status, status.as_str())];
        metrics::count(Metric::RegistryRequests, &labels, 1);
        let answer = answered.map_err(|e| self.unanswered(call, &e))?;
        let status = answer.status();
        let bytes = self
            .whole(answer, until)
            .map_err(|why| if status.is_server_error() || why.1 { call.away(why.0) } else { call.strange(why.0) })?;
        if status.is_success() { Ok(bytes) } else { Err(call.refused(status, &bytes)) }
    }

    /// The bytes of an answer, or why there are none, and whether that may pass.
    fn whole(&self, mut answer: Response, until: i64) -> Result<Vec<u8>, (String, bool)> {
        let limits = self.shared.limits;
        let mut bytes = Vec::new();
        let mut piece = [0; 16 << 10];
        loop {
            let read = answer.read(&mut piece).map_err(|e| (format!("its answer broke off: {e}"), true))?;
            let Some(piece) = piece.get(..read).filter(|piece| !piece.is_empty()) else { return Ok(bytes) };
            bytes.extend_from_slice(piece);
            if bytes.len() > limits.bytes {
                return Err((format!("its answer is longer than {} bytes", limits.bytes), false));
            }
            if self.shared.clock.now().0 > until {
                return Err((format!("its answer takes longer than {} ms", ms(limits.whole)), true));
            }
        }
    }

    fn unanswered(&self, call: &Call, error: &reqwest::Error) -> RegistryError {
        let mut text = error.to_string();
        let mut source = std::error::Error::source(error);
        while let Some(inner) = source {
            let _fits = write!(text, ": {inner}");
            source = inner.source();
        }
        if text.contains("certificate") {
            let whom = self.shared.ca.as_deref().map_or_else(
                || "the authorities of this machine".to_owned(),
                |file| format!("the certificates of registry.ca_file, {file}"),
            );
            return RegistryError::Untrusted { asked: call.asked.clone(), whom, cause: tame(&text) };
        }
        call.away(text)
    }
}

impl Call {
    const fn get(operation: &'static str, path: String, asked: Asked) -> Self {
        Self { operation, method: Method::GET, path, body: None, asked }
    }

    const fn post(operation: &'static str, path: String, body: String, asked: Asked) -> Self {
        Self { operation, method: Method::POST, path, body: Some(body), asked }
    }

    fn away(&self, cause: impl AsRef<str>) -> RegistryError {
        RegistryError::Away { asked: self.asked.clone(), cause: tame(cause.as_ref()) }
    }

    fn strange(&self, cause: impl AsRef<str>) -> RegistryError {
        RegistryError::Strange { asked: self.asked.clone(), cause: tame(cause.as_ref()) }
    }

    /// What an answer other than 2xx means.
    fn refused(&self, status: StatusCode, answer: &[u8]) -> RegistryError {
        let Said { error_code: code, message } = serde_json::from_slice(answer).unwrap_or_default();
        let (asked, said) = (self.asked.clone(), tame(&message));
        match (status.as_u16(), code) {
            (401 | 403, _) => RegistryError::Forbidden { asked, status: status.as_u16() },
            (429 | 500..=599, _) => self.away(format!("status {status}{}", super::error::sentence(code))),
            (_, 40_400..=40_499) => RegistryError::Unknown { asked, code },
            (409, _) | (_, 40_900..=40_999) => RegistryError::Incompatible { asked, said },
            (_, 42_200..=42_299) => RegistryError::Invalid { asked, code, said },
            (404, _) => self.strange("status 404 without a code of a registry; does registry.url lack its base path?"),
            (_, _) => self.strange(format!("status {status}: {said}")),
        }
    }
}

fn ms(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

/// Turns a definite "there is none" into `None`.
fn found<T>(answer: Result<T, RegistryError>) -> Result<Option<T>, RegistryError> {
    match answer {
        Ok(found) => Ok(Some(found)),
        Err(RegistryError::Unknown { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

/// A schema as it is sent: without the white space of its file, which is no reason for another id.
fn body_of(text: &str) -> String {
    let compact = serde_json::from_str::<serde_json::Value>(text).map(|schema| schema.to_string());
    json!({ "schemaType": "AVRO", "schema": compact.as_deref().unwrap_or(text) }).to_string()
}

/// The URL without a slash at its end.
fn base_of(url: &str) -> Result<String, RegistryError> {
    let rest = url.strip_prefix("http://").or_else(|| url.strip_prefix("https://"));
    let host = rest.and_then(|rest| rest.split('/').next()).filter(|host| !host.is_empty());
    let Some(host) = host else {
        return Err(setting(format!("registry.url: `{url}` must begin with http:// or https:// and a host")));
    };
    if host.contains('@') {
        return Err(setting("registry.url must not hold a password; use registry.username and registry.password_file"));
    }
    if url.contains(['?', '#']) {
        return Err(setting("registry.url ends with its base path, without a query"));
    }
    Ok(url.trim_end_matches('/').to_owned())
}

fn read(name: &str, file: &Path) -> Result<String, RegistryError> {
    fs::read_to_string(file).map_err(|e| setting(format!("{name}: {} cannot be read: {e}", file.display())))
}

fn setting(what: impl Into<String>) -> RegistryError {
    RegistryError::Setting(what.into())
}

/// A text of the registry, short and without control characters.
fn tame(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(400).collect()
}
