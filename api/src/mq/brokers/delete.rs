//! DeleteBroker.

use std::sync::Arc;

use axum::extract::State;
use brokerd_domain::Clock;
use brokerd_store::PgStore;
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    ApiSettings,
    auth::Signed,
    broker_change::BrokerLocks,
    http::{
        path::PathParams,
        respond::{Answer, Reply},
    },
    openapi::{NotFound, OfBroker, ServiceErrors},
};

/// The broker that is being deleted.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DeleteBrokerResponse {
    /// The broker's identifier.
    broker_id: String,
}

/// Deletes a broker, in any state; with `api.strict_states = true` in brokerd's configuration, only in the states
/// in which the service does. The state is `DELETION_IN_PROGRESS` when this answers. When everything is removed,
/// DescribeBroker answers 404 and the name can be used again.
#[utoipa::path(
    delete,
    path = "/v1/brokers/{broker-id}",
    operation_id = "DeleteBroker",
    tag = "brokers",
    params(OfBroker),
    responses(
        (status = 200, description = "Accepted.", body = DeleteBrokerResponse),
        NotFound,
        ServiceErrors,
    ),
    security(("sigv4" = [])),
)]
pub(crate) async fn delete_broker(
    State(settings): State<Arc<ApiSettings>>,
    State(store): State<PgStore>,
    State(locks): State<Arc<BrokerLocks>>,
    State(clock): State<Arc<dyn Clock>>,
    path: PathParams,
    signed: Signed,
) -> Answer<DeleteBrokerResponse> {
    let lock = locks.lock(&store, &path, &signed).await?;
    let broker = lock.read().await?;
    broker.check_delete(settings.strict_states)?;
    let id = broker.id;
    if !store.request_delete(&broker.scope, id, clock.now()).await? {
        return Err(path.broker_not_found().into());
    }
    Ok(Reply(DeleteBrokerResponse { broker_id: id.to_string() }))
}
