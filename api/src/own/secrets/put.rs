//! PutSecret.

use std::{fmt, sync::Arc};

use axum::extract::State;
use brokerd_domain::{Clock, Entropy, Error, Secret};
use brokerd_store::PgStore;
use serde::Deserialize;
use utoipa::ToSchema;

use super::{SecretView, find, is_arn, name};
use crate::{
    auth::Signed,
    http::{
        path::PathParams,
        respond::{Answer, Reply},
    },
    openapi::{NotFound, OfSecret, ServiceErrors},
};

/// The secret to store.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PutSecretRequest {
    /// The value, 1 to 65,536 bytes: a password, or certificates or a key as PEM.
    #[schema(required, nullable = false, format = Password)]
    secret_string: Option<String>,
}

impl fmt::Debug for PutSecretRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PutSecretRequest")
    }
}

/// Stores a secret, or replaces the value of the secret with this name or ARN. Configurations of RabbitMQ refer
/// to a secret by its ARN, as `aws.arns.…`. An ARN of Secrets Manager or S3 refers to it, too, if its name, or
/// its bucket and key, is the secret's name. Brokers read secrets when they are created or rebooted.
#[utoipa::path(
    put,
    path = "/brokerd/v1/secrets/{secret-name}",
    operation_id = "PutSecret",
    tag = "brokerd",
    params(OfSecret),
    request_body = PutSecretRequest,
    responses((status = 200, description = "The secret.", body = SecretView), NotFound, ServiceErrors),
    security(("sigv4" = [])),
)]
pub(crate) async fn put_secret(
    State(store): State<PgStore>,
    State(clock): State<Arc<dyn Clock>>,
    State(entropy): State<Arc<dyn Entropy>>,
    path: PathParams,
    signed: Signed,
) -> Answer<SecretView> {
    let wire: PutSecretRequest = signed.json()?;
    let value = Secret::parse_value(wire.secret_string)?;
    let now = clock.now();
    let suffix = Secret::suffix(entropy.as_ref());
    let (scope, existing) = find(&store, &signed, &path, &suffix).await?;
    let name = match existing {
        Some(secret) => secret.name,
        None if is_arn(&path) => return Err(Secret::not_found(path.get("secret-name")).into()),
        None => name(&path)?,
    };
    let fresh = Secret { scope: scope.clone(), name, suffix, created: now, changed: now };
    match store.put_secret(&fresh, &value).await? {
        Some(secret) => Ok(Reply(secret.into())),
        None => Err(Error::too_many("secrets").into()),
    }
}
