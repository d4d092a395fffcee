//! Every status and request code at the edge, over a log in memory.

use std::path::PathBuf;
use std::sync::Mutex;

use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request};
use da_model::event::Event;
use da_model::ids::{Offset, Partition};
use da_model::schema::codec;
use da_model::time::Timestamp;
use da_runtime::clock::ManualClock;
use da_runtime::config::{Sources, read};
use da_runtime::http::auth::{NewKey, Rate, Scope, create, revoke};
use da_runtime::http::server::{InFlight, ServerLimits, Serving, Side, serve};
use da_runtime::ports::{Append, Receipt, SinkError};
use da_runtime::stop::{Phase, Stop};
use da_runtime::telemetry::metrics;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::oneshot;
use tower::ServiceExt;

use super::*;

#[path = "codes_tests.rs"]
mod codes;

/// How the log in memory answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mood {
    Durable,
    Full,
    Silent,
    Broken,
}

#[derive(Debug)]
struct Memory {
    mood: Mood,
    taken: Mutex<Vec<Append>>,
    kept: Mutex<Vec<oneshot::Sender<Result<da_runtime::ports::Appended, SinkError>>>>,
}

impl Sink for Memory {
    fn append(&self, records: Vec<Append>) -> Result<Receipt, SinkError> {
        let (done, receipt) = oneshot::channel();
        match self.mood {
            Mood::Full => return Err(SinkError::Full { retry_after: 3 }),
            Mood::Silent => self.kept.lock().unwrap().push(done),
            Mood::Broken => done.send(Err(SinkError::Unavailable("disk full".to_owned()))).unwrap(),
            Mood::Durable => {
                let at = records.iter().enumerate().map(|(n, r)| (r.topic, Partition(0), Offset(n as i64))).collect();
                done.send(Ok(at)).unwrap();
            }
        }
        self.taken.lock().unwrap().extend(records);
        Ok(receipt)
    }
}

struct Edge {
    router: Router,
    log: Arc<Memory>,
    ring: Arc<KeyRing>,
    dir: PathBuf,
    ingest: String,
    check: String,
    report: String,
}

impl Drop for Edge {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.dir);
    }
}

fn asked(adapter: &str) -> NewKey {
    NewKey {
        partner: "quizlab".to_owned(),
        tenant: "t1".to_owned(),
        tenants: vec![],
        adapter: adapter.to_owned(),
        scopes: vec![Scope::Ingest],
        rate: None,
    }
}

fn edge(name: &str, settings: &str, mood: Mood) -> Edge {
    let dir = std::env::temp_dir().join(format!("da-edge-{name}-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&dir);
    let key = |scope: Scope| create(&dir, NewKey { scopes: vec![scope], ..asked("gooru") }, Timestamp(1)).unwrap();
    let (ingest, ingest_key) = key(Scope::Ingest);
    let (check, _) = key(Scope::Validate);
    let (report, _) = key(Scope::Report);
    let text = settings.replace("INGEST_ID", &ingest_key.id);
    let loaded = read(&Sources { file: Some(("da.yaml".to_owned(), text)), environment: vec![] }).unwrap();
    let ring = Arc::new(KeyRing::open(&dir, loaded.settings.http.rate).unwrap());
    let log = Arc::new(Memory { mood, taken: Mutex::default(), kept: Mutex::default() });
    let clock = Arc::new(ManualClock::new(Timestamp(1_772_442_100_000)));
    let sink: Arc<dyn Sink> = Arc::<Memory>::clone(&log);
    let router = router(IngestPorts::new(&loaded.settings, sink, clock, Arc::clone(&ring)));
    Edge { router, log, ring, dir, ingest, check, report }
}

struct Answered {
    status: u16,
    headers: HeaderMap,
    body: Value,
}

impl Answered {
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |v| v.to_str().unwrap())
    }

    fn verdicts(&self) -> Vec<&str> {
        self.body["results"].as_array().unwrap().iter().map(|r| r["verdict"].as_str().unwrap()).collect()
    }
}

impl Edge {
    async fn send(&self, request: Request<Body>) -> Answered {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let bytes = to_bytes(response.into_body(), usize::MAX).await.unwrap();
        Answered { status, headers, body: serde_json::from_slice(&bytes).unwrap_or(Value::Null) }
    }

    async fn page(&self, path: &str) -> String {
        let response = self.router.clone().oneshot(Request::get(path).body(Body::empty()).unwrap()).await.unwrap();
        String::from_utf8_lossy(&to_bytes(response.into_body(), usize::MAX).await.unwrap()).into_owned()
    }

