//! Who may do what: keys `prefix.secret`, kept as hashes in one file of the data folder.
//!
//! Place: asked once per request; `da keys` writes the file. Holds no secret: a key is shown once, when it is made.
//! Tenant and partner of a request come from here, never from the body (delivery.md §11).

use std::collections::HashMap;
use std::fs::{self, File};
use std::hint::black_box;
use std::io::{self, Read, Write};
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use da_model::names::LogEvent;
use da_model::time::Timestamp;
use governor::clock::{Clock as _, DefaultClock};
use governor::middleware::StateInformationMiddleware;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{Problem, RequestCode};
use crate::telemetry::log;

/// Name of the file in the data folder.
pub const FILE: &str = "keys.json";
/// How often the file is read again.
pub const REREAD: Duration = Duration::from_secs(2);

/// What a key may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    /// Send events; includes `validate`.
    Ingest,
    /// Have events checked.
    Validate,
    /// Read the reports about the partner's own events.
    Report,
}

impl Scope {
    /// The word in files and answers.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Ingest => "ingest",
            Self::Validate => "validate",
            Self::Report => "report",
        }
    }

    /// The scope of a word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Ingest, Self::Validate, Self::Report].into_iter().find(|s| s.word() == word)
    }
}

/// Rates of one key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Rate {
    /// Events per second.
    pub events_per_second: u32,
    /// Bytes per second, as sent.
    pub bytes_per_second: u32,
    /// For how many seconds' worth a burst may take.
    pub burst_seconds: u32,
}

impl Default for Rate {
    fn default() -> Self {
        Self { events_per_second: 20_000, bytes_per_second: 64 * 1024 * 1024, burst_seconds: 10 }
    }
}

/// One key as it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Key {
    /// The prefix: names the key in settings, lists and logs.
    pub id: String,
    /// SHA-256 of the whole key, hex.
    pub sha256: String,
    /// Who sends.
    pub partner: String,
    /// The tenant of events that name none.
    pub tenant: String,
    /// Further tenants the key may write for.
    #[serde(default)]
    pub tenants: Vec<String>,
    /// The adapter that reads its events: `gooru` or `native`.
    pub adapter: String,
    /// What it may do.
    pub scopes: Vec<Scope>,
    /// Rates, where they differ from the settings.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate: Option<Rate>,
    /// When it was made, epoch milliseconds.
    pub created_at: i64,
}

impl Key {
    /// Whether it may do what `scope` names.
    #[must_use]
    pub fn may(&self, scope: Scope) -> bool {
        self.scopes.contains(&scope) || (scope == Scope::Validate && self.scopes.contains(&Scope::Ingest))
    }
}

/// What is asked for with a new key.
#[derive(Debug, Clone)]
pub struct NewKey {
    /// Who sends.
    pub partner: String,
    /// Default tenant.
    pub tenant: String,
    /// Further tenants.
    pub tenants: Vec<String>,
    /// `gooru` or `native`.
    pub adapter: String,
    /// What it may do.
    pub scopes: Vec<Scope>,
    /// Own rates.
    pub rate: Option<Rate>,
}

