//! The roles of gep as a running service: the HTTP edge, the intake of partner topics, the processor.
//!
//! Place: the only part of gep that names da-runtime. Every port is handed in; nothing is opened here.

pub mod ingest;

use std::sync::Arc;

use da_model::fault::{Cause, Fault};
use da_model::ids::TopicName;
use da_runtime::app::Drain;
use da_runtime::cluster::{Service, Tables};
use da_runtime::config::checked::Settings;
use da_runtime::driver::{DriverOptions, Stage, stage};
use da_runtime::http::auth::KeyRing;

use crate::intake::{IntakeHandler, Limits, PartnerTopic};
use crate::pipeline::Gep;
use crate::settings::GepSettings;

/// The topics that the HTTP edge writes.
pub const EDGE_TOPICS: &[TopicName] = &[TopicName("gep.accepted"), TopicName("gep.rejected"), TopicName("gep.system")];

/// The stages of gep in topology order; without partner topics there is no intake stage.
#[must_use]
pub fn stages(settings: &Settings, options: &DriverOptions, topics: Vec<PartnerTopic>) -> Vec<Box<dyn Stage>> {
    let mut stages = Vec::new();
    if !topics.is_empty() {
        stages.push(intake(settings, options, topics));
    }
    stages.push(process(settings, options));
    stages
}

/// The role `intake`: records of partner topics become events.
#[must_use]
pub fn intake(settings: &Settings, options: &DriverOptions, topics: Vec<PartnerTopic>) -> Box<dyn Stage> {
    stage(IntakeHandler::new(topics, limits(settings)), options.clone())
}

/// The role `process`: repeats are dropped, state is folded, what changed is said.
#[must_use]
pub fn process(settings: &Settings, options: &DriverOptions) -> Box<dyn Stage> {
    let folding = GepSettings { visit_cap_ms: settings.visit_cap_ms, provisional: settings.provisional };
    stage(Gep::new(folding), options.clone())
}

/// gep on a cluster, in the roles of its settings: `ingest` (HTTP), `intake` (partner topics), `process`.
///
/// # Errors
/// What keeps it from starting, or ended it badly.
pub fn run(mut service: Service) -> Result<Drain, Fault> {
    let settings = service.settings.clone();
    let topics = ingest::partner_topics(&settings);
    if service.plays("intake") && !topics.is_empty() {
        let driver = service.driver.clone();
        service.stateless(|| intake(&settings, &driver, topics.clone()))?;
    }
    if service.plays("process") {
        let driver = service.driver.clone();
        let tables = Tables { tables: crate::tables::all(), migrations: crate::tables::POSTGRES, alone: Vec::new() };
        service.stateful(|| process(&settings, &driver), &tables)?;
    }
    let public = if service.plays("ingest") { Some(edge(&mut service)?) } else { None };
    service.run(public)
}

fn edge(service: &mut Service) -> Result<(axum::Router, Arc<KeyRing>), Fault> {
    let settings = &service.settings;
    let keys = KeyRing::open(&settings.dir, settings.http.rate);
    let keys = Arc::new(keys.map_err(|e| Fault::Fatal(Cause::new("read of the keys", e)))?);
    let sink = service.sink(EDGE_TOPICS)?;
    let ports = ingest::IngestPorts {
        schemas: service.driver.schemas.clone(),
        ..ingest::IngestPorts::new(&service.settings, sink, Arc::clone(&service.clock), Arc::clone(&keys))
    };
    Ok((ingest::router(ports), keys))
}

/// What one event and one request may hold.
#[must_use]
pub const fn limits(settings: &Settings) -> Limits {
    let events = &settings.http.events;
    Limits {
        max_event_bytes: events.max_event_bytes,
        max_depth: events.max_depth,
        max_keys: events.max_keys,
        max_string_bytes: events.max_string_bytes,
        max_events: events.max_events,
        visit_cap_ms: settings.visit_cap_ms,
    }
}
