//! DeleteFault.

use std::sync::Arc;

use axum::extract::State;

use super::{FaultView, fault_id, not_found};
use crate::{
    auth::Signed,
    http::{
        path::PathParams,
        respond::{Answer, Reply},
    },
    openapi::{NotFound, OfFault, ServiceErrors},
};
use brokerd_domain::Clock;
use brokerd_store::PgStore;

/// Ends a fault before its duration is over. The fault stays listed; ending it twice is accepted.
#[utoipa::path(
    delete,
    path = "/brokerd/v1/brokers/{broker-id}/faults/{fault-id}",
    operation_id = "DeleteFault",
    tag = "brokerd",
    params(OfFault),
    responses(
        (status = 200, description = "Accepted; the fault as it is now.", body = FaultView),
        NotFound,
        ServiceErrors,
    ),
    security(("sigv4" = [])),
)]
pub(crate) async fn delete_fault(
    State(store): State<PgStore>,
    State(clock): State<Arc<dyn Clock>>,
    path: PathParams,
    signed: Signed,
) -> Answer<FaultView> {
    let broker = path.broker(&store, &signed).await?;
    let (scope, broker) = (&broker.scope, broker.id);
    let (id, now) = (fault_id(&path)?, clock.now());
    let there = store.request_heal(scope, broker, id, now).await?;
    let fault = if there { store.fault(scope, broker, id).await? } else { None };
    let fault = fault.ok_or_else(|| not_found(&path))?;
    Ok(Reply(FaultView::new(fault, now)))
}
