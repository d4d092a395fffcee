//! Spans: how long requests and batches took, sent to a collector (OTLP over HTTP) where the settings name one.
//!
//! Place: opened by the public listener and by the Driver, once per request or batch. Sends on a thread of the library's
//! with a bounded queue: a collector that is away costs spans, never time. Never sees a payload or a learner's id.

use std::sync::OnceLock;
use std::time::{Duration, Instant};

use axum::http::HeaderMap;
use da_model::names::{Label, LogEvent, Metric, Span};
use opentelemetry::propagation::{Extractor, TextMapPropagator};
use opentelemetry::trace::{SpanKind, Status, TraceContextExt, Tracer, TracerProvider};
use opentelemetry::{Context, KeyValue};
use opentelemetry_otlp::{WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::{BatchConfigBuilder, BatchSpanProcessor, Sampler, SdkTracer, SdkTracerProvider};
use opentelemetry_sdk::trace::{SpanData, SpanExporter};

use super::log;
use super::metrics::{self, Labels};
use crate::commit::Polled;

/// Where traces go by the specification, behind the address of a collector.
const PATH: &str = "/v1/traces";
/// How long a collector may take for a batch of spans.
const ANSWER: Duration = Duration::from_secs(5);
/// Spans that wait to be sent; more are dropped.
const QUEUE: usize = 4_096;
const BATCH: usize = 512;
const EVERY: Duration = Duration::from_secs(2);
/// How long the last spans may take at the end of a process.
const GOODBYE: Duration = Duration::from_secs(1);

static TRACING: OnceLock<Tracing> = OnceLock::new();

#[derive(Debug)]
struct Tracing {
    provider: SdkTracerProvider,
    tracer: SdkTracer,
}

/// Where spans go, and how many of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Otlp {
    /// The collector's address, such as `http://127.0.0.1:4318`.
    pub endpoint: String,
    /// Traces that are kept, in a hundred.
    pub sample_percent: u32,
}

/// Begins to send spans; later calls change nothing.
///
/// # Errors
/// A sentence, where nothing can be sent to such an address.
pub fn install(otlp: &Otlp, service: &'static str, slot: &str) -> Result<(), String> {
    let endpoint = address(&otlp.endpoint);
    let fails = |e: &dyn std::fmt::Display| format!("telemetry.otlp.endpoint {endpoint}: {e}");
    let client = reqwest::blocking::Client::builder().timeout(ANSWER).connect_timeout(ANSWER).no_proxy().build();
    let client = client.map_err(|e| fails(&e))?;
    let exporter = opentelemetry_otlp::SpanExporter::builder().with_http().with_http_client(client);
    let exporter = exporter.with_endpoint(endpoint.clone()).with_timeout(ANSWER).build().map_err(|e| fails(&e))?;
    let config = BatchConfigBuilder::default().with_max_queue_size(QUEUE).with_max_export_batch_size(BATCH);
    let config = config.with_scheduled_delay(EVERY).build();
    let processor = BatchSpanProcessor::builder(Counted(exporter)).with_batch_config(config).build();
    let resource = Resource::builder_empty().with_service_name(service).with_attributes([
        KeyValue::new("service.instance.id", format!("{service}-{slot}")),
        KeyValue::new("service.version", env!("CARGO_PKG_VERSION")),
    ]);
    let provider = SdkTracerProvider::builder()
        .with_span_processor(processor)
        .with_sampler(Sampler::TraceIdRatioBased(f64::from(otlp.sample_percent) / 100.0))
        .with_resource(resource.build())
        .build();
    let tracer = provider.tracer("gooru-da");
    drop(TRACING.set(Tracing { provider, tracer }));
    Ok(())
}

/// Sends what waits, and waits for that a moment; of use at the end of a process.
pub fn close() {
    if let Some(tracing) = TRACING.get() {
        // What was not sent is lost; the process ends all the same.
        drop(tracing.provider.shutdown_with_timeout(GOODBYE));
    }
}

/// A span that was begun; it ends when this is dropped, as failed unless it was [`Open::done`].
#[must_use]
pub struct Open(Option<Context>);

/// A batch that was begun: its span, and how long it and its steps take.
#[derive(Debug)]
#[must_use]
pub struct Batch {
    span: Open,
    service: &'static str,
    begun: Instant,
}

/// Begins the span of a batch, in a trace of its own.
pub fn batch(service: &'static str, group: &str, polled: &Polled) -> Batch {
    let begun = now();
    let span = begin(Span::Batch, &[(Label::Service, service), (Label::Group, group)], &Context::new());
    span.label(Label::Records, || polled.len().to_string());
    span.label(Label::Positions, || polled.places());
    Batch { span, service, begun }
}

