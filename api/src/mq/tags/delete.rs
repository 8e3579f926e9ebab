//! DeleteTags.

use axum::{extract::State, http::StatusCode};
use brokerd_domain::Error;

use super::change;
use crate::{
    auth::{Signed, TagChange},
    http::{error::ApiError, path::PathParams, query::Query},
    openapi::{NotFound, OfTagged, ServiceErrors},
};
use brokerd_store::PgStore;

/// Removes tags from a broker or a configuration, at once. Unknown keys are ignored.
#[utoipa::path(
    delete,
    path = "/v1/tags/{resource-arn}",
    operation_id = "DeleteTags",
    tag = "tags",
    params(
        OfTagged,
        ("tagKeys" = Vec<String>, Query, description = "The keys to remove, one parameter each."),
    ),
    responses((status = 204, description = "Removed."), NotFound, ServiceErrors),
    security(("sigv4" = [])),
)]
pub(crate) async fn delete_tags(
    State(store): State<PgStore>,
    path: PathParams,
    query: Query,
    signed: Signed,
) -> Result<StatusCode, ApiError> {
    let keys = query.all("tagKeys");
    if keys.is_empty() {
        return Err(Error::bad_request("tagKeys", "[tagKeys] is required.").into());
    }
    let tag_change = TagChange::Removes(&keys);
    change(&store, &path, &signed, tag_change, |tags| Ok(tags.without(&keys))).await?;
    Ok(StatusCode::NO_CONTENT)
}
