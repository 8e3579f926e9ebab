//! DeleteDestination.

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

/// Nothing.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DeleteDestinationResponse {}

/// Deletes a destination with all of its messages. RabbitMQ ends the consumers of a queue; ActiveMQ refuses while there
/// are any, and makes a destination anew for the next client that uses its name.
#[utoipa::path(
    post,
    path = "/brokerd/v1/brokers/{broker-id}/destinations/delete",
    operation_id = "DeleteDestination",
    tag = "brokerd",
    params(OfBroker),
    request_body = DestinationRequest,
    responses(
        (status = 200, description = "The destination is gone.", body = DeleteDestinationResponse),
        Conflict,
        NotFound,
        ServiceErrors,
    ),
    security(("sigv4" = [])),
)]
pub(crate) async fn delete_destination(
    State(store): State<PgStore>,
    State(calls): State<Arc<EngineCalls>>,
    path: PathParams,
    signed: Signed,
) -> Answer<DeleteDestinationResponse> {
    let broker = path.broker(&store, &signed).await?;
    let wire: DestinationRequest = signed.json()?;
    let destination = Destination::parse(broker.spec.engine_type, wire.into())?;
    let asked = EngineRequest { store: &store, signed: &signed, path: &path, broker: &broker };
    match calls.ask(asked, EngineCall::Delete(destination)).await? {
        EngineAnswer::Deleted => Ok(Reply(DeleteDestinationResponse {})),
        other => Err(refusal(other)),
    }
}
