//! Engines that are plain data: as many as there shall be, and each is found at once. They boot in no time, because what is
//! measured is what watches them.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use async_trait::async_trait;
use brokerd_domain::{BrokerId, Clock};
use brokerd_provisioner::{
    health::{Login, ManagementError, Probe, ProbeTarget},
    plan::{NodeReport, ProbeOutcome},
    runtime::{
        Capacity, ContainerState, Disturbance, Ensured, ImageInfo, InstanceName, InstanceSpec,
        InstanceStatus, Limits, Pulled, Runtime, RuntimeError, RuntimeErrorClass, RuntimeId,
        RuntimeObject, Volumes, registry::RegistryLogin,
    },
};
use futures_util::stream::{BoxStream, StreamExt as _};
use tokio::sync::mpsc;
use tokio_stream::wrappers::UnboundedReceiverStream;

const IMAGE: &str = "sha256:simulated";

/// How long an engine's host takes to make a container, to stop one and to remove one, while it takes time.
const APPLY: Duration = Duration::from_millis(300);
const STOP: Duration = Duration::from_secs(2);
const REMOVE: Duration = Duration::from_millis(200);

/// All engines, and who is told of them.
pub(crate) struct Fleet {
    world: Mutex<World>,
    clock: Arc<dyn Clock>,
    takes_time: AtomicBool,
}

#[derive(Default)]
struct World {
    /// By their number, which is part of their id and address.
    engines: Vec<Option<Engine>>,
    numbers: HashMap<(BrokerId, u8), usize>,
    /// Which instance of a pair has the store.
    holders: HashMap<BrokerId, u8>,
    watchers: Vec<mpsc::UnboundedSender<BrokerId>>,
    /// Brokers of which an engine has died, and no pass has come since.
    died: HashMap<BrokerId, Instant>,
    /// How long it took until a pass came.
    reactions: Vec<Duration>,
}

struct Engine {
    name: InstanceName,
    status: InstanceStatus,
    ports: Vec<u16>,
    shares: bool,
}

impl Engine {
    const fn runs(&self) -> bool {
        matches!(self.status.state, ContainerState::Running { .. })
    }
}

impl World {
    fn of(&self, broker: BrokerId, ordinal: u8) -> Option<&Engine> {
        self.engines.get(*self.numbers.get(&(broker, ordinal))?)?.as_ref()
    }

    fn at(&self, address: SocketAddr) -> Option<&Engine> {
        let IpAddr::V4(ip) = address.ip() else { return None };
        self.engines.get(usize::try_from(u32::from(ip) & 0x00ff_ffff).ok()?)?.as_ref()
    }

    fn serves(&self, engine: &Engine) -> bool {
        let has_store =
            || self.holders.get(&engine.name.broker).is_some_and(|o| *o == engine.name.ordinal);
        engine.runs() && (!engine.shares || has_store())
    }

    /// Whoever runs gets the store that nobody has.
    fn pass_on_the_store(&mut self, broker: BrokerId) {
        let runs = |ordinal: u8| self.of(broker, ordinal).is_some_and(|e| e.shares && e.runs());
        if self.holders.get(&broker).is_some_and(|holder| runs(*holder)) {
            return;
        }
        match (1..=2).find(|ordinal| runs(*ordinal)) {
            Some(heir) => drop(self.holders.insert(broker, heir)),
            None => drop(self.holders.remove(&broker)),
        }
    }

    fn tell(&mut self, broker: BrokerId) {
        self.watchers.retain(|watcher| watcher.send(broker).is_ok());
    }

    fn change(&mut self, number: usize, state: ContainerState) -> Option<BrokerId> {
        let engine = self.engines.get_mut(number)?.as_mut()?;
        let runs = matches!(state, ContainerState::Running { .. });
        engine.status.state = state;
        engine.status.addresses = BTreeMap::new();
        if runs {
            let [_, a, b, c] = u32::try_from(number).unwrap_or(0).to_be_bytes();
            let ip = Ipv4Addr::new(10, a, b, c);
            engine.status.addresses =
                engine.ports.iter().map(|port| (*port, SocketAddr::from((ip, *port)))).collect();
        }
        let broker = engine.name.broker;
        self.pass_on_the_store(broker);
        self.tell(broker);
        Some(broker)
    }
}

fn error(class: RuntimeErrorClass, message: &str) -> RuntimeError {
    RuntimeError { class, operation: "simulated", message: message.to_owned() }
}

fn ended(code: i64) -> ContainerState {
    ContainerState::Exited { code, out_of_memory: false, last_log_lines: String::new() }
}

