//! UpdateBroker.

use std::sync::Arc;

use axum::extract::State;
use brokerd_domain::{
    Broker, BrokerUpdate, Clock, ConfigurationRevision, EngineType, Error, Scope,
    UpdateBrokerInput, UpdateContext, UpdatedMember, policy::When,
};
use brokerd_store::{PgStore, RevisionLookup, UpdateOutcome};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    ApiSettings,
    auth::{CallResource, Signed},
    broker_change::BrokerLocks,
    cache::OfferingsCache,
    http::{
        error::ApiError,
        json::Object,
        path::PathParams,
        respond::{Answer, Reply},
    },
    mq::{
        brokers::{
            requests::{LdapServerMetadataRequest, LogsRequest, MaintenanceWindowRequest},
            security_groups::check_groups,
            views::{
                ConfigurationIdView, LdapServerMetadataView, LogsRequestedView,
                MaintenanceWindowView,
            },
        },
        configurations::{ConfigurationIdRequest, named_revision},
    },
    openapi::{Conflict, NotFound, OfBroker, ServiceErrors},
};

/// The changes; absent members stay as they are. Most changes apply with the next reboot.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct UpdateBrokerRequest {
    /// `SIMPLE`, `LDAP` or `CONFIG_MANAGED`; applies with the next reboot.
    authentication_strategy: Option<String>,
    /// Whether patch versions are installed in the maintenance window; applies at once.
    auto_minor_version_upgrade: Option<bool>,
    /// The configuration; applies with the next reboot.
    #[schema(value_type = Option<ConfigurationIdRequest>)]
    configuration: Option<Object<ConfigurationIdRequest>>,
    /// `NONE`, or `CRDR`, which is not implemented.
    data_replication_mode: Option<String>,
    /// The version, `major.minor`, upwards only; applies with the next reboot.
    #[schema(example = "5.19")]
    engine_version: Option<String>,
    /// The tier; applies with the next reboot.
    #[schema(example = "mq.m5.large")]
    host_instance_type: Option<String>,
    /// The directory; applies with the next reboot.
    #[schema(value_type = Option<LdapServerMetadataRequest>)]
    ldap_server_metadata: Option<Object<LdapServerMetadataRequest>>,
    /// Which logs are published; for ActiveMQ applies with the next reboot.
    #[schema(value_type = Option<LogsRequest>)]
    logs: Option<Object<LogsRequest>>,
    /// The weekly maintenance window; applies at once, at most four times before the next window.
    #[schema(value_type = Option<MaintenanceWindowRequest>)]
    maintenance_window_start_time: Option<Object<MaintenanceWindowRequest>>,
    /// Only an empty list: there are no resource shares here.
    resource_share_arns: Option<Vec<String>>,
    /// The security groups, one to five, for ActiveMQ; applies at once.
    security_groups: Option<Vec<String>>,
    /// Gigabytes per node of a RabbitMQ cluster of version 4.2 and later; 0 for the default; applies with the
    /// next reboot.
    storage_size: Option<i64>,
}

impl From<UpdateBrokerRequest> for UpdateBrokerInput {
    fn from(wire: UpdateBrokerRequest) -> Self {
        Self {
            authentication_strategy: wire.authentication_strategy,
            auto_minor_version_upgrade: wire.auto_minor_version_upgrade,
            data_replication_mode: wire.data_replication_mode,
            engine_version: wire.engine_version,
            host_instance_type: wire.host_instance_type,
            ldap_server_metadata: wire.ldap_server_metadata.map(|Object(ldap)| ldap.into()),
            logs: wire.logs.map(|Object(logs)| (logs.general, logs.audit)),
            maintenance_window: wire
                .maintenance_window_start_time
                .map(|Object(window)| (window.day_of_week, window.time_of_day, window.time_zone)),
            resource_share_arns: wire.resource_share_arns,
            security_groups: wire.security_groups,
            storage_size: wire.storage_size,
        }
    }
}

/// The members that the request changed, and no others.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct UpdateBrokerResponse {
    /// `simple`, `ldap` or `config_managed`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, nullable = false)]
    authentication_strategy: Option<&'static str>,
    /// Whether patch versions are installed in the maintenance window.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    auto_minor_version_upgrade: Option<bool>,
    /// The broker's identifier.
    broker_id: String,
    /// The configuration.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<ConfigurationIdView>, nullable = false)]
    configuration: Option<ConfigurationIdView>,
    /// `major.minor`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    engine_version: Option<String>,
    /// The tier.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, nullable = false)]
    host_instance_type: Option<&'static str>,
    /// The directory.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<LdapServerMetadataView>, nullable = false)]
    ldap_server_metadata: Option<LdapServerMetadataView>,
    /// Which logs are published.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<LogsRequestedView>, nullable = false)]
    logs: Option<LogsRequestedView>,
    /// The weekly maintenance window.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<MaintenanceWindowView>, nullable = false)]
    maintenance_window_start_time: Option<MaintenanceWindowView>,
    /// The security groups.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    security_groups: Option<Vec<String>>,
    /// Gigabytes per node; 0 stands for the tier's default.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    storage_size: Option<u32>,
}

