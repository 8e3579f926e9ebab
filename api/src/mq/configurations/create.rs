//! CreateConfiguration.

use std::{collections::BTreeMap, sync::Arc};

use axum::extract::State;
use brokerd_domain::{
    Clock, Configuration, ConfigurationId, CreateConfiguration, CreateConfigurationInput, Entropy,
    Revision, Tags, default_revision,
};
use brokerd_store::PgStore;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{ConfigurationRevisionView, too_many_configurations};
use crate::{
    auth::{CallResource, Signed, TagChange},
    cache::OfferingsCache,
    http::respond::{Answer, Reply},
    openapi::{Conflict, ServiceErrors},
};

/// What to create.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CreateConfigurationRequest {
    /// `SIMPLE` (default), or `LDAP` for ActiveMQ.
    authentication_strategy: Option<String>,
    /// `ACTIVEMQ` or `RABBITMQ`.
    #[schema(required, nullable = false, example = "ACTIVEMQ")]
    engine_type: Option<String>,
    /// The version, `major.minor`; default: the newest that is offered.
    #[schema(example = "5.19")]
    engine_version: Option<String>,
    /// 1 to 150 letters, digits and `-._~`; it need not be unique.
    #[schema(required, nullable = false, example = "orders")]
    name: Option<String>,
    /// The tags, at most 50.
    tags: Option<BTreeMap<String, String>>,
}

/// The new configuration.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CreateConfigurationResponse {
    /// The ARN.
    arn: String,
    /// `simple` or `ldap`.
    #[schema(value_type = String, example = "simple")]
    authentication_strategy: &'static str,
    /// When it was created, ISO 8601 in UTC.
    #[schema(format = DateTime)]
    created: String,
    /// The identifier.
    id: String,
    /// Revision 1, which holds the defaults.
    latest_revision: ConfigurationRevisionView,
    /// The name.
    name: String,
}

/// Creates a configuration. Its first revision holds the defaults of the engine.
#[utoipa::path(
    post,
    path = "/v1/configurations",
    operation_id = "CreateConfiguration",
    tag = "configurations",
    request_body = CreateConfigurationRequest,
    responses(
        (status = 200, description = "Created.", body = CreateConfigurationResponse),
        Conflict,
        ServiceErrors,
    ),
    security(("sigv4" = [])),
)]
pub(crate) async fn create_configuration(
    State(store): State<PgStore>,
    State(offerings): State<Arc<OfferingsCache>>,
    State(clock): State<Arc<dyn Clock>>,
    State(entropy): State<Arc<dyn Entropy>>,
    signed: Signed,
) -> Answer<CreateConfigurationResponse> {
    let wire: CreateConfigurationRequest = signed.json()?;
    let input = CreateConfigurationInput {
        authentication_strategy: wire.authentication_strategy,
        engine_type: wire.engine_type,
        engine_version: wire.engine_version,
        name: wire.name,
        tags: wire.tags.unwrap_or_default(),
    };
    let (id, now) = (ConfigurationId::generate(entropy.as_ref()), clock.now());
    // Tags that are invalid are refused below.
    let tags = Tags::parse(input.tags.clone()).unwrap_or_default();
    let arn = signed.arn("mq", &format!("configuration:{id}"));
    let tag_change = TagChange::Adds(&tags);
    let scope = signed.authorize(CallResource { tag_change, ..CallResource::named(&arn) })?;
    let offerings = offerings.get().await?;
    let command = CreateConfiguration::parse(input, &offerings)?;
    let (description, data) =
        default_revision(command.engine_type, command.engine_version, command.name.as_str());
    let first = (description.as_str(), data.as_str());
    if !store.create_configuration(scope, id, &command, first, now).await? {
        return Err(too_many_configurations().into());
    }
    let created = Configuration {
        id,
        scope: scope.clone(),
        name: command.name,
        engine_type: command.engine_type,
        engine_version: command.engine_version,
        authentication_strategy: command.authentication_strategy,
        created: now,
        tags: command.tags,
        latest: Revision { number: 1, created: now.whole_millis(), description: Some(description) },
    };
    Ok(Reply(CreateConfigurationResponse {
        arn: created.arn().to_string(),
        authentication_strategy: created.authentication_strategy.display_name(),
        created: created.created.to_string(),
        id: created.id.to_string(),
        latest_revision: (&created.latest).into(),
        name: created.name.to_string(),
    }))
}
