//! ListConfigurations.

use std::collections::BTreeMap;

use axum::extract::State;
use brokerd_domain::Configuration;
use brokerd_store::PgStore;
use serde::Serialize;
use utoipa::ToSchema;

use super::ConfigurationRevisionView;
use crate::{
    auth::{CallResource, Signed},
    http::{
        page::{self, Page},
        respond::{Answer, Reply},
    },
    openapi::ServiceErrors,
};

/// A page of configurations, oldest first.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ListConfigurationsResponse {
    /// The configurations.
    configurations: Vec<ConfigurationSummary>,
    /// The maximum number of items on a page.
    max_results: u32,
    /// The token of the next page. As in the service, only an empty page has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    next_token: Option<String>,
}

/// A configuration.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ConfigurationSummary {
    /// The ARN.
    arn: String,
    /// `simple` or `ldap`.
    #[schema(value_type = String, example = "simple")]
    authentication_strategy: &'static str,
    /// When it was created, ISO 8601 in UTC.
    #[schema(format = DateTime)]
    created: String,
    /// `ActiveMQ` or `RabbitMQ`.
    #[schema(value_type = String, example = "ActiveMQ")]
    engine_type: &'static str,
    /// `major.minor`.
    engine_version: String,
    /// The identifier.
    id: String,
    /// The newest revision.
    latest_revision: ConfigurationRevisionView,
    /// The name.
    name: String,
    /// The tags; absent if there are none.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    #[schema(required = false)]
    tags: BTreeMap<String, String>,
}

impl From<&Configuration> for ConfigurationSummary {
    fn from(configuration: &Configuration) -> Self {
        Self {
            arn: configuration.arn().to_string(),
            authentication_strategy: configuration.authentication_strategy.display_name(),
            created: configuration.created.to_string(),
            engine_type: configuration.engine_type.display_name(),
            engine_version: configuration.engine_version.to_string(),
            id: configuration.id.to_string(),
            latest_revision: (&configuration.latest).into(),
            name: configuration.name.to_string(),
            tags: configuration.tags.as_map().clone(),
        }
    }
}

/// Lists the caller's configurations.
#[utoipa::path(
    get,
    path = "/v1/configurations",
    operation_id = "ListConfigurations",
    tag = "configurations",
    params(Page),
    responses(
        (status = 200, description = "A page.", body = ListConfigurationsResponse),
        ServiceErrors,
    ),
    security(("sigv4" = [])),
)]
pub(crate) async fn list_configurations(
    State(store): State<PgStore>,
    page: Page,
    signed: Signed,
) -> Answer<ListConfigurationsResponse> {
    let scope = signed.authorize(CallResource::NONE)?;
    let max_results = page.size()?;
    let after = page.after_configuration(scope)?;
    let found = store.configurations(scope, after, max_results).await?;
    Ok(Reply(ListConfigurationsResponse {
        next_token: found.last().map(|c| page::after(&c.arn(), c.created)),
        configurations: found.iter().map(Into::into).collect(),
        max_results,
    }))
}
