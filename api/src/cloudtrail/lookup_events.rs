//! LookupEvents.

use axum::http::StatusCode;
use brokerd_domain::{
    Scope,
    audit::{EventLookup, LookupInput},
};
use brokerd_store::{FoundEvent, PgStore};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{auth::Signed, http::error::ApiError, wire::aws_json};

/// Source: LookupEvents of the CloudTrail API reference. Unknown members are ignored, as in the service.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct LookupEventsRequest {
    lookup_attributes: Option<Vec<LookupAttribute>>,
    start_time: Option<f64>,
    end_time: Option<f64>,
    max_results: Option<i64>,
    event_category: Option<String>,
    next_token: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct LookupAttribute {
    attribute_key: String,
    attribute_value: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct LookupEventsResponse {
    events: Vec<EventView>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_token: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct EventView {
    event_id: String,
    event_name: String,
    read_only: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    access_key_id: Option<String>,
    event_time: i64,
    event_source: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    username: Option<String>,
    resources: Value,
    cloud_trail_event: String,
}

impl From<FoundEvent> for EventView {
    fn from(found: FoundEvent) -> Self {
        Self {
            event_id: found.id.to_string(),
            event_name: found.name,
            read_only: found.read_only.to_string(),
            access_key_id: found.access_key_id,
            event_time: found.at.as_seconds(),
            event_source: found.source,
            username: found.username,
            resources: found.resources,
            cloud_trail_event: found.record,
        }
    }
}

/// The events of the caller's account in the region of the call.
pub(super) async fn lookup_events(
    store: &PgStore,
    signed: &Signed,
) -> Result<LookupEventsResponse, ApiError> {
    let caller = &signed.caller;
    caller.check("cloudtrail:LookupEvents", "*", |_| {})?;
    let request: LookupEventsRequest = aws_json::input(&signed.body)?;
    let attributes = request.lookup_attributes.unwrap_or_default();
    let lookup = EventLookup::parse(&LookupInput {
        attributes: attributes.into_iter().map(|a| (a.attribute_key, a.attribute_value)).collect(),
        start: request.start_time,
        end: request.end_time,
        most: request.max_results,
        category: request.event_category,
        token: request.next_token,
    });
    let lookup = lookup.map_err(|wrong| {
        ApiError::named(StatusCode::BAD_REQUEST, wrong.code(), wrong.to_string())
    })?;
    let region = caller.environment.region.clone();
    let scope = Scope { account: caller.account().clone(), region };
    let page = store.lookup_events(&scope, &lookup).await?;
    Ok(LookupEventsResponse {
        events: page.events.into_iter().map(Into::into).collect(),
        next_token: page.next.map(|next| lookup.token(next)),
    })
}
