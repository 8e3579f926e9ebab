//! GetMetricData.

use brokerd_domain::{
    Timestamp,
    metric::{
        expression::TimeSeries,
        label::{LabelContext, rendered},
        query::{CloudWatchError, DataPlan, DataQuery, MIN_PERIOD},
    },
};

use super::{
    call::{Answer, Call, Permit, output},
    range::{TimeWindow, periods},
    shapes::MetricDataQuery,
    token::{Pages, invalid_token},
};
use crate::{
    auth::CallResource,
    http::error::ApiError,
    wire::{Value, shape},
};

/// Most data points of an answer.
///
/// Source: GetMetricData of the CloudWatch API reference.
const MAX_POINTS: usize = 100_800;
/// Most data points of a request, on all pages together: five full pages.
const MAX_POINTS_OF_ALL_PAGES: i64 = 504_000;

shape! {
    GetMetricDataInput {
        metric_data_queries: Vec<MetricDataQuery> = "MetricDataQueries",
        start_time: Option<Timestamp> = "StartTime",
        end_time: Option<Timestamp> = "EndTime",
        next_token: Option<String> = "NextToken",
        scan_by: Option<String> = "ScanBy",
        max_datapoints: Option<i64> = "MaxDatapoints",
        label_options: Option<Value> = "LabelOptions",
    }
}

shape! {
    /// `MessageData`.
    MessageData {
        code: String = "Code",
        value: String = "Value",
    }
}

shape! {
    /// `MetricDataResult`.
    MetricDataResult {
        id: String = "Id",
        label: String = "Label",
        timestamps: Vec<Timestamp> = "Timestamps",
        values: Vec<f64> = "Values",
        status_code: String = "StatusCode",
        messages: Option<Vec<MessageData>> = "Messages",
    }
}

shape! {
    GetMetricDataOutput {
        metric_data_results: Vec<MetricDataResult> = "MetricDataResults",
        next_token: Option<String> = "NextToken",
        messages: Vec<MessageData> = "Messages",
    }
}

pub(super) async fn answer(call: Call<'_>, mut input: GetMetricDataInput) -> Answer {
    let permit = call.permit(CallResource::NONE)?;
    let token = input.next_token.take();
    let pages = Pages::of(&input);
    let newest_first = match input.scan_by.as_deref() {
        None | Some("TimestampDescending") => true,
        Some("TimestampAscending") => false,
        Some(_) => {
            let message = "The parameter ScanBy must be TimestampDescending or TimestampAscending.";
            return Err(CloudWatchError::validation(message).into());
        }
    };
    let most = match input.max_datapoints.map(usize::try_from) {
        None => MAX_POINTS,
        Some(Ok(most)) if (1..=MAX_POINTS).contains(&most) => most,
        Some(_) => {
            return Err(CloudWatchError::validation(format!(
                "The parameter MaxDatapoints must be between 1 and {MAX_POINTS}."
            ))
            .into());
        }
    };
    let position = match token {
        None => 0,
        Some(token) => pages.position(&token)?.parse().map_err(|_| invalid_token())?,
    };
    let window = TimeWindow::parse(input.start_time, input.end_time)
        .map_err(|error| CloudWatchError::validation(error.message))?;
    let queries = input.metric_data_queries.into_iter().map(Into::into).collect();
    let plan = DataPlan::new(DataQuery::parse_all(queries)?)?;
    check_size(&plan, window)?;
    let (series, is_truncated) = computed(&permit, &plan, window).await?;
    let page = Page::cut(series, position, most, newest_first);
    let messages = if is_truncated {
        vec![MessageData {
            code: "MaxMetricsExceeded".to_owned(),
            value: "A search has found more metrics than are answered. Search for fewer."
                .to_owned(),
        }]
    } else {
        Vec::new()
    };
    output(GetMetricDataOutput {
        metric_data_results: page.results,
        next_token: page.next.map(|next| pages.token(&next.to_string())),
        messages,
    })
}

/// Refuses what would be more than anybody draws.
fn check_size(plan: &DataPlan, window: TimeWindow) -> Result<(), CloudWatchError> {
    let of_metric = |query: &DataQuery| match &query.what {
        brokerd_domain::metric::query::Queried::Metric(stat) => {
            periods(window, stat.period.max(MIN_PERIOD))
        }
        brokerd_domain::metric::query::Queried::Math(_) => 0,
    };
    let points: i64 = plan.queries().iter().map(of_metric).sum();
    let searched: i64 = plan.searches().map(|(_, period)| periods(window, period)).sum();
    let points = points.saturating_add(searched);
    if points > MAX_POINTS_OF_ALL_PAGES {
        return Err(CloudWatchError::validation(format!(
            "You have requested up to {points} datapoints, which exceeds the limit of {MAX_POINTS_OF_ALL_PAGES}. You may reduce the datapoints requested by increasing Period, or decreasing the time range."
        )));
    }
    Ok(())
}

