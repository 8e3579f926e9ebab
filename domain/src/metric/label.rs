//! Labels with dynamic values: `${PROP('MetricName')} at most ${MAX}`.
//!
//! Source: "Using dynamic labels" of the Amazon CloudWatch user guide.

use super::expression::{SeriesOrigin, TimeSeries};

/// Beside the series, what labels may tell.
#[derive(Debug, Clone, Copy)]
pub struct LabelContext<'a> {
    /// The account.
    pub account: &'a str,
    /// The region.
    pub region: &'a str,
}

/// A label with its dynamic values. What is no dynamic value stays as it is.
pub fn rendered(label: &str, series: &TimeSeries, context: LabelContext<'_>) -> String {
    let mut text = String::new();
    let mut rest = label;
    while let Some(start) = rest.find("${") {
        text.push_str(&rest[..start]);
        let inner = &rest[start + 2..];
        let Some(end) = inner.find('}') else {
            text.push_str(&rest[start..]);
            return text;
        };
        match value(inner[..end].trim(), series, context) {
            Some(value) => text.push_str(&value),
            None => text.push_str(&rest[start..start + end + 3]),
        }
        rest = &inner[end + 1..];
    }
    text.push_str(rest);
    text
}

/// Gives each of several series of a search a label by what tells it apart: its metric, the values of its dimensions.
pub fn tell_apart(all: &mut [TimeSeries]) {
    let origins: Vec<_> = all.iter().filter_map(|one| one.origin.clone()).collect();
    let Some(first) = origins.first() else { return };
    let differs =
        |of: &dyn Fn(&SeriesOrigin) -> String| origins.iter().any(|one| of(one) != of(first));
    let tells_metric = differs(&|one| one.metric.clone());
    let mut names: Vec<&str> =
        origins.iter().flat_map(|one| &one.dimensions).map(|one| one.name.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    names.retain(|name| differs(&|one| dimension(one, name).to_owned()));
    for series in all {
        let Some(origin) = &series.origin else { continue };
        let mut parts: Vec<&str> = names.iter().map(|name| dimension(origin, name)).collect();
        if tells_metric || parts.is_empty() {
            parts.push(&origin.metric);
        }
        parts.retain(|part| !part.is_empty());
        series.label = if parts.is_empty() { origin.metric.clone() } else { parts.join(" ") };
    }
}

fn dimension<'a>(origin: &'a SeriesOrigin, name: &str) -> &'a str {
    let found = origin.dimensions.iter().find(|one| one.name == name);
    found.map_or("", |one| one.value.as_str())
}

/// What a dynamic value is; none: there is none of that name.
fn value(name: &str, series: &TimeSeries, context: LabelContext<'_>) -> Option<String> {
    if let Some(property) = name.strip_prefix("PROP(").and_then(|rest| rest.strip_suffix(')')) {
        return self::property(property.trim().trim_matches(['\'', '"']), series, context);
    }
    if name == "LABEL" {
        return Some(series.label.clone());
    }
    if name == "DATAPOINT_COUNT" {
        return Some(series.points.len().to_string());
    }
    let (what, tells_time) = match name.strip_suffix("_TIME") {
        Some(what) => (what, true),
        None => (name, false),
    };
    let chosen = match what {
        "FIRST" => series.points.iter().next(),
        "LAST" => series.points.iter().next_back(),
        "MIN" => series.points.iter().min_by(|(_, one), (_, other)| one.total_cmp(other)),
        "MAX" => series.points.iter().max_by(|(_, one), (_, other)| one.total_cmp(other)),
        _ if tells_time => return None,
        _ => return Some(total(name, series)?.map_or_else(missing, shown)),
    };
    Some(match chosen {
        None => missing(),
        Some((at, _)) if tells_time => moment(*at),
        Some((_, value)) => shown(*value),
    })
}

/// A number made of all points. Outer none: there is no such value; inner none: there are no points.
fn total(name: &str, series: &TimeSeries) -> Option<Option<f64>> {
    let values = || series.points.values().copied();
    let sum: f64 = values().sum();
    #[expect(clippy::cast_precision_loss, reason = "points of one request")]
    let count = series.points.len() as f64;
    let (least, most) = (values().reduce(f64::min), values().reduce(f64::max));
    let is_empty = series.points.is_empty();
    Some(match name {
        "SUM" => (!is_empty).then_some(sum),
        "AVG" => (!is_empty).then_some(sum / count),
        "MIN_MAX_RANGE" => least.zip(most).map(|(least, most)| most - least),
        "FIRST_LAST_RANGE" => values().next().zip(values().next_back()).map(|(a, b)| b - a),
        _ => return None,
    })
}

