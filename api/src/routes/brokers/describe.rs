//! DescribeBroker.

use std::{collections::BTreeMap, sync::Arc};

use axum::extract::State;
use brokerd_domain::{Broker, BrokerState, ConfigurationRef, EngineType};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    ApiState,
    auth::Signed,
    extract::BrokerPath,
    openapi::{NotFound, ServiceErrors},
    respond::{Answer, Reply},
};

/// Everything about a broker but its secrets. Members without a value are absent.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DescribeBrokerResponse {
    /// What a person must do; absent if nothing.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    actions_required: Vec<ActionRequiredView>,
    /// `simple`, `ldap` or `config_managed`.
    #[schema(value_type = String, example = "simple")]
    authentication_strategy: &'static str,
    /// Whether patch versions are installed in the maintenance window.
    auto_minor_version_upgrade: bool,
    /// The ARN.
    broker_arn: String,
    /// The identifier.
    broker_id: String,
    /// Where clients connect; empty until addresses are allocated.
    broker_instances: Vec<BrokerInstanceView>,
    /// The name.
    broker_name: String,
    /// `CREATION_IN_PROGRESS`, `CREATION_FAILED`, `RUNNING`, `REBOOT_IN_PROGRESS`,
    /// `CRITICAL_ACTION_REQUIRED` or `DELETION_IN_PROGRESS`.
    #[schema(value_type = String, example = "RUNNING")]
    broker_state: &'static str,
    /// What runs, what will after the next reboot, and what did.
    configurations: ConfigurationsView,
    /// When it was asked for, ISO 8601 in UTC.
    #[schema(format = DateTime)]
    created: String,
    /// How many instances.
    #[schema(value_type = String, example = "SINGLE_INSTANCE")]
    deployment_mode: &'static str,
    /// Encryption at rest.
    encryption_options: EncryptionOptionsView,
    /// `ActiveMQ` or `RabbitMQ`.
    #[schema(value_type = String, example = "ActiveMQ")]
    engine_type: &'static str,
    /// `major.minor`.
    engine_version: String,
    /// The tier.
    #[schema(value_type = String, example = "mq.t3.micro")]
    host_instance_type: &'static str,
    /// Which logs are published, and where.
    logs: LogsView,
    /// When maintenance may happen.
    maintenance_window_start_time: MaintenanceWindowView,
    /// Whether the endpoints are reachable from other machines.
    publicly_accessible: bool,
    /// The security groups.
    security_groups: Vec<String>,
    /// `ebs` or `efs`.
    #[schema(value_type = String, example = "efs")]
    storage_type: &'static str,
    /// The subnets.
    subnet_ids: Vec<String>,
    /// The tags.
    tags: BTreeMap<String, String>,
    /// The users; empty for RabbitMQ, which owns its users.
    users: Vec<UserSummary>,
}

/// A code of `CRITICAL_ACTION_REQUIRED`.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ActionRequiredView {
    /// The code, such as `BROKER_OOM`.
    action_required_code: String,
    /// What to do about it.
    action_required_info: String,
}

/// An instance and its addresses.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct BrokerInstanceView {
    /// The web console.
    #[serde(rename = "consoleURL", skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    console_url: Option<String>,
    /// One URL per protocol, always in the same order.
    endpoints: Vec<String>,
    /// The IPv4 address (ActiveMQ).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    ip_address: Option<String>,
}

/// A broker's configurations.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ConfigurationsView {
    /// In force.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    current: Option<ConfigurationIdView>,
    /// Formerly in force, oldest first.
    history: Vec<ConfigurationIdView>,
    /// In force after the next reboot.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pending: Option<ConfigurationIdView>,
}

/// A revision of a configuration.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ConfigurationIdView {
    /// The configuration's identifier.
    id: String,
    /// The revision's number.
    revision: i32,
}

/// Encryption at rest.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct EncryptionOptionsView {
    /// The key, when it is not the service's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    kms_key_id: Option<String>,
    /// Whether the service's own key is used.
    use_aws_owned_key: bool,
}

/// Logs and their groups, which have names even when nothing is published.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct LogsView {
    /// Whether the audit log is published (ActiveMQ).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    audit: Option<bool>,
    /// The group of the audit log (ActiveMQ).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    audit_log_group: Option<String>,
    /// Whether the general log is published.
    general: bool,
    /// The group of the general log.
    general_log_group: String,
}

/// The begin of the weekly maintenance window.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct MaintenanceWindowView {
    /// `MONDAY` to `SUNDAY`.
    #[schema(value_type = String)]
    day_of_week: &'static str,
    /// 24 hours, `HH:MM`.
    time_of_day: String,
    /// A name or a UTC offset.
    time_zone: String,
}

/// A user and what awaits it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct UserSummary {
    /// `CREATE`, `UPDATE` or `DELETE` at the next reboot; absent if nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, nullable = false)]
    pending_change: Option<&'static str>,
    /// The name.
    username: String,
}

impl From<&ConfigurationRef> for ConfigurationIdView {
    fn from(reference: &ConfigurationRef) -> Self {
        Self { id: reference.id.to_string(), revision: reference.revision }
    }
}

