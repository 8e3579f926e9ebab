//! The lease on a broker, the lane of the queue, and the time of the next pass.

use std::time::Duration;

use crate::kernel::{BrokerId, WorkerId};

/// The right to record what a pass on one broker found and did, until it expires or is taken over.
///
/// The epoch rises with every claim and fences: a worker that slept through its lease can't record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// The broker.
    pub broker: BrokerId,
    /// The worker that claimed it.
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
