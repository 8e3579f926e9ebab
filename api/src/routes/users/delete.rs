//! DeleteUser.

use std::sync::Arc;

use axum::extract::State;
use brokerd_domain::{Broker, Error, ErrorKind};

use super::{Nothing, told};
use crate::{
    ApiState, TRIES,
    auth::Signed,
    error::ApiError,
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
    for _ in 0..TRIES {
        let broker = path.broker(&api, &signed.caller.scope).await?;
        check(&broker)?;
        if told(api.store.delete_user(&broker, username, api.clock.now()).await?, username)? {
            return Ok(Reply(Nothing {}));
        }
    }
    Err(ApiError::busy())
}

/// The operation has no ConflictException in the service model.
fn check(broker: &Broker) -> Result<(), Error> {
    broker.check_user_change().map_err(|refused| Error { kind: ErrorKind::BadRequest, ..refused })
}
