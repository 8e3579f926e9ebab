//! CreateTags.

use std::collections::BTreeMap;

use axum::{extract::State, http::StatusCode};
use brokerd_domain::Tags;
use brokerd_store::PgStore;
use serde::Deserialize;
use utoipa::ToSchema;

use super::change;
use crate::{
    auth::{Signed, TagChange},
    http::{error::ApiError, path::PathParams},
    openapi::{NotFound, OfTagged, ServiceErrors},
};

/// Tags to add.
#[derive(Deserialize, ToSchema)]
pub(crate) struct CreateTagsRequest {
    /// The tags; the value of an existing key is replaced. A resource has at most 50.
    tags: Option<BTreeMap<String, String>>,
}

/// Adds tags to a broker or a configuration, at once.
#[utoipa::path(
    post,
    path = "/v1/tags/{resource-arn}",
    operation_id = "CreateTags",
    tag = "tags",
    params(OfTagged),
    request_body = CreateTagsRequest,
    responses((status = 204, description = "Added."), NotFound, ServiceErrors),
    security(("sigv4" = [])),
)]
pub(crate) async fn create_tags(
    State(store): State<PgStore>,
    path: PathParams,
    signed: Signed,
) -> Result<StatusCode, ApiError> {
    let wire: CreateTagsRequest = signed.json()?;
    let added = Tags::parse(wire.tags.unwrap_or_default())?;
    let tag_change = TagChange::Adds(&added);
    change(&store, &path, &signed, tag_change, |tags| tags.with(&added)).await?;
    Ok(StatusCode::NO_CONTENT)
}
