//! What the reconciler and the store tell each other.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{ActionRequired, BrokerId, DownLink, Event, InstanceCondition, Told, WorkerId};

/// Counts the accepted changes of a broker's spec, from 1 on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Generation(pub i64);

/// The right to record what a pass on one broker found and did, until it expires or is taken over.
///
/// The epoch rises with every claim and fences: a worker that slept through its lease can't record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// The broker.
    pub broker: BrokerId,
    /// Who claimed it.
    pub holder: WorkerId,
    /// Which claim this is.
    pub epoch: i64,
    /// How often the broker had been woken when it was claimed.
    pub wakes: i64,
    /// Passes in a row that ended in an error before this one.
    pub attempt: u32,
}

/// When a broker should be looked at again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// At once: a step was done and the world must be read again.
    Now,
    /// After this time, or earlier when something wakes it.
    After(Duration),
    /// After a failed pass: later each time, by the broker's persisted attempt counter.
    BackOff,
}

/// A share of the queue, with permits of its own, so that what is urgent never waits behind what is slow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Lane {
    /// Pairs and clusters that have run, and every broker of which the monitor saw a change.
    Urgent,
    /// Creations, deletions, changes, maintenance.
    Normal,
}

impl Lane {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Urgent, Self::Normal];

    /// The name used in metrics and logs.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Urgent => "urgent",
            Self::Normal => "normal",
        }
    }
}

/// How a pass ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum VerdictKind {
    /// The world is as asked for.
    Converged,
    /// On the way.
    Progressing,
    /// Waits for something that somebody else must do.
    Blocked,
    /// Will never work for this generation.
    Failed,
}

impl VerdictKind {
    /// The name used in metrics and logs.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Converged => "converged",
            Self::Progressing => "progressing",
            Self::Blocked => "blocked",
            Self::Failed => "failed",
        }
    }
}

/// What a pass records, all or nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PassReport {
    /// How the pass ended.
    pub kind: VerdictKind,
    /// The one sentence of the pass.
    pub sentence: String,
    /// Why it stands so, without the details of the sentence.
    pub reason: String,
    /// What the broker's history tells with this.
    pub told: Told,
    /// The generation brought to completion by this pass, if it was.
    pub observed_generation: Option<Generation>,
    /// The reboots brought to completion, if any were outstanding.
    pub reboots_done: Option<u32>,
    /// Why creation failed for good, if it did.
    pub failure: Option<String>,
    /// What is known of each instance.
    pub conditions: Vec<InstanceCondition>,
    /// What a person must do.
    pub actions_required: Vec<ActionRequired>,
    /// Why the next maintenance window should reboot the broker even if nothing else waits.
    pub maintenance: Option<String>,
    /// The links that are down.
    pub links_down: Vec<DownLink>,
    /// What to add to the broker's history.
    pub events: Vec<Event>,
}