impl UpdateBrokerResponse {
    fn of(broker: &Broker, update: &BrokerUpdate) -> Self {
        use UpdatedMember as M;
        let has = |member| update.changed.contains(&member);
        let after = update.pending.applied_to(&update.spec);
        let configurations = &update.configurations;
        let configuration = configurations.pending.or(configurations.current);
        Self {
            authentication_strategy: has(M::AuthenticationStrategy)
                .then(|| after.authentication_strategy.display_name()),
            auto_minor_version_upgrade: has(M::AutoMinorVersionUpgrade)
                .then_some(after.auto_minor_version_upgrade),
            broker_id: broker.id.to_string(),
            configuration: configuration.as_ref().filter(|_| has(M::Configuration)).map(Into::into),
            engine_version: has(M::EngineVersion).then(|| after.engine_version.to_string()),
            host_instance_type: has(M::HostInstanceType).then(|| after.host_instance_type.name()),
            ldap_server_metadata: after
                .ldap
                .as_ref()
                .filter(|_| has(M::LdapServerMetadata))
                .map(Into::into),
            logs: has(M::Logs).then(|| LogsRequestedView::of(after.logs, after.engine_type)),
            maintenance_window_start_time: has(M::MaintenanceWindow)
                .then(|| (&after.maintenance_window).into()),
            security_groups: has(M::SecurityGroups).then(|| after.security_groups.clone()),
            storage_size: has(M::StorageSize).then(|| after.storage_size.unwrap_or(0)),
        }
    }
}

/// Changes a broker. Each member says whether it applies at once or with the next reboot.
#[utoipa::path(
    put,
    path = "/v1/brokers/{broker-id}",
    operation_id = "UpdateBroker",
    tag = "brokers",
    params(OfBroker),
    request_body = UpdateBrokerRequest,
    responses(
        (status = 200, description = "Accepted.", body = UpdateBrokerResponse),
        Conflict,
        NotFound,
        ServiceErrors,
    ),
    security(("sigv4" = [])),
)]
pub(crate) async fn update_broker(
    State(settings): State<Arc<ApiSettings>>,
    State(store): State<PgStore>,
    State(locks): State<Arc<BrokerLocks>>,
    State(offerings): State<Arc<OfferingsCache>>,
    State(clock): State<Arc<dyn Clock>>,
    path: PathParams,
    signed: Signed,
) -> Answer<UpdateBrokerResponse> {
    let mut wire: UpdateBrokerRequest = signed.json()?;
    // Terraform sends an empty identifier for a configuration that was never set.
    let named = wire.configuration.take();
    let named = named.filter(|Object(c)| c.id.as_deref().is_none_or(|id| !id.is_empty()));
    let input = UpdateBrokerInput::from(wire);
    let (settings, store, clock, named, input) = (&settings, &store, &clock, &named, &input);
    let (signed, offerings) = (&signed, &offerings);
    let broker = locks.lock(store, &path, signed).await?;
    let updated = broker.retry_on_conflict(move |broker| async move {
        let scope = &broker.scope;
        let revision =
            named_revision(store, signed, scope, named.as_ref(), |missing| missing).await?;
        if changes_authentication(&broker, input, revision.as_ref()) {
            let arn = broker.arn().to_string();
            let resource = CallResource { tags: Some(&broker.tags), ..CallResource::named(&arn) };
            signed.authorize_also(When::WithAuthentication, resource)?;
        }
        let offerings = offerings.get().await?;
        let kept = match &revision {
            None if may_not_fit(input) => kept_revision(store, scope, &broker).await?,
            _ => None,
        };
        let ldap_password = match &input.ldap_server_metadata {
            Some(_) => store.ldap_password(broker.id).await?,
            None => None,
        };
        let now = clock.now();
        let context = UpdateContext {
            revision: revision.as_ref(),
            kept_revision: kept.as_ref(),
            ldap_password: ldap_password.as_ref(),
            offerings: &offerings,
            now,
        };
        let update = broker.update(input.clone(), context)?;
        if update.changed.contains(&UpdatedMember::SecurityGroups) {
            check_groups(settings, store, scope, &update.spec.security_groups).await?;
        }
        let outcome = if update.changed.is_empty() {
            UpdateOutcome::Updated
        } else {
            store.update_broker(&broker, &update, now).await?
        };
        match outcome {
            UpdateOutcome::Updated => Ok(Some(UpdateBrokerResponse::of(&broker, &update))),
            UpdateOutcome::Changed => Ok(None),
            UpdateOutcome::OverQuota(quota) => Err(quota.exceeded().into()),
            UpdateOutcome::ConfigurationNotFound => {
                let id = update.configurations.pending.map(|reference| reference.id.to_string());
                Err(Error::configuration_not_found(&id.unwrap_or_default()).into())
            }
        }
    });
    Ok(Reply(updated.await?))
}

/// Whether the request changes how clients of a RabbitMQ broker prove who they are. For ActiveMQ the service asks for no
/// permission of its own.
///
/// Source: "Authentication and authorization for Amazon MQ for RabbitMQ" of the developer guide.
fn changes_authentication(
    broker: &Broker,
    input: &UpdateBrokerInput,
    revision: Option<&ConfigurationRevision>,
) -> bool {
    broker.spec.engine_type == EngineType::RabbitMq
        && (input.authentication_strategy.is_some()
            || revision.is_some_and(ConfigurationRevision::configures_authentication))
}

/// Whether the broker's configuration may not fit the changed broker.
const fn may_not_fit(input: &UpdateBrokerInput) -> bool {
    input.host_instance_type.is_some()
        || input.engine_version.is_some()
        || input.authentication_strategy.is_some()
}

/// The configuration that is pending, else the one in force: it may not fit another version, instance type or
/// authentication strategy.
async fn kept_revision(
    store: &PgStore,
    scope: &Scope,
    broker: &Broker,
) -> Result<Option<ConfigurationRevision>, ApiError> {
    let configurations = &broker.configurations;
    let Some(kept) = configurations.pending.or(configurations.current) else { return Ok(None) };
    match store.revision(scope, kept.id, Some(kept.revision)).await? {
        RevisionLookup::Found(found) => Ok(Some(*found)),
        RevisionLookup::NoConfiguration | RevisionLookup::NoRevision(_) => Ok(None),
    }
}
