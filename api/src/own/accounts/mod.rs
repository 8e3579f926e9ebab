//! Accounts, which the operator makes for others. What is in them is administered over IAM.
//!
//! The operator is whoever acts in the account of [`ApiSettings::operator`], as far as its policies allow. Others see
//! their own account and nothing else: every other number is one that does not exist.

pub(crate) mod create;
pub(crate) mod delete;
pub(crate) mod describe;
pub(crate) mod list;
pub(crate) mod update;
pub(crate) mod usage;

use brokerd_domain::{
    AccountId, Error,
    identity::{Account, AccountName, AccountState, OutgoingRanges, Quotas, QuotasInput},
};
use brokerd_store::PgStore;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    ApiSettings,
    auth::{AccessDenied, CallResource, Signed},
    http::{error::ApiError, path::PathParams, refusal},
};

/// What an account may have and do. What is absent is not limited by the account.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct QuotasRequest {
    /// Brokers in all regions together.
    #[schema(minimum = 0, maximum = 2_147_483_647_i64, example = 20)]
    brokers: Option<i64>,
    /// Memory of the instance types of all brokers together, in MiB.
    #[schema(minimum = 0, maximum = 2_147_483_647_i64, example = 65536)]
    memory_mib: Option<i64>,
    /// Storage of all brokers together, in GiB.
    #[schema(minimum = 0, maximum = 2_147_483_647_i64, example = 2000)]
    storage_gib: Option<i64>,
    /// Requests per second in the long run, in place of `api.throttle_rate`.
    #[schema(minimum = 1, maximum = 2_147_483_647_i64, example = 15)]
    api_rate: Option<i64>,
}

impl QuotasRequest {
    fn parse(self) -> Result<Quotas, Error> {
        Quotas::parse(QuotasInput {
            brokers: self.brokers,
            memory_mib: self.memory_mib,
            storage_gib: self.storage_gib,
            api_rate: self.api_rate,
        })
    }
}

/// What an account may have and do. What is absent is not limited by the account.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct QuotasView {
    /// Brokers in all regions together.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    brokers: Option<u32>,
    /// Memory of the instance types of all brokers together, in MiB.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    memory_mib: Option<u32>,
    /// Storage of all brokers together, in GiB.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    storage_gib: Option<u32>,
    /// Requests per second in the long run, in place of `api.throttle_rate`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    api_rate: Option<u32>,
}

impl From<Quotas> for QuotasView {
    fn from(quotas: Quotas) -> Self {
        let Quotas { brokers, memory_mib, storage_gib, api_rate } = quotas;
        Self { brokers, memory_mib, storage_gib, api_rate }
    }
}

/// An account.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AccountView {
    /// The number: twelve digits.
    #[schema(example = "123456789012")]
    account_id: String,
    /// What policies name it by.
    #[schema(example = "arn:aws:account::123456789012:account")]
    arn: String,
    /// What the operator calls it; unique.
    name: String,
    /// `ACTIVE`, or `SUSPENDED`: its requests are refused, and its brokers go on.
    #[schema(value_type = String, example = "ACTIVE")]
    state: &'static str,
    /// What it may have and do.
    quotas: QuotasView,
    /// What engines of its brokers may connect to of what the installation permits: ranges of addresses, or `none`;
    /// endpoints of brokers are always among it. Absent: all that the installation permits.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = json!(["10.20.0.0/16"]))]
    outgoing: Option<Vec<String>>,
    /// The certificates, PEM, of the authorities of its LDAP directories. Absent: those of the installation.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    directory_authorities: Option<String>,
    /// When it was created, ISO 8601 in UTC.
    #[schema(format = DateTime)]
    created: String,
}

impl From<Account> for AccountView {
    fn from(account: Account) -> Self {
        Self {
            arn: arn(account.id.as_str()),
            account_id: account.id.to_string(),
            name: account.name.to_string(),
            state: account.state.as_str(),
            quotas: account.quotas.into(),
            outgoing: account.network.outgoing.as_ref().map(OutgoingRanges::texts),
            directory_authorities: account.network.directory_authorities,
            created: account.created.to_string(),
        }
    }
}

/// Source: "Resource types defined by AWS Account Management" of the service authorization reference.
fn arn(id: &str) -> String {
    format!("arn:aws:account::{id}:account")
}

