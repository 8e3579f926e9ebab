//! Periods of reports, and their days and months in UTC.

use std::time::Duration;

use jiff::{civil::Date, tz::TimeZone};

use crate::kernel::{Error, Timestamp};

/// Microseconds.
const MINUTE: i64 = 60_000_000;
/// The longest period of a report, in days.
const MAX_DAYS: i64 = 1100;
/// The longest period of a report: three years. What is older is of no use.
pub const MAX_PERIOD: Duration = Duration::from_hours(24 * MAX_DAYS.unsigned_abs());
/// The longest period that is divided into days.
const MAX_SINGLE_DAYS: i64 = 93;
/// The microseconds of a day.
const DAY: i64 = 24 * 60 * MINUTE;

/// A time from one moment to another one, which does not belong to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Period {
    /// Its beginning.
    pub from: Timestamp,
    /// Its end.
    pub to: Timestamp,
}

/// How a period is divided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Granularity {
    /// Not at all.
    Total,
    /// Into days.
    Day,
    /// Into calendar months.
    Month,
}

impl Granularity {
    /// Reads a caller's value; none is one period.
    ///
    /// # Errors
    /// A 400 on `granularity`.
    pub fn parse(text: Option<&str>) -> Result<Self, Error> {
        match text.map(str::to_uppercase).as_deref() {
            None | Some("TOTAL") => Ok(Self::Total),
            Some("DAY") => Ok(Self::Day),
            Some("MONTH") => Ok(Self::Month),
            Some(other) => Err(Error::bad_request(
                "granularity",
                format!(
                    "Value [{other}] is invalid for [granularity]. Valid values: [TOTAL, DAY, MONTH]."
                ),
            )),
        }
    }
}

impl Period {
    /// Reads a caller's period: dates (their beginning in UTC) or moments, ISO 8601. By default it begins with the
    /// present month and ends now; what is later than now is cut off.
    ///
    /// # Errors
    /// A 400 on `from` or `to`.
    pub fn parse(from: Option<&str>, to: Option<&str>, now: Timestamp) -> Result<Self, Error> {
        let from = match from {
            Some(text) => moment("from", text)?,
            // In the first moment of a month it is the former one.
            None => start_of_month(Timestamp::from_micros(now.as_micros().saturating_sub(1))),
        };
        let to = to.map(|text| moment("to", text)).transpose()?.map_or(now, |to| to.min(now));
        if from >= to {
            let why = "[from] must be earlier than [to], and than now.";
            return Err(Error::bad_request("from", why));
        }
        if to.as_micros() - from.as_micros() > MAX_DAYS * DAY {
            let why = format!("The period is too long. Specify at most [{MAX_DAYS}] days.");
            return Err(Error::bad_request("from", why));
        }
        Ok(Self { from, to })
    }

    /// Its parts, in their order.
    ///
    /// # Errors
    /// A 400 on `granularity` where there would be too many.
    pub fn divided(self, granularity: Granularity) -> Result<Vec<Self>, Error> {
        match granularity {
            Granularity::Total => Ok(vec![self]),
            Granularity::Month => Ok(self.by_month().into_iter().map(|(part, _)| part).collect()),
            Granularity::Day => {
                let parts = self.by_day();
                if i64::try_from(parts.len()).is_ok_and(|days| days <= MAX_SINGLE_DAYS) {
                    return Ok(parts.into_iter().map(|(part, _)| part).collect());
                }
                let why = format!(
                    "The period has too many days for granularity [DAY]. Specify at most [{MAX_SINGLE_DAYS}] days."
                );
                Err(Error::bad_request("granularity", why))
            }
        }
    }

    /// The part of it that is in another one; none: there is no such part.
    #[must_use]
    pub fn within(self, other: Self) -> Option<Self> {
        let part = Self { from: self.from.max(other.from), to: self.to.min(other.to) };
        (part.from < part.to).then_some(part)
    }

    /// How many minutes of the clock end in it. Those of its parts add up to its own.
    pub const fn minutes(self) -> u64 {
        let from = self.from.as_micros().div_euclid(MINUTE);
        let to = self.to.as_micros().div_euclid(MINUTE);
        if to < from { 0 } else { to.abs_diff(from) }
    }

    /// Its parts that are in one calendar month each, with that month.
    pub(crate) fn by_month(self) -> Vec<(Self, Self)> {
        let first = date(self.from).map(Date::first_of_month);
        self.by(first, |month| month.last_of_month().tomorrow().ok())
    }

    fn by_day(self) -> Vec<(Self, Self)> {
        self.by(date(self.from), |day| day.tomorrow().ok())
    }

    /// Its parts between days, with the whole of which each is a part: from `first` to the day that follows it, and so on.
    fn by(self, first: Option<Date>, next: impl Fn(Date) -> Option<Date>) -> Vec<(Self, Self)> {
        let mut parts = Vec::new();
        let mut start = first;
        while let Some(begins) = start {
            let ends = next(begins);
            let (Some(from), Some(to)) = (midnight(begins), ends.and_then(midnight)) else { break };
            if from >= self.to {
                break;
            }
            let whole = Self { from, to };
            parts.extend(whole.within(self).map(|part| (part, whole)));
            start = ends;
        }
        parts
    }
}

/// The day of a moment in UTC.
fn date(at: Timestamp) -> Option<Date> {
    let at = jiff::Timestamp::from_microsecond(at.as_micros()).ok()?;
    Some(TimeZone::UTC.to_datetime(at).date())
}

/// When a day begins.
fn midnight(date: Date) -> Option<Timestamp> {
    let at = TimeZone::UTC.to_timestamp(date.at(0, 0, 0, 0)).ok()?;
    Some(Timestamp::from_micros(at.as_microsecond()))
}

