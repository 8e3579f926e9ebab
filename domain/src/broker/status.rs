//! The status of a broker, as the provisioner records it.

use serde::{Deserialize, Serialize};

use super::{action::ActionRequired, spec::Generation};
use crate::kernel::Timestamp;

/// How an instance is doing, as far as probes tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Health {
    /// Not ready since it was last started.
    Starting,
    /// Every protocol answered.
    Healthy,
    /// Was healthy, and does not answer.
    Suspect,
    /// Runs, and waits for the store that another instance of its pair holds.
    Standby,
}

/// Whether clients are served. Endpoints lead to whichever instances serve: every one answers if one does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Availability {
    /// Every endpoint answers.
    Available,
    /// An endpoint does not.
    Unavailable,
    /// Nobody knows.
    Unknown,
}

impl Availability {
    /// Of a broker whose instances are in these conditions.
    pub fn of<'a>(conditions: impl IntoIterator<Item = &'a InstanceCondition>) -> Self {
        let mut conditions = conditions.into_iter();
        let serves = conditions.any(|condition| condition.health == Health::Healthy);
        if serves { Self::Available } else { Self::Unavailable }
    }

    /// The name in the database and in answers.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Available => "AVAILABLE",
            Self::Unavailable => "UNAVAILABLE",
            Self::Unknown => "UNKNOWN",
        }
    }

    /// The one of that name; what a later brokerd has written is not known.
    pub fn from_name(name: &str) -> Self {
        let all = [Self::Available, Self::Unavailable];
        all.into_iter().find(|state| state.as_str() == name).unwrap_or(Self::Unknown)
    }
}

/// The condition of an instance, kept from pass to pass because it can't be observed again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InstanceCondition {
    /// Which instance, from 1 on.
    pub ordinal: u8,
    /// How it is doing.
    pub health: Health,
    /// Since when.
    pub since: Timestamp,
    /// How often it was started without having become healthy.
    pub failed_boots: u32,
    /// Times it ran out of memory recently.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub out_of_memory: Option<OutOfMemory>,
    /// Since when it serves but is not as it should be among the nodes of its cluster.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub apart_since: Option<Timestamp>,
}

/// That an instance ran out of memory, and how often within a short time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutOfMemory {
    /// How often.
    pub count: u32,
    /// When for the last time.
    pub last: Timestamp,
}

/// The status of a broker.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BrokerStatus {
    /// The last generation brought to completion.
    #[serde(default)]
    pub observed_generation: Option<Generation>,
    /// How many of the requested reboots are done.
    #[serde(default)]
    pub reboots_done: u32,
    /// Why creation failed for good.
    #[serde(default)]
    pub failure: Option<String>,
    /// The sentence of the last pass.
    #[serde(default)]
    pub sentence: String,
    /// Why it stands so, the same for as long as nothing but details of the sentence change.
    #[serde(default)]
    pub reason: String,
    /// The reasons that its history has already.
    #[serde(default, rename = "told", skip_serializing_if = "ReportedReasons::is_empty")]
    pub reported: ReportedReasons,
    /// The condition of each instance.
    #[serde(default)]
    pub conditions: Vec<InstanceCondition>,
    /// The actions that the owner must take.
    #[serde(default)]
    pub actions_required: Vec<ActionRequired>,
    /// Why the next maintenance window should reboot the broker even if nothing else waits, if it should.
    #[serde(default)]
    pub maintenance: Option<String>,
    /// Its links to other brokers that are down.
    #[serde(default)]
    pub links_down: Vec<DownLink>,
    /// How available it is, as reports know it; none: it has not been complete yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub availability: Option<Availability>,
}

/// The reasons in a broker's history since it last converged, or since its owner last asked for something else. Each is
/// reported once.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReportedReasons {
    /// The generation that was asked for.
    pub generation: i64,
    /// The reboots that were asked for.
    pub reboots: u32,
    /// The reasons.
    pub reasons: Vec<String>,
}

impl ReportedReasons {
    /// Whether nothing was reported.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// A link of a broker to another one, or to itself, that does not carry anything.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DownLink {
    /// The kind and the name: `shovel orders in /`.
    pub link: String,
    /// The engine's error.
    pub why: String,
}