fn parse_name(name: &str) -> Result<AccountName, Error> {
    AccountName::parse(name).map_err(|_| {
        Error::bad_request(
            "name",
            "[name] is invalid. Specify 1 to 50 characters, no control characters, no space at the ends.",
        )
    })
}

fn parse_state(state: &str) -> Result<AccountState, Error> {
    AccountState::from_name(&state.to_uppercase()).ok_or_else(|| {
        Error::bad_request("state", "[state] is invalid. Valid values: [ACTIVE], [SUSPENDED].")
    })
}

/// The authorities of directories that a request names; none: an empty text, for those of the installation.
fn parse_authorities(pem: &str) -> Result<Option<&str>, Error> {
    const MAX_BYTES: usize = 100_000;
    let invalid = |why: String| {
        let message = format!("[directoryAuthorities] is invalid. {why}");
        Error::bad_request("directoryAuthorities", message)
    };
    if pem.trim().is_empty() {
        return Ok(None);
    }
    if pem.len() > MAX_BYTES {
        return Err(invalid(format!("Specify at most [{MAX_BYTES}] bytes.")));
    }
    let mut count = 0;
    for block in x509_parser::pem::Pem::iter_from_buffer(pem.as_bytes()) {
        count += 1;
        let block = block.map_err(|error| invalid(format!("Certificate {count}: {error}.")))?;
        let read = block.label == "CERTIFICATE" && block.parse_x509().is_ok();
        if !read {
            return Err(invalid(format!("Block {count} is no X.509 certificate.")));
        }
    }
    match count {
        0 => Err(invalid("Specify certificates in PEM form.".to_owned())),
        _ => Ok(Some(pem)),
    }
}

fn name_taken(name: &AccountName) -> Error {
    Error::conflict(
        "name",
        format!("Another account has the name [{name}]. Specify a unique name."),
    )
}

fn not_found(path: &PathParams) -> Error {
    let id = path.get("account-id");
    refusal::not_found(
        "account-id",
        format!("Account ID [{id}] can't be found. Make sure it exists."),
    )
}

/// The 409 of what may not happen to the operator's own account.
fn is_operators(what: &str) -> Error {
    refusal::conflict_overall(format!("The operator's own account can't be {what}."))
}

/// Whether it is the operator's own account.
pub(crate) fn is_operator(settings: &ApiSettings, account: &AccountId) -> bool {
    settings.operator.as_ref() == Some(account)
}

/// Lets those through who may do the operation in the operator's account.
///
/// # Errors
/// The 403 of everybody else.
pub(crate) fn authorize_operator(
    settings: &ApiSettings,
    signed: &Signed,
    action: &str,
    resource: CallResource<'_>,
) -> Result<(), ApiError> {
    if is_operator(settings, &signed.authorize(resource)?.account) {
        return Ok(());
    }
    let (principal, resource) = (signed.caller.principal().arn(), resource.arn);
    let message = format!(
        "User: {principal} is not authorized to perform: {action} on resource: {resource} because only the operator's account may"
    );
    Err(AccessDenied { message }.into())
}

/// The account in the path, for the operator.
///
/// # Errors
/// As [`authorize_operator`]; the 404 of an account.
async fn administered(
    settings: &ApiSettings,
    store: &PgStore,
    signed: &Signed,
    action: &str,
    path: &PathParams,
) -> Result<Account, ApiError> {
    let id = path.get("account-id");
    authorize_operator(settings, signed, action, CallResource::named(&arn(id)))?;
    find(store, path).await
}

/// The account in the path, for the operator and for those who are in it.
///
/// # Errors
/// The 403 of a caller who may not do the operation with it; the 404 of an account.
async fn visible(
    settings: &ApiSettings,
    store: &PgStore,
    signed: &Signed,
    path: &PathParams,
) -> Result<Account, ApiError> {
    let id = path.get("account-id");
    let caller = &signed.authorize(CallResource::named(&arn(id)))?.account;
    if !is_operator(settings, caller) && caller.as_str() != id {
        return Err(not_found(path).into());
    }
    find(store, path).await
}

async fn find(store: &PgStore, path: &PathParams) -> Result<Account, ApiError> {
    let id: AccountId = path.get("account-id").parse().map_err(|_| not_found(path))?;
    Ok(store.account(&id).await?.ok_or_else(|| not_found(path))?)
}
