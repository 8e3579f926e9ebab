//! DescribeSecret.

use axum::extract::State;
use brokerd_store::PgStore;

use super::{SecretView, secret};
use crate::{
    auth::Signed,
    http::{
        path::PathParams,
        respond::{Answer, Reply},
    },
    openapi::{NotFound, OfSecret, ServiceErrors},
};

/// Describes a secret, without its value.
#[utoipa::path(
    get,
    path = "/brokerd/v1/secrets/{secret-name}",
    operation_id = "DescribeSecret",
    tag = "brokerd",
    params(OfSecret),
    responses((status = 200, description = "The secret.", body = SecretView), NotFound, ServiceErrors),
    security(("sigv4" = [])),
)]
pub(crate) async fn describe_secret(
    State(store): State<PgStore>,
    path: PathParams,
    signed: Signed,
) -> Answer<SecretView> {
    Ok(Reply(secret(&store, &signed, &path).await?.into()))
}
