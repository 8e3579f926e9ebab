//! ValidateBroker: what CreateBroker would refuse, all at once.

use std::sync::Arc;

use axum::extract::State;
use brokerd_domain::{
    BrokerName, BrokerResources, CreateBroker, CreateBrokerInput, CreationContext, Entropy, Error,
    Scope, identity::AccountQuota,
};
use brokerd_store::PgStore;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    ApiSettings,
    auth::{CallResource, Signed},
    cache::OfferingsCache,
    http::{
        error::ApiError,
        respond::{Answer, Reply},
    },
    mq::{
        brokers::{create::CreateBrokerRequest, security_groups::check_groups},
        configurations::named_revision,
    },
    openapi::ServiceErrors,
};

/// What CreateBroker would refuse.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ValidateBrokerResponse {
    /// Everything that is wrong with the request; empty: CreateBroker would accept it now.
    errors: Vec<BrokerProblem>,
}

/// Something that CreateBroker would refuse.
#[derive(Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct BrokerProblem {
    /// The member at fault, users by their place; absent: no single one is.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "users[0].password")]
    attribute: Option<String>,
    /// The reason, for a person: what CreateBroker would answer.
    message: String,
}

impl From<Error> for BrokerProblem {
    fn from(error: Error) -> Self {
        Self { attribute: error.attribute.map(Into::into), message: error.message }
    }
}

/// Checks a request to CreateBroker against all of its rules, and creates nothing. Members that depend on an invalid
/// member are not checked.
#[utoipa::path(
    post,
    path = "/brokerd/v1/brokers/validate",
    operation_id = "ValidateBroker",
    tag = "brokerd",
    request_body = CreateBrokerRequest,
    responses(
        (status = 200, description = "What is wrong.", body = ValidateBrokerResponse),
        ServiceErrors,
    ),
    security(("sigv4" = [])),
)]
pub(crate) async fn validate_broker(
    State(settings): State<Arc<ApiSettings>>,
    State(store): State<PgStore>,
    State(offerings): State<Arc<OfferingsCache>>,
    State(entropy): State<Arc<dyn Entropy>>,
    signed: Signed,
) -> Answer<ValidateBrokerResponse> {
    let scope = signed.authorize(CallResource::NONE)?;
    let mut wire: CreateBrokerRequest = match signed.json() {
        Ok(wire) => wire,
        // A member of another type, after which nothing can be read.
        Err(error) if error.attribute.is_some() => {
            return Ok(Reply(ValidateBrokerResponse { errors: vec![error.into()] }));
        }
        Err(error) => return Err(error.into()),
    };
    let mut errors: Vec<BrokerProblem> = Vec::new();
    let named = wire.configuration.take();
    let revision = named_revision(&store, &signed, scope, named.as_ref(), |missing| {
        Error::bad_request("configuration", missing.message)
    })
    .await;
    let revision = match revision {
        Ok(revision) => revision,
        Err(refused) => {
            errors.push(told(refused, "configuration")?);
            None
        }
    };
    let offerings = offerings.get().await?;
    let input = CreateBrokerInput::from(wire);
    let context = CreationContext {
        scope,
        revision: revision.as_ref(),
        offerings: &offerings,
        network: &settings.network,
        entropy: entropy.as_ref(),
    };
    let problems = CreateBroker::problems(&input, context);
    let name = input.broker_name.as_deref().and_then(|name| BrokerName::parse(name).ok());
    if let Some(name) = &name
        && store.has_broker_named(scope, name).await?
    {
        errors.insert(
            0,
            BrokerProblem {
                attribute: Some("brokerName".to_owned()),
                message: format!(
                    "Broker named [{name}] already exists. Specify a unique broker name."
                ),
            },
        );
    }
    let is_about_groups = |error: &Error| error.attribute.as_deref() == Some("securityGroups");
    let groups = input.security_groups.clone().unwrap_or_default();
    if !problems.iter().any(is_about_groups)
        && let Err(refused) = check_groups(&settings, &store, scope, &groups).await
    {
        errors.push(told(refused, "securityGroups")?);
    }
    if problems.is_empty() {
        let parsed = CreateBroker::parse(
            input,
            scope,
            context.revision,
            context.offerings,
            context.network,
            context.entropy,
        );
        if let Ok(command) = parsed {
            errors.extend(over_quota(&store, scope, &command).await?.map(Into::into));
        }
    }
    errors.extend(problems.into_iter().map(Into::into));
    Ok(Reply(ValidateBrokerResponse { errors }))
}

/// A refusal as one of several things that are wrong.
///
/// # Errors
/// What is no refusal of the caller.
fn told(refused: ApiError, attribute: &str) -> Result<BrokerProblem, ApiError> {
    if !refused.status().is_client_error() {
        return Err(refused);
    }
    let message = refused.message(Uuid::nil()).into_owned();
    Ok(BrokerProblem { attribute: Some(attribute.to_owned()), message })
}

/// The quota of the account that the broker would exceed, as far as nobody else creates one meanwhile.
async fn over_quota(
    store: &PgStore,
    scope: &Scope,
    command: &CreateBroker,
) -> Result<Option<Error>, ApiError> {
    let Some(account) = store.account(&scope.account).await? else { return Ok(None) };
    let used = store.account_usage(&scope.account).await?.unwrap_or_default();
    let needed = BrokerResources::of(&command.spec, &brokerd_domain::PendingChanges::default());
    let quotas = account.quotas;
    let exceeds =
        |quota: Option<u32>, needs: u64| quota.is_some_and(|quota| needs > u64::from(quota));
    let exceeded = if exceeds(quotas.brokers, u64::from(used.brokers) + 1) {
        AccountQuota::Brokers
    } else if exceeds(quotas.memory_mib, used.memory_mib + u64::from(needed.memory_mib)) {
        AccountQuota::Memory
    } else if exceeds(quotas.storage_gib, used.storage_gib + u64::from(needed.storage_gib)) {
        AccountQuota::Storage
    } else {
        return Ok(None);
    };
    Ok(Some(exceeded.exceeded()))
}
