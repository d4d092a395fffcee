//! Spans as a collector meets them, and a process whose collector is away or silent.
//!
//! Place: one process with a small receiver on loopback beside it. What a span is about is told in `names.rs`.

use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};

use crate::cli::{Folder, Up, sample, text};

/// A request that a collector was sent.
struct Posted {
    head: String,
    body: Vec<u8>,
}

impl Posted {
    fn holds(&self, bytes: &[u8]) -> bool {
        self.body.windows(bytes.len()).any(|window| window == bytes)
    }
}

/// Takes requests until one asks for `/end`.
fn collect(listener: &TcpListener) -> Vec<Posted> {
    let mut all = Vec::new();
    for stream in listener.incoming() {
        let mut stream = stream.unwrap();
        while let Some(posted) = posted(&mut stream) {
            if posted.head.starts_with("GET /end") {
                return all;
            }
            all.push(posted);
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").unwrap();
        }
    }
    all
}

/// The next request of a connection.
fn posted(stream: &mut TcpStream) -> Option<Posted> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        if stream.read(&mut byte).ok()? == 0 {
            return None;
        }
        head.push(byte[0]);
    }
    let head = text(&head).to_lowercase().replacen("get", "GET", 1).replacen("post", "POST", 1);
    let length = head.split("content-length: ").nth(1).and_then(|rest| rest.lines().next());
    let mut body = vec![0; length.map_or(0, |length| length.parse().unwrap())];
    stream.read_exact(&mut body).ok()?;
    Some(Posted { head, body })
}

fn end(collector: SocketAddr) {
    TcpStream::connect(collector).unwrap().write_all(b"GET /end HTTP/1.1\r\n\r\n").unwrap();
}

/// A process that sends every trace to an address.
fn up(folder: &Folder, collector: SocketAddr) -> Up {
    let settings = format!("telemetry: {{otlp: {{endpoint: 'http://{collector}', sample_percent: 100}}}}\n");
    fs::write(folder.path().join("da.yaml"), settings).unwrap();
    folder.up(&["--dir", "d"])
}

fn post(up: &Up, traceparent: &str) -> u16 {
    let client = reqwest::blocking::Client::builder().no_proxy().build().unwrap();
    let request = client.post(format!("{}/v1/events", up.text("url"))).bearer_auth(up.text("key"));
    let request = request.header("content-type", "application/json").header("traceparent", traceparent);
    request.body(sample()).send().unwrap().status().as_u16()
}

const TRACE: [u8; 16] = *b"\x4b\xf9\x2f\x35\x77\xb3\x4d\xa6\xa3\xce\x92\x9d\x0e\x0e\x47\x36";
const TRACEPARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

#[test]
fn a_collector_is_sent_requests_and_batches_and_never_a_learner() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let collector = listener.local_addr().unwrap();
    let folder = Folder::new("spans");
    let all = std::thread::scope(|scope| {
        let collected = scope.spawn(|| collect(&listener));
        let up = up(&folder, collector);
        assert_eq!(post(&up, TRACEPARENT), 202);
        assert_eq!(up.stop(), Some(0));
        end(collector);
        collected.join().unwrap()
    });
    assert!(!all.is_empty(), "nothing was sent");
    for one in &all {
        assert!(one.head.starts_with("POST /v1/traces"), "{}", one.head);
        assert!(one.head.contains("content-type: application/x-protobuf"), "{}", one.head);
        assert!(one.holds(b"service.name") && one.holds(b"da-0"), "{}", text(&one.body));
        assert!(!one.holds(b"try-learner") && !one.holds(b"try-class"), "no id of a learner or a class");
    }
    let any = |bytes: &[u8]| all.iter().any(|one| one.holds(bytes));
    for word in ["request", "batch", "read", "commit", "gep.accepted/0@0..2", "demux", "202"] {
        assert!(any(word.as_bytes()), "{word} is in no span");
    }
    assert!(any(&TRACE), "the request is in the caller's trace");
}

#[test]
fn a_collector_that_is_away_or_silent_disturbs_nobody() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let gone = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    for (name, collector) in [("silent", silent.local_addr().unwrap()), ("gone", gone)] {
        let folder = Folder::new(name);
        let up = up(&folder, collector);
        for _ in 0..3 {
            assert_eq!(post(&up, TRACEPARENT), 202, "{name}");
        }
        assert_eq!(up.stop(), Some(0), "{name}");
    }
}

#[test]
fn an_address_that_is_none_is_refused_with_its_place() {
    let folder = Folder::new("no-collector");
    fs::write(folder.path().join("da.yaml"), "telemetry:\n  otlp: {endpoint: 'collector:4318'}\n").unwrap();
    let told = folder.run(&["validate", "da.yaml"]);
    let told = text(&told.stdout);
    assert!(told.contains("da.yaml:2:") && told.contains("telemetry.otlp.endpoint must begin with http://"), "{told}");
}
