//! What was read of a broker as the service's metrics.

use brokerd_domain::{
    EngineType,
    metric::{
        DimensionName,
        DimensionName::{Broker, Node, Queue, Topic, VirtualHost},
        MAX_DESTINATIONS, MAX_QUEUES, Metric, MetricLevel, MetricName, SeriesKey, Unit,
    },
};

use super::{
    activemq::{BrokerPage, Destination, DestinationFigures},
    container::Used,
    counters::{Counters, Growth, rounded},
    rabbitmq::{AVERAGES, GAUGES, NodePage, QueueFigures, RATES},
    readings::{EnginePage, InstanceReading, MeasuredBroker},
};

/// The metrics of connectors, each of which takes as many connections.
const MAXIMUM_CONNECTIONS: [MetricName; 5] = [
    MetricName::AmqpMaximumConnections,
    MetricName::MqttMaximumConnections,
    MetricName::OpenwireMaximumConnections,
    MetricName::StompMaximumConnections,
    MetricName::WsMaximumConnections,
];

/// The values of a broker in a minute, from what was read of its instances that run. What is of the broker as a whole is
/// there only if every one of them was read (`all`) and told it: half of it would be wrong.
pub(super) fn values(
    broker: &MeasuredBroker,
    readings: &[InstanceReading],
    all: bool,
    counters: &mut Counters,
) -> Vec<(SeriesKey, Unit, f64)> {
    let mut values = Values { broker, values: Vec::new() };
    let used: Vec<Used> = readings
        .iter()
        .map(|reading| {
            counters.begin(reading.ordinal, &reading.life, reading.at);
            Used::since_last(counters, reading)
        })
        .collect();
    match broker.engine {
        EngineType::ActiveMq => {
            for (reading, used) in readings.iter().zip(&used) {
                values.add_activemq(reading, used, counters);
            }
        }
        EngineType::RabbitMq => values.add_rabbitmq(readings, &used, all, counters),
    }
    values.values
}

struct Values<'a> {
    broker: &'a MeasuredBroker,
    values: Vec<(SeriesKey, Unit, f64)>,
}