/// The one reader of durations; spans and metrics tell them, and nothing is decided by them.
#[expect(clippy::disallowed_methods, reason = "the one place that measures durations")]
fn now() -> Instant {
    Instant::now()
}

/// Begins the span of a request, in the caller's trace where the head names one.
pub fn request(head: &HeaderMap) -> Open {
    if TRACING.get().is_none() {
        return Open(None);
    }
    begin(Span::Request, &[], &TraceContextPropagator::new().extract_with_context(&Context::new(), &Head(head)))
}

fn begin(span: Span, labels: Labels<'_>, parent: &Context) -> Open {
    let Some(Tracing { tracer, .. }) = TRACING.get() else { return Open(None) };
    let kind = match span {
        Span::Request => SpanKind::Server,
        Span::Batch => SpanKind::Consumer,
        Span::Read | Span::Commit => SpanKind::Internal,
    };
    let attributes = labels.iter().map(|(label, value)| KeyValue::new(label.code(), (*value).to_owned()));
    let builder = tracer.span_builder(span.code()).with_kind(kind).with_attributes(attributes);
    Open(Some(parent.with_span(builder.start_with_context(tracer, parent))))
}

impl Batch {
    /// Does a step of the work inside a span of its own.
    ///
    /// # Errors
    /// What the work comes to.
    pub fn timed<T, E>(&self, step: Span, work: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
        let begun = now();
        let inside = self.span.0.as_ref().map_or(Open(None), |context| begin(step, &[], context));
        let done = work()?;
        inside.done();
        self.took(step, begun);
        Ok(done)
    }

    /// Ends it as a success.
    pub fn done(self) {
        self.took(Span::Batch, self.begun);
        self.span.done();
    }

    fn took(&self, step: Span, begun: Instant) {
        let labels = [(Label::Service, self.service), (Label::Step, step.code())];
        metrics::observe(Metric::BatchTime, &labels, begun.elapsed().as_secs_f64());
    }
}

impl Open {
    /// Adds a label; its value is only made where the span is kept.
    pub fn label(&self, label: Label, value: impl FnOnce() -> String) {
        if let Some(context) = self.0.as_ref().filter(|context| context.span().is_recording()) {
            context.span().set_attribute(KeyValue::new(label.code(), value()));
        }
    }

    /// Ends it as a success.
    pub fn done(self) {
        if let Some(context) = &self.0 {
            context.span().set_status(Status::Ok);
        }
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        if let Some(context) = self.0.take() {
            // A success that was set stands above this.
            context.span().set_status(Status::error(""));
            context.span().end();
        }
    }
}

impl std::fmt::Debug for Open {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Open").field(&self.0.is_some()).finish()
    }
}

/// The head of a request, as the library looks for the caller's trace in it.
struct Head<'a>(&'a HeaderMap);

impl Extractor for Head<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).and_then(|value| value.to_str().ok())
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(axum::http::HeaderName::as_str).collect()
    }
}

/// The exporter, with what became of its spans counted.
#[derive(Debug)]
struct Counted(opentelemetry_otlp::SpanExporter);

impl SpanExporter for Counted {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let spans = u64::try_from(batch.len()).unwrap_or(u64::MAX);
        let sent = self.0.export(batch).await;
        let word = if sent.is_ok() { "sent" } else { "lost" };
        metrics::count(Metric::TraceSpans, &[(Label::Status, word)], spans);
        if let Err(error) = &sent {
            log::warn(LogEvent::TracesLost, &[("spans", &spans), ("cause", error)]);
        }
        sent
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.0.shutdown_with_timeout(timeout)
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.0.force_flush()
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.0.set_resource(resource);
    }
}

/// The address with the path of traces, unless it is there.
fn address(endpoint: &str) -> String {
    let base = endpoint.trim_end_matches('/');
    if base.ends_with(PATH) { base.to_owned() } else { format!("{base}{PATH}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_collector_a_span_is_nothing() {
        let batch = batch("gep", "gep", &Polled::default());
        batch.span.label(Label::Positions, || unreachable!());
        assert!(batch.span.0.is_none());
        assert_eq!(batch.timed(Span::Commit, || Err::<(), _>(7)), Err(7));
        batch.done();
    }

    #[test]
    fn the_path_of_traces_is_added_once() {
        for endpoint in ["http://c:4318", "http://c:4318/", "http://c:4318/v1/traces"] {
            assert_eq!(address(endpoint), "http://c:4318/v1/traces");
        }
    }
}
