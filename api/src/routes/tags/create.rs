//! CreateTags.

use std::{collections::BTreeMap, sync::Arc};

use axum::{extract::State, http::StatusCode};
use brokerd_domain::Tags;
use serde::Deserialize;
use utoipa::ToSchema;

use super::{not_found, resource};
use crate::{
    ApiState,
    auth::Signed,
    error::ApiError,
    extract::PathParams,
    json,
    openapi::{NotFound, ServiceErrors},
};

/// Tags to add.
#[derive(Deserialize, ToSchema)]
pub(crate) struct CreateTagsRequest {
    /// The tags; a key that is there gets the new value. A resource has at most 50.
    tags: Option<BTreeMap<String, String>>,
}

/// Adds tags to a broker or a configuration, at once.
#[utoipa::path(
    post,
    path = "/v1/tags/{resource-arn}",
    operation_id = "CreateTags",
    tag = "tags",
    params(("resource-arn" = String, Path, description = "The ARN of a broker or a configuration.")),
    request_body = CreateTagsRequest,
    responses((status = 204, description = "Added."), NotFound, ServiceErrors),
    security(("sigv4" = [])),
)]
pub(crate) async fn create_tags(
    State(api): State<Arc<ApiState>>,
    path: PathParams,
    signed: Signed,
) -> Result<StatusCode, ApiError> {
    let scope = &signed.caller.scope;
    let resource = resource(&path, scope)?;
    let wire: CreateTagsRequest = json::object(&signed.body)?;
    let added = Tags::parse(wire.tags.unwrap_or_default())?;
    let changed = api.store.change_tags(scope, &resource, |tags| tags.with(&added).map(Some));
    changed.await?.ok_or_else(not_found)??;
    Ok(StatusCode::NO_CONTENT)
}
