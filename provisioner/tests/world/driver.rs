//! A simulated world with a store, and what callers and tests do to it.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use brokerd_domain::{
    BrokerId, BrokerState, DeploymentMode, EngineType, Entropy, Fault, FaultId, FaultInput,
    FaultSpec, Intent, PendingChange, Timestamp, Username, instance::InstanceName,
};
use brokerd_provisioner::{
    catalogue::Catalogue,
    engine::{Engines, Sizing},
    metrics::Metrics,
    pki::{authorities::Authorities, tls},
    reconcile::{EndpointSettings, PassContext, background_steps::Operations},
    tasks::sweep::SweepContext,
    telemetry::logs::LogFollowers,
};
use tokio_util::sync::CancellationToken;

pub use super::kept::Kept;
use super::{
    TestClock, TestEntropy,
    fault::Faults,
    host::World,
    kept::OneRsaKey,
    probe::FakeProbe,
    runtime::FakeRuntime,
    store::{MemoryStore, Row},
    work::Process,
};

/// A world with a store, and a way to put workers to work on it.
pub struct Simulation {
    /// The world.
    pub world: Arc<Mutex<World>>,
    /// The store.
    pub store: Arc<MemoryStore>,
    /// The time.
    pub clock: Arc<TestClock>,
    /// What goes wrong.
    pub faults: Arc<Faults>,
    /// Whether the runtime can't be seen.
    pub blind: Arc<Mutex<bool>>,
    /// What can be had by ARN.
    pub kept: Arc<Kept>,
    /// What is behind the images' names.
    pub images: Mutex<BTreeMap<String, String>>,
    /// What the operator's catalogue has.
    pub catalogue: Mutex<Catalogue>,
    /// One line per pass.
    pub log: Mutex<Vec<String>>,
    pub(super) process: tokio::sync::Mutex<Option<Process>>,
    pub(super) entropy: Arc<TestEntropy>,
    authorities: Arc<Authorities>,
}

impl Simulation {
    /// An empty world in which nothing goes wrong.
    pub fn new() -> Self {
        Self::with_faults(Arc::new(Faults::default()))
    }

    /// An empty world in which this goes wrong.
    pub fn with_faults(faults: Arc<Faults>) -> Self {
        let clock = TestClock::new();
        let entropy = Arc::new(TestEntropy::default());
        let authority = tls::new_authority(brokerd_domain::Clock::now(&*clock), &*entropy)
            .expect("an authority");
        let store = MemoryStore::new(clock.clone(), super::HOST_CAPACITY, faults.clone());
        let store = Arc::new(store);
        Self {
            world: Arc::new(Mutex::new(World::default())),
            store,
            clock,
            faults,
            blind: Arc::new(Mutex::new(false)),
            kept: Arc::default(),
            images: Mutex::default(),
            catalogue: Mutex::new(Catalogue::built_in().expect("well-formed")),
            log: Mutex::new(Vec::new()),
            process: tokio::sync::Mutex::default(),
            entropy,
            authorities: Arc::new(authority.into()),
        }
    }

    /// Does something to the world.
    pub fn in_the_world(&self, act: impl FnOnce(&mut World)) {
        act(&mut self.world.lock().expect("not poisoned"));
    }

    /// A broker that was just asked for.
    pub fn create(&self, engine: EngineType) -> BrokerId {
        let broker = super::broker(engine, 42);
        let id = broker.id;
        self.store.insert(broker, vec![super::user(engine)]);
        id
    }

    /// One of several brokers that was just asked for.
    pub fn create_another(&self, engine: EngineType, seed: u128) -> BrokerId {
        let broker = super::broker(engine, seed);
        let id = broker.id;
        self.store.insert(broker, vec![super::user(engine)]);
        id
    }

    /// A pair that was just asked for.
    pub fn create_pair(&self) -> BrokerId {
        let mut broker = super::broker(EngineType::ActiveMq, 42);
        broker.spec.deployment_mode = DeploymentMode::ActiveStandbyMultiAz;
        broker.spec.subnet_ids = vec!["subnet-a".to_owned(), "subnet-b".to_owned()];
        let id = broker.id;
        self.store.insert(broker, vec![super::user(EngineType::ActiveMq)]);
        id
    }

    /// The instance of a pair that serves.
    pub fn active(&self, id: BrokerId) -> Option<InstanceName> {
        let now = self.now();
        let mut world = self.world.lock().expect("not poisoned");
        let (holder, _) = world.holder(id, now)?;
        world.serves(&holder, now).then_some(holder)
    }

    /// A RabbitMQ cluster that was just asked for.
    pub fn create_cluster(&self) -> BrokerId {
        self.create_cluster_of(42)
    }

    /// One of several clusters that was just asked for.
    pub fn create_cluster_of(&self, seed: u128) -> BrokerId {
        let engine = EngineType::RabbitMq;
        let mut broker = super::broker(engine, seed);
        broker.spec.deployment_mode = brokerd_domain::DeploymentMode::ClusterMultiAz;
        let id = broker.id;
        self.store.insert(broker, vec![super::user(engine)]);
        id
    }

    /// RebootBroker, as the API does it.
    pub fn reboot(&self, id: BrokerId) {
        self.store.request(id, |row| {
            row.broker.reboots_requested += 1;
            row.broker.not_applied = None;
        });
    }

