//! ListBrokerEvents.

use axum::extract::State;
use brokerd_domain::Event;
use brokerd_store::PgStore;
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    auth::Signed,
    http::{
        page::{self, Page},
        path::PathParams,
        respond::{Answer, Reply},
    },
    openapi::{NotFound, OfBroker, ServiceErrors},
};

/// A page of the events of a broker.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ListBrokerEventsResponse {
    /// The events, newest first.
    events: Vec<EventView>,
    /// The token of the next page; absent on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    next_token: Option<String>,
}

/// An event.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct EventView {
    /// The time, ISO 8601 in UTC.
    #[schema(format = DateTime)]
    at: String,
    /// `request`, `verdict`, `failure`, `failover` (the standby of a pair became active) or `maintenance` (a reboot in
    /// the maintenance window).
    #[schema(value_type = String, example = "verdict")]
    kind: &'static str,
    /// The message, for a person.
    message: String,
}

impl From<Event> for EventView {
    fn from(event: Event) -> Self {
        Self { at: event.at.to_string(), kind: event.kind.as_str(), message: event.message }
    }
}

/// Lists the events of a broker.
#[utoipa::path(
    get,
    path = "/brokerd/v1/brokers/{broker-id}/events",
    operation_id = "ListBrokerEvents",
    tag = "brokerd",
    params(
        OfBroker,
        ("maxResults" = Option<u32>, Query, description = "5 to 100 events; default 20.", minimum = 5, maximum = 100),
        ("nextToken" = Option<String>, Query, description = "The token of the page, from the page before."),
    ),
    responses(
        (status = 200, description = "The events.", body = ListBrokerEventsResponse),
        NotFound,
        ServiceErrors,
    ),
    security(("sigv4" = [])),
)]
pub(crate) async fn list_broker_events(
    State(store): State<PgStore>,
    path: PathParams,
    page: Page,
    signed: Signed,
) -> Answer<ListBrokerEventsResponse> {
    let limit = page.size()?;
    let broker = path.broker(&store, &signed).await?;
    let after = page.after_row()?;
    let after = after.map(|key| key.parse().map_err(|_| page.invalid_token())).transpose()?;
    let found = store.events(&broker.scope, broker.id, after, limit).await?;
    let found = found.ok_or_else(|| path.broker_not_found())?;
    Ok(Reply(ListBrokerEventsResponse {
        events: found.events.into_iter().map(Into::into).collect(),
        next_token: found.next.map(|id| page::after_row(id.to_string())),
    }))
}
