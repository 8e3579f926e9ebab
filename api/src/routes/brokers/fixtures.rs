//! A broker for tests.

use brokerd_domain::{
    AuthenticationStrategy, Broker, BrokerId, BrokerInstance, BrokerName, BrokerSpec, BrokerStatus,
    Configurations, DayOfWeek, DeploymentMode, EncryptionOptions, Endpoint, EngineType,
    EngineVersion, Generation, HostInstanceType, Intent, Logs, MaintenanceWindow, PendingChanges,
    Protocol, Scope, StorageType, Tags, Timestamp, WindowChanges,
};

/// A public ActiveMQ broker right after CreateBroker.
pub(crate) fn broker() -> Broker {
    Broker {
        id: id(),
        scope: Scope {
            account: "000000000000".parse().expect("account"),
            region: "us-east-1".parse().expect("region"),
        },
        name: BrokerName::parse("orders").expect("name"),
        created: Timestamp::from_micros(1_790_000_000_602_926),
        spec: BrokerSpec {
            engine_type: EngineType::ActiveMq,
            engine_version: EngineVersion::new(5, 19),
            deployment_mode: DeploymentMode::SingleInstance,
            host_instance_type: HostInstanceType::from_name("mq.t3.micro").expect("known"),
            storage_type: StorageType::Efs,
            publicly_accessible: true,
            auto_minor_version_upgrade: true,
            authentication_strategy: AuthenticationStrategy::Simple,
            subnet_ids: vec!["subnet-a".to_owned()],
            security_groups: vec!["sg-a".to_owned()],
            encryption: EncryptionOptions { use_aws_owned_key: true, kms_key_id: None },
            maintenance_window: MaintenanceWindow {
                day_of_week: DayOfWeek::Tuesday,
                time_of_day: "06:31".to_owned(),
                time_zone: "UTC".to_owned(),
            },
            logs: Logs::default(),
            ldap: None,
            storage_size: None,
        },
        pending: PendingChanges::default(),
        window_changes: WindowChanges::default(),
        configurations: Configurations::default(),
        tags: Tags::parse([("k".to_owned(), "v".to_owned())].into()).expect("tags"),
        users: Vec::new(),
        intent: Intent::Run,
        generation: Generation(1),
        reboots_requested: 0,
        status: BrokerStatus::default(),
        instances: Vec::new(),
    }
}

/// The identifier of [`broker`].
pub(crate) fn id() -> BrokerId {
    "b-1234a5b6-78cd-401e-af00-314506001789".parse().expect("identifier")
}

/// An instance with an address for every protocol of the engine.
pub(crate) fn instance(engine: EngineType) -> BrokerInstance {
    let endpoint = |(p, port): (&Protocol, u16)| Endpoint { protocol: *p, port };
    BrokerInstance {
        ordinal: 1,
        host: "mq.example".to_owned(),
        ip_address: Some("192.0.2.1".to_owned()),
        endpoints: Protocol::of(engine).iter().zip(30001..).map(endpoint).collect(),
    }
}
