//! CreateUser.

use std::sync::Arc;

use axum::extract::State;
use brokerd_domain::{BrokerOperation, BrokerUser, EngineType, UserInput};
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

/// The new user.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CreateUserRequest {
    /// Whether the user may use the web console; default false.
    console_access: Option<bool>,
    /// At most 20 groups.
    groups: Option<Vec<String>>,
    /// 12 to 250 characters, at least four different ones, none of `, : =`.
    #[schema(required, nullable = false, format = Password)]
    password: Option<String>,
    /// Whether this is the user of a data replication bridge; default false.
    replication_user: Option<bool>,
}

/// Creates a user of an ActiveMQ broker, who exists after the next reboot.
#[utoipa::path(
    post,
    path = "/v1/brokers/{broker-id}/users/{username}",
    operation_id = "CreateUser",
    tag = "users",
    params(OfUser),
    request_body = CreateUserRequest,
    responses(
        (status = 200, description = "Accepted.", body = Nothing),
        Conflict,
        NotFound,
        ServiceErrors,
    ),
    security(("sigv4" = [])),
)]
pub(crate) async fn create_user(
    State(api): State<Arc<ApiState>>,
    path: PathParams,
    signed: Signed,
) -> Answer<Nothing> {
    let scope = &signed.caller.scope;
    let turn = path.turn(&api, scope).await?;
    let mut broker = turn.broker().await?;
    broker.check_user_change(BrokerOperation::CreateUser)?;
    let wire: CreateUserRequest = json::object(&signed.body)?;
    let username = path.get("username");
    let input = UserInput {
        username: Some(username.to_owned()),
        password: wire.password.map(SecretString::from),
        console_access: wire.console_access,
        groups: wire.groups.unwrap_or_default(),
        replication_user: wire.replication_user,
    };
    let user = BrokerUser::parse(EngineType::ActiveMq, input)?;
    while !told(api.store.create_user(&broker, &user, api.clock.now()).await?, username)? {
        broker = turn.broker().await?;
        broker.check_user_change(BrokerOperation::CreateUser)?;
    }
    Ok(Reply(Nothing {}))
}
