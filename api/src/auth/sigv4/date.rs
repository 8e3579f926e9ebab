//! The moment of signing: `X-Amz-Date`, else `Date`.

use std::fmt;

use axum::http::{HeaderMap, header::DATE};
use jiff::{Timestamp, civil::DateTime, tz::TimeZone};

use crate::auth::error::SignatureError;

/// ISO 8601 in basic form: `20150830T123600Z`.
const BASIC: &str = "%Y%m%dT%H%M%SZ";
/// HTTP's form behind the name of the day: `30 Aug 2015 12:36:00 GMT`.
const HTTP: &str = "%d %b %Y %H:%M:%S GMT";

/// A moment in ISO 8601 basic form, `YYYYMMDDThhmmssZ`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AmzDate {
    text: String,
    seconds: i64,
}

impl AmzDate {
    /// The moment that many seconds after the Unix epoch, or the last one of the year 9999 or of the year -9999 if it
    /// is further away.
    pub fn from_seconds(seconds: i64) -> Self {
        let farthest = if seconds < 0 { Timestamp::MIN } else { Timestamp::MAX };
        let moment = Timestamp::from_second(seconds).unwrap_or(farthest);
        Self { text: moment.strftime(BASIC).to_string(), seconds: moment.as_second() }
    }

    /// Reads `YYYYMMDDThhmmssZ`; none if there is no such moment.
    pub fn parse(text: &str) -> Option<Self> {
        Self::parse_exactly(BASIC, text)
    }

    /// Reads the form of HTTP's `Date`: `Sun, 30 Aug 2015 12:36:00 GMT`.
    fn parse_http(text: &str) -> Option<Self> {
        // The name of the day says nothing new.
        Self::parse_exactly(HTTP, text.split_once(", ")?.1)
    }

    /// Reads a text that is just as `form` writes it: `strptime` alone accepts signs, missing zeros and leap seconds.
    fn parse_exactly(form: &str, text: &str) -> Option<Self> {
        let civil = DateTime::strptime(form, text).ok()?;
        if civil.strftime(form).to_string() != text {
            return None;
        }
        Some(Self::from_seconds(TimeZone::UTC.to_timestamp(civil).ok()?.as_second()))
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
            let date = AmzDate::from_seconds(day * 86_400);
            assert_eq!(AmzDate::parse(&date.to_string()), Some(date));
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
            "20150830T123660Z",
            "2015083 T123600Z",
            "+0150830T123600Z",
            "2015083äT12360Z",
        ] {
            assert_eq!(AmzDate::parse(text), None, "{text}");
        }
        for text in [
            "",
            "x",
            "Sun, 30 Aug 2015",
            "Sun, 30 Foo 2015 12:36:00 GMT",
            "Sun, 31 Jun 2015 12:36:00 GMT",
            "Sun, 30 Aug 2015 12:36:60 GMT",
            "Sun, 3 Aug 2015 12:36:00 GMT",
            "Sun, 30 Aug 2015 12:36:00 UTC",
        ] {
            assert_eq!(AmzDate::parse_http(text), None, "{text}");
        }
    }
}
