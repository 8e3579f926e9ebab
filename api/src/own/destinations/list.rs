//! ListDestinations.

use std::sync::Arc;

use axum::extract::State;
use brokerd_domain::destination::{
    DestinationStatus, EngineAnswer, EngineCall, ListCall, ListInput,
};
use brokerd_store::PgStore;
use serde::Serialize;
use utoipa::ToSchema;

use super::refusal;
use crate::{
    auth::Signed,
    engine_calls::{EngineCalls, EngineRequest},
    http::{
        page::{Page, after_destination},
        path::PathParams,
        query::Query,
        respond::{Answer, Reply},
    },
    openapi::{Conflict, NotFound, OfBroker, ServiceErrors},
};

/// A page of the destinations of a broker.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ListDestinationsResponse {
    /// The destinations, by name.
    destinations: Vec<DestinationView>,
    /// When the broker was asked, ISO 8601 in UTC.
    #[schema(format = DateTime)]
    sampled_at: String,
    /// The token of the next page; none: this is the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    next_token: Option<String>,
}

/// A queue or a topic. What the broker does not tell is absent.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Destination)]
pub(crate) struct DestinationView {
    /// `QUEUE` or `TOPIC`.
    #[schema(value_type = String, example = "QUEUE")]
    kind: &'static str,
    /// The name.
    name: String,
    /// The virtual host of a RabbitMQ broker.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    virtual_host: Option<String>,
    /// `classic`, `quorum` or `stream`; only RabbitMQ has types.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "quorum")]
    queue_type: Option<String>,
    /// How many messages wait to be delivered. RabbitMQ tells it of a new queue after some seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    ready: Option<u64>,
    /// How many messages are delivered and not acknowledged.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    unacknowledged: Option<u64>,
    /// The number of consumers.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    consumers: Option<u64>,
    /// The number of producers; only ActiveMQ knows it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    producers: Option<u64>,
    /// Messages per second that are published; only RabbitMQ measures rates.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    publish_rate: Option<f64>,
    /// Messages per second that are delivered.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    deliver_rate: Option<f64>,
    /// Messages per second that are acknowledged.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    acknowledge_rate: Option<f64>,
    /// The node of a RabbitMQ broker that has it, or its leader.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    node: Option<String>,
}

impl From<DestinationStatus> for DestinationView {
    fn from(status: DestinationStatus) -> Self {
        Self {
            kind: status.destination.kind.as_str(),
            name: status.destination.name,
            virtual_host: status.destination.virtual_host,
            queue_type: status.queue_type,
            ready: status.ready,
            unacknowledged: status.unacknowledged,
            consumers: status.consumers,
            producers: status.producers,
            publish_rate: status.publish_rate,
            deliver_rate: status.deliver_rate,
            acknowledge_rate: status.acknowledge_rate,
            node: status.node,
        }
    }
}

/// Lists the queues and topics of a broker, as its engine tells of them now. A page may have fewer items than asked for
/// and still a token of the next one.
#[utoipa::path(
    get,
    path = "/brokerd/v1/brokers/{broker-id}/destinations",
    operation_id = "ListDestinations",
    tag = "brokerd",
    params(
        OfBroker,
        ("kind" = Option<String>, Query, description = "`QUEUE` or `TOPIC`; default: both."),
        ("nameContains" = Option<String>, Query, description = "A part of names; the case of ASCII letters does not matter."),
        ("virtualHost" = Option<String>, Query, description = "A virtual host of a RabbitMQ broker; default: all of them."),
        ("includeInternal" = Option<String>, Query, description = "`true`: those that engines and brokerd have for themselves, too: `ActiveMQ.Advisory.*`, `amq.*`."),
        Page,
    ),
    responses(
        (status = 200, description = "The destinations.", body = ListDestinationsResponse),
        Conflict,
        NotFound,
        ServiceErrors,
    ),
    security(("sigv4" = [])),
)]
pub(crate) async fn list_destinations(
    State(store): State<PgStore>,
    State(calls): State<Arc<EngineCalls>>,
    path: PathParams,
    query: Query,
    page: Page,
    signed: Signed,
) -> Answer<ListDestinationsResponse> {
    let broker = path.broker(&store, &signed).await?;
    let text = |name| query.get(name).map(str::to_owned);
    let input = ListInput {
        kind: text("kind"),
        name_contains: text("nameContains"),
        virtual_host: text("virtualHost"),
        include_internal: text("includeInternal"),
    };
    let after = page.after_destination()?;
    let call = ListCall::parse(broker.spec.engine_type, input, after, page.size()?)?;
    let asked = EngineRequest { store: &store, signed: &signed, path: &path, broker: &broker };
    match calls.ask(asked, EngineCall::List(call)).await? {
        EngineAnswer::Listed { destinations, next, sampled_at } => {
            Ok(Reply(ListDestinationsResponse {
                destinations: destinations.into_iter().map(Into::into).collect(),
                sampled_at: sampled_at.to_string(),
                next_token: next.map(after_destination),
            }))
        }
        other => Err(refusal(other)),
    }
}
