//! RebootBroker.

use std::sync::Arc;

use axum::extract::State;
use brokerd_domain::Clock;
use brokerd_store::PgStore;
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    auth::Signed,
    broker_change::BrokerLocks,
    http::{
        path::PathParams,
        respond::{Answer, Reply},
    },
    openapi::{NotFound, OfBroker, ServiceErrors},
};

/// An empty object.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RebootBrokerResponse {}

/// Reboots a broker and applies its pending changes. The state is `REBOOT_IN_PROGRESS` when this answers.
#[utoipa::path(
    post,
    path = "/v1/brokers/{broker-id}/reboot",
    operation_id = "RebootBroker",
    tag = "brokers",
    params(OfBroker),
    responses(
        (status = 200, description = "Accepted.", body = RebootBrokerResponse),
        NotFound,
        ServiceErrors,
    ),
    security(("sigv4" = [])),
)]
pub(crate) async fn reboot_broker(
    State(store): State<PgStore>,
    State(locks): State<Arc<BrokerLocks>>,
    State(clock): State<Arc<dyn Clock>>,
    path: PathParams,
    signed: Signed,
) -> Answer<RebootBrokerResponse> {
    let (store, clock) = (&store, &clock);
    let broker = locks.lock(store, &path, &signed).await?;
    let accepted = broker.retry_on_conflict(move |broker| async move {
        broker.check_reboot()?;
        let is_accepted = store.request_reboot(&broker, clock.now()).await?;
        Ok(is_accepted.then_some(RebootBrokerResponse {}))
    });
    Ok(Reply(accepted.await?))
}
