//! A runtime that is plain data.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use brokerd_domain::{BrokerId, Clock, Protocol, Timestamp};
use brokerd_provisioner::{
    health::Alarm,
    registry::RegistryLogin,
    runtime::{
        Capacity, ContainerState, Disturbance, Ensured, FormerImage, ImageInfo, InstanceName,
        InstanceSpec, InstanceStatus, Limits, Pulled, Runtime, RuntimeError, RuntimeErrorClass,
        RuntimeId, RuntimeObject, Volumes,
    },
};
use futures_util::stream::{self, BoxStream, StreamExt};

use super::{TestClock, disks::Disks, fault::Faults, stores::Stores};

/// A container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Container {
    /// Its status, addresses aside.
    pub status: InstanceStatus,
    /// How often it was started.
    pub starts: u32,
    /// Engine ports.
    pub ports: Vec<u16>,
    /// The files that are text.
    pub files: Vec<String>,
    /// Whether it has its store together with others.
    pub shares: bool,
    /// Whether its engine does nothing any more, and lets go of nothing.
    pub hangs: bool,
    /// How often it was killed.
    pub kills: u32,
    /// Whether its network is cut.
    pub isolated: bool,
    /// Whether its engine ends whenever it is started.
    dies: bool,
    /// When it had been started that is frozen.
    frozen: Option<Timestamp>,
}

