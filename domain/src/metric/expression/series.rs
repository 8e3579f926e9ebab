//! The values of expressions.

use std::collections::BTreeMap;

use crate::metric::Dimension;

/// Points of one series, by the beginning of their period in seconds since 1970.
#[derive(Debug, Clone, PartialEq)]
pub struct TimeSeries {
    /// What it is called unless the query says otherwise.
    pub label: String,
    /// The metric that it was read from; none: it was computed from others.
    pub origin: Option<SeriesOrigin>,
    /// Seconds from one point to the next.
    pub period: u32,
    /// The points. Every value is finite.
    pub points: BTreeMap<i64, f64>,
}

/// Which metric a series is of, as labels tell it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeriesOrigin {
    /// The namespace.
    pub namespace: String,
    /// The name of the metric.
    pub metric: String,
    /// Its dimensions, in the order of their names.
    pub dimensions: Vec<Dimension>,
    /// The statistic.
    pub statistic: String,
}

/// Which time an expression is computed for, in seconds since 1970: the end is excluded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimeRange {
    /// The beginning.
    pub start: i64,
    /// The end.
    pub end: i64,
    /// The period of what has none of its own.
    pub period: u32,
}

impl TimeRange {
    /// The beginnings of the periods of that length. The first one begins with the range.
    pub fn steps(self, period: u32) -> impl Iterator<Item = i64> {
        let period = i64::from(period.max(1));
        std::iter::successors(Some(self.start), move |at| at.checked_add(period))
            .take_while(move |at| *at < self.end)
    }
}

/// What an expression, or a part of one, comes to.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// A number. Not a number: it is of points, and there are none.
    Scalar(f64),
    /// A series.
    Series(TimeSeries),
    /// Several series.
    Array(Vec<TimeSeries>),
}

impl TimeSeries {
    /// A series that is computed from this one, point by point. What is no finite number is left out.
    pub(super) fn map(&self, mut f: impl FnMut(i64, f64) -> f64) -> Self {
        let points = self.points.iter().map(|(at, value)| (*at, f(*at, *value)));
        Self { points: points.filter(|(_, value)| value.is_finite()).collect(), ..self.clone() }
    }

    /// A series with other points.
    pub(super) fn with_points(&self, points: impl IntoIterator<Item = (i64, f64)>) -> Self {
        let points = points.into_iter().filter(|(_, value)| value.is_finite());
        Self { points: points.collect(), ..self.clone() }
    }
}

impl Value {
    /// What it is, for a person.
    pub(super) const fn kind(&self) -> &'static str {
        match self {
            Self::Scalar(_) => "a number",
            Self::Series(_) => "a time series",
            Self::Array(_) => "an array of time series",
        }
    }

    /// Every series of it; none: it is a number.
    pub fn into_series(self) -> Option<Vec<TimeSeries>> {
        match self {
            Self::Scalar(_) => None,
            Self::Series(series) => Some(vec![series]),
            Self::Array(series) => Some(series),
        }
    }
}