/// A series of an answer, with its query's identifier and its label.
struct Labelled {
    id: String,
    label: String,
    points: Vec<(i64, f64)>,
}

async fn computed(
    permit: &Permit<'_>,
    plan: &DataPlan,
    window: TimeWindow,
) -> Result<(Vec<Labelled>, bool), ApiError> {
    let data = permit.store.metric_data(&permit.scope, plan, window.from, window.to).await?;
    let results = plan.evaluate(data.metrics, &data.searches, window.seconds())?;
    let context = LabelContext {
        account: permit.scope.account.as_str(),
        region: permit.scope.region.as_str(),
    };
    let mut labelled = Vec::new();
    for result in results {
        let query = &plan.queries()[result.query];
        let is_one = result.series.len() == 1;
        for series in result.series {
            labelled.push(Labelled {
                id: query.id.clone(),
                label: label(query, &series, is_one, context),
                points: series.points.into_iter().collect(),
            });
        }
    }
    Ok((labelled, data.is_truncated))
}

/// The label of a result. Those of several series of one query have a plain label of the query before their own.
fn label(
    query: &DataQuery,
    series: &TimeSeries,
    is_one: bool,
    context: LabelContext<'_>,
) -> String {
    match query.label.as_deref().filter(|label| !label.is_empty()) {
        None => series.label.clone(),
        Some(label) if label.contains("${") || is_one => rendered(label, series, context),
        Some(label) => format!("{label} {}", series.label),
    }
}

/// Some data points of all series. The position of a page is the number of points of each series on earlier ones.
struct Page {
    results: Vec<MetricDataResult>,
    next: Option<usize>,
}

impl Page {
    /// As many points of each series, so that all of a page are of about the same time.
    fn cut(series: Vec<Labelled>, position: usize, most: usize, newest_first: bool) -> Self {
        let per_series = (most / series.len().max(1)).max(1);
        let end = position.saturating_add(per_series);
        let mut next = None;
        let mut results = Vec::new();
        for Labelled { id, label, mut points } in series {
            if newest_first {
                points.reverse();
            }
            let has_more = points.len() > end;
            if has_more {
                next = Some(end);
            }
            let shown = points.into_iter().skip(position).take(per_series);
            let (timestamps, values) = shown
                .map(|(at, value)| (Timestamp::from_micros(at.saturating_mul(1_000_000)), value))
                .unzip();
            results.push(MetricDataResult {
                id,
                label,
                timestamps,
                values,
                status_code: if has_more { "PartialData" } else { "Complete" }.to_owned(),
                messages: None,
            });
        }
        Self { results, next }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn series(id: &str, points: i64) -> Labelled {
        let points = (0..points).map(|n| (n * 60, f64::from(i32::try_from(n).expect("small"))));
        Labelled { id: id.to_owned(), label: String::new(), points: points.collect() }
    }

    fn values(page: &Page) -> Vec<(Vec<f64>, &str)> {
        page.results.iter().map(|one| (one.values.clone(), one.status_code.as_str())).collect()
    }

    #[test]
    fn pages_have_points_of_every_series_and_follow_each_other() {
        let all = || vec![series("a", 5), series("b", 2)];
        let first = Page::cut(all(), 0, 4, true);
        assert_eq!(values(&first), [(vec![4.0, 3.0], "PartialData"), (vec![1.0, 0.0], "Complete")]);
        assert_eq!(first.next, Some(2));
        let second = Page::cut(all(), 2, 4, true);
        assert_eq!(values(&second), [(vec![2.0, 1.0], "PartialData"), (vec![], "Complete")]);
        let last = Page::cut(all(), 4, 4, true);
        assert_eq!((values(&last)[0].clone(), last.next), ((vec![0.0], "Complete"), None));
    }

    #[test]
    fn points_are_in_the_order_that_is_asked_for() {
        let page = Page::cut(vec![series("a", 3)], 0, 100, false);
        assert_eq!(values(&page), [(vec![0.0, 1.0, 2.0], "Complete")]);
        assert_eq!((page.results[0].timestamps[2].as_seconds(), page.next), (120, None));
        assert!(Page::cut(Vec::new(), 0, 1, true).results.is_empty());
    }
}
