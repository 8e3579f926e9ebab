//! The tables of samples.

use brokerd_domain::Timestamp;

/// Microseconds of a minute.
const MINUTE: i64 = 60_000_000;

/// The minute that a moment is in, counted from 1970 on.
pub(super) fn minute_of(moment: Timestamp) -> i32 {
    let minute = moment.as_micros().div_euclid(MINUTE);
    i32::try_from(minute).unwrap_or(if minute < 0 { i32::MIN } else { i32::MAX })
}

/// The moment at which a minute begins.
pub(super) fn moment_of(minute: i32) -> Timestamp {
    Timestamp::from_micros(i64::from(minute) * MINUTE)
}

/// A table of samples.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Table {
    /// Values of each minute.
    Minute,
    /// Statistics of five minutes.
    FiveMinutes,
    /// Statistics of an hour.
    Hour,
}

impl Table {
    /// All of them, the finest first.
    pub(super) const ALL: [Self; 3] = [Self::Minute, Self::FiveMinutes, Self::Hour];

    /// Its name in the database.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Minute => "metric_minute",
            Self::FiveMinutes => "metric_five_minutes",
            Self::Hour => "metric_hour",
        }
    }

    /// How many minutes a row is of.
    pub(super) const fn minutes(self) -> i32 {
        match self {
            Self::Minute => 1,
            Self::FiveMinutes => 5,
            Self::Hour => 60,
        }
    }

    /// How many minutes a partition is of.
    pub(super) const fn partition_minutes(self) -> i32 {
        match self {
            Self::Minute => 6 * 60,
            Self::FiveMinutes => 24 * 60,
            Self::Hour => 30 * 24 * 60,
        }
    }

    /// What its rows are made of; none: of samples.
    pub(super) const fn finer(self) -> Option<Self> {
        match self {
            Self::Minute => None,
            Self::FiveMinutes => Some(Self::Minute),
            Self::Hour => Some(Self::FiveMinutes),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_in_the_minute_that_began_before_them() {
        for (micros, minute) in [(0, 0), (59_999_999, 0), (60_000_000, 1), (-1, -1)] {
            assert_eq!(minute_of(Timestamp::from_micros(micros)), minute);
        }
        assert_eq!(moment_of(2).as_micros(), 120_000_000);
        assert_eq!(minute_of(Timestamp::from_micros(i64::MAX)), i32::MAX);
    }

    #[test]
    fn whiles_and_partitions_are_whole_ones_of_the_finer_table() {
        for table in Table::ALL {
            assert_eq!(table.partition_minutes() % table.minutes(), 0);
            if let Some(finer) = table.finer() {
                assert_eq!(table.minutes() % finer.minutes(), 0);
                assert_eq!(finer.partition_minutes() % table.minutes(), 0);
            }
        }
    }
}
