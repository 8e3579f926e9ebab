//! Workers on the simulated world, driven until nothing is left to do.

use std::{
    collections::BTreeMap,
    sync::{Arc, LazyLock, Mutex},
    time::Duration,
};

use brokerd_domain::{
    BrokerId, BrokerState, DeploymentMode, EngineType, Entropy, Fault, FaultId, FaultInput,
    FaultSpec, Intent, Lease, Next, PendingChange, Scope, SecretReference, Timestamp, Username,
    VerdictKind, WorkerId,
};
use brokerd_provisioner::{
    authorities::Authorities,
    catalogue::Catalogue,
    engine::{Engines, Sizing},
    metrics::Metrics,
    monitor::{Glimpse, Held, Look},
    operations::Operations,
    pass::{Context, EndpointSettings, Passed},
    port::ReconcileStore,
    rsa_keys::{self, RsaKeys},
    runtime::InstanceName,
    secrets::{NotFetched, SecretSource},
    step_error::StepError,
    tls::{self, TlsError},
};
use secrecy::SecretString;
use tokio_util::sync::CancellationToken;

use super::{
    TestClock, TestEntropy,
    fault::Faults,
    probe::FakeProbe,
    runtime::{FakeRuntime, World},
    store::{MemoryStore, Row},
};

const TTL: Duration = Duration::from_secs(30);

/// Who is looked at no sooner than this is at rest.
const REST: Duration = Duration::from_millis(400);

/// The same key for every broker: making one takes as long as many passes.
struct OneRsaKey;

#[async_trait::async_trait]
impl RsaKeys for OneRsaKey {
    async fn take(&self) -> Result<SecretString, TlsError> {
        static KEY: LazyLock<SecretString> =
            LazyLock::new(|| rsa_keys::generate().expect("the system has randomness"));
        Ok(KEY.clone())
    }
}

/// What can be had by ARN.
#[derive(Default)]
pub struct Kept {
    /// By the best of the names that a secret may have here.
    pub answers: Mutex<BTreeMap<String, Result<String, NotFetched>>>,
    /// How often it was asked.
    pub asked: Mutex<u32>,
}

impl Kept {
    /// From now on that is the answer.
    pub fn answer(&self, name: &str, answer: Result<&str, NotFetched>) {
        let answer = answer.map(str::to_owned);
        self.answers.lock().expect("not poisoned").insert(name.to_owned(), answer);
    }
}

#[async_trait::async_trait]
impl SecretSource for Kept {
    async fn fetch(
        &self,
        _: &Scope,
        _: &str,
        references: &[&SecretReference],
    ) -> Vec<Result<SecretString, NotFetched>> {
        *self.asked.lock().expect("not poisoned") += 1;
        let answers = self.answers.lock().expect("not poisoned");
        let of = |reference: &&SecretReference| {
            let name = reference.names().first().map(ToString::to_string).unwrap_or_default();
            let none = || Err(NotFetched::Invalid("there is none".to_owned()));
            answers.get(&name).cloned().unwrap_or_else(none).map(SecretString::from)
        };
        references.iter().map(of).collect()
    }
}

/// A process: what it watches is only in its memory.
struct Process {
    context: Context,
    me: WorkerId,
    watched: BTreeMap<BrokerId, Watched>,
}

