//! The HTTP side of the shell: listeners, keys, limits, health, and how a refused request is told.
//!
//! Place: routes that know events are in the services; here is what is the same for every route. The closed list of
//! request codes is domain.md §2.6.

pub mod auth;
pub mod health;
pub mod limits;
pub mod server;

use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};

use axum::http::header::{ACCEPT, ACCEPT_ENCODING, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};

/// The header that names a request in answers, logs and rejected records.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Why a whole request was refused; nothing of it was stored, but for `unavailable`, where that is unknown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RequestCode {
    /// No key, or one that is not known.
    Unauthenticated,
    /// The key is known but not for this.
    Forbidden,
    /// Content type or content encoding is none of ours.
    BadMediaType,
    /// The compressed body does not decompress.
    BadEncoding,
    /// The body cannot be split into events.
    BadBody,
    /// The body is over a limit of size.
    BodyTooLarge,
    /// The body holds more events than allowed.
    TooManyEvents,
    /// The key is over its rate.
    RateLimited,
    /// The log cannot take it now, or its answer did not come in time.
    Unavailable,
}

impl RequestCode {
    /// All codes.
    pub const ALL: [Self; 9] = [
        Self::Unauthenticated,
        Self::Forbidden,
        Self::BadMediaType,
        Self::BadEncoding,
        Self::BadBody,
        Self::BodyTooLarge,
        Self::TooManyEvents,
        Self::RateLimited,
        Self::Unavailable,
    ];

    /// The stable code.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Unauthenticated => "unauthenticated",
            Self::Forbidden => "forbidden",
            Self::BadMediaType => "bad_media_type",
            Self::BadEncoding => "bad_encoding",
            Self::BadBody => "bad_body",
            Self::BodyTooLarge => "body_too_large",
            Self::TooManyEvents => "too_many_events",
            Self::RateLimited => "rate_limited",
            Self::Unavailable => "unavailable",
        }
    }

    /// The HTTP status.
    #[must_use]
    pub const fn status(self) -> StatusCode {
        match self {
            Self::Unauthenticated => StatusCode::UNAUTHORIZED,
            Self::Forbidden => StatusCode::FORBIDDEN,
            Self::BadMediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::BadEncoding | Self::BadBody => StatusCode::BAD_REQUEST,
            Self::BodyTooLarge | Self::TooManyEvents => StatusCode::PAYLOAD_TOO_LARGE,
            Self::RateLimited => StatusCode::TOO_MANY_REQUESTS,
            Self::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// What it means, in a phrase.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Unauthenticated => "no valid key",
            Self::Forbidden => "not allowed for this key",
            Self::BadMediaType => "content type or encoding not supported",
            Self::BadEncoding => "the compressed body cannot be read",
            Self::BadBody => "the body cannot be read",
            Self::BodyTooLarge => "the body is too large",
            Self::TooManyEvents => "too many events in one request",
            Self::RateLimited => "over the rate of this key",
            Self::Unavailable => "cannot store events now",
        }
    }
}

/// A refused request.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}: {detail}", code.code())]
pub struct Problem {
    /// The stable code.
    pub code: RequestCode,
    /// What is wrong here; numbers and enum words only, never text of the body.
    pub detail: String,
    /// Whole seconds after which the same request may succeed.
    pub retry_after: Option<u32>,
}

impl Problem {
    /// A problem of the request itself.
    pub fn new(code: RequestCode, detail: impl Into<String>) -> Self {
        Self { code, detail: detail.into(), retry_after: None }
    }

    /// A problem that passes: the client repeats the same request after some seconds, here spread by up to half.
    pub fn passing(code: RequestCode, detail: impl Into<String>, seconds: u32) -> Self {
        Self { code, detail: detail.into(), retry_after: Some(jittered(seconds.max(1))) }
    }

