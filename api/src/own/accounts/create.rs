//! CreateAccount.

use std::sync::Arc;

use axum::extract::State;
use brokerd_domain::{
    AccountId, Clock, Entropy, Error,
    identity::{Account, AccountNetwork, AccountState, Quotas},
};
use brokerd_store::{NewAccountOutcome, PgStore};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{AccountView, QuotasRequest, authorize_operator, name_taken, parse_name};
use crate::{
    ApiSettings,
    auth::{CallResource, Signed},
    http::{
        error::ApiError,
        json::Object,
        respond::{Answer, Reply},
    },
    openapi::{Conflict, ServiceErrors},
};

/// How often a number that is drawn may be one that is taken.
const TRIES: usize = 8;

/// The account to create.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CreateAccountRequest {
    /// What it is called: 1 to 50 characters, unique whatever their letter case.
    #[schema(required, nullable = false, example = "team-red")]
    name: Option<String>,
    /// Its number, twelve digits; default: a fresh one.
    #[schema(example = "123456789012")]
    account_id: Option<String>,
    /// What it may have and do; default: what every account may.
    #[schema(value_type = Option<QuotasRequest>)]
    quotas: Option<Object<QuotasRequest>>,
}

/// Creates an account. Its root has no access key yet: `brokerd key create --account` makes one.
#[utoipa::path(
    post,
    path = "/brokerd/v1/accounts",
    operation_id = "CreateAccount",
    tag = "brokerd",
    request_body = CreateAccountRequest,
    responses(
        (status = 200, description = "The account.", body = AccountView),
        Conflict,
        ServiceErrors,
    ),
    security(("sigv4" = [])),
)]
pub(crate) async fn create_account(
    State(settings): State<Arc<ApiSettings>>,
    State(store): State<PgStore>,
    State(clock): State<Arc<dyn Clock>>,
    State(entropy): State<Arc<dyn Entropy>>,
    signed: Signed,
) -> Answer<AccountView> {
    authorize_operator(&settings, &signed, "brokerd:CreateAccount", CallResource::NONE)?;
    let wire: CreateAccountRequest = signed.json()?;
    let name = wire.name.ok_or_else(|| Error::bad_request("name", "[name] is required."))?;
    let name = parse_name(&name)?;
    let named: Option<AccountId> =
        wire.account_id.map(|id| id.parse()).transpose().map_err(|_| {
            Error::bad_request("accountId", "[accountId] is invalid. Specify 12 digits.")
        })?;
    let quotas = wire.quotas.map(|Object(quotas)| quotas.parse()).transpose()?;
    for _ in 0..TRIES {
        let account = Account {
            id: named.clone().unwrap_or_else(|| AccountId::generate(entropy.as_ref())),
            name: name.clone(),
            state: AccountState::Active,
            quotas: quotas.unwrap_or(Quotas::default()),
            network: AccountNetwork::default(),
            created: clock.now(),
        };
        match store.create_account(&account).await? {
            NewAccountOutcome::Created => return Ok(Reply(account.into())),
            NewAccountOutcome::NameTaken => return Err(name_taken(&name).into()),
            NewAccountOutcome::IdTaken if named.is_some() => {
                return Err(Error::conflict(
                    "accountId",
                    format!("Account ID [{}] is taken. Specify another one.", account.id),
                )
                .into());
            }
            NewAccountOutcome::IdTaken => {}
        }
    }
    Err(ApiError::unavailable("No free account ID was found. Try again."))
}
