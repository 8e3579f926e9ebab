//! RebootBroker.

use std::sync::Arc;

use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    ApiState,
    auth::Signed,
    extract::BrokerPath,
    openapi::{NotFound, ServiceErrors},
    respond::{Answer, Reply},
};

/// How often a reboot is tried again when the broker changes between look and write.
const TRIES: u32 = 8;

/// An empty object.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RebootBrokerResponse {}

/// Reboots a broker, which applies everything that is pending. The state is `REBOOT_IN_PROGRESS` as
/// soon as this answers.
#[utoipa::path(
    post,
    path = "/v1/brokers/{broker-id}/reboot",
    operation_id = "RebootBroker",
    tag = "brokers",
    params(("broker-id" = String, Path, description = "The broker's identifier.")),
    responses(
        (status = 200, description = "Accepted.", body = RebootBrokerResponse),
        NotFound,
        ServiceErrors,
    ),
    security(("sigv4" = [])),
)]
pub(crate) async fn reboot_broker(
    State(api): State<Arc<ApiState>>,
    path: BrokerPath,
    signed: Signed,
) -> Answer<RebootBrokerResponse> {
    let id = path.id()?;
    for _ in 0..TRIES {
        let broker = api.store.broker(&signed.caller.scope, id).await?;
        let broker = broker.ok_or_else(|| path.not_found())?;
        broker.check_reboot()?;
        if api.store.request_reboot(&broker, api.clock.now()).await? {
            return Ok(Reply(RebootBrokerResponse {}));
        }
    }
    Err(crate::error::ApiError::unavailable("The broker is busy. Try again."))
}
