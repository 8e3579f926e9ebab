//! What a topic is told: a notification of Amazon SNS whose message is that of CloudWatch.
//!
//! Source: "Parsing Amazon SNS message formats" of the Amazon SNS developer guide, and notifications of the service.

use serde_json::{Value, json};

use super::{
    action::AlarmAction,
    definition::{MetricAlarm, Watched},
    state::AlarmStatus,
    words::offset_time,
};
use crate::kernel::{Scope, Timestamp};

/// The longest subject of a notification.
const MAX_SUBJECT_LENGTH: usize = 100;

/// A change of an alarm's state.
#[derive(Debug, Clone, Copy)]
pub struct StateChange<'a> {
    /// Whose alarm it is.
    pub scope: &'a Scope,
    /// The alarm.
    pub alarm: &'a MetricAlarm,
    /// When the alarm was last configured.
    pub configured: Timestamp,
    /// The state before.
    pub old: &'a AlarmStatus,
    /// The state after.
    pub new: &'a AlarmStatus,
}

/// What a topic is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlarmNotification {
    /// The subject.
    pub subject: String,
    /// The message, as JSON.
    pub message: String,
}

impl StateChange<'_> {
    /// What topics are told of it.
    pub fn notification(&self) -> AlarmNotification {
        let (alarm, scope) = (self.alarm, self.scope);
        let subject = format!("{}: \"{}\" in {}", self.new.value, alarm.name, scope.region);
        let arns = |actions: &[AlarmAction]| {
            actions.iter().map(|action| action.as_str().to_owned()).collect::<Vec<_>>()
        };
        let message = json!({
            "AlarmName": alarm.name,
            "AlarmDescription": alarm.description,
            "AWSAccountId": scope.account.as_str(),
            "AlarmConfigurationUpdatedTimestamp": offset_time(self.configured.as_seconds()),
            "NewStateValue": self.new.value.as_str(),
            "NewStateReason": self.new.reason,
            "StateChangeTime": offset_time(self.new.updated.as_seconds()),
            "Region": scope.region.as_str(),
            "AlarmArn": MetricAlarm::arn_of(scope, &alarm.name),
            "OldStateValue": self.old.value.as_str(),
            "OKActions": arns(&alarm.ok_actions),
            "AlarmActions": arns(&alarm.alarm_actions),
            "InsufficientDataActions": arns(&alarm.insufficient_data_actions),
            "Trigger": trigger(alarm),
        });
        AlarmNotification {
            // As subjects of mails are.
            subject: subject.chars().filter(char::is_ascii).take(MAX_SUBJECT_LENGTH).collect(),
            message: message.to_string(),
        }
    }
}

impl AlarmNotification {
    /// The document that is sent, of which `id` tells deliveries of the same notification apart from others.
    pub fn envelope(&self, topic: &str, id: &str, now: Timestamp) -> Value {
        let at = jiff::Timestamp::from_second(now.as_seconds());
        let at = at
            .map_or_else(|_| String::new(), |at| at.strftime("%Y-%m-%dT%H:%M:%S.000Z").to_string());
        json!({
            "Type": "Notification",
            "MessageId": id,
            "TopicArn": topic,
            "Subject": self.subject,
            "Message": self.message,
            "Timestamp": at,
        })
    }
}

