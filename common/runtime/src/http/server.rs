//! A listener with bounds: connections, header size, header time, and an ordered end.
//!
//! Place: runs a router until the stop token says so. Knows no route. Tasks exist here and nowhere else in da-runtime.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use da_model::names::{Label, LogEvent, Metric};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::{Problem, RequestCode, no_such_route, request_id};
use crate::stop::{Phase, Stop};
use crate::telemetry::{log, metrics, trace};

/// Bounds of a listener.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ServerLimits {
    /// Connections open at the same time; more wait in the kernel's queue.
    pub connections: usize,
    /// Bytes of one request's head.
    pub header_bytes: usize,
    /// Longest wait for a head, which also ends idle connections.
    pub header: Duration,
}

impl Default for ServerLimits {
    fn default() -> Self {
        Self { connections: 1024, header_bytes: 16 * 1024, header: Duration::from_secs(5) }
    }
}

/// Bytes read ahead per connection.
const BUFFER: usize = 64 * 1024;
/// How long open connections may take to end once nothing is in flight.
const CLOSING: Duration = Duration::from_secs(2);

/// Requests being answered now.
#[derive(Debug, Clone, Default)]
pub struct InFlight(Arc<watch::Sender<usize>>);

impl InFlight {
    /// Resolves when no request is being answered.
    pub async fn none_left(&self) {
        let mut seen = self.0.subscribe();
        // The sender lives as long as `self`, so the wait cannot fail.
        let _ = seen.wait_for(|n| *n == 0).await;
    }

    fn enter(&self) -> Entered {
        self.0.send_modify(|n| *n += 1);
        Entered(self.clone())
    }
}

struct Entered(InFlight);

impl Drop for Entered {
    fn drop(&mut self) {
        self.0.0.send_modify(|n| *n = n.saturating_sub(1));
    }
}

/// Who asks: partners are counted and refused while the process drains, operators are always answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// The public listener.
    Public,
    /// The admin listener.
    Admin,
}

/// What a listener needs besides its router.
#[derive(Debug, Clone)]
pub struct Serving {
    /// Bounds.
    pub limits: ServerLimits,
    /// The stop token.
    pub stop: Stop,
    /// Shared counter of requests.
    pub in_flight: InFlight,
    /// Which listener.
    pub side: Side,
}

/// Answers until phase [`Phase::Draining`]; returns when its connections are closed.
pub async fn serve(listener: TcpListener, router: Router, serving: Serving) {
    let router = router
        .fallback(|| async { no_such_route(StatusCode::NOT_FOUND, "no such path; see /docs") })
        .method_not_allowed_fallback(|| async {
            no_such_route(StatusCode::METHOD_NOT_ALLOWED, "not with this method; see /docs")
        })
        .layer(from_fn_with_state(serving.clone(), around));
    let permits = Arc::new(Semaphore::new(serving.limits.connections));
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            () = serving.stop.reached(Phase::Draining) => break,
            accepted = accept(&listener, Arc::clone(&permits)) => {
                let Some((stream, permit)) = accepted else { continue };
                connections.spawn(connection(stream, router.clone(), serving.clone(), permit));
            }
        }
        while connections.try_join_next().is_some() {}
    }
    drop(listener);
    let closing = async { while connections.join_next().await.is_some() {} };
    if timeout(CLOSING, closing).await.is_err() {
        connections.abort_all();
    }
}

async fn accept(listener: &TcpListener, permits: Arc<Semaphore>) -> Option<(TcpStream, OwnedSemaphorePermit)> {
    let permit = permits.acquire_owned().await.ok()?;
    match listener.accept().await {
        Ok((stream, _)) => Some((stream, permit)),
        Err(error) => {
            log::warn(LogEvent::AcceptFailed, &[("cause", &error)]);
            // Out of file handles: wait for a connection to end instead of spinning.
            tokio::time::sleep(Duration::from_millis(50)).await;
            None
        }
    }
}