/// Why the list of keys could not be read or changed.
#[derive(Debug, thiserror::Error)]
pub enum KeysError {
    /// The file system said no.
    #[error("{attempted} {path}: {cause}")]
    Io {
        /// `reading`, `writing`, …
        attempted: &'static str,
        /// The file.
        path: String,
        /// What came back.
        cause: io::Error,
    },
    /// The file is not what `da keys` writes.
    #[error("reading {0}: {1}")]
    Malformed(String, serde_json::Error),
    /// There are two live keys already.
    #[error("partner {0} has two live keys with these scopes and this adapter; revoke one first")]
    TwoLive(String),
    /// No key has this prefix.
    #[error("no key {0}")]
    Unknown(String),
    /// A name that cannot be used.
    #[error("{0} must be 1–64 letters, digits, `.`, `_` or `-`")]
    BadName(&'static str),
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Listed {
    keys: Vec<Key>,
}

/// All keys of a data folder.
///
/// # Errors
/// [`KeysError`] when the file is there but cannot be read.
pub fn list(dir: &Path) -> Result<Vec<Key>, KeysError> {
    let path = dir.join(FILE);
    match fs::read(&path) {
        Ok(bytes) => serde_json::from_slice::<Listed>(&bytes)
            .map(|listed| listed.keys)
            .map_err(|cause| KeysError::Malformed(path.display().to_string(), cause)),
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(cause) => Err(failed("reading", &path, cause)),
    }
}

/// Makes a key and keeps its hash; the returned text `prefix.secret` is shown to no one again.
///
/// # Errors
/// [`KeysError`]; nothing is changed then.
pub fn create(dir: &Path, new: NewKey, now: Timestamp) -> Result<(String, Key), KeysError> {
    for (what, name) in [("partner", &new.partner), ("tenant", &new.tenant)] {
        plain_name(what, name)?;
    }
    for tenant in &new.tenants {
        plain_name("tenant", tenant)?;
    }
    let random: [u8; 34] = entropy()?;
    let (tag, secret) = random.split_at(2);
    let id = format!("{}_{}", new.partner.chars().take(24).collect::<String>().replace('.', "-"), hex(tag));
    let shown = format!("{id}.{}", hex(secret));
    let key = Key {
        id,
        sha256: hash(&shown),
        partner: new.partner,
        tenant: new.tenant,
        tenants: new.tenants,
        adapter: new.adapter,
        scopes: new.scopes,
        rate: new.rate,
        created_at: now.0,
    };
    let added = key.clone();
    change(dir, |keys| {
        let alike = |k: &&Key| (&k.partner, &k.adapter, &k.scopes) == (&added.partner, &added.adapter, &added.scopes);
        if keys.iter().filter(alike).count() >= 2 {
            return Err(KeysError::TwoLive(added.partner));
        }
        keys.push(added);
        Ok(())
    })?;
    Ok((shown, key))
}

/// Takes a key out of the list; a running process forgets it within [`REREAD`].
///
/// # Errors
/// [`KeysError::Unknown`] where no key has this prefix.
pub fn revoke(dir: &Path, id: &str) -> Result<(), KeysError> {
    change(dir, |keys| {
        let before = keys.len();
        keys.retain(|k| k.id != id);
        if keys.len() == before { Err(KeysError::Unknown(id.to_owned())) } else { Ok(()) }
    })
}

/// Reads, changes and replaces the file in one step that no other process can come between.
fn change(dir: &Path, edit: impl FnOnce(&mut Vec<Key>) -> Result<(), KeysError>) -> Result<(), KeysError> {
    fs::create_dir_all(dir).map_err(|e| failed("creating", dir, e))?;
    let lock_path = dir.join("keys.lock");
    let lock = File::create(&lock_path).map_err(|e| failed("creating", &lock_path, e))?;
    lock.lock().map_err(|e| failed("locking", &lock_path, e))?;
    let mut keys = list(dir)?;
    edit(&mut keys)?;
    let (path, fresh) = (dir.join(FILE), dir.join("keys.json.new"));
    let text = serde_json::to_vec_pretty(&Listed { keys })
        .map_err(|cause| KeysError::Malformed(path.display().to_string(), cause))?;
    write_private(&fresh, &text).map_err(|e| failed("writing", &fresh, e))?;
    fs::rename(&fresh, &path).map_err(|e| failed("replacing", &path, e))
}

fn write_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    use std::os::unix::fs::OpenOptionsExt;
    let mut file = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

fn failed(attempted: &'static str, path: &Path, cause: io::Error) -> KeysError {
    KeysError::Io { attempted, path: path.display().to_string(), cause }
}

fn plain_name(what: &'static str, name: &str) -> Result<(), KeysError> {
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-');
    if (1..=64).contains(&name.len()) && name.bytes().all(plain) { Ok(()) } else { Err(KeysError::BadName(what)) }
}

/// Random bytes of the operating system.
fn entropy() -> Result<[u8; 34], KeysError> {
    let path = Path::new("/dev/urandom");
    let mut bytes = [0; 34];
    File::open(path).and_then(|mut f| f.read_exact(&mut bytes)).map_err(|e| failed("reading", path, e))?;
    Ok(bytes)
}

fn hash(key: &str) -> String {
    hex(&Sha256::digest(key.as_bytes()))
}

/// Lower-case hex digits.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Equal or not, in a time that does not depend on where they differ.
fn equal(a: &str, b: &str) -> bool {
    let differing = a.bytes().zip(b.bytes()).fold(0, |seen, (x, y)| black_box(seen | (x ^ y)));
    a.len() == b.len() && differing == 0
}

type Bucket = RateLimiter<NotKeyed, InMemoryState, DefaultClock, StateInformationMiddleware>;

/// A key in force with its buckets.
#[derive(Debug)]
pub struct Credential {
    /// The key.
    pub key: Key,
    /// The rates in force.
    pub rate: Rate,
    events: Bucket,
    bytes: Bucket,
}

impl Credential {
    fn new(key: Key, default: Rate) -> Self {
        let rate = key.rate.unwrap_or(default);
        let bucket = |per_second: u32| {
            let per_second = NonZeroU32::new(per_second).unwrap_or(NonZeroU32::MIN);
            let burst = per_second.saturating_mul(NonZeroU32::new(rate.burst_seconds).unwrap_or(NonZeroU32::MIN));
            RateLimiter::direct(Quota::per_second(per_second).allow_burst(burst))
                .with_middleware::<StateInformationMiddleware>()
        };
        Self { events: bucket(rate.events_per_second), bytes: bucket(rate.bytes_per_second), rate, key }
    }

    /// Takes events from the bucket.
    ///
    /// # Errors
    /// `rate_limited` when they are not there now.
    pub fn take_events(&self, events: usize) -> Result<(), Problem> {
        take(&self.events, events, self.rate.burst_seconds, "events")
    }

    /// Takes bytes from the bucket.
    ///
    /// # Errors
    /// `rate_limited` when they are not there now.
    pub fn take_bytes(&self, bytes: usize) -> Result<(), Problem> {
        take(&self.bytes, bytes, self.rate.burst_seconds, "bytes")
    }

    /// Events that could be sent at once now; asking costs one.
    #[must_use]
    pub fn remaining_events(&self) -> u32 {
        self.events.check().map_or(0, |state| state.remaining_burst_capacity())
    }
}

fn take(bucket: &Bucket, cells: usize, burst_seconds: u32, what: &str) -> Result<(), Problem> {
    let Some(cells) = u32::try_from(cells).ok().and_then(NonZeroU32::new) else {
        return if cells == 0 { Ok(()) } else { Err(over(what, burst_seconds)) };
    };
    match bucket.check_n(cells) {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(until)) => {
            let wait = until.wait_time_from(DefaultClock::default().now()).as_secs().saturating_add(1);
            Err(over(what, u32::try_from(wait).unwrap_or(u32::MAX)))
        }
        Err(_) => Err(over(what, burst_seconds)),
    }
}

fn over(what: &str, seconds: u32) -> Problem {
    Problem::passing(RequestCode::RateLimited, format!("over the {what} per second of this key"), seconds)
}

/// The keys in force, shared by all requests.
#[derive(Debug)]
pub struct KeyRing {
    dir: PathBuf,
    default: Rate,
    by_id: RwLock<HashMap<String, Arc<Credential>>>,
}

impl KeyRing {
    /// The keys of a data folder.
    ///
    /// # Errors
    /// [`KeysError`] when the file is there but cannot be read.
    pub fn open(dir: &Path, default: Rate) -> Result<Self, KeysError> {
        let ring = Self { dir: dir.to_owned(), default, by_id: RwLock::default() };
        ring.replace(list(dir)?);
        Ok(ring)
    }

