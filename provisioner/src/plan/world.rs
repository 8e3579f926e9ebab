//! The world as far as one broker is concerned, as it was seen.

use std::collections::{BTreeMap, BTreeSet};

use brokerd_domain::{Protocol, instance::InstanceStatus};

/// The result of observing an object; `Unknown` never authorises a destructive step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Observed<T> {
    /// It is not there.
    Absent,
    /// It is there.
    Present(T),
    /// It could not be observed, and why.
    Unknown(String),
}

/// What an engine answered to a probe.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProbeOutcome {
    /// A proper answer in the protocol.
    Answered,
    /// Something else, or a closed connection.
    Refused(String),
    /// No answer before the deadline.
    Silent,
}

/// Something a RabbitMQ node blocks publishers for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Alarm {
    /// It uses more memory than it may.
    Memory,
    /// It has less free disk than it keeps.
    Disk,
}

/// What a RabbitMQ node knows of a node of its cluster, itself or another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeReport {
    /// Which node.
    pub name: String,
    /// Whether it runs.
    pub running: bool,
    /// The nodes it was parted from and has not come together with again.
    pub apart_from: BTreeSet<String>,
    /// The alarms it has raised.
    pub alarms: Vec<Alarm>,
}

/// An instance as it was seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObservedInstance {
    /// Its container.
    pub status: InstanceStatus,
    /// What its protocols answered; only those that were asked.
    pub answers: BTreeMap<Protocol, ProbeOutcome>,
    /// The alarms it has raised; absent when it was not asked.
    pub alarms: Observed<Vec<Alarm>>,
    /// What it says of its cluster; absent when it was not asked or is in none.
    pub cluster: Observed<ClusterView>,
    /// Whether its disk is filled by a fault; absent when it was not asked.
    pub filled: Observed<bool>,
}

impl ObservedInstance {
    /// Whether all protocols that were asked have answered, and some were.
    pub fn serves(&self) -> bool {
        !self.answers.is_empty() && self.answers.values().all(|a| *a == ProbeOutcome::Answered)
    }
}

/// What a RabbitMQ node says of the cluster it is in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClusterView {
    /// What it knows of every node, itself included.
    pub nodes: Vec<NodeReport>,
    /// Whether something would lose its quorum if this node stopped; absent when it was not asked.
    pub quorum_critical: Observed<bool>,
}

/// The world as far as one broker is concerned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Observation {
    /// By ordinal.
    pub instances: BTreeMap<u8, Observed<ObservedInstance>>,
    /// The ordinals of whatever is left of a broker that is being deleted or could not be created; not looked at
    /// otherwise.
    pub leftovers: Observed<Vec<u8>>,
}

impl Observation {
    /// Whether something could not be seen, or an engine did not answer.
    pub(crate) fn has_silence(&self) -> bool {
        self.instances.values().any(|instance| match instance {
            Observed::Unknown(_) => true,
            Observed::Absent => false,
            Observed::Present(instance) => {
                instance.answers.values().any(|answer| *answer != ProbeOutcome::Answered)
            }
        })
    }
}
