//! UpdateUser.

use std::sync::Arc;

use axum::extract::State;
use brokerd_domain::{BrokerOperation, UserUpdate};
use secrecy::SecretString;
use serde::Deserialize;
use utoipa::ToSchema;

use super::{Nothing, told};
use crate::{
    ApiState,
    auth::Signed,
    extract::PathParams,
    json,
    openapi::{Conflict, NotFound, OfUser, ServiceErrors},
    respond::{Answer, Reply},
};

/// What to change; absent members stay as they are.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct UpdateUserRequest {
    /// Whether the user may use the web console.
    console_access: Option<bool>,
    /// All groups, at most 20; an empty list leaves none.
    groups: Option<Vec<String>>,
    /// 12 to 250 characters, at least four different ones, none of `, : =`.
    #[schema(format = Password)]
    password: Option<String>,
    /// Whether this is the user of a data replication bridge.
    replication_user: Option<bool>,
}

/// Changes a user of an ActiveMQ broker with the next reboot.
#[utoipa::path(
    put,
    path = "/v1/brokers/{broker-id}/users/{username}",
    operation_id = "UpdateUser",
    tag = "users",
    params(OfUser),
    request_body = UpdateUserRequest,
    responses(
        (status = 200, description = "Accepted.", body = Nothing),
        Conflict,
        NotFound,
        ServiceErrors,
    ),
    security(("sigv4" = [])),
)]
pub(crate) async fn update_user(
    State(api): State<Arc<ApiState>>,
    path: PathParams,
    signed: Signed,
) -> Answer<Nothing> {
    let scope = &signed.caller.scope;
    let turn = path.turn(&api, scope).await?;
    let mut broker = turn.broker().await?;
    broker.check_user_change(BrokerOperation::UpdateUser)?;
    let wire: UpdateUserRequest = json::object(&signed.body)?;
    let password = wire.password.map(SecretString::from);
    let update = UserUpdate::parse(
        password.as_ref(),
        wire.console_access,
        wire.groups.as_deref(),
        wire.replication_user,
    )?;
    let username = path.get("username");
    loop {
        let outcome = api.store.update_user(&broker, username, &update, api.clock.now()).await??;
        if told(outcome, username)? {
            return Ok(Reply(Nothing {}));
        }
        broker = turn.broker().await?;
        broker.check_user_change(BrokerOperation::UpdateUser)?;
    }
}
