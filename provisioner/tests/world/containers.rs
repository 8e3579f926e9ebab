//! Simulated containers, found by name, id, broker and address without looking at the others.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    net::{IpAddr, Ipv4Addr, SocketAddr},
    ops::Deref,
};

use brokerd_domain::{
    BrokerId, Timestamp,
    instance::{ContainerState, InjectedFile, InstanceName, InstanceStatus, RuntimeId},
};

/// An injected file that is text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TextFile {
    /// Its path in the container.
    pub path: String,
    text: String,
}

impl TextFile {
    /// The file, if it is text.
    pub fn of(file: &InjectedFile) -> Option<Self> {
        let text = String::from_utf8(file.content.clone()).ok()?;
        Some(Self { path: format!("{}/{}", file.root, file.path), text })
    }
}

impl Deref for TextFile {
    type Target = str;

    fn deref(&self) -> &str {
        &self.text
    }
}

/// What the process of a container does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Program {
    /// It is an engine, which does what engines of its world do.
    Engine,
    /// It does not end when it is asked to.
    Stubborn,
    /// It ends at once.
    Ends {
        /// Its exit code.
        code: i64,
        /// What it prints before.
        words: String,
    },
    /// It uses up its memory at once.
    Starves,
}

/// The first word of a command that names a [`Program`].
const SIMULATED: &str = "simulated";

impl Program {
    /// What a command of a specification means here; every other one is an engine's.
    pub fn from_command(command: &[String]) -> Self {
        let words: Vec<&str> = command.iter().map(String::as_str).collect();
        match words.as_slice() {
            [SIMULATED, "stubborn"] => Self::Stubborn,
            [SIMULATED, "starves"] => Self::Starves,
            [SIMULATED, "ends", code, words] => {
                Self::Ends { code: code.parse().expect("a number"), words: (*words).to_owned() }
            }
            _ => Self::Engine,
        }
    }

    /// The command that means it.
    pub fn command(&self) -> Vec<String> {
        let words = match self {
            Self::Engine => return Vec::new(),
            Self::Stubborn => vec!["stubborn".to_owned()],
            Self::Starves => vec!["starves".to_owned()],
            Self::Ends { code, words } => {
                vec!["ends".to_owned(), code.to_string(), words.clone()]
            }
        };
        [SIMULATED.to_owned()].into_iter().chain(words).collect()
    }
}

/// A container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Container {
    /// Its status.
    pub status: InstanceStatus,
    /// The name by which other instances of its broker find it.
    pub hostname: String,
    /// How often it was started.
    pub starts: u32,
    /// Engine ports.
    pub ports: Vec<u16>,
    /// The files that are text.
    pub files: Vec<TextFile>,
    /// Whether it has its store together with others.
    pub shares: bool,
    /// Whether its engine does nothing any more, and lets go of nothing.
    pub hangs: bool,
    /// How often it was killed.
    pub kills: u32,
    /// Whether its network is cut.
    pub isolated: bool,
    /// Whether its engine ends whenever it is started.
    pub(super) dies: bool,
    /// When it had been started that is paused.
    pub(super) paused: Option<Timestamp>,
    /// Whether its configuration keeps its engine from booting.
    pub(super) is_poisoned: bool,
    /// Whether it is a node of a cluster.
    pub(super) is_node: bool,
    pub(super) program: Program,
    /// Its address, which nobody else has had.
    pub(super) host: Option<IpAddr>,
    /// The volumes it has, by role, with the paths they are mounted at.
    pub(super) mounts: Vec<(String, InstanceName, &'static str)>,
}

impl Container {
    /// It is killed.
    pub fn end(&mut self) {
        self.kills += 1;
        self.exit(137);
    }

    /// Its process ends.
    pub(super) fn exit(&mut self, code: i64) {
        self.status.state =
            ContainerState::Exited { code, out_of_memory: false, last_log_lines: String::new() };
        self.status.addresses.clear();
        self.paused = None;
    }

    /// Its status as a runtime tells it: what is paused can't be reached.
    pub(super) fn told(&self) -> InstanceStatus {
        let mut status = self.status.clone();
        if !matches!(status.state, ContainerState::Running { .. }) {
            status.addresses.clear();
        }
        status
    }
}

