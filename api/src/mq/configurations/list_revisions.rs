//! ListConfigurationRevisions.

use axum::extract::State;
use brokerd_store::PgStore;
use serde::Serialize;
use utoipa::ToSchema;

use super::ConfigurationRevisionView;
use crate::{
    auth::Signed,
    http::{
        page::{self, Page},
        path::PathParams,
        respond::{Answer, Reply},
    },
    openapi::{NotFound, OfConfiguration, ServiceErrors},
};

/// A page of revisions, oldest first.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ListConfigurationRevisionsResponse {
    /// The configuration's identifier.
    configuration_id: String,
    /// The maximum number of items on a page.
    max_results: u32,
    /// The token of the next page. As in the service, only an empty page has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    next_token: Option<String>,
    /// The revisions, without their content.
    revisions: Vec<ConfigurationRevisionView>,
}

/// Lists the revisions of a configuration.
#[utoipa::path(
    get,
    path = "/v1/configurations/{configuration-id}/revisions",
    operation_id = "ListConfigurationRevisions",
    tag = "configurations",
    params(OfConfiguration, Page),
    responses(
        (status = 200, description = "A page.", body = ListConfigurationRevisionsResponse),
        NotFound,
        ServiceErrors,
    ),
    security(("sigv4" = [])),
)]
pub(crate) async fn list_configuration_revisions(
    State(store): State<PgStore>,
    path: PathParams,
    page: Page,
    signed: Signed,
) -> Answer<ListConfigurationRevisionsResponse> {
    let max_results = page.size()?;
    let configuration = path.configuration(&store, &signed).await?;
    let (scope, id) = (&configuration.scope, configuration.id);
    let after = page.after_revision()?.unwrap_or(i32::MIN);
    let found = store.revisions(scope, id, after, max_results).await?;
    let found = found.ok_or_else(|| path.configuration_not_found())?;
    Ok(Reply(ListConfigurationRevisionsResponse {
        configuration_id: id.to_string(),
        max_results,
        next_token: found.last().map(|revision| page::after_revision(revision.number)),
        revisions: found.iter().map(Into::into).collect(),
    }))
}
