//! The roles of gep as a running service: the HTTP edge, the intake of partner topics, the processor.
//!
//! Place: the only part of gep that names da-runtime. Every port is handed in; nothing is opened here.

pub mod ingest;

use da_runtime::config::checked::Settings;
use da_runtime::driver::{DriverOptions, Stage, stage};

use crate::intake::{IntakeHandler, Limits, PartnerTopic};
use crate::pipeline::Gep;
use crate::settings::GepSettings;

/// The stages of gep in topology order; without partner topics there is no intake stage.
#[must_use]
pub fn stages(settings: &Settings, options: &DriverOptions, topics: Vec<PartnerTopic>) -> Vec<Box<dyn Stage>> {
    let mut stages = Vec::new();
    if !topics.is_empty() {
        stages.push(stage(IntakeHandler::new(topics, limits(settings)), options.clone()));
    }
    let folding = GepSettings { visit_cap_ms: settings.visit_cap_ms, provisional: settings.provisional };
    stages.push(stage(Gep::new(folding), options.clone()));
    stages
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
