//! Names of metrics, as Prometheus has them.

use brokerd_domain::metric::Unit;

/// The name of a metric of the service on the page of brokers: `RabbitMQMemUsed` in bytes is
/// `brokerd_broker_rabbitmq_mem_used_bytes`.
pub(super) fn metric_name(metric: &str, unit: Unit) -> String {
    let mut name = String::from("brokerd_broker_");
    // The engine's name is one word.
    let metric = metric.replace("RabbitMQ", "Rabbitmq");
    let letters: Vec<char> = metric.chars().collect();
    for (at, letter) in letters.iter().enumerate() {
        let before = at.checked_sub(1).and_then(|at| letters.get(at));
        let after = letters.get(at + 1);
        let begins_word = letter.is_uppercase()
            && before.is_some_and(|before| {
                !before.is_uppercase() || after.is_some_and(|after| after.is_lowercase())
            });
        if begins_word {
            name.push('_');
        }
        name.extend(letter.to_lowercase().filter(char::is_ascii_alphanumeric));
    }
    let suffix = match unit {
        Unit::Bytes => "_bytes",
        Unit::Percent => "_percent",
        Unit::Milliseconds => "_milliseconds",
        _ => "",
    };
    if !name.contains(suffix) {
        name.push_str(suffix);
    }
    name
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, fs, path::PathBuf};

    use brokerd_domain::metric::Metric;
    use serde_json::Value;

    use super::*;

    /// The texts of what is shipped for Prometheus and Grafana, by their names.
    fn shipped() -> Vec<(String, String)> {
        let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../observability");
        let folders = ["dashboards", "rules"].map(|folder| PathBuf::from(root).join(folder));
        let paths = folders.iter().flat_map(|folder| fs::read_dir(folder).expect("a folder"));
        let read = |path: PathBuf| (path.display().to_string(), fs::read_to_string(path));
        let texts = paths.map(|entry| read(entry.expect("an entry").path()));
        texts.map(|(path, text)| (path, text.expect("a text"))).collect()
    }

    #[test]
    fn rules_and_dashboards_ask_for_metrics_that_there_are() {
        let own = [
            "info",
            "state",
            "up",
            "created_timestamp_seconds",
            "sample_timestamp_seconds",
            "available_minutes",
            "unavailable_minutes",
            "unknown_minutes",
        ];
        let collected = Metric::all().filter(|metric| metric.is_collected());
        let known: BTreeSet<String> = collected
            .map(|metric| metric_name(metric.name.as_str(), metric.unit))
            .chain(own.map(|name| format!("brokerd_broker_{name}")))
            .collect();
        let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
        for (path, text) in shipped() {
            let named = text.split(|c| !is_part(c)).filter(|w| w.starts_with("brokerd_broker_"));
            for name in named {
                assert!(known.contains(name), "{path}: nobody knows {name}");
            }
        }
    }

    #[test]
    fn dashboards_for_cloudwatch_ask_for_metrics_of_the_service() {
        let known: BTreeSet<_> = Metric::all().map(|metric| metric.name.as_str()).collect();
        let mut asked = 0;
        for (path, text) in shipped().into_iter().filter(|(path, _)| path.ends_with(".json")) {
            let board: Value = serde_json::from_str(&text).expect("JSON");
            let panels = board["panels"].as_array().expect("panels").iter();
            for target in panels.flat_map(|panel| panel["targets"].as_array()).flatten() {
                let Some(name) = target["metricName"].as_str() else { continue };
                assert!(known.contains(name), "{path}: the service has no {name}");
                assert_eq!(target["namespace"], brokerd_domain::metric::NAMESPACE, "{path}");
                asked += 1;
            }
        }
        assert!(asked > 20, "{asked}");
    }

    #[test]
    fn names_are_those_of_the_service_in_lower_case_with_their_units() {
        for (metric, unit, name) in [
            ("MessageCount", Unit::Count, "message_count"),
            ("RabbitMQMemUsed", Unit::Bytes, "rabbitmq_mem_used_bytes"),
            (
                "RabbitMQIOReadAverageTime",
                Unit::Milliseconds,
                "rabbitmq_io_read_average_time_milliseconds",
            ),
            ("CpuUtilization", Unit::Percent, "cpu_utilization_percent"),
            ("NetworkIn", Unit::Bytes, "network_in_bytes"),
            ("AmqpMaximumConnections", Unit::Count, "amqp_maximum_connections"),
            ("StorePercentUsage", Unit::Percent, "store_percent_usage"),
        ] {
            assert_eq!(metric_name(metric, unit), format!("brokerd_broker_{name}"));
        }
    }

    #[test]
    fn no_two_metrics_share_a_name() {
        let all: BTreeSet<_> = Metric::all().map(|m| (m.name.as_str(), m.unit.as_str())).collect();
        let named: BTreeSet<_> =
            Metric::all().map(|m| metric_name(m.name.as_str(), m.unit)).collect();
        assert_eq!(named.len(), all.len());
    }
}
