//! PutMetricAlarm: checks of what callers send.

use super::{
    action::AlarmAction,
    comparison::{Comparison, MissingData},
    definition::{MetricAlarm, Watched},
};
use crate::metric::query::{
    CloudWatchError, CloudWatchErrorKind, DataPlan, DataQuery, DataQueryInput, MetricStat,
    MetricStatInput,
};

const MAX_NAME_LENGTH: usize = 255;
const MAX_DESCRIPTION_LENGTH: usize = 1024;
/// Most actions of a state.
const MAX_ACTIONS: usize = 5;
/// How far back an alarm looks at most: a day, or a week where a period is at least an hour.
///
/// Source: PutMetricAlarm of the API reference, "EvaluationPeriods".
const MAX_EVALUATION_SECONDS: u64 = 86_400;
const MAX_HOURLY_EVALUATION_SECONDS: u64 = 7 * 86_400;

/// An alarm as callers give it. Members that the service has and that are not here are refused by their names.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct AlarmInput {
    /// `AlarmName`.
    pub name: Option<String>,
    /// `AlarmDescription`.
    pub description: Option<String>,
    /// `ActionsEnabled`.
    pub actions_enabled: Option<bool>,
    /// `OKActions`.
    pub ok_actions: Vec<String>,
    /// `AlarmActions`.
    pub alarm_actions: Vec<String>,
    /// `InsufficientDataActions`.
    pub insufficient_data_actions: Vec<String>,
    /// `MetricName`, `Namespace`, `Dimensions`, `Period`, `Unit` and `Statistic`.
    pub metric: MetricStatInput,
    /// `ExtendedStatistic`.
    pub extended_statistic: Option<String>,
    /// `Metrics`.
    pub metrics: Vec<DataQueryInput>,
    /// `EvaluationPeriods`.
    pub evaluation_periods: Option<i64>,
    /// `DatapointsToAlarm`.
    pub datapoints_to_alarm: Option<i64>,
    /// `Threshold`.
    pub threshold: Option<f64>,
    /// `ComparisonOperator`.
    pub comparison: Option<String>,
    /// `TreatMissingData`.
    pub missing_data: Option<String>,
    /// `EvaluateLowSampleCountPercentile`, which is for percentiles.
    pub low_samples: Option<String>,
    /// The names of members that were given and that brokerd does not have.
    pub unsupported: Vec<&'static str>,
}

impl AlarmInput {
    /// Checks it.
    ///
    /// # Errors
    /// `ValidationError`, `MissingParameter`, `InvalidParameterValue` or `InvalidParameterCombination`.
    pub fn parse(self) -> Result<MetricAlarm, CloudWatchError> {
        if let Some(member) = self.unsupported.first() {
            return Err(CloudWatchError::new(
                CloudWatchErrorKind::Unsupported,
                format!("brokerd has no {member} of alarms."),
            ));
        }
        let name = alarm_name(self.name)?;
        if self
            .description
            .as_ref()
            .is_some_and(|text| text.chars().count() > MAX_DESCRIPTION_LENGTH)
        {
            return Err(CloudWatchError::validation(format!(
                "The parameter AlarmDescription must not have more than {MAX_DESCRIPTION_LENGTH} characters."
            )));
        }
        let evaluation_periods = count("EvaluationPeriods", self.evaluation_periods)?
            .ok_or_else(|| CloudWatchError::missing("EvaluationPeriods"))?;
        let datapoints_to_alarm = count("DatapointsToAlarm", self.datapoints_to_alarm)?;
        if datapoints_to_alarm.is_some_and(|points| points > evaluation_periods) {
            return Err(CloudWatchError::validation(
                "The parameter DatapointsToAlarm must not be greater than EvaluationPeriods.",
            ));
        }
        let threshold = self.threshold.ok_or_else(|| CloudWatchError::missing("Threshold"))?;
        if !threshold.is_finite() {
            return Err(CloudWatchError::invalid("The parameter Threshold must be a number."));
        }
        let comparison =
            self.comparison.ok_or_else(|| CloudWatchError::missing("ComparisonOperator"))?;
        let comparison = parse_comparison(&comparison)?;
        let missing_data = self.missing_data.as_deref().map(parse_missing_data).transpose()?;
        if let Some(text) = &self.low_samples
            && !["evaluate", "ignore"].contains(&text.as_str())
        {
            return Err(CloudWatchError::validation(
                "The parameter EvaluateLowSampleCountPercentile must be evaluate or ignore.",
            ));
        }
        let watched = watched(self.metric, self.extended_statistic.as_deref(), self.metrics)?;
        check_length(&watched, evaluation_periods)?;
        Ok(MetricAlarm {
            name,
            description: self.description,
            actions_enabled: self.actions_enabled.unwrap_or(true),
            ok_actions: actions("OKActions", &self.ok_actions)?,
            alarm_actions: actions("AlarmActions", &self.alarm_actions)?,
            insufficient_data_actions: actions(
                "InsufficientDataActions",
                &self.insufficient_data_actions,
            )?,
            watched,
            evaluation_periods,
            datapoints_to_alarm,
            threshold,
            comparison,
            missing_data,
        })
    }
}

