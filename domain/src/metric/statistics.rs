//! Statistics of values.

use crate::kernel::Timestamp;

/// What is kept of the values of a series in a while. The average is [`Self::sum`] over [`Self::count`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StatisticSet {
    /// The sum of the values.
    pub sum: f64,
    /// How many values there were: at least one.
    pub count: u32,
    /// The smallest value.
    pub minimum: f64,
    /// The largest value.
    pub maximum: f64,
}

impl StatisticSet {
    /// The statistics of one value.
    pub const fn of(value: f64) -> Self {
        Self { sum: value, count: 1, minimum: value, maximum: value }
    }

    /// The average.
    pub fn average(&self) -> f64 {
        self.sum / f64::from(self.count.max(1))
    }

    /// The statistics of both while together.
    #[must_use]
    pub fn merge(self, other: Self) -> Self {
        Self {
            sum: self.sum + other.sum,
            count: self.count.saturating_add(other.count),
            minimum: self.minimum.min(other.minimum),
            maximum: self.maximum.max(other.maximum),
        }
    }
}

/// The statistics of a series from a moment on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DataPoint {
    /// When the period begins.
    pub at: Timestamp,
    /// The statistics of the values in it.
    pub statistics: StatisticSet,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_statistics_of_two_whiles_are_those_of_all_their_values() {
        let values = [3.0, -1.0, 4.0, 1.5];
        let merged = values.map(StatisticSet::of).into_iter().reduce(StatisticSet::merge);
        let merged = merged.expect("values");
        let expected = StatisticSet { sum: 7.5, count: 4, minimum: -1.0, maximum: 4.0 };
        assert_eq!(merged, expected);
        assert!((merged.average() - 1.875).abs() < f64::EPSILON);
    }
}
