//! The routes: from a request to its answer, in the order in which things can be refused cheaply.
//!
//! Place: credential → media type → rate → body → elements → intake → log → answer. Judges no event.

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::HeaderMap;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use da_model::names::{Label, LogEvent, Metric};
use da_runtime::http::auth::{Credential, Scope, hex};
use da_runtime::http::limits::{Encoding, Held, announced, decompress, discard, read_body, too_large};
use da_runtime::http::{Problem, RequestCode, request_id};
use da_runtime::ports::{Append, Receipt, SinkError};
use da_runtime::telemetry::{log, metrics};
use serde::Serialize;
use sha2::{Digest, Sha256};
use tokio::time::timeout;
use utoipa::ToSchema;

use super::Ingest;
use super::partners::{self, Route};
use super::verdicts::{self, Answer, Purpose};
use crate::intake::{BodyForm, Origin, split_body, take_in};

/// Post events: one object, an array, `{"events":[…]}`, or NDJSON.
#[utoipa::path(
    post,
    path = "/v1/events",
    request_body(
        content((Vec<Object> = "application/json"), (String = "application/x-ndjson")),
        description = "Events in the words of the key's adapter; identity, gzip or zstd"
    ),
    responses(
        (status = 202, description = "No event was rejected", body = Answer),
        (status = 207, description = "Some events were rejected; never resend those unchanged", body = Answer),
        (status = 422, description = "All events were rejected", body = Answer),
        (status = 400, description = "bad_body, bad_encoding; nothing was stored"),
        (status = 401, description = "unauthenticated; nothing was stored"),
        (status = 403, description = "forbidden; nothing was stored"),
        (status = 413, description = "body_too_large, too_many_events; nothing was stored"),
        (status = 415, description = "bad_media_type; nothing was stored"),
        (status = 429, description = "rate_limited; the same request again after Retry-After"),
        (status = 503, description = "unavailable; the same request again after Retry-After, always safe")
    ),
    security(("key" = []))
)]
pub(super) async fn events(State(ingest): State<Arc<Ingest>>, request: Request) -> Response {
    answer(&ingest, request, Route::Own, Purpose::Store).await
}

/// Have events judged; nothing is stored.
#[utoipa::path(
    post,
    path = "/v1/events:validate",
    request_body(content((Vec<Object> = "application/json"), (String = "application/x-ndjson"))),
    responses((status = 200, description = "The verdicts that `/v1/events` would give", body = Answer)),
    security(("key" = []))
)]
pub(super) async fn validate(State(ingest): State<Arc<Ingest>>, request: Request) -> Response {
    answer(&ingest, request, Route::Own, Purpose::Judge).await
}

/// The route of existing Gooru clients; otherwise as `/v1/events`.
#[utoipa::path(
    post,
    path = "/api/nucleus-insights/v2/event",
    request_body(content((Vec<Object> = "application/json"))),
    responses(
        (status = 202, description = "As `/v1/events`", body = Answer),
        (status = 401, description = "No bearer key was sent, and the setting gooru_alias.key_id names no key")
    )
)]
pub(super) async fn gooru(State(ingest): State<Arc<Ingest>>, request: Request) -> Response {
    let route = Route::Gooru(ingest.ports.alias_key_id.as_deref());
    answer(&ingest, request, route, Purpose::Store).await
}

/// Limits in force for this key, and what is left now.
#[utoipa::path(
    get,
    path = "/v1/limits",
    responses((status = 200, body = LimitsAnswer), (status = 401, description = "unauthenticated")),
    security(("key" = []))
)]
pub(super) async fn limits(State(ingest): State<Arc<Ingest>>, headers: HeaderMap) -> Response {
    match partners::credential(&ingest.ports.keys, &headers, Route::Own) {
        Ok(credential) => Json(LimitsAnswer::new(&ingest, &credential)).into_response(),
        Err(problem) => problem.answer(&request_id(&headers)),
    }
}

/// How the bytes of a body stand.
#[derive(Debug, Clone, Copy)]
struct Wire {
    form: BodyForm,
    encoding: Encoding,
}

/// Who asks, in which form, and what the body holds of the budget.
struct Caller {
    credential: Arc<Credential>,
    wire: Wire,
    held: Held,
}

/// A body that was read and judged.
struct Judged {
    records: Vec<Append>,
    answer: Answer,
    tally: Option<verdicts::Tally>,
}

/// A request being answered.
struct Asked<'a> {
    ingest: &'a Ingest,
    id: String,
    purpose: Purpose,
    /// Filled in on the way, for the line about a refusal.
    partner: String,
    body_sha256: String,
}

