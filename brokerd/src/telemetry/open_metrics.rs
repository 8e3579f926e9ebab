//! From OpenMetrics text, as brokerd's own registry writes it, to OTLP.

use std::collections::BTreeMap;

use opentelemetry_proto::tonic::{
    common::v1::{AnyValue, KeyValue, any_value},
    metrics::v1::{
        AggregationTemporality, Gauge, Histogram, HistogramDataPoint, Metric, NumberDataPoint, Sum,
        metric::Data, number_data_point::Value,
    },
};

/// An attribute of a resource or of a value.
pub(super) fn attribute(name: &str, value: String) -> KeyValue {
    KeyValue {
        key: name.to_owned(),
        value: Some(AnyValue { value: Some(any_value::Value::StringValue(value)) }),
        ..Default::default()
    }
}

/// A sample: its name, labels and value.
#[derive(Debug, PartialEq)]
struct Sample<'a> {
    name: &'a str,
    labels: Vec<(&'a str, String)>,
    value: f64,
}

/// The samples of one metric.
#[derive(Debug)]
struct Family<'a> {
    name: &'a str,
    kind: &'a str,
    help: &'a str,
    samples: Vec<Sample<'a>>,
}

/// The metrics of a page, counted since `began`. Kinds that OTLP has not are left out.
pub(super) fn metrics(text: &str, began: u64, now: u64) -> Vec<Metric> {
    let times = Times { began, now };
    families(text).into_iter().filter_map(|family| times.metric(&family)).collect()
}

fn families(text: &str) -> Vec<Family<'_>> {
    let mut families: Vec<Family<'_>> = Vec::new();
    for line in text.lines() {
        let Some(comment) = line.strip_prefix("# ") else {
            let sample = sample(line);
            if let (Some(sample), Some(family)) = (sample, families.last_mut()) {
                family.samples.push(sample);
            }
            continue;
        };
        let mut words = comment.splitn(3, ' ');
        let (word, name, rest) = (words.next(), words.next(), words.next().unwrap_or_default());
        let Some(name) = name else { continue };
        if families.last().is_none_or(|family| family.name != name) {
            families.push(Family { name, kind: "", help: "", samples: Vec::new() });
        }
        match (word, families.last_mut()) {
            (Some("TYPE"), Some(family)) => family.kind = rest,
            (Some("HELP"), Some(family)) => family.help = rest,
            _ => {}
        }
    }
    families
}

/// `name{label="value",…} 1.0`.
fn sample(line: &str) -> Option<Sample<'_>> {
    let (name, labels, value) = match line.split_once('{') {
        Some((name, rest)) => {
            let (labels, rest) = labels(rest)?;
            (name, labels, rest)
        }
        None => {
            let (name, value) = line.split_once(' ')?;
            (name, Vec::new(), value)
        }
    };
    Some(Sample { name, labels, value: value.split_whitespace().next()?.parse().ok()? })
}

/// The labels up to the brace that closes them, and what follows.
fn labels(mut rest: &str) -> Option<(Vec<(&str, String)>, &str)> {
    let mut labels = Vec::new();
    loop {
        rest = rest.trim_start_matches(',');
        if let Some(rest) = rest.strip_prefix('}') {
            return Some((labels, rest));
        }
        let (name, quoted) = rest.split_once("=\"")?;
        let (mut value, mut escaped, mut end) = (String::new(), false, None);
        for (at, letter) in quoted.char_indices() {
            match (escaped, letter) {
                (true, 'n') => value.push('\n'),
                (true, other) => value.push(other),
                (false, '\\') => {}
                (false, '"') => {
                    end = Some(at);
                    break;
                }
                (false, other) => value.push(other),
            }
            escaped = !escaped && letter == '\\';
        }
        rest = quoted.get(end? + 1..)?;
        labels.push((name, value));
    }
}

#[derive(Clone, Copy)]
struct Times {
    began: u64,
    now: u64,
}

impl Times {
    fn metric(self, family: &Family<'_>) -> Option<Metric> {
        let cumulative = AggregationTemporality::Cumulative.into();
        let name = family.name.to_owned();
        let description = family.help.trim_end_matches('.').to_owned();
        let data = match family.kind {
            "counter" => Data::Sum(Sum {
                data_points: self.points(family, "_total"),
                aggregation_temporality: cumulative,
                is_monotonic: true,
            }),
            "gauge" => Data::Gauge(Gauge { data_points: self.points(family, "") }),
            "histogram" => Data::Histogram(Histogram {
                data_points: self.histograms(family),
                aggregation_temporality: cumulative,
            }),
            _ => return None,
        };
        Some(Metric { name, description, data: Some(data), ..Default::default() })
    }

