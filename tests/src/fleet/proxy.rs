//! A TCP proxy that cuts a connection just when the answer to a commit comes back, or has the commit itself come late.
//!
//! Place: between the services of a fleet and PostgreSQL or a broker. Of the protocols it reads only what names a commit
//! and its answer: the tag of a command, or the key and the number of a request. Everything else passes as it came.

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Context;
use da_runtime::worker::Beside;

use crate::process::pause;

/// What is done to a commit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Cut {
    /// PostgreSQL's answer to COMMIT, or to the statement that is a whole batch, is cut off.
    #[default]
    Commit,
    /// A broker's answer to the end of a transaction is cut off.
    EndTxn,
    /// The request to end a transaction reaches the broker when whoever sent it has long lost the connection and goes on.
    LateEndTxn,
}

/// `C`, the length of tag and itself, the tag: the whole answer of PostgreSQL to COMMIT.
const COMMITTED: &[u8] = b"C\x00\x00\x00\x0bCOMMIT\x00";
/// The end of its answer to the statement of a batch outside a transaction: demands that were met, one row, the portal
/// closed, and no transaction open.
const WRITTEN: &[u8] =
    b"\x00\x00\x00\x01\x01\x00\x00\x00\x01\x01C\x00\x00\x00\x0dSELECT 1\x003\x00\x00\x00\x04Z\x00\x00\x00\x05I";
/// The key of the request that ends a transaction.
const END_TXN: [u8; 2] = [0, 26];
/// Key, version and number of a request; number of an answer; and with it a delay and the code of an error, which is 0
/// where there is none.
const REQUEST: usize = 8;
const NUMBER: usize = 4;
const ANSWER: usize = NUMBER + 4 + 2;
/// How late, in turn, ms: before the sender comes again, in its next transactions, and after more of them.
const LATE_MS: [u64; 4] = [40, 150, 400, 1_500];

/// The proxy; connections through it last as long as their two ends.
#[derive(Debug)]
pub struct Proxy {
    /// Where clients connect.
    pub address: SocketAddr,
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    cut: Cut,
    upstream: Mutex<Option<SocketAddr>>,
    armed: AtomicBool,
    cuts: AtomicU64,
    refused: AtomicU64,
    heeded: AtomicU64,
}

impl Proxy {
    /// Listens on a free port of this machine; connections are refused until it knows where it leads.
    ///
    /// # Errors
    /// When no port is free.
    pub fn start(cut: Cut) -> anyhow::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        let upstream = Mutex::new(None);
        let shared = Arc::new(Shared { cut, upstream, ..Shared::default() });
        let serving = Arc::clone(&shared);
        Beside::start("proxy", move || {
            for client in listener.incoming().flatten() {
                // A connection that cannot be made is one that is refused: the client comes again.
                drop(serving.connect(client));
            }
        })?;
        Ok(Self { address, shared })
    }

    /// Where connections go from now on.
    pub fn leads_to(&self, upstream: SocketAddr) {
        *self.shared.upstream.lock().unwrap_or_else(PoisonError::into_inner) = Some(upstream);
    }

    /// Has the next of its kind cut off, or come late.
    pub fn arm(&self) {
        self.shared.armed.store(true, Ordering::SeqCst);
    }

    /// How many were so far.
    #[must_use]
    pub fn cuts(&self) -> u64 {
        self.shared.cuts()
    }

    /// Of the requests that came late: how many the broker refused, and how many it heeded.
    #[must_use]
    pub fn late(&self) -> (u64, u64) {
        (self.shared.refused.load(Ordering::SeqCst), self.shared.heeded.load(Ordering::SeqCst))
    }
}

impl Shared {
    fn connect(self: &Arc<Self>, client: TcpStream) -> anyhow::Result<()> {
        let upstream = *self.upstream.lock().unwrap_or_else(PoisonError::into_inner);
        let server = TcpStream::connect(upstream.context("nobody is behind the proxy")?)?;
        client.set_nodelay(true)?;
        server.set_nodelay(true)?;
        let watch = Arc::new(Mutex::new(Watch::default()));
        let (there, back) = ((client.try_clone()?, server.try_clone()?), (server, client));
        let (this, asked) = (Arc::clone(self), Arc::clone(&watch));
        Beside::start("proxy-there", move || this.pump(there, |this, bytes| this.asks(&asked, bytes)))?;
        let this = Arc::clone(self);
        Beside::start("proxy-back", move || this.pump(back, |this, bytes| this.answers(&watch, bytes)))?;
        Ok(())
    }

