//! One start order and one stop order for every process.
//!
//! Place: called by the binary with what the services built. Order: ports bound → parts started by the caller →
//! listeners serve → a signal or a fault → readiness off → requests refused → those in flight answered → workers told
//! to end. Knows no service and no route.

use std::future::Future;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use da_model::fault::{Cause, Fault};
use da_model::names::LogEvent;
use tokio::runtime::{Builder, Runtime};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::config::Settings;
use crate::http::auth::{KeyRing, REREAD};
use crate::http::health::{self, Health};
use crate::http::server::{InFlight, Serving, Side, serve};
use crate::stop::{Phase, Stop};
use crate::telemetry::{log, metrics, trace};
use crate::worker::Beside;

/// How long requests in flight may take to be answered once new ones are refused.
const ANSWERING: Duration = Duration::from_secs(15);

/// Why a process cannot start, or ended badly.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    /// A port is taken or not allowed.
    #[error("{setting} {address} cannot be opened: {cause}")]
    Listen {
        /// The setting that names it.
        setting: &'static str,
        /// The address.
        address: SocketAddr,
        /// What came back.
        cause: io::Error,
    },
    /// The operating system refuses threads or signal handlers.
    #[error("starting the listeners: {0}")]
    Start(#[source] io::Error),
}

/// The listeners, open but not yet served, so that a taken port is told before anything is started.
#[derive(Debug)]
pub struct Listeners {
    public: Option<TcpListener>,
    admin: TcpListener,
}

impl Listeners {
    /// Opens both ports.
    ///
    /// # Errors
    /// [`AppError::Listen`] names the setting and the address.
    pub fn bind(settings: &Settings) -> Result<Self, AppError> {
        let public = bind("http.listen", settings.http.listen)?;
        let admin = bind("admin.listen", settings.admin_listen)?;
        Ok(Self { public: Some(public), admin })
    }

    /// Opens the port of operators alone: for a process that partners do not talk to.
    ///
    /// # Errors
    /// [`AppError::Listen`] names the setting and the address.
    pub fn bind_admin(settings: &Settings) -> Result<Self, AppError> {
        Ok(Self { public: None, admin: bind("admin.listen", settings.admin_listen)? })
    }

    /// Where partners are answered; of use with port 0.
    ///
    /// # Errors
    /// What the operating system says; `NotConnected` where partners are not answered here.
    pub fn public_address(&self) -> io::Result<SocketAddr> {
        self.public.as_ref().ok_or(io::ErrorKind::NotConnected)?.local_addr()
    }

    /// Where operators are answered.
    ///
    /// # Errors
    /// What the operating system says.
    pub fn admin_address(&self) -> io::Result<SocketAddr> {
        self.admin.local_addr()
    }
}

fn bind(setting: &'static str, address: SocketAddr) -> Result<TcpListener, AppError> {
    let bound = TcpListener::bind(address).and_then(|l| l.set_nonblocking(true).map(|()| l));
    bound.map_err(|cause| AppError::Listen { setting, address, cause })
}

/// What is served.
pub struct App {
    /// The open ports.
    pub listeners: Listeners,
    /// The routes for partners with the keys, which are read anew while serving.
    pub public: Option<(Router, Arc<KeyRing>)>,
    /// What the parts report.
    pub health: Health,
    /// The stop token; raise it to stop without a signal.
    pub stop: Stop,
}

/// Whether everything that was begun was also finished.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Drain {
    /// Every request was answered.
    Complete,
    /// Requests were still open at the deadline; their outcome is unknown to the clients.
    Cut,
}

/// Starts lines, counts and, where a collector is named, spans; once per process, before anything else.
pub fn install_telemetry(settings: &Settings, service: &'static str) {
    log::install(settings.log_format, settings.log_level);
    metrics::install();
    let sent = settings.otlp.as_ref().map(|otlp| trace::install(otlp, service, &settings.cluster.service.slot));
    if let Some(Err(cause)) = sent {
        log::warn(LogEvent::TracesOff, &[("cause", &cause)]);
    }
}

/// Serves until a stop was asked for and every request is answered; the phase is [`Phase::Draining`] on return, and
/// the caller then waits for its workers.
///
/// # Errors
/// [`AppError::Start`] when nothing could be started.
pub fn run(app: App, settings: &Settings) -> Result<Drain, AppError> {
    let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build().map_err(AppError::Start)?;
    let drain = runtime.block_on(run_on(app, settings))?;
    close(runtime);
    Ok(drain)
}

fn close(runtime: Runtime) {
    runtime.shutdown_timeout(Duration::from_secs(1));
}

