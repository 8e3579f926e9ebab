//! What brokers measure, in the words of Amazon CloudWatch: the catalogue of the service's metrics, the series that a
//! metric has, and the statistics of their values.
//!
//! Source: "Monitoring Amazon MQ brokers using Amazon CloudWatch", for each engine.

mod activemq;
pub mod expression;
pub mod label;
mod name;
pub mod query;
mod rabbitmq;
pub mod search;
mod series;
mod statistics;
mod unit;

pub use name::MetricName;
pub use series::{Dimension, DimensionName, SeriesKey};
pub use statistics::{DataPoint, StatisticSet};
pub use unit::Unit;

use crate::catalogue::{EngineType, EngineVersion};

/// The namespace of the service's metrics.
pub const NAMESPACE: &str = "AWS/AmazonMQ";

/// How many queues of a RabbitMQ broker have metrics: those with the most consumers.
pub const MAX_QUEUES: usize = 500;

/// How many destinations of an ActiveMQ broker have metrics.
pub const MAX_DESTINATIONS: usize = 1000;

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
    /// All metrics of the service's tables: those of ActiveMQ, then those of RabbitMQ.
    pub fn all() -> impl Iterator<Item = &'static Self> {
        activemq::METRICS.iter().chain(rabbitmq::METRICS)
    }

    /// A metric of an engine at a level; none: the service has none.
    pub fn find(engine: EngineType, level: MetricLevel, name: MetricName) -> Option<&'static Self> {
        Self::all().find(|m| (m.engine, m.level, m.name) == (engine, level, name))
    }

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

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_name_is_of_a_metric_and_no_metric_is_there_twice() {
        let keys: BTreeSet<_> = Metric::all().map(|m| (m.engine, m.level, m.name)).collect();
        assert_eq!(keys.len(), Metric::all().count());
        let named: BTreeSet<_> = Metric::all().map(|m| m.name).collect();
        assert_eq!(named, MetricName::ALL.iter().copied().collect());
    }

    #[test]
    fn what_cannot_be_had_has_a_reason_and_what_is_collected_a_source() {
        for metric in Metric::all() {
            let (MetricSource::Collected(text) | MetricSource::Unavailable(text)) = metric.source;
            assert!(!text.is_empty() && !text.ends_with('.'), "{}: {text:?}", metric.name);
        }
    }

    #[test]
    fn the_levels_of_rabbitmq_follow_its_version() {
        let has = |level, name, major, minor| {
            let metric = Metric::find(EngineType::RabbitMq, level, name).expect("a metric");
            metric.applies_to(EngineVersion::new(major, minor))
        };
        let count = MetricName::MessageCount;
        assert!(has(MetricLevel::Queue, count, 3, 13));
        assert!(!has(MetricLevel::Queue, count, 4, 0));
        assert!(!has(MetricLevel::Node, count, 4, 0));
        assert!(has(MetricLevel::Node, count, 4, 2));
        assert!(has(MetricLevel::Node, MetricName::RabbitMqMemUsed, 3, 13));
        assert!(has(MetricLevel::Broker, count, 3, 13) && has(MetricLevel::Broker, count, 4, 3));
    }

    #[test]
    fn levels_belong_to_their_engines() {
        for metric in Metric::all() {
            let of = match metric.level {
                MetricLevel::Broker => continue,
                MetricLevel::Node | MetricLevel::Queue => EngineType::RabbitMq,
                MetricLevel::Destination => EngineType::ActiveMq,
            };
            assert_eq!(metric.engine, of, "{}", metric.name);
        }
    }
}