impl Values<'_> {
    /// Adds a value, if there is one and brokers of this version have the metric.
    fn add(
        &mut self,
        level: MetricLevel,
        name: MetricName,
        dimensions: &[(DimensionName, &str)],
        value: Option<f64>,
    ) {
        let metric = Metric::find(self.broker.engine, level, name)
            .filter(|metric| metric.is_collected() && metric.applies_to(self.broker.version));
        if let (Some(metric), Some(value)) = (metric, value.filter(|value| value.is_finite())) {
            self.values.push((SeriesKey::of(name, dimensions), metric.unit, value));
        }
    }

    fn add_activemq(&mut self, reading: &InstanceReading, used: &Used, counters: &mut Counters) {
        let instance = format!("{}-{}", self.broker.name, reading.ordinal);
        let dimensions = [(Broker, instance.as_str())];
        for (name, value) in used.of_activemq() {
            self.add(MetricLevel::Broker, name, &dimensions, value);
        }
        let EnginePage::ActiveMq(page) = &reading.page else { return };
        let BrokerPage { broker, destinations } = &**page;
        for (name, value) in broker {
            self.add(MetricLevel::Broker, *name, &dimensions, Some(*value));
        }
        let connections = f64::from(self.broker.connections);
        for name in MAXIMUM_CONNECTIONS {
            self.add(MetricLevel::Broker, name, &dimensions, Some(connections));
        }
        // Where not all are told, one that is told for the first time may be old.
        let are_all = destinations.len() < MAX_DESTINATIONS;
        for (destination, figures) in destinations {
            let grew = |name: &str, value| {
                if are_all {
                    counters.read_young(reading.ordinal, name, value)
                } else {
                    counters.read(reading.ordinal, name, value)
                }
            };
            self.add_destination(&instance, destination, figures, grew);
        }
    }

    fn add_destination(
        &mut self,
        instance: &str,
        destination: &Destination,
        figures: &DestinationFigures,
        mut grew: impl FnMut(&str, f64) -> Option<Growth>,
    ) {
        let kind = if destination.is_topic { Topic } else { Queue };
        let dimensions = [(Broker, instance), (kind, destination.name.as_str())];
        for (name, value) in &figures.gauges {
            self.add(MetricLevel::Destination, *name, &dimensions, Some(rounded(*value)));
        }
        for (name, value) in &figures.counters {
            let counter = format!("{name} {} {}", kind.as_str(), destination.name);
            let grown = grew(&counter, *value).map(|growth| growth.by);
            self.add(MetricLevel::Destination, *name, &dimensions, grown);
        }
    }

    fn add_rabbitmq(
        &mut self,
        readings: &[InstanceReading],
        used: &[Used],
        all: bool,
        counters: &mut Counters,
    ) {
        let pages: Vec<Option<&NodePage>> = readings
            .iter()
            .map(|reading| match &reading.page {
                EnginePage::RabbitMq(page) => Some(&**page),
                EnginePage::ActiveMq(_) | EnginePage::Silent => None,
            })
            .collect();
        // Every node knows all exchanges; one is asked.
        let exchanges = pages.iter().find_map(|page| page.and_then(|page| page.exchanges));
        for (page, used) in pages.iter().zip(used) {
            if let Some(page) = page {
                self.add_node(page, used, exchanges);
            }
        }
        let name = self.broker.name.to_string();
        let of_broker = [(Broker, name.as_str())];
        let mut add = |metric, value: Option<f64>| {
            let value = value.filter(|_| all && !readings.is_empty());
            self.add(MetricLevel::Broker, metric, &of_broker, value);
        };
        for (figure, metric) in GAUGES {
            add(*metric, sum(pages.iter().map(|page| page.and_then(|p| p.figure(figure)))));
        }
        add(MetricName::ExchangeCount, exchanges);
        let cpu = sum(used.iter().map(|used| used.cpu_percent));
        let nodes = readings.len().max(1) as f64;
        add(MetricName::SystemCpuUtilization, cpu.map(|cpu| rounded(cpu / nodes)));
        add(MetricName::NetworkIn, sum(used.iter().map(|used| used.network_in)));
        add(MetricName::NetworkOut, sum(used.iter().map(|used| used.network_out)));
        // Every counter is read, whatever becomes of it.
        let mut grown = |figure: &str| -> Vec<Option<Growth>> {
            let of = readings.iter().zip(&pages);
            of.map(|(reading, page)| {
                let value = page.and_then(|page| page.figure(figure))?;
                counters.read(reading.ordinal, figure, value)
            })
            .collect()
        };
        for (figure, metric) in RATES {
            let rates = grown(figure).into_iter().map(|growth| growth.map(Growth::per_second));
            add(*metric, sum(rates).map(rounded));
        }
        for (seconds, operations, metric) in AVERAGES {
            let seconds = sum(grown(seconds).into_iter().map(|growth| growth.map(|g| g.by)));
            let operations = sum(grown(operations).into_iter().map(|growth| growth.map(|g| g.by)));
            let average = match (seconds, operations) {
                (Some(seconds), Some(operations)) if operations > 0.0 => {
                    Some(rounded(seconds * 1000.0 / operations))
                }
                _ => None,
            };
            add(*metric, average);
        }
        self.add_queues(&name, &pages);
    }

    fn add_node(&mut self, page: &NodePage, used: &Used, exchanges: Option<f64>) {
        let (Some(node), name) = (&page.node, self.broker.name.to_string()) else { return };
        let dimensions = [(Broker, name.as_str()), (Node, node.as_str())];
        for (figure, metric) in GAUGES {
            self.add(MetricLevel::Node, *metric, &dimensions, page.figure(figure));
        }
        self.add(MetricLevel::Node, MetricName::ExchangeCount, &dimensions, exchanges);
        let cpu = used.cpu_percent;
        self.add(MetricLevel::Node, MetricName::SystemCpuUtilization, &dimensions, cpu);
    }

    /// Each node tells of its own queues.
    fn add_queues(&mut self, broker: &str, pages: &[Option<&NodePage>]) {
        let mut queues: Vec<&QueueFigures> =
            pages.iter().flatten().flat_map(|page| &page.queues).collect();
        let consumers = |queue: &QueueFigures| {
            queue.figures.get(&MetricName::ConsumerCount).copied().unwrap_or(0.0)
        };
        queues.sort_by(|one, other| consumers(other).total_cmp(&consumers(one)));
        for queue in queues.into_iter().take(MAX_QUEUES) {
            let dimensions = [
                (Broker, broker),
                (VirtualHost, queue.vhost.as_str()),
                (Queue, queue.queue.as_str()),
            ];
            for (name, value) in &queue.figures {
                self.add(MetricLevel::Queue, *name, &dimensions, Some(*value));
            }
        }
    }
}

