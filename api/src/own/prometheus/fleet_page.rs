//! The page of all brokers, in OpenMetrics text.

use std::{collections::BTreeMap, fmt, sync::Arc};

use brokerd_domain::{
    metric::{SeriesKey, Unit},
    report::AvailabilitySummary,
};
use brokerd_store::{BrokerSample, FleetBroker};
use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric as _, text::encode},
    metrics::{MetricType, gauge::ConstGauge},
    registry::Registry,
};

use super::names::metric_name;
use crate::fleet::{Fleet, is_asked_for};

/// Of all brokers, or of those asked for, by identifier or name.
///
/// # Errors
/// If formatting fails, which writing into a `String` rules out.
pub(super) fn page(fleet: Arc<Fleet>, wanted: Vec<String>) -> Result<String, fmt::Error> {
    let mut registry = Registry::default();
    registry.register_collector(Box::new(Page { fleet, wanted }));
    let mut text = String::new();
    encode(&mut text, &registry)?;
    Ok(text)
}

struct Page {
    fleet: Arc<Fleet>,
    wanted: Vec<String>,
}

impl fmt::Debug for Page {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Page").field("wanted", &self.wanted).finish_non_exhaustive()
    }
}

/// The labels of every series: whose the broker is, and which of its instances is meant, if only one is.
type Labels = Vec<(&'static str, String)>;

fn labels(broker: &FleetBroker, instance: &str) -> Labels {
    vec![
        ("account", broker.scope.account.to_string()),
        ("region", broker.scope.region.to_string()),
        ("broker_id", broker.summary.id.to_string()),
        ("broker", broker.summary.name.to_string()),
        ("engine", broker.summary.engine_type.as_str().to_owned()),
        ("instance", instance.to_owned()),
    ]
}

fn with(broker: &FleetBroker, more: &[(&'static str, String)]) -> Labels {
    [labels(broker, ""), more.to_vec()].concat()
}

/// Which instance a series is of; empty: the whole broker. None: it is of something smaller, which is not on the page.
fn instance_of(key: &SeriesKey, broker: &FleetBroker) -> Option<String> {
    let [dimension] = key.dimensions.as_slice() else { return None };
    if dimension.name != "Broker" {
        return None;
    }
    let rest = dimension.value.strip_prefix(broker.summary.name.as_str())?;
    Some(rest.strip_prefix('-').unwrap_or(rest).to_owned())
}

/// A metric of the availability in the last thirty days: its name, its help, its value.
type AvailabilityMetric = (&'static str, &'static str, fn(&AvailabilitySummary) -> u64);

const AVAILABILITY: [AvailabilityMetric; 3] = [
    (
        "brokerd_broker_available_minutes",
        "Minutes of the last 30 days in all of which every endpoint answered",
        |summary| summary.available_minutes,
    ),
    (
        "brokerd_broker_unavailable_minutes",
        "Minutes of the last 30 days in a part of which an endpoint did not answer",
        |summary| summary.unavailable_minutes,
    ),
    (
        "brokerd_broker_unknown_minutes",
        "Other minutes of the last 30 days of which a part is not known",
        |summary| summary.unknown_minutes,
    ),
];

/// The values of a metric.
type Series = Vec<(Labels, f64)>;

/// The service's metrics by their names, each with its help.
type Families = BTreeMap<String, (String, Series)>;

fn families(brokers: &[(&FleetBroker, Option<&BrokerSample>)]) -> Families {
    let mut families = Families::new();
    for (broker, sample) in brokers {
        let values = sample.iter().flat_map(|sample| &sample.values);
        for (key, unit, value) in values {
            let Some(instance) = instance_of(key, broker) else { continue };
            let (_, series) = families
                .entry(metric_name(&key.metric, *unit))
                .or_insert_with(|| (help(&key.metric, *unit), Vec::new()));
            series.push((labels(broker, &instance), *value));
        }
    }
    families
}

fn help(metric: &str, unit: Unit) -> String {
    format!("{metric} of Amazon CloudWatch, {}", unit.as_str())
}

impl Collector for Page {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let Fleet { brokers, samples, availability } = &*self.fleet;
        let wanted: Vec<_> = brokers
            .iter()
            .filter(|broker| is_asked_for(broker, &self.wanted))
            .map(|broker| (broker, samples.get(&broker.summary.id)))
            .collect();
        let mut family = |name: &str, help: &str, series: Series| -> Result<(), fmt::Error> {
            let mut family = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
            for (labels, value) in series {
                ConstGauge::new(value).encode(family.encode_family(&labels)?)?;
            }
            Ok(())
        };
        let each = |series: fn(&FleetBroker) -> (Labels, f64)| -> Series {
            wanted.iter().map(|(broker, _)| series(broker)).collect()
        };
        family("brokerd_broker_info", "What a broker is", each(info))?;
        family("brokerd_broker_state", "The state of a broker, always 1", each(state))?;
        family("brokerd_broker_up", "Whether a broker serves: 1 or 0", each(up))?;
        family("brokerd_broker_created_timestamp_seconds", "When it was created", each(created))?;
        let sampled = wanted.iter().filter_map(|(broker, sample)| {
            Some((labels(broker, ""), seconds(sample.as_ref()?.at)))
        });
        for (name, help, minutes) in AVAILABILITY {
            let known = wanted.iter().filter_map(|(broker, _)| {
                let summary = availability.get(&broker.summary.id)?;
                Some((labels(broker, ""), minutes(summary) as f64))
            });
            family(name, help, known.collect())?;
        }
        let help = "The time of the values below; without one there are none";
        family("brokerd_broker_sample_timestamp_seconds", help, sampled.collect())?;
        for (name, (help, series)) in families(&wanted) {
            family(&name, &help, series)?;
        }
        Ok(())
    }
}

fn info(broker: &FleetBroker) -> (Labels, f64) {
    let summary = &broker.summary;
    let more = [
        ("engine_version", broker.engine_version.to_string()),
        ("deployment_mode", summary.deployment_mode.as_str().to_owned()),
        ("instance_type", summary.host_instance_type.to_string()),
    ];
    (with(broker, &more), 1.0)
}

fn state(broker: &FleetBroker) -> (Labels, f64) {
    (with(broker, &[("state", broker.summary.state.as_str().to_owned())]), 1.0)
}

fn up(broker: &FleetBroker) -> (Labels, f64) {
    (labels(broker, ""), if broker.summary.state.serves() { 1.0 } else { 0.0 })
}

fn created(broker: &FleetBroker) -> (Labels, f64) {
    (labels(broker, ""), seconds(broker.summary.created))
}

fn seconds(at: brokerd_domain::Timestamp) -> f64 {
    at.as_micros() as f64 / 1e6
}

#[cfg(test)]
mod tests {
    use brokerd_domain::{
        BrokerState, BrokerSummary, EngineType, Scope, Timestamp,
        metric::{DimensionName, MetricName},
    };

    use super::*;

    const AT: Timestamp = Timestamp::from_micros(1_790_000_000_000_000);

    fn broker(engine: EngineType, name: &str) -> FleetBroker {
        let mut example = brokerd_domain::example::broker(engine);
        example.name = brokerd_domain::BrokerName::parse(name).expect("a name");
        let mut summary = BrokerSummary::from(&example);
        summary.created = AT;
        summary.state = BrokerState::Running;
        let scope = Scope {
            account: "000000000000".parse().expect("an account"),
            region: "us-east-1".parse().expect("a region"),
        };
        let engine_version = example.spec.engine_version;
        FleetBroker { scope, summary, engine_version, metrics_pages: Vec::new() }
    }

    fn fleet(broker: FleetBroker, values: Vec<(SeriesKey, Unit, f64)>) -> Arc<Fleet> {
        let (id, scope) = (broker.summary.id, broker.scope.clone());
        let sample = BrokerSample { broker: id, scope, at: AT, values };
        let summary = AvailabilitySummary { unavailable_minutes: 2, ..Default::default() };
        Arc::new(Fleet {
            brokers: vec![broker],
            samples: [(id, sample)].into(),
            availability: Arc::new([(id, summary)].into()),
        })
    }

    fn shown(text: &str, line: &str) -> bool {
        text.lines().any(|shown| shown == line)
    }

    #[test]
    fn a_rabbitmq_broker_is_shown_as_a_whole() {
        let of = |metric, dimensions: &[_]| SeriesKey::of(metric, dimensions);
        let whole = [(DimensionName::Broker, "orders")];
        let node = [(DimensionName::Broker, "orders"), (DimensionName::Node, "rabbit@b-1")];
        let values = vec![
            (of(MetricName::MessageCount, &whole), Unit::Count, 3.0),
            (of(MetricName::MessageCount, &node), Unit::Count, 2.0),
            (of(MetricName::RabbitMqMemUsed, &whole), Unit::Bytes, 1e9),
        ];
        let text = page(fleet(broker(EngineType::RabbitMq, "orders"), values), Vec::new());
        let text = text.expect("a page");
        let id = brokerd_domain::example::broker(EngineType::RabbitMq).id;
        let who = format!(
            "account=\"000000000000\",region=\"us-east-1\",broker_id=\"{id}\",broker=\"orders\",engine=\"RABBITMQ\",instance=\"\""
        );
        for line in [
            "# TYPE brokerd_broker_message_count gauge",
            &format!("brokerd_broker_message_count{{{who}}} 3.0"),
            &format!("brokerd_broker_rabbitmq_mem_used_bytes{{{who}}} 1000000000.0"),
            &format!("brokerd_broker_state{{{who},state=\"RUNNING\"}} 1.0"),
            &format!("brokerd_broker_up{{{who}}} 1.0"),
            &format!("brokerd_broker_unavailable_minutes{{{who}}} 2.0"),
            &format!("brokerd_broker_sample_timestamp_seconds{{{who}}} 1790000000.0"),
            "# EOF",
        ] {
            assert!(shown(&text, line), "{line} is not in\n{text}");
        }
        assert_eq!(text.matches("brokerd_broker_message_count{").count(), 1, "{text}");
    }

    #[test]
    fn an_activemq_broker_is_shown_by_its_instances() {
        let of = |instance| {
            let dimensions = [(DimensionName::Broker, instance)];
            SeriesKey::of(MetricName::HeapUsage, &dimensions)
        };
        let values =
            vec![(of("events-1"), Unit::Percent, 10.0), (of("events-2"), Unit::Percent, 20.0)];
        let text = page(fleet(broker(EngineType::ActiveMq, "events"), values), Vec::new());
        let text = text.expect("a page");
        for end in ["instance=\"1\"} 10.0", "instance=\"2\"} 20.0"] {
            let found = text.lines().any(|line| {
                line.starts_with("brokerd_broker_heap_usage_percent{") && line.ends_with(end)
            });
            assert!(found, "{end} is not in\n{text}");
        }
    }

    #[test]
    fn a_broker_that_is_not_asked_for_is_not_shown_nor_one_without_a_sample_invented() {
        let one = broker(EngineType::RabbitMq, "orders");
        let id = one.summary.id.to_string();
        let fleet = Arc::new(Fleet { brokers: vec![one], ..Fleet::default() });
        let page = |wanted: &[&str]| {
            let wanted = wanted.iter().map(|one| (*one).to_owned()).collect();
            page(Arc::clone(&fleet), wanted).expect("a page")
        };
        for wanted in [&["orders"][..], &[id.as_str()], &["x", "orders"], &[]] {
            let text = page(wanted);
            assert!(text.contains("brokerd_broker_up{"), "{wanted:?}: {text}");
            assert!(
                !text.contains("timestamp_seconds{") || !text.contains("sample_timestamp_seconds{")
            );
            assert!(!text.contains("message_count"), "{text}");
        }
        assert!(!page(&["order"]).contains('{'));
    }
}
