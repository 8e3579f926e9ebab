//! ListSecrets.

use std::sync::Arc;

use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use super::SecretView;
use crate::{
    ApiState,
    auth::Signed,
    openapi::ServiceErrors,
    respond::{Answer, Reply},
};

/// The secrets of an account in a region.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ListSecretsResponse {
    /// All of them, by name.
    secrets: Vec<SecretView>,
}

/// Lists the secrets that are kept here.
#[utoipa::path(
    get,
    path = "/brokerd/v1/secrets",
    operation_id = "ListSecrets",
    tag = "brokerd",
    responses((status = 200, description = "The secrets.", body = ListSecretsResponse), ServiceErrors),
    security(("sigv4" = [])),
)]
pub(crate) async fn list_secrets(
    State(api): State<Arc<ApiState>>,
    signed: Signed,
) -> Answer<ListSecretsResponse> {
    let secrets = api.store.secrets(&signed.caller.scope).await?;
    Ok(Reply(ListSecretsResponse { secrets: secrets.into_iter().map(Into::into).collect() }))
}
