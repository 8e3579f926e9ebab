//! ListTags.

use std::collections::BTreeMap;

use axum::extract::State;
use brokerd_store::PgStore;
use serde::Serialize;
use utoipa::ToSchema;

use super::{not_found, resource};
use crate::{
    auth::Signed,
    http::{
        path::PathParams,
        respond::{Answer, Reply},
    },
    openapi::{NotFound, ServiceErrors},
};

/// The tags of a resource.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ListTagsResponse {
    /// The tags.
    tags: BTreeMap<String, String>,
}

/// Lists the tags of a broker or a configuration.
#[utoipa::path(
    get,
    path = "/v1/tags/{resource-arn}",
    operation_id = "ListTags",
    tag = "tags",
    params(("resource-arn" = String, Path, description = "The ARN of a broker or a configuration.")),
    responses(
        (status = 200, description = "The tags.", body = ListTagsResponse),
        NotFound,
        ServiceErrors,
    ),
    security(("sigv4" = [])),
)]
pub(crate) async fn list_tags(
    State(store): State<PgStore>,
    path: PathParams,
    signed: Signed,
) -> Answer<ListTagsResponse> {
    let scope = &signed.caller.scope;
    let resource = resource(&path, scope)?;
    let tags = store.tags(scope, &resource).await?.ok_or_else(not_found)?;
    Ok(Reply(ListTagsResponse { tags: tags.as_map().clone() }))
}
