//! CreateFault.

use std::sync::Arc;

use axum::extract::State;
use brokerd_domain::{Clock, Entropy, Error, Fault, FaultId, FaultInput, FaultSpec, MAX_FAULTS};
use brokerd_store::{FaultOutcome, PgStore};
use serde::Deserialize;
use utoipa::ToSchema;

use super::FaultView;
use crate::{
    ApiSettings,
    auth::Signed,
    http::{error::ApiError, path::PathParams, refusal, respond::Created},
    openapi::{Conflict, NotFound, OfBroker, ServiceErrors},
};

/// The fault to inject.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CreateFaultRequest {
    /// `KILL`, `PAUSE`, `ISOLATE`, `ZONE_OUTAGE`, `LATENCY`, `FILL_DISK` (of brokers that were created with
    /// `runtime.sized_volumes = true` in brokerd's configuration) or `FAILOVER`.
    #[schema(required, nullable = false, example = "PAUSE")]
    kind: Option<String>,
    /// The ordinal of the instance to kill, pause, isolate or fill the disk of, from 1; default: the instance
    /// that serves.
    instance: Option<i32>,
    /// The availability zone of the outage, for example `us-east-1a`.
    zone: Option<String>,
    /// The duration in seconds: 1 to 3600. Not for `KILL` and `FAILOVER`, which happen once.
    duration_seconds: Option<i64>,
    /// The latency in milliseconds, in each direction: 1 to 60000.
    latency_milliseconds: Option<i64>,
    /// The maximum of a random latency on top, in milliseconds: 0 to 60000; default 0.
    jitter_milliseconds: Option<i64>,
}

/// Injects a fault into a running broker, to test how applications react. The fault ends by itself after its
/// duration. Refused unless brokerd's configuration says `faults.enabled = true`.
#[utoipa::path(
    post,
    path = "/brokerd/v1/brokers/{broker-id}/faults",
    operation_id = "CreateFault",
    tag = "brokerd",
    params(OfBroker),
    request_body = CreateFaultRequest,
    responses(
        (status = 201, description = "Accepted; the fault starts within moments.", body = FaultView),
        Conflict,
        NotFound,
        ServiceErrors,
    ),
    security(("sigv4" = [])),
)]
pub(crate) async fn create_fault(
    State(settings): State<Arc<ApiSettings>>,
    State(store): State<PgStore>,
    State(clock): State<Arc<dyn Clock>>,
    State(entropy): State<Arc<dyn Entropy>>,
    path: PathParams,
    signed: Signed,
) -> Result<Created<FaultView>, ApiError> {
    let broker = path.find_broker(&store, &signed).await?;
    // Said of every broker that the caller may ask about: it is not the broker that is at fault.
    if !settings.faults {
        return Err(disabled().into());
    }
    let broker = broker.ok_or_else(|| path.broker_not_found())?;
    let wire: CreateFaultRequest = signed.json()?;
    let input = FaultInput {
        kind: wire.kind,
        instance: wire.instance,
        zone: wire.zone,
        duration_seconds: wire.duration_seconds,
        latency_milliseconds: wire.latency_milliseconds,
        jitter_milliseconds: wire.jitter_milliseconds,
    };
    let spec = FaultSpec::parse(&input, &broker, &settings.network, settings.sized_volumes)?;
    let now = clock.now();
    let fault = Fault::new(FaultId::generate(&*entropy), spec, now);
    match store.create_fault(broker.id, &fault).await? {
        FaultOutcome::Created => Ok(Created(FaultView::new(fault, now))),
        FaultOutcome::BrokerNotFound => Err(path.broker_not_found().into()),
        FaultOutcome::TooMany => Err(too_many().into()),
    }
}

fn disabled() -> Error {
    refusal::forbidden(
        "Fault injection is disabled. Set [faults.enabled] to [true] in the configuration of brokerd to enable it.",
    )
}

fn too_many() -> Error {
    refusal::conflict_overall(format!(
        "A broker can have at most [{MAX_FAULTS}] faults at a time. Delete one or wait until one ends."
    ))
}