fn alarm_name(name: Option<String>) -> Result<String, CloudWatchError> {
    let name = name.ok_or_else(|| CloudWatchError::missing("AlarmName"))?;
    if !(1..=MAX_NAME_LENGTH).contains(&name.chars().count()) || name.chars().any(char::is_control)
    {
        return Err(CloudWatchError::validation(format!(
            "The parameter AlarmName must have 1 to {MAX_NAME_LENGTH} characters and no control characters."
        )));
    }
    Ok(name)
}

fn count(parameter: &str, value: Option<i64>) -> Result<Option<u32>, CloudWatchError> {
    let Some(value) = value else { return Ok(None) };
    match u32::try_from(value) {
        Ok(count) if count > 0 => Ok(Some(count)),
        Ok(_) | Err(_) => Err(CloudWatchError::validation(format!(
            "The parameter {parameter} must be greater than or equal to 1."
        ))),
    }
}

fn parse_comparison(text: &str) -> Result<Comparison, CloudWatchError> {
    if let Some(known) = Comparison::ALL.iter().find(|known| known.as_str() == text) {
        return Ok(*known);
    }
    if [
        "LessThanLowerOrGreaterThanUpperThreshold",
        "LessThanLowerThreshold",
        "GreaterThanUpperThreshold",
    ]
    .contains(&text)
    {
        return Err(CloudWatchError::new(
            CloudWatchErrorKind::Unsupported,
            format!(
                "The ComparisonOperator {text} is for anomaly detection, which brokerd does not have."
            ),
        ));
    }
    let valid: Vec<_> = Comparison::ALL.iter().map(|known| known.as_str()).collect();
    Err(CloudWatchError::validation(format!(
        "The parameter ComparisonOperator has the value {}. Use one of {}.",
        text.escape_debug(),
        valid.join(", ")
    )))
}

fn parse_missing_data(text: &str) -> Result<MissingData, CloudWatchError> {
    let known = MissingData::ALL.iter().copied().find(|known| known.as_str() == text);
    known.ok_or_else(|| {
        CloudWatchError::validation(format!(
            "The value {} for TreatMissingData is not valid. Use one of breaching, notBreaching, ignore, missing.",
            text.escape_debug()
        ))
    })
}

fn actions(parameter: &str, texts: &[String]) -> Result<Vec<AlarmAction>, CloudWatchError> {
    if texts.len() > MAX_ACTIONS {
        return Err(CloudWatchError::validation(format!(
            "The collection {parameter} must not have a size greater than {MAX_ACTIONS}."
        )));
    }
    let mut actions: Vec<AlarmAction> = Vec::new();
    for text in texts {
        let action = AlarmAction::parse(text)?;
        if !actions.contains(&action) {
            actions.push(action);
        }
    }
    Ok(actions)
}

fn watched(
    metric: MetricStatInput,
    extended_statistic: Option<&str>,
    queries: Vec<DataQueryInput>,
) -> Result<Watched, CloudWatchError> {
    if queries.is_empty() {
        if let Some(statistic) = extended_statistic {
            // Refused with the reason, or because it is none.
            crate::metric::query::parse_statistic(statistic)?;
            return Err(CloudWatchError::new(
                CloudWatchErrorKind::InvalidParameterCombination,
                "The parameter ExtendedStatistic is for percentiles. Use Statistic.",
            ));
        }
        for (name, is_missing) in [
            ("MetricName", metric.metric.is_none()),
            ("Namespace", metric.namespace.is_none()),
            ("Period", metric.period.is_none()),
            ("Statistic", metric.statistic.is_none()),
        ] {
            if is_missing {
                return Err(CloudWatchError::missing(name));
            }
        }
        MetricStat::parse(metric.clone())?;
        return Ok(Watched::Metric(metric));
    }
    if metric != MetricStatInput::default() || extended_statistic.is_some() {
        return Err(CloudWatchError::new(
            CloudWatchErrorKind::InvalidParameterCombination,
            "The parameters MetricName, Namespace, Dimensions, Period, Unit, Statistic and ExtendedStatistic must not be specified with Metrics.",
        ));
    }
    let plan = DataPlan::new(DataQuery::parse_all(queries.clone())?)?;
    let returned = plan.queries().iter().filter(|query| query.returns_data).count();
    if returned != 1 {
        return Err(CloudWatchError::validation(
            "Exactly one element of the metrics list should return data.",
        ));
    }
    if plan.searches().next().is_some() {
        return Err(CloudWatchError::validation(
            "SEARCH is not allowed in the metrics list of an alarm.",
        ));
    }
    Ok(Watched::Math(queries))
}

fn check_length(watched: &Watched, periods: u32) -> Result<(), CloudWatchError> {
    let period = watched.period();
    let longest =
        if period >= 3600 { MAX_HOURLY_EVALUATION_SECONDS } else { MAX_EVALUATION_SECONDS };
    if u64::from(period) * u64::from(periods) > longest {
        return Err(CloudWatchError::validation(format!(
            "Metrics cannot be checked across more than {longest} seconds: EvaluationPeriods * Period is {}.",
            u64::from(period) * u64::from(periods)
        )));
    }
    Ok(())
}