    async fn post(&self, path: &str, key: &str, body: impl Into<Body>) -> Answered {
        let headers = [("content-type", "application/json")];
        self.post_with((path, key), &headers, body).await
    }

    async fn post_with(&self, (path, key): (&str, &str), headers: &[(&str, &str)], body: impl Into<Body>) -> Answered {
        let mut request = Request::post(path);
        if !key.is_empty() {
            request = request.header("authorization", format!("Bearer {key}"));
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.send(request.body(body.into()).unwrap()).await
    }

    fn topics(&self) -> Vec<&'static str> {
        self.log.taken.lock().unwrap().iter().map(|r| r.topic.0).collect()
    }
}

fn play(id: &str) -> Value {
    json!({"eventId": id, "eventName": "collection.play", "startTime": 1_772_442_000_000_i64,
        "endTime": 1_772_442_000_000_i64, "session": {"sessionId": "s1"}, "user": {"gooruUId": "A"},
        "context": {"type": "start", "contentGooruId": "a1", "collectionType": "assessment"}})
}

fn nameless(id: &str) -> Value {
    let mut event = play(id);
    event.as_object_mut().unwrap().remove("eventName");
    event
}

#[tokio::test]
async fn the_status_says_whether_something_was_refused() {
    let edge = edge("status", "", Mood::Durable);
    let all = edge.post("/v1/events", &edge.ingest, play("e1").to_string()).await;
    assert_eq!((all.status, all.verdicts()), (202, vec!["accepted"]), "{}", all.body);
    assert_eq!(all.body["results"][0]["flags"], json!([]));
    assert!(all.body["results"][0].get("reasons").is_none());

    let mixed = json!([play("e2"), nameless("e3"), play("e2")]).to_string();
    let headers = [("content-type", "application/json; charset=utf-8"), ("x-request-id", "r-7")];
    let mixed = edge.post_with(("/v1/events", &edge.ingest), &headers, mixed).await;
    assert_eq!(mixed.status, 207, "{}", mixed.body);
    assert_eq!(mixed.verdicts(), ["accepted", "rejected", "duplicate"]);
    let counts = ["x-events-accepted", "x-events-rejected", "x-events-duplicate", "x-request-id"];
    assert_eq!(counts.map(|name| mixed.header(name)), ["1", "1", "1", "r-7"]);
    assert_eq!(mixed.body["requestId"], "r-7");
    let reason = &mixed.body["results"][1]["reasons"][0];
    assert_eq!((&reason["code"], &reason["path"]), (&json!("missing_field"), &json!("/eventName")));
    assert!(mixed.body["results"][1].get("flags").is_none());

    let none = edge.post("/v1/events", &edge.ingest, json!({"events": [nameless("e4")]}).to_string()).await;
    assert_eq!((none.status, none.verdicts()), (422, vec!["rejected"]));
    assert_eq!(edge.topics(), ["gep.accepted", "gep.accepted", "gep.rejected", "gep.rejected"]);
}

#[tokio::test]
async fn what_is_stored_can_be_read_again_with_its_lineage() {
    let edge = edge("stored", "", Mood::Durable);
    edge.post("/v1/events", &edge.ingest, json!([play("e1"), nameless("e2")]).to_string()).await;
    let taken = edge.log.taken.lock().unwrap();
    let schemas = Schemas::embedded();
    let (lineage, event) = codec::decode(taken[0].value.as_ref().unwrap(), &schemas).unwrap();
    let Event::Usage(usage) = event else { unreachable!("gep.accepted holds usage events") };
    assert_eq!((usage.event_id.as_ref(), usage.received_at), ("e1", Timestamp(1_772_442_100_000)));
    assert_eq!(taken[0].key, "t1\u{1f}A".as_bytes());
    assert_eq!(lineage.id, *usage.event_key.as_bytes());
    assert_eq!((lineage.src, lineage.hop, lineage.seq), (None, 0, None));
    let (lineage, event) = codec::decode(taken[1].value.as_ref().unwrap(), &schemas).unwrap();
    let Event::Rejected(refused) = event else { unreachable!("gep.rejected holds refused events") };
    assert_eq!(lineage.root, None);
    assert_eq!(refused.original, nameless("e2").to_string().into_bytes());
    assert_eq!(taken[1].key, "t1\u{1f}quizlab".as_bytes());
}