    /// Everything that can wait for a reboot, as the API stores it.
    pub fn change_everything(&self, id: BrokerId) {
        self.store.request(id, |row| {
            let engine = row.broker.spec.engine_type;
            row.broker.generation.0 += 1;
            row.broker.pending.host_instance_type =
                brokerd_domain::HostInstanceType::from_name(match engine {
                    EngineType::ActiveMq => "mq.m5.large",
                    EngineType::RabbitMq => "mq.m7g.large",
                });
            row.pending_users = Some(vec![super::user_named(engine, "second")]);
            row.broker.users = vec![(
                Username::parse(EngineType::ActiveMq, "second").expect("a name"),
                Some(PendingChange::Create),
            )];
            row.revisions.push(super::changed_configuration(engine).to_owned());
            row.broker.configurations.pending = Some(super::revision(2));
        });
    }

    /// Everything that can wait, and a configuration among it that keeps the engine from booting.
    pub fn poison(&self, id: BrokerId) {
        self.change_everything(id);
        self.store.request(id, |row| {
            row.broker.generation.0 += 1;
            let poison = super::poisoned_configuration(row.broker.spec.engine_type).to_owned();
            *row.revisions.last_mut().expect("it was changed") = poison;
        });
    }

    /// DeleteBroker, as the API does it.
    pub fn delete(&self, id: BrokerId) {
        self.store.request(id, |row| {
            row.broker.intent = Intent::Delete;
            row.broker.generation.0 += 1;
        });
    }

    /// A process of its own: nothing in memory survives from another.
    pub fn process(&self) -> PassContext {
        PassContext {
            store: self.store.clone(),
            runtime: Arc::new(FakeRuntime {
                installation: "test".parse().expect("valid"),
                world: self.world.clone(),
                clock: self.clock.clone(),
                faults: self.faults.clone(),
                blind: self.blind.clone(),
            }),
            probe: Arc::new(FakeProbe { world: self.world.clone(), clock: self.clock.clone() }),
            clock: self.clock.clone(),
            entropy: self.entropy.clone(),
            installation: "test".parse().expect("valid"),
            authorities: self.authorities.clone(),
            rsa_keys: Arc::new(OneRsaKey),
            secrets: self.kept.clone(),
            engines: Arc::new(Engines::default()),
            catalogue: Arc::new(self.catalogue.lock().expect("not poisoned").clone()),
            sizing: Sizing { scale: 1.0, open_files: 20_000, sized_volumes: true },
            host_capacity: *self.store.host_capacity.lock().expect("not poisoned"),
            endpoints: EndpointSettings {
                advertised_host: None,
                ip_address: None,
                ports: 20_000..=20_999,
                domain: None,
            },
            port_is_free: Arc::new(|_| true),
            metrics: Metrics::register(&mut prometheus_client::registry::Registry::default()),
            capacity: Arc::default(),
            logs: Arc::new(LogFollowers::default()),
            images: Arc::new(self.images.lock().expect("not poisoned").clone().into()),
            operations: Arc::new(Operations::new(100).0),
            trusted: Arc::default(),
            stopping: CancellationToken::new(),
        }
    }

    /// What the sweep of a process of its own uses.
    pub fn sweep_context(&self) -> SweepContext {
        let PassContext { runtime, store, clock, installation, metrics, .. } = self.process();
        SweepContext { runtime, store, clock, installation, metrics }
    }

    /// The broker's row.
    pub fn row(&self, id: BrokerId) -> Option<Row> {
        self.store.row(id)
    }

    /// The broker's state as the service would report it.
    pub fn state(&self, id: BrokerId) -> Option<BrokerState> {
        self.row(id).map(|row| row.broker.state())
    }

    /// A fault that somebody asks for now, as the API stores it.
    pub fn inject(&self, id: BrokerId, input: &FaultInput) -> FaultId {
        let fault = FaultId::generate(&*self.entropy);
        let now = self.now();
        self.store.request(id, |row| {
            let network = brokerd_domain::NetworkDefaults::default();
            let spec = FaultSpec::parse(input, &row.broker, &network, true).expect("a valid fault");
            row.faults.push(Fault::new(fault, spec, now));
        });
        fault
    }

    /// DELETE of a fault, as the API does it.
    pub fn heal(&self, id: BrokerId, fault: FaultId) {
        let now = self.now();
        self.store.request(id, |row| {
            let there = row.faults.iter_mut().find(|f| f.id == fault).expect("it is there");
            there.ends = there.ends.min(now);
        });
    }

    /// A fault as it is.
    pub fn fault(&self, id: BrokerId, fault: FaultId) -> Fault {
        let row = self.row(id).expect("the broker is there");
        row.faults.into_iter().find(|f| f.id == fault).expect("it is there")
    }

    pub(super) fn log(&self, line: &str) {
        let mut log = self.log.lock().expect("not poisoned");
        if log.last().is_none_or(|last| last != line) {
            log.push(line.to_owned());
        }
    }

    /// Takes the log.
    pub fn take_log(&self) -> Vec<String> {
        std::mem::take(&mut *self.log.lock().expect("not poisoned"))
    }

    /// The time.
    pub fn now(&self) -> Timestamp {
        brokerd_domain::Clock::now(&*self.clock)
    }

    /// A number in `0..bound`.
    pub fn below(&self, bound: u64) -> u64 {
        self.entropy.below(bound)
    }
}

impl Simulation {
    /// Builds a broker and loses its row, as a restored old backup of the database would.
    pub async fn create_stranger(&self) -> BrokerId {
        let broker = super::broker(EngineType::RabbitMq, 4711);
        let id = broker.id;
        self.store.insert(broker, vec![super::user(EngineType::RabbitMq)]);
        self.settle().await;
        self.store.rows.lock().expect("not poisoned").remove(&id);
        id
    }

    /// Builds a broker that is deleted meanwhile, as a worker that slept through its lease would.
    pub async fn create_orphan(&self) -> BrokerId {
        let id = self.create_stranger().await;
        self.store.forgotten.lock().expect("not poisoned").insert(id);
        id
    }
}
