//! The HTTP edge: partners post events and are told, event by event, what became of them.
//!
//! Place: between the listener of da-runtime and the log. The judging is `intake`, which is pure; here are the routes,
//! the credential, and the answer after the acknowledgement (delivery.md §2).

mod http;
mod partners;
mod verdicts;

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Router;
use axum::routing::{get, post};
use da_model::schema::Schemas;
use da_runtime::config::Settings;
use da_runtime::config::checked::{self, PartnerPolicy};
use da_runtime::http::auth::KeyRing;
use da_runtime::http::limits::Budget;
use da_runtime::ports::{Clock, Sink};
use utoipa::OpenApi;
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};
use utoipa_swagger_ui::SwaggerUi;

use crate::intake::Limits;

pub use partners::partner_topics;

/// The route of existing Gooru clients.
pub const GOORU_ALIAS: &str = "/api/nucleus-insights/v2/event";

/// What the edge needs.
#[derive(Clone)]
pub struct IngestPorts {
    /// Where records go.
    pub sink: Arc<dyn Sink>,
    /// Stamps the receipt.
    pub clock: Arc<dyn Clock>,
    /// Who may send.
    pub keys: Arc<KeyRing>,
    /// Schema ids of the log.
    pub schemas: Schemas,
    /// Bounds.
    pub http: checked::Http,
    /// What one event and one request may hold.
    pub limits: Limits,
    /// Stands for requests of the Gooru route without a key.
    pub alias_key_id: Option<String>,
    /// Policy per partner.
    pub partners: BTreeMap<String, PartnerPolicy>,
}

impl IngestPorts {
    /// Ports on the embedded log, with everything else from the settings.
    #[must_use]
    pub fn new(settings: &Settings, sink: Arc<dyn Sink>, clock: Arc<dyn Clock>, keys: Arc<KeyRing>) -> Self {
        Self {
            sink,
            clock,
            keys,
            schemas: Schemas::embedded(),
            http: settings.http.clone(),
            limits: super::limits(settings),
            alias_key_id: settings.alias_key_id.clone(),
            partners: settings.partners.clone(),
        }
    }
}

/// The state that requests share.
struct Ingest {
    ports: IngestPorts,
    budget: Budget,
}

/// The routes for partners.
pub fn router(ports: IngestPorts) -> Router {
    let budget = Budget::new(ports.http.inflight_bytes);
    let ingest = Arc::new(Ingest { ports, budget });
    let routes = Router::new()
        .route("/v1/events", post(http::events))
        .route("/v1/events:validate", post(http::validate))
        .route("/v1/limits", get(http::limits))
        .route(GOORU_ALIAS, post(http::gooru))
        .with_state(ingest);
    routes.merge(pages())
}

/// The pages of the description. They load nothing from elsewhere: by default they would send it to a validator's host.
fn pages() -> SwaggerUi {
    let config = utoipa_swagger_ui::Config::default().validator_url("none");
    SwaggerUi::new("/docs").config(config).url("/openapi.json", description())
}

/// The description of the partner API.
#[must_use]
pub fn description() -> utoipa::openapi::OpenApi {
    let mut api = Api::openapi();
    let key = SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer));
    api.components.get_or_insert_default().add_security_scheme("key", key);
    api
}

#[derive(OpenApi)]
#[openapi(
    info(
        title = "gooru-da partner API",
        version = "1",
        description = "Post events of learners; the answer tells event by event what became of it, after it is durable. \
            Repeating a request is always safe."
    ),
    paths(http::events, http::validate, http::limits, http::gooru),
    components(schemas(
        verdicts::Answer,
        verdicts::ResultLine,
        verdicts::ReasonLine,
        http::LimitsAnswer,
        http::RateAnswer
    ))
)]
struct Api;

#[cfg(test)]
mod tests;
