//! The sentences and documents that tell why an alarm is in its state, in the service's words.

use serde_json::{Value, json};

use super::{
    definition::{MetricAlarm, Watched},
    evaluate::Datapoint,
    state::AlarmState,
};
use crate::kernel::Timestamp;

/// The longest reason.
///
/// Source: `StateReason` of the service's model.
const MAX_REASON_LENGTH: usize = 1023;
/// How many values a reason names.
const MAX_NAMED: usize = 5;

impl MetricAlarm {
    /// Why it is in that state, for a person, by the values that decided.
    pub fn reason(&self, state: AlarmState, evaluated: &[Datapoint]) -> String {
        let rule = self.rule();
        let reason = if evaluated.is_empty() && state == AlarmState::InsufficientData {
            let (count, were) = counted(rule.evaluation_periods);
            format!("Insufficient Data: {count} {were} unknown.")
        } else if evaluated.is_empty() {
            let (count, were) = counted(rule.evaluation_periods);
            let treated = self.missing_data.map_or("missing", |missing| match missing {
                super::MissingData::Breaching => "[Breaching]",
                super::MissingData::NotBreaching => "[NonBreaching]",
                super::MissingData::Ignore | super::MissingData::Missing => "missing",
            });
            format!(
                "Threshold Crossed: no datapoints were received for {count}, which {were} treated as {treated}."
            )
        } else {
            let breaches = state == AlarmState::Alarm;
            let decisive: Vec<_> =
                evaluated.iter().filter(|point| rule.breaches(point) == breaches).collect();
            let named = decisive.iter().rev().take(MAX_NAMED).map(|point| shown(point));
            let named: Vec<_> = named.collect();
            let (was, needed, transition) = if breaches {
                ("", rule.datapoints_to_alarm, "OK -> ALARM")
            } else {
                let enough = rule.evaluation_periods - rule.datapoints_to_alarm + 1;
                ("not ", enough, "ALARM -> OK")
            };
            format!(
                "Threshold Crossed: {} out of the last {} datapoints [{}] {} {was}{} the threshold ({}) (minimum {needed} {} for {transition} transition).",
                decisive.len(),
                rule.evaluation_periods,
                named.join(", "),
                if decisive.len() == 1 { "was" } else { "were" },
                rule.comparison.words(),
                number(rule.threshold),
                if needed == 1 { "datapoint" } else { "datapoints" },
            )
        };
        reason.chars().take(MAX_REASON_LENGTH).collect()
    }

    /// The same as JSON.
    pub fn reason_data(&self, evaluated: &[Datapoint], now: Timestamp) -> String {
        let points: Vec<Value> = evaluated
            .iter()
            .rev()
            .map(|point| json!({"timestamp": offset_time(point.at), "value": point.value}))
            .collect();
        let mut data = json!({
            "version": "1.0",
            "queryDate": offset_time(now.as_seconds()),
            "period": self.watched.period(),
            "recentDatapoints": evaluated.iter().map(|point| point.value).collect::<Vec<_>>(),
            "threshold": self.threshold,
            "evaluatedDatapoints": points,
        });
        if let Some(first) = evaluated.first() {
            data["startDate"] = offset_time(first.at).into();
        }
        if let Watched::Metric(stat) = &self.watched {
            data["statistic"] = stat.statistic.clone().into();
        }
        data.to_string()
    }
}

fn counted(count: u32) -> (String, &'static str) {
    if count == 1 {
        ("1 datapoint".to_owned(), "was")
    } else {
        (format!("{count} datapoints"), "were")
    }
}

/// `5.0 (28/11/26 23:24:00)`.
fn shown(point: &Datapoint) -> String {
    let at = jiff::Timestamp::from_second(point.at);
    let at =
        at.map_or_else(|_| point.at.to_string(), |at| at.strftime("%d/%m/%y %H:%M:%S").to_string());
    format!("{} ({at})", number(point.value))
}

