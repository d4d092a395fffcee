//! Who is asking: from headers to a credential, from a credential to what the intake must know of the partner.
//!
//! Place: first step of every request. Tenant and partner come from here, never from the body.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use da_model::ids::TopicName;
use da_runtime::config::Settings;
use da_runtime::config::checked::{self, PartnerPolicy};
use da_runtime::config::raw::Adapter;
use da_runtime::http::auth::{Credential, KeyRing, Scope};
use da_runtime::http::{Problem, RequestCode};

use crate::intake::{AnonymousPolicy, Partner, PartnerTopic};

/// By which route a request came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Route<'a> {
    /// `/v1/…`
    Own,
    /// The route of Gooru clients, which send no bearer key; this prefix stands for them where it is set.
    Gooru(Option<&'a str>),
}

/// The credential of a request; a key in the query string is not looked at.
pub(super) fn credential(keys: &KeyRing, headers: &HeaderMap, route: Route<'_>) -> Result<Arc<Credential>, Problem> {
    let refused = |detail: &str| Err(Problem::new(RequestCode::Unauthenticated, detail));
    let Some(sent) = headers.get(AUTHORIZATION) else {
        return match route {
            Route::Own => refused("send `Authorization: Bearer <prefix.secret>`"),
            Route::Gooru(None) => refused("no bearer key was sent, and the setting gooru_alias.key_id names no key"),
            Route::Gooru(Some(id)) => keys.by_id(id).map_or_else(
                || refused("no bearer key was sent, and the key of the setting gooru_alias.key_id is not known"),
                Ok,
            ),
        };
    };
    let bearer = sent.to_str().ok().and_then(|text| text.split_once(' '));
    match bearer {
        Some((scheme, key)) if scheme.eq_ignore_ascii_case("bearer") => {
            keys.find(key.trim()).map_or_else(|| refused("this key is not known"), Ok)
        }
        _ => refused("send `Authorization: Bearer <prefix.secret>`"),
    }
}

/// Whether the credential may do this.
pub(super) fn allowed(credential: &Credential, scope: Scope) -> Result<(), Problem> {
    if credential.key.may(scope) {
        return Ok(());
    }
    Err(Problem::new(RequestCode::Forbidden, format!("this key lacks the scope `{}`", scope.word())))
}

/// What the intake must know of the partner behind a credential.
pub(super) fn partner(credential: &Credential, policies: &BTreeMap<String, PartnerPolicy>) -> Result<Partner, Problem> {
    let key = &credential.key;
    let unknown = || Problem::new(RequestCode::Forbidden, "the adapter of this key is not known here");
    let adapter = crate::adapters::named(&key.adapter).ok_or_else(unknown)?.name();
    let policy = policies.get(&key.partner).cloned().unwrap_or_default();
    let mut tenants = key.tenants.clone();
    tenants.extend(policy.tenants.iter().cloned());
    Ok(Partner {
        tenant: key.tenant.clone(),
        tenants,
        partner: key.partner.clone(),
        adapter,
        anonymous: anonymous(&policy),
        allow_extensions: policy.extensions,
    })
}

/// The partner topics that the settings list, for the reader of such topics.
#[must_use]
pub fn partner_topics(settings: &Settings) -> Vec<PartnerTopic> {
    let of = |topic: &checked::PartnerTopic| {
        let policy = settings.partners.get(&topic.partner).cloned().unwrap_or_default();
        let partner = Partner {
            tenant: topic.tenant.clone(),
            tenants: policy.tenants.clone(),
            partner: topic.partner.clone(),
            adapter: match topic.adapter {
                Adapter::Gooru => "gooru",
                Adapter::Native => "native",
            },
            anonymous: anonymous(&policy),
            allow_extensions: policy.extensions,
        };
        // Names of topics live as long as the process: the settings are read once.
        PartnerTopic { topic: TopicName(topic.topic.clone().leak()), partner }
    };
    settings.partner_topics.iter().map(of).collect()
}

fn anonymous(policy: &PartnerPolicy) -> AnonymousPolicy {
    if policy.accept_anonymous { AnonymousPolicy::Accept } else { AnonymousPolicy::Reject }
}
