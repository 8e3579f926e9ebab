//! DescribeBroker.

use std::collections::BTreeMap;

use axum::extract::State;
use brokerd_domain::{AuthenticationStrategy, Broker, BrokerState, EngineType, HostInstanceType};
use brokerd_store::PgStore;
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    auth::Signed,
    http::{
        path::PathParams,
        respond::{Answer, Reply},
    },
    mq::brokers::views::{
        ActionRequiredView, BrokerInstanceView, ConfigurationsView, EncryptionOptionsView,
        LdapServerMetadataView, LogsRequestedView, LogsView, MaintenanceWindowView, UserSummary,
    },
    openapi::{NotFound, OfBroker, ServiceErrors},
};

/// A broker, without its secrets. Members without a value are absent.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DescribeBrokerResponse {
    /// The actions that are required of the owner; absent if there are none.
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
    /// The instances and their endpoints; empty until addresses are allocated.
    broker_instances: Vec<BrokerInstanceView>,
    /// The name.
    broker_name: String,
    /// `CREATION_IN_PROGRESS`, `CREATION_FAILED`, `RUNNING`, `REBOOT_IN_PROGRESS`,
    /// `CRITICAL_ACTION_REQUIRED` or `DELETION_IN_PROGRESS`.
    #[schema(value_type = String, example = "RUNNING")]
    broker_state: &'static str,
    /// The current, the pending and the former configurations.
    configurations: ConfigurationsView,
    /// When CreateBroker was called, ISO 8601 in UTC.
    #[schema(format = DateTime)]
    created: String,
    /// The deployment mode.
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
    /// The directory, for authentication strategy `ldap`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<LdapServerMetadataView>, nullable = false)]
    ldap_server_metadata: Option<LdapServerMetadataView>,
    /// Which logs are published, and where.
    logs: LogsView,
    /// The weekly maintenance window.
    maintenance_window_start_time: MaintenanceWindowView,
    /// The authentication strategy after the next reboot. Every member that begins with `pending` is absent if
    /// nothing waits.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, nullable = false, example = "ldap")]
    pending_authentication_strategy: Option<&'static str>,
    /// The version after the next reboot.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pending_engine_version: Option<String>,
    /// The tier after the next reboot.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, nullable = false)]
    pending_host_instance_type: Option<&'static str>,
    /// The directory after the next reboot.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<LdapServerMetadataView>, nullable = false)]
    pending_ldap_server_metadata: Option<LdapServerMetadataView>,
    /// Gigabytes per node after the next reboot; 0 stands for the tier's default.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pending_storage_size: Option<u32>,
    /// Whether the endpoints are reachable from other machines.
    publicly_accessible: bool,
    /// The security groups.
    security_groups: Vec<String>,
    /// Gigabytes per node of a cluster; absent when it is the tier's default.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    storage_size: Option<u32>,
    /// `ebs` or `efs`.
    #[schema(value_type = String, example = "efs")]
    storage_type: &'static str,
    /// The subnets.
    subnet_ids: Vec<String>,
    /// The tags.
    tags: BTreeMap<String, String>,
    /// The users; empty for RabbitMQ, which manages its users itself.
    users: Vec<UserSummary>,
}

impl From<&Broker> for DescribeBrokerResponse {
    fn from(broker: &Broker) -> Self {
        let (spec, pending) = (&broker.spec, &broker.pending);
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
            ldap_server_metadata: spec.ldap.as_ref().map(Into::into),
            logs: logs(broker),
            maintenance_window_start_time: (&spec.maintenance_window).into(),
            pending_authentication_strategy: pending
                .authentication_strategy
                .map(AuthenticationStrategy::display_name),
            pending_engine_version: pending.engine_version.map(|version| version.to_string()),
            pending_host_instance_type: pending.host_instance_type.map(HostInstanceType::name),
            pending_ldap_server_metadata: pending.ldap.as_ref().map(Into::into),
            pending_storage_size: pending.storage_size.map(|size| size.unwrap_or(0)),
            publicly_accessible: spec.publicly_accessible,
            security_groups: spec.security_groups.clone(),
            storage_size: spec.storage_size,
            storage_type: spec.storage_type.display_name(),
            subnet_ids: spec.subnet_ids.clone(),
            tags: broker.tags.as_map().clone(),
            users: users(broker),
        }
    }
}

