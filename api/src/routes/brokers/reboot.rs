//! RebootBroker.

use std::sync::Arc;

use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    ApiState,
    auth::Signed,
    extract::PathParams,
    openapi::{NotFound, OfBroker, ServiceErrors},
    respond::{Answer, Reply},
};

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
    params(OfBroker),
    responses(
        (status = 200, description = "Accepted.", body = RebootBrokerResponse),
        NotFound,
        ServiceErrors,
    ),
    security(("sigv4" = [])),
)]
pub(crate) async fn reboot_broker(
    State(api): State<Arc<ApiState>>,
    path: PathParams,
    signed: Signed,
) -> Answer<RebootBrokerResponse> {
    let turn = path.turn(&api, &signed.caller.scope).await?;
    loop {
        let broker = turn.broker().await?;
        broker.check_reboot()?;
        if api.store.request_reboot(&broker, api.clock.now()).await? {
            return Ok(Reply(RebootBrokerResponse {}));
        }
    }
}
