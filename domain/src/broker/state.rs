//! The state the service reports, and what it follows from.

use std::fmt;

/// Whether a broker should exist.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Intent {
    /// It should run.
    Run,
    /// It should go, with everything that belongs to it. Removing must tolerate that nothing of it
    /// was ever built, and being done several times.
    Delete,
}

/// The state the service reports; derived, never stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BrokerState {
    /// Being built.
    CreationInProgress,
    /// Could not be built.
    CreationFailed,
    /// Operational.
    Running,
    /// Rebooting.
    RebootInProgress,
    /// Being removed.
    DeletionInProgress,
    /// Degraded until somebody acts.
    CriticalActionRequired,
    /// The replica of a data replication pair. No broker is one yet: replication is not implemented.
    Replica,
}

/// How far the creation of a broker is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Creation {
    /// It is being built.
    UnderWay,
    /// It could not be built.
    Failed,
    /// It has run.
    Done,
}

impl BrokerState {
    /// Every state, in the order of the service model.
    pub const ALL: [Self; 7] = [
        Self::CreationInProgress,
        Self::CreationFailed,
        Self::DeletionInProgress,
        Self::Running,
        Self::RebootInProgress,
        Self::CriticalActionRequired,
        Self::Replica,
    ];

    /// The state of a broker, from all that it follows from.
    pub const fn of(
        intent: Intent,
        creation: Creation,
        is_rebooting: bool,
        action_required: bool,
    ) -> Self {
        match (intent, creation) {
            (Intent::Delete, _) => Self::DeletionInProgress,
            (Intent::Run, Creation::UnderWay) => Self::CreationInProgress,
            (Intent::Run, Creation::Failed) => Self::CreationFailed,
            (Intent::Run, Creation::Done) if is_rebooting => Self::RebootInProgress,
            (Intent::Run, Creation::Done) if action_required => Self::CriticalActionRequired,
            (Intent::Run, Creation::Done) => Self::Running,
        }
    }

    /// Whether brokers in this state serve, but for failures: also one that reboots, whose other instances may, and one
    /// whose owner should act.
    pub const fn serves(self) -> bool {
        match self {
            Self::Running | Self::RebootInProgress | Self::CriticalActionRequired => true,
            Self::CreationInProgress
            | Self::CreationFailed
            | Self::DeletionInProgress
            | Self::Replica => false,
        }
    }

    /// The spelling of the service model.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::CreationInProgress => "CREATION_IN_PROGRESS",
            Self::CreationFailed => "CREATION_FAILED",
            Self::Running => "RUNNING",
            Self::RebootInProgress => "REBOOT_IN_PROGRESS",
            Self::DeletionInProgress => "DELETION_IN_PROGRESS",
            Self::CriticalActionRequired => "CRITICAL_ACTION_REQUIRED",
            Self::Replica => "REPLICA",
        }
    }
}

impl fmt::Display for BrokerState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