impl NodePage {
    fn figure(&self, name: &str) -> Option<f64> {
        self.figures.get(name).copied()
    }
}

/// The sum of all; none: one is missing.
fn sum(values: impl IntoIterator<Item = Option<f64>>) -> Option<f64> {
    values.into_iter().sum()
}

#[cfg(test)]
mod tests {
    use std::{
        collections::{BTreeMap, BTreeSet},
        time::{Duration, Instant},
    };

    use brokerd_domain::{
        BrokerId, BrokerName, DeploymentMode, EngineVersion, Timestamp, instance::RuntimeId,
    };

    use super::{
        super::{activemq, counters::Life, rabbitmq},
        *,
    };
    use crate::runtime::{BlockOperations, ContainerStatistics, NetworkBytes};

    fn broker(engine: EngineType, version: (u16, u16)) -> MeasuredBroker {
        MeasuredBroker {
            id: BrokerId::from(uuid::Uuid::from_u128(1)),
            name: BrokerName::parse("orders").expect("a name"),
            engine,
            version: EngineVersion::new(version.0, version.1),
            mode: DeploymentMode::ClusterMultiAz,
            connections: 1000,
        }
    }

    fn reading(ordinal: u8, at: Instant, cpu_seconds: u64, page: EnginePage) -> InstanceReading {
        let bytes = cpu_seconds * 10;
        InstanceReading {
            ordinal,
            life: Life {
                container: RuntimeId(ordinal.to_string()),
                since: Timestamp::from_micros(0),
            },
            at,
            nano_cpus: 500_000_000,
            container: Some(ContainerStatistics {
                cpu_nanos: cpu_seconds * 1_000_000_000,
                memory_bytes: 7,
                network: Some(NetworkBytes { received: bytes, sent: bytes + 1 }),
                block_operations: Some(BlockOperations { reads: 5, writes: bytes }),
            }),
            page,
        }
    }

    /// A page of a node with as many connections, of which that many messages were published.
    fn node(name: &str, connections: f64, published: f64) -> EnginePage {
        let mut figures = BTreeMap::new();
        figures.insert("rabbitmq_connections", connections);
        figures.insert("rabbitmq_global_messages_received_total", published);
        figures.insert("rabbitmq_io_read_time_seconds_total", published / 100.0);
        figures.insert("rabbitmq_io_read_ops_total", published);
        EnginePage::RabbitMq(Box::new(NodePage {
            node: Some(name.to_owned()),
            figures,
            exchanges: Some(9.0),
            queues: vec![rabbitmq::QueueFigures {
                vhost: "/".to_owned(),
                queue: name.to_owned(),
                figures: BTreeMap::from([(MetricName::MessageCount, connections)]),
            }],
        }))
    }

    fn told(values: &[(SeriesKey, Unit, f64)]) -> BTreeMap<String, f64> {
        let all: BTreeMap<String, f64> =
            values.iter().map(|(key, _, value)| (key.to_string(), *value)).collect();
        assert_eq!(all.len(), values.len(), "each once");
        all
    }

    const WHOLE: &str = r#"{Broker="orders"}"#;

    fn whole(name: &str) -> String {
        format!("{name}{WHOLE}")
    }

