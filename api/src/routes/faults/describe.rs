//! DescribeFault.

use std::sync::Arc;

use axum::extract::State;

use super::{FaultView, fault_id, not_found};
use crate::{
    ApiState,
    auth::Signed,
    extract::PathParams,
    openapi::{NotFound, OfBroker, ServiceErrors},
    respond::{Answer, Reply},
};

/// Tells how far a fault is.
#[utoipa::path(
    get,
    path = "/brokerd/v1/brokers/{broker-id}/faults/{fault-id}",
    operation_id = "DescribeFault",
    tag = "brokerd",
    params(
        OfBroker,
        ("fault-id" = String, Path, description = "The fault's identifier."),
    ),
    responses(
        (status = 200, description = "The fault.", body = FaultView),
        NotFound,
        ServiceErrors,
    ),
    security(("sigv4" = [])),
)]
pub(crate) async fn describe_fault(
    State(api): State<Arc<ApiState>>,
    path: PathParams,
    signed: Signed,
) -> Answer<FaultView> {
    let scope = &signed.caller.scope;
    let broker = path.existing_broker_id(&api, scope).await?;
    let fault = api.store.fault(scope, broker, fault_id(&path)?).await?;
    let fault = fault.ok_or_else(|| not_found(&path))?;
    Ok(Reply(FaultView::new(fault, api.clock.now())))
}