/// A number with at least one decimal, as the service writes it.
fn number(value: f64) -> String {
    format!("{value:?}")
}

/// `2026-11-28T23:24:00.000+0000`.
pub(super) fn offset_time(seconds: i64) -> String {
    jiff::Timestamp::from_second(seconds).map_or_else(
        |_| seconds.to_string(),
        |at| at.strftime("%Y-%m-%dT%H:%M:%S.000+0000").to_string(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alarm::{AlarmInput, message::tests::input};

    fn alarm(m: i64, n: i64) -> MetricAlarm {
        let input = AlarmInput {
            evaluation_periods: Some(n),
            datapoints_to_alarm: Some(m),
            ..input("queue is long")
        };
        input.parse().expect("an alarm")
    }

    fn point(at: i64, value: f64) -> Datapoint {
        Datapoint { at, value }
    }

    #[test]
    fn reasons_are_told_in_the_words_of_the_service() {
        let crossed = alarm(1, 1).reason(AlarmState::Alarm, &[point(1_790_000_040, 5.0)]);
        assert_eq!(
            crossed,
            "Threshold Crossed: 1 out of the last 1 datapoints [5.0 (21/09/26 14:14:00)] was greater than the threshold (3.0) (minimum 1 datapoint for OK -> ALARM transition)."
        );
        let points = [point(0, 4.0), point(60, 1.0), point(120, 5.5)];
        assert_eq!(
            alarm(2, 3).reason(AlarmState::Alarm, &points),
            "Threshold Crossed: 2 out of the last 3 datapoints [5.5 (01/01/70 00:02:00), 4.0 (01/01/70 00:00:00)] were greater than the threshold (3.0) (minimum 2 datapoints for OK -> ALARM transition)."
        );
        assert_eq!(
            alarm(3, 3).reason(AlarmState::Ok, &points),
            "Threshold Crossed: 1 out of the last 3 datapoints [1.0 (01/01/70 00:01:00)] was not greater than the threshold (3.0) (minimum 1 datapoint for ALARM -> OK transition)."
        );
        assert_eq!(
            alarm(1, 3).reason(AlarmState::InsufficientData, &[]),
            "Insufficient Data: 3 datapoints were unknown."
        );
        let silent =
            MetricAlarm { missing_data: Some(crate::alarm::MissingData::Breaching), ..alarm(1, 1) };
        assert_eq!(
            silent.reason(AlarmState::Alarm, &[]),
            "Threshold Crossed: no datapoints were received for 1 datapoint, which was treated as [Breaching]."
        );
    }

    #[test]
    fn a_reason_is_never_longer_than_it_may_be() {
        let points: Vec<_> = (0..1000).map(|n| point(n * 60, 1e300)).collect();
        let reason = alarm(500, 1000).reason(AlarmState::Alarm, &points);
        assert!(
            reason.chars().count() <= MAX_REASON_LENGTH && reason.contains("1e300"),
            "{reason}"
        );
    }

    #[test]
    fn the_data_of_a_reason_has_the_values_that_decided() {
        let data = alarm(1, 2)
            .reason_data(&[point(60, 1.0), point(120, 5.0)], Timestamp::from_micros(180_500_000));
        let data: Value = serde_json::from_str(&data).expect("JSON");
        assert_eq!(
            data,
            json!({
                "version": "1.0",
                "queryDate": "1970-01-01T00:03:00.000+0000",
                "startDate": "1970-01-01T00:01:00.000+0000",
                "statistic": "Average",
                "period": 60,
                "recentDatapoints": [1.0, 5.0],
                "threshold": 3.0,
                "evaluatedDatapoints": [
                    {"timestamp": "1970-01-01T00:02:00.000+0000", "value": 5.0},
                    {"timestamp": "1970-01-01T00:01:00.000+0000", "value": 1.0},
                ],
            })
        );
    }
}