    #[test]
    fn a_cluster_is_the_sum_of_its_nodes() {
        let (broker, mut counters) = (broker(EngineType::RabbitMq, (4, 3)), Counters::default());
        let begin = Instant::now();
        let later = begin + Duration::from_secs(60);
        let first = [
            reading(1, begin, 10, node("rabbit@1", 2.0, 100.0)),
            reading(2, begin, 20, node("rabbit@2", 3.0, 0.0)),
        ];
        let at_first = told(&values(&broker, &first, true, &mut counters));
        assert_eq!(at_first[&whole("ConnectionCount")], 5.0);
        assert_eq!(at_first[&whole("ExchangeCount")], 9.0);
        assert!(!at_first.contains_key(&whole("PublishRate")), "a counter was read once");
        assert!(!at_first.contains_key(&whole("SystemCpuUtilization")));
        let then = [
            reading(1, later, 25, node("rabbit@1", 2.0, 160.0)),
            reading(2, later, 20, node("rabbit@2", 1.0, 60.0)),
        ];
        let then = told(&values(&broker, &then, true, &mut counters));
        assert_eq!(then[&whole("PublishRate")], 2.0);
        assert_eq!(then[&whole("SystemCpuUtilization")], 25.0, "50 and 0 percent");
        assert_eq!((then[&whole("NetworkIn")], then[&whole("NetworkOut")]), (150.0, 150.0));
        assert_eq!(then[&whole("RabbitMQIOReadAverageTime")], 10.0);
        let of_node = r#"ConnectionCount{Broker="orders",Node="rabbit@1"}"#;
        assert_eq!(then[of_node], 2.0);
        assert!(!then.keys().any(|key| key.contains("Queue=")), "4.3 has no metrics of queues");
    }

    #[test]
    fn a_node_that_is_silent_leaves_a_gap_in_its_cluster_and_not_in_other_nodes() {
        let (broker, mut counters) = (broker(EngineType::RabbitMq, (3, 13)), Counters::default());
        let (begin, mut minute) = (Instant::now(), 0);
        let mut read = |pages: [EnginePage; 2], all: bool| {
            minute += 1;
            let at = begin + Duration::from_secs(60 * minute);
            let [one, other] = pages;
            let readings = [reading(1, at, 10, one), reading(2, at, 20, other)];
            told(&values(&broker, &readings, all, &mut counters))
        };
        let (one, other) = (|n| node("rabbit@1", 2.0, n), |n| node("rabbit@2", 2.0, n));
        read([one(0.0), other(0.0)], true);
        let silent = read([one(60.0), EnginePage::Silent], true);
        assert!(!silent.contains_key(&whole("ConnectionCount")));
        assert!(!silent.contains_key(&whole("PublishRate")));
        assert!(silent.contains_key(&whole("NetworkIn")), "the runtime was not silent");
        let of_node = r#"RabbitMQMemUsed{Broker="orders",Node="rabbit@1"}"#;
        assert!(!silent.contains_key(of_node), "it was not told");
        let of_queue = r#"MessageCount{Broker="orders",Queue="rabbit@1",VirtualHost="/"}"#;
        assert_eq!(silent[of_queue], 2.0);
        let unseen = read([one(60.0), other(120.0)], false);
        assert!(!unseen.contains_key(&whole("ConnectionCount")), "another one runs, maybe");
        let again = read([one(120.0), other(180.0)], true);
        assert_eq!(again[&whole("PublishRate")], 2.0);
        let restarted = read([one(0.0), other(180.0)], true);
        assert!(!restarted.contains_key(&whole("PublishRate")), "a counter began anew");
        assert!(values(&broker, &[], true, &mut counters).is_empty());
    }