impl Fleet {
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Self {
        Self { world: Mutex::default(), clock, takes_time: AtomicBool::new(false) }
    }

    /// From now on containers are made and stopped as slowly as real ones.
    pub(crate) fn take_time(&self) {
        self.takes_time.store(true, Ordering::Relaxed);
    }

    async fn takes(&self, time: Duration) {
        if self.takes_time.load(Ordering::Relaxed) {
            tokio::time::sleep(time).await;
        }
    }

    /// How many engines there are.
    pub(crate) fn len(&self) -> usize {
        self.world().numbers.len()
    }

    /// An engine that serves is killed. It counts from now until a pass of its broker begins.
    pub(crate) fn kill(&self, broker: BrokerId) -> bool {
        let mut world = self.world();
        let serving = (1..=3).find(|n| world.of(broker, *n).is_some_and(|e| world.serves(e)));
        let Some(number) = serving.and_then(|n| world.numbers.get(&(broker, n)).copied()) else {
            return false;
        };
        world.died.insert(broker, Instant::now());
        world.change(number, ended(137));
        true
    }

    /// How long it took from each death to its pass, and of how many deaths there was none yet.
    pub(crate) fn reactions(&self) -> (Vec<Duration>, usize) {
        let mut world = self.world();
        (std::mem::take(&mut world.reactions), world.died.len())
    }

    fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn number(&self, id: &RuntimeId) -> Result<usize, RuntimeError> {
        let number = id.0.strip_prefix("engine-").and_then(|number| number.parse().ok());
        let there = |n: &usize| self.world().engines.get(*n).is_some_and(Option::is_some);
        number.filter(there).ok_or_else(|| error(RuntimeErrorClass::Gone, "no such engine"))
    }

    fn run(&self, id: &RuntimeId) -> Result<Ensured, RuntimeError> {
        let (number, now) = (self.number(id)?, self.clock.now());
        self.world().change(number, ContainerState::Running { since: now });
        Ok(Ensured::Updated)
    }
}

#[async_trait]
impl Runtime for Fleet {
    fn host_address(&self) -> Option<IpAddr> {
        None
    }

    async fn capacity(&self) -> Result<Capacity, RuntimeError> {
        Ok(Capacity { memory_bytes: 1 << 50, cpus: 4 })
    }

    async fn image(&self, _: &str) -> Result<Option<ImageInfo>, RuntimeError> {
        let id = IMAGE.to_owned();
        Ok(Some(ImageInfo { id, digests: Vec::new(), true_version: None, modules: None }))
    }

    async fn pull(
        &self,
        _: &str,
        _: Option<&str>,
        _: Option<&RegistryLogin>,
        _: &Pulled,
    ) -> Result<(), RuntimeError> {
        Ok(())
    }

    async fn apply(&self, spec: &InstanceSpec) -> Result<Ensured, RuntimeError> {
        self.takes(APPLY).await;
        let digest = spec.digest();
        let now = self.clock.now();
        let mut world = self.world();
        let key = (spec.name.broker, spec.name.ordinal);
        if let Some(there) = world.of(key.0, key.1) {
            let same = there.status.digest == digest;
            let other = || error(RuntimeErrorClass::Invalid, "another digest");
            return same.then_some(Ensured::AlreadyRight).ok_or_else(other);
        }
        let number = world.engines.len();
        let status = InstanceStatus {
            id: RuntimeId(format!("engine-{number}")),
            digest,
            generation: spec.generation,
            reboot: spec.reboot,
            image_id: IMAGE.to_owned(),
            state: ContainerState::Created,
            addresses: BTreeMap::new(),
            limits: spec.limits,
            own_disk: spec.disk_bytes.is_some(),
        };
        world.engines.push(Some(Engine {
            name: spec.name.clone(),
            status,
            ports: spec.ports.clone(),
            shares: spec.volumes.iter().any(|volume| volume.shared),
        }));
        world.numbers.insert(key, number);
        world.change(number, ContainerState::Running { since: now });
        Ok(Ensured::Created)
    }

    async fn ensure_reachable(&self, broker: BrokerId) -> Result<Ensured, RuntimeError> {
        // Every round of a pass begins with it, and nothing else asks for it.
        let mut world = self.world();
        if let Some(died) = world.died.remove(&broker) {
            world.reactions.push(died.elapsed());
        }
        Ok(Ensured::AlreadyRight)
    }

