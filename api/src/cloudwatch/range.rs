//! From when to when values are asked for.

use brokerd_domain::{
    Timestamp,
    metric::query::{CloudWatchError, CloudWatchErrorKind},
};

/// The longest time for which metrics are kept, in seconds: 455 days.
///
/// Source: "Metrics retention" of the Amazon CloudWatch user guide.
const MAX_SECONDS: i64 = 455 * 86_400;

/// A time, without its end. It begins with a whole minute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TimeWindow {
    pub(super) from: Timestamp,
    pub(super) to: Timestamp,
}

impl TimeWindow {
    /// Checks the times of a request.
    ///
    /// # Errors
    /// `MissingParameter`; `ValidationError` if it ends before it begins.
    pub(super) fn parse(
        start: Option<Timestamp>,
        end: Option<Timestamp>,
    ) -> Result<Self, CloudWatchError> {
        let start = start.ok_or_else(|| CloudWatchError::missing("StartTime"))?;
        let end = end.ok_or_else(|| CloudWatchError::missing("EndTime"))?;
        if start >= end {
            return Err(CloudWatchError::new(
                CloudWatchErrorKind::InvalidParameterValue,
                "The parameter StartTime must be less than the parameter EndTime.",
            ));
        }
        let minute = start.as_seconds().div_euclid(60).saturating_mul(60_000_000);
        Ok(Self { from: Timestamp::from_micros(minute), to: end })
    }

    /// In seconds since 1970.
    pub(super) const fn seconds(self) -> (i64, i64) {
        let rounded_up = Timestamp::from_micros(self.to.as_micros().saturating_add(999_999));
        (self.from.as_seconds(), rounded_up.as_seconds())
    }
}

/// How many periods a time has, of which values may be there.
pub(super) fn periods(window: TimeWindow, period: u32) -> i64 {
    let (start, end) = window.seconds();
    let period = i64::from(period.max(1));
    let length = (end - start).clamp(0, MAX_SECONDS);
    length.saturating_add(period - 1) / period
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Option<Timestamp> {
        Some(Timestamp::from_micros(seconds * 1_000_000))
    }

    #[test]
    fn a_window_begins_with_a_whole_minute() {
        let window = TimeWindow::parse(at(119), at(300)).expect("a window");
        assert_eq!(window.seconds(), (60, 300));
        assert_eq!((periods(window, 60), periods(window, 300)), (4, 1));
        let part = Timestamp::from_micros(300_500_000);
        let window = TimeWindow::parse(at(60), Some(part)).expect("a window");
        assert_eq!((window.seconds(), periods(window, 60)), ((60, 301), 5));
    }

    #[test]
    fn what_is_no_window_is_refused() {
        for (start, end) in [(None, at(1)), (at(1), None), (at(1), at(1)), (at(2), at(1))] {
            assert!(TimeWindow::parse(start, end).is_err(), "{start:?} {end:?}");
        }
    }
}
