//! DescribeSecret.

use std::sync::Arc;

use axum::extract::State;

use super::{SecretView, found};
use crate::{
    ApiState,
    auth::Signed,
    extract::PathParams,
    openapi::{NotFound, ServiceErrors},
    respond::{Answer, Reply},
};

/// Tells of a secret all but its value.
#[utoipa::path(
    get,
    path = "/brokerd/v1/secrets/{secret-name}",
    operation_id = "DescribeSecret",
    tag = "brokerd",
    params(("secret-name" = String, Path, description = "The secret's name or ARN, a `/` in it written `%2F`.")),
    responses((status = 200, description = "The secret.", body = SecretView), NotFound, ServiceErrors),
    security(("sigv4" = [])),
)]
pub(crate) async fn describe_secret(
    State(api): State<Arc<ApiState>>,
    path: PathParams,
    signed: Signed,
) -> Answer<SecretView> {
    Ok(Reply(found(&api, &signed.caller.scope, &path).await?.into()))
}