fn trigger(alarm: &MetricAlarm) -> Value {
    let mut trigger = json!({
        "Period": alarm.watched.period(),
        "EvaluationPeriods": alarm.evaluation_periods,
        "DatapointsToAlarm": alarm.datapoints_to_alarm.unwrap_or(alarm.evaluation_periods),
        "ComparisonOperator": alarm.comparison.as_str(),
        "Threshold": alarm.threshold,
        "TreatMissingData": alarm.missing_data.map_or("missing", |missing| missing.as_str()),
        "EvaluateLowSampleCountPercentile": "",
    });
    let dimensions = |pairs: &[(String, String)]| {
        pairs.iter().map(|(name, value)| json!({"value": value, "name": name})).collect::<Vec<_>>()
    };
    match &alarm.watched {
        Watched::Metric(stat) => {
            trigger["MetricName"] = stat.metric.clone().into();
            trigger["Namespace"] = stat.namespace.clone().into();
            trigger["StatisticType"] = "Statistic".into();
            let statistic = stat.statistic.as_deref().unwrap_or_default();
            let statistic = if statistic == "SampleCount" {
                "SAMPLE_COUNT".to_owned()
            } else {
                statistic.to_ascii_uppercase()
            };
            trigger["Statistic"] = statistic.into();
            trigger["Unit"] = stat.unit.clone().into();
            trigger["Dimensions"] = dimensions(&stat.dimensions).into();
        }
        Watched::Math(queries) => {
            let metrics = queries.iter().map(|query| {
                let mut metric = json!({
                    "Id": query.id,
                    "Label": query.label,
                    "ReturnData": query.return_data.unwrap_or(true),
                });
                if let Some(expression) = &query.expression {
                    metric["Expression"] = expression.clone().into();
                }
                if let Some(stat) = &query.metric_stat {
                    metric["MetricStat"] = json!({
                        "Metric": {
                            "Namespace": stat.namespace,
                            "MetricName": stat.metric,
                            "Dimensions": dimensions(&stat.dimensions),
                        },
                        "Period": stat.period,
                        "Stat": stat.statistic,
                    });
                }
                metric
            });
            trigger["Metrics"] = metrics.collect::<Vec<_>>().into();
        }
    }
    trigger
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::{
        alarm::{AlarmInput, AlarmState},
        metric::query::{CloudWatchErrorKind, DataQueryInput, MetricStatInput},
    };

    /// An alarm on more than three messages.
    pub(in crate::alarm) fn input(name: &str) -> AlarmInput {
        AlarmInput {
            name: Some(name.to_owned()),
            metric: MetricStatInput {
                namespace: Some("AWS/AmazonMQ".to_owned()),
                metric: Some("MessageCount".to_owned()),
                dimensions: vec![("Broker".to_owned(), "orders".to_owned())],
                period: Some(60),
                statistic: Some("Average".to_owned()),
                unit: None,
            },
            evaluation_periods: Some(1),
            threshold: Some(3.0),
            comparison: Some("GreaterThanThreshold".to_owned()),
            alarm_actions: vec!["arn:aws:sns:us-east-1:000000000000:on-call".to_owned()],
            ..AlarmInput::default()
        }
    }

    /// An alarm on an expression.
    fn math(name: &str) -> AlarmInput {
        let metric = input(name).metric;
        let query = |id: &str, expression: Option<&str>, returns| DataQueryInput {
            id: Some(id.to_owned()),
            metric_stat: expression.is_none().then(|| metric.clone()),
            expression: expression.map(str::to_owned),
            return_data: Some(returns),
            ..DataQueryInput::default()
        };
        AlarmInput {
            metric: MetricStatInput::default(),
            metrics: vec![query("m1", None, false), query("e1", Some("m1 * 2"), true)],
            ..input(name)
        }
    }

    #[test]
    fn a_topic_is_told_what_the_service_tells() {
        let scope = Scope {
            account: "000000000000".parse().expect("an account"),
            region: "us-east-1".parse().expect("a region"),
        };
        let now = Timestamp::from_micros(1_790_000_000_000_000);
        let alarm = input("queue is long \u{1f40c}").parse().expect("an alarm");
        let old = AlarmStatus::initial(now);
        let new =
            AlarmStatus { value: AlarmState::Alarm, reason: "because".to_owned(), ..old.clone() };
        let change =
            StateChange { scope: &scope, alarm: &alarm, configured: now, old: &old, new: &new };
        let told = change.notification();
        assert_eq!(told.subject, "ALARM: \"queue is long \" in us-east-1");
        let message: Value = serde_json::from_str(&told.message).expect("JSON");
        assert_eq!(
            message,
            json!({
                "AlarmName": "queue is long \u{1f40c}",
                "AlarmDescription": null,
                "AWSAccountId": "000000000000",
                "AlarmConfigurationUpdatedTimestamp": "2026-09-21T14:13:20.000+0000",
                "NewStateValue": "ALARM",
                "NewStateReason": "because",
                "StateChangeTime": "2026-09-21T14:13:20.000+0000",
                "Region": "us-east-1",
                "AlarmArn": "arn:aws:cloudwatch:us-east-1:000000000000:alarm:queue is long \u{1f40c}",
                "OldStateValue": "INSUFFICIENT_DATA",
                "OKActions": [],
                "AlarmActions": ["arn:aws:sns:us-east-1:000000000000:on-call"],
                "InsufficientDataActions": [],
                "Trigger": {
                    "MetricName": "MessageCount",
                    "Namespace": "AWS/AmazonMQ",
                    "StatisticType": "Statistic",
                    "Statistic": "AVERAGE",
                    "Unit": null,
                    "Dimensions": [{"value": "orders", "name": "Broker"}],
                    "Period": 60,
                    "EvaluationPeriods": 1,
                    "DatapointsToAlarm": 1,
                    "ComparisonOperator": "GreaterThanThreshold",
                    "Threshold": 3.0,
                    "TreatMissingData": "missing",
                    "EvaluateLowSampleCountPercentile": "",
                },
            })
        );
        let sent = told.envelope("arn:aws:sns:us-east-1:000000000000:on-call", "id-1", now);
        assert_eq!((&sent["Type"], &sent["MessageId"]), (&json!("Notification"), &json!("id-1")));
        assert_eq!(sent["Message"], told.message.as_str());
        assert_eq!(sent["Timestamp"], "2026-09-21T14:13:20.000Z");
    }

    #[test]
    fn alarms_on_expressions_watch_the_one_that_returns_data() {
        let alarm = math("twice").parse().expect("an alarm");
        assert_eq!(alarm.watched.period(), 60);
        assert_eq!(alarm.broker_names(), ["orders"]);
        assert_eq!(trigger(&alarm)["Metrics"][1]["Expression"], "m1 * 2");
        let stored = serde_json::to_value(&alarm).expect("JSON");
        assert_eq!(serde_json::from_value::<MetricAlarm>(stored).expect("read"), alarm);
    }

    #[test]
    fn what_is_no_alarm_is_refused() {
        use CloudWatchErrorKind::{
            InvalidParameterCombination, InvalidParameterValue, MissingParameter, Unsupported,
            ValidationError,
        };
        type Change = fn(&mut AlarmInput);
        let of_metric: &[(Change, CloudWatchErrorKind)] = &[
            (|one| one.name = None, MissingParameter),
            (|one| one.name = Some(String::new()), ValidationError),
            (|one| one.name = Some("a\nb".to_owned()), ValidationError),
            (|one| one.name = Some("x".repeat(256)), ValidationError),
            (|one| one.description = Some("x".repeat(1025)), ValidationError),
            (|one| one.evaluation_periods = None, MissingParameter),
            (|one| one.evaluation_periods = Some(0), ValidationError),
            (|one| one.evaluation_periods = Some(1441), ValidationError),
            (|one| one.datapoints_to_alarm = Some(2), ValidationError),
            (|one| one.threshold = None, MissingParameter),
            (|one| one.threshold = Some(f64::NAN), InvalidParameterValue),
            (|one| one.comparison = None, MissingParameter),
            (|one| one.comparison = Some("Bigger".to_owned()), ValidationError),
            (|one| one.comparison = Some("GreaterThanUpperThreshold".to_owned()), Unsupported),
            (|one| one.missing_data = Some("Missing".to_owned()), ValidationError),
            (|one| one.low_samples = Some("x".to_owned()), ValidationError),
            (|one| one.alarm_actions = vec!["x".to_owned()], ValidationError),
            (
                |one| one.ok_actions = vec!["arn:aws:sns:us-east-1:000000000000:x".to_owned(); 6],
                ValidationError,
            ),
            (|one| one.metric.metric = None, MissingParameter),
            (|one| one.metric.namespace = None, MissingParameter),
            (|one| one.metric.period = None, MissingParameter),
            (|one| one.metric.period = Some(61), InvalidParameterValue),
            (|one| one.metric.statistic = None, MissingParameter),
            (|one| one.extended_statistic = Some("p99".to_owned()), InvalidParameterValue),
            (
                |one| one.extended_statistic = Some("Average".to_owned()),
                InvalidParameterCombination,
            ),
            (|one| one.unsupported = vec!["EvaluationCriteria"], Unsupported),
        ];
        for (at, (change, kind)) in of_metric.iter().enumerate() {
            let mut changed = input("a");
            change(&mut changed);
            assert_eq!(changed.parse().expect_err("refused").kind, *kind, "case {at}");
        }
        let of_math: &[(Change, CloudWatchErrorKind)] = &[
            (|one| one.metric.metric = Some("x".to_owned()), InvalidParameterCombination),
            (|one| one.metrics[0].return_data = Some(true), ValidationError),
            (|one| one.metrics[1].return_data = Some(false), ValidationError),
            (|one| one.metrics[1].expression = Some("m9".to_owned()), ValidationError),
            (
                |one| one.metrics[1].expression = Some("SEARCH('x', 'Sum', 60)".to_owned()),
                ValidationError,
            ),
        ];
        for (at, (change, kind)) in of_math.iter().enumerate() {
            let mut changed = math("a");
            change(&mut changed);
            assert_eq!(changed.parse().expect_err("refused").kind, *kind, "case {at}");
        }
    }

    #[test]
    fn an_action_that_is_named_twice_is_done_once() {
        let topic = "arn:aws:sns:us-east-1:000000000000:x".to_owned();
        let alarm = AlarmInput { ok_actions: vec![topic.clone(), topic], ..input("a") };
        assert_eq!(alarm.parse().expect("an alarm").ok_actions.len(), 1);
    }
}