async fn answer(ingest: &Ingest, request: Request, route: Route<'_>, purpose: Purpose) -> Response {
    let (parts, mut body) = request.into_parts();
    let id = request_id(&parts.headers);
    let mut asked = Asked { ingest, id, purpose, partner: String::new(), body_sha256: String::new() };
    match asked.run(&parts.headers, &mut body, route).await {
        Ok(response) => response,
        Err(problem) => {
            asked.refused(&problem);
            discard(&mut body, &parts.headers).await;
            problem.answer(&asked.id)
        }
    }
}

impl Asked<'_> {
    async fn run(&mut self, headers: &HeaderMap, body: &mut Body, route: Route<'_>) -> Result<Response, Problem> {
        let ports = &self.ingest.ports;
        let credential = partners::credential(&ports.keys, headers, route)?;
        self.partner.clone_from(&credential.key.partner);
        partners::allowed(&credential, if self.purpose == Purpose::Store { Scope::Ingest } else { Scope::Validate })?;
        let wire = Wire { form: form(headers, route)?, encoding: Encoding::of(headers)? };
        let mut caller = Caller { credential, wire, held: self.ingest.budget.hold() };
        let sent = self.body(headers, body, &mut caller).await?;
        let judged = self.judge(&sent, &mut caller);
        let Judged { records, answer, tally } =
            judged.inspect_err(|_| self.body_sha256 = hex(&Sha256::digest(&sent)))?;
        self.store(records).await?;
        // Not before: who is told 503 repeats the request.
        if let Some(tally) = tally {
            verdicts::count(&tally, &self.partner);
        }
        Ok(answer.into_response())
    }

    /// The body as sent, paid for and within bounds.
    async fn body(&self, headers: &HeaderMap, body: &mut Body, caller: &mut Caller) -> Result<Vec<u8>, Problem> {
        let bounds = &self.ingest.ports.http.body;
        let length = announced(headers);
        if length.is_some_and(|n| n > bounds.body_bytes) {
            return Err(too_large(bounds.body_bytes));
        }
        if let Some(length) = length {
            self.throttled("bytes", caller.credential.take_bytes(length))?;
        }
        let sent = read_body(body, bounds, &mut caller.held).await?;
        if length.is_none() {
            self.throttled("bytes", caller.credential.take_bytes(sent.len()))?;
        }
        Ok(sent)
    }

    /// From bytes to verdicts; nothing is stored yet.
    fn judge(&self, sent: &[u8], caller: &mut Caller) -> Result<Judged, Problem> {
        let ports = &self.ingest.ports;
        let Caller { credential, wire, held } = caller;
        let bytes = decompress(sent, wire.encoding, &ports.http.body, held)?;
        let elements = split_body(&bytes, wire.form, &self.ingest.ports.limits).map_err(|e| bad_body(&e))?;
        self.throttled("events", credential.take_events(elements.len()))?;
        let received_at = ports.clock.now();
        let partner = partners::partner(credential, &ports.partners)?;
        let origin = Origin::Http { request_id: self.id.clone() };
        let intake = take_in(&elements, &partner, received_at, &origin, &self.ingest.ports.limits);
        let answer = Answer::new(&self.id, &intake.verdicts, self.purpose);
        if self.purpose == Purpose::Judge {
            return Ok(Judged { records: Vec::new(), answer, tally: None });
        }
        let records = verdicts::appends(&intake.emits, &ports.schemas, received_at);
        Ok(Judged { records, answer, tally: Some(intake.into()) })
    }

    /// Queues the records and waits until they are durable.
    async fn store(&self, records: Vec<Append>) -> Result<(), Problem> {
        if records.is_empty() {
            return Ok(());
        }
        let ports = &self.ingest.ports;
        let queued = ports.clock.now();
        let receipt = ports.sink.append(records).map_err(|e| self.not_stored(&e))?;
        self.durable(receipt).await?;
        let waited = ports.clock.now().since(queued).max(0);
        metrics::observe(Metric::IngestAck, &[], f64::from(u32::try_from(waited).unwrap_or(u32::MAX)) / 1000.0);
        Ok(())
    }

    async fn durable(&self, receipt: Receipt) -> Result<(), Problem> {
        let deadline = self.ingest.ports.http.ack_deadline;
        match timeout(deadline, receipt).await {
            Ok(Ok(Ok(_))) => Ok(()),
            Ok(Ok(Err(error))) => Err(self.not_stored(&error)),
            Ok(Err(_)) => Err(self.not_stored(&SinkError::Unavailable("the writer ended".to_owned()))),
            Err(_) => {
                log::warn(LogEvent::AckLate, &[("request", &self.id), ("ms", &deadline.as_millis())]);
                let detail = format!("not known to be durable within {} ms", deadline.as_millis());
                Err(Problem::passing(RequestCode::Unavailable, detail, 2))
            }
        }
    }

    fn not_stored(&self, error: &SinkError) -> Problem {
        let (detail, seconds) = match error {
            SinkError::Full { retry_after } => ("the queue is full", *retry_after),
            SinkError::Draining => ("the service is about to stop", 2),
            SinkError::Unavailable(cause) => {
                log::warn(LogEvent::AppendFailed, &[("request", &self.id), ("cause", cause)]);
                ("the log cannot be written now", 5)
            }
        };
        Problem::passing(RequestCode::Unavailable, detail, seconds)
    }

    fn throttled(&self, limit: &str, taken: Result<(), Problem>) -> Result<(), Problem> {
        taken.inspect_err(|_| {
            let labels = [(Label::Partner, self.partner.as_str()), (Label::Limit, limit)];
            metrics::count(Metric::IngestThrottled, &labels, 1);
        })
    }

    fn refused(&self, problem: &Problem) {
        let partner = if self.partner.is_empty() { "unknown" } else { &self.partner };
        let code = problem.code.code();
        let fields: log::Fields<'_> = &[
            ("request", &self.id),
            ("partner", &partner),
            ("code", &code),
            ("detail", &problem.detail),
            ("body_sha256", &self.body_sha256),
        ];
        log::info(LogEvent::RequestRefused, fields);
    }
}

