//! The names of what brokerd does on its own.

/// What brokerd did on its own, as `eventName` names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ServiceEventName {
    /// It rebooted a broker in its maintenance window.
    Maintenance,
    /// It made the standby of a pair the active instance.
    Failover,
    /// Something failed.
    Failure,
    /// It came to another verdict about a broker, and does what follows from it.
    StateChange,
}

impl ServiceEventName {
    /// Every one.
    pub const ALL: [Self; 4] =
        [Self::Maintenance, Self::Failover, Self::Failure, Self::StateChange];

    /// The name in events.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Maintenance => "BrokerMaintenance",
            Self::Failover => "BrokerFailover",
            Self::Failure => "BrokerFailure",
            Self::StateChange => "BrokerStateChange",
        }
    }
}