    /// Copies until an end closes, or `fate` says that these bytes must not pass as they are.
    fn pump(&self, (mut from, mut to): (TcpStream, TcpStream), fate: impl Fn(&Self, &[u8]) -> Fate) {
        let mut buffer = vec![0; 64 << 10];
        while let Ok(length @ 1..) = from.read(&mut buffer) {
            let bytes = buffer.get(..length).unwrap_or_default();
            let passes = match fate(self, bytes) {
                Fate::Passes => to.write_all(bytes).is_ok(),
                Fate::IsLost => false,
                Fate::ComesLate(ms) => {
                    drop(from.shutdown(Shutdown::Both));
                    pause(ms);
                    // The other direction goes on until the answer comes, for which there is nobody any more.
                    drop(to.write_all(bytes));
                    return;
                }
            };
            if !passes {
                break;
            }
        }
        for end in [from, to] {
            // Closed already is fine.
            drop(end.shutdown(Shutdown::Both));
        }
    }

    fn asks(&self, watch: &Mutex<Watch>, bytes: &[u8]) -> Fate {
        if self.cut == Cut::Commit {
            return Fate::Passes;
        }
        let mut watch = watch.lock().unwrap_or_else(PoisonError::into_inner);
        if watch.asked(bytes) && self.cut == Cut::LateEndTxn && self.is_due() {
            watch.late = true;
            let turn = usize::try_from(self.cuts()).unwrap_or(0) % LATE_MS.len();
            return Fate::ComesLate(LATE_MS.get(turn).copied().unwrap_or(0));
        }
        Fate::Passes
    }

    fn answers(&self, watch: &Mutex<Watch>, bytes: &[u8]) -> Fate {
        let mut watch = watch.lock().unwrap_or_else(PoisonError::into_inner);
        let found = match self.cut {
            Cut::Commit => watch.committed(bytes),
            Cut::EndTxn => watch.answered(bytes),
            Cut::LateEndTxn => {
                let late = watch.answered(bytes) && watch.late;
                self.refused.fetch_add(u64::from(late && watch.refused), Ordering::SeqCst);
                self.heeded.fetch_add(u64::from(late && !watch.refused), Ordering::SeqCst);
                false
            }
        };
        if found && self.is_due() { Fate::IsLost } else { Fate::Passes }
    }

    /// Whether this is the one that is armed for.
    fn is_due(&self) -> bool {
        let due = self.armed.swap(false, Ordering::SeqCst);
        self.cuts.fetch_add(u64::from(due), Ordering::SeqCst);
        due
    }

    fn cuts(&self) -> u64 {
        self.cuts.load(Ordering::SeqCst)
    }
}

/// What becomes of bytes.
#[derive(Debug, Clone, Copy)]
enum Fate {
    Passes,
    IsLost,
    ComesLate(u64),
}

/// What is known of one connection.
#[derive(Debug)]
struct Watch {
    requests: Frames,
    answers: Frames,
    /// Numbers of the requests to end a transaction.
    ends: BTreeSet<Vec<u8>>,
    /// Whether the last request is one.
    ending: bool,
    /// Whether the last of them was refused.
    refused: bool,
    /// Whether the last of them comes late.
    late: bool,
    /// The last bytes that came back.
    tail: Vec<u8>,
}

impl Default for Watch {
    fn default() -> Self {
        let (requests, answers) = (Frames::of(REQUEST), Frames::of(ANSWER));
        Self { requests, answers, ends: BTreeSet::new(), ending: false, refused: false, late: false, tail: Vec::new() }
    }
}

impl Watch {
    /// Whether these bytes end with a whole request to end a transaction.
    fn asked(&mut self, bytes: &[u8]) -> bool {
        let (ends, ending) = (&mut self.ends, &mut self.ending);
        self.requests.feed(bytes, |head| {
            *ending = head.starts_with(&END_TXN);
            if *ending {
                ends.extend(head.get(REQUEST - NUMBER..).map(<[u8]>::to_vec));
            }
        });
        self.ending && self.requests.is_between()
    }

    fn answered(&mut self, bytes: &[u8]) -> bool {
        let (ends, mut found) = (&mut self.ends, false);
        self.answers.feed(bytes, |head| {
            if ends.remove(head.get(..NUMBER).unwrap_or_default()) {
                found = true;
                self.refused = head.get(ANSWER - 2..) != Some(&[0, 0]);
            }
        });
        found
    }

    fn committed(&mut self, bytes: &[u8]) -> bool {
        self.tail.extend_from_slice(bytes);
        let holds = |answer: &[u8]| self.tail.windows(answer.len()).any(|window| window == answer);
        let found = holds(COMMITTED) || holds(WRITTEN);
        let keep = if found { 0 } else { self.tail.len().min(WRITTEN.len() - 1) };
        self.tail.drain(..self.tail.len() - keep);
        found
    }
}

