//! The schedule: when windows begin and end.
//!
//! A window belongs to a day of the calendar that its time zone keeps: each such day has one, and
//! so has each week. Where that calendar is not even:
//!
//! * a start that does not exist, because clocks are put forward over it, is the first moment after
//!   the gap (even when a whole day is left out, as in Apia on 2011-12-30);
//! * a start that exists twice, because clocks are put back, is the first of the two.
//!
//! A window lasts two hours of elapsed time, whatever clocks do meanwhile.

use std::time::Duration;

use jiff::{
    ToSpan,
    civil::{Date, Weekday},
    tz::{AmbiguousOffset, Offset},
};

use super::window::{DayOfWeek, MaintenanceWindow};
use crate::kernel::Timestamp;

/// How long a window is.
///
/// Source: the service's guide, "Amazon MQ broker maintenance window".
const LENGTH: Duration = Duration::from_secs(2 * 60 * 60);

/// 0001-01-01 and 9999-01-01: what is beyond counts as if it were there. Calendars end a year later.
const EARLIEST: Timestamp = Timestamp::from_micros(-62_135_596_800_000_000);
const LATEST: Timestamp = Timestamp::from_micros(253_370_764_800_000_000);

/// One window of the many that a [`MaintenanceWindow`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Occurrence {
    /// Its first moment.
    pub start: Timestamp,
    /// The first moment after it.
    pub end: Timestamp,
}

impl Occurrence {
    fn starting(start: Timestamp) -> Self {
        Self { start, end: start.plus(LENGTH) }
    }

    /// Whether `moment` is in it.
    pub fn contains(&self, moment: Timestamp) -> bool {
        self.start <= moment && moment < self.end
    }
}

impl MaintenanceWindow {
    /// The latest window that has begun at `now`, whether or not it has ended.
    pub fn occurrence_at_or_before(&self, now: Timestamp) -> Occurrence {
        Occurrence::starting(self.start_on(self.last_day(now)))
    }

    /// The window that is open at `now`, if one is.
    pub fn current(&self, now: Timestamp) -> Option<Occurrence> {
        Some(self.occurrence_at_or_before(now)).filter(|occurrence| occurrence.contains(now))
    }

    /// The first window that begins after `now`.
    pub fn next_after(&self, now: Timestamp) -> Occurrence {
        Occurrence::starting(self.start_on(self.last_day(now).saturating_add(1.week())))
    }

    /// The latest window that has ended at `now`.
    pub(super) fn last_completed(&self, now: Timestamp) -> Occurrence {
        let length = i64::try_from(LENGTH.as_micros()).unwrap_or(i64::MAX);
        let begun_by = Timestamp::from_micros(now.as_micros().saturating_sub(length));
        self.occurrence_at_or_before(begun_by)
    }
}

/// Whether a broker is due for maintenance: a window is open, there is something to do in it (a
/// change that waits, or a patch of the engine), and it was not done in this window yet.
///
/// `last_applied` is when maintenance was last begun. A change that comes later in the same window
/// waits for the next one: clients are interrupted once a week.
pub fn due_in_window(
    window: &MaintenanceWindow,
    now: Timestamp,
    last_applied: Option<Timestamp>,
    has_pending: bool,
    patch_outstanding: bool,
) -> bool {
    (has_pending || patch_outstanding)
        && window
            .current(now)
            .is_some_and(|open| last_applied.is_none_or(|applied| applied < open.start))
}

impl MaintenanceWindow {
    /// The day of the latest window that has begun at `now`.
    fn last_day(&self, now: Timestamp) -> Date {
        let now = now.clamp(EARLIEST, LATEST);
        // Zones move by a day at most, so that a window of the day after the day after tomorrow
        // can't have begun.
        let ahead = self.zone().to_datetime(to_jiff(now)).date().saturating_add(2.days());
        let back = weekday(self.day_of_week()).until(ahead.weekday());
        let mut day = ahead.saturating_sub(i64::from(back).days());
        while self.start_on(day) > now {
            day = day.saturating_sub(1.week());
        }
        day
    }

