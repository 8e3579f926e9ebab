//! The window: day, time and zone, and their checks.

use std::fmt;

use jiff::{
    civil::Time,
    tz::{Offset, TimeZone},
};
use serde::{Deserialize, Serialize};

use crate::kernel::{Entropy, Error};

/// A day of the week, in the service's spelling.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum DayOfWeek {
    /// Monday.
    Monday,
    /// Tuesday.
    Tuesday,
    /// Wednesday.
    Wednesday,
    /// Thursday.
    Thursday,
    /// Friday.
    Friday,
    /// Saturday.
    Saturday,
    /// Sunday.
    Sunday,
}

impl DayOfWeek {
    const ALL: [Self; 7] = [
        Self::Monday,
        Self::Tuesday,
        Self::Wednesday,
        Self::Thursday,
        Self::Friday,
        Self::Saturday,
        Self::Sunday,
    ];

    /// The spelling of the service model.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Monday => "MONDAY",
            Self::Tuesday => "TUESDAY",
            Self::Wednesday => "WEDNESDAY",
            Self::Thursday => "THURSDAY",
            Self::Friday => "FRIDAY",
            Self::Saturday => "SATURDAY",
            Self::Sunday => "SUNDAY",
        }
    }
}

impl fmt::Display for DayOfWeek {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// When a broker may be rebooted for maintenance: two hours a week from this moment on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "Written")]
pub struct MaintenanceWindow {
    day: DayOfWeek,
    time: Time,
    zone: Zone,
}

/// A window as it is stored.
#[derive(Serialize, Deserialize)]
struct Written {
    day_of_week: DayOfWeek,
    time_of_day: String,
    time_zone: String,
}

/// A time zone by the name that its caller gave it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Zone {
    name: String,
    rules: TimeZone,
}

impl Zone {
    fn utc() -> Self {
        Self { name: "UTC".to_owned(), rules: TimeZone::UTC }
    }
}

/// The text of a stored window is no time of day.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a time of day")]
struct InvalidTime(String);

impl TryFrom<Written> for MaintenanceWindow {
    type Error = InvalidTime;

    /// A stored window was valid when it was stored. The zone may have left the database of zones since: then the
    /// window is in UTC, because a window at another hour is better than a broker that can't be read.
    fn try_from(written: Written) -> Result<Self, InvalidTime> {
        let Written { day_of_week, time_of_day, time_zone } = written;
        let time = parse_time(&time_of_day).and_then(|(hour, minute)| civil_time(hour, minute));
        let rules = parse_zone(&time_zone).unwrap_or(TimeZone::UTC);
        Ok(Self {
            day: day_of_week,
            time: time.ok_or(InvalidTime(time_of_day))?,
            zone: Zone { name: time_zone, rules },
        })
    }
}

impl From<MaintenanceWindow> for Written {
    fn from(window: MaintenanceWindow) -> Self {
        Self {
            day_of_week: window.day,
            time_of_day: window.time_of_day(),
            time_zone: window.zone.name,
        }
    }
}

impl MaintenanceWindow {
    /// Checks a caller's window; the time is checked first, as in the service.
    ///
    /// # Errors
    /// A 400 on `maintenanceWindowStartTime.<member>`.
    pub fn parse(day: &str, time: &str, zone: Option<&str>) -> Result<Self, Error> {
        let start = parse_time(time).and_then(|(hour, minute)| civil_time(hour, minute));
        let start = start.ok_or_else(|| {
            Error::bad_request(
                "maintenanceWindowStartTime.timeOfDay",
                format!(
                    "Time [{time}] is invalid. Specify time in 24-hour format and use only numbers separated by a colon. Example: 13:05."
                ),
            )
        })?;
        let day = DayOfWeek::ALL
            .into_iter()
            .find(|d| d.as_str().eq_ignore_ascii_case(day))
            .ok_or_else(|| {
                Error::bad_request(
                    "maintenanceWindowStartTime.dayOfWeek",
                    format!(
                        "Day of week [{day}] is invalid. Valid values: [MONDAY, TUESDAY, WEDNESDAY, THURSDAY, FRIDAY, SATURDAY, SUNDAY]."
                    ),
                )
            })?;
        let name = zone.unwrap_or("UTC");
        let rules = parse_zone(name).ok_or_else(|| {
            Error::bad_request(
                "maintenanceWindowStartTime.timeZone",
                format!(
                    "Time zone [{name}] is invalid. Specify a time zone in Country/City or UTC offset format."
                ),
            )
        })?;
        Ok(Self { day, time: start, zone: Zone { name: name.to_owned(), rules } })
    }

    /// A window the service picks when the caller names none: any day, any half hour, UTC.
    pub fn pick(entropy: &dyn Entropy) -> Self {
        let slot = entropy.below(7 * 48);
        let day = usize::try_from(slot / 48).unwrap_or(0) % 7;
        let half_hours = i8::try_from(slot % 48).unwrap_or(0);
        Self {
            day: DayOfWeek::ALL[day],
            time: Time::constant(half_hours / 2, half_hours % 2 * 30, 0, 0),
            zone: Zone::utc(),
        }
    }

    /// The day.
    pub const fn day_of_week(&self) -> DayOfWeek {
        self.day
    }

