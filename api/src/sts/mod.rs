//! AWS Security Token Service: who calls, and credentials that end.
//!
//! Source: AWS STS API reference, version 2011-06-15.

mod assume_role;
mod call;
mod chain;
mod identity;
mod session_token;
mod views;

use brokerd_domain::policy::OperationPermissions;

pub(crate) use self::call::API;
use self::call::Call;
use crate::{
    caller::Caller,
    http::error::ApiError,
    query::{Output, Parameters},
    service_parts::ServiceParts,
};

/// The answer of an operation, and its name.
pub(crate) async fn answer(
    services: &ServiceParts,
    caller: &Caller,
    operation: &str,
    parameters: &Parameters,
) -> Result<(&'static str, Output), ApiError> {
    let known = OperationPermissions::of_sts(operation).ok_or_else(|| API.unknown(operation))?;
    tracing::Span::current().record("aws.action", format!("sts:{}", known.operation));
    let call = Call { services, caller, parameters };
    let output = match known.operation {
        "AssumeRole" => assume_role::answer(call).await?,
        "GetAccessKeyInfo" => identity::access_key(call).await?,
        "GetCallerIdentity" => identity::caller(call),
        "GetSessionToken" => session_token::answer(call)?,
        other => return Err(API.unknown(other)),
    };
    Ok((known.operation, output))
}
