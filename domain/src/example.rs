//! An example broker for tests and examples of this crate and of those above it. Feature `example` only.

use crate::{
    AuthenticationStrategy, Broker, BrokerId, BrokerName, BrokerSpec, BrokerStatus, Configurations,
    DeploymentMode, EncryptionOptions, EngineType, EngineVersion, Generation, HostInstanceType,
    Intent, Logs, MaintenanceWindow, PendingChanges, Scope, StorageType, Tags, Timestamp,
    WindowChanges,
};

/// A single, private instance of the engine's newest version in `us-east-1`, as CreateBroker makes it but
/// for its configuration: nobody has worked on it yet.
///
/// # Panics
/// If one of its constants is not valid, which this crate's tests rule out.
pub fn broker(engine_type: EngineType) -> Broker {
    let (engine_version, host, storage_type) = match engine_type {
        EngineType::ActiveMq => (EngineVersion::new(5, 19), "mq.m5.large", StorageType::Efs),
        EngineType::RabbitMq => (EngineVersion::new(4, 3), "mq.m7g.medium", StorageType::Ebs),
    };
    Broker {
        id: BrokerId::from(uuid::Uuid::from_u128(7)),
        scope: Scope {
            account: "000000000000".parse().expect("an account"),
            region: "us-east-1".parse().expect("a region"),
        },
        name: BrokerName::parse("orders").expect("a name"),
        created: Timestamp::from_micros(0),
        spec: BrokerSpec {
            engine_type,
            engine_version,
            deployment_mode: DeploymentMode::SingleInstance,
            host_instance_type: HostInstanceType::from_name(host).expect("an instance type"),
            storage_type,
            publicly_accessible: false,
            auto_minor_version_upgrade: true,
            authentication_strategy: AuthenticationStrategy::Simple,
            subnet_ids: vec!["subnet-a".to_owned()],
            security_groups: Vec::new(),
            encryption: EncryptionOptions { use_aws_owned_key: true, kms_key_id: None },
            maintenance_window: MaintenanceWindow::parse("MONDAY", "02:00", None)
                .expect("a window"),
            logs: Logs::default(),
            ldap: None,
            storage_size: None,
        },
        pending: PendingChanges::default(),
        window_changes: WindowChanges::default(),
        configurations: Configurations::default(),
        tags: Tags::default(),
        users: Vec::new(),
        intent: Intent::Run,
        generation: Generation(1),
        reboots_requested: 0,
        not_applied: None,
        not_applied_actions: Vec::new(),
        status: BrokerStatus::default(),
        instances: Vec::new(),
    }
}