fn start_of_month(now: Timestamp) -> Timestamp {
    date(now).and_then(|date| midnight(date.first_of_month())).unwrap_or(now)
}

fn moment(attribute: &'static str, text: &str) -> Result<Timestamp, Error> {
    let date = text.parse::<Date>().ok().filter(|_| text.len() == "2026-01-31".len());
    let at = match date {
        Some(date) => midnight(date),
        None => text
            .parse::<jiff::Timestamp>()
            .ok()
            .map(|at| Timestamp::from_micros(at.as_microsecond())),
    };
    at.ok_or_else(|| {
        Error::bad_request(
            attribute,
            format!(
                "Value [{text}] is invalid for [{attribute}]. Specify a date or a moment in ISO 8601, such as [2026-01-31] or [2026-01-31T12:00:00Z]."
            ),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        moment("at", text).expect("a moment")
    }

    fn period(from: &str, to: &str) -> Period {
        Period { from: at(from), to: at(to) }
    }

    fn written(periods: &[Period]) -> Vec<String> {
        let short =
            |at: Timestamp| at.to_string().replace(":00.000000Z", "Z").replace("T00:00Z", "");
        periods.iter().map(|p| format!("{}..{}", short(p.from), short(p.to))).collect()
    }

    #[test]
    fn a_period_is_the_present_month_unless_it_is_said_and_never_in_the_future() {
        let now = at("2026-11-15T10:00:00Z");
        let parse = |from, to| Period::parse(from, to, now).map(|p| written(&[p]).remove(0));
        assert_eq!(parse(None, None).as_deref(), Ok("2026-11-01..2026-11-15T10:00Z"));
        let october = parse(Some("2026-10-01"), Some("2026-11-01"));
        assert_eq!(october.as_deref(), Ok("2026-10-01..2026-11-01"));
        let last = Period::parse(None, None, at("2026-11-01")).map(|p| written(&[p]).remove(0));
        assert_eq!(last.as_deref(), Ok("2026-10-01..2026-11-01"));
        let ahead = parse(Some("2026-11-15T12:00:00+05:00"), Some("2027-01-01"));
        assert_eq!(ahead.as_deref(), Ok("2026-11-15T07:00Z..2026-11-15T10:00Z"));
        for (from, to, member) in [
            (Some("yesterday"), None, "from"),
            (Some("2026-02-30"), None, "from"),
            (Some("2026-11-15T10:00:00"), None, "from"),
            (None, Some(""), "to"),
            (Some("2026-11-02"), Some("2026-11-02"), "from"),
            (Some("2026-12-01"), None, "from"),
            (None, Some("2026-10-31"), "from"),
            (Some("2020-01-01"), None, "from"),
        ] {
            let refused = Period::parse(from, to, now).expect_err("wrong");
            assert_eq!(refused.attribute.as_deref(), Some(member), "{from:?} {to:?}");
        }
    }

    #[test]
    fn periods_are_divided_into_days_and_months_of_utc() {
        let some = period("2026-01-30T18:00:00Z", "2026-03-02T06:00:00Z");
        assert_eq!(some.divided(Granularity::Total), Ok(vec![some]));
        let months = some.divided(Granularity::Month).expect("few");
        assert_eq!(
            written(&months),
            [
                "2026-01-30T18:00Z..2026-02-01",
                "2026-02-01..2026-03-01",
                "2026-03-01..2026-03-02T06:00Z"
            ]
        );
        let days = written(&some.divided(Granularity::Day).expect("few"));
        assert_eq!(days.len(), 32);
        assert_eq!(days[0], "2026-01-30T18:00Z..2026-01-31");
        assert_eq!(days[31], "2026-03-02..2026-03-02T06:00Z");
        let whole: Vec<u64> = some.by_month().iter().map(|(_, month)| month.minutes()).collect();
        assert_eq!(whole, [31 * 1440, 28 * 1440, 31 * 1440]);
        let long = period("2026-01-01", "2026-06-01").divided(Granularity::Day);
        assert_eq!(long.expect_err("many").attribute.as_deref(), Some("granularity"));
        assert_eq!(Granularity::parse(Some("day")), Ok(Granularity::Day));
        assert!(Granularity::parse(Some("WEEK")).is_err());
    }

    #[test]
    fn minutes_of_parts_add_up() {
        let whole = period("2026-01-30T18:00:29Z", "2026-03-02T06:00:01Z");
        for granularity in [Granularity::Day, Granularity::Month] {
            let parts = whole.divided(granularity).expect("few");
            let sum: u64 = parts.iter().map(|part| part.minutes()).sum();
            assert_eq!(sum, whole.minutes(), "{granularity:?}");
        }
        let mut from = whole.from;
        let mut sum = 0;
        for step in [1, 59_999_999, 60_000_000, 61_000_000, 3_600_000_001] {
            let to = Timestamp::from_micros(from.as_micros() + step);
            sum += Period { from, to }.minutes();
            from = to;
        }
        assert_eq!(sum, Period { from: whole.from, to: from }.minutes());
        assert_eq!(Period { from: whole.to, to: whole.from }.minutes(), 0);
    }

    #[test]
    fn what_two_periods_share_may_be_nothing() {
        let (one, other) = (period("2026-01-01", "2026-01-03"), period("2026-01-02", "2026-01-05"));
        assert_eq!(one.within(other), Some(period("2026-01-02", "2026-01-03")));
        assert_eq!(one.within(period("2026-01-03", "2026-01-04")), None);
    }
}
