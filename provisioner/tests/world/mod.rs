//! A world on a simulated clock: a runtime, a store and engines that are plain data, with faults
//! injected at the edges the reconciler acts through.

pub mod capacity;
pub mod containers;
pub mod deaths;
pub mod disks;
pub mod driver;
pub mod events;
pub mod fault;
pub mod host;
pub mod inside;
mod kept;
mod port;
pub mod probe;
pub mod runtime;
pub mod shared_stores;
pub mod store;
mod work;

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicI64, AtomicU64, Ordering},
};

use brokerd_domain::{
    Broker, BrokerId, BrokerInstance, BrokerUser, Clock, ConfigurationId, ConfigurationRef,
    Endpoint, EngineType, Entropy, HostCapacity, HostInstanceType, Protocol, Timestamp, Username,
    example, parse_password,
};

/// What instances may use together, unless a test says otherwise: more than they ask for.
pub const HOST_CAPACITY: HostCapacity = HostCapacity {
    memory_bytes: 1 << 40,
    scale: 1.0,
    wait_limit: std::time::Duration::from_mins(15),
};

/// The time, as the test says.
#[derive(Debug, Default)]
pub struct TestClock(AtomicI64);

impl TestClock {
    /// A clock that shows a plausible date.
    pub fn new() -> Arc<Self> {
        Arc::new(Self(AtomicI64::new(1_790_000_000_000_000)))
    }

    /// Lets time pass.
    pub fn advance(&self, by: std::time::Duration) {
        self.0.fetch_add(i64::try_from(by.as_micros()).expect("short"), Ordering::SeqCst);
    }
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.0.load(Ordering::SeqCst))
    }
}

/// Randomness that is the same in every run.
#[derive(Debug, Default)]
pub struct TestEntropy(AtomicU64);

impl Entropy for TestEntropy {
    fn fill(&self, bytes: &mut [u8]) {
        for byte in bytes {
            // SplitMix64, a byte at a time.
            let mut z = self.0.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::SeqCst);
            z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            *byte = (z >> 56) as u8;
        }
    }
}

/// A valid RabbitMQ or ActiveMQ broker nobody has worked on yet.
pub fn broker(engine: EngineType, seed: u128) -> Broker {
    let mut broker = example::broker(engine);
    if engine == EngineType::ActiveMq {
        broker.spec.host_instance_type = HostInstanceType::from_name("mq.t3.micro").expect("known");
    }
    broker.id = BrokerId::from(uuid::Builder::from_random_bytes(seed.to_be_bytes()).into_uuid());
    broker.configurations.pending = Some(revision(1));
    broker
}

/// Gives a broker addresses, as if they had been allocated.
pub fn allocate(broker: &mut Broker) {
    let endpoint = |(protocol, port)| Endpoint { protocol, port };
    let endpoints: Vec<_> =
        Protocol::of_broker(&broker.spec).into_iter().zip(20_000..).map(endpoint).collect();
    broker.instances = (1..=broker.spec.deployment_mode.instances())
        .map(|ordinal| BrokerInstance {
            ordinal,
            host: "localhost".to_owned(),
            ip_address: None,
            endpoints: endpoints.clone(),
        })
        .collect();
}

/// A revision of the configuration that the broker has.
pub fn revision(revision: i32) -> ConfigurationRef {
    ConfigurationRef { id: ConfigurationId::from(uuid::Uuid::from_u128(7)), revision }
}

/// A configuration that differs from the default one.
pub fn changed_configuration(engine: EngineType) -> &'static str {
    match engine {
        EngineType::ActiveMq => {
            r#"<broker xmlns="http://activemq.apache.org/schema/core" advisorySupport="false"/>"#
        }
        EngineType::RabbitMq => "heartbeat = 120\n",
    }
}

/// A configuration that engines of this world die of.
pub fn poisoned_configuration(engine: EngineType) -> &'static str {
    match engine {
        EngineType::ActiveMq => {
            r#"<broker xmlns="http://activemq.apache.org/schema/core" producerSystemUsagePortion="666"/>"#
        }
        EngineType::RabbitMq => "heartbeat = 666\n",
    }
}

/// What is in the files of an engine with such a configuration.
pub fn poison(text: &str) -> bool {
    text.contains("heartbeat = 666") || text.contains("producerSystemUsagePortion=\"666\"")
}

/// A user who may log in.
pub fn user(engine: EngineType) -> BrokerUser {
    user_named(engine, "admin")
}

/// A user of that name who may log in.
pub fn user_named(engine: EngineType, name: &str) -> BrokerUser {
    BrokerUser {
        username: Username::parse(engine, name).expect("valid"),
        password: parse_password("correct-horse-battery").expect("valid"),
        groups: std::collections::BTreeSet::new(),
        console_access: true,
        replication_user: false,
    }
}

/// What is shared between what a pass acts on and the test that looks at it.
pub type Shared<T> = Arc<Mutex<T>>;
