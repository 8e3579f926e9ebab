//! ListFaults.

use std::sync::Arc;

use axum::extract::State;
use brokerd_domain::PageSize;
use serde::Serialize;
use utoipa::ToSchema;

use super::FaultView;
use crate::{
    ApiState,
    auth::Signed,
    extract::{PathParams, Query},
    openapi::{NotFound, OfBroker, ServiceErrors},
    respond::{Answer, Reply},
};

/// The newest faults of a broker.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ListFaultsResponse {
    /// Newest first; of those that ended, the last hundred are remembered.
    faults: Vec<FaultView>,
}

/// Tells of a broker's faults, those that are over too.
#[utoipa::path(
    get,
    path = "/brokerd/v1/brokers/{broker-id}/faults",
    operation_id = "ListFaults",
    tag = "brokerd",
    params(
        OfBroker,
        ("maxResults" = Option<u32>, Query, description = "5 to 100 faults; default 20.", minimum = 5, maximum = 100),
    ),
    responses(
        (status = 200, description = "The faults.", body = ListFaultsResponse),
        NotFound,
        ServiceErrors,
    ),
    security(("sigv4" = [])),
)]
pub(crate) async fn list_faults(
    State(api): State<Arc<ApiState>>,
    path: PathParams,
    query: Query,
    signed: Signed,
) -> Answer<ListFaultsResponse> {
    let limit = PageSize::parse(query.get("maxResults"))?.get();
    let faults = api.store.faults(&signed.caller.scope, path.broker_id()?, limit).await?;
    let faults = faults.ok_or_else(|| path.broker_not_found())?;
    let now = api.clock.now();
    let views = faults.into_iter().map(|fault| FaultView::new(fault, now));
    Ok(Reply(ListFaultsResponse { faults: views.collect() }))
}
