//! A registry for tests: answers one request per connection as it is told, well or badly.
//!
//! Place: test code of this folder; loopback, a free port. Knows no schema.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::sync_channel;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::worker::Beside;

/// A request as it came.
#[derive(Debug, Clone, Default)]
pub(super) struct Request {
    /// `GET /subjects`.
    pub(super) line: String,
    /// Of the header `authorization`.
    pub(super) login: String,
    pub(super) body: String,
}

/// What becomes of a request.
pub(super) enum Reply {
    Says(u16, String),
    /// The connection is closed without an answer.
    Gone,
    /// The connection stays open without an answer.
    Silence,
    /// Bytes without an end.
    Endless,
    /// A byte at a time, without an end.
    Drip,
}

/// The running stub; it ends with its owner.
pub(super) struct Stub {
    address: SocketAddr,
    seen: Arc<Mutex<Vec<Request>>>,
    ended: Arc<AtomicBool>,
    thread: Option<Beside<()>>,
}

impl Stub {
    pub(super) fn start(mut answer: impl FnMut(&Request) -> Reply + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (seen, ended) = (Arc::<Mutex<Vec<Request>>>::default(), Arc::<AtomicBool>::default());
        let (requests, stop) = (Arc::clone(&seen), Arc::clone(&ended));
        let mut open = Vec::new();
        let mut serve_one = move |stream: TcpStream| {
            let Some(request) = request_of(&stream) else { return };
            requests.lock().unwrap().push(request.clone());
            match answer(&request) {
                Reply::Silence => open.push(stream),
                reply @ (Reply::Says(..) | Reply::Gone | Reply::Endless | Reply::Drip) => write(stream, reply),
            }
        };
        let serve = move || {
            let connections = listener.incoming().map_while(Result::ok);
            connections.take_while(|_| !stop.load(Ordering::SeqCst)).for_each(&mut serve_one);
        };
        Self { address, seen, ended, thread: Some(Beside::start("stub", serve).unwrap()) }
    }

    /// Answers `GET /path` with the text listed for it, else that there is none.
    pub(super) fn of(texts: Vec<(String, String)>) -> Self {
        Self::start(move |request| match texts.iter().find(|(line, _)| request.line.starts_with(line.as_str())) {
            Some((_, text)) => Reply::Says(200, text.clone()),
            None => Reply::Says(404, r#"{"error_code": 40403, "message": "none"}"#.to_owned()),
        })
    }

    /// Its URL, with a base path.
    pub(super) fn url(&self) -> String {
        format!("http://{}/apis/v7", self.address)
    }

    /// The requests so far.
    pub(super) fn seen(&self) -> Vec<Request> {
        self.seen.lock().unwrap().clone()
    }
}

impl Drop for Stub {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::SeqCst);
        let _woken = TcpStream::connect(self.address);
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap();
        }
    }
}

fn request_of(stream: &TcpStream) -> Option<Request> {
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    let mut request = Request::default();
    let mut length = 0;
    for n in 0.. {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let line = line.trim_end();
        match line.split_once(": ") {
            _ if line.is_empty() => break,
            _ if n == 0 => line.trim_end_matches(" HTTP/1.1").clone_into(&mut request.line),
            Some((name, value)) if name.eq_ignore_ascii_case("authorization") => value.clone_into(&mut request.login),
            Some((name, value)) if name.eq_ignore_ascii_case("content-length") => length = value.parse().ok()?,
            Some(_) | None => {}
        }
    }
    reader.take(length).read_to_string(&mut request.body).ok()?;
    Some(request)
}

/// The client may hang up at any time.
fn write(mut stream: TcpStream, reply: Reply) {
    let head = "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n";
    let _gone = match reply {
        Reply::Says(status, text) => {
            let length = text.len();
            write!(stream, "HTTP/1.1 {status} Said\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{text}")
        }
        Reply::Gone | Reply::Silence => Ok(()),
        Reply::Endless => stream.write_all(head.as_bytes()).map(|()| {
            let piece = [b'['; 1 << 16];
            while stream.write_all(&piece).is_ok() {}
        }),
        Reply::Drip => stream.write_all(head.as_bytes()).map(|()| {
            let (_never, pace) = sync_channel::<()>(0);
            while stream.write_all(b" ").is_ok() {
                let _pause = pace.recv_timeout(Duration::from_millis(10));
            }
        }),
    };
}