/// Frames with their length in front, of which only the head is looked at.
#[derive(Debug)]
struct Frames {
    want: usize,
    head: Vec<u8>,
    skip: usize,
}

impl Frames {
    const fn of(want: usize) -> Self {
        Self { want, head: Vec::new(), skip: 0 }
    }

    /// Whether the last frame is whole.
    const fn is_between(&self) -> bool {
        self.skip == 0 && self.head.is_empty()
    }

    /// Length of the frame that has begun; 0 while that is not known.
    fn length(&self) -> usize {
        self.head.first_chunk().map_or(0, |length| usize::try_from(u32::from_be_bytes(*length)).unwrap_or(0))
    }

    /// Bytes up to the end of the head, or of what says how long the frame is.
    fn need(&self) -> usize {
        4 + self.want.min(self.length())
    }

    fn feed(&mut self, mut bytes: &[u8], mut told: impl FnMut(&[u8])) {
        while !bytes.is_empty() {
            if self.skip > 0 {
                let passed = self.skip.min(bytes.len());
                self.skip -= passed;
                bytes = bytes.get(passed..).unwrap_or_default();
                continue;
            }
            let missing = (self.need() - self.head.len()).min(bytes.len());
            let (head, rest) = bytes.split_at(missing);
            self.head.extend_from_slice(head);
            bytes = rest;
            if self.head.len() < self.need() {
                continue;
            }
            let Some((_, head)) = self.head.split_first_chunk::<4>() else { continue };
            told(head);
            self.skip = self.length().saturating_sub(self.want);
            self.head.clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(head: &[u8], rest: usize) -> Vec<u8> {
        let length = u32::try_from(head.len() + rest).unwrap();
        [&length.to_be_bytes()[..], head, &vec![9; rest]].concat()
    }

    #[test]
    fn the_answer_to_the_end_of_a_transaction_is_known_by_its_number() {
        let (end, other) = ([0, 26, 0, 1, 0, 0, 0, 7], [0, 24, 0, 1, 0, 0, 0, 8]);
        for piece in [1, 3, 1_000] {
            let mut watch = Watch::default();
            let asked = [frame(&other, 40), frame(&end, 11)].concat();
            let whole = asked.chunks(piece).filter(|bytes| watch.asked(bytes)).count();
            assert_eq!(whole, 1, "in pieces of {piece}");
            assert!(!frame(&[0, 0, 0, 8], 30).chunks(piece).any(|bytes| watch.answered(bytes)));
            let answer = frame(&[0, 0, 0, 7, 0, 0, 0, 0, 0, 0], 0);
            assert!(answer.chunks(piece).any(|bytes| watch.answered(bytes)), "in pieces of {piece}");
            assert!(!watch.refused);
            assert!(!answer.chunks(piece).any(|bytes| watch.answered(bytes)), "a number counts once");
            let (short, refusal) = (frame(&[0, 0, 0, 9], 0), frame(&[0, 0, 0, 8, 0, 0, 0, 0, 0, 47], 0));
            watch.asked(&frame(&[0, 26, 0, 1, 0, 0, 0, 8], 11));
            assert!([short, refusal].concat().chunks(piece).any(|bytes| watch.answered(bytes)));
            assert!(watch.refused, "in pieces of {piece}");
        }
    }

    #[test]
    fn the_answer_to_a_commit_is_known_by_its_tag() {
        for piece in [1, 5, 1_000] {
            let mut watch = Watch::default();
            assert!(!b"C\x00\x00\x00\x0aBEGIN\x00Z\x00\x00\x00\x05T".chunks(piece).any(|b| watch.committed(b)));
            let answer = b"C\x00\x00\x00\x0bCOMMIT\x00Z\x00\x00\x00\x05I";
            assert!(answer.chunks(piece).any(|b| watch.committed(b)), "in pieces of {piece}");
            assert!(!b"Z\x00\x00\x00\x05I".chunks(piece).any(|b| watch.committed(b)));
            let row = b"D\x00\x00\x00\x10\x00\x02\x00\x00\x00\x01\x01\x00\x00\x00\x01\x01C\x00\x00\x00\x0dSELECT 1\x00";
            let [done, open] =
                [b'I', b'T'].map(|state| [&row[..], b"3\x00\x00\x00\x04Z\x00\x00\x00\x05", &[state]].concat());
            assert!(!open.chunks(piece).any(|b| watch.committed(b)), "its COMMIT comes later");
            assert!(done.chunks(piece).any(|b| watch.committed(b)), "in pieces of {piece}");
        }
    }
}
