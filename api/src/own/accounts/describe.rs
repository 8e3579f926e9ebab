//! DescribeAccount.

use std::sync::Arc;

use axum::extract::State;
use brokerd_store::PgStore;

use super::{AccountView, visible};
use crate::{
    ApiSettings,
    auth::Signed,
    http::{
        path::PathParams,
        respond::{Answer, Reply},
    },
    openapi::{NotFound, OfAccount, ServiceErrors},
};

/// Returns the name and quotas of an account. Callers outside the operator's account see only their own account.
#[utoipa::path(
    get,
    path = "/brokerd/v1/accounts/{account-id}",
    operation_id = "DescribeAccount",
    tag = "brokerd",
    params(OfAccount),
    responses(
        (status = 200, description = "The account.", body = AccountView),
        NotFound,
        ServiceErrors,
    ),
    security(("sigv4" = [])),
)]
pub(crate) async fn describe_account(
    State(settings): State<Arc<ApiSettings>>,
    State(store): State<PgStore>,
    path: PathParams,
    signed: Signed,
) -> Answer<AccountView> {
    Ok(Reply(visible(&settings, &store, &signed, &path).await?.into()))
}