    #[test]
    fn the_instances_of_a_pair_have_metrics_of_their_own() {
        let (broker, mut counters) = (broker(EngineType::ActiveMq, (5, 19)), Counters::default());
        let (begin, mut minute) = (Instant::now(), 0);
        let destination = |name: &str| Destination { is_topic: false, name: name.to_owned() };
        let mut read = |queues: &[(&str, f64)]| {
            minute += 1;
            let at = begin + Duration::from_secs(60 * minute);
            let destinations = queues.iter().map(|(name, enqueued)| {
                let figures = DestinationFigures {
                    gauges: BTreeMap::from([(MetricName::QueueSize, 3.0)]),
                    counters: BTreeMap::from([(MetricName::EnqueueCount, *enqueued)]),
                };
                (destination(name), figures)
            });
            let page = EnginePage::ActiveMq(Box::new(BrokerPage {
                broker: BTreeMap::from([(MetricName::TotalMessageCount, 3.0)]),
                destinations: destinations.collect(),
            }));
            let readings =
                [reading(1, at, minute * 6, page), reading(2, at, 0, EnginePage::Silent)];
            told(&values(&broker, &readings, true, &mut counters))
        };
        let first = read(&[("a", 10.0)]);
        assert_eq!(first[r#"TotalMessageCount{Broker="orders-1"}"#], 3.0);
        assert_eq!(first[r#"StompMaximumConnections{Broker="orders-1"}"#], 1000.0);
        assert_eq!(first[r#"QueueSize{Broker="orders-1",Queue="a"}"#], 3.0);
        assert!(!first.keys().any(|key| key.starts_with("EnqueueCount")));
        let then = read(&[("a", 14.0), ("b", 5.0)]);
        assert_eq!(then[r#"EnqueueCount{Broker="orders-1",Queue="a"}"#], 4.0);
        assert_eq!(then[r#"EnqueueCount{Broker="orders-1",Queue="b"}"#], 5.0);
        assert_eq!(then[r#"CpuUtilization{Broker="orders-1"}"#], 20.0);
        assert_eq!(then[r#"CpuUtilization{Broker="orders-2"}"#], 0.0);
        assert_eq!(then[r#"VolumeReadOps{Broker="orders-1"}"#], 0.0);
        assert_eq!(then[r#"VolumeWriteOps{Broker="orders-1"}"#], 60.0);
        assert!(!then.contains_key(r#"TotalMessageCount{Broker="orders-2"}"#), "a standby");
    }

    #[test]
    fn every_metric_that_is_said_to_be_collected_can_be() {
        let mut collected = BTreeSet::new();
        let begin = Instant::now();
        let every = |table: &mut dyn Iterator<Item = MetricName>| -> BTreeMap<MetricName, f64> {
            table.map(|name| (name, 1.0)).collect()
        };
        for (engine, version) in [
            (EngineType::ActiveMq, (5, 19)),
            (EngineType::RabbitMq, (3, 13)),
            (EngineType::RabbitMq, (4, 3)),
        ] {
            let (broker, mut counters) = (broker(engine, version), Counters::default());
            for minute in 1..=2 {
                let at = begin + Duration::from_secs(60 * minute);
                let page = match engine {
                    EngineType::RabbitMq => {
                        let names = GAUGES.iter().chain(RATES).map(|(name, _)| *name);
                        let averages = AVERAGES.iter().flat_map(|(one, other, _)| [*one, *other]);
                        let figures = names.chain(averages).map(|name| (name, minute as f64));
                        let queue = [
                            MetricName::ConsumerCount,
                            MetricName::MessageCount,
                            MetricName::MessageReadyCount,
                            MetricName::MessageUnacknowledgedCount,
                        ];
                        EnginePage::RabbitMq(Box::new(NodePage {
                            node: Some("rabbit@1".to_owned()),
                            figures: figures.collect(),
                            exchanges: Some(1.0),
                            queues: vec![rabbitmq::QueueFigures {
                                vhost: "/".to_owned(),
                                queue: "q".to_owned(),
                                figures: every(&mut queue.into_iter()),
                            }],
                        }))
                    }
                    EngineType::ActiveMq => {
                        let page = include_str!("../../../tests/pages/activemq.txt");
                        let read = activemq::broker_page(page).expect("a page");
                        EnginePage::ActiveMq(Box::new(read))
                    }
                };
                let readings = [reading(1, at, minute, page)];
                let values = values(&broker, &readings, true, &mut counters);
                collected.extend(values.into_iter().map(|(key, unit, _)| {
                    let has = |name| key.dimension(name).is_some();
                    let level = match (engine, has("Node"), has("Queue"), has("Topic")) {
                        (EngineType::RabbitMq, true, false, false) => MetricLevel::Node,
                        (EngineType::RabbitMq, false, true, false) => MetricLevel::Queue,
                        (EngineType::ActiveMq, false, false, true)
                        | (EngineType::ActiveMq, false, true, false) => MetricLevel::Destination,
                        (_, false, false, false) => MetricLevel::Broker,
                        other => panic!("{other:?} {key}"),
                    };
                    (engine, level, key.metric, unit)
                }));
            }
        }
        let said: BTreeSet<_> = Metric::all()
            .filter(|metric| metric.is_collected())
            .map(|m| (m.engine, m.level, m.name.as_str().to_owned(), m.unit))
            .collect();
        assert_eq!(collected, said);
    }
}
