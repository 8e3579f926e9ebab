//! Promote.

use axum::extract::State;
use brokerd_store::PgStore;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    auth::Signed,
    http::{
        path::PathParams,
        respond::{Answer, Reply},
    },
    openapi::{NotFound, OfBroker, ServiceErrors},
};

/// How to exchange the roles of a data replication pair.
#[derive(Deserialize, ToSchema)]
pub(crate) struct PromoteRequest {
    /// `SWITCHOVER` or `FAILOVER`.
    #[schema(required, nullable = false, example = "SWITCHOVER")]
    mode: Option<String>,
}

/// The broker that becomes the primary.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PromoteResponse {
    /// The broker's identifier.
    broker_id: String,
}

/// Makes the replica of a data replication pair the primary. Data replication is not implemented, so no
/// broker is a replica, and every call is refused.
#[utoipa::path(
    post,
    path = "/v1/brokers/{broker-id}/promote",
    operation_id = "Promote",
    tag = "brokers",
    params(OfBroker),
    request_body = PromoteRequest,
    responses(
        (status = 200, description = "Accepted.", body = PromoteResponse),
        NotFound,
        ServiceErrors,
    ),
    security(("sigv4" = [])),
)]
pub(crate) async fn promote(
    State(store): State<PgStore>,
    path: PathParams,
    signed: Signed,
) -> Answer<PromoteResponse> {
    let broker = path.broker(&store, &signed).await?;
    let wire: PromoteRequest = signed.json()?;
    broker.check_promote(wire.mode.as_deref())?;
    Ok(Reply(PromoteResponse { broker_id: broker.id.to_string() }))
}
