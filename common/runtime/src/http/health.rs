//! The admin listener: alive, ready, started, and the page of metrics.
//!
//! Place: apart from the public listener. The answers come from the stop token and from what the parts report; an
//! outage of something outside makes the process unready, never dead (experience.md §3.3).

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use axum::routing::get;
use axum::{Json, Router};
use serde::Serialize;

use crate::stop::{Phase, Stop};
use crate::telemetry::metrics;

/// What a part says about itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Condition {
    /// Works.
    Good,
    /// Cannot work now, and is expected to come back: not ready.
    Waiting(String),
    /// Stands still although it should not: not alive.
    Stuck(String),
}

/// The conditions of all parts; clones share them.
#[derive(Debug, Clone, Default)]
pub struct Health {
    parts: Arc<Mutex<BTreeMap<String, Condition>>>,
    started: Arc<std::sync::atomic::AtomicBool>,
}

#[derive(Serialize)]
struct Report {
    status: &'static str,
    parts: BTreeMap<String, String>,
}

impl Health {
    /// A part reports its condition: `keys`, `pipeline`, `demux gep.usage/0`.
    pub fn report(&self, part: &str, condition: Condition) {
        self.parts.lock().unwrap_or_else(PoisonError::into_inner).insert(part.to_owned(), condition);
    }

    /// A part is none of ours any more.
    pub fn forget(&self, part: &str) {
        self.parts.lock().unwrap_or_else(PoisonError::into_inner).remove(part);
    }

    /// Everything was started.
    pub fn started(&self) {
        self.started.store(true, std::sync::atomic::Ordering::SeqCst);
    }

    fn is_started(&self) -> bool {
        self.started.load(std::sync::atomic::Ordering::SeqCst)
    }

    /// The parts that stand still although they should not.
    pub(crate) fn stuck(&self) -> BTreeMap<String, String> {
        self.those(|c| match c {
            Condition::Stuck(text) => Some(text),
            Condition::Good | Condition::Waiting(_) => None,
        })
    }

    /// The parts that do not work now.
    pub(crate) fn troubles(&self) -> BTreeMap<String, String> {
        self.those(|c| match c {
            Condition::Stuck(text) | Condition::Waiting(text) => Some(text),
            Condition::Good => None,
        })
    }

    fn those(&self, counts: fn(&Condition) -> Option<&String>) -> BTreeMap<String, String> {
        let parts = self.parts.lock().unwrap_or_else(PoisonError::into_inner);
        parts.iter().filter_map(|(part, c)| counts(c).map(|text| (part.clone(), text.clone()))).collect()
    }
}

#[derive(Debug, Clone)]
struct Seen {
    health: Health,
    stop: Stop,
}

/// The routes of the admin listener.
pub fn router(health: Health, stop: Stop) -> Router {
    Router::new()
        .route("/livez", get(livez))
        .route("/readyz", get(readyz))
        .route("/startupz", get(startupz))
        .route("/metrics", get(page))
        .with_state(Seen { health, stop })
}

async fn livez(State(seen): State<Seen>) -> impl IntoResponse {
    answer(seen.health.stuck())
}

async fn readyz(State(seen): State<Seen>) -> impl IntoResponse {
    let mut troubles = seen.health.troubles();
    if !seen.health.is_started() {
        troubles.insert("start".to_owned(), "not finished".to_owned());
    }
    if seen.stop.is(Phase::Leaving) {
        troubles.insert("stop".to_owned(), "asked for".to_owned());
    }
    answer(troubles)
}

async fn startupz(State(seen): State<Seen>) -> impl IntoResponse {
    let waiting = (!seen.health.is_started()).then(|| ("start".to_owned(), "not finished".to_owned()));
    answer(waiting.into_iter().collect())
}

async fn page() -> impl IntoResponse {
    ([(CONTENT_TYPE, "text/plain; version=0.0.4")], metrics::render())
}

fn answer(troubles: BTreeMap<String, String>) -> impl IntoResponse {
    let (status, word) =
        if troubles.is_empty() { (StatusCode::OK, "ok") } else { (StatusCode::SERVICE_UNAVAILABLE, "not ok") };
    (status, Json(Report { status: word, parts: troubles }))
}

#[cfg(test)]
mod tests {
    use axum::body::{Body, to_bytes};
    use axum::http::Request;
    use tower::ServiceExt;

    use super::*;

    async fn ask(router: &Router, path: &str) -> (u16, String) {
        let request = Request::get(path).body(Body::empty()).unwrap();
        let response = router.clone().oneshot(request).await.unwrap();
        let status = response.status().as_u16();
        let bytes = to_bytes(response.into_body(), 1 << 20).await.unwrap();
        (status, String::from_utf8(bytes.to_vec()).unwrap())
    }

    #[tokio::test]
    async fn an_outage_makes_unready_and_only_standing_still_makes_dead() {
        let (health, stop) = (Health::default(), Stop::new());
        let router = router(health.clone(), stop.clone());
        assert_eq!(ask(&router, "/startupz").await.0, 503);
        assert_eq!(ask(&router, "/readyz").await.0, 503);
        health.started();
        assert_eq!(ask(&router, "/startupz").await.0, 200);
        assert_eq!(ask(&router, "/readyz").await.0, 200);
        health.report("log", Condition::Waiting("disk full".to_owned()));
        let (status, body) = ask(&router, "/readyz").await;
        assert_eq!((status, body.as_str()), (503, r#"{"status":"not ok","parts":{"log":"disk full"}}"#));
        assert_eq!(ask(&router, "/livez").await.0, 200);
        health.report("log", Condition::Stuck("120 s without progress".to_owned()));
        assert_eq!(ask(&router, "/livez").await.0, 503);
        health.report("log", Condition::Good);
        stop.raise(Phase::Leaving);
        assert_eq!(ask(&router, "/readyz").await.0, 503);
        assert_eq!(ask(&router, "/livez").await.0, 200);
        assert_eq!(ask(&router, "/metrics").await.0, 200);
    }
}