/// All containers. What they are found by is kept up by whatever adds, removes and connects them.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Containers {
    all: BTreeMap<InstanceName, Container>,
    ids: HashMap<RuntimeId, InstanceName>,
    brokers: HashMap<BrokerId, BTreeSet<InstanceName>>,
    hosts: HashMap<IpAddr, InstanceName>,
    next_id: u32,
    next_host: u32,
}

impl Deref for Containers {
    type Target = BTreeMap<InstanceName, Container>;

    fn deref(&self) -> &Self::Target {
        &self.all
    }
}

impl Containers {
    /// An id that no container has had.
    pub fn new_id(&mut self) -> RuntimeId {
        self.next_id += 1;
        RuntimeId(format!("container-{}", self.next_id))
    }

    /// Adds a container.
    pub fn insert(&mut self, name: InstanceName, container: Container) {
        self.remove(&name);
        self.ids.insert(container.status.id.clone(), name.clone());
        self.brokers.entry(name.broker).or_default().insert(name.clone());
        self.all.insert(name, container);
    }

    /// Removes a container.
    pub fn remove(&mut self, name: &InstanceName) -> Option<Container> {
        let container = self.all.remove(name)?;
        self.ids.remove(&container.status.id);
        if let Some(host) = container.host {
            self.hosts.remove(&host);
        }
        if let Some(names) = self.brokers.get_mut(&name.broker) {
            names.remove(name);
            if names.is_empty() {
                self.brokers.remove(&name.broker);
            }
        }
        Some(container)
    }

    /// Removes those that are not wanted.
    pub fn retain(&mut self, wanted: impl Fn(&InstanceName, &Container) -> bool) {
        let doomed = self.all.iter().filter(|(name, container)| !wanted(name, container));
        for name in doomed.map(|(name, _)| name.clone()).collect::<Vec<_>>() {
            self.remove(&name);
        }
    }

    /// Removes all.
    pub fn clear(&mut self) {
        self.retain(|_, _| false);
    }

    /// A container, to be changed.
    pub fn get_mut(&mut self, name: &InstanceName) -> Option<&mut Container> {
        self.all.get_mut(name)
    }

    /// All of them, to be changed.
    pub fn values_mut(&mut self) -> impl Iterator<Item = &mut Container> {
        self.all.values_mut()
    }

    /// Those of a broker.
    pub fn of(&self, broker: BrokerId) -> impl Iterator<Item = (&InstanceName, &Container)> {
        let names = self.brokers.get(&broker).into_iter().flatten();
        names.filter_map(|name| self.all.get_key_value(name))
    }

    /// The names of those of a broker.
    pub fn names(&self, broker: BrokerId) -> Vec<InstanceName> {
        self.brokers.get(&broker).into_iter().flatten().cloned().collect()
    }

    /// Whose id that is.
    pub fn by_id(&self, id: &RuntimeId) -> Option<&InstanceName> {
        self.ids.get(id)
    }

    /// Who is reached at an address.
    pub fn at(&self, address: SocketAddr) -> Option<&InstanceName> {
        let name = self.hosts.get(&address.ip())?;
        let addresses = &self.all.get(name)?.status.addresses;
        addresses.values().any(|there| *there == address).then_some(name)
    }

    /// Gives a container addresses that nobody has had, unless it is cut off.
    pub fn connect(&mut self, name: &InstanceName) {
        let Some(container) = self.all.get_mut(name) else { return };
        if let Some(former) = container.host.take() {
            self.hosts.remove(&former);
        }
        container.status.addresses.clear();
        if container.isolated {
            return;
        }
        self.next_host += 1;
        // In 10.0.0.0/8, as networks of containers are.
        let host = IpAddr::V4(Ipv4Addr::from(0x0a00_0000 | (self.next_host & 0x00ff_ffff)));
        let ports = container.ports.iter().map(|port| (*port, SocketAddr::new(host, *port)));
        container.status.addresses = ports.collect();
        container.host = Some(host);
        self.hosts.insert(host, name.clone());
    }
}
