//! How available a broker was: from what passes recorded, and when nobody watched it.

use std::time::Duration;

use rust_decimal::Decimal;

use super::{cause::OutageCause, minutes::MinuteSet, period::Period};
use crate::{broker::Availability, kernel::Timestamp};

/// The digits after the point of a percentage.
const DIGITS: u32 = 4;

/// A time in which a broker was as passes had recorded it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AvailabilityInterval {
    /// Since when.
    pub began: Timestamp,
    /// Until when; none: it lasts.
    pub ended: Option<Timestamp>,
    /// How it was.
    pub state: Availability,
    /// Why, unless it was available.
    pub cause: Option<OutageCause>,
    /// Why, for a person.
    pub detail: Option<String>,
}

/// Everything that is known of a broker's availability in a time.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AvailabilityRecord {
    /// What passes recorded, in the order of time, from the first time on that the broker was complete.
    pub intervals: Vec<AvailabilityInterval>,
    /// When nobody watched it, in the order of time.
    pub gaps: Vec<Period>,
    /// Since when nobody watches it; none: somebody does.
    pub unwatched_since: Option<Timestamp>,
}

/// A time in which a broker was not known to be available.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outage {
    /// Since when.
    pub began: Timestamp,
    /// Until when; none: it lasts.
    pub ended: Option<Timestamp>,
    /// Whether it is known that the broker was not available.
    pub is_known: bool,
    /// Why.
    pub cause: OutageCause,
    /// Why, for a person.
    pub detail: String,
}

/// How available a broker was in a time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct AvailabilitySummary {
    /// Minutes of the clock in all of which every endpoint answered.
    pub available_minutes: u64,
    /// Minutes in a part of which an endpoint did not.
    pub unavailable_minutes: u64,
    /// Other minutes of which a part is not known, because nobody watched the broker or could see it.
    pub unknown_minutes: u64,
    /// How long an endpoint did not answer.
    pub unavailable: Duration,
    /// How long it is not known whether every endpoint answered.
    pub unknown: Duration,
}

impl AvailabilitySummary {
    /// The available minutes in percent of those that are known, to four digits after the point and rounded down, so that
    /// only what was always available has 100; none: no minute is known.
    pub fn percentage(&self) -> Option<Decimal> {
        let known = self.available_minutes + self.unavailable_minutes;
        let share =
            Decimal::from(self.available_minutes * 100).checked_div(Decimal::from(known))?;
        Some(share.trunc_with_scale(DIGITS).normalize())
    }

    /// Adds what another broker, or another time, had.
    pub fn add(&mut self, other: &Self) {
        self.available_minutes += other.available_minutes;
        self.unavailable_minutes += other.unavailable_minutes;
        self.unknown_minutes += other.unknown_minutes;
        self.unavailable += other.unavailable;
        self.unknown += other.unknown;
    }
}

/// A time in which a broker was in one state.
#[derive(Debug)]
struct Segment<'a> {
    period: Period,
    state: Availability,
    /// What was recorded; none: nobody watched.
    interval: Option<&'a AvailabilityInterval>,
    lasts: bool,
}

impl AvailabilityRecord {
    /// How available the broker was in a period.
    pub fn summary(&self, period: Period, now: Timestamp) -> AvailabilitySummary {
        let segments = self.segments(period, now);
        let of = |state| segments.iter().filter(move |s| s.state == state).map(|s| s.period);
        let touched = |state| MinuteSet::touched(of(state));
        let length = |state| of(state).map(|period| period.to.since(period.from)).sum();
        let unavailable = touched(Availability::Unavailable);
        let unknown = touched(Availability::Unknown).without(&unavailable);
        let available = touched(Availability::Available).without(&unavailable).without(&unknown);
        AvailabilitySummary {
            available_minutes: available.len(),
            unavailable_minutes: unavailable.len(),
            unknown_minutes: unknown.len(),
            unavailable: length(Availability::Unavailable),
            unknown: length(Availability::Unknown),
        }
    }

    /// The times of a period in which the broker was not known to be available, in their order.
    pub fn outages(&self, period: Period, now: Timestamp) -> Vec<Outage> {
        let segments = self.segments(period, now);
        let out = segments.into_iter().filter(|s| s.state != Availability::Available);
        out.map(|segment| {
            let (cause, detail) = match segment.interval {
                Some(interval) => (
                    interval.cause.unwrap_or(OutageCause::Other),
                    interval.detail.clone().unwrap_or_default(),
                ),
                None => (OutageCause::Unwatched, "no provisioner watched the broker".to_owned()),
            };
            Outage {
                began: segment.period.from,
                ended: (!segment.lasts).then_some(segment.period.to),
                is_known: segment.state == Availability::Unavailable,
                cause,
                detail,
            }
        })
        .collect()
    }

    /// What is known, within a period and until now. A gap hides what had been recorded before it. What was recorded in it
    /// is known: whoever did so had looked.
    fn segments(&self, period: Period, now: Timestamp) -> Vec<Segment<'_>> {
        let past = Period { from: period.from, to: period.to.min(now) };
        let gaps = self.gaps.iter().copied();
        let open = self.unwatched_since.map(|from| Period { from, to: now });
        let mut gaps: Vec<Period> = gaps.chain(open).collect();
        gaps.sort_unstable();
        let mut found = Vec::new();
        for interval in &self.intervals {
            let ended = interval.ended.unwrap_or(now);
            let mut add = |from: Timestamp, to: Timestamp, known: bool| {
                let segment = Period { from, to };
                let lasts = interval.ended.is_none() && to >= now;
                found.extend(segment.within(past).map(|period| Segment {
                    period,
                    state: if known { interval.state } else { Availability::Unknown },
                    interval: known.then_some(interval),
                    lasts: lasts && period.to >= now,
                }));
            };
            let mut from = interval.began;
            for gap in gaps.iter().filter(|gap| gap.from >= interval.began && gap.from < ended) {
                if gap.from > from {
                    add(from, gap.from, true);
                }
                add(from.max(gap.from), gap.to.min(ended), false);
                from = from.max(gap.to);
            }
            add(from, ended, true);
        }
        found
    }
}

#[cfg(test)]
mod tests;
