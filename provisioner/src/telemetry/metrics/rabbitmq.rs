//! The metrics pages of RabbitMQ's nodes.

use std::collections::{BTreeMap, HashMap};

use brokerd_domain::metric::{MAX_QUEUES, MetricName};
use serde::Deserialize;

use super::metrics_page::{InvalidPage, figures};

/// The figures that are what a metric of a node is.
pub(super) const GAUGES: &[(&str, MetricName)] = &[
    ("rabbitmq_connections", MetricName::ConnectionCount),
    ("rabbitmq_channels", MetricName::ChannelCount),
    ("rabbitmq_consumers", MetricName::ConsumerCount),
    ("rabbitmq_queues", MetricName::QueueCount),
    ("rabbitmq_queue_messages", MetricName::MessageCount),
    ("rabbitmq_queue_messages_ready", MetricName::MessageReadyCount),
    ("rabbitmq_queue_messages_unacked", MetricName::MessageUnacknowledgedCount),
    ("rabbitmq_process_resident_memory_bytes", MetricName::RabbitMqMemUsed),
    ("rabbitmq_resident_memory_limit_bytes", MetricName::RabbitMqMemLimit),
    ("rabbitmq_disk_space_available_bytes", MetricName::RabbitMqDiskFree),
    ("rabbitmq_disk_space_available_limit_bytes", MetricName::RabbitMqDiskFreeLimit),
    ("rabbitmq_process_open_fds", MetricName::RabbitMqFdUsed),
];

/// The counters whose growth in a second is a metric of the broker.
pub(super) const RATES: &[(&str, MetricName)] = &[
    ("rabbitmq_global_messages_received_total", MetricName::PublishRate),
    ("rabbitmq_global_messages_confirmed_total", MetricName::ConfirmRate),
    ("rabbitmq_global_messages_acknowledged_total", MetricName::AckRate),
];

/// The counters whose growths, one by the other, are a metric of the broker: seconds and operations.
pub(super) const AVERAGES: &[(&str, &str, MetricName)] = &[
    (
        "rabbitmq_io_read_time_seconds_total",
        "rabbitmq_io_read_ops_total",
        MetricName::RabbitMqIoReadAverageTime,
    ),
    (
        "rabbitmq_io_write_time_seconds_total",
        "rabbitmq_io_write_ops_total",
        MetricName::RabbitMqIoWriteAverageTime,
    ),
];

/// The protocol whose messages are counted.
const PROTOCOL: &str = "amqp091";

/// The figures of queues.
const OF_QUEUES: &[(&str, MetricName)] = &[
    ("rabbitmq_detailed_queue_messages", MetricName::MessageCount),
    ("rabbitmq_detailed_queue_messages_ready", MetricName::MessageReadyCount),
    ("rabbitmq_detailed_queue_messages_unacked", MetricName::MessageUnacknowledgedCount),
    ("rabbitmq_detailed_queue_consumers", MetricName::ConsumerCount),
];

/// What a node tells.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct NodePage {
    /// Its name.
    pub(super) node: Option<String>,
    /// Its figures by their names; what has several labels is added up.
    pub(super) figures: BTreeMap<&'static str, f64>,
    /// How many exchanges the broker has.
    pub(super) exchanges: Option<f64>,
    /// Its queues, where they have metrics.
    pub(super) queues: Vec<QueueFigures>,
}

/// What a node tells of a queue.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct QueueFigures {
    pub(super) vhost: String,
    pub(super) queue: String,
    pub(super) figures: BTreeMap<MetricName, f64>,
}

/// Reads `/metrics`.
pub(super) fn node_page(page: &str) -> Result<NodePage, InvalidPage> {
    let counters = RATES.iter().map(|(name, _)| *name);
    let averages = AVERAGES.iter().flat_map(|(seconds, operations, _)| [*seconds, *operations]);
    let wanted: HashMap<&str, &'static str> = GAUGES
        .iter()
        .map(|(name, _)| *name)
        .chain(counters)
        .chain(averages)
        .map(|name| (name, name))
        .collect();
    let is_rate = |name: &str| RATES.iter().any(|(rate, _)| *rate == name);
    let mut read = NodePage::default();
    for figure in figures(page) {
        let figure = figure?;
        if figure.name == "rabbitmq_identity_info" {
            read.node = figure.label("rabbitmq_node").map(std::borrow::Cow::into_owned);
        }
        let Some(name) = wanted.get(figure.name) else { continue };
        if !figure.value.is_finite()
            || (is_rate(name) && figure.label("protocol").as_deref() != Some(PROTOCOL))
        {
            continue;
        }
        *read.figures.entry(name).or_default() += figure.value;
    }
    Ok(read)
}

