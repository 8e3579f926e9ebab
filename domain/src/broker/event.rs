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
}

impl EventKind {
    /// The name used in the database and in answers.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Request => "request",
            Self::Verdict => "verdict",
            Self::Failure => "failure",
        }
    }

    /// The kind of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Request, Self::Verdict, Self::Failure].into_iter().find(|k| k.as_str() == name)
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
