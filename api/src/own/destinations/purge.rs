//! PurgeDestination.

use std::sync::Arc;

use axum::extract::State;
use brokerd_domain::destination::{Destination, EngineAnswer, EngineCall};
use brokerd_store::PgStore;
use serde::Serialize;
use utoipa::ToSchema;

use super::{DestinationRequest, refusal};
use crate::{
    auth::Signed,
    engine_calls::{EngineCalls, EngineRequest},
    http::{
        path::PathParams,
        respond::{Answer, Reply},
    },
    openapi::{Conflict, NotFound, OfBroker, ServiceErrors},
};

/// What was dropped.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PurgeDestinationResponse {
    /// The number of messages; absent where the broker does not tell it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    purged: Option<u64>,
}

/// Drops the messages of a queue that wait to be delivered. RabbitMQ keeps those that are delivered and not
/// acknowledged. Streams and topics can't be purged.
#[utoipa::path(
    post,
    path = "/brokerd/v1/brokers/{broker-id}/destinations/purge",
    operation_id = "PurgeDestination",
    tag = "brokerd",
    params(OfBroker),
    request_body = DestinationRequest,
    responses(
        (status = 200, description = "The messages are gone.", body = PurgeDestinationResponse),
        Conflict,
        NotFound,
        ServiceErrors,
    ),
    security(("sigv4" = [])),
)]
pub(crate) async fn purge_destination(
    State(store): State<PgStore>,
    State(calls): State<Arc<EngineCalls>>,
    path: PathParams,
    signed: Signed,
) -> Answer<PurgeDestinationResponse> {
    let broker = path.broker(&store, &signed).await?;
    let wire: DestinationRequest = signed.json()?;
    let destination = Destination::parse(broker.spec.engine_type, wire.into())?;
    let asked = EngineRequest { store: &store, signed: &signed, path: &path, broker: &broker };
    match calls.ask(asked, EngineCall::Purge(destination)).await? {
        EngineAnswer::Purged { count } => Ok(Reply(PurgeDestinationResponse { purged: count })),
        other => Err(refusal(other)),
    }
}
