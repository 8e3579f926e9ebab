//! What brokers measure, in the words of Amazon CloudWatch: the catalogue of the service's metrics, the series that a
//! metric has, and the statistics of their values.
//!
//! Source: "Monitoring Amazon MQ brokers using Amazon CloudWatch", for each engine.

mod activemq;
mod definition;
pub mod expression;
pub mod label;
mod name;
pub mod query;
mod rabbitmq;
pub mod search;
mod series;
mod statistics;
mod unit;

pub use definition::{Metric, MetricLevel, MetricSource, NO_QUEUES_SINCE, NODE_OBJECTS_SINCE};
pub use name::MetricName;
pub use series::{Dimension, DimensionName, SeriesKey};
pub use statistics::{DataPoint, StatisticSet};
pub use unit::Unit;

use crate::catalogue::EngineType;

/// The namespace of the service's metrics.
pub const NAMESPACE: &str = "AWS/AmazonMQ";

/// How many queues of a RabbitMQ broker have metrics: those with the most consumers.
pub const MAX_QUEUES: usize = 500;

/// How many destinations of an ActiveMQ broker have metrics.
pub const MAX_DESTINATIONS: usize = 1000;

impl Metric {
    /// All metrics of the service's tables: those of ActiveMQ, then those of RabbitMQ.
    pub fn all() -> impl Iterator<Item = &'static Self> {
        activemq::METRICS.iter().chain(rabbitmq::METRICS)
    }

    /// A metric of an engine at a level; none: the service has none.
    pub fn find(engine: EngineType, level: MetricLevel, name: MetricName) -> Option<&'static Self> {
        Self::all().find(|m| (m.engine, m.level, m.name) == (engine, level, name))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::catalogue::EngineVersion;

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
