//! One process per slot: who holds it, asked before a group is joined (delivery.md §6).
//!
//! Place: used by `source` when a member is opened. Brokers fence the older of two members with one instance id, so the
//! newer must ask first. Whoever joins says who it is in the metadata of an offset of a group that nobody joins: brokers
//! keep that across restarts, and for a static member they keep nothing else that tells two processes apart. Joins
//! nothing itself; where it cannot find out, the brokers' fence is what is left.

use std::sync::Arc;
use std::time::Duration;

use da_model::fault::Fault;
use rdkafka::TopicPartitionList;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer, ConsumerContext};
use rdkafka::util::Timeout;

use super::client::{self, KafkaSettings, fatal};
use crate::ports::Clock;

/// How long a question may take.
const ASK: Duration = Duration::from_secs(5);
/// Between two looks at a holder that cannot be looked at from here.
const LOOK: Duration = Duration::from_millis(250);
/// How often a signature is tried, and the time between.
const SIGNS: usize = 50;
const SIGN: Duration = Duration::from_millis(100);
/// A dead member goes so much later than its session ends.
const GRACE: Duration = Duration::from_secs(2);
/// What a broker appends to the instance id in a member's id: a dash and a random id.
const RANDOM: usize = 37;

/// A process, as others can tell whether it lives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// Its host's name; in a container that of the container.
    pub host: String,
    /// Its id there.
    pub pid: u32,
    /// When it was started, in the ticks of its host: a process id may come again.
    pub started: u64,
}

impl Holder {
    /// This process.
    #[must_use]
    pub fn this() -> Self {
        Self::of(std::process::id())
    }

    /// A process of this host.
    #[must_use]
    pub fn of(pid: u32) -> Self {
        let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
        Self { host: host.trim().to_owned(), pid, started: started(pid).unwrap_or(0) }
    }

    /// Whether it is a process of the same host that still runs.
    #[must_use]
    pub fn lives_here(&self) -> bool {
        started(self.pid) == Some(self.started)
    }

    fn to_text(&self) -> String {
        format!("h1 {} {} {}", self.pid, self.started, self.host)
    }

    fn from_text(text: &str) -> Option<Self> {
        let mut words = text.strip_prefix("h1 ")?.splitn(3, ' ');
        let (pid, started) = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
        Some(Self { host: words.next()?.to_owned(), pid, started })
    }
}

/// When a process of this host was started; nothing for one that has ended, also where nobody has buried it yet.
fn started(pid: u32) -> Option<u64> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name before it may hold anything, also brackets.
    let (_, fields) = stat.rsplit_once(") ")?;
    let mut fields = fields.split(' ');
    let dead = matches!(fields.next()?, "Z" | "X");
    fields.nth(18)?.parse().ok().filter(|_| !dead)
}

/// A slot of a group, on the way to be held.
pub(super) struct Slot<'a> {
    pub(super) settings: &'a KafkaSettings,
    /// The group's name on the brokers.
    pub(super) group: &'a str,
    pub(super) slot: &'a str,
    /// The full names of the topics that it reads, which are there.
    pub(super) topics: &'a [String],
    pub(super) me: &'a Holder,
    pub(super) clock: &'a Arc<dyn Clock>,
}

