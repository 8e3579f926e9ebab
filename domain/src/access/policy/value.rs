//! Values of conditions: numbers, dates, addresses, bytes.

use std::net::IpAddr;

use base64::{
    Engine as _, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use ipnet::IpNet;
use jiff::{civil, tz::TimeZone};

use crate::kernel::Timestamp;

/// A moment as condition keys have it: whole seconds, UTC.
pub(super) fn instant(at: Timestamp) -> String {
    let whole = jiff::Timestamp::from_second(at.as_seconds());
    whole.map_or_else(|_| at.to_string(), |whole| whole.to_string())
}

/// An integer or a decimal number.
pub(super) fn number(text: &str) -> Option<f64> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    let of_a_number = |c: char| c.is_ascii_digit() || c == '.';
    if !digits.contains(|c: char| c.is_ascii_digit()) || !digits.chars().all(of_a_number) {
        return None;
    }
    text.parse().ok()
}

/// `true` or `false`, in any letter case.
pub(super) fn boolean(text: &str) -> Option<bool> {
    if text.eq_ignore_ascii_case("true") {
        Some(true)
    } else if text.eq_ignore_ascii_case("false") {
        Some(false)
    } else {
        None
    }
}

/// A range of addresses; an address without a prefix is a range of its own.
pub(super) fn range(text: &str) -> Option<IpNet> {
    text.parse().ok().or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from))
}

/// A moment in microseconds since 1970: one of W3C's forms of ISO 8601, or seconds since 1970. A time without a zone is
/// UTC.
pub(super) fn moment(text: &str) -> Option<i128> {
    if !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) {
        return text.parse::<u64>().ok().map(|seconds| i128::from(seconds) * 1_000_000);
    }
    let (date, time) = match text.split_once(['T', 't']) {
        Some((date, time)) => (date, Some(time)),
        None => (text, None),
    };
    let mut parts = date.split('-');
    let year = digits(parts.next()?, 4..=4)?;
    let month = parts.next().map_or(Some(1), |month| digits(month, 2..=2))?;
    let day = parts.next().map_or(Some(1), |day| digits(day, 2..=2))?;
    if parts.next().is_some() {
        return None;
    }
    let narrow = |n: i64| i8::try_from(n).ok();
    let date = civil::Date::new(i16::try_from(year).ok()?, narrow(month)?, narrow(day)?).ok()?;
    let midnight = TimeZone::UTC.to_timestamp(date.at(0, 0, 0, 0)).ok()?.as_second();
    let of_day = time.map_or(Some(0), time_of_day)?;
    Some(i128::from(midnight) * 1_000_000 + i128::from(of_day))
}

/// Microseconds from midnight UTC: `hh:mm`, `hh:mm:ss` or `hh:mm:ss.f`, with `Z` or an offset.
fn time_of_day(text: &str) -> Option<i64> {
    let zone = text.find(['Z', 'z', '+', '-']);
    let (clock, zone) = text.split_at(zone.unwrap_or(text.len()));
    let mut parts = clock.split(':');
    let hours = within(digits(parts.next()?, 2..=2)?, 23)?;
    let minutes = within(digits(parts.next()?, 2..=2)?, 59)?;
    let (seconds, micros) = match parts.next() {
        None => (0, 0),
        Some(part) => {
            let (whole, fraction) = part.split_once('.').unwrap_or((part, "0"));
            let fraction = digits(fraction, 1..=9).map(|_| format!("{fraction:0<6}"))?;
            (within(digits(whole, 2..=2)?, 59)?, digits(fraction.get(..6)?, 6..=6)?)
        }
    };
    if parts.next().is_some() {
        return None;
    }
    let offset = match zone {
        "" | "Z" | "z" => 0,
        zone => {
            let (hours, minutes) = zone[1..].split_once(':')?;
            let hours = within(digits(hours, 2..=2)?, 23)?;
            let minutes = within(digits(minutes, 2..=2)?, 59)?;
            (hours * 60 + minutes) * if zone.starts_with('-') { -1 } else { 1 }
        }
    };
    Some((((hours * 60 + minutes - offset) * 60) + seconds) * 1_000_000 + micros)
}

fn within(value: i64, most: i64) -> Option<i64> {
    (value <= most).then_some(value)
}

fn digits(text: &str, length: std::ops::RangeInclusive<usize>) -> Option<i64> {
    let are_digits = length.contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    are_digits.then(|| text.parse().ok()).flatten()
}

/// Bytes in base 64, with or without padding.
pub(super) fn base64(text: &str) -> Option<Vec<u8>> {
    const ENGINE: GeneralPurpose = GeneralPurpose::new(
        &alphabet::STANDARD,
        GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
    );
    ENGINE.decode(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_read_in_all_forms() {
        let day = 86_400_000_000;
        let base = 1_704_067_200_000_000; // 2024-01-01T00:00:00Z
        for (text, expected) in [
            ("2024-01-01T00:00:00Z", Some(base)),
            ("2024-01-01t00:00:00z", Some(base)),
            ("2024-01-01T00:00Z", Some(base)),
            ("2024-01-01T02:00+02:00", Some(base)),
            ("2023-12-31T19:00:00-05:00", Some(base)),
            ("2024-01-01T00:00:00", Some(base)),
            ("2024-01-01T00:00:00.25Z", Some(base + 250_000)),
            ("2024-01-01T00:00:00.123456789Z", Some(base + 123_456)),
            ("2024-01-02", Some(base + day)),
            ("2024-02", Some(base + 31 * day)),
            ("1704067200", Some(base)),
            // Four digits alone are seconds, too.
            ("2024", Some(2_024_000_000)),
            ("0", Some(0)),
            ("", None),
            ("tomorrow", None),
            ("2024-13-01", None),
            ("2024-02-30", None),
            ("2024-01-01T24:00:00Z", None),
            ("2024-01-01T00:00:00Zulu", None),
            ("2024-01-01T00:00:00.Z", None),
            ("2024-01-01-01", None),
            ("-5", None),
            ("99999999999999999999", None),
        ] {
            assert_eq!(moment(text), expected, "{text}");
        }
    }

    #[test]
    fn numbers_are_integers_and_decimals_only() {
        for (text, expected) in [
            ("10", Some(10.0)),
            ("-1.50", Some(-1.5)),
            ("+3", Some(3.0)),
            ("1e3", None),
            ("inf", None),
            ("NaN", None),
            ("", None),
            (".", None),
            ("1.2.3", None),
        ] {
            assert_eq!(number(text), expected, "{text}");
        }
    }

    #[test]
    fn bytes_are_read_from_base_64() {
        for (text, expected) in [
            ("QmluYXJ5VmFsdWVJbkJhc2U2NA==", Some("BinaryValueInBase64")),
            ("QmluYXJ5VmFsdWVJbkJhc2U2NA", Some("BinaryValueInBase64")),
            ("YWJj", Some("abc")),
            ("", Some("")),
            ("A", None),
            ("YWJj====", None),
            ("YW-j", None),
        ] {
            assert_eq!(base64(text), expected.map(|text| text.as_bytes().to_vec()), "{text}");
        }
    }

    #[test]
    fn addresses_are_ranges() {
        for text in ["10.0.0.0/8", "10.0.0.1", "2001:db8::/32", "::1"] {
            assert!(range(text).is_some(), "{text}");
        }
        for text in ["10.0.0.0/33", "10.0.0", "localhost", ""] {
            assert!(range(text).is_none(), "{text}");
        }
    }
}
