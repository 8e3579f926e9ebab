//! ListAccounts.

use std::sync::Arc;

use axum::extract::State;
use brokerd_store::PgStore;
use serde::Serialize;
use utoipa::ToSchema;

use super::{AccountView, authorize_operator};
use crate::{
    ApiSettings,
    auth::{Signed, Subject},
    http::respond::{Answer, Reply},
    openapi::ServiceErrors,
};

/// The accounts of the installation.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ListAccountsResponse {
    /// All of them, by name.
    accounts: Vec<AccountView>,
}

/// Lists the accounts of the installation.
#[utoipa::path(
    get,
    path = "/brokerd/v1/accounts",
    operation_id = "ListAccounts",
    tag = "brokerd",
    responses(
        (status = 200, description = "The accounts.", body = ListAccountsResponse),
        ServiceErrors,
    ),
    security(("sigv4" = [])),
)]
pub(crate) async fn list_accounts(
    State(settings): State<Arc<ApiSettings>>,
    State(store): State<PgStore>,
    signed: Signed,
) -> Answer<ListAccountsResponse> {
    authorize_operator(&settings, &signed, "brokerd:ListAccounts", Subject::NONE)?;
    let accounts = store.accounts().await?.into_iter().map(Into::into).collect();
    Ok(Reply(ListAccountsResponse { accounts }))
}