    /// When the window of that day begins.
    fn start_on(&self, day: Date) -> Timestamp {
        let local = day.to_datetime(self.start());
        let read_with = |offset: Offset| offset.to_timestamp(local).unwrap_or_default();
        match self.zone().to_ambiguous_timestamp(local).offset() {
            AmbiguousOffset::Unambiguous { offset: earlier }
            | AmbiguousOffset::Fold { before: earlier, .. } => from_jiff(read_with(earlier)),
            AmbiguousOffset::Gap { before, after } => {
                // Read with the wrong offset on either side, a time in the gap encloses its end.
                let (from, to) = (read_with(after), read_with(before));
                let transition = self
                    .zone()
                    .following(from)
                    .map(|transition| (transition.timestamp(), transition.offset()))
                    .take_while(|(at, _)| *at <= to)
                    .find(|(_, offset)| *offset == after);
                from_jiff(transition.map_or(to, |(at, _)| at))
            }
        }
    }
}

const fn weekday(day: DayOfWeek) -> Weekday {
    match day {
        DayOfWeek::Monday => Weekday::Monday,
        DayOfWeek::Tuesday => Weekday::Tuesday,
        DayOfWeek::Wednesday => Weekday::Wednesday,
        DayOfWeek::Thursday => Weekday::Thursday,
        DayOfWeek::Friday => Weekday::Friday,
        DayOfWeek::Saturday => Weekday::Saturday,
        DayOfWeek::Sunday => Weekday::Sunday,
    }
}

/// Moments between [`EARLIEST`] and [`LATEST`] are the same in both.
fn to_jiff(moment: Timestamp) -> jiff::Timestamp {
    jiff::Timestamp::from_microsecond(moment.as_micros()).unwrap_or_default()
}

