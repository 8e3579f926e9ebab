//! A broker as reports know it, which outlives the broker.

use crate::{
    access::Tags,
    catalogue::EngineType,
    kernel::{Arn, BrokerId, BrokerName, Scope, Timestamp},
};

/// A broker that is there, or was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportedBroker {
    /// The identifier.
    pub id: BrokerId,
    /// The owner.
    pub scope: Scope,
    /// The name. Other brokers may have it by now.
    pub name: BrokerName,
    /// The engine.
    pub engine_type: EngineType,
    /// When it was asked for.
    pub created: Timestamp,
    /// When its deletion was asked for; none: it is there.
    pub deleted: Option<Timestamp>,
    /// Its tags: the present ones, or those that it had when it was deleted.
    pub tags: Tags,
}

impl ReportedBroker {
    /// The ARN.
    pub fn arn(&self) -> Arn {
        Arn::broker(&self.scope, &self.name, self.id)
    }
}