fn actions_required(broker: &Broker) -> Vec<ActionRequiredView> {
    let actions = broker.actions_required().into_iter();
    actions
        .map(|a| ActionRequiredView {
            action_required_code: a.code.to_string(),
            action_required_info: a.info,
        })
        .collect()
}

/// RabbitMQ brokers have one entry, whatever their size, and no `ipAddress`.
fn instances(broker: &Broker) -> Vec<BrokerInstanceView> {
    let engine = broker.spec.engine_type;
    let view = |instance: &brokerd_domain::BrokerInstance| BrokerInstanceView {
        console_url: instance.console_url(engine),
        endpoints: instance.endpoint_urls(&broker.spec),
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
        pending: broker
            .pending
            .logs
            .map(|logs| LogsRequestedView::of(logs, broker.spec.engine_type)),
    }
}

/// The users, with their pending changes.
///
/// Source: recorded answers of the service: while a broker is deleted it has no users.
pub(crate) fn users(broker: &Broker) -> Vec<UserSummary> {
    if broker.state() == BrokerState::DeletionInProgress {
        return Vec::new();
    }
    broker.users.iter().map(Into::into).collect()
}

/// Describes a broker.
#[utoipa::path(
    get,
    path = "/v1/brokers/{broker-id}",
    operation_id = "DescribeBroker",
    tag = "brokers",
    params(OfBroker),
    responses(
        (status = 200, description = "The broker.", body = DescribeBrokerResponse),
        NotFound,
        ServiceErrors,
    ),
    security(("sigv4" = [])),
)]
pub(crate) async fn describe_broker(
    State(store): State<PgStore>,
    path: PathParams,
    signed: Signed,
) -> Answer<DescribeBrokerResponse> {
    let broker = path.broker(&store, &signed).await?;
    Ok(Reply(DescribeBrokerResponse::from(&broker)))
}

#[cfg(test)]
mod tests {
    use brokerd_domain::{
        ActionCode, ActionRequired, ConfigurationId, ConfigurationRef, EngineVersion, Generation,
        HostInstanceType, Intent, Logs, PendingChange, Username,
    };
    use serde_json::{Value, json};

    use super::*;
    use crate::mq::brokers::fixtures;

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
    fn what_waits_is_shown_beside_what_is_in_force() {
        let mut broker = fixtures::broker();
        broker.pending.engine_version = Some(EngineVersion::new(5, 20));
        broker.pending.host_instance_type = HostInstanceType::from_name("mq.m5.large");
        broker.pending.logs = Some(Logs { general: true, audit: false });
        broker.pending.storage_size = Some(None);
        broker.pending.authentication_strategy = Some(AuthenticationStrategy::Ldap);
        let shown = described(&broker);
        assert_eq!(
            (&shown["engineVersion"], &shown["pendingEngineVersion"]),
            (&json!("5.19"), &json!("5.20"))
        );
        assert_eq!(shown["pendingHostInstanceType"], "mq.m5.large");
        assert_eq!(shown["pendingStorageSize"], 0);
        assert_eq!(shown["pendingAuthenticationStrategy"], "ldap");
        assert_eq!(shown["logs"]["pending"], json!({"audit": false, "general": true}));
        assert_eq!(shown["logs"]["general"], false);
    }

    #[test]
    fn a_rabbitmq_broker_has_neither_address_nor_audit_log() {
        let mut broker = fixtures::broker();
        broker.spec.engine_type = EngineType::RabbitMq;
        broker.spec.logs = Logs { general: true, audit: false };
        broker.instances = vec![fixtures::instance(EngineType::RabbitMq); 3];
        broker.status.observed_generation = Some(Generation(1));
        broker.status.actions_required = vec![ActionRequired {
            code: ActionCode::RabbitmqMemoryAlarm,
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
