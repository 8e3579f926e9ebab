//! A broker for tests.

use brokerd_domain::{
    Broker, BrokerId, BrokerInstance, Endpoint, EngineType, HostInstanceType, MaintenanceWindow,
    Protocol, Tags, Timestamp, example,
};

/// A public ActiveMQ broker right after CreateBroker.
pub(crate) fn broker() -> Broker {
    let mut broker = example::broker(EngineType::ActiveMq);
    broker.id = id();
    broker.created = Timestamp::from_micros(1_790_000_000_602_926);
    let spec = &mut broker.spec;
    spec.host_instance_type = HostInstanceType::from_name("mq.t3.micro").expect("known");
    spec.publicly_accessible = true;
    spec.security_groups = vec!["sg-a".to_owned()];
    spec.maintenance_window = MaintenanceWindow::parse("TUESDAY", "06:31", None).expect("a window");
    broker.tags = Tags::parse([("k".to_owned(), "v".to_owned())].into()).expect("tags");
    broker
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