    /// Reads the file again; on trouble the last good list stays in force.
    pub fn reread(&self) {
        match list(&self.dir) {
            Ok(keys) => self.replace(keys),
            Err(error) => log::warn(LogEvent::KeysUnreadable, &[("cause", &error)]),
        }
    }

    /// Reads the file again every [`REREAD`], for ever; dropped with the runtime.
    pub async fn keep_fresh(&self) {
        let mut tick = tokio::time::interval(REREAD);
        loop {
            tick.tick().await;
            self.reread();
        }
    }

    fn replace(&self, keys: Vec<Key>) {
        let mut by_id = self.by_id.write().unwrap_or_else(PoisonError::into_inner);
        if by_id.len() == keys.len() && keys.iter().all(|k| by_id.get(&k.id).is_some_and(|c| c.key == *k)) {
            return;
        }
        // An unchanged key keeps its buckets.
        let fresh = keys.into_iter().map(|key| match by_id.remove(&key.id) {
            Some(known) if known.key == key => (key.id, known),
            _ => (key.id.clone(), Arc::new(Credential::new(key, self.default))),
        });
        let fresh: HashMap<_, _> = fresh.collect();
        log::info(LogEvent::KeysRead, &[("keys", &fresh.len())]);
        *by_id = fresh;
    }

