//! CreateUser.

use std::sync::Arc;

use axum::extract::State;
use brokerd_domain::{BrokerOperation, BrokerUser, Clock, EngineType, UserInput};
use brokerd_store::PgStore;
use secrecy::SecretString;
use serde::Deserialize;
use utoipa::ToSchema;

use super::{Nothing, answer};
use crate::{
    auth::Signed,
    broker_change::BrokerLocks,
    http::{
        path::PathParams,
        respond::{Answer, Reply},
    },
    openapi::{Conflict, NotFound, OfUser, ServiceErrors},
};

/// The new user.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CreateUserRequest {
    /// Whether the user may use the web console; default false.
    console_access: Option<bool>,
    /// The groups, at most 20.
    groups: Option<Vec<String>>,
    /// The password: 12 to 250 characters, at least four different ones, none of `, : =`.
    #[schema(required, nullable = false, format = Password)]
    password: Option<String>,
    /// Whether this is the user of a data replication bridge; default false.
    replication_user: Option<bool>,
}

impl CreateUserRequest {
    fn into_input(self, username: &str) -> UserInput {
        UserInput {
            username: Some(username.to_owned()),
            password: self.password.map(SecretString::from),
            console_access: self.console_access,
            groups: self.groups.unwrap_or_default(),
            replication_user: self.replication_user,
        }
    }
}

/// Creates a user of an ActiveMQ broker. The user can log in after the next reboot.
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
    State(store): State<PgStore>,
    State(locks): State<Arc<BrokerLocks>>,
    State(clock): State<Arc<dyn Clock>>,
    path: PathParams,
    signed: Signed,
) -> Answer<Nothing> {
    let username = path.get("username");
    let (signed, store, clock) = (&signed, &store, &clock);
    let broker = locks.lock(store, &path, signed).await?;
    let created = broker.retry_on_conflict(move |broker| async move {
        broker.check_user_change(BrokerOperation::CreateUser)?;
        let wire: CreateUserRequest = signed.json()?;
        let user = BrokerUser::parse(EngineType::ActiveMq, wire.into_input(username))?;
        let outcome = store.create_user(&broker, &user, clock.now()).await?;
        Ok(answer(outcome, username)?)
    });
    Ok(Reply(created.await?))
}
