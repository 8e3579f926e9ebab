//! The moment of signing: `X-Amz-Date`, else `Date`.

use std::fmt;

use axum::http::{HeaderMap, header::DATE};

use crate::auth::error::SignatureError;

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// A moment in ISO 8601 basic form, `YYYYMMDDThhmmssZ`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AmzDate {
    text: String,
    seconds: i64,
}

impl AmzDate {
    /// The moment that many seconds after the Unix epoch.
    pub fn from_seconds(seconds: i64) -> Self {
        let (year, month, day) = civil_from_days(seconds.div_euclid(86400));
        let time = seconds.rem_euclid(86400);
        let (hour, minute, second) = (time / 3600, time / 60 % 60, time % 60);
        let text = format!("{year:04}{month:02}{day:02}T{hour:02}{minute:02}{second:02}Z");
        Self { text, seconds }
    }

    /// Reads `YYYYMMDDThhmmssZ`.
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = text.as_bytes();
        if bytes.len() != 16 || bytes[8] != b'T' || bytes[15] != b'Z' {
            return None;
        }
        Self::from_parts(
            number(text, 0..4)?,
            [number(text, 4..6)?, number(text, 6..8)?],
            [number(text, 9..11)?, number(text, 11..13)?, number(text, 13..15)?],
        )
    }

    /// Reads the form of HTTP's `Date`: `Sun, 30 Aug 2015 12:36:00 GMT`.
    fn parse_http(text: &str) -> Option<Self> {
        let text = text.split_once(", ")?.1;
        if text.len() != 24 || !text.is_ascii() || !text.ends_with(" GMT") {
            return None;
        }
        let month = MONTHS.iter().position(|m| text.get(3..6) == Some(m))?;
        Self::from_parts(
            number(text, 7..11)?,
            [i64::try_from(month).ok()? + 1, number(text, 0..2)?],
            [number(text, 12..14)?, number(text, 15..17)?, number(text, 18..20)?],
        )
    }

    /// None if there is no such moment: the calendar is checked by writing the date again.
    fn from_parts(year: i64, [month, day]: [i64; 2], [h, m, s]: [i64; 3]) -> Option<Self> {
        if !(1..=12).contains(&month) || !(1..=31).contains(&day) || h > 23 || m > 59 || s > 59 {
            return None;
        }
        let days = days_from_civil(year, month, day);
        (civil_from_days(days) == (year, month, day))
            .then(|| Self::from_seconds(days * 86400 + h * 3600 + m * 60 + s))
    }

    /// The day, `YYYYMMDD`.
    pub fn day(&self) -> &str {
        self.text.get(..8).unwrap_or(&self.text)
    }

    /// Seconds since the Unix epoch.
    pub const fn seconds(&self) -> i64 {
        self.seconds
    }
}

impl fmt::Display for AmzDate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

fn number(text: &str, range: std::ops::Range<usize>) -> Option<i64> {
    let digits = text.get(range)?;
    digits.bytes().all(|b| b.is_ascii_digit()).then(|| digits.parse().ok()).flatten()
}

/// Days since 1970-01-01 of a date of the Gregorian calendar, counted in years that begin in March,
/// so that the leap day is the last of its year.
const fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

/// The inverse of [`days_from_civil`].
const fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = year_of_era + era * 400 + if month <= 2 { 1 } else { 0 };
    (year, month, day)
}

/// The date of a request. `X-Amz-Date` wins, because proxies may set `Date`.
pub(super) fn of_request(headers: &HeaderMap) -> Result<AmzDate, SignatureError> {
    let malformed = |message: &str| SignatureError::Malformed(message.to_owned());
    if let Some(value) = headers.get("x-amz-date") {
        return value.to_str().ok().and_then(|v| AmzDate::parse(v.trim())).ok_or_else(|| {
            malformed("Date must be in ISO-8601 'basic format', e.g. 20150830T123600Z.")
        });
    }
    let value = headers.get(DATE).ok_or_else(|| {
        malformed(
            "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.",
        )
    })?;
    let text = value.to_str().unwrap_or_default().trim();
    AmzDate::parse_http(text)
        .or_else(|| AmzDate::parse(text))
        .ok_or_else(|| malformed("The 'Date' header can't be read."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_mean_the_same_moment() {
        let basic = AmzDate::parse("20150830T123600Z").expect("basic");
        assert_eq!(basic.seconds(), 1_440_938_160);
        assert_eq!(basic.day(), "20150830");
        assert_eq!(AmzDate::parse_http("Sun, 30 Aug 2015 12:36:00 GMT"), Some(basic));
    }

    #[test]
    fn every_day_is_read_back_as_written() {
        for day in (-200_000..200_000).step_by(13) {
            let (y, m, d) = civil_from_days(day);
            assert_eq!(days_from_civil(y, m, d), day);
        }
        let leap = AmzDate::parse("20240229T235959Z").expect("leap day");
        assert_eq!(AmzDate::from_seconds(leap.seconds()), leap);
        assert_eq!(AmzDate::from_seconds(leap.seconds() + 1).to_string(), "20240301T000000Z");
    }

    #[test]
    fn moments_that_do_not_exist_are_refused() {
        for text in [
            "",
            "20150830T123600",
            "2015-08-30T12:36:00Z",
            "20150229T000000Z",
            "20151301T000000Z",
            "20150832T000000Z",
            "20150830T240000Z",
            "20150830T126000Z",
            "2015083 T123600Z",
            "+0150830T123600Z",
            "2015083äT12360Z",
        ] {
            assert_eq!(AmzDate::parse(text), None, "{text}");
        }
        for text in ["", "x", "Sun, 30 Aug 2015", "Sun, 30 Foo 2015 12:36:00 GMT"] {
            assert_eq!(AmzDate::parse_http(text), None, "{text}");
        }
    }
}