/// A broker that a process watches.
struct Watched {
    held: Arc<Held>,
    epoch: i64,
    due: Timestamp,
    /// Whether its last pass, and every look since, found it at rest.
    rests: bool,
}

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
    process: tokio::sync::Mutex<Option<Process>>,
    entropy: Arc<TestEntropy>,
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
        let store = Arc::new(MemoryStore {
            rows: Arc::new(Mutex::new(BTreeMap::new())),
            forgotten: Mutex::default(),
            lives: Mutex::default(),
            calls: Mutex::default(),
            clock: clock.clone(),
            faults: faults.clone(),
        });
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
        let engine = EngineType::RabbitMq;
        let mut broker = super::broker(engine, 42);
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

    /// What the runtime's events lead to.
    pub async fn runtime_event(&self, id: BrokerId) {
        let mut process = self.process.lock().await;
        let watched = process.as_mut().and_then(|process| process.watched.get_mut(&id));
        if let Some(watched) = watched {
            watched.due = self.now();
        }
    }

    /// How soon a broker is looked at.
    pub async fn looks_in(&self, id: BrokerId) -> Duration {
        let process = self.process.lock().await;
        let watched = process.as_ref().and_then(|p| p.watched.get(&id)).map(|w| w.due);
        let next = watched.into_iter().chain(self.store.due(id)).min();
        next.expect("it is there").since(self.now())
    }

    /// A process of its own: nothing in memory survives from another.
    pub fn process(&self) -> Context {
        Context {
            store: self.store.clone(),
            runtime: Arc::new(FakeRuntime {
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
            endpoints: EndpointSettings {
                advertised_host: None,
                ip_address: None,
                ports: 20_000..=20_999,
                domain: None,
            },
            port_is_free: Arc::new(|_| true),
            metrics: Metrics::register(&mut prometheus_client::registry::Registry::default()),
            capacity: Arc::default(),
            images: Arc::new(Mutex::new(self.images.lock().expect("not poisoned").clone())),
            operations: Arc::new(Operations::new(100).0),
            trusted: Arc::default(),
            stopping: CancellationToken::new(),
        }
    }

    /// The broker's row.
    pub fn row(&self, id: BrokerId) -> Option<Row> {
        self.store.row(id)
    }

    /// The broker's state as the service would report it.
    pub fn state(&self, id: BrokerId) -> Option<BrokerState> {
        self.row(id).map(|row| row.broker.state())
    }

    /// Works until every broker is at rest, restarting the process whenever it dies.
    pub async fn settle(&self) {
        self.work(None).await;
    }

    /// Works for as long, whenever something is due.
    pub async fn live(&self, span: Duration) {
        self.work(Some(self.now().plus(span))).await;
    }

    fn start(&self) -> Process {
        Process {
            context: self.process(),
            me: WorkerId::generate(&*self.entropy),
            watched: BTreeMap::new(),
        }
    }

    async fn work(&self, until: Option<Timestamp>) {
        let mut slot = self.process.lock().await;
        let process = slot.get_or_insert_with(|| self.start());
        // What is behind the images' names may have changed since.
        let images = self.images.lock().expect("not poisoned").clone();
        *process.context.images.lock().expect("not poisoned") = images;
        process.context.catalogue = Arc::new(self.catalogue.lock().expect("not poisoned").clone());
        for _ in 0..4000 {
            if !self.step(process).await {
                self.log("the process dies");
                // Started again in its directory, or on another machine.
                if self.entropy.below(2) == 0 {
                    self.store.give_up(process.me);
                }
                *process = self.start();
                continue;
            }
            let due = self.store.next_due(process.me, None).await.expect("asking does not fail");
            let looks = process.watched.values().map(|w| w.due.since(self.now())).min();
            // Until it is noticed that a former process is dead.
            let others = self.store.others_live_for(process.me);
            let next = due.into_iter().chain(looks).chain(others).min();
            let at_rest = due.is_none_or(|due| due >= REST)
                && others.is_none()
                && self.store.unfinished().all(|id| process.watched.contains_key(&id))
                && process
                    .watched
                    .values()
                    .all(|w| w.rests && w.due.since(self.now()) >= Duration::from_millis(1));
            let left = until.map(|until| until.since(self.now()));
            match (next, left) {
                (_, Some(Duration::ZERO)) | (None, None) => return,
                (next, Some(left)) => {
                    let pause = next.unwrap_or(left).max(Duration::from_millis(10));
                    self.clock.advance(pause.min(left));
                }
                (Some(_), None) if at_rest => return,
                (Some(next), None) => self.clock.advance(next.max(Duration::from_millis(10))),
            }
        }
        panic!(
            "the world does not come to rest:\n{}",
            self.log.lock().expect("not poisoned").join("\n")
        );
    }

    /// Does what is due now; whether the process survives it.
    async fn step(&self, process: &mut Process) -> bool {
        let me = process.me;
        self.store.prolong_life(me, TTL).await.expect("living does not fail here");
        let leases =
            self.store.claim_due(me, None, TTL, 10).await.expect("claims do not fail here");
        for lease in leases {
            process.watched.remove(&lease.broker);
            if !self.run(process, &lease, None).await {
                return false;
            }
        }
        let now = self.now();
        let due: Vec<BrokerId> =
            process.watched.iter().filter(|(_, w)| w.due <= now).map(|(id, _)| *id).collect();
        for id in due {
            let Some(watched) = process.watched.get_mut(&id) else { continue };
            let glimpse = match process.context.look(&watched.held).await {
                Look::Steady(pause) => {
                    watched.due = now.plus(pause);
                    continue;
                }
                Look::Changed(glimpse) => *glimpse,
            };
            let epoch = watched.epoch;
            let claimed = tokio::select! {
                biased;
                () = self.faults.death() => return false,
                claimed = self.store.claim_watched(me, id, epoch, TTL) => claimed,
            };
            match claimed {
                Ok(Some(lease)) => {
                    process.watched.remove(&id);
                    if !self.run(process, &lease, Some(glimpse)).await {
                        return false;
                    }
                }
                Ok(None) => drop(process.watched.remove(&id)),
                Err(_) => (watched.due, watched.rests) = (now.plus(Duration::from_secs(1)), false),
            }
        }
        true
    }

    /// One pass; whether the process survives it.
    async fn run(&self, process: &mut Process, lease: &Lease, glimpse: Option<Glimpse>) -> bool {
        let passed = tokio::select! {
            biased;
            () = self.faults.death() => return false,
            passed = process.context.pass(lease, glimpse) => passed,
        };
        let (kind, next, held) = match passed {
            Ok(Passed { verdict: None, .. }) => {
                self.log("the broker is gone");
                return true;
            }
            Ok(Passed { verdict: Some((kind, next)), held }) => (kind, next, held),
            Err(StepError::LeaseLost) => {
                self.log("lost the lease");
                return true;
            }
            Err(error) => {
                self.log(&format!("failed: {error}"));
                let _ = self.store.release(lease, Next::BackOff, false).await;
                return true;
            }
        };
        let sentence = self.row(lease.broker).map(|row| row.broker.status.sentence);
        self.log(&format!("{}: {}", kind.as_str(), sentence.unwrap_or_default()));
        let (due, pause) = match (next, &held) {
            (Next::After(pause), Some(_)) => (Next::After(Duration::from_hours(1)), pause),
            (other, _) => (other, Duration::from_secs(1)),
        };
        let _ = self.store.release(lease, due, false).await;
        if let Some(held) = held.filter(|_| next != Next::Now) {
            let rests = matches!(kind, VerdictKind::Converged | VerdictKind::Failed)
                && matches!(next, Next::After(after) if after >= REST);
            let held = Arc::new(held);
            let watched = Watched { held, epoch: lease.epoch, due: self.now().plus(pause), rests };
            process.watched.insert(lease.broker, watched);
        }
        true
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

    fn log(&self, line: &str) {
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
