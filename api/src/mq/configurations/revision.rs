//! DescribeConfigurationRevision.

use axum::extract::State;
use base64::{Engine, engine::general_purpose::STANDARD};
use brokerd_domain::{Configuration, Error, parse_revision};
use brokerd_store::{PgStore, RevisionLookup};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    auth::Signed,
    http::{
        path::PathParams,
        respond::{Answer, Reply},
    },
    openapi::{NotFound, OfRevision, ServiceErrors},
};

/// A revision with its content.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DescribeConfigurationRevisionResponse {
    /// The configuration's identifier.
    configuration_id: String,
    /// When the revision was saved, ISO 8601 in UTC.
    #[schema(format = DateTime)]
    created: String,
    /// The content, base64.
    #[schema(format = Byte)]
    data: String,
    /// The author's description.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    description: Option<String>,
}

/// Describes a revision and its content.
#[utoipa::path(
    get,
    path = "/v1/configurations/{configuration-id}/revisions/{configuration-revision}",
    operation_id = "DescribeConfigurationRevision",
    tag = "configurations",
    params(OfRevision),
    responses(
        (status = 200, description = "The revision.", body = DescribeConfigurationRevisionResponse),
        NotFound,
        ServiceErrors,
    ),
    security(("sigv4" = [])),
)]
pub(crate) async fn describe_configuration_revision(
    State(store): State<PgStore>,
    path: PathParams,
    signed: Signed,
) -> Answer<DescribeConfigurationRevisionResponse> {
    let number = parse_revision(path.get("configuration-revision"))?;
    // Source: recorded answers of the service: for a missing configuration they name the revision.
    let missing = || Error::revision_not_found(number, path.get("configuration-id"));
    let configuration = path.find_configuration(&store, &signed).await?;
    let Configuration { id, scope, .. } = configuration.ok_or_else(missing)?;
    match store.revision(&scope, id, Some(number)).await? {
        RevisionLookup::Found(found) => Ok(Reply(DescribeConfigurationRevisionResponse {
            configuration_id: id.to_string(),
            created: found.revision.created.to_string(),
            data: STANDARD.encode(found.data),
            description: found.revision.description,
        })),
        RevisionLookup::NoConfiguration | RevisionLookup::NoRevision(_) => Err(missing().into()),
    }
}
