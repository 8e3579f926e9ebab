//! UpdateUser.

use std::sync::Arc;

use axum::extract::State;
use brokerd_domain::{BrokerOperation, Clock, UserUpdate};
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

/// The changes; absent members stay as they are.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct UpdateUserRequest {
    /// Whether the user may use the web console.
    console_access: Option<bool>,
    /// The groups, at most 20, which replace all former ones.
    groups: Option<Vec<String>>,
    /// The password: 12 to 250 characters, at least four different ones, none of `, : =`.
    #[schema(format = Password)]
    password: Option<String>,
    /// Whether this is the user of a data replication bridge.
    replication_user: Option<bool>,
}

/// Changes a user of an ActiveMQ broker. The change applies with the next reboot.
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
    State(store): State<PgStore>,
    State(locks): State<Arc<BrokerLocks>>,
    State(clock): State<Arc<dyn Clock>>,
    path: PathParams,
    signed: Signed,
) -> Answer<Nothing> {
    let username = path.get("username");
    let (signed, store, clock) = (&signed, &store, &clock);
    let broker = locks.lock(store, &path, signed).await?;
    let updated = broker.retry_on_conflict(move |broker| async move {
        broker.check_user_change(BrokerOperation::UpdateUser)?;
        let wire: UpdateUserRequest = signed.json()?;
        let password = wire.password.map(SecretString::from);
        let update = UserUpdate::parse(
            password.as_ref(),
            wire.console_access,
            wire.groups.as_deref(),
            wire.replication_user,
        )?;
        let outcome = store.update_user(&broker, username, &update, clock.now()).await??;
        Ok(answer(outcome, username)?)
    });
    Ok(Reply(updated.await?))
}
