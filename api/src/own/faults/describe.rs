//! DescribeFault.

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

/// Describes a fault and its state.
#[utoipa::path(
    get,
    path = "/brokerd/v1/brokers/{broker-id}/faults/{fault-id}",
    operation_id = "DescribeFault",
    tag = "brokerd",
    params(OfFault),
    responses(
        (status = 200, description = "The fault.", body = FaultView),
        NotFound,
        ServiceErrors,
    ),
    security(("sigv4" = [])),
)]
pub(crate) async fn describe_fault(
    State(store): State<PgStore>,
    State(clock): State<Arc<dyn Clock>>,
    path: PathParams,
    signed: Signed,
) -> Answer<FaultView> {
    let broker = path.broker(&store, &signed).await?;
    let fault = store.fault(&broker.scope, broker.id, fault_id(&path)?).await?;
    let fault = fault.ok_or_else(|| not_found(&path))?;
    Ok(Reply(FaultView::new(fault, clock.now())))
}
