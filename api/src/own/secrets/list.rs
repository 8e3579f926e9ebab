//! ListSecrets.

use axum::extract::State;
use brokerd_store::PgStore;
use serde::Serialize;
use utoipa::ToSchema;

use super::SecretView;
use crate::{
    auth::{CallResource, Signed},
    http::respond::{Answer, Reply},
    openapi::ServiceErrors,
};

/// The secrets of an account in a region.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ListSecretsResponse {
    /// The secrets, by name.
    secrets: Vec<SecretView>,
}

/// Lists the secrets that brokerd stores.
#[utoipa::path(
    get,
    path = "/brokerd/v1/secrets",
    operation_id = "ListSecrets",
    tag = "brokerd",
    responses((status = 200, description = "The secrets.", body = ListSecretsResponse), ServiceErrors),
    security(("sigv4" = [])),
)]
pub(crate) async fn list_secrets(
    State(store): State<PgStore>,
    signed: Signed,
) -> Answer<ListSecretsResponse> {
    let secrets = store.secrets(signed.authorize(CallResource::NONE)?).await?;
    Ok(Reply(ListSecretsResponse { secrets: secrets.into_iter().map(Into::into).collect() }))
}
