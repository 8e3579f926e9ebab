//! ListFaults.

use std::sync::Arc;

use axum::extract::State;
use brokerd_domain::{Clock, FaultKind, zones_of};
use brokerd_store::PgStore;
use serde::Serialize;
use utoipa::ToSchema;

use super::FaultView;
use crate::{
    ApiSettings,
    auth::Signed,
    http::{
        page::Page,
        path::PathParams,
        respond::{Answer, Reply},
    },
    openapi::{NotFound, OfBroker, ServiceErrors},
};

/// An instance of the broker, and where it is.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct FaultInstanceView {
    /// The ordinal, from 1.
    instance: u8,
    /// The availability zone.
    #[schema(example = "us-east-1a")]
    zone: String,
}

/// The newest faults of a broker, and what CreateFault would accept.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ListFaultsResponse {
    /// Whether brokerd's configuration says `faults.enabled = true`.
    enabled: bool,
    /// The kinds that CreateFault accepts for this broker where faults are enabled.
    #[schema(value_type = Vec<String>, example = json!(["KILL", "PAUSE"]))]
    kinds: Vec<&'static str>,
    /// The broker's instances.
    instances: Vec<FaultInstanceView>,
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
    State(settings): State<Arc<ApiSettings>>,
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
    let (mode, sized_volumes) = (broker.spec.deployment_mode, settings.sized_volumes);
    let kinds = FaultKind::ALL.into_iter().filter(|kind| kind.is_permitted(mode, sized_volumes));
    let instances = zones_of(&broker, &settings.network).into_iter();
    Ok(Reply(ListFaultsResponse {
        enabled: settings.faults,
        kinds: kinds.map(FaultKind::as_str).collect(),
        instances: instances.map(|(instance, zone)| FaultInstanceView { instance, zone }).collect(),
        faults: faults.into_iter().map(|fault| FaultView::new(fault, now)).collect(),
    }))
}
