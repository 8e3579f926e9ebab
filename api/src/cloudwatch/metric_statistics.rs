//! GetMetricStatistics.

use brokerd_domain::{
    Timestamp,
    metric::{
        NAMESPACE, StatisticSet,
        query::{
            CloudWatchError, CloudWatchErrorKind, MIN_PERIOD, Statistic, parse_key,
            parse_namespace, parse_period, parse_statistic, parse_unit,
        },
    },
};

use super::{
    call::{Answer, Call, output},
    range::{TimeWindow, periods},
    shapes::{Dimension, pairs},
};
use crate::{auth::CallResource, wire::shape};

/// Most data points of an answer.
///
/// Source: GetMetricStatistics of the CloudWatch API reference.
const MAX_POINTS: i64 = 1440;
/// Most statistics.
const MAX_STATISTICS: usize = 5;

shape! {
    GetMetricStatisticsInput {
        namespace: Option<String> = "Namespace",
        metric_name: Option<String> = "MetricName",
        dimensions: Vec<Dimension> = "Dimensions",
        start_time: Option<Timestamp> = "StartTime",
        end_time: Option<Timestamp> = "EndTime",
        period: Option<i64> = "Period",
        statistics: Vec<String> = "Statistics",
        extended_statistics: Vec<String> = "ExtendedStatistics",
        unit: Option<String> = "Unit",
    }
}

shape! {
    /// `Datapoint`.
    Datapoint {
        timestamp: Timestamp = "Timestamp",
        sample_count: Option<f64> = "SampleCount",
        average: Option<f64> = "Average",
        sum: Option<f64> = "Sum",
        minimum: Option<f64> = "Minimum",
        maximum: Option<f64> = "Maximum",
        unit: String = "Unit",
    }
}

shape! {
    GetMetricStatisticsOutput {
        label: String = "Label",
        datapoints: Vec<Datapoint> = "Datapoints",
    }
}

pub(super) async fn answer(call: Call<'_>, input: GetMetricStatisticsInput) -> Answer {
    let permit = call.permit(CallResource::NONE)?;
    let missing = CloudWatchError::missing;
    let namespace = parse_namespace(input.namespace.ok_or_else(|| missing("Namespace"))?)?;
    let metric = input.metric_name.ok_or_else(|| missing("MetricName"))?;
    let key = parse_key(metric, pairs(input.dimensions))?;
    let window = TimeWindow::parse(input.start_time, input.end_time)?;
    let period = input.period.ok_or_else(|| missing("Period"))?;
    let period = parse_period(period)?.max(MIN_PERIOD);
    let statistics = statistics(&input.statistics, &input.extended_statistics)?;
    let unit = input.unit.as_deref().map(parse_unit).transpose()?;
    let points = periods(window, period);
    if points > MAX_POINTS {
        return Err(CloudWatchError::new(
            CloudWatchErrorKind::InvalidParameterCombination,
            format!(
                "You have requested up to {points} datapoints, which exceeds the limit of {MAX_POINTS}. You may reduce the datapoints requested by increasing Period, or decreasing the time range."
            ),
        )
        .into());
    }
    let found = if namespace == NAMESPACE {
        let range = (window.from, window.to);
        permit.store.metric_statistics(&permit.scope, &key, unit, range, period).await?
    } else {
        None
    };
    let datapoints = found.map_or_else(Vec::new, |(unit, points)| {
        let point = |point: &brokerd_domain::metric::DataPoint| {
            datapoint(point.at, &point.statistics, &statistics, unit.as_str())
        };
        points.iter().map(point).collect()
    });
    output(GetMetricStatisticsOutput { label: key.metric, datapoints })
}

fn statistics(names: &[String], extended: &[String]) -> Result<Vec<Statistic>, CloudWatchError> {
    if names.is_empty() == extended.is_empty() {
        return Err(CloudWatchError::new(
            CloudWatchErrorKind::InvalidParameterCombination,
            "Exactly one of the parameters Statistics and ExtendedStatistics must be specified.",
        ));
    }
    if names.len().max(extended.len()) > MAX_STATISTICS {
        return Err(CloudWatchError::invalid(format!(
            "The collection Statistics must not have a size greater than {MAX_STATISTICS}."
        )));
    }
    names.iter().chain(extended).map(|name| parse_statistic(name)).collect()
}

fn datapoint(at: Timestamp, set: &StatisticSet, wanted: &[Statistic], unit: &str) -> Datapoint {
    let value = |statistic: Statistic| wanted.contains(&statistic).then(|| statistic.of(set));
    Datapoint {
        timestamp: at,
        sample_count: value(Statistic::SampleCount),
        average: value(Statistic::Average),
        sum: value(Statistic::Sum),
        minimum: value(Statistic::Minimum),
        maximum: value(Statistic::Maximum),
        unit: unit.to_owned(),
    }
}
