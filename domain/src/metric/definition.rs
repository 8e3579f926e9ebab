//! What a metric of the service is.

use super::{name::MetricName, unit::Unit};
use crate::catalogue::{EngineType, EngineVersion};

/// The first version of RabbitMQ whose nodes have metrics of their objects, and whose nodes Prometheus can read.
pub const NODE_OBJECTS_SINCE: EngineVersion = EngineVersion::new(4, 2);

/// The first version of RabbitMQ whose queues have no metrics.
pub const NO_QUEUES_SINCE: EngineVersion = EngineVersion::new(4, 0);

/// What a metric is of; it decides the dimensions of its series.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MetricLevel {
    /// A broker: `Broker`. Of ActiveMQ an instance of it, whose name ends with its ordinal.
    Broker,
    /// A node of a RabbitMQ broker: `Broker`, `Node`.
    Node,
    /// A queue of a RabbitMQ broker: `Broker`, `VirtualHost`, `Queue`.
    Queue,
    /// A queue or a topic of an ActiveMQ broker: `Broker` and `Queue` or `Topic`.
    Destination,
}

impl MetricLevel {
    /// The level in words.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Broker => "broker",
            Self::Node => "node",
            Self::Queue => "queue",
            Self::Destination => "destination",
        }
    }
}

/// Where the values of a metric come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MetricSource {
    /// They are collected; what they are made of.
    Collected(&'static str),
    /// They can't be had; the reason.
    Unavailable(&'static str),
}

/// A metric of the service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Metric {
    /// Its name.
    pub name: MetricName,
    /// Which brokers have it.
    pub engine: EngineType,
    /// What it is of.
    pub level: MetricLevel,
    /// The unit of its values.
    pub unit: Unit,
    /// Where its values come from.
    pub source: MetricSource,
}

impl Metric {
    /// Whether its values are collected.
    pub const fn is_collected(&self) -> bool {
        matches!(self.source, MetricSource::Collected(_))
    }

    /// Whether brokers of a version have it.
    pub fn applies_to(&self, version: EngineVersion) -> bool {
        match (self.engine, self.level) {
            (EngineType::RabbitMq, MetricLevel::Queue) => version < NO_QUEUES_SINCE,
            (EngineType::RabbitMq, MetricLevel::Node) if self.name.is_count_of_objects() => {
                version >= NODE_OBJECTS_SINCE
            }
            _ => true,
        }
    }
}
