//! UpdateAccount.

use std::sync::Arc;

use axum::extract::State;
use brokerd_domain::identity::{AccountState, OutgoingRanges};
use brokerd_store::{AccountUpdate, PgStore, UpdateAccountOutcome};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{
    AccountView, QuotasRequest, administered, find, is_operator, is_operators, name_taken,
    not_found, parse_authorities, parse_name, parse_state,
};
use crate::{
    ApiSettings,
    auth::{Authenticator, Signed},
    http::{
        json::Object,
        path::PathParams,
        respond::{Answer, Reply},
    },
    openapi::{Conflict, NotFound, OfAccount, ServiceErrors},
};

/// What is to be different. What is absent stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct UpdateAccountRequest {
    /// What it is to be called.
    #[schema(example = "team-red")]
    name: Option<String>,
    /// `ACTIVE` or `SUSPENDED`.
    #[schema(example = "SUSPENDED")]
    state: Option<String>,
    /// All quotas that it is to have from now on. One that is below what the account has takes nothing away.
    #[schema(value_type = Option<QuotasRequest>)]
    quotas: Option<Object<QuotasRequest>>,
    /// What engines of its brokers may connect to, of what the installation permits: ranges of addresses, `["none"]`, or
    /// `["all"]` for no limit of its own. In force within seconds.
    #[schema(example = json!(["10.20.0.0/16"]))]
    outgoing: Option<Vec<String>>,
    /// The certificates, PEM, of the authorities of its LDAP directories, in place of those of the installation; empty: those
    /// again. In force for a broker from its next reboot on.
    directory_authorities: Option<String>,
}

/// Changes an account. Every process knows it within five seconds.
#[utoipa::path(
    put,
    path = "/brokerd/v1/accounts/{account-id}",
    operation_id = "UpdateAccount",
    tag = "brokerd",
    params(OfAccount),
    request_body = UpdateAccountRequest,
    responses(
        (status = 200, description = "The account as it is now.", body = AccountView),
        Conflict,
        NotFound,
        ServiceErrors,
    ),
    security(("sigv4" = [])),
)]
pub(crate) async fn update_account(
    State(settings): State<Arc<ApiSettings>>,
    State(store): State<PgStore>,
    State(authenticator): State<Arc<Authenticator>>,
    path: PathParams,
    signed: Signed,
) -> Answer<AccountView> {
    let wire: UpdateAccountRequest = signed.json()?;
    let action = "brokerd:UpdateAccount";
    let account = administered(&settings, &store, &signed, action, &path).await?;
    let name = wire.name.as_deref().map(parse_name).transpose()?;
    let state = wire.state.as_deref().map(parse_state).transpose()?;
    let quotas = wire.quotas.map(|Object(quotas)| quotas.parse()).transpose()?;
    let outgoing = wire.outgoing.as_deref().map(OutgoingRanges::parse).transpose()?;
    let authorities = wire.directory_authorities.as_deref().map(parse_authorities).transpose()?;
    // Nobody could undo it by the API.
    if state == Some(AccountState::Suspended) && is_operator(&settings, &account.id) {
        return Err(is_operators("suspended").into());
    }
    let update = AccountUpdate {
        name: name.as_ref(),
        state,
        quotas,
        outgoing: outgoing.as_ref().map(Option::as_ref),
        directory_authorities: authorities,
    };
    match store.update_account(&account.id, update).await? {
        UpdateAccountOutcome::Updated => {}
        UpdateAccountOutcome::NotFound => return Err(not_found(&path).into()),
        UpdateAccountOutcome::NameTaken => {
            return Err(name_taken(name.as_ref().unwrap_or(&account.name)).into());
        }
    }
    authenticator.forget(&account.id);
    Ok(Reply(find(&store, &path).await?.into()))
}
