//! DeleteAccount.

use std::sync::Arc;

use axum::{extract::State, http::StatusCode};
use brokerd_domain::Clock;
use brokerd_store::{DeleteAccountOutcome, PgStore};

use super::{administered, is_operator, is_operators, not_found};
use crate::{
    ApiSettings,
    auth::{Authenticator, Signed},
    http::{error::ApiError, path::PathParams, refusal},
    openapi::{Conflict, NotFound, OfAccount, ServiceErrors},
};

/// Deletes an account that has nothing any more but its root, whose access keys go with it. Its number is not given to
/// another account.
#[utoipa::path(
    delete,
    path = "/brokerd/v1/accounts/{account-id}",
    operation_id = "DeleteAccount",
    tag = "brokerd",
    params(OfAccount),
    responses((status = 204, description = "Deleted."), Conflict, NotFound, ServiceErrors),
    security(("sigv4" = [])),
)]
pub(crate) async fn delete_account(
    State(settings): State<Arc<ApiSettings>>,
    State(store): State<PgStore>,
    State(authenticator): State<Arc<Authenticator>>,
    State(clock): State<Arc<dyn Clock>>,
    path: PathParams,
    signed: Signed,
) -> Result<StatusCode, ApiError> {
    let action = "brokerd:DeleteAccount";
    let account = administered(&settings, &store, &signed, action, &path).await?;
    if is_operator(&settings, &account.id) {
        return Err(is_operators("deleted").into());
    }
    match store.delete_account(&account.id, clock.now()).await? {
        DeleteAccountOutcome::Deleted => {
            authenticator.forget(&account.id);
            Ok(StatusCode::NO_CONTENT)
        }
        DeleteAccountOutcome::NotFound => Err(not_found(&path).into()),
        DeleteAccountOutcome::InUse(what) => Err(refusal::conflict_overall(format!(
            "Account ID [{}] still has {what}. Delete them and retry the request.",
            account.id
        ))
        .into()),
    }
}
