//! DeleteSecret.

use axum::{extract::State, http::StatusCode};
use brokerd_domain::Secret;

use super::secret;
use crate::{
    auth::Signed,
    http::{error::ApiError, path::PathParams},
    openapi::{NotFound, OfSecret, ServiceErrors},
};
use brokerd_store::PgStore;

/// Deletes a secret. Brokers keep the value that they have read. A reboot with a configuration that refers to the
/// secret does not take place.
#[utoipa::path(
    delete,
    path = "/brokerd/v1/secrets/{secret-name}",
    operation_id = "DeleteSecret",
    tag = "brokerd",
    params(OfSecret),
    responses((status = 204, description = "Deleted."), NotFound, ServiceErrors),
    security(("sigv4" = [])),
)]
pub(crate) async fn delete_secret(
    State(store): State<PgStore>,
    path: PathParams,
    signed: Signed,
) -> Result<StatusCode, ApiError> {
    let Secret { name, scope, .. } = secret(&store, &signed, &path).await?;
    if store.delete_secret(&scope, &name).await? {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(Secret::not_found(name.as_str()).into())
    }
}