/// The world.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct World {
    /// Containers.
    pub containers: BTreeMap<InstanceName, Container>,
    /// Who holds the stores that several instances have together.
    pub stores: Stores,
    /// Disks that faults have filled.
    pub disks: Disks,
    /// Volumes, by instance and role, with whether they are kept; those of a whole broker by ordinal 0.
    pub volumes: BTreeMap<(InstanceName, String), bool>,
    /// Operations on brokers' instances that never end, as long as they are here.
    pub hanging: BTreeSet<(BrokerId, &'static str)>,
    /// Operations on brokers' instances that panic, once each.
    pub panicking: BTreeSet<(BrokerId, &'static str)>,
    /// How many probes find that the process itself stood still while they waited.
    pub stalled_probes: u32,
    /// Networks.
    pub networks: BTreeSet<BrokerId>,
    /// How engines boot.
    pub engine: EngineBehaviour,
    /// Nodes of a cluster whose engine runs and does not answer.
    pub hung: BTreeSet<u8>,
    /// Protocols that an instance does not answer in any more, until it is started again.
    pub silent: BTreeSet<(u8, Protocol)>,
    /// Nodes that are parted from the other nodes of their cluster.
    pub parted: BTreeSet<u8>,
    /// Nodes that somebody's quorum depends on.
    pub critical: BTreeSet<u8>,
    /// Fewest instances of a cluster that served right after one of them was stopped or restarted.
    pub fewest_left: Option<usize>,
    /// The alarms every RabbitMQ node has raised; none: it does not tell.
    pub alarms: Option<Vec<Alarm>>,
    /// What is behind every image's name.
    pub image_id: String,
    /// Whether the images are gone; what was made of them runs on.
    pub image_is_gone: bool,
    /// Whether engines of containers that are made from now on end at once.
    pub new_ones_die: bool,
    /// How often somebody looked for an image, as whoever renders does.
    pub image_looks: u32,
    next_id: u32,
    next_port: u16,
    /// Most containers there ever were at once.
    pub most_containers: usize,
}

/// How engines boot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EngineBehaviour {
    /// They answer this long after their start.
    Boots(Duration),
    /// They end at once with these words.
    Dies(&'static str),
    /// They run and never answer.
    Hangs,
    /// There is no image.
    NoImage,
}

impl Default for EngineBehaviour {
    fn default() -> Self {
        Self::Boots(Duration::from_millis(1500))
    }
}

impl Container {
    /// It is killed.
    pub fn end(&mut self) {
        self.kills += 1;
        self.status.state =
            ContainerState::Exited { code: 137, out_of_memory: false, last_words: String::new() };
        self.status.addresses.clear();
        self.frozen = None;
    }

    /// Gives it addresses, if it is connected; how many.
    fn publish(&mut self, first_port: u16) -> u16 {
        self.status.addresses.clear();
        if self.isolated {
            return 0;
        }
        self.status.addresses = self
            .ports
            .iter()
            .zip(0u16..)
            .map(|(port, n)| {
                (*port, SocketAddr::from((Ipv4Addr::LOCALHOST, 40_000 + first_port + n)))
            })
            .collect();
        u16::try_from(self.ports.len()).expect("few ports")
    }
}

impl World {
    pub fn disturb(&mut self, name: &InstanceName, disturbance: Disturbance) {
        if let Disturbance::Filled { .. } = disturbance {
            return self.fill(name);
        }
        let Some(container) = self.containers.get_mut(name) else { return };
        let ContainerState::Running { since } = container.status.state else {
            if container.status.state == ContainerState::Paused
                && disturbance == Disturbance::Killed
            {
                container.end();
            }
            return;
        };
        match disturbance {
            Disturbance::Killed => container.end(),
            Disturbance::Frozen => {
                container.frozen = Some(since);
                container.status.state = ContainerState::Paused;
            }
            Disturbance::Isolated => {
                container.isolated = true;
                container.status.addresses.clear();
            }
            Disturbance::Filled { .. } => {}
        }
    }

    fn undisturb(&mut self, name: &InstanceName, disturbance: Disturbance) {
        let first_port = self.next_port;
        let Some(container) = self.containers.get_mut(name) else { return };
        match (disturbance, &container.status.state) {
            (Disturbance::Frozen, ContainerState::Paused) => {
                let since = container.frozen.take().expect("it was frozen while it ran");
                container.status.state = ContainerState::Running { since };
            }
            (Disturbance::Isolated, state) if container.isolated => {
                let is_up = !matches!(state, ContainerState::Exited { .. });
                container.isolated = false;
                self.next_port += if is_up { container.publish(first_port) } else { 0 };
            }
            (Disturbance::Filled { .. }, _) => self.drain(name),
            _ => {}
        }
    }

    fn start(&mut self, name: &InstanceName, now: Timestamp) {
        let first_port = self.next_port;
        self.hung.remove(&name.ordinal);
        self.parted.remove(&name.ordinal);
        self.silent.retain(|(ordinal, _)| *ordinal != name.ordinal);
        let Some(container) = self.containers.get_mut(name) else { return };
        container.starts += 1;
        container.hangs = false;
        container.isolated = false;
        container.frozen = None;
        self.next_port += container.publish(first_port);
        container.status.state = match self.engine {
            _ if container.files.iter().any(|text| super::poison(text)) => ContainerState::Exited {
                code: 1,
                out_of_memory: false,
                last_words: "poisoned".to_owned(),
            },
            _ if container.dies => ContainerState::Exited {
                code: 1,
                out_of_memory: false,
                last_words: "broken".to_owned(),
            },
            EngineBehaviour::Dies(words) => ContainerState::Exited {
                code: 1,
                out_of_memory: false,
                last_words: words.to_owned(),
            },
            _ => ContainerState::Running { since: now },
        };
    }

    fn by_id(&self, id: &RuntimeId) -> Option<InstanceName> {
        self.containers.iter().find(|(_, c)| c.status.id == *id).map(|(name, _)| name.clone())
    }

    /// Whether a node of a cluster serves: while it and most of the others run and reach each other.
    pub fn node_serves(&self, name: &InstanceName, now: Timestamp) -> bool {
        let EngineBehaviour::Boots(time) = self.engine else { return false };
        let up = |name: &InstanceName, container: &Container| {
            let state = &container.status.state;
            !self.hung.contains(&name.ordinal)
                && !container.isolated
                && matches!(state, ContainerState::Running { since } if now.since(*since) >= time)
        };
        let nodes = self.containers.iter().filter(|(other, _)| other.broker == name.broker);
        self.containers.get(name).is_some_and(|container| up(name, container))
            && nodes.filter(|(other, container)| up(other, container)).count() >= 2
    }

    /// Whether that instance is a node of a cluster.
    pub fn is_cluster(&self, name: &InstanceName) -> bool {
        let container = self.containers.get(name);
        container.is_some_and(|c| c.files.iter().any(|f| f.contains("cluster_formation.")))
    }

    /// Before an instance is stopped: how many others of its cluster serve.
    fn note_stop(&mut self, name: &InstanceName, now: Timestamp) {
        if !self.is_cluster(name) || !self.node_serves(name, now) {
            return;
        }
        let others = self.containers.keys().filter(|n| n.broker == name.broker && *n != name);
        let left = others.filter(|other| self.node_serves(other, now)).count();
        self.fewest_left = Some(self.fewest_left.map_or(left, |fewest| fewest.min(left)));
    }

    /// What belongs to a broker, of whatever kind.
    pub fn belongings(&self, broker: BrokerId) -> usize {
        self.containers.keys().filter(|n| n.broker == broker).count()
            + self.volumes.keys().filter(|(n, _)| n.broker == broker).count()
            + usize::from(self.networks.contains(&broker))
    }
}

/// The runtime on it.
pub struct FakeRuntime {
    /// The world.
    pub world: Arc<Mutex<World>>,
    /// The time.
    pub clock: Arc<TestClock>,
    /// What goes wrong.
    pub faults: Arc<Faults>,
    /// Whether it can't be seen at all.
    pub blind: Arc<Mutex<bool>>,
}

fn busy() -> RuntimeError {
    error(RuntimeErrorClass::Transient, "the engine is busy")
}

fn error(class: RuntimeErrorClass, message: &str) -> RuntimeError {
    RuntimeError { class, operation: "fake", message: message.to_owned() }
}

impl FakeRuntime {
    fn see(&self) -> Result<(), RuntimeError> {
        if *self.blind.lock().expect("not poisoned") { Err(busy()) } else { Ok(()) }
    }

    fn on(
        &self,
        id: &RuntimeId,
        act: impl Fn(&mut World, &InstanceName),
    ) -> Result<Ensured, RuntimeError> {
        let mut world = self.world.lock().expect("not poisoned");
        let name =
            world.by_id(id).ok_or_else(|| error(RuntimeErrorClass::Gone, "no such container"))?;
        act(&mut world, &name);
        Ok(Ensured::Updated)
    }

    /// What a test has arranged for an operation on an instance.
    async fn trouble(&self, broker: Option<BrokerId>, operation: &'static str) {
        let Some(broker) = broker else { return };
        let key = (broker, operation);
        let panics = self.world.lock().expect("not poisoned").panicking.remove(&key);
        assert!(!panics, "arranged by the test");
        while self.world.lock().expect("not poisoned").hanging.contains(&key) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    fn owner(&self, id: &RuntimeId) -> Option<BrokerId> {
        self.world.lock().expect("not poisoned").by_id(id).map(|name| name.broker)
    }

    fn do_apply(&self, spec: &InstanceSpec) -> Result<Ensured, RuntimeError> {
        let now = self.clock.now();
        let mut world = self.world.lock().expect("not poisoned");
        if world.engine == EngineBehaviour::NoImage || world.image_is_gone {
            return Err(error(RuntimeErrorClass::Denied, "no such image"));
        }
        world.networks.insert(spec.name.broker);
        for volume in &spec.volumes {
            let ordinal = if volume.shared { 0 } else { spec.name.ordinal };
            let owner = InstanceName { ordinal, ..spec.name.clone() };
            world.volumes.insert((owner, volume.role.to_owned()), volume.keep);
        }
        if let Some(there) = world.containers.get(&spec.name) {
            if there.status.generation > spec.generation {
                return Err(error(RuntimeErrorClass::Stale, "newer"));
            }
            if there.status.digest != spec.digest() {
                return Err(error(RuntimeErrorClass::Invalid, "another digest"));
            }
            if there.status.state != ContainerState::Created {
                return Ok(Ensured::AlreadyRight);
            }
        } else {
            world.next_id += 1;
            let id = RuntimeId(format!("container-{}", world.next_id));
            let status = InstanceStatus {
                id,
                digest: spec.digest(),
                generation: spec.generation,
                reboot: spec.reboot,
                image_id: match &spec.former_image {
                    Some(FormerImage::First(id)) => id.clone(),
                    Some(FormerImage::Last(_)) | None => world.image_id.clone(),
                },
                state: ContainerState::Created,
                addresses: BTreeMap::new(),
                limits: spec.limits,
                own_disk: spec.disk_bytes.is_some(),
            };
            let files = spec
                .files
                .iter()
                .filter_map(|file| String::from_utf8(file.content.clone()).ok())
                .collect();
            let shares = spec.volumes.iter().any(|volume| volume.shared);
            let ports = spec.ports.clone();
            let dies = world.new_ones_die;
            let container = Container {
                status,
                dies,
                starts: 0,
                ports,
                files,
                shares,
                hangs: false,
                kills: 0,
                isolated: false,
                frozen: None,
            };
            world.containers.insert(spec.name.clone(), container);
            world.most_containers = world.most_containers.max(world.containers.len());
        }
        world.start(&spec.name, now);
        Ok(Ensured::Created)
    }

    fn do_remove(&self, name: &InstanceName, volumes: Volumes) -> Ensured {
        let mut world = self.world.lock().expect("not poisoned");
        if volumes == Volumes::Keep {
            world.may_end(name, self.clock.now());
        }
        let there = world.containers.remove(name).is_some();
        world
            .volumes
            .retain(|(owner, _), keep| owner != name || (*keep && volumes == Volumes::Keep));
        if volumes == Volumes::Delete && !world.containers.keys().any(|n| n.broker == name.broker) {
            world.volumes.retain(|(owner, _), _| owner.broker != name.broker || owner.ordinal != 0);
            world.networks.remove(&name.broker);
        }
        world.remove_disks(name.broker, volumes);
        if there { Ensured::Updated } else { Ensured::AlreadyRight }
    }
}

#[async_trait]
impl Runtime for FakeRuntime {
    fn host_address(&self) -> Option<IpAddr> {
        None
    }

    async fn capacity(&self) -> Result<Capacity, RuntimeError> {
        self.see()?;
        Ok(Capacity { memory_bytes: 64 << 30, cpus: 4 })
    }

    async fn image(&self, _: &str) -> Result<Option<ImageInfo>, RuntimeError> {
        self.see()?;
        let mut world = self.world.lock().expect("not poisoned");
        world.image_looks += 1;
        if world.image_is_gone {
            return Ok(None);
        }
        Ok(Some(ImageInfo {
            id: "first".to_owned(),
            digests: Vec::new(),
            true_version: None,
            modules: None,
        }))
    }

    async fn pull(
        &self,
        _: &str,
        _: Option<&str>,
        _: Option<&RegistryLogin>,
        _: &Pulled,
    ) -> Result<(), RuntimeError> {
        self.see()
    }

    async fn apply(&self, spec: &InstanceSpec) -> Result<Ensured, RuntimeError> {
        self.trouble(Some(spec.name.broker), "apply").await;
        self.faults.effect("apply", busy, || self.do_apply(spec)).await
    }

    async fn status(&self, name: &InstanceName) -> Result<Option<InstanceStatus>, RuntimeError> {
        self.trouble(Some(name.broker), "status").await;
        self.see()?;
        let world = self.world.lock().expect("not poisoned");
        Ok(world.containers.get(name).map(|c| c.status.clone()))
    }

    async fn list(&self) -> Result<Vec<RuntimeObject>, RuntimeError> {
        self.see()?;
        let world = self.world.lock().expect("not poisoned");
        let mut objects: BTreeSet<RuntimeObject> = BTreeSet::new();
        let instances = world.containers.keys().chain(world.volumes.keys().map(|(name, _)| name));
        objects.extend(instances.map(|n| RuntimeObject {
            broker: n.broker,
            ordinal: Some(n.ordinal).filter(|ordinal| *ordinal > 0),
        }));
        objects.extend(world.networks.iter().map(|b| RuntimeObject { broker: *b, ordinal: None }));
        Ok(objects.into_iter().collect())
    }

    async fn watch(&self) -> Result<BoxStream<'static, BrokerId>, RuntimeError> {
        Ok(stream::pending().boxed())
    }

    async fn start(&self, id: &RuntimeId) -> Result<Ensured, RuntimeError> {
        let now = self.clock.now();
        self.faults
            .effect("start", busy, || self.on(id, |world, name| world.start(name, now)))
            .await
    }

    async fn restart(&self, id: &RuntimeId) -> Result<Ensured, RuntimeError> {
        let now = self.clock.now();
        self.faults
            .effect("restart", busy, || {
                self.on(id, |world, name| {
                    world.note_stop(name, now);
                    world.may_end(name, now);
                    world.start(name, now);
                })
            })
            .await
    }

    async fn stop(&self, id: &RuntimeId, _: Duration) -> Result<Ensured, RuntimeError> {
        let now = self.clock.now();
        let stop = |world: &mut World, name: &InstanceName| {
            world.note_stop(name, now);
            world.may_end(name, now);
            if let Some(container) = world.containers.get_mut(name) {
                container.status.state = ContainerState::Exited {
                    code: 143,
                    out_of_memory: false,
                    last_words: String::new(),
                };
                container.status.addresses.clear();
            }
        };
        self.trouble(self.owner(id), "stop").await;
        self.faults.effect("stop", busy, || self.on(id, stop)).await
    }

    async fn set_limits(&self, id: &RuntimeId, limits: Limits) -> Result<Ensured, RuntimeError> {
        let set = |world: &mut World, name: &InstanceName| {
            if let Some(container) = world.containers.get_mut(name) {
                container.status.limits = limits;
            }
        };
        self.trouble(self.owner(id), "set limits").await;
        self.faults.effect("set limits", busy, || self.on(id, set)).await
    }

    async fn remove(&self, name: &InstanceName, volumes: Volumes) -> Result<Ensured, RuntimeError> {
        self.trouble(Some(name.broker), "remove").await;
        self.faults.effect("remove", busy, || Ok(self.do_remove(name, volumes))).await
    }

    async fn inject(
        &self,
        id: &RuntimeId,
        disturbance: Disturbance,
    ) -> Result<Ensured, RuntimeError> {
        let act = || self.on(id, |world, name| world.disturb(name, disturbance));
        self.faults.effect("inject", busy, act).await
    }

    async fn heal(
        &self,
        id: &RuntimeId,
        disturbance: Disturbance,
    ) -> Result<Ensured, RuntimeError> {
        let act = || self.on(id, |world, name| world.undisturb(name, disturbance));
        self.faults.effect("heal", busy, act).await
    }

    async fn is_filled(&self, id: &RuntimeId) -> Result<bool, RuntimeError> {
        self.see()?;
        let world = self.world.lock().expect("not poisoned");
        Ok(world.by_id(id).is_some_and(|name| world.is_filled(&name)))
    }
}
