//! What GetMetricData and metric alarms ask for: metrics with a statistic, and expressions over them.

mod error;
mod plan;
mod statistic;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

pub use error::{CloudWatchError, CloudWatchErrorKind};
pub use plan::{DataPlan, Evaluated};
pub use statistic::{Statistic, parse_statistic};

use super::{
    Dimension, SeriesKey, Unit,
    expression::{Expression, ExpressionError},
};

/// The longest name of a metric, a namespace or a dimension.
const MAX_NAME_LENGTH: usize = 255;
/// The longest value of a dimension.
const MAX_VALUE_LENGTH: usize = 1024;
/// Most dimensions of a metric.
const MAX_DIMENSIONS: usize = 30;
/// Most queries of a request.
///
/// Source: GetMetricData of the CloudWatch API reference.
const MAX_QUERIES: usize = 500;
/// The longest period: a day.
///
/// Source: PutMetricAlarm of the CloudWatch API reference, "Period".
pub const MAX_PERIOD: u32 = 86_400;
/// The shortest period in which metrics of brokers have values.
pub const MIN_PERIOD: u32 = 60;

/// A query as callers give it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct DataQueryInput {
    /// `Id`.
    pub id: Option<String>,
    /// `MetricStat`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metric_stat: Option<MetricStatInput>,
    /// `Expression`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expression: Option<String>,
    /// `Label`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// `ReturnData`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub return_data: Option<bool>,
    /// `Period`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub period: Option<i64>,
    /// `AccountId`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account_id: Option<String>,
}

/// A metric with a statistic, as callers give it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct MetricStatInput {
    /// `Metric.Namespace`.
    pub namespace: Option<String>,
    /// `Metric.MetricName`.
    pub metric: Option<String>,
    /// `Metric.Dimensions`: names and values.
    pub dimensions: Vec<(String, String)>,
    /// `Period`.
    pub period: Option<i64>,
    /// `Stat`.
    pub statistic: Option<String>,
    /// `Unit`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
}

/// A query.
#[derive(Debug, Clone, PartialEq)]
pub struct DataQuery {
    /// By which others name it.
    pub id: String,
    /// What it is.
    pub what: Queried,
    /// Its label, with dynamic values.
    pub label: Option<String>,
    /// Whether its result is answered.
    pub returns_data: bool,
    /// The period of an expression that has none of its own.
    pub period: Option<u32>,
}

/// What a query is.
#[derive(Debug, Clone, PartialEq)]
pub enum Queried {
    /// A metric.
    Metric(MetricStat),
    /// An expression.
    Math(Expression),
}

/// A metric with a statistic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MetricStat {
    /// The namespace.
    pub namespace: String,
    /// The metric and its dimensions.
    pub key: SeriesKey,
    /// Seconds.
    pub period: u32,
    /// The statistic.
    pub statistic: Statistic,
    /// Only values in this unit; none: in any.
    pub unit: Option<Unit>,
}

impl DataQuery {
    /// Checks a request's queries.
    ///
    /// # Errors
    /// `ValidationError`, `MissingParameter` or `InvalidParameterValue`.
    pub fn parse_all(inputs: Vec<DataQueryInput>) -> Result<Vec<Self>, CloudWatchError> {
        if inputs.is_empty() {
            return Err(CloudWatchError::missing("MetricDataQueries"));
        }
        if inputs.len() > MAX_QUERIES {
            return Err(CloudWatchError::validation(format!(
                "The collection MetricDataQueries must not have a size greater than {MAX_QUERIES}."
            )));
        }
        let queries = inputs.into_iter().map(Self::parse).collect::<Result<Vec<_>, _>>()?;
        for (at, query) in queries.iter().enumerate() {
            if queries[..at].iter().any(|other| other.id == query.id) {
                return Err(CloudWatchError::validation(format!(
                    "The values for parameter id in MetricDataQueries are not unique: {}.",
                    query.id
                )));
            }
        }
        Ok(queries)
    }

    fn parse(input: DataQueryInput) -> Result<Self, CloudWatchError> {
        let id = input.id.ok_or_else(|| CloudWatchError::missing("MetricDataQueries.member.Id"))?;
        if !is_id(&id) {
            return Err(CloudWatchError::validation(format!(
                "The value {} for parameter Id is not matching the expected pattern ^[a-z][a-zA-Z0-9_]*$.",
                id.escape_debug()
            )));
        }
        let period = input.period.map(parse_period).transpose()?;
        let what = match (input.metric_stat, input.expression) {
            (Some(stat), None) => Queried::Metric(MetricStat::parse(stat)?),
            (None, Some(text)) => {
                let parsed = Expression::parse(&text);
                let parsed = parsed.map_err(|error| wrong_expression(&id, &error))?;
                check_searches(&id, &parsed)?;
                Queried::Math(parsed)
            }
            _ => {
                return Err(CloudWatchError::validation(format!(
                    "Exactly one of the parameters MetricStat and Expression must be specified for the Id {id}."
                )));
            }
        };
        let returns_data = input.return_data.unwrap_or(true);
        Ok(Self { id, what, label: input.label, returns_data, period })
    }

    /// The identifier and the label that a result has without another one.
    pub fn is_metric(&self) -> bool {
        matches!(self.what, Queried::Metric(_))
    }
}

