//! The metrics page of ActiveMQ, which our images have (`docker/activemq/src/brokerd/MetricsPage.java`).

use std::collections::BTreeMap;

use brokerd_domain::metric::{MAX_DESTINATIONS, MetricName};

use super::{
    counters::rounded,
    metrics_page::{InvalidPage, figures},
};

/// The figures that are what a metric of the broker is.
const OF_BROKER: &[(&str, MetricName)] = &[
    ("activemq_broker_connections", MetricName::CurrentConnectionsCount),
    ("activemq_broker_connections_established_total", MetricName::EstablishedConnectionsCount),
    (
        "activemq_broker_inactive_durable_subscribers",
        MetricName::InactiveDurableTopicSubscribersCount,
    ),
    (
        "activemq_broker_job_scheduler_store_percent_usage",
        MetricName::JobSchedulerStorePercentUsage,
    ),
    ("activemq_broker_journal_files_fast_recovery", MetricName::JournalFilesForFastRecovery),
    ("activemq_broker_journal_files_full_recovery", MetricName::JournalFilesForFullRecovery),
    ("activemq_broker_network_connector_connections", MetricName::NetworkConnectorConnectionCount),
    ("activemq_broker_open_transactions", MetricName::OpenTransactionCount),
    ("activemq_broker_store_percent_usage", MetricName::StorePercentUsage),
    ("activemq_broker_temp_percent_usage", MetricName::TempPercentUsage),
    ("activemq_broker_consumers", MetricName::TotalConsumerCount),
    ("activemq_broker_messages", MetricName::TotalMessageCount),
    ("activemq_broker_producers", MetricName::TotalProducerCount),
    ("activemq_broker_enqueues_total", MetricName::TotalEnqueueCount),
    ("activemq_broker_dequeues_total", MetricName::TotalDequeueCount),
];

/// The heap: how much is used, and how much may be.
const HEAP: [&str; 2] = ["activemq_heap_used_bytes", "activemq_heap_limit_bytes"];

/// The figures that are what a metric of a destination is.
const OF_DESTINATIONS: &[(&str, MetricName)] = &[
    ("activemq_destination_consumers", MetricName::ConsumerCount),
    ("activemq_destination_producers", MetricName::ProducerCount),
    ("activemq_destination_messages", MetricName::QueueSize),
    ("activemq_destination_in_flight", MetricName::InFlightCount),
    ("activemq_destination_memory_percent_usage", MetricName::MemoryUsage),
    ("activemq_destination_enqueue_time_milliseconds", MetricName::EnqueueTime),
];

/// The counters whose growth in a minute is a metric of a destination.
const COUNTERS: &[(&str, MetricName)] = &[
    ("activemq_destination_enqueues_total", MetricName::EnqueueCount),
    ("activemq_destination_dequeues_total", MetricName::DequeueCount),
    ("activemq_destination_dispatches_total", MetricName::DispatchCount),
    ("activemq_destination_expired_total", MetricName::ExpiredCount),
];

/// What a broker tells.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct BrokerPage {
    /// Metrics of the broker.
    pub(super) broker: BTreeMap<MetricName, f64>,
    /// Its destinations.
    pub(super) destinations: BTreeMap<Destination, DestinationFigures>,
}

/// A queue or a topic.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Destination {
    pub(super) is_topic: bool,
    pub(super) name: String,
}

/// What a broker tells of a destination.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct DestinationFigures {
    /// Metrics as they are.
    pub(super) gauges: BTreeMap<MetricName, f64>,
    /// Counters of metrics.
    pub(super) counters: BTreeMap<MetricName, f64>,
}