fn from_jiff(moment: jiff::Timestamp) -> Timestamp {
    Timestamp::from_micros(moment.as_microsecond())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(day: &str, time: &str, zone: &str) -> MaintenanceWindow {
        MaintenanceWindow::parse(day, time, Some(zone)).expect("valid")
    }

    fn at(text: &str) -> Timestamp {
        from_jiff(text.parse().expect("a moment"))
    }

    fn next(window: &MaintenanceWindow, after: &str) -> String {
        let text = window.next_after(at(after)).start.to_string();
        text.replace(".000000Z", "Z")
    }

    #[test]
    fn a_window_begins_once_a_week_and_lasts_two_hours() {
        let window = window("TUESDAY", "06:31", "UTC");
        let open =
            Occurrence { start: at("2026-09-22T06:31:00Z"), end: at("2026-09-22T08:31:00Z") };
        for (now, last, is_open, next) in [
            ("2026-09-22T06:30:59.999999Z", "2026-09-15T06:31:00Z", false, "2026-09-22T06:31:00Z"),
            ("2026-09-22T06:31:00Z", "2026-09-22T06:31:00Z", true, "2026-09-29T06:31:00Z"),
            ("2026-09-22T08:30:59.999999Z", "2026-09-22T06:31:00Z", true, "2026-09-29T06:31:00Z"),
            ("2026-09-22T08:31:00Z", "2026-09-22T06:31:00Z", false, "2026-09-29T06:31:00Z"),
        ] {
            assert_eq!(window.occurrence_at_or_before(at(now)).start, at(last), "{now}");
            assert_eq!(window.current(at(now)), is_open.then_some(open), "{now}");
            assert_eq!(window.next_after(at(now)).start, at(next), "{now}");
        }
        assert_eq!(window.last_completed(at("2026-09-22T08:31:00Z")), open);
        let before = window.last_completed(at("2026-09-22T08:30:59.999999Z"));
        assert_eq!(before.start, at("2026-09-15T06:31:00Z"));
    }

    #[test]
    fn offsets_and_names_say_how_far_ahead_of_utc_a_zone_is() {
        for (zone, start) in [
            ("UTC", "2026-09-22T02:00:00Z"),
            ("+02:00", "2026-09-22T00:00:00Z"),
            ("UTC+3", "2026-09-21T23:00:00Z"),
            ("UTC-03:30", "2026-09-22T05:30:00Z"),
            ("-11:30", "2026-09-22T13:30:00Z"),
            ("+14", "2026-09-21T12:00:00Z"),
            ("Europe/Berlin", "2026-09-22T00:00:00Z"),
            ("America/New_York", "2026-09-22T06:00:00Z"),
            ("Asia/Kathmandu", "2026-09-21T20:15:00Z"),
        ] {
            let window = window("TUESDAY", "02:00", zone);
            assert_eq!(next(&window, "2026-09-20T00:00:00Z"), start, "{zone}");
        }
    }

    #[test]
    fn the_hour_of_the_zone_stays_when_its_clocks_change() {
        let window = window("SUNDAY", "12:00", "Europe/Berlin");
        assert_eq!(next(&window, "2026-03-21T00:00:00Z"), "2026-03-22T11:00:00Z");
        assert_eq!(next(&window, "2026-03-28T00:00:00Z"), "2026-03-29T10:00:00Z");
    }

    #[test]
    fn a_start_that_does_not_exist_is_the_first_moment_after_the_gap() {
        // Clocks go from 02:00 to 03:00.
        for time in ["02:00", "02:30", "02:59"] {
            let window = window("SUNDAY", time, "Europe/Berlin");
            assert_eq!(next(&window, "2026-03-28T00:00:00Z"), "2026-03-29T01:00:00Z", "{time}");
        }
        // Half an hour only, from 02:00 to 02:30.
        let howe = window("SUNDAY", "02:10", "Australia/Lord_Howe");
        assert_eq!(next(&howe, "2026-10-01T00:00:00Z"), "2026-10-03T15:30:00Z");
        // A Friday that Samoa left out: the window is at the first moment of Saturday.
        let apia = window("FRIDAY", "12:00", "Pacific/Apia");
        assert_eq!(next(&apia, "2011-12-24T00:00:00Z"), "2011-12-30T10:00:00Z");
        assert_eq!(next(&apia, "2011-12-30T10:00:00Z"), "2012-01-05T22:00:00Z");
    }

    #[test]
    fn a_start_that_exists_twice_is_the_first_of_the_two() {
        // Clocks go from 03:00 back to 02:00.
        let window = window("SUNDAY", "02:30", "Europe/Berlin");
        assert_eq!(next(&window, "2026-10-24T00:00:00Z"), "2026-10-25T00:30:00Z");
        assert_eq!(next(&window, "2026-10-25T00:30:00Z"), "2026-11-01T01:30:00Z");
        // It is two hours long although its clock shows one.
        assert_eq!(
            window.current(at("2026-10-25T02:29:59Z")).map(|open| open.end),
            Some(at("2026-10-25T02:30:00Z"))
        );
    }

    #[test]
    fn a_zone_that_is_no_longer_known_is_read_as_utc() {
        let stored =
            r#"{"day_of_week":"MONDAY","time_of_day":"03:00","time_zone":"Atlantis/Poseidonis"}"#;
        let lost: MaintenanceWindow = serde_json::from_str(stored).expect("readable");
        assert_eq!(lost.time_zone(), "Atlantis/Poseidonis");
        assert_eq!(next(&lost, "2026-09-20T00:00:00Z"), "2026-09-21T03:00:00Z");
    }

    #[test]
    fn the_ends_of_time_have_windows_too() {
        for zone in ["UTC", "+14:00", "-14:00", "Europe/Berlin", "America/New_York"] {
            let window = window("SUNDAY", "23:59", zone);
            for micros in [i64::MIN, EARLIEST.as_micros(), LATEST.as_micros(), i64::MAX] {
                let now = Timestamp::from_micros(micros);
                let last = window.occurrence_at_or_before(now);
                let next = window.next_after(now);
                assert!(last.end < next.start, "{zone} {micros}: {last:?} {next:?}");
                assert!(last.start <= now.max(EARLIEST), "{zone} {micros}: {last:?}");
                assert!(next.start > now.min(LATEST), "{zone} {micros}: {next:?}");
            }
        }
    }

    #[test]
    fn maintenance_is_due_once_in_a_window_and_only_for_a_reason() {
        let window = window("TUESDAY", "06:00", "UTC");
        let due = |now: &str, last: Option<&str>, pending, patch| {
            due_in_window(&window, at(now), last.map(at), pending, patch)
        };
        let (before, start) = ("2026-09-22T05:59:59Z", "2026-09-22T06:00:00Z");
        let (inside, end) = ("2026-09-22T07:00:00Z", "2026-09-22T08:00:00Z");
        let last_week = "2026-09-15T06:00:00Z";
        assert!(due(start, None, true, false));
        assert!(due(inside, None, false, true));
        assert!(due(inside, Some(last_week), true, true));
        assert!(due(inside, Some(before), true, false), "a reboot before it does not count");
        assert!(!due(before, None, true, true));
        assert!(!due(end, None, true, true));
        assert!(!due(inside, None, false, false));
        assert!(!due(inside, Some(start), true, true));
        assert!(!due(inside, Some(inside), true, true));
        assert!(!due(start, Some(inside), true, true), "although the clock was put back");
        assert!(due("2026-09-29T06:00:00Z", Some(inside), true, false));
    }
}
