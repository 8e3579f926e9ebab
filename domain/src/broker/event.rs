//! The events of a broker: its history in sentences.

use serde::{Deserialize, Serialize};

use crate::kernel::Timestamp;

/// Why an event was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EventKind {
    /// A caller asked for something.
    Request,
    /// A pass came to a new verdict.
    Verdict,
    /// Something went wrong.
    Failure,
    /// The standby of a pair became active.
    Failover,
    /// The broker was rebooted in its maintenance window.
    Maintenance,
}

impl EventKind {
    /// Every one.
    pub const ALL: [Self; 5] =
        [Self::Request, Self::Verdict, Self::Failure, Self::Failover, Self::Maintenance];

    /// The name used in the database and in answers.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Request => "request",
            Self::Verdict => "verdict",
            Self::Failure => "failure",
            Self::Failover => "failover",
            Self::Maintenance => "maintenance",
        }
    }

    /// The kind of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }
}

/// One entry of a broker's history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// When.
    pub at: Timestamp,
    /// Why.
    pub kind: EventKind,
    /// What, for a person.
    pub message: String,
}
