//! What an alarm is.

use serde::{Deserialize, Serialize};

use super::{
    action::AlarmAction,
    comparison::{Comparison, MissingData},
    evaluate::EvaluationRule,
    state::AlarmState,
};
use crate::{
    kernel::Scope,
    metric::{
        SeriesKey,
        query::{DataQueryInput, MAX_PERIOD, MIN_PERIOD, MetricStat, MetricStatInput},
    },
};

/// What an alarm watches. Only valid ones are stored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Watched {
    /// A metric with a statistic.
    Metric(MetricStatInput),
    /// The one of several queries that returns data.
    Math(Vec<DataQueryInput>),
}

/// An alarm. [`super::AlarmInput::parse`] checks one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MetricAlarm {
    /// The name, which is unique in the account's region.
    pub name: String,
    /// The description.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Whether changes of the state have actions.
    pub actions_enabled: bool,
    /// What is done when the state becomes OK.
    #[serde(default)]
    pub ok_actions: Vec<AlarmAction>,
    /// What is done when the state becomes ALARM.
    #[serde(default)]
    pub alarm_actions: Vec<AlarmAction>,
    /// What is done when the state becomes `INSUFFICIENT_DATA`.
    #[serde(default)]
    pub insufficient_data_actions: Vec<AlarmAction>,
    /// What is watched.
    pub watched: Watched,
    /// How many of the latest values decide.
    pub evaluation_periods: u32,
    /// How many of them have to breach; none: all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub datapoints_to_alarm: Option<u32>,
    /// The threshold.
    pub threshold: f64,
    /// How values are compared with it.
    pub comparison: Comparison,
    /// What missing values count as; none: nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub missing_data: Option<MissingData>,
}

impl MetricAlarm {
    /// The ARN of an alarm.
    pub fn arn_of(scope: &Scope, name: &str) -> String {
        format!("arn:aws:cloudwatch:{}:{}:alarm:{name}", scope.region, scope.account)
    }

    /// The actions of a state.
    pub fn actions(&self, state: AlarmState) -> &[AlarmAction] {
        match state {
            AlarmState::Ok => &self.ok_actions,
            AlarmState::Alarm => &self.alarm_actions,
            AlarmState::InsufficientData => &self.insufficient_data_actions,
        }
    }

    /// When it changes its state.
    pub fn rule(&self) -> EvaluationRule {
        EvaluationRule {
            evaluation_periods: self.evaluation_periods,
            datapoints_to_alarm: self.datapoints_to_alarm.unwrap_or(self.evaluation_periods),
            threshold: self.threshold,
            comparison: self.comparison,
            missing_data: self.missing_data.unwrap_or(MissingData::Missing),
        }
    }

    /// The queries by which it is evaluated: those of the alarm, or one of its metric.
    pub fn queries(&self) -> Vec<DataQueryInput> {
        match &self.watched {
            Watched::Math(queries) => queries.clone(),
            Watched::Metric(stat) => vec![DataQueryInput {
                id: Some("m1".to_owned()),
                metric_stat: Some(stat.clone()),
                ..DataQueryInput::default()
            }],
        }
    }

    /// The values of the dimension `Broker` of what it watches.
    pub fn broker_names(&self) -> Vec<&str> {
        let stats: Vec<&MetricStatInput> = match &self.watched {
            Watched::Metric(stat) => vec![stat],
            Watched::Math(queries) => {
                queries.iter().filter_map(|query| query.metric_stat.as_ref()).collect()
            }
        };
        let dimensions = stats.into_iter().flat_map(|stat| &stat.dimensions);
        let brokers = dimensions.filter(|(name, _)| name == "Broker");
        let mut names: Vec<&str> = brokers.map(|(_, value)| value.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        names
    }
}

impl Watched {
    /// The period of the values: the longest one of the metrics, as that of an expression over them.
    pub fn period(&self) -> u32 {
        let seconds = |period: Option<i64>| period.and_then(|period| u32::try_from(period).ok());
        let period = match self {
            Self::Metric(stat) => seconds(stat.period),
            Self::Math(queries) => {
                let of = |query: &DataQueryInput| match &query.metric_stat {
                    Some(stat) => seconds(stat.period),
                    None => seconds(query.period),
                };
                queries.iter().filter_map(of).max()
            }
        };
        period.unwrap_or(300).clamp(MIN_PERIOD, MAX_PERIOD)
    }

    /// Whether it is this metric with exactly these dimensions, by itself and not in an expression.
    pub fn is_of(&self, namespace: &str, key: &SeriesKey) -> bool {
        let Self::Metric(stat) = self else { return false };
        let parsed = MetricStat::parse(stat.clone());
        parsed.is_ok_and(|stat| stat.namespace == namespace && stat.key == *key)
    }
}
