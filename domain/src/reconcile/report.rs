//! The report of a pass.

use serde::{Deserialize, Serialize};

use crate::{
    broker::{ActionRequired, DownLink, Event, Generation, InstanceCondition, ReportedReasons},
    kernel::Timestamp,
    report::ReportedChange,
};

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

/// The report of a pass, recorded as a whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PassReport {
    /// When it is recorded.
    pub at: Timestamp,
    /// How the pass ended.
    pub kind: VerdictKind,
    /// The one sentence of the pass.
    pub sentence: String,
    /// Why it stands so, without the details of the sentence.
    pub reason: String,
    /// The reasons that the broker's history has after this pass.
    pub reported: ReportedReasons,
    /// The generation brought to completion by this pass, if it was.
    pub observed_generation: Option<Generation>,
    /// The reboots brought to completion, if any were outstanding.
    pub reboots_done: Option<u32>,
    /// Why creation failed for good, if it did.
    pub failure: Option<String>,
    /// The condition of each instance.
    pub conditions: Vec<InstanceCondition>,
    /// The actions that the owner must take.
    pub actions_required: Vec<ActionRequired>,
    /// Why the next maintenance window should reboot the broker even if nothing else waits.
    pub maintenance: Option<String>,
    /// The links that are down.
    pub links_down: Vec<DownLink>,
    /// What changes in what is reported of the broker, if something does.
    pub change: Option<ReportedChange>,
    /// The events to add to the broker's history.
    pub events: Vec<Event>,
}