impl From<&Broker> for DescribeBrokerResponse {
    fn from(broker: &Broker) -> Self {
        let spec = &broker.spec;
        let window = &spec.maintenance_window;
        Self {
            actions_required: actions_required(broker),
            authentication_strategy: spec.authentication_strategy.display_name(),
            auto_minor_version_upgrade: spec.auto_minor_version_upgrade,
            broker_arn: broker.arn().to_string(),
            broker_id: broker.id.to_string(),
            broker_instances: instances(broker),
            broker_name: broker.name.to_string(),
            broker_state: broker.state().as_str(),
            configurations: configurations(broker),
            created: broker.created.to_string(),
            deployment_mode: spec.deployment_mode.as_str(),
            encryption_options: EncryptionOptionsView {
                kms_key_id: spec.encryption.kms_key_id.clone(),
                use_aws_owned_key: spec.encryption.use_aws_owned_key,
            },
            engine_type: spec.engine_type.display_name(),
            engine_version: spec.engine_version.to_string(),
            host_instance_type: spec.host_instance_type.name(),
            logs: logs(broker),
            maintenance_window_start_time: MaintenanceWindowView {
                day_of_week: window.day_of_week.as_str(),
                time_of_day: window.time_of_day.clone(),
                time_zone: window.time_zone.clone(),
            },
            publicly_accessible: spec.publicly_accessible,
            security_groups: spec.security_groups.clone(),
            storage_type: spec.storage_type.display_name(),
            subnet_ids: spec.subnet_ids.clone(),
            tags: broker.tags.as_map().clone(),
            users: users(broker),
        }
    }
}

fn actions_required(broker: &Broker) -> Vec<ActionRequiredView> {
    let actions = broker.status.actions_required.iter();
    actions
        .map(|a| ActionRequiredView {
            action_required_code: a.code.clone(),
            action_required_info: a.info.clone(),
        })
        .collect()
}

/// RabbitMQ brokers have one entry, whatever their size, and no `ipAddress`.
fn instances(broker: &Broker) -> Vec<BrokerInstanceView> {
    let engine = broker.spec.engine_type;
    let view = |instance: &brokerd_domain::BrokerInstance| BrokerInstanceView {
        console_url: instance.console_url(engine),
        endpoints: instance.endpoint_urls(engine),
        ip_address: instance.ip_address.clone().filter(|_| engine == EngineType::ActiveMq),
    };
    let shown = match engine {
        EngineType::ActiveMq => broker.instances.len(),
        EngineType::RabbitMq => 1,
    };
    broker.instances.iter().take(shown).map(view).collect()
}

fn configurations(broker: &Broker) -> ConfigurationsView {
    let configurations = &broker.configurations;
    ConfigurationsView {
        current: configurations.current.as_ref().map(Into::into),
        history: configurations.history.iter().map(Into::into).collect(),
        pending: configurations.pending.as_ref().map(Into::into),
    }
}

/// Source: recorded answers of the service: the names of the groups are always present, and RabbitMQ
/// has no audit log.
fn logs(broker: &Broker) -> LogsView {
    let has_audit = broker.spec.engine_type == EngineType::ActiveMq;
    let group = |kind: &str| format!("/aws/amazonmq/broker/{}/{kind}", broker.id);
    LogsView {
        audit: has_audit.then_some(broker.spec.logs.audit),
        audit_log_group: has_audit.then(|| group("audit")),
        general: broker.spec.logs.general,
        general_log_group: group("general"),
    }
}

/// Source: recorded answers of the service: while a broker is deleted it has no users.
fn users(broker: &Broker) -> Vec<UserSummary> {
    if broker.state() == BrokerState::DeletionInProgress {
        return Vec::new();
    }
    let summary = |(name, pending): &(brokerd_domain::Username, Option<_>)| UserSummary {
        pending_change: pending.map(brokerd_domain::PendingChange::as_str),
        username: name.to_string(),
    };
    broker.users.iter().map(summary).collect()
}

/// Tells everything about a broker.
#[utoipa::path(
    get,
    path = "/v1/brokers/{broker-id}",
    operation_id = "DescribeBroker",
    tag = "brokers",
    params(("broker-id" = String, Path, description = "The broker's identifier.")),
    responses(
        (status = 200, description = "The broker.", body = DescribeBrokerResponse),
        NotFound,
        ServiceErrors,
    ),
    security(("sigv4" = [])),
)]
pub(crate) async fn describe_broker(
    State(api): State<Arc<ApiState>>,
    path: BrokerPath,
    signed: Signed,
) -> Answer<DescribeBrokerResponse> {
    let broker = api.store.broker(&signed.caller.scope, path.id()?).await?;
    let broker = broker.ok_or_else(|| path.not_found())?;
    Ok(Reply(DescribeBrokerResponse::from(&broker)))
}

#[cfg(test)]
mod tests {
    use brokerd_domain::{
        ActionRequired, ConfigurationId, Generation, Intent, Logs, PendingChange, Username,
    };
    use serde_json::{Value, json};