#[tokio::test]
async fn ndjson_refuses_a_broken_line_alone() {
    let edge = edge("ndjson", "", Mood::Durable);
    let body = format!("{}\n{{\"eventId\":\n\n{}\n", play("e1"), play("e2"));
    let headers = [("content-type", "application/x-ndjson")];
    let answered = edge.post_with(("/v1/events", &edge.ingest), &headers, body).await;
    assert_eq!(answered.status, 207, "{}", answered.body);
    assert_eq!(answered.verdicts(), ["accepted", "rejected", "accepted"]);
    assert_eq!(answered.body["results"][1]["reasons"][0]["code"], "bad_json");
}

#[tokio::test]
async fn a_compressed_body_is_read() {
    let edge = edge("compressed", "", Mood::Durable);
    let headers = |encoding| [("content-type", "application/json"), ("content-encoding", encoding)];
    // gzip of [{"eventId":1}], made by another program
    let gzip: &[u8] = &[
        31, 139, 8, 0, 0, 0, 0, 0, 2, 3, 139, 174, 86, 74, 45, 75, 205, 43, 241, 76, 81, 178, 50, 172, 141, 5, 0, 239,
        2, 91, 16, 15, 0, 0, 0,
    ];
    let answered = edge.post_with(("/v1/events", &edge.ingest), &headers("gzip"), gzip).await;
    assert_eq!((answered.status, answered.verdicts()), (422, vec!["rejected"]));
    let answered =
        edge.post_with(("/v1/events", &edge.ingest), &headers("zstd"), zstd_stored(b"[{\"eventId\":1}]")).await;
    assert_eq!((answered.status, answered.verdicts()), (422, vec!["rejected"]));
    let torn = edge.post_with(("/v1/events", &edge.ingest), &headers("gzip"), &gzip[..20]).await;
    refused(&torn, 400, "bad_encoding");
}

/// A zstd frame with one stored block (RFC 8878 §3.1.1).
fn zstd_stored(bytes: &[u8]) -> Vec<u8> {
    let length = u8::try_from(bytes.len()).unwrap();
    let block = (u32::from(length) << 3) | 1;
    let mut frame = vec![0x28, 0xb5, 0x2f, 0xfd, 0x20, length];
    frame.extend_from_slice(&block.to_le_bytes()[..3]);
    frame.extend_from_slice(bytes);
    frame
}

fn refused(answered: &Answered, status: u16, code: &str) {
    assert_eq!((answered.status, &answered.body["code"]), (status, &json!(code)), "{}", answered.body);
    assert_eq!(answered.body["status"], status);
    assert_eq!(answered.header("content-type"), "application/problem+json");
    assert_eq!(answered.body["requestId"], answered.header("x-request-id"));
    assert!(!answered.header("x-request-id").is_empty());
    assert!(answered.body["title"].is_string() && answered.body["type"].is_string());
}

#[tokio::test]
async fn every_request_code_has_its_status_and_stores_nothing() {
    let edge = edge(
        "codes",
        "http:\n  max_body_bytes: 4 KiB\n  max_decompressed_bytes: 4 KiB\n  max_events: 3\n",
        Mood::Durable,
    );
    let one = play("e1").to_string();
    refused(&edge.post("/v1/events", "", one.clone()).await, 401, "unauthenticated");
    refused(&edge.post("/v1/events", "quizlab_0000.0000", one.clone()).await, 401, "unauthenticated");
    refused(&edge.post(&format!("/v1/events?api_key={}", edge.ingest), "", one.clone()).await, 401, "unauthenticated");
    refused(&edge.post("/v1/events", &edge.check, one.clone()).await, 403, "forbidden");
    refused(&edge.post("/v1/events", &edge.report, one.clone()).await, 403, "forbidden");
    refused(&edge.post("/v1/events:validate", &edge.report, one.clone()).await, 403, "forbidden");
    for headers in [
        &[][..],
        &[("content-type", "text/plain")],
        &[("content-type", "application/json"), ("content-encoding", "br")],
    ] {
        let answered = edge.post_with(("/v1/events", &edge.ingest), headers, one.clone()).await;
        refused(&answered, 415, "bad_media_type");
        assert_eq!(answered.header("accept"), "application/json, application/x-ndjson");
        assert_eq!(answered.header("accept-encoding"), "identity, gzip, zstd");
    }
    for broken in ["", " \n", "[]", "[{]", "{\"events\":[]}"] {
        let answered = edge.post("/v1/events", &edge.ingest, broken).await;
        refused(&answered, 400, "bad_body");
        assert!(answered.body["detail"].as_str().unwrap().contains("line 1") || broken == " \n", "{}", answered.body);
    }
    let large = format!("[{one},\"{}\"]", "x".repeat(5_000));
    refused(&edge.post("/v1/events", &edge.ingest, large.clone()).await, 413, "body_too_large");
    let announced = [("content-type", "application/json"), ("content-length", "5300")];
    refused(&edge.post_with(("/v1/events", &edge.ingest), &announced, large).await, 413, "body_too_large");
    let many = json!([play("1"), play("2"), play("3"), play("4")]).to_string();
    refused(&edge.post("/v1/events", &edge.ingest, many).await, 413, "too_many_events");
    assert!(edge.topics().is_empty());
}

