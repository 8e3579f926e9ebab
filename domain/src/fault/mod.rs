//! Faults: disturbances that a caller injects into a broker of their own, to test applications.

mod kind;
mod spec;

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::kernel::{FaultId, Timestamp};

pub use kind::FaultKind;
pub use spec::{FaultInput, FaultSpec, Latency, zones_of};

/// How many faults of one broker may be under way at a time.
pub const MAX_FAULTS: u32 = 10;
/// How long a momentary fault may wait to start, because nobody expects it any more after that.
const START_TIMEOUT: Duration = Duration::from_secs(60);

/// A container that a fault affects, as it was when the fault started.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AffectedInstance {
    /// The instance.
    pub ordinal: u8,
    /// The runtime's own name for its container.
    pub container: String,
    /// When the container had last been started; none: it was not running.
    pub since: Option<Timestamp>,
}

/// How far a fault is; derived, never stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FaultState {
    /// Accepted; the provisioner has not come to it.
    Pending,
    /// In force.
    Active,
    /// Its time is over, and what it did is being undone.
    Healing,
    /// Over; nothing of it is left.
    Ended,
}

impl FaultState {
    /// The name in answers.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "PENDING",
            Self::Active => "ACTIVE",
            Self::Healing => "HEALING",
            Self::Ended => "ENDED",
        }
    }
}

/// A fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Its identifier.
    pub id: FaultId,
    /// The request.
    pub spec: FaultSpec,
    /// When it was asked for.
    pub starts: Timestamp,
    /// When it is healed at the latest; of one that happens once, when it is given up.
    pub ends: Timestamp,
    /// The instances that it affects; none: it has not started yet.
    pub affected: Option<Vec<AffectedInstance>>,
    /// When it was over.
    pub ended: Option<Timestamp>,
    /// How it ended.
    pub reason: Option<String>,
}

impl Fault {
    /// A fault that begins now.
    pub fn new(id: FaultId, spec: FaultSpec, now: Timestamp) -> Self {
        let ends = now.plus(spec.duration.unwrap_or(START_TIMEOUT));
        Self { id, spec, starts: now, ends, affected: None, ended: None, reason: None }
    }

    /// How far it is.
    pub fn state(&self, now: Timestamp) -> FaultState {
        match (&self.ended, &self.affected) {
            (Some(_), _) => FaultState::Ended,
            (None, _) if self.ends <= now => FaultState::Healing,
            (None, None) => FaultState::Pending,
            (None, Some(_)) => FaultState::Active,
        }
    }

    /// The part of it that affects an instance.
    pub fn affected(&self, ordinal: u8) -> Option<&AffectedInstance> {
        self.affected.iter().flatten().find(|one| one.ordinal == ordinal)
    }
}