/// How the elements stand, by content type; Gooru clients need not name one.
fn form(headers: &HeaderMap, route: Route<'_>) -> Result<BodyForm, Problem> {
    let refused = || Problem::new(RequestCode::BadMediaType, "send application/json or application/x-ndjson");
    let Some(sent) = headers.get(CONTENT_TYPE) else {
        return if route == Route::Own { Err(refused()) } else { Ok(BodyForm::Json) };
    };
    let text = sent.to_str().map_err(|_| refused())?;
    let kind = text.split(';').next().unwrap_or_default().trim();
    if kind.eq_ignore_ascii_case("application/json") {
        Ok(BodyForm::Json)
    } else if kind.eq_ignore_ascii_case("application/x-ndjson") {
        Ok(BodyForm::Ndjson)
    } else {
        Err(refused())
    }
}

fn bad_body(error: &crate::intake::BodyError) -> Problem {
    if error.code == RequestCode::TooManyEvents.code() {
        return Problem::new(RequestCode::TooManyEvents, error.detail.clone());
    }
    let detail = format!("{} (line {}, column {})", error.detail, error.line, error.column);
    Problem::new(RequestCode::BadBody, detail)
}

/// `GET /v1/limits`.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct LimitsAnswer {
    max_body_bytes: usize,
    max_decompressed_bytes: usize,
    max_ratio: usize,
    max_events: usize,
    max_event_bytes: usize,
    max_depth: usize,
    max_keys: usize,
    max_string_bytes: usize,
    rate: RateAnswer,
    ack_deadline_ms: u128,
    formats: Vec<&'static str>,
    content_types: [&'static str; 2],
    encodings: [&'static str; 3],
    scopes: Vec<&'static str>,
}

/// Rates of a key.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct RateAnswer {
    events_per_second: u32,
    bytes_per_second: u32,
    burst_seconds: u32,
    remaining_events: u32,
}

impl LimitsAnswer {
    fn new(ingest: &Ingest, credential: &Credential) -> Self {
        let (http, events) = (&ingest.ports.http, &ingest.ports.limits);
        Self {
            max_body_bytes: http.body.body_bytes,
            max_decompressed_bytes: http.body.decompressed_bytes,
            max_ratio: http.body.ratio,
            max_events: events.max_events,
            max_event_bytes: events.max_event_bytes,
            max_depth: events.max_depth,
            max_keys: events.max_keys,
            max_string_bytes: events.max_string_bytes,
            rate: RateAnswer {
                events_per_second: credential.rate.events_per_second,
                bytes_per_second: credential.rate.bytes_per_second,
                burst_seconds: credential.rate.burst_seconds,
                remaining_events: credential.remaining_events(),
            },
            ack_deadline_ms: http.ack_deadline.as_millis(),
            formats: crate::adapters::ADAPTERS.iter().map(|a| a.name()).collect(),
            content_types: ["application/json", "application/x-ndjson"],
            encodings: ["identity", "gzip", "zstd"],
            scopes: credential.key.scopes.iter().map(|s| s.word()).collect(),
        }
    }
}
