//! DescribeConfiguration.

use std::collections::BTreeMap;

use axum::extract::State;
use brokerd_domain::Configuration;
use brokerd_store::PgStore;
use serde::Serialize;
use utoipa::ToSchema;

use super::ConfigurationRevisionView;
use crate::{
    auth::Signed,
    http::{
        path::PathParams,
        respond::{Answer, Reply},
    },
    openapi::{NotFound, OfConfiguration, ServiceErrors},
};

/// A configuration.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DescribeConfigurationResponse {
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
    /// The tags.
    tags: BTreeMap<String, String>,
}

impl From<&Configuration> for DescribeConfigurationResponse {
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

/// Describes a configuration and its latest revision.
#[utoipa::path(
    get,
    path = "/v1/configurations/{configuration-id}",
    operation_id = "DescribeConfiguration",
    tag = "configurations",
    params(OfConfiguration),
    responses(
        (status = 200, description = "The configuration.", body = DescribeConfigurationResponse),
        NotFound,
        ServiceErrors,
    ),
    security(("sigv4" = [])),
)]
pub(crate) async fn describe_configuration(
    State(store): State<PgStore>,
    path: PathParams,
    signed: Signed,
) -> Answer<DescribeConfigurationResponse> {
    let configuration = path.configuration(&store, &signed).await?;
    Ok(Reply((&configuration).into()))
}