#[tokio::test]
async fn over_the_rate_is_429_and_says_when_to_come_back() {
    let settings = "http:\n  max_events: 3\n  max_body_bytes: 2 KiB\n  rate: {events_per_second: 3, bytes_per_second: 4096, burst_seconds: 1}\n";
    let edge = edge("rate", settings, Mood::Durable);
    let three = json!([nameless("1"), nameless("2"), nameless("3")]).to_string();
    assert_eq!(edge.post("/v1/events", &edge.ingest, three.clone()).await.status, 422);
    let answered = edge.post("/v1/events", &edge.ingest, three).await;
    refused(&answered, 429, "rate_limited");
    assert!((1..=3).contains(&answered.header("retry-after").parse::<u32>().unwrap()));
}

#[tokio::test]
async fn what_is_not_durable_is_503_with_retry_after() {
    for (mood, name) in [(Mood::Full, "full"), (Mood::Silent, "silent"), (Mood::Broken, "broken")] {
        let edge = edge(name, "http: {ack_deadline_ms: 100}\n", mood);
        let answered = edge.post("/v1/events", &edge.ingest, play("e1").to_string()).await;
        refused(&answered, 503, "unavailable");
        assert!(answered.header("retry-after").parse::<u32>().unwrap() >= 1);
    }
}

#[tokio::test]
async fn a_request_is_counted_when_it_is_stored_and_not_before() {
    metrics::install();
    for (mood, partner, counted) in [(Mood::Broken, "unlucky", false), (Mood::Durable, "lucky", true)] {
        let edge = edge(partner, "", mood);
        let (key, _) =
            create(&edge.dir, NewKey { partner: partner.to_owned(), ..asked("gooru") }, Timestamp(1)).unwrap();
        edge.ring.reread();
        let answered = edge.post("/v1/events", &key, play("e1").to_string()).await;
        assert_eq!(answered.status, if counted { 202 } else { 503 });
        let page = metrics::render();
        let mut lines = page.lines().filter(|l| l.contains(&format!("\"{partner}\"")) && l.contains("accepted"));
        assert_eq!(lines.any(|line| line.ends_with(" 1")), counted, "{page}");
    }
}

#[tokio::test]
async fn validate_judges_alike_and_stores_nothing() {
    let edge = edge("validate", "", Mood::Full);
    let body = json!([play("e1"), nameless("e2")]).to_string();
    for key in [&edge.check, &edge.ingest] {
        let answered = edge.post("/v1/events:validate", key, body.clone()).await;
        assert_eq!((answered.status, answered.verdicts()), (200, vec!["accepted", "rejected"]));
        assert_eq!(answered.body["dryRun"], true);
    }
    assert!(edge.topics().is_empty());
    refused(&edge.post("/v1/events:validate", &edge.check, "[").await, 400, "bad_body");
}

#[tokio::test]
async fn the_gooru_route_takes_the_key_that_the_settings_name() {
    let closed = edge("gooru-off", "", Mood::Durable);
    let path = format!("{GOORU_ALIAS}?apiKey=secret-in-the-query");
    let answered = closed.post(&path, "", json!([play("e1")]).to_string()).await;
    refused(&answered, 401, "unauthenticated");
    assert!(answered.body["detail"].as_str().unwrap().contains("gooru_alias.key_id"));
    let open = edge("gooru-on", "gooru_alias: {key_id: INGEST_ID}\n", Mood::Durable);
    let answered = open.post_with((&path, ""), &[], json!([play("e1"), play("e2")]).to_string()).await;
    assert_eq!((answered.status, answered.verdicts()), (202, vec!["accepted", "accepted"]));
    refused(&open.post("/v1/events", "", play("e3").to_string()).await, 401, "unauthenticated");
}

