//! DeleteUser.

use std::sync::Arc;

use axum::extract::State;
use brokerd_domain::BrokerOperation;

use super::{Nothing, told};
use crate::{
    ApiState,
    auth::Signed,
    extract::PathParams,
    openapi::{NotFound, OfUser, ServiceErrors},
    respond::{Answer, Reply},
};

/// Deletes a user of an ActiveMQ broker with the next reboot; until then it can log in.
#[utoipa::path(
    delete,
    path = "/v1/brokers/{broker-id}/users/{username}",
    operation_id = "DeleteUser",
    tag = "users",
    params(OfUser),
    responses(
        (status = 200, description = "Accepted.", body = Nothing),
        NotFound,
        ServiceErrors,
    ),
    security(("sigv4" = [])),
)]
pub(crate) async fn delete_user(
    State(api): State<Arc<ApiState>>,
    path: PathParams,
    signed: Signed,
) -> Answer<Nothing> {
    let username = path.get("username");
    let turn = path.turn(&api, &signed.caller.scope).await?;
    loop {
        let broker = turn.broker().await?;
        broker.check_user_change(BrokerOperation::DeleteUser)?;
        if told(api.store.delete_user(&broker, username, api.clock.now()).await?, username)? {
            return Ok(Reply(Nothing {}));
        }
    }
}
