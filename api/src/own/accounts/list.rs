//! ListAccounts.

use std::sync::Arc;

use axum::extract::State;
use brokerd_domain::identity::Account;
use brokerd_store::PgStore;
use serde::Serialize;
use utoipa::ToSchema;

use super::{AccountView, authorize_operator};
use crate::{
    ApiSettings,
    auth::{CallResource, Signed},
    http::{
        page::Page,
        respond::{Answer, Reply},
    },
    openapi::ServiceErrors,
};

/// The accounts of the installation.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ListAccountsResponse {
    /// The accounts of the page, by name.
    accounts: Vec<AccountView>,
    /// Pass this to get the next page; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    next_token: Option<String>,
}

/// Lists the accounts of the installation.
#[utoipa::path(
    get,
    path = "/brokerd/v1/accounts",
    operation_id = "ListAccounts",
    tag = "brokerd",
    params(Page),
    responses(
        (status = 200, description = "The accounts.", body = ListAccountsResponse),
        ServiceErrors,
    ),
    security(("sigv4" = [])),
)]
pub(crate) async fn list_accounts(
    State(settings): State<Arc<ApiSettings>>,
    State(store): State<PgStore>,
    page: Page,
    signed: Signed,
) -> Answer<ListAccountsResponse> {
    authorize_operator(&settings, &signed, "brokerd:ListAccounts", CallResource::NONE)?;
    let size = page.size()?;
    let mut accounts = store.accounts().await?;
    // As the page is cut, which is not how the database sorts names.
    let key =
        |account: &Account| format!("{} {}", account.name.as_str().to_lowercase(), account.id);
    accounts.sort_by_cached_key(key);
    let (accounts, next_token) = page.cut_sorted(accounts, size, key)?;
    let accounts = accounts.into_iter().map(Into::into).collect();
    Ok(Reply(ListAccountsResponse { accounts, next_token }))
}
