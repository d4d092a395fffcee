//! Counting: every number of the process goes through here into the page `/metrics`.
//!
//! Place: called once per batch or request, never per event. Holds no names (da-model `names`) and checks that a
//! metric is given the labels it is documented with.

use std::collections::HashSet;
use std::sync::{Mutex, OnceLock, PoisonError};

use da_model::names::{Kind, Label, LogEvent, Metric};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

use super::log;

/// How many values of an open label (partner, field) are shown by name; the others share `other`.
const NAMED: usize = 200;

const SECONDS: &[f64] =
    &[0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 60.0, 600.0, 3600.0];

/// How the line of a forgotten gauge ends: the recorder cannot take one back.
const FORGOTTEN: &str = " NaN\n";

static RECORDER: OnceLock<Option<PrometheusHandle>> = OnceLock::new();
static OPEN: Mutex<Option<HashSet<(Label, String)>>> = Mutex::new(None);

/// Labels with their values, in the documented order.
pub type Labels<'a> = &'a [(Label, &'a str)];

/// Starts the recording; later calls change nothing. Numbers given earlier are lost.
pub fn install() {
    RECORDER.get_or_init(|| {
        let mut builder = PrometheusBuilder::new();
        for metric in Metric::ALL {
            if metric.kind() == Kind::Seconds {
                let name = Matcher::Full(metric.code().to_owned());
                builder = builder.set_buckets_for_metric(name, SECONDS).ok()?;
            }
        }
        let handle = builder.install_recorder().ok();
        gauge(Metric::BuildInfo, &[(Label::Version, env!("CARGO_PKG_VERSION"))], 1.0);
        handle
    });
}

/// The page `/metrics`, without what was forgotten; empty before [`install`].
#[must_use]
pub fn render() -> String {
    let page = RECORDER.get().and_then(Option::as_ref).map_or_else(String::new, PrometheusHandle::render);
    page.split_inclusive('\n').filter(|line| !line.ends_with(FORGOTTEN)).collect()
}

/// Folds what was recorded since the last call, so that memory stays bounded between two reads of the page.
pub fn upkeep() {
    if let Some(Some(handle)) = RECORDER.get() {
        handle.run_upkeep();
    }
}

/// Adds to a counter; by nothing, it is shown from then on.
pub fn count(metric: Metric, labels: Labels<'_>, by: u64) {
    if documented(metric, labels) {
        metrics::counter!(metric.code(), owned(labels)).increment(by);
    }
}

/// Sets a gauge.
pub fn gauge(metric: Metric, labels: Labels<'_>, value: f64) {
    if documented(metric, labels) {
        metrics::gauge!(metric.code(), owned(labels)).set(value);
    }
}

/// Takes a gauge off the page until it is set again.
pub fn forget(metric: Metric, labels: Labels<'_>) {
    gauge(metric, labels, f64::NAN);
}

/// Records one value of a distribution.
pub fn observe(metric: Metric, labels: Labels<'_>, value: f64) {
    if documented(metric, labels) {
        metrics::histogram!(metric.code(), owned(labels)).record(value);
    }
}

fn documented(metric: Metric, labels: Labels<'_>) -> bool {
    let right = labels.iter().map(|(label, _)| *label).eq(metric.labels().iter().copied());
    if !right {
        log::warn(LogEvent::MetricMisused, &[("metric", &metric.code())]);
    }
    right
}

fn owned(labels: Labels<'_>) -> Vec<metrics::Label> {
    labels.iter().map(|(label, value)| metrics::Label::new(label.code(), bounded(*label, value))).collect()
}

fn bounded(label: Label, value: &str) -> String {
    if !matches!(label, Label::Partner | Label::Field) {
        return value.to_owned();
    }
    let mut open = OPEN.lock().unwrap_or_else(PoisonError::into_inner);
    let open = open.get_or_insert_default();
    let entry = (label, value.to_owned());
    if open.contains(&entry) {
        return entry.1;
    }
    if value.len() > 64 || open.iter().filter(|(l, _)| *l == label).count() >= NAMED {
        return "other".to_owned();
    }
    open.insert(entry);
    value.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_count_is_shown_under_its_name_and_only_with_its_labels() {
        install();
        count(Metric::IngestRequests, &[(Label::Status, "202")], 2);
        count(Metric::IngestRequests, &[(Label::Partner, "p")], 2);
        observe(Metric::IngestAck, &[], 0.2);
        let page = render();
        assert!(page.contains("da_ingest_requests_total{status=\"202\"} 2"), "{page}");
        assert!(!page.contains("da_ingest_requests_total{partner"), "{page}");
        assert!(page.contains("da_ingest_ack_seconds_bucket{le=\"0.25\"} 1"), "{page}");
    }

    #[test]
    fn the_201st_partner_is_other() {
        for n in 0..NAMED {
            assert_eq!(bounded(Label::Partner, &format!("p{n}")), format!("p{n}"));
        }
        assert_eq!(bounded(Label::Partner, "one more"), "other");
        assert_eq!(bounded(Label::Partner, "p7"), "p7");
    }
}
