//! Functions that make one value of many: of a series' points a number, of several series one series.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Function,
    series::{TimeSeries, Value},
};

/// `function` of a series or of several ones; none: it is no function that reduces.
pub(super) fn reduce(function: Function, value: Value) -> Option<Value> {
    let reduction = Reduction::of(function)?;
    Some(match value {
        Value::Scalar(number) => Value::Scalar(number),
        Value::Series(series) => {
            let points: Vec<f64> = series.points.values().copied().collect();
            // Without points it is no number, and whatever is computed with it has no points.
            Value::Scalar(reduction.of_points(&points).unwrap_or(f64::NAN))
        }
        Value::Array(array) => Value::Series(reduction.across(&array)),
    })
}

/// How series are compared by SORT; none: it is no such function.
pub(super) fn sort_key(function: &str, series: &TimeSeries) -> Option<f64> {
    let function = Function::named(function).ok()?;
    let points: Vec<f64> = series.points.values().copied().collect();
    if function == Function::Last {
        return Some(points.last().copied().unwrap_or(f64::NEG_INFINITY));
    }
    let reduction = Reduction::of(function)?;
    Some(reduction.of_points(&points).unwrap_or(f64::NEG_INFINITY))
}

#[derive(Debug, Clone, Copy)]
enum Reduction {
    Sum,
    Average,
    Minimum,
    Maximum,
    Deviation,
    Count,
}

impl Reduction {
    const fn of(function: Function) -> Option<Self> {
        Some(match function {
            Function::Sum => Self::Sum,
            Function::Avg => Self::Average,
            Function::Min => Self::Minimum,
            Function::Max => Self::Maximum,
            Function::StdDev => Self::Deviation,
            Function::DatapointCount => Self::Count,
            _ => return None,
        })
    }

    /// None: there are no values, and so there is no average, minimum or maximum.
    fn of_points(self, values: &[f64]) -> Option<f64> {
        let count = count(values.len());
        // Not `sum()`, whose sum of nothing is -0.
        let sum = values.iter().fold(0.0, |sum, value| sum + value);
        match self {
            Self::Sum => Some(sum),
            Self::Count => Some(count),
            Self::Average if !values.is_empty() => Some(sum / count),
            Self::Deviation if !values.is_empty() => {
                let average = sum / count;
                let squares: f64 = values.iter().map(|value| (value - average).powi(2)).sum();
                Some((squares / count).sqrt())
            }
            Self::Minimum => values.iter().copied().reduce(f64::min),
            Self::Maximum => values.iter().copied().reduce(f64::max),
            Self::Average | Self::Deviation => None,
        }
    }

    /// At each time at which one of the series has a point. For averages and deviations, missing values are 0, as in the
    /// service.
    fn across(self, array: &[TimeSeries]) -> TimeSeries {
        let times: BTreeSet<i64> =
            array.iter().flat_map(|one| one.points.keys().copied()).collect();
        let at = |at: i64| {
            let found = array.iter().filter_map(|one| one.points.get(&at).copied());
            let mut values: Vec<f64> = found.collect();
            if matches!(self, Self::Average | Self::Deviation) {
                values.resize(array.len(), 0.0);
            }
            self.of_points(&values)
        };
        let points = times.into_iter().filter_map(|time| Some((time, at(time)?)));
        let points: BTreeMap<_, _> = points.filter(|(_, value)| value.is_finite()).collect();
        let period = array.iter().map(|one| one.period).max().unwrap_or(1);
        TimeSeries { label: String::new(), origin: None, period, points }
    }
}

/// A number of things.
pub(super) fn count(things: usize) -> f64 {
    f64::from(u32::try_from(things).unwrap_or(u32::MAX))
}
