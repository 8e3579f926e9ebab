//! DeleteUser.

use std::sync::Arc;

use axum::extract::State;
use brokerd_domain::{BrokerOperation, Clock};

use super::{Nothing, answer};
use crate::{
    auth::Signed,
    broker_change::BrokerLocks,
    http::{
        path::PathParams,
        respond::{Answer, Reply},
    },
    openapi::{NotFound, OfUser, ServiceErrors},
};
use brokerd_store::PgStore;

/// Deletes a user of an ActiveMQ broker. The user can log in until the next reboot.
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
    State(store): State<PgStore>,
    State(locks): State<Arc<BrokerLocks>>,
    State(clock): State<Arc<dyn Clock>>,
    path: PathParams,
    signed: Signed,
) -> Answer<Nothing> {
    let username = path.get("username");
    let (store, clock) = (&store, &clock);
    let broker = locks.lock(store, &path, &signed).await?;
    let deleted = broker.retry_on_conflict(move |broker| async move {
        broker.check_user_change(BrokerOperation::DeleteUser)?;
        let outcome = store.delete_user(&broker, username, clock.now()).await?;
        Ok(answer(outcome, username)?)
    });
    Ok(Reply(deleted.await?))
}