#[tokio::test]
async fn a_revoked_key_is_refused() {
    let edge = edge("revoked", "", Mood::Durable);
    let id = edge.ingest.split('.').next().unwrap();
    revoke(&edge.dir, id).unwrap();
    edge.ring.reread();
    refused(&edge.post("/v1/events", &edge.ingest, play("e1").to_string()).await, 401, "unauthenticated");
}

#[tokio::test]
async fn limits_are_told_to_any_key() {
    let edge = edge("limits", "", Mood::Durable);
    let request = Request::get("/v1/limits").header("authorization", format!("Bearer {}", edge.report));
    let answered = edge.send(request.body(Body::empty()).unwrap()).await;
    assert_eq!(answered.status, 200);
    let rate = Rate::default();
    let mut body = answered.body;
    assert!(body["rate"]["remainingEvents"].as_u64().unwrap() <= 200_000);
    body["rate"].as_object_mut().unwrap().remove("remainingEvents");
    let expected = json!({"maxBodyBytes":5_242_880,"maxDecompressedBytes":20_971_520,"maxRatio":100,"maxEvents":1000,
        "maxEventBytes":262_144,"maxDepth":64,"maxKeys":2000,"maxStringBytes":65536,
        "rate":{"eventsPerSecond":rate.events_per_second,"bytesPerSecond":rate.bytes_per_second,"burstSeconds":10},
        "ackDeadlineMs":8000,"formats":["gooru","native"],"contentTypes":["application/json","application/x-ndjson"],
        "encodings":["identity","gzip","zstd"],"scopes":["report"]});
    assert_eq!(body, expected);
    refused(&edge.send(Request::get("/v1/limits").body(Body::empty()).unwrap()).await, 401, "unauthenticated");
}

#[tokio::test]
async fn the_description_and_its_pages_are_served_offline() {
    let edge = edge("docs", "", Mood::Durable);
    let api = edge.send(Request::get("/openapi.json").body(Body::empty()).unwrap()).await;
    assert_eq!(api.status, 200);
    let paths: Vec<&String> = api.body["paths"].as_object().unwrap().keys().collect();
    assert_eq!(paths, [GOORU_ALIAS, "/v1/events", "/v1/events:validate", "/v1/limits"]);
    let page = edge.page("/docs/").await;
    assert!(page.contains("swagger-ui") && !page.contains("src=\"http"), "{page}");
    let start = edge.page("/docs/swagger-initializer.js").await;
    assert!(start.contains("\"validatorUrl\": \"none\"") && start.contains("/openapi.json"), "{start}");
    assert!(!start.contains("//swagger.io") && !start.contains("://"), "{start}");
}

#[tokio::test]
async fn the_key_names_the_adapter() {
    let edge = edge("adapter", "", Mood::Durable);
    let (native, _) = create(&edge.dir, asked("native"), Timestamp(1)).unwrap();
    let (foreign, _) = create(&edge.dir, asked("xapi"), Timestamp(1)).unwrap();
    edge.ring.reread();
    let answered = edge.post("/v1/events", &native, play("e1").to_string()).await;
    assert_eq!(answered.status, 422, "{}", answered.body);
    refused(&edge.post("/v1/events", &foreign, play("e1").to_string()).await, 403, "forbidden");
}

#[tokio::test]
async fn a_client_that_is_still_sending_is_told_that_its_body_is_too_large() {
    let edge = edge("sending", "", Mood::Durable);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let stop = Stop::new();
    let serving = Serving {
        limits: ServerLimits::default(),
        stop: stop.clone(),
        in_flight: InFlight::default(),
        side: Side::Public,
    };
    let mut running = tokio::task::JoinSet::new();
    running.spawn(serve(listener, edge.router.clone(), serving));
    let size = 6_000_000;
    for length in [format!("content-length: {size}"), "transfer-encoding: chunked".to_owned()] {
        let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
        let key = &edge.ingest;
        let head = format!("POST /v1/events HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {key}\r\n{length}\r\n");
        let rest = "content-type: application/json\r\nconnection: close\r\n\r\n";
        let mut sent = format!("{head}{rest}").into_bytes();
        if length.contains("chunked") {
            sent.extend_from_slice(format!("{size:x}\r\n").as_bytes());
        }
        sent.resize(sent.len() + size, b' ');
        sent.extend_from_slice(if length.contains("chunked") { b"\r\n0\r\n\r\n" } else { b"" });
        stream.write_all(&sent).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 413") && answer.contains("body_too_large"), "{answer}");
    }
    assert!(edge.topics().is_empty());
    stop.raise(Phase::Draining);
    running.join_next().await.unwrap().unwrap();
}