impl Slot<'_> {
    /// Takes the slot, unless a living process has it. A holder on another host is given the time in which a dead one
    /// disappears from the group; so is one that read other topics, because brokers hand its partitions on as they were.
    ///
    /// # Errors
    /// [`Fault::Fatal`] with a plain sentence where another process runs with this slot.
    pub(super) fn take<C: ConsumerContext>(&self, asking: &BaseConsumer<C>) -> Result<(), Fault> {
        let Ok(board) = self.board() else { return Ok(()) };
        let wait = self.settings.session_timeout + GRACE;
        let until = self.clock.now().plus(i64::try_from(wait.as_millis()).unwrap_or(i64::MAX));
        while let Some(topics) = self.joined(asking) {
            let holder = self.holder(&board).filter(|holder| holder != self.me);
            let here = holder.as_ref().is_some_and(|holder| holder.host == self.me.host);
            let over = self.clock.now() >= until;
            match holder {
                Some(holder) if here && holder.lives_here() || over && !here => return Err(self.taken(&holder)),
                Some(_) if !here => {}
                Some(_) | None if over || self.reads(&topics) => break,
                Some(_) | None => {}
            }
            // Nothing is subscribed: this serves the client's events and waits.
            drop(asking.poll(Timeout::After(LOOK)));
        }
        self.sign(&board);
        Ok(())
    }

    fn taken(&self, holder: &Holder) -> Fault {
        let Holder { host, pid, .. } = holder;
        let told = format!(
            "another process runs with the slot of this one: process {pid} on {host}; give each its own service.slot"
        );
        fatal(format!("join of {} as {}-{}", self.group, self.group, self.slot), told)
    }

    /// What the member of this slot subscribed to that is in the group, living or not yet missed.
    fn joined<C: ConsumerContext>(&self, asking: &BaseConsumer<C>) -> Option<Vec<String>> {
        let instance = format!("{}-{}-", self.group, self.slot);
        let is_it = |id: &str| id.starts_with(&instance) && id.len() == instance.len() + RANDOM - 1;
        let told = asking.fetch_group_list(Some(self.group), ASK);
        let told = told.ok()?;
        let member = told.groups().iter().flat_map(|g| g.members()).find(|m| is_it(m.id()))?;
        Some(member.metadata().and_then(subscribed).unwrap_or_default())
    }

    /// Whether these are the topics of this member; brokers do not always tell any.
    fn reads(&self, topics: &[String]) -> bool {
        topics.is_empty() || topics.len() == self.topics.len() && topics.iter().all(|t| self.topics.contains(t))
    }

    /// Who signed last.
    fn holder(&self, board: &BaseConsumer) -> Option<Holder> {
        let told = board.committed_offsets(self.place(), ASK).ok()?;
        told.elements().first().and_then(|element| Holder::from_text(element.metadata()))
    }

    /// A signature that fails is one that is missing: the next one to come joins without asking.
    fn sign(&self, board: &BaseConsumer) {
        let place = self.place();
        if let Some(mut element) = self.topics.first().and_then(|topic| place.find_partition(topic, 0)) {
            element.set_metadata(self.me.to_text());
            drop(element.set_offset(rdkafka::Offset::Offset(0)));
        }
        // A cluster that was just made has no coordinator yet.
        for _ in 0..SIGNS {
            if Consumer::commit(board, &place, CommitMode::Sync).is_ok() {
                return;
            }
            drop(board.poll(Timeout::After(SIGN)));
        }
    }

    fn place(&self) -> TopicPartitionList {
        let mut place = TopicPartitionList::with_capacity(1);
        if let Some(topic) = self.topics.first() {
            place.add_partition(topic, 0);
        }
        place
    }

    fn board(&self) -> Result<BaseConsumer, Fault> {
        let mut config = client::common(self.settings)?;
        config.set("group.id", format!("{}-{}.holder", self.group, self.slot)).set("enable.auto.commit", "false");
        config.create().map_err(|e| fatal("build of a consumer", e))
    }
}

/// The topics in a member's metadata: a version, then names with their lengths, numbers with the high byte first.
fn subscribed(metadata: &[u8]) -> Option<Vec<String>> {
    let (_, rest) = metadata.split_first_chunk::<2>()?;
    let (count, mut rest) = rest.split_first_chunk::<4>()?;
    let mut topics = Vec::new();
    for _ in 0..u32::from_be_bytes(*count) {
        let (length, behind) = rest.split_first_chunk::<2>()?;
        let (name, behind) = behind.split_at_checked(u16::from_be_bytes(*length).into())?;
        topics.push(String::from_utf8_lossy(name).into_owned());
        rest = behind;
    }
    Some(topics)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_told_from_the_next_one_with_its_number() {
        let this = Holder::this();
        assert!(this.started > 0 && !this.host.is_empty(), "{this:?}");
        assert!(this.lives_here());
        assert!(!Holder { started: this.started - 1, ..this.clone() }.lives_here());
        assert!(!Holder { pid: u32::MAX, ..this }.lives_here());
    }

    #[test]
    fn a_signature_is_read_as_it_was_written() {
        let holder = Holder { host: "gep-0 of 3".to_owned(), pid: 1, started: 77 };
        assert_eq!(Holder::from_text(&holder.to_text()), Some(holder));
        assert_eq!(Holder::from_text("e1 >a/0=1"), None);
        assert_eq!(Holder::from_text(""), None);
    }

    #[test]
    fn the_topics_of_a_member_are_read_from_its_metadata() {
        let metadata = b"\0\x01\0\0\0\x02\0\x01a\0\x03b.c\xff\xff\xff\xff";
        assert_eq!(subscribed(metadata), Some(vec!["a".to_owned(), "b.c".to_owned()]));
        assert_eq!((subscribed(b""), subscribed(&metadata[..9])), (None, None));
    }
}
