//! How much may be computed for one request.

use std::cell::Cell;

use super::{
    ExpressionError,
    series::{TimeRange, TimeSeries, Value},
    wrong,
};

/// The most data points that all expressions of a request may read and make: some 250 MB at once.
const MAX_POINTS: u64 = 10_000_000;
/// What a series counts beside its points, for its label and origin.
const SERIES: u64 = 16;

/// The data points that expressions may still read and make. Without a bound a short request could ask for any number
/// of them: arrays may have the same series many times, and fillings have points for all of the time that is asked for.
#[derive(Debug)]
pub struct Budget {
    left: Cell<u64>,
}

impl Budget {
    /// For the expressions of one request.
    pub const fn of_request() -> Self {
        Self { left: Cell::new(MAX_POINTS) }
    }

    /// Takes what a value has.
    pub(super) fn take_value(&self, value: &Value) -> Result<(), ExpressionError> {
        match value {
            Value::Scalar(_) => Ok(()),
            Value::Series(series) => self.take_series(series),
            Value::Array(all) => all.iter().try_for_each(|series| self.take_series(series)),
        }
    }

    /// Takes what a series has.
    pub(super) fn take_series(&self, series: &TimeSeries) -> Result<(), ExpressionError> {
        self.take(u64::try_from(series.points.len()).unwrap_or(u64::MAX))
    }

    /// Takes a point for each period of a range.
    pub(super) fn take_steps(&self, range: TimeRange, period: u32) -> Result<(), ExpressionError> {
        let seconds = u64::try_from(range.end.saturating_sub(range.start)).unwrap_or(0);
        self.take(seconds.div_ceil(u64::from(period.max(1))))
    }

    fn take(&self, points: u64) -> Result<(), ExpressionError> {
        let left = self.left.get().checked_sub(points.saturating_add(SERIES));
        let Some(left) = left else {
            return wrong(format!(
                "The expressions of the request have more than {MAX_POINTS} data points to compute"
            ));
        };
        self.left.set(left);
        Ok(())
    }
}