fn check_searches(id: &str, expression: &Expression) -> Result<(), CloudWatchError> {
    for search in expression.searches() {
        parse_statistic(&search.statistic)
            .map_err(|error| wrong_expression(id, &ExpressionError(error.message)))?;
        if let Some(period) = search.period {
            parse_period(period.into())?;
        }
    }
    Ok(())
}

impl MetricStat {
    /// Checks a metric with a statistic.
    ///
    /// # Errors
    /// `ValidationError`, `MissingParameter` or `InvalidParameterValue`.
    pub fn parse(input: MetricStatInput) -> Result<Self, CloudWatchError> {
        let missing = |name: &str| CloudWatchError::missing(&format!("MetricStat.{name}"));
        let metric = input.metric.ok_or_else(|| missing("Metric.MetricName"))?;
        let namespace = input.namespace.ok_or_else(|| missing("Metric.Namespace"))?;
        let statistic = input.statistic.ok_or_else(|| missing("Stat"))?;
        let period = input.period.ok_or_else(|| missing("Period"))?;
        Ok(Self {
            namespace: parse_namespace(namespace)?,
            key: parse_key(metric, input.dimensions)?,
            period: parse_period(period)?,
            statistic: parse_statistic(&statistic)?,
            unit: input.unit.as_deref().map(parse_unit).transpose()?,
        })
    }
}

/// Whether a text can be the identifier of a query.
fn is_id(text: &str) -> bool {
    text.len() <= MAX_NAME_LENGTH
        && text.starts_with(|c: char| c.is_ascii_lowercase())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// The refusal of an expression.
pub(super) fn wrong_expression(id: &str, error: &ExpressionError) -> CloudWatchError {
    CloudWatchError::validation(format!("Error in expression '{id}': {error}"))
}

/// A namespace that can be one.
///
/// # Errors
/// `InvalidParameterValue`.
pub fn parse_namespace(namespace: String) -> Result<String, CloudWatchError> {
    let namespace = parse_name("Namespace", namespace)?;
    if namespace.starts_with(':') {
        return Err(CloudWatchError::invalid(
            "The parameter Namespace must not begin with a colon.",
        ));
    }
    Ok(namespace)
}

/// A metric and its dimensions, if they can be.
///
/// # Errors
/// `InvalidParameterValue`.
pub fn parse_key(
    metric: String,
    dimensions: Vec<(String, String)>,
) -> Result<SeriesKey, CloudWatchError> {
    let metric = parse_name("MetricName", metric)?;
    if dimensions.len() > MAX_DIMENSIONS {
        return Err(CloudWatchError::invalid(format!(
            "The collection Dimensions must not have a size greater than {MAX_DIMENSIONS}."
        )));
    }
    let dimension = |(name, value): (String, String)| {
        let name = parse_name("Dimensions.member.Name", name)?;
        let length = value.chars().count();
        if !(1..=MAX_VALUE_LENGTH).contains(&length) || value.chars().any(char::is_control) {
            return Err(CloudWatchError::invalid(format!(
                "The parameter Dimensions.member.Value of {name} must have 1 to {MAX_VALUE_LENGTH} characters and no control characters."
            )));
        }
        Ok(Dimension { name, value })
    };
    let dimensions = dimensions.into_iter().map(dimension).collect::<Result<Vec<_>, _>>()?;
    for (at, one) in dimensions.iter().enumerate() {
        if dimensions[..at].iter().any(|other| other.name == one.name) {
            return Err(CloudWatchError::invalid(format!(
                "The parameter Dimensions names {} twice.",
                one.name
            )));
        }
    }
    Ok(SeriesKey::new(metric, dimensions))
}

/// A name of a metric or dimension that can be one.
///
/// # Errors
/// `InvalidParameterValue`.
pub fn parse_name(parameter: &str, name: String) -> Result<String, CloudWatchError> {
    let length = name.chars().count();
    if !(1..=MAX_NAME_LENGTH).contains(&length) || name.chars().any(char::is_control) {
        return Err(CloudWatchError::invalid(format!(
            "The parameter {parameter} must have 1 to {MAX_NAME_LENGTH} characters and no control characters."
        )));
    }
    Ok(name)
}

/// A period that can be one.
///
/// # Errors
/// `InvalidParameterValue`.
pub fn parse_period(seconds: i64) -> Result<u32, CloudWatchError> {
    let refuse = |message: String| Err(CloudWatchError::invalid(message));
    let Ok(period) = u32::try_from(seconds) else {
        return refuse(format!("Period {seconds} is not valid"));
    };
    if !([1, 5, 10, 20, 30].contains(&period) || period > 0 && period.is_multiple_of(60)) {
        return refuse(format!("Period {seconds} is not valid"));
    }
    if period > MAX_PERIOD {
        return refuse(format!("Period {seconds} must not be longer than {MAX_PERIOD} seconds"));
    }
    Ok(period)
}

/// A unit.
///
/// # Errors
/// `InvalidParameterValue`.
pub fn parse_unit(text: &str) -> Result<Unit, CloudWatchError> {
    let known = Unit::ALL.iter().copied().find(|unit| unit.as_str() == text);
    known.ok_or_else(|| {
        CloudWatchError::invalid(format!(
            "The parameter Unit has the value {}, which is not a unit.",
            text.escape_debug()
        ))
    })
}