    /// `HH:MM`, 24 hours, always two digits each.
    pub fn time_of_day(&self) -> String {
        format!("{:02}:{:02}", self.time.hour(), self.time.minute())
    }

    /// An IANA name or a UTC offset such as `+02:00`, as the caller wrote it.
    pub fn time_zone(&self) -> &str {
        &self.zone.name
    }

    /// When it begins, on the clocks of its zone.
    pub(super) const fn start(&self) -> Time {
        self.time
    }

    /// The clocks and the calendar that it goes by.
    pub(super) const fn zone(&self) -> &TimeZone {
        &self.zone.rules
    }
}

fn civil_time(hour: u8, minute: u8) -> Option<Time> {
    Time::new(i8::try_from(hour).ok()?, i8::try_from(minute).ok()?, 0, 0).ok()
}

/// Hour and minute.
fn parse_time(text: &str) -> Option<(u8, u8)> {
    let (hours, minutes) = text.split_once(':')?;
    let number = |part: &str, lengths: &[usize], bound: u8| {
        let digits = part.bytes().all(|b| b.is_ascii_digit()) && lengths.contains(&part.len());
        digits.then(|| part.parse::<u8>().ok()).flatten().filter(|n| *n < bound)
    };
    Some((number(hours, &[1, 2], 24)?, number(minutes, &[2], 60)?))
}

/// `+02:00`, `-3`, `UTC+3`: that much ahead of UTC; anything else is a name of the IANA database.
fn parse_zone(text: &str) -> Option<TimeZone> {
    let offset = text.strip_prefix("UTC").unwrap_or(text);
    if let Some((sign, distance)) = [("+", 1), ("-", -1)]
        .into_iter()
        .find_map(|(mark, sign)| Some((sign, offset.strip_prefix(mark)?)))
    {
        let whole_hours = !distance.contains(':');
        let distance = if whole_hours { format!("{distance}:00") } else { distance.to_owned() };
        let (hours, minutes) = parse_time(&distance).filter(|distance| *distance <= (14, 0))?;
        let seconds = sign * (i32::from(hours) * 3600 + i32::from(minutes) * 60);
        return Offset::from_seconds(seconds).ok().map(TimeZone::fixed);
    }
    TimeZone::get(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_are_normalised() {
        let window = MaintenanceWindow::parse("tuesday", "6:31", Some("CET")).expect("valid");
        assert_eq!(window.day_of_week(), DayOfWeek::Tuesday);
        assert_eq!(window.time_of_day(), "06:31");
        for zone in ["UTC", "GMT", "Europe/Berlin", "America/New_York", "+02:00", "-11:30", "UTC+3"]
        {
            assert!(MaintenanceWindow::parse("MONDAY", "02:00", Some(zone)).is_ok(), "{zone}");
        }
    }

    #[test]
    fn a_wrong_time_is_reported_before_a_wrong_day() {
        let refused = MaintenanceWindow::parse("NODAY", "25:00", None).expect_err("25:00");
        assert_eq!(refused.attribute.as_deref(), Some("maintenanceWindowStartTime.timeOfDay"));
        assert_eq!(
            refused.message,
            "Time [25:00] is invalid. Specify time in 24-hour format and use only numbers separated by a colon. Example: 13:05."
        );
        let refused = MaintenanceWindow::parse("NODAY", "13:05", None).expect_err("NODAY");
        assert_eq!(refused.attribute.as_deref(), Some("maintenanceWindowStartTime.dayOfWeek"));
    }

    #[test]
    fn times_and_zones_outside_the_rules_are_refused() {
        for time in ["", ":", "1", "24:00", "12:60", "12:5", "123:00", "1a:00", "+1:00", "12:00:00"]
        {
            assert!(MaintenanceWindow::parse("MONDAY", time, None).is_err(), "{time}");
        }
        for zone in ["", "Mars/Olympus", "+25:00", "+", "UTC+"] {
            assert!(MaintenanceWindow::parse("MONDAY", "12:00", Some(zone)).is_err(), "{zone}");
        }
    }

    #[test]
    fn a_picked_window_is_a_valid_one() {
        struct Fixed(u8);
        impl Entropy for Fixed {
            fn fill(&self, bytes: &mut [u8]) {
                bytes.fill(self.0);
            }
        }
        for seed in 0..=255 {
            let w = MaintenanceWindow::pick(&Fixed(seed));
            assert_eq!(
                MaintenanceWindow::parse(
                    w.day_of_week().as_str(),
                    &w.time_of_day(),
                    Some(w.time_zone())
                ),
                Ok(w)
            );
        }
    }

    #[test]
    fn a_window_is_read_as_it_was_stored() {
        for zone in ["Europe/Berlin", "UTC+3", "-11:30"] {
            let window = MaintenanceWindow::parse("MONDAY", "6:05", Some(zone)).expect("valid");
            let text = serde_json::to_string(&window).expect("JSON");
            let expected =
                format!(r#"{{"day_of_week":"MONDAY","time_of_day":"06:05","time_zone":"{zone}"}}"#);
            assert_eq!(text, expected);
            assert_eq!(serde_json::from_str::<MaintenanceWindow>(&text).expect("read"), window);
            let damaged = text.replace("06:05", "never");
            assert!(serde_json::from_str::<MaintenanceWindow>(&damaged).is_err());
        }
    }
}