    fn points(self, family: &Family<'_>, suffix: &str) -> Vec<NumberDataPoint> {
        let of_family =
            |sample: &&Sample<'_>| sample.name.strip_prefix(family.name) == Some(suffix);
        let point = |sample: &Sample<'_>| NumberDataPoint {
            attributes: attributes(&sample.labels, None),
            start_time_unix_nano: if suffix.is_empty() { 0 } else { self.began },
            time_unix_nano: self.now,
            value: Some(Value::AsDouble(sample.value)),
            ..Default::default()
        };
        family.samples.iter().filter(of_family).map(point).collect()
    }

    /// Buckets of OpenMetrics hold those below them; those of OTLP do not.
    fn histograms(self, family: &Family<'_>) -> Vec<HistogramDataPoint> {
        let mut points: BTreeMap<Vec<(&str, &str)>, HistogramDataPoint> = BTreeMap::new();
        for sample in &family.samples {
            let labels = sample.labels.iter().filter(|(name, _)| *name != "le");
            let key = labels.map(|(name, value)| (*name, value.as_str())).collect();
            let point = points.entry(key).or_insert_with(|| HistogramDataPoint {
                attributes: attributes(&sample.labels, Some("le")),
                start_time_unix_nano: self.began,
                time_unix_nano: self.now,
                ..Default::default()
            });
            // Counts are whole, and never negative.
            let count = sample.value as u64;
            match sample.name.strip_prefix(family.name) {
                Some("_sum") => point.sum = Some(sample.value),
                Some("_count") => point.count = count,
                Some("_bucket") => {
                    let bound = sample.labels.iter().find(|(name, _)| *name == "le");
                    let bound = bound.and_then(|(_, bound)| bound.parse::<f64>().ok());
                    let below: u64 = point.bucket_counts.iter().sum();
                    point.bucket_counts.push(count.saturating_sub(below));
                    point.explicit_bounds.extend(bound.filter(|bound| bound.is_finite()));
                }
                _ => {}
            }
        }
        points.into_values().collect()
    }
}

fn attributes(labels: &[(&str, String)], without: Option<&str>) -> Vec<KeyValue> {
    let wanted = labels.iter().filter(|(name, _)| Some(*name) != without);
    wanted.map(|(name, value)| attribute(name, value.clone())).collect()
}

#[cfg(test)]
mod tests {
    use prometheus_client::{
        encoding::text::encode,
        metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
        registry::Registry,
    };

    use super::*;

    fn page() -> String {
        let mut registry = Registry::default();
        let requests = Family::<Vec<(String, String)>, Counter>::default();
        registry.register("requests", "Requests", requests.clone());
        let of = |name: &str| vec![("route".to_owned(), name.to_owned())];
        requests.get_or_create(&of("/a")).inc_by(3);
        requests.get_or_create(&of("/b")).inc();
        let open = Gauge::<i64>::default();
        registry.register("open", "Open connections", open.clone());
        open.set(7);
        let seconds = Histogram::new([0.1, 1.0]);
        registry.register("seconds", "Times", seconds.clone());
        for value in [0.05, 0.5, 0.6, 9.0] {
            seconds.observe(value);
        }
        let mut text = String::new();
        encode(&mut text, &registry).expect("encoded");
        text
    }

    #[test]
    fn what_the_page_shows_is_what_is_sent() {
        let metrics = metrics(&page(), 1, 2);
        let names: Vec<_> = metrics.iter().map(|metric| metric.name.as_str()).collect();
        assert_eq!(names, ["requests", "open", "seconds"]);
        let Some(Data::Sum(sum)) = &metrics[0].data else { panic!("{metrics:?}") };
        assert!(sum.is_monotonic && sum.data_points.len() == 2, "{sum:?}");
        let mut values: Vec<_> =
            sum.data_points.iter().map(|p| (p.attributes[0].key.as_str(), p.value)).collect();
        values.sort_by(|one, other| format!("{one:?}").cmp(&format!("{other:?}")));
        let value = |value| ("route", Some(Value::AsDouble(value)));
        assert_eq!(values, [value(1.0), value(3.0)]);
        let Some(Data::Gauge(gauge)) = &metrics[1].data else { panic!("{metrics:?}") };
        assert_eq!(gauge.data_points[0].value, Some(Value::AsDouble(7.0)));
        let Some(Data::Histogram(histogram)) = &metrics[2].data else { panic!("{metrics:?}") };
        let point = &histogram.data_points[0];
        assert_eq!((point.count, point.bucket_counts.as_slice()), (4, &[1, 2, 1][..]));
        assert_eq!(point.explicit_bounds, [0.1, 1.0]);
        assert!(point.sum.is_some_and(|sum| (sum - 10.15).abs() < 1e-9), "{point:?}");
    }

    #[test]
    fn labels_end_where_their_quotes_do() {
        let read = sample(r#"m{a="x,}\"\\\n",b=""} 2"#).expect("a sample");
        let labels = vec![("a", "x,}\"\\\n".to_owned()), ("b", String::new())];
        assert_eq!(read, Sample { name: "m", labels, value: 2.0 });
        for wrong in ["", "m", "m{a=\"x} 1", "m{a=\"x\"} one", "m{a} 1"] {
            assert_eq!(sample(wrong), None, "{wrong:?}");
        }
    }
}
