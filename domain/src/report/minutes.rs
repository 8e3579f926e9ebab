//! Sets of minutes of the clock.

use std::ops::Range;

use super::period::Period;

/// Microseconds.
const MINUTE: i64 = 60_000_000;

/// Minutes of the clock, by their number since 1970: ranges in their order that do not touch.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct MinuteSet(Vec<Range<i64>>);

impl MinuteSet {
    /// Every minute of which a part is in one of these periods.
    pub(super) fn touched(periods: impl IntoIterator<Item = Period>) -> Self {
        let range = |period: Period| {
            let from = period.from.as_micros().div_euclid(MINUTE);
            let last = period.to.as_micros().saturating_sub(1).div_euclid(MINUTE);
            (period.from < period.to).then_some(from..last + 1)
        };
        let mut ranges: Vec<Range<i64>> = periods.into_iter().filter_map(range).collect();
        ranges.sort_unstable_by_key(|range| range.start);
        let mut joined: Vec<Range<i64>> = Vec::with_capacity(ranges.len());
        for range in ranges {
            match joined.last_mut() {
                Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
                Some(_) | None => joined.push(range),
            }
        }
        Self(joined)
    }

    /// Those that are not in another set.
    #[must_use]
    pub(super) fn without(&self, other: &Self) -> Self {
        let mut left = Vec::new();
        let mut others = other.0.iter().peekable();
        for range in &self.0 {
            let mut from = range.start;
            while let Some(gone) = others.peek() {
                if gone.end <= from {
                    others.next();
                    continue;
                }
                if gone.start >= range.end {
                    break;
                }
                if gone.start > from {
                    left.push(from..gone.start);
                }
                from = gone.end;
                if gone.end > range.end {
                    break;
                }
            }
            if from < range.end {
                left.push(from..range.end);
            }
        }
        Self(left)
    }

    /// How many they are.
    pub(super) fn len(&self) -> u64 {
        self.0.iter().map(|range| range.end.abs_diff(range.start)).sum()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;
    use crate::kernel::Timestamp;

    /// Seconds.
    fn periods(bounds: &[(i64, i64)]) -> Vec<Period> {
        let at = |seconds: i64| Timestamp::from_micros(seconds * 1_000_000);
        bounds.iter().map(|(from, to)| Period { from: at(*from), to: at(*to) }).collect()
    }

    fn plain(bounds: &[(i64, i64)]) -> BTreeSet<i64> {
        bounds
            .iter()
            .filter(|(from, to)| from < to)
            .flat_map(|(from, to)| from / 60..=(to - 1) / 60)
            .collect()
    }

    proptest! {
        #[test]
        fn sets_are_as_if_every_minute_was_kept(
            one in prop::collection::vec((0_i64..2000, 0_i64..2000), 0..8),
            other in prop::collection::vec((0_i64..2000, 0_i64..2000), 0..8),
        ) {
            let set = MinuteSet::touched(periods(&one));
            let gone = MinuteSet::touched(periods(&other));
            let (expected, expected_gone) = (plain(&one), plain(&other));
            prop_assert_eq!(set.len(), expected.len() as u64);
            let left = set.without(&gone);
            let minutes: BTreeSet<i64> = left.0.iter().cloned().flatten().collect();
            let difference: BTreeSet<i64> = expected.difference(&expected_gone).copied().collect();
            prop_assert_eq!(minutes, difference);
        }
    }
}
