//! ListTags.

use std::collections::BTreeMap;

use axum::extract::State;
use brokerd_store::PgStore;
use serde::Serialize;
use utoipa::ToSchema;

use super::not_found;
use crate::{
    auth::{PolicyResource as _, Signed, TagChange},
    http::{
        path::PathParams,
        respond::{Answer, Reply},
    },
    openapi::{NotFound, OfTagged, ServiceErrors},
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
    params(OfTagged),
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
    let tagged = path.tagged(&store, &signed, TagChange::None).await?;
    let tagged = tagged.ok_or_else(not_found)?;
    let tags = tagged.policy_tags().map(|tags| tags.as_map().clone());
    Ok(Reply(ListTagsResponse { tags: tags.unwrap_or_default() }))
}
