//! Evaluation of alarms.

use brokerd_domain::{
    Clock, Timestamp,
    alarm::{AlarmState, AlarmStatus, Datapoint, MetricAlarm, Verdict},
    metric::query::{CloudWatchError, DataPlan, DataQuery, MIN_PERIOD},
};
use brokerd_store::{DueAlarm, MetricData, PgStore, StoreError};

use super::INTERVAL;

/// Evaluates up to `most` alarms that are due, and stores the states that have changed. Gives back how many were due.
///
/// # Errors
/// What the store says; alarms that were not evaluated are due again in a minute.
pub async fn evaluate(store: &PgStore, clock: &dyn Clock, most: u32) -> Result<usize, StoreError> {
    let due = store.take_due_alarms(most, INTERVAL).await?;
    for alarm in &due {
        evaluate_one(store, alarm, clock.now()).await?;
    }
    Ok(due.len())
}

async fn evaluate_one(store: &PgStore, due: &DueAlarm, now: Timestamp) -> Result<(), StoreError> {
    let alarm = &due.stored.alarm;
    let window = Window::of(alarm, now);
    let plan = DataQuery::parse_all(alarm.queries()).and_then(DataPlan::new);
    let (verdict, failure) = match plan {
        Err(error) => (unknown(), Some(error)),
        Ok(plan) => {
            let data = store.metric_data(&due.scope, &plan, window.from(), window.to()).await?;
            match window.points(&plan, data) {
                Ok(points) => (alarm.rule().judge(&points), None),
                Err(error) => (unknown(), Some(error)),
            }
        }
    };
    let Verdict::Is { state, evaluated } = verdict else { return Ok(()) };
    if state == due.stored.status.value {
        return Ok(());
    }
    let reason = match failure {
        None => alarm.reason(state, &evaluated),
        Some(error) => format!("Evaluation error: {error}"),
    };
    let status = AlarmStatus {
        value: state,
        reason,
        reason_data: Some(alarm.reason_data(&evaluated, now)),
        updated: now,
        transitioned: now,
    };
    if store.record_alarm_state(due, &status).await? {
        tracing::info!(
            alarm = alarm.name,
            account = %due.scope.account,
            region = %due.scope.region,
            state = %state,
            reason = status.reason,
            "alarm changed its state"
        );
    }
    Ok(())
}

/// Nothing is known of what an alarm watches.
const fn unknown() -> Verdict {
    Verdict::Is { state: AlarmState::InsufficientData, evaluated: Vec::new() }
}

/// The periods that are read for an alarm. One more than are judged: of minutes the last one is not over yet, and counts if
/// its value is there already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Window {
    /// When the first period begins, in seconds since 1970.
    start: i64,
    period: i64,
    periods: i64,
    /// Whether the last one is not over.
    is_open: bool,
}

impl Window {
    fn of(alarm: &MetricAlarm, now: Timestamp) -> Self {
        let period = i64::from(alarm.watched.period());
        let is_open = alarm.watched.period() == MIN_PERIOD;
        let begun = now.as_seconds().div_euclid(period) * period;
        let end = if is_open { begun + period } else { begun };
        let periods = i64::from(alarm.rule().range()) + i64::from(is_open);
        Self { start: end - periods * period, period, periods, is_open }
    }

    const fn from(self) -> Timestamp {
        Timestamp::from_micros(self.start * 1_000_000)
    }

    const fn to(self) -> Timestamp {
        Timestamp::from_micros((self.start + self.periods * self.period) * 1_000_000)
    }

    /// The values of the one series that is compared, oldest first; none: they are missing.
    fn points(
        self,
        plan: &DataPlan,
        data: MetricData,
    ) -> Result<Vec<Option<Datapoint>>, CloudWatchError> {
        let range = (self.from().as_seconds(), self.to().as_seconds());
        let mut results = plan.evaluate(data.metrics, &data.searches, range)?;
        let series = results.pop().map(|result| result.series).unwrap_or_default();
        let [series] = &series[..] else {
            return Err(CloudWatchError::validation(
                "the expression must be one time series, and is several",
            ));
        };
        let point = |n: i64| {
            let at = self.start + n * self.period;
            series.points.get(&at).map(|value| Datapoint { at, value: *value })
        };
        let mut points: Vec<_> = (0..self.periods).map(point).collect();
        if self.is_open {
            let is_there = points.last().is_some_and(Option::is_some);
            let left_out = if is_there { 0 } else { points.len() - 1 };
            points.remove(left_out);
        }
        Ok(points)
    }
}

#[cfg(test)]
mod tests {
    use brokerd_domain::{
        alarm::AlarmInput,
        metric::{expression::TimeSeries, query::MetricStatInput},
    };

    use super::*;

    fn alarm(period: i64, periods: i64) -> MetricAlarm {
        let input = AlarmInput {
            name: Some("long".to_owned()),
            metric: MetricStatInput {
                namespace: Some("AWS/AmazonMQ".to_owned()),
                metric: Some("MessageCount".to_owned()),
                dimensions: Vec::new(),
                period: Some(period),
                statistic: Some("Sum".to_owned()),
                unit: None,
            },
            evaluation_periods: Some(periods),
            threshold: Some(1.0),
            comparison: Some("GreaterThanThreshold".to_owned()),
            ..AlarmInput::default()
        };
        input.parse().expect("an alarm")
    }

    fn values(period: i64, now: i64, points: &[(i64, f64)]) -> Vec<Option<f64>> {
        let alarm = alarm(period, 1);
        let window = Window::of(&alarm, Timestamp::from_micros(now * 1_000_000));
        let plan = DataPlan::new(DataQuery::parse_all(alarm.queries()).expect("valid"));
        let series = TimeSeries {
            label: String::new(),
            origin: None,
            period: 60,
            points: points.iter().copied().collect(),
        };
        let data =
            MetricData { metrics: [("m1".to_owned(), series)].into(), ..MetricData::default() };
        let points = window.points(&plan.expect("a plan"), data).expect("one series");
        points.into_iter().map(|point| point.map(|point| point.value)).collect()
    }

    #[test]
    fn the_minute_that_is_not_over_counts_if_its_value_is_there() {
        let points = [(0, 1.0), (60, 2.0), (120, 3.0)];
        assert_eq!(values(60, 185, &points), [Some(1.0), Some(2.0), Some(3.0)]);
        let with_last = [&points[..], &[(180, 4.0)]].concat();
        assert_eq!(values(60, 185, &with_last), [Some(2.0), Some(3.0), Some(4.0)]);
        assert_eq!(values(60, 240, &with_last), [Some(2.0), Some(3.0), Some(4.0)]);
        assert_eq!(values(60, 300, &with_last), [Some(3.0), Some(4.0), None]);
    }

    #[test]
    fn longer_periods_count_when_they_are_over() {
        let points = [(0, 1.0), (300, 2.0), (600, 3.0), (900, 4.0)];
        assert_eq!(values(300, 1199, &points), [Some(1.0), Some(2.0), Some(3.0)]);
        assert_eq!(values(300, 1200, &points), [Some(2.0), Some(3.0), Some(4.0)]);
    }
}