    async fn status(&self, name: &InstanceName) -> Result<Option<InstanceStatus>, RuntimeError> {
        Ok(self.world().of(name.broker, name.ordinal).map(|engine| engine.status.clone()))
    }

    async fn list(&self) -> Result<Vec<RuntimeObject>, RuntimeError> {
        let world = self.world();
        let object = |(broker, ordinal): &(BrokerId, u8)| RuntimeObject {
            broker: *broker,
            ordinal: Some(*ordinal),
        };
        Ok(world.numbers.keys().map(object).collect::<BTreeSet<_>>().into_iter().collect())
    }

    async fn list_of(&self, broker: BrokerId) -> Result<Vec<RuntimeObject>, RuntimeError> {
        let world = self.world();
        let there = (1..=3).filter(|ordinal| world.numbers.contains_key(&(broker, *ordinal)));
        Ok(there.map(|ordinal| RuntimeObject { broker, ordinal: Some(ordinal) }).collect())
    }

    async fn watch(&self) -> Result<BoxStream<'static, BrokerId>, RuntimeError> {
        let (watcher, told) = mpsc::unbounded_channel();
        self.world().watchers.push(watcher);
        Ok(UnboundedReceiverStream::new(told).boxed())
    }

    async fn start(&self, id: &RuntimeId) -> Result<Ensured, RuntimeError> {
        self.run(id)
    }

    async fn restart(&self, id: &RuntimeId) -> Result<Ensured, RuntimeError> {
        self.run(id)
    }

    async fn stop(&self, id: &RuntimeId, _: Duration) -> Result<Ensured, RuntimeError> {
        let number = self.number(id)?;
        self.takes(STOP).await;
        self.world().change(number, ended(143));
        Ok(Ensured::Updated)
    }

    async fn set_limits(&self, id: &RuntimeId, limits: Limits) -> Result<Ensured, RuntimeError> {
        let number = self.number(id)?;
        if let Some(Some(engine)) = self.world().engines.get_mut(number) {
            engine.status.limits = limits;
        }
        Ok(Ensured::Updated)
    }

    async fn remove(&self, name: &InstanceName, _: Volumes) -> Result<Ensured, RuntimeError> {
        self.takes(REMOVE).await;
        let mut world = self.world();
        let Some(number) = world.numbers.remove(&(name.broker, name.ordinal)) else {
            return Ok(Ensured::AlreadyRight);
        };
        world.engines[number] = None;
        world.pass_on_the_store(name.broker);
        world.tell(name.broker);
        Ok(Ensured::Updated)
    }

    async fn inject(&self, _: &RuntimeId, _: Disturbance) -> Result<Ensured, RuntimeError> {
        Ok(Ensured::AlreadyRight)
    }

    async fn heal(&self, _: &RuntimeId, _: Disturbance) -> Result<Ensured, RuntimeError> {
        Ok(Ensured::AlreadyRight)
    }

    async fn is_filled(&self, _: &RuntimeId) -> Result<bool, RuntimeError> {
        Ok(false)
    }
}

#[async_trait]
impl Probe for Fleet {
    async fn probe(&self, target: &ProbeTarget, _: Duration) -> ProbeOutcome {
        let world = self.world();
        match world.at(target.address) {
            Some(engine) if world.serves(engine) => ProbeOutcome::Answered,
            Some(_) | None => ProbeOutcome::Refused("closed".to_owned()),
        }
    }

    async fn nodes(
        &self,
        target: &ProbeTarget,
        _: &Login,
        _: Duration,
    ) -> Result<Vec<NodeReport>, ManagementError> {
        let world = self.world();
        let Some(asked) = world.at(target.address) else {
            return Err(ManagementError::Failed("closed".to_owned()));
        };
        let broker = asked.name.broker;
        let nodes = (1..=3).filter_map(|ordinal| world.of(broker, ordinal));
        let report = |engine: &Engine| NodeReport {
            name: format!("rabbit@{}-{}", engine.name.broker, engine.name.ordinal),
            running: engine.runs(),
            apart_from: BTreeSet::new(),
            alarms: Vec::new(),
        };
        Ok(nodes.map(report).collect())
    }

    async fn is_quorum_critical(
        &self,
        target: &ProbeTarget,
        _: &Login,
        _: Duration,
    ) -> Result<bool, ManagementError> {
        let world = self.world();
        let broker = world.at(target.address).map(|engine| engine.name.broker);
        let runs = |broker, n| world.of(broker, n).is_some_and(Engine::runs);
        Ok(!broker.is_some_and(|broker| (1..=3).all(|ordinal| runs(broker, ordinal))))
    }
}
