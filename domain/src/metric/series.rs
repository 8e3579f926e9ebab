//! Series: a metric of one thing.

use std::fmt;

use super::name::MetricName;
use crate::kernel::wire_enum::wire_enum;

wire_enum!(
    /// The name of a dimension of the service's metrics.
    DimensionName, "Dimensions", {
        /// A broker; of ActiveMQ with the ordinal of the instance, as in `orders-1`.
        Broker = "Broker",
        /// A connector of ActiveMQ to another broker.
        NetworkConnector = "NetworkConnector",
        /// A node of a RabbitMQ broker.
        Node = "Node",
        /// A queue.
        Queue = "Queue",
        /// A topic of an ActiveMQ broker.
        Topic = "Topic",
        /// A virtual host of a RabbitMQ broker.
        VirtualHost = "VirtualHost",
    }
);

/// A name and a value that tell a series from others of its metric.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Dimension {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: String,
}

/// Which values belong together: a metric and dimensions.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SeriesKey {
    /// The name of the metric.
    pub metric: String,
    /// The dimensions, sorted by name, each name once.
    pub dimensions: Vec<Dimension>,
}

impl SeriesKey {
    /// The series of a metric with these dimensions, in any order. Of two with the same name the first one counts.
    pub fn new(metric: impl Into<String>, mut dimensions: Vec<Dimension>) -> Self {
        dimensions.sort_by(|one, other| one.name.cmp(&other.name));
        dimensions.dedup_by(|one, other| one.name == other.name);
        Self { metric: metric.into(), dimensions }
    }

    /// The same for a metric and dimensions of the service.
    pub fn of(metric: MetricName, dimensions: &[(DimensionName, &str)]) -> Self {
        let dimensions = dimensions
            .iter()
            .map(|(name, value)| Dimension {
                name: name.as_str().to_owned(),
                value: (*value).to_owned(),
            })
            .collect();
        Self::new(metric.as_str(), dimensions)
    }

    /// The value of a dimension.
    pub fn dimension(&self, name: &str) -> Option<&str> {
        self.dimensions.iter().find(|d| d.name == name).map(|d| d.value.as_str())
    }
}

impl fmt::Display for SeriesKey {
    /// `MessageCount{Broker="orders"}`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.metric)?;
        for (position, Dimension { name, value }) in self.dimensions.iter().enumerate() {
            f.write_str(if position == 0 { "{" } else { "," })?;
            write!(f, "{name}={value:?}")?;
        }
        f.write_str(if self.dimensions.is_empty() { "" } else { "}" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dimensions_are_sorted_and_each_is_there_once() {
        let key = SeriesKey::of(
            MetricName::MessageCount,
            &[
                (DimensionName::VirtualHost, "/"),
                (DimensionName::Queue, "q"),
                (DimensionName::Broker, "b"),
                (DimensionName::Queue, "other"),
            ],
        );
        assert_eq!(key.to_string(), r#"MessageCount{Broker="b",Queue="q",VirtualHost="/"}"#);
        assert_eq!((key.dimension("Queue"), key.dimension("Topic")), (Some("q"), None));
        assert_eq!(SeriesKey::new("X", Vec::new()).to_string(), "X");
    }
}
