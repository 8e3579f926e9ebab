//! Secrets that configurations name by ARN: in the service they are in AWS Secrets Manager and Amazon S3.

pub(crate) mod delete;
pub(crate) mod describe;
pub(crate) mod list;
pub(crate) mod put;

use brokerd_domain::{Error, Secret, SecretName};
use serde::Serialize;
use utoipa::ToSchema;

use crate::extract::PathParams;

/// A secret. Its value is never told.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SecretView {
    /// The name.
    #[schema(example = "certs/ca.pem")]
    name: String,
    /// The ARN by which configurations of brokers of this account and region may name it.
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
fn named(path: &PathParams) -> Result<SecretName, Error> {
    path.get("secret-name").parse()
}

fn not_found(name: &SecretName) -> Error {
    Secret::not_found(name.as_str())
}
