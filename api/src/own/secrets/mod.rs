//! Secrets that configurations name by ARN. In AWS they are in Secrets Manager and S3.

pub(crate) mod delete;
pub(crate) mod describe;
pub(crate) mod list;
pub(crate) mod put;

use brokerd_domain::{Error, Scope, Secret, SecretName, SecretReference};
use brokerd_store::PgStore;
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    auth::{Signed, TagChange},
    http::{error::ApiError, path::PathParams},
};

/// What stands for the random end of the ARN of a secret that does not exist.
const NO_SUFFIX: &str = "000000";

/// A secret, without its value.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SecretView {
    /// The name.
    #[schema(example = "certs/ca.pem")]
    name: String,
    /// The ARN by which configurations of this account and region refer to it.
    #[schema(example = "arn:aws:secretsmanager:us-east-1:000000000000:secret:certs/ca.pem-AbCdEf")]
    arn: String,
    /// When it was created, ISO 8601 in UTC.
    #[schema(format = DateTime)]
    created: String,
    /// When its value was last set, ISO 8601 in UTC.
    #[schema(format = DateTime)]
    changed: String,
}

impl From<Secret> for SecretView {
    fn from(secret: Secret) -> Self {
        Self {
            arn: secret.arn(),
            name: secret.name.to_string(),
            created: secret.created.to_string(),
            changed: secret.changed.to_string(),
        }
    }
}

/// The name in the path, where a `/` is written `%2F`.
fn name(path: &PathParams) -> Result<SecretName, Error> {
    path.get("secret-name").parse()
}

/// Whether the path has an ARN where a name may be.
fn is_arn(path: &PathParams) -> bool {
    path.get("secret-name").starts_with("arn:")
}

/// The secret that the path names.
///
/// # Errors
/// The 403 of a caller who may not do the operation with it; the 404 of a secret.
async fn secret(store: &PgStore, signed: &Signed, path: &PathParams) -> Result<Secret, ApiError> {
    let (_, secret) = find(store, signed, path, NO_SUFFIX).await?;
    Ok(match secret {
        Some(secret) => secret,
        None if is_arn(path) => return Err(Secret::not_found(path.get("secret-name")).into()),
        None => return Err(Secret::not_found(name(path)?.as_str()).into()),
    })
}

/// The secret that the path names, and the scope in which it is or may be. `suffix` ends the ARN of one that does not
/// exist.
///
/// # Errors
/// The 403 of a caller who may not do the operation with it; the error of the store.
async fn find<'a>(
    store: &PgStore,
    signed: &'a Signed,
    path: &PathParams,
    suffix: &str,
) -> Result<(&'a Scope, Option<Secret>), ApiError> {
    let text = path.get("secret-name");
    let absent = match is_arn(path) {
        true => text.to_owned(),
        false => signed.arn("secretsmanager", &format!("secret:{text}-{suffix}")),
    };
    signed.resolve(TagChange::None, &absent, |scope| lookup(store, scope, path)).await
}

/// The secret by its name or its ARN, of which the six characters at the end and the hyphen before them may be missing,
/// as AWS Secrets Manager has it for `SecretId`.
async fn lookup(
    store: &PgStore,
    scope: &Scope,
    path: &PathParams,
) -> Result<Option<Secret>, ApiError> {
    let text = path.get("secret-name");
    if !is_arn(path) {
        return match name(path) {
            Ok(name) => Ok(store.secret(scope, &name).await?),
            Err(_) => Ok(None),
        };
    }
    let reference = SecretReference::parse(text).filter(|reference| reference.is_of(scope));
    for name in reference.iter().flat_map(SecretReference::names) {
        if let Some(secret) = store.secret(scope, &name).await?
            && secret.has_arn(text)
        {
            return Ok(Some(secret));
        }
    }
    Ok(None)
}
