//! A TCP proxy that cuts a connection just when the answer to a commit comes back.
//!
//! Place: between the services of a fleet and PostgreSQL or a broker. Of the protocols it reads only what names that
//! answer: the tag of a command, or the key and the number of a request. Everything else passes as it came.

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Context;
use da_runtime::worker::Beside;

/// Which answer is cut off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cut {
    /// PostgreSQL's answer to COMMIT.
    Commit,
    /// A broker's answer to the end of a transaction.
    EndTxn,
}

/// `C`, the length of tag and itself, the tag: the whole answer of PostgreSQL to COMMIT.
const COMMITTED: &[u8] = b"C\x00\x00\x00\x0bCOMMIT\x00";
/// The key of the request that ends a transaction.
const END_TXN: [u8; 2] = [0, 26];
/// Key, version and number of a request; number of an answer.
const REQUEST: usize = 8;
const ANSWER: usize = 4;

/// The proxy; connections through it last as long as their two ends.
#[derive(Debug)]
pub struct Proxy {
    /// Where clients connect.
    pub address: SocketAddr,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    cut: Cut,
    upstream: Mutex<Option<SocketAddr>>,
    armed: AtomicBool,
    cuts: AtomicU64,
}

impl Proxy {
    /// Listens on a free port of this machine; connections are refused until it knows where it leads.
    ///
    /// # Errors
    /// When no port is free.
    pub fn start(cut: Cut) -> anyhow::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        let (upstream, armed, cuts) = (Mutex::new(None), AtomicBool::new(false), AtomicU64::new(0));
        let shared = Arc::new(Shared { cut, upstream, armed, cuts });
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

    /// Has the next answer of its kind cut off.
    pub fn arm(&self) {
        self.shared.armed.store(true, Ordering::SeqCst);
    }

    /// Answers cut off so far.
    #[must_use]
    pub fn cuts(&self) -> u64 {
        self.shared.cuts.load(Ordering::SeqCst)
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

    /// Copies until an end closes, or `cuts` says that these bytes must not pass.
    fn pump(&self, (mut from, mut to): (TcpStream, TcpStream), cuts: impl Fn(&Self, &[u8]) -> bool) {
        let mut buffer = vec![0; 64 << 10];
        while let Ok(length @ 1..) = from.read(&mut buffer) {
            let bytes = buffer.get(..length).unwrap_or_default();
            if cuts(self, bytes) || to.write_all(bytes).is_err() {
                break;
            }
        }
        for end in [from, to] {
            // Closed already is fine.
            drop(end.shutdown(Shutdown::Both));
        }
    }

    fn asks(&self, watch: &Mutex<Watch>, bytes: &[u8]) -> bool {
        if self.cut == Cut::EndTxn {
            watch.lock().unwrap_or_else(PoisonError::into_inner).asked(bytes);
        }
        false
    }

    fn answers(&self, watch: &Mutex<Watch>, bytes: &[u8]) -> bool {
        let mut watch = watch.lock().unwrap_or_else(PoisonError::into_inner);
        let found = match self.cut {
            Cut::Commit => watch.committed(bytes),
            Cut::EndTxn => watch.answered(bytes),
        };
        let cuts = found && self.armed.swap(false, Ordering::SeqCst);
        self.cuts.fetch_add(u64::from(cuts), Ordering::SeqCst);
        cuts
    }
}

/// What is known of one connection.
#[derive(Debug)]
struct Watch {
    requests: Frames,
    answers: Frames,
    /// Numbers of the requests to end a transaction.
    ends: BTreeSet<Vec<u8>>,
    /// The last bytes that came back.
    tail: Vec<u8>,
}

impl Default for Watch {
    fn default() -> Self {
        let (requests, answers) = (Frames::of(REQUEST), Frames::of(ANSWER));
        Self { requests, answers, ends: BTreeSet::new(), tail: Vec::new() }
    }
}

impl Watch {
    fn asked(&mut self, bytes: &[u8]) {
        let ends = &mut self.ends;
        self.requests.feed(bytes, |head| {
            if head.starts_with(&END_TXN) {
                ends.extend(head.get(REQUEST - ANSWER..).map(<[u8]>::to_vec));
            }
        });
    }

    fn answered(&mut self, bytes: &[u8]) -> bool {
        let (ends, mut found) = (&mut self.ends, false);
        self.answers.feed(bytes, |head| found |= ends.remove(head));
        found
    }

    fn committed(&mut self, bytes: &[u8]) -> bool {
        self.tail.extend_from_slice(bytes);
        let found = self.tail.windows(COMMITTED.len()).any(|window| window == COMMITTED);
        let keep = self.tail.len().min(COMMITTED.len() - 1);
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

    fn feed(&mut self, mut bytes: &[u8], mut told: impl FnMut(&[u8])) {
        while !bytes.is_empty() {
            if self.skip > 0 {
                let passed = self.skip.min(bytes.len());
                self.skip -= passed;
                bytes = bytes.get(passed..).unwrap_or_default();
                continue;
            }
            let missing = (4 + self.want - self.head.len()).min(bytes.len());
            let (head, rest) = bytes.split_at(missing);
            self.head.extend_from_slice(head);
            bytes = rest;
            let Some((length, head)) = self.head.split_first_chunk::<4>().filter(|(_, h)| h.len() == self.want) else {
                continue;
            };
            told(head);
            self.skip = usize::try_from(u32::from_be_bytes(*length)).unwrap_or(0).saturating_sub(self.want);
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
            asked.chunks(piece).for_each(|bytes| watch.asked(bytes));
            assert!(!frame(&[0, 0, 0, 8], 30).chunks(piece).any(|bytes| watch.answered(bytes)));
            assert!(frame(&[0, 0, 0, 7], 6).chunks(piece).any(|bytes| watch.answered(bytes)), "in pieces of {piece}");
            assert!(!frame(&[0, 0, 0, 7], 6).chunks(piece).any(|bytes| watch.answered(bytes)), "a number counts once");
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
        }
    }
}