    /// The credential of a text `prefix.secret`.
    #[must_use]
    pub fn find(&self, sent: &str) -> Option<Arc<Credential>> {
        let (id, _) = sent.split_once('.')?;
        let found = self.by_id(id)?;
        equal(&hash(sent), &found.key.sha256).then_some(found)
    }

    /// The credential with this prefix, for requests that the settings vouch for.
    #[must_use]
    pub fn by_id(&self, id: &str) -> Option<Arc<Credential>> {
        self.by_id.read().unwrap_or_else(PoisonError::into_inner).get(id).map(Arc::clone)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(name: &str) -> PathBuf {
        let dir = std::env::temp_dir().join(format!("da-keys-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&dir);
        dir
    }

    fn asked(partner: &str) -> NewKey {
        NewKey {
            partner: partner.to_owned(),
            tenant: "t-north".to_owned(),
            tenants: vec![],
            adapter: "gooru".to_owned(),
            scopes: vec![Scope::Ingest],
            rate: None,
        }
    }

    #[test]
    fn a_key_is_known_until_it_is_revoked_and_its_secret_is_nowhere() {
        let dir = folder("life");
        let (shown, key) = create(&dir, asked("quizlab"), Timestamp(7)).unwrap();
        let (prefix, secret) = shown.split_once('.').unwrap();
        assert_eq!((prefix, secret.len()), (key.id.as_str(), 64));
        assert!(!fs::read_to_string(dir.join(FILE)).unwrap().contains(secret));
        let ring = KeyRing::open(&dir, Rate::default()).unwrap();
        assert_eq!(ring.find(&shown).unwrap().key.partner, "quizlab");
        let last = if shown.ends_with('0') { "1" } else { "0" };
        assert!(ring.find(&format!("{}{last}", &shown[..shown.len() - 1])).is_none());
        assert!(ring.find(prefix).is_none() && ring.find(&format!("{prefix}.")).is_none());
        revoke(&dir, &key.id).unwrap();
        ring.reread();
        assert!(ring.find(&shown).is_none());
        assert!(matches!(revoke(&dir, &key.id), Err(KeysError::Unknown(_))));
        fs::remove_dir_all(dir).unwrap();
    }

    #[test]
    fn a_partner_has_two_live_keys_of_a_kind() {
        let dir = folder("two");
        create(&dir, asked("p"), Timestamp(1)).unwrap();
        create(&dir, asked("p"), Timestamp(2)).unwrap();
        assert!(matches!(create(&dir, asked("p"), Timestamp(3)), Err(KeysError::TwoLive(_))));
        let check = NewKey { scopes: vec![Scope::Validate], ..asked("p") };
        create(&dir, check, Timestamp(4)).unwrap();
        assert!(matches!(create(&dir, asked("a b"), Timestamp(5)), Err(KeysError::BadName("partner"))));
        assert_eq!(list(&dir).unwrap().len(), 3);
        fs::remove_dir_all(dir).unwrap();
    }

    #[test]
    fn a_broken_file_keeps_the_last_good_list() {
        let dir = folder("broken");
        let (shown, _) = create(&dir, asked("p"), Timestamp(1)).unwrap();
        let ring = KeyRing::open(&dir, Rate::default()).unwrap();
        fs::write(dir.join(FILE), "{").unwrap();
        ring.reread();
        assert!(ring.find(&shown).is_some());
        assert!(KeyRing::open(&dir, Rate::default()).is_err());
        fs::remove_dir_all(dir).unwrap();
    }

    #[test]
    fn scopes_and_rates_bound_a_key() {
        let dir = folder("rate");
        let rate = Rate { events_per_second: 10, bytes_per_second: 100, burst_seconds: 2 };
        let (shown, key) = create(&dir, NewKey { rate: Some(rate), ..asked("p") }, Timestamp(1)).unwrap();
        assert!(key.may(Scope::Ingest) && key.may(Scope::Validate) && !key.may(Scope::Report));
        let ring = KeyRing::open(&dir, Rate::default()).unwrap();
        let credential = ring.find(&shown).unwrap();
        assert_eq!(credential.take_events(21).unwrap_err().code, RequestCode::RateLimited);
        credential.take_events(20).unwrap();
        let refused = credential.take_events(20).unwrap_err();
        assert!(refused.retry_after.is_some_and(|s| (1..=4).contains(&s)), "{refused:?}");
        credential.take_bytes(200).unwrap();
        assert_eq!(credential.take_bytes(200).unwrap_err().code, RequestCode::RateLimited);
        fs::remove_dir_all(dir).unwrap();
    }
}