    /// The answer, as `application/problem+json`.
    #[must_use]
    pub fn answer(&self, request_id: &str) -> Response {
        let mut headers = HeaderMap::new();
        if let Some(seconds) = self.retry_after {
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        if self.code == RequestCode::BadMediaType {
            headers.insert(ACCEPT, HeaderValue::from_static("application/json, application/x-ndjson"));
            headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity, gzip, zstd"));
        }
        if self.code == RequestCode::Unauthenticated {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        let body = ProblemBody {
            r#type: format!("urn:gooru-da:problem:{}", self.code.code()),
            title: self.code.title(),
            status: self.code.status().as_u16(),
            code: Some(self.code.code()),
            detail: &self.detail,
            request_id,
        };
        (self.code.status(), headers, body.answer(request_id)).into_response()
    }
}

/// The answer to a path or method that is not ours.
pub(crate) fn no_such_route(status: StatusCode, detail: &str) -> Response {
    let request_id = new_request_id();
    let title = status.canonical_reason().unwrap_or("refused");
    let status_number = status.as_u16();
    let kind = "about:blank".to_owned();
    let body = ProblemBody { r#type: kind, title, status: status_number, code: None, detail, request_id: &request_id };
    (status, body.answer(&request_id)).into_response()
}

#[derive(serde::Serialize)]
#[serde(rename_all = "camelCase")]
struct ProblemBody<'a> {
    r#type: String,
    title: &'a str,
    status: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<&'a str>,
    detail: &'a str,
    request_id: &'a str,
}

impl ProblemBody<'_> {
    fn answer(&self, request_id: &str) -> impl IntoResponse + use<> {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if let Ok(id) = HeaderValue::from_str(request_id) {
            headers.insert(REQUEST_ID, id);
        }
        // A struct of texts and numbers always serialises.
        (headers, serde_json::to_vec(self).unwrap_or_default())
    }
}

/// The client's own `X-Request-Id` where it is 1–64 letters, digits, `.`, `_`, `-`; else a new one.
#[must_use]
pub fn request_id(headers: &HeaderMap) -> String {
    let sent = headers.get(REQUEST_ID).and_then(|v| v.to_str().ok()).filter(|id| is_request_id(id));
    sent.map_or_else(new_request_id, str::to_owned)
}

fn is_request_id(id: &str) -> bool {
    (1..=64).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'))
}

fn new_request_id() -> String {
    format!("{:016x}", chance())
}

/// `seconds` plus up to half of it, so that refused clients do not come back at once together.
fn jittered(seconds: u32) -> u32 {
    let spread = u64::from(seconds / 2 + 1);
    seconds.saturating_add(u32::try_from(chance() % (spread + 1)).unwrap_or(0))
}

/// A number without meaning; good for names and spreading, not for secrets.
pub(crate) fn chance() -> u64 {
    static SEED: std::sync::LazyLock<RandomState> = std::sync::LazyLock::new(RandomState::new);
    static NEXT: AtomicU64 = AtomicU64::new(0);
    SEED.hash_one(NEXT.fetch_add(1, Ordering::Relaxed))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_the_status_of_the_document() {
        let statuses: Vec<(&str, u16)> = RequestCode::ALL.iter().map(|c| (c.code(), c.status().as_u16())).collect();
        let document = [
            ("unauthenticated", 401),
            ("forbidden", 403),
            ("bad_media_type", 415),
            ("bad_encoding", 400),
            ("bad_body", 400),
            ("body_too_large", 413),
            ("too_many_events", 413),
            ("rate_limited", 429),
            ("unavailable", 503),
        ];
        assert_eq!(statuses, document);
    }

    #[test]
    fn a_passing_problem_says_when_to_come_back_and_415_says_what_is_accepted() {
        let busy = Problem::passing(RequestCode::Unavailable, "queue full", 4).answer("r1");
        let seconds: u32 = busy.headers()[RETRY_AFTER].to_str().unwrap().parse().unwrap();
        assert!((4..=7).contains(&seconds), "{seconds}");
        assert_eq!(busy.headers()[CONTENT_TYPE], "application/problem+json");
        assert_eq!(busy.headers()[REQUEST_ID], "r1");
        let media = Problem::new(RequestCode::BadMediaType, "text/plain").answer("r2");
        assert_eq!(media.headers()[ACCEPT_ENCODING], "identity, gzip, zstd");
        assert!(media.headers().get(RETRY_AFTER).is_none());
    }

    #[test]
    fn a_request_id_is_taken_over_only_if_it_is_harmless() {
        let mut headers = HeaderMap::new();
        headers.insert(REQUEST_ID, HeaderValue::from_static("abc-1"));
        assert_eq!(request_id(&headers), "abc-1");
        headers.insert(REQUEST_ID, HeaderValue::from_static("a b"));
        assert_ne!(request_id(&headers), "a b");
        assert_ne!(request_id(&headers), request_id(&headers));
    }
}
