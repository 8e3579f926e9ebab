//! What was read of a broker in a minute.

use std::time::Instant;

use brokerd_domain::{BrokerId, BrokerName, DeploymentMode, EngineType, EngineVersion};

use super::{activemq::BrokerPage, counters::Life, rabbitmq::NodePage};
use crate::runtime::ContainerStatistics;

/// A broker as far as its metrics depend on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct MeasuredBroker {
    /// Which one.
    pub(super) id: BrokerId,
    /// Its name.
    pub(super) name: BrokerName,
    /// Its engine.
    pub(super) engine: EngineType,
    /// The version that was asked for.
    pub(super) version: EngineVersion,
    /// How many instances it has.
    pub(super) mode: DeploymentMode,
    /// How many connections of each protocol its instance type permits.
    pub(super) connections: u32,
}

/// What an engine told.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum EnginePage {
    /// A node of RabbitMQ.
    RabbitMq(Box<NodePage>),
    /// ActiveMQ.
    ActiveMq(Box<BrokerPage>),
    /// Nothing.
    Silent,
}

/// What was read of an instance that runs.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct InstanceReading {
    /// Which one.
    pub(super) ordinal: u8,
    /// Its life.
    pub(super) life: Life,
    /// When it was read.
    pub(super) at: Instant,
    /// What its instance type permits, in billionths of a processor.
    pub(super) nano_cpus: u64,
    /// What the runtime told.
    pub(super) container: Option<ContainerStatistics>,
    /// What the engine told.
    pub(super) page: EnginePage,
}