/// Reads the page.
pub(super) fn broker_page(page: &str) -> Result<BrokerPage, InvalidPage> {
    let mut read = BrokerPage::default();
    let mut heap = [None; 2];
    for figure in figures(page) {
        let figure = figure?;
        if !figure.value.is_finite() {
            continue;
        }
        let named = |table: &[(&str, MetricName)]| {
            table.iter().find(|(name, _)| *name == figure.name).map(|(_, metric)| *metric)
        };
        if let Some(metric) = named(OF_BROKER) {
            read.broker.insert(metric, figure.value);
        } else if let Some(at) = HEAP.iter().position(|name| *name == figure.name) {
            heap[at] = Some(figure.value);
        } else if let (Some(name), Some(kind)) = (figure.label("destination"), figure.label("kind"))
        {
            let is_topic = match kind.as_ref() {
                "topic" => true,
                "queue" => false,
                _ => continue,
            };
            let destination = Destination { is_topic, name: name.into_owned() };
            if !read.destinations.contains_key(&destination)
                && read.destinations.len() >= MAX_DESTINATIONS
            {
                continue;
            }
            let of = read.destinations.entry(destination).or_default();
            match (named(OF_DESTINATIONS), named(COUNTERS)) {
                // A topic keeps no messages.
                (Some(MetricName::QueueSize), _) if is_topic => {}
                (Some(metric), _) => {
                    of.gauges.insert(metric, figure.value);
                }
                (None, Some(metric)) => {
                    of.counters.insert(metric, figure.value);
                }
                (None, None) => {}
            }
        }
    }
    if let [Some(used), Some(limit)] = heap
        && limit > 0.0
    {
        read.broker.insert(MetricName::HeapUsage, rounded(used / limit * 100.0));
    }
    Ok(read)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broker_tells_of_itself_and_its_destinations() {
        let page = "# TYPE activemq_broker_messages gauge\nactivemq_broker_messages 12\n\
            activemq_broker_connections_established_total 40\n\
            activemq_heap_used_bytes 100\nactivemq_heap_limit_bytes 300\n\
            activemq_destination_messages{destination=\"a.\\\"b\",kind=\"queue\"} 12\n\
            activemq_destination_messages{destination=\"t\",kind=\"topic\"} 5\n\
            activemq_destination_messages{destination=\"t\",kind=\"other\"} 5\n\
            activemq_destination_consumers{destination=\"t\",kind=\"topic\"} 2\n\
            activemq_destination_enqueues_total{destination=\"a.\\\"b\",kind=\"queue\"} 99\n\
            activemq_destination_enqueue_time_milliseconds{destination=\"t\",kind=\"topic\"} NaN\n\
            # EOF\n";
        let read = broker_page(page).expect("a page");
        let broker: Vec<(MetricName, f64)> = read.broker.into_iter().collect();
        assert_eq!(
            broker,
            [
                (MetricName::EstablishedConnectionsCount, 40.0),
                (MetricName::HeapUsage, 33.333),
                (MetricName::TotalMessageCount, 12.0),
            ]
        );
        let queue = Destination { is_topic: false, name: "a.\"b".to_owned() };
        let topic = Destination { is_topic: true, name: "t".to_owned() };
        assert_eq!(read.destinations.len(), 2);
        assert_eq!(
            read.destinations[&queue],
            DestinationFigures {
                gauges: BTreeMap::from([(MetricName::QueueSize, 12.0)]),
                counters: BTreeMap::from([(MetricName::EnqueueCount, 99.0)]),
            }
        );
        let gauges = BTreeMap::from([(MetricName::ConsumerCount, 2.0)]);
        assert_eq!(read.destinations[&topic].gauges, gauges);
        assert!(broker_page("HTTP").is_err());
        assert_eq!(broker_page("# EOF\n"), Ok(BrokerPage::default()));
    }

    #[test]
    fn no_more_destinations_are_told_of_than_the_service_does() {
        let lines: String = (0..1100)
            .map(|n| {
                format!(
                    "activemq_destination_consumers{{destination=\"q{n:04}\",kind=\"queue\"}} 1\n"
                )
            })
            .collect();
        let read = broker_page(&lines).expect("a page");
        assert_eq!(read.destinations.len(), MAX_DESTINATIONS);
        assert!(read.destinations.keys().all(|d| d.name.as_str() < "q1000"));
    }
}
