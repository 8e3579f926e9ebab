//! A host whose containers, volumes and networks are plain data.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use brokerd_domain::{
    BrokerId, InstallationId, Protocol, Timestamp,
    instance::{
        ContainerState, Disturbance, FormerImage, InstanceName, InstanceSpec, InstanceStatus,
        Limits, RuntimeId, SpecDigest, Volumes,
    },
    log::LogSource,
};
use brokerd_provisioner::{
    plan::Alarm,
    runtime::{Ensured, LogLine, RuntimeErrorClass},
};

use super::{
    containers::{Container, Containers, Program, TextFile},
    disks::Disks,
    events::Events,
    shared_stores::Stores,
};

/// How many processors the host has.
pub const CPUS: u32 = 4;

/// Files of more bytes are not searched for what an engine makes of them.
const MAX_SEARCHED_BYTES: usize = 64 << 10;

/// A volume.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Volume {
    /// Whether it outlives its container.
    pub keep: bool,
    /// What was written to it.
    pub written: BTreeMap<String, String>,
}

/// The world.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct World {
    /// Containers.
    pub containers: Containers,
    /// Who holds the stores that several instances have together.
    pub stores: Stores,
    /// What containers have printed.
    pub printed: BTreeMap<RuntimeId, Vec<LogLine>>,
    /// Disks that faults have filled.
    pub disks: Disks,
    /// Volumes, by instance and role; those of a whole broker by ordinal 0.
    pub volumes: BTreeMap<(InstanceName, &'static str), Volume>,
    /// Operations on brokers' instances that never end, as long as they are here.
    pub hanging: BTreeSet<(BrokerId, &'static str)>,
    /// Operations on brokers' instances that panic, once each.
    pub panicking: BTreeSet<(BrokerId, &'static str)>,
    /// How many probes find that the process itself stood still while they waited.
    pub stalled_probes: u32,
    /// Networks.
    pub networks: BTreeSet<(InstallationId, BrokerId)>,
    /// How engines boot.
    pub engine: EngineBehaviour,
    /// Nodes of a cluster whose engine runs and does not answer.
    pub hung: BTreeSet<u8>,
    /// Protocols that an instance does not answer in any more, until it is started again.
    pub silent: BTreeSet<(u8, Protocol)>,
    /// Instances that can't be made or started, as on a host that is away.
    pub unbootable: BTreeSet<u8>,
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
    /// The only images there are; none: every one is there.
    pub only_images: Option<BTreeSet<String>>,
    /// Whether engines of containers that are made from now on end at once.
    pub new_ones_die: bool,
    /// How often somebody looked for an image, as whoever renders does.
    pub image_looks: u32,
    /// Whether the content of files is dropped once it was looked at: ten thousand brokers have much of it.
    pub forgets_files: bool,
    /// Whether a test may end what serves: nobody is told that it was a mistake.
    pub anything_may_end: bool,
    /// Who is told of what happens to containers.
    pub events: Events,
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

/// Why something is not done: the class and the words.
pub type Refusal = (RuntimeErrorClass, String);

/// Why something is not done.
pub(super) fn refusal(class: RuntimeErrorClass, why: &str) -> Refusal {
    (class, why.to_owned())
}

const fn ensured(changed: bool) -> Ensured {
    if changed { Ensured::Updated } else { Ensured::AlreadyRight }
}

/// What the host can give.
pub fn at_most(limits: Limits) -> Limits {
    Limits { nano_cpus: limits.nano_cpus.min(u64::from(CPUS) * 1_000_000_000), ..limits }
}

impl World {
    /// Whether an instance may be made or started.
    pub(super) fn may_boot(&self, name: &InstanceName) -> Result<(), Refusal> {
        if self.unbootable.contains(&name.ordinal) {
            return Err(refusal(RuntimeErrorClass::Blocked, "its host is away"));
        }
        Ok(())
    }

    pub(super) fn tell(&self, name: &InstanceName) {
        self.events.tell(&name.installation, name.broker);
    }

    /// Makes the container be there and running.
    pub fn apply(&mut self, spec: &InstanceSpec, now: Timestamp) -> Result<Ensured, Refusal> {
        let image_id = self.image_for(spec)?;
        self.networks.insert((spec.name.installation.clone(), spec.name.broker));
        let digest = spec.digest();
        let Some(there) = self.containers.get(&spec.name) else {
            self.make(spec, digest, image_id);
            self.start(&spec.name, now);
            return Ok(Ensured::Created);
        };
        if there.status.generation > spec.generation {
            return Err(refusal(RuntimeErrorClass::Stale, "newer"));
        }
        if there.status.digest != digest {
            return Err(refusal(RuntimeErrorClass::Rejected, "another digest"));
        }
        let done = match there.status.state {
            ContainerState::Running { .. } | ContainerState::Paused => {
                return Ok(Ensured::AlreadyRight);
            }
            ContainerState::Created => Ensured::Created,
            ContainerState::Exited { .. } => Ensured::Updated,
        };
        self.start(&spec.name, now);
        Ok(done)
    }

    fn image_for(&self, spec: &InstanceSpec) -> Result<String, Refusal> {
        let named = || Some(self.image_id.clone()).filter(|_| self.has_image(&spec.image));
        let by_id = |id: &String| Some(id.clone()).filter(|id| self.has_image(id));
        let found = match &spec.former_image {
            _ if self.engine == EngineBehaviour::NoImage => None,
            None => named(),
            Some(FormerImage::First(id)) => by_id(id).or_else(named),
            Some(FormerImage::Last(id)) => named().or_else(|| by_id(id)),
        };
        let missing = || (RuntimeErrorClass::Blocked, format!("no such image: {}", spec.image));
        found.ok_or_else(missing)
    }

    /// Whether an image is there, by its name or by the runtime's own name for it.
    pub fn has_image(&self, reference: &str) -> bool {
        let is_one = |images: &BTreeSet<String>| images.contains(reference);
        !self.image_is_gone
            && (self.only_images.as_ref().is_none_or(is_one) || *reference == self.image_id)
    }

    /// Makes a container that has its volumes and files and is not started.
    pub fn make(&mut self, spec: &InstanceSpec, digest: SpecDigest, image_id: String) {
        let status = InstanceStatus {
            id: self.containers.new_id(),
            digest,
            generation: spec.generation,
            reboot: spec.reboot,
            image_id: Some(image_id),
            state: ContainerState::Created,
            addresses: BTreeMap::new(),
            limits: at_most(spec.limits),
            own_disk: spec.disk_bytes.is_some(),
            silent_host: None,
        };
        let mut mounts = Vec::new();
        for volume in &spec.volumes {
            let ordinal = if volume.shared { 0 } else { spec.name.ordinal };
            let owner = InstanceName { ordinal, ..spec.name.clone() };
            let made = self.volumes.entry((owner.clone(), volume.role)).or_default();
            made.keep = volume.keep;
            mounts.push((volume.mount.clone(), owner, volume.role));
        }
        let mut files: Vec<TextFile> = spec.files.iter().filter_map(TextFile::of).collect();
        // The public authorities are no configuration, and searching them would take longer than all the rest.
        let searched = || files.iter().filter(|text| text.len() < MAX_SEARCHED_BYTES);
        let is_poisoned = searched().any(|text| super::poison(text));
        let is_node = searched().any(|text| text.contains("cluster_formation."));
        if self.forgets_files {
            files = Vec::new();
        }
        let container = Container {
            status,
            hostname: spec.hostname.clone(),
            dies: self.new_ones_die,
            starts: 0,
            ports: spec.ports.clone(),
            files,
            shares: spec.volumes.iter().any(|volume| volume.shared),
            hangs: false,
            kills: 0,
            isolated: false,
            paused: None,
            is_poisoned,
            is_node,
            program: Program::from_command(&spec.command),
            host: None,
            mounts,
        };
        self.containers.insert(spec.name.clone(), container);
        self.most_containers = self.most_containers.max(self.containers.len());
    }

    /// Starts a container, whatever it does now.
    pub fn start(&mut self, name: &InstanceName, now: Timestamp) {
        self.hung.remove(&name.ordinal);
        self.parted.remove(&name.ordinal);
        self.silent.retain(|(ordinal, _)| *ordinal != name.ordinal);
        let Some(container) = self.containers.get_mut(name) else { return };
        container.starts += 1;
        container.hangs = false;
        container.isolated = false;
        container.paused = None;
        let exited = |code, out_of_memory, words: &str| ContainerState::Exited {
            code,
            out_of_memory,
            last_log_lines: words.to_owned(),
        };
        container.status.state = match (&container.program, &self.engine) {
            (Program::Ends { code, words }, _) => exited(*code, false, words),
            (Program::Starves, _) => exited(137, true, ""),
            _ if container.is_poisoned => exited(1, false, "poisoned"),
            _ if container.dies => exited(1, false, "broken"),
            (_, EngineBehaviour::Dies(words)) => exited(1, false, words),
            _ => ContainerState::Running { since: now },
        };
        if let Program::Ends { words, .. } = &container.program {
            let line = LogLine {
                source: LogSource::Stdout,
                at: now.as_micros().saturating_mul(1000),
                text: words.clone(),
            };
            self.printed.entry(container.status.id.clone()).or_default().push(line);
        }
        if let ContainerState::Running { .. } = container.status.state {
            self.containers.connect(name);
        } else {
            container.status.addresses.clear();
        }
        self.tell(name);
    }

    /// Stops what runs: in an orderly way, unless it gets no time or does not heed it.
    pub fn stop(&mut self, name: &InstanceName, grace: Duration, now: Timestamp) -> Ensured {
        let Some(container) = self.containers.get(name) else { return Ensured::AlreadyRight };
        let code = match container.status.state {
            ContainerState::Created | ContainerState::Exited { .. } => {
                return Ensured::AlreadyRight;
            }
            ContainerState::Running { .. }
                if !grace.is_zero() && container.program != Program::Stubborn =>
            {
                143
            }
            ContainerState::Running { .. } | ContainerState::Paused => 137,
        };
        self.note_stop(name, now);
        self.may_end(name, now);
        if let Some(container) = self.containers.get_mut(name) {
            container.exit(code);
        }
        self.tell(name);
        Ensured::Updated
    }

    /// Removes an instance, and with the last of a broker's what they had together.
    pub fn remove(&mut self, name: &InstanceName, volumes: Volumes, now: Timestamp) -> Ensured {
        if volumes == Volumes::Keep {
            self.may_end(name, now);
        }
        let mut any = self.containers.remove(name).is_some();
        if any {
            self.tell(name);
        }
        any |= self.remove_volumes(name, volumes);
        let is_one = |(other, _): (&InstanceName, _)| other.installation == name.installation;
        if volumes == Volumes::Delete && !self.containers.of(name.broker).any(is_one) {
            any |= self.remove_volumes(&InstanceName { ordinal: 0, ..name.clone() }, volumes);
            any |= self.networks.remove(&(name.installation.clone(), name.broker));
        }
        self.remove_disks(name.broker, volumes);
        ensured(any)
    }

    fn remove_volumes(&mut self, owner: &InstanceName, volumes: Volumes) -> bool {
        let theirs = self.volumes.range((owner.clone(), "")..);
        let doomed: Vec<(InstanceName, &'static str)> = theirs
            .take_while(|((other, _), _)| other == owner)
            .filter(|(_, volume)| volumes == Volumes::Delete || !volume.keep)
            .map(|(key, _)| key.clone())
            .collect();
        doomed.iter().filter_map(|key| self.volumes.remove(key)).count() > 0
    }

    /// Disturbs a container.
    pub fn disturb(
        &mut self,
        name: &InstanceName,
        disturbance: Disturbance,
    ) -> Result<Ensured, Refusal> {
        if let Disturbance::Filled { .. } = disturbance {
            return self.fill(name).map(ensured);
        }
        let Some(container) = self.containers.get_mut(name) else {
            return Ok(Ensured::AlreadyRight);
        };
        let changed = match (disturbance, &container.status.state) {
            (_, ContainerState::Created | ContainerState::Exited { .. }) => false,
            (Disturbance::Killed, _) => {
                container.end();
                true
            }
            (Disturbance::Paused, ContainerState::Running { since }) => {
                container.paused = Some(*since);
                container.status.state = ContainerState::Paused;
                true
            }
            (Disturbance::Isolated, _) if !container.isolated => {
                container.isolated = true;
                container.status.addresses.clear();
                true
            }
            _ => false,
        };
        if changed {
            self.tell(name);
        }
        Ok(ensured(changed))
    }

    /// Undoes what [`World::disturb`] did.
    pub fn undisturb(
        &mut self,
        name: &InstanceName,
        disturbance: Disturbance,
    ) -> Result<Ensured, Refusal> {
        if let Disturbance::Filled { .. } = disturbance {
            return self.drain(name).map(ensured);
        }
        let Some(container) = self.containers.get_mut(name) else {
            return Ok(Ensured::AlreadyRight);
        };
        match (disturbance, &container.status.state) {
            (Disturbance::Paused, ContainerState::Paused) => {
                let since = container.paused.take().expect("it was paused while it ran");
                container.status.state = ContainerState::Running { since };
            }
            (Disturbance::Isolated, state) if container.isolated => {
                let is_up = !matches!(state, ContainerState::Exited { .. });
                container.isolated = false;
                if is_up {
                    self.containers.connect(name);
                }
            }
            _ => return Ok(Ensured::AlreadyRight),
        }
        self.tell(name);
        Ok(Ensured::Updated)
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
        let nodes = self.containers.of(name.broker);
        self.containers.get(name).is_some_and(|container| up(name, container))
            && nodes.filter(|(other, container)| up(other, container)).count() >= 2
    }

    /// Whether that instance is a node of a cluster.
    pub fn is_cluster(&self, name: &InstanceName) -> bool {
        self.containers.get(name).is_some_and(|container| container.is_node)
    }

    /// Before an instance is stopped: how many others of its cluster serve.
    pub(super) fn note_stop(&mut self, name: &InstanceName, now: Timestamp) {
        if !self.is_cluster(name) || !self.node_serves(name, now) {
            return;
        }
        let others = self.containers.of(name.broker).map(|(other, _)| other);
        let left = others.filter(|n| *n != name && self.node_serves(n, now)).count();
        self.fewest_left = Some(self.fewest_left.map_or(left, |fewest| fewest.min(left)));
    }

    /// What belongs to a broker, of whatever kind.
    pub fn belongings(&self, broker: BrokerId) -> usize {
        self.containers.of(broker).count()
            + self.volumes.keys().filter(|(n, _)| n.broker == broker).count()
            + self.networks.iter().filter(|(_, other)| *other == broker).count()
    }
}
