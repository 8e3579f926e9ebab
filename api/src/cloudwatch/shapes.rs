//! Structures that several operations have.
//!
//! Source: the service's model, version 2010-08-01.

use brokerd_domain::metric::{
    self,
    query::{DataQueryInput, MetricStatInput},
};

use crate::wire::shape;

shape! {
    /// `Dimension`.
    Dimension {
        name: Option<String> = "Name",
        value: Option<String> = "Value",
    }
}

shape! {
    /// `Metric`.
    Metric {
        namespace: Option<String> = "Namespace",
        metric_name: Option<String> = "MetricName",
        dimensions: Vec<Dimension> = "Dimensions",
    }
}

shape! {
    /// `MetricStat`.
    MetricStat {
        metric: Option<Metric> = "Metric",
        period: Option<i64> = "Period",
        stat: Option<String> = "Stat",
        unit: Option<String> = "Unit",
    }
}

shape! {
    /// `MetricDataQuery`.
    MetricDataQuery {
        id: Option<String> = "Id",
        metric_stat: Option<MetricStat> = "MetricStat",
        expression: Option<String> = "Expression",
        label: Option<String> = "Label",
        return_data: Option<bool> = "ReturnData",
        period: Option<i64> = "Period",
        account_id: Option<String> = "AccountId",
    }
}

shape! {
    /// `Tag`.
    Tag {
        key: Option<String> = "Key",
        value: Option<String> = "Value",
    }
}

impl From<&metric::Dimension> for Dimension {
    fn from(dimension: &metric::Dimension) -> Self {
        Self { name: Some(dimension.name.clone()), value: Some(dimension.value.clone()) }
    }
}

/// Names and values, as the domain takes them. What is missing is empty, and refused as such.
pub(super) fn pairs(dimensions: Vec<Dimension>) -> Vec<(String, String)> {
    let pair = |one: Dimension| (one.name.unwrap_or_default(), one.value.unwrap_or_default());
    dimensions.into_iter().map(pair).collect()
}

/// The dimensions of names and values.
pub(super) fn dimensions(pairs: &[(String, String)]) -> Vec<Dimension> {
    let dimension = |(name, value): &(String, String)| Dimension {
        name: Some(name.clone()),
        value: Some(value.clone()),
    };
    pairs.iter().map(dimension).collect()
}

impl From<MetricStat> for MetricStatInput {
    fn from(stat: MetricStat) -> Self {
        let metric = stat.metric.unwrap_or(Metric {
            namespace: None,
            metric_name: None,
            dimensions: Vec::new(),
        });
        Self {
            namespace: metric.namespace,
            metric: metric.metric_name,
            dimensions: pairs(metric.dimensions),
            period: stat.period,
            statistic: stat.stat,
            unit: stat.unit,
        }
    }
}

impl From<MetricDataQuery> for DataQueryInput {
    fn from(query: MetricDataQuery) -> Self {
        Self {
            id: query.id,
            metric_stat: query.metric_stat.map(Into::into),
            expression: query.expression,
            label: query.label,
            return_data: query.return_data,
            period: query.period,
            account_id: query.account_id,
        }
    }
}

impl From<&DataQueryInput> for MetricDataQuery {
    fn from(query: &DataQueryInput) -> Self {
        let stat = |stat: &MetricStatInput| MetricStat {
            metric: Some(Metric {
                namespace: stat.namespace.clone(),
                metric_name: stat.metric.clone(),
                dimensions: dimensions(&stat.dimensions),
            }),
            period: stat.period,
            stat: stat.statistic.clone(),
            unit: stat.unit.clone(),
        };
        Self {
            id: query.id.clone(),
            metric_stat: query.metric_stat.as_ref().map(stat),
            expression: query.expression.clone(),
            label: query.label.clone(),
            return_data: query.return_data,
            period: query.period,
            account_id: query.account_id.clone(),
        }
    }
}
