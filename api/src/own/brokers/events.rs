//! ListBrokerEvents.

use axum::extract::State;
use brokerd_domain::Event;
use brokerd_store::PgStore;
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    auth::Signed,
    http::{
        page::Page,
        path::PathParams,
        respond::{Answer, Reply},
    },
    openapi::{NotFound, OfBroker, ServiceErrors},
};

/// The newest events of a broker.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ListBrokerEventsResponse {
    /// The events, newest first.
    events: Vec<EventView>,
}

/// An event.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct EventView {
    /// The time, ISO 8601 in UTC.
    #[schema(format = DateTime)]
    at: String,
    /// `request`, `verdict`, `failure`, `failover` (the standby of a pair came to serve) or `maintenance` (a reboot in
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
    let events = store.events(&broker.scope, broker.id, limit).await?;
    let events = events.ok_or_else(|| path.broker_not_found())?;
    Ok(Reply(ListBrokerEventsResponse { events: events.into_iter().map(Into::into).collect() }))
}