    use super::*;
    use crate::routes::brokers::fixtures;

    fn described(broker: &Broker) -> Value {
        serde_json::to_value(DescribeBrokerResponse::from(broker)).expect("JSON")
    }

    #[test]
    fn a_new_broker_is_described_as_the_service_does() {
        assert_eq!(
            described(&fixtures::broker()),
            json!({
                "authenticationStrategy": "simple",
                "autoMinorVersionUpgrade": true,
                "brokerArn": "arn:aws:mq:us-east-1:000000000000:broker:orders:b-1234a5b6-78cd-401e-af00-314506001789",
                "brokerId": "b-1234a5b6-78cd-401e-af00-314506001789",
                "brokerInstances": [],
                "brokerName": "orders",
                "brokerState": "CREATION_IN_PROGRESS",
                "configurations": {"history": []},
                "created": "2026-09-21T14:13:20.602926Z",
                "deploymentMode": "SINGLE_INSTANCE",
                "encryptionOptions": {"useAwsOwnedKey": true},
                "engineType": "ActiveMQ",
                "engineVersion": "5.19",
                "hostInstanceType": "mq.t3.micro",
                "logs": {
                    "audit": false,
                    "auditLogGroup": "/aws/amazonmq/broker/b-1234a5b6-78cd-401e-af00-314506001789/audit",
                    "general": false,
                    "generalLogGroup": "/aws/amazonmq/broker/b-1234a5b6-78cd-401e-af00-314506001789/general",
                },
                "maintenanceWindowStartTime": {"dayOfWeek": "TUESDAY", "timeOfDay": "06:31", "timeZone": "UTC"},
                "publiclyAccessible": true,
                "securityGroups": ["sg-a"],
                "storageType": "efs",
                "subnetIds": ["subnet-a"],
                "tags": {"k": "v"},
                "users": [],
            })
        );
    }

    #[test]
    fn a_running_activemq_broker_shows_addresses_users_and_configurations() {
        let mut broker = fixtures::broker();
        let id = ConfigurationId::from(uuid::Uuid::from_u128(2));
        broker.status.observed_generation = Some(Generation(1));
        broker.instances = vec![fixtures::instance(EngineType::ActiveMq)];
        broker.configurations.current = Some(ConfigurationRef { id, revision: 2 });
        broker.configurations.history = vec![ConfigurationRef { id, revision: 1 }];
        let name = |n| Username::parse(EngineType::ActiveMq, n).expect("name");
        broker.users = vec![(name("alice"), None), (name("bob"), Some(PendingChange::Create))];
        let shown = described(&broker);
        assert_eq!(shown["brokerState"], "RUNNING");
        assert_eq!(
            shown["brokerInstances"],
            json!([{
                "consoleURL": "https://mq.example:30006",
                "endpoints": [
                    "ssl://mq.example:30001",
                    "amqp+ssl://mq.example:30002",
                    "stomp+ssl://mq.example:30003",
                    "mqtt+ssl://mq.example:30004",
                    "wss://mq.example:30005",
                ],
                "ipAddress": "192.0.2.1",
            }])
        );
        let c = "c-00000000-0000-0000-0000-000000000002";
        assert_eq!(
            shown["configurations"],
            json!({"current": {"id": c, "revision": 2}, "history": [{"id": c, "revision": 1}]})
        );
        assert_eq!(
            shown["users"],
            json!([{"username": "alice"}, {"pendingChange": "CREATE", "username": "bob"}])
        );
        broker.intent = Intent::Delete;
        let shown = described(&broker);
        assert_eq!(shown["users"], json!([]));
        assert_eq!(shown["brokerInstances"].as_array().map(Vec::len), Some(1));
    }

    #[test]
    fn a_rabbitmq_broker_has_neither_address_nor_audit_log() {
        let mut broker = fixtures::broker();
        broker.spec.engine_type = EngineType::RabbitMq;
        broker.spec.logs = Logs { general: true, audit: false };
        broker.instances = vec![fixtures::instance(EngineType::RabbitMq); 3];
        broker.status.observed_generation = Some(Generation(1));
        broker.status.actions_required = vec![ActionRequired {
            code: "RABBITMQ_MEMORY_ALARM".to_owned(),
            info: "Consume messages.".to_owned(),
        }];
        let shown = described(&broker);
        assert_eq!(shown["engineType"], "RabbitMQ");
        assert_eq!(
            shown["brokerInstances"],
            json!([{"consoleURL": "https://mq.example:30002", "endpoints": ["amqps://mq.example:30001"]}])
        );
        assert_eq!(
            shown["logs"],
            json!({"general": true, "generalLogGroup": "/aws/amazonmq/broker/b-1234a5b6-78cd-401e-af00-314506001789/general"})
        );
        assert_eq!(
            shown["actionsRequired"],
            json!([{"actionRequiredCode": "RABBITMQ_MEMORY_ALARM", "actionRequiredInfo": "Consume messages."}])
        );
        assert_eq!(shown["brokerState"], "CRITICAL_ACTION_REQUIRED");
    }
}