fn property(name: &str, series: &TimeSeries, context: LabelContext<'_>) -> Option<String> {
    let of_all = match name {
        "AccountId" | "AccountLabel" => Some(context.account.to_owned()),
        "Region" => Some(context.region.to_owned()),
        "Period" => Some(series.period.to_string()),
        _ => None,
    };
    if of_all.is_some() {
        return of_all;
    }
    let Some(origin) = &series.origin else {
        // What was computed has no such property, which the service shows as nothing.
        let is_known =
            name.starts_with("Dim.") || ["MetricName", "Namespace", "Stat"].contains(&name);
        return is_known.then(String::new);
    };
    match name {
        "MetricName" => Some(origin.metric.clone()),
        "Namespace" => Some(origin.namespace.clone()),
        "Stat" => Some(origin.statistic.clone()),
        _ => {
            let dimension = name.strip_prefix("Dim.")?;
            let found = origin.dimensions.iter().find(|one| one.name == dimension);
            Some(found.map_or_else(String::new, |one| one.value.clone()))
        }
    }
}

fn missing() -> String {
    "--".to_owned()
}

fn shown(value: f64) -> String {
    let rounded = (value * 1000.0).round() / 1000.0;
    rounded.to_string()
}

/// `2026-09-30 12:00:00 UTC`.
fn moment(seconds: i64) -> String {
    jiff::Timestamp::from_second(seconds)
        .map_or_else(|_| seconds.to_string(), |at| at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metric::Dimension;

    fn label(text: &str, origin: bool, points: &[(i64, f64)]) -> String {
        let origin = origin.then(|| SeriesOrigin {
            namespace: "AWS/AmazonMQ".to_owned(),
            metric: "MessageCount".to_owned(),
            dimensions: vec![Dimension { name: "Broker".to_owned(), value: "orders".to_owned() }],
            statistic: "Average".to_owned(),
        });
        let points = points.iter().copied().collect();
        let series = TimeSeries { label: "named".to_owned(), origin, period: 300, points };
        rendered(text, &series, LabelContext { account: "000000000000", region: "us-east-1" })
    }

    #[test]
    fn properties_and_values_are_filled_in() {
        let points = [(60, 2.0), (120, 4.0), (180, 1.0)];
        for (text, expected) in [
            ("plain", "plain"),
            ("${LABEL}|&|${PROP('Dim.Broker')}", "named|&|orders"),
            ("${PROP('MetricName')} ${PROP(\"Namespace\")}", "MessageCount AWS/AmazonMQ"),
            ("${PROP('Stat')}/${PROP('Period')}", "Average/300"),
            ("${PROP('Region')} ${PROP('AccountId')}", "us-east-1 000000000000"),
            ("${MIN} ${MAX} ${AVG} ${SUM}", "1 4 2.333 7"),
            ("${FIRST} ${LAST} ${DATAPOINT_COUNT}", "2 1 3"),
            ("${MIN_MAX_RANGE} ${FIRST_LAST_RANGE}", "3 -1"),
            ("${MAX_TIME}", "1970-01-01 00:02:00 UTC"),
            ("${PROP('Dim.Queue')}x", "x"),
            ("${NOTHING} ${PROP('Nothing')} ${open", "${NOTHING} ${PROP('Nothing')} ${open"),
            ("$ {} é ${", "$ {} é ${"),
        ] {
            assert_eq!(label(text, true, &points), expected, "{text}");
        }
        assert_eq!(label("${MAX} ${AVG} ${LAST_TIME}", true, &[]), "-- -- --");
        assert_eq!(label("<${PROP('Dim.Broker')}${PROP('Stat')}>", false, &points), "<>");
    }
    #[test]
    fn series_are_told_apart_by_what_differs() {
        let series = |metric: &str, pairs: &[(&str, &str)]| TimeSeries {
            label: String::new(),
            origin: Some(SeriesOrigin {
                namespace: "AWS/AmazonMQ".to_owned(),
                metric: metric.to_owned(),
                dimensions: pairs
                    .iter()
                    .map(|(name, value)| Dimension {
                        name: (*name).to_owned(),
                        value: (*value).to_owned(),
                    })
                    .collect(),
                statistic: "Average".to_owned(),
            }),
            period: 60,
            points: [].into(),
        };
        let labels = |mut all: Vec<TimeSeries>| {
            tell_apart(&mut all);
            all.into_iter().map(|one| one.label).collect::<Vec<_>>()
        };
        let (a, b) = (("Broker", "a"), ("Broker", "b"));
        assert_eq!(labels(vec![series("X", &[a])]), ["X"]);
        assert_eq!(labels(vec![series("X", &[a]), series("X", &[b])]), ["a", "b"]);
        assert_eq!(labels(vec![series("X", &[a]), series("Y", &[b])]), ["a X", "b Y"]);
        assert_eq!(labels(vec![series("X", &[a]), series("Y", &[a])]), ["X", "Y"]);
        let queue = ("Queue", "q");
        assert_eq!(labels(vec![series("X", &[a]), series("X", &[a, queue])]), ["X", "q"]);
        assert_eq!(labels(Vec::new()), Vec::<String>::new());
    }
}
