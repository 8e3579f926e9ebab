//! What happened to a broker: failovers, times in which an instance was away, and messages.

use super::cause::OutageCause;
use crate::kernel::Timestamp;

/// The standby of a pair became its active instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failover {
    /// Since when nobody served.
    pub began: Timestamp,
    /// Until when.
    pub ended: Timestamp,
    /// The former active instance.
    pub former: u8,
    /// Its successor.
    pub successor: u8,
    /// Why.
    pub cause: OutageCause,
    /// Why, for a person.
    pub detail: String,
}

/// A time in which an instance neither served nor stood by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InstanceOutage {
    /// Which instance, from 1 on.
    pub ordinal: u8,
    /// Since when.
    pub began: Timestamp,
    /// Until when; none: it lasts.
    pub ended: Option<Timestamp>,
    /// How often its engine was started again meanwhile.
    pub restarts: u32,
    /// Why.
    pub cause: OutageCause,
    /// Why, for a person.
    pub detail: String,
}

/// Messages that were counted, as the engine does.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct MessageCounts {
    /// Those that clients sent.
    pub received: u64,
    /// Those that clients took and acknowledged.
    pub delivered: u64,
}