async fn connection(stream: TcpStream, router: Router, serving: Serving, permit: OwnedSemaphorePermit) {
    // Without it small answers wait for the client's delayed acknowledgement; failing to set it harms nothing.
    let _ = stream.set_nodelay(true);
    let service = TowerToHyperService::new(router);
    let mut server = http1::Builder::new();
    server
        .timer(TokioTimer::new())
        .header_read_timeout(serving.limits.header)
        .max_header_size(serving.limits.header_bytes)
        .max_buf_size(BUFFER);
    let mut open = std::pin::pin!(server.serve_connection(TokioIo::new(stream), service));
    let ended = tokio::select! {
        ended = open.as_mut() => ended,
        () = serving.stop.reached(Phase::Draining) => {
            open.as_mut().graceful_shutdown();
            open.await
        }
    };
    // A connection that ends badly is the client's affair: its requests were answered or will be repeated.
    drop((ended, permit));
}

async fn around(State(serving): State<Serving>, request: Request, next: Next) -> Result<Response, Infallible> {
    if serving.side == Side::Admin {
        return Ok(next.run(request).await);
    }
    let entered = serving.in_flight.enter();
    let span = trace::request(request.headers());
    let response = if serving.stop.is(Phase::Refusing) {
        let problem = Problem::passing(RequestCode::Unavailable, "the service is about to stop", 2);
        problem.answer(&request_id(request.headers()))
    } else {
        next.run(request).await
    };
    metrics::count(Metric::IngestRequests, &[(Label::Status, response.status().as_str())], 1);
    span.label(Label::Status, || response.status().as_str().to_owned());
    if !response.status().is_server_error() {
        span.done();
    }
    drop(entered);
    Ok(response)
}

#[cfg(test)]
mod tests {
    use axum::routing::get;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    async fn ask(address: std::net::SocketAddr, head: &str) -> String {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.unwrap();
        String::from_utf8_lossy(&answer).into_owned()
    }

    fn serving(stop: &Stop, header: Duration) -> Serving {
        let limits = ServerLimits { header, ..ServerLimits::default() };
        Serving { limits, stop: stop.clone(), in_flight: InFlight::default(), side: Side::Public }
    }

    #[tokio::test]
    async fn a_listener_answers_refuses_while_draining_and_ends() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let stop = Stop::new();
        let router = Router::new().route("/hello", get(|| async { "hi" }));
        let serving = serving(&stop, Duration::from_secs(5));
        let mut running = JoinSet::new();
        running.spawn(serve(listener, router, serving.clone()));
        let close = "host: x\r\nconnection: close\r\n\r\n";
        let answer = ask(address, &format!("GET /hello HTTP/1.1\r\n{close}")).await;
        assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with("hi"), "{answer}");
        let answer = ask(address, &format!("GET /nothing HTTP/1.1\r\n{close}")).await;
        assert!(answer.starts_with("HTTP/1.1 404") && answer.contains("problem+json"), "{answer}");
        let answer = ask(address, &format!("POST /hello HTTP/1.1\r\n{close}")).await;
        assert!(answer.starts_with("HTTP/1.1 405"), "{answer}");
        stop.raise(Phase::Refusing);
        let answer = ask(address, &format!("GET /hello HTTP/1.1\r\n{close}")).await;
        assert!(answer.starts_with("HTTP/1.1 503") && answer.contains("retry-after"), "{answer}");
        serving.in_flight.none_left().await;
        stop.raise(Phase::Draining);
        running.join_next().await.unwrap().unwrap();
    }

    #[tokio::test]
    async fn a_slow_head_and_a_large_head_are_cut_off() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let stop = Stop::new();
        let mut running = JoinSet::new();
        running.spawn(serve(listener, Router::new(), serving(&stop, Duration::from_millis(200))));
        let slow = ask(address, "GET / HTTP/1.1\r\nhost:").await;
        assert!(slow.is_empty() || slow.starts_with("HTTP/1.1 408"), "{slow}");
        let large = ask(address, &format!("GET / HTTP/1.1\r\nx: {}\r\n\r\n", "a".repeat(20_000))).await;
        assert!(large.starts_with("HTTP/1.1 431"), "{large}");
        stop.raise(Phase::Draining);
        running.join_next().await.unwrap().unwrap();
    }
}