/// Reads `/metrics/detailed` of queues: those with the most consumers, without those whose names the service leaves out.
pub(super) fn queue_figures(page: &str) -> Result<Vec<QueueFigures>, InvalidPage> {
    let mut all: BTreeMap<(String, String), BTreeMap<MetricName, f64>> = BTreeMap::new();
    for figure in figures(page) {
        let figure = figure?;
        let metric = OF_QUEUES.iter().find(|(name, _)| *name == figure.name);
        let (Some((_, metric)), Some(vhost), Some(queue)) =
            (metric, figure.label("vhost"), figure.label("queue"))
        else {
            continue;
        };
        if is_told(&queue) && is_told(&vhost) && figure.value.is_finite() {
            let place = (vhost.into_owned(), queue.into_owned());
            all.entry(place).or_default().insert(*metric, figure.value);
        }
    }
    let mut all: Vec<QueueFigures> = all
        .into_iter()
        .map(|((vhost, queue), figures)| QueueFigures { vhost, queue, figures })
        .collect();
    all.sort_by(|one, other| consumers(other).total_cmp(&consumers(one)));
    all.truncate(MAX_QUEUES);
    Ok(all)
}

fn consumers(queue: &QueueFigures) -> f64 {
    queue.figures.get(&MetricName::ConsumerCount).copied().unwrap_or(0.0)
}

/// Whether the service tells of what has this name.
///
/// Source: "Monitoring Amazon MQ for RabbitMQ brokers": names with blanks, tabs or other characters than ASCII are left out.
fn is_told(name: &str) -> bool {
    name.chars().all(|c| c.is_ascii() && c != ' ' && !c.is_ascii_control())
}

/// The part of `/api/overview` that is asked for.
#[derive(Deserialize)]
struct Overview {
    object_totals: ObjectTotals,
}

#[derive(Deserialize)]
struct ObjectTotals {
    exchanges: f64,
}

/// Reads how many exchanges the broker has.
pub(super) fn exchanges(overview: &str) -> Option<f64> {
    let overview: Overview = serde_json::from_str(overview).ok()?;
    Some(overview.object_totals.exchanges)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = "# TYPE rabbitmq_identity_info untyped\n\
        rabbitmq_identity_info{rabbitmq_node=\"rabbit@b-1\",rabbitmq_cluster=\"c\"} 1\n\
        # TYPE rabbitmq_connections gauge\n\
        rabbitmq_connections 2\n\
        rabbitmq_queue_messages 7\n\
        rabbitmq_queue_messages_ready 5\n\
        rabbitmq_process_resident_memory_bytes 123456789\n\
        rabbitmq_resident_memory_limit_bytes NaN\n\
        rabbitmq_global_messages_received_total{protocol=\"amqp091\"} 10\n\
        rabbitmq_global_messages_received_total{protocol=\"amqp10\"} 99\n\
        rabbitmq_global_messages_acknowledged_total{protocol=\"amqp091\",queue_type=\"a\"} 3\n\
        rabbitmq_global_messages_acknowledged_total{protocol=\"amqp091\",queue_type=\"b\"} 4\n\
        rabbitmq_something_else 1\n";

    #[test]
    fn a_node_tells_its_name_gauges_and_counters_of_one_protocol() {
        let page = node_page(PAGE).expect("a page");
        assert_eq!(page.node.as_deref(), Some("rabbit@b-1"));
        let figures: Vec<(&str, f64)> = page.figures.into_iter().collect();
        assert_eq!(
            figures,
            [
                ("rabbitmq_connections", 2.0),
                ("rabbitmq_global_messages_acknowledged_total", 7.0),
                ("rabbitmq_global_messages_received_total", 10.0),
                ("rabbitmq_process_resident_memory_bytes", 123_456_789.0),
                ("rabbitmq_queue_messages", 7.0),
                ("rabbitmq_queue_messages_ready", 5.0),
            ]
        );
        assert!(node_page("<html>").is_err());
        assert_eq!(node_page(""), Ok(NodePage::default()));
    }

    #[test]
    fn queues_with_most_consumers_are_told_and_not_those_with_strange_names() {
        let mut page = String::new();
        for n in 0..600 {
            page.push_str(&format!(
                "rabbitmq_detailed_queue_messages{{vhost=\"/\",queue=\"q{n}\"}} {n}\n\
                 rabbitmq_detailed_queue_consumers{{vhost=\"/\",queue=\"q{n}\"}} {}\n",
                n % 2
            ));
        }
        for name in ["with blank", "täb", "t\tb"] {
            let line =
                format!("rabbitmq_detailed_queue_messages{{vhost=\"/\",queue=\"{name}\"}} 1\n");
            page.push_str(&line);
        }
        let queues = queue_figures(&page).expect("a page");
        assert_eq!(queues.len(), 500);
        assert!(queues[..300].iter().all(|queue| consumers(queue) == 1.0));
        assert!(queues.iter().all(|queue| is_told(&queue.queue)));
        let q7 = queues.iter().find(|queue| queue.queue == "q7").expect("told");
        assert_eq!(q7.figures[&MetricName::MessageCount], 7.0);
        assert_eq!(queue_figures("x 1"), Ok(Vec::new()));
    }

    #[test]
    fn exchanges_are_read_from_the_overview() {
        assert_eq!(exchanges(r#"{"object_totals":{"exchanges":9,"queues":1}}"#), Some(9.0));
        for wrong in ["", "{}", r#"{"object_totals":{}}"#, r#"{"object_totals":[]}"#] {
            assert_eq!(exchanges(wrong), None, "{wrong}");
        }
    }
}