async fn run_on(app: App, settings: &Settings) -> Result<Drain, AppError> {
    let App { listeners, public, health, stop } = app;
    let in_flight = InFlight::default();
    let serving =
        |side| Serving { limits: settings.http.server, stop: stop.clone(), in_flight: in_flight.clone(), side };
    let mut signals = Signals::new().map_err(AppError::Start)?;
    let mut tasks = JoinSet::new();
    let (public, keys) = public.unzip();
    let public = listeners.public.zip(public).map(|(listener, router)| (listener, router, Side::Public));
    let admin = (listeners.admin, health::router(health.clone(), stop.clone()), Side::Admin);
    for (listener, router, side) in public.into_iter().chain([admin]) {
        let listener = tokio::net::TcpListener::from_std(listener).map_err(AppError::Start)?;
        tell_address(&listener, side);
        tasks.spawn(serve(listener, router, serving(side)));
    }
    let mut chores = JoinSet::new();
    if let Some(keys) = keys {
        chores.spawn(async move { keys.keep_fresh().await });
    }
    chores.spawn(keep_metrics_small());
    health.started();
    log::info(LogEvent::Started, &[]);

    let drain = stop_in_order(&stop, &mut signals, settings.http.serve_on, &in_flight).await;
    while tasks.join_next().await.is_some() {}
    chores.abort_all();
    let word = if drain == Drain::Complete { "complete" } else { "cut" };
    log::info(LogEvent::Stopped, &[("requests", &word)]);
    Ok(drain)
}

fn tell_address(listener: &tokio::net::TcpListener, side: Side) {
    if let Ok(address) = listener.local_addr() {
        let side = if side == Side::Public { "public" } else { "admin" };
        log::info(LogEvent::Listening, &[("side", &side), ("address", &address)]);
    }
}

async fn keep_metrics_small() {
    let mut tick = tokio::time::interval(REREAD);
    loop {
        tick.tick().await;
        metrics::upkeep();
    }
}

/// The order of a stop. A second signal skips the serving period.
async fn stop_in_order(stop: &Stop, signals: &mut Signals, serve_on: Duration, in_flight: &InFlight) -> Drain {
    tokio::select! {
        () = signals.next() => {}
        () = stop.reached(Phase::Leaving) => {}
    }
    log::info(LogEvent::StopAsked, &[]);
    stop.raise(Phase::Leaving);
    let earlier = async {
        tokio::select! {
            () = signals.next() => {}
            () = stop.reached(Phase::Refusing) => {}
        }
    };
    // Either way the serving period is over.
    let _ = timeout(serve_on, earlier).await;
    log::info(LogEvent::Draining, &[]);
    stop.raise(Phase::Refusing);
    let answered = within(ANSWERING, in_flight.none_left()).await;
    stop.raise(Phase::Draining);
    if answered { Drain::Complete } else { Drain::Cut }
}

async fn within(limit: Duration, work: impl Future<Output = ()>) -> bool {
    timeout(limit, work).await.is_ok()
}

/// Raises [`Phase::Leaving`] at a SIGTERM or SIGINT, for programs that serve nobody; waits on a thread of its own.
///
/// # Errors
/// [`Fault::Fatal`] where signals cannot be heard.
pub fn leave_on_signal(stop: Stop) -> Result<(), Fault> {
    let deaf = |e: io::Error| Fault::Fatal(Cause::new("wait for signals", e));
    let runtime = Builder::new_current_thread().enable_all().build().map_err(deaf)?;
    let mut signals = runtime.block_on(async { Signals::new() }).map_err(deaf)?;
    let wait = move || {
        runtime.block_on(signals.next());
        stop.raise(Phase::Leaving);
    };
    Beside::start("signals", wait).map(drop)
}

/// SIGTERM and SIGINT.
struct Signals {
    term: Signal,
    interrupt: Signal,
}

impl Signals {
    fn new() -> io::Result<Self> {
        Ok(Self { term: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.term.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::TcpStream;

    use super::*;
    use crate::config::{Sources, read};
    use crate::http::auth::Rate;

    fn settings() -> Settings {
        let text = "http:\n  listen: 127.0.0.1:0\nadmin:\n  listen: 127.0.0.1:0\n".to_owned();
        read(&Sources { file: Some(("da.yaml".to_owned(), text)), environment: vec![] }).unwrap().settings
    }

    fn ask(address: SocketAddr, path: &str) -> String {
        let mut stream = TcpStream::connect(address).unwrap();
        write!(stream, "GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    #[test]
    fn an_app_serves_until_its_stop_token_is_raised() {
        let settings = settings();
        let listeners = Listeners::bind(&settings).unwrap();
        let (public, admin) = (listeners.public_address().unwrap(), listeners.admin_address().unwrap());
        let stop = Stop::new();
        let asked_to = stop.clone();
        let route = axum::routing::get(|| async { "hello" });
        let keys = Arc::new(KeyRing::open(&std::env::temp_dir().join("da-app-no-keys"), Rate::default()).unwrap());
        let app = App {
            listeners,
            public: Some((Router::new().route("/hello", route), keys)),
            health: Health::default(),
            stop,
        };
        let drain = std::thread::scope(|scope| {
            let running = scope.spawn(|| run(app, &settings).unwrap());
            assert!(ask(public, "/hello").ends_with("hello"));
            assert!(ask(admin, "/readyz").starts_with("HTTP/1.1 200"));
            asked_to.raise(Phase::Leaving);
            running.join().unwrap()
        });
        assert_eq!(drain, Drain::Complete);
        assert_eq!(asked_to.phase(), Phase::Draining);
    }

    #[test]
    fn a_taken_port_is_named_with_its_setting() {
        let mut settings = settings();
        let taken = TcpListener::bind("127.0.0.1:0").unwrap();
        settings.http.listen = taken.local_addr().unwrap();
        let error = Listeners::bind(&settings).unwrap_err().to_string();
        assert!(error.starts_with(&format!("http.listen {} cannot be opened", settings.http.listen)), "{error}");
    }
}
