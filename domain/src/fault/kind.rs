//! The kinds of faults.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{catalogue::DeploymentMode, kernel::Error};

/// The kind of a fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum FaultKind {
    /// The engine is killed, once.
    Kill,
    /// The engine is paused: its connections stay open and nothing answers.
    Pause,
    /// The instance's network is cut.
    Isolate,
    /// Every instance in a zone is killed and stays down.
    ZoneOutage,
    /// Every byte of the broker's clients arrives later, in both directions.
    Latency,
    /// The instance's disk is full; that of a pair is one.
    FillDisk,
    /// The active instance of a pair is killed, so that the standby takes over.
    Failover,
}

impl FaultKind {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Kill,
        Self::Pause,
        Self::Isolate,
        Self::ZoneOutage,
        Self::Latency,
        Self::FillDisk,
        Self::Failover,
    ];

    /// The name in requests and answers.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Kill => "KILL",
            Self::Pause => "PAUSE",
            Self::Isolate => "ISOLATE",
            Self::ZoneOutage => "ZONE_OUTAGE",
            Self::Latency => "LATENCY",
            Self::FillDisk => "FILL_DISK",
            Self::Failover => "FAILOVER",
        }
    }

    /// Whether it happens once and is over, instead of lasting for a while.
    pub const fn is_momentary(self) -> bool {
        matches!(self, Self::Kill | Self::Failover)
    }

    /// Whether a broker of that deployment mode can have it; disks can be filled only where brokers have disks of their
    /// own.
    pub fn is_permitted(self, mode: DeploymentMode, sized_volumes: bool) -> bool {
        match self {
            Self::FillDisk => sized_volumes,
            Self::Failover => mode == DeploymentMode::ActiveStandbyMultiAz,
            Self::Kill | Self::Pause | Self::Isolate | Self::ZoneOutage | Self::Latency => true,
        }
    }

    pub(super) fn parse(text: Option<&str>) -> Result<Self, Error> {
        let text = text.ok_or_else(|| Error::bad_request("kind", "Fault kind is required."))?;
        Self::ALL.into_iter().find(|kind| kind.as_str() == text).ok_or_else(|| {
            let names = Self::ALL.map(Self::as_str).join(", ");
            let message =
                format!("Fault kind [{text}] is invalid. Specify one of the following: [{names}].");
            Error::bad_request("kind", message)
        })
    }
}

impl fmt::Display for FaultKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
