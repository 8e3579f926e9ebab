//! ListFaults.

use std::sync::Arc;

use axum::extract::State;
use brokerd_domain::Clock;
use brokerd_store::PgStore;
use serde::Serialize;
use utoipa::ToSchema;

use super::FaultView;
use crate::{
    auth::Signed,
    http::{
        page::Page,
        path::PathParams,
        respond::{Answer, Reply},
    },
    openapi::{NotFound, OfBroker, ServiceErrors},
};

/// The newest faults of a broker.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ListFaultsResponse {
    /// The faults, newest first. Of those that ended the last hundred are kept.
    faults: Vec<FaultView>,
}

/// Lists the faults of a broker, including those that have ended.
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
    State(store): State<PgStore>,
    State(clock): State<Arc<dyn Clock>>,
    path: PathParams,
    page: Page,
    signed: Signed,
) -> Answer<ListFaultsResponse> {
    let limit = page.size()?;
    let broker = path.broker(&store, &signed).await?;
    let faults = store.faults(&broker.scope, broker.id, limit).await?;
    let faults = faults.ok_or_else(|| path.broker_not_found())?;
    let now = clock.now();
    let views = faults.into_iter().map(|fault| FaultView::new(fault, now));
    Ok(Reply(ListFaultsResponse { faults: views.collect() }))
}
