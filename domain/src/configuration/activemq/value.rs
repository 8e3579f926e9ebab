//! Values of attributes: the lexical rules of XML Schema, and what the validator says of a wrong one.
//!
//! Source: "XML Schema Part 2: Datatypes"; the messages are those of Xerces.

use std::borrow::Cow;

use super::schema::Schema;

/// How many characters of a wrong value a message repeats.
const MAX_QUOTED: usize = 200;

/// What is wrong with a value of that type; nothing if it is one.
pub(super) fn fault(schema: &Schema, kind: &str, value: &str) -> Option<String> {
    let Some(restriction) = schema.restriction(kind) else { return built_in(kind, value) };
    if let Some(fault) = built_in(&restriction.base, value) {
        return Some(fault);
    }
    let allowed = &restriction.enumeration;
    if !allowed.is_empty() && !allowed.iter().any(|allowed| allowed == value) {
        return Some(format!(
            "cvc-enumeration-valid: Value '{}' is not facet-valid with respect to enumeration '[{}]'. \
             It must be a value from the enumeration.",
            shortened(value),
            allowed.join(", ")
        ));
    }
    out_of_bounds(kind, value, restriction.min_inclusive, restriction.max_inclusive)
}

/// Whether the engine can hold a value that is one of its type: XML Schema's integers have any number
/// of digits, and it writes infinity as Java does not.
pub(super) fn fits_java(schema: &Schema, kind: &str, value: &str) -> bool {
    let base = schema.restriction(kind).map_or(kind, |restriction| &restriction.base);
    match base {
        "integer" => whole(value).is_none_or(|number| i32::try_from(number).is_ok()),
        "double" => !value.contains("INF"),
        _ => true,
    }
}

/// The value as far as a message repeats it.
pub(super) fn shortened(value: &str) -> Cow<'_, str> {
    match value.char_indices().nth(MAX_QUOTED) {
        Some((at, _)) => Cow::Owned(format!("{}…", &value[..at])),
        None => Cow::Borrowed(value),
    }
}

fn built_in(kind: &str, value: &str) -> Option<String> {
    let wrong = |kind: &str| {
        let value = shortened(value);
        format!("cvc-datatype-valid.1.2.1: '{value}' is not a valid value for '{kind}'.")
    };
    let number = |min: i64, max: i64| match whole(value) {
        // The others are derived from it, and the validator says so.
        None => Some(wrong("integer")),
        Some(_) => out_of_bounds(kind, value, Some(min), Some(max)),
    };
    match kind {
        "boolean" => {
            (!matches!(collapsed(value), "true" | "false" | "1" | "0")).then(|| wrong(kind))
        }
        "double" => (!is_double(collapsed(value))).then(|| wrong(kind)),
        "integer" => whole(value).is_none().then(|| wrong(kind)),
        "long" => number(i64::MIN, i64::MAX),
        "short" => number(i16::MIN.into(), i16::MAX.into()),
        _ => None,
    }
}

fn out_of_bounds(kind: &str, value: &str, min: Option<i64>, max: Option<i64>) -> Option<String> {
    let number = whole(value)?;
    let outside = |facet: &str, bound: i64| {
        format!(
            "cvc-{facet}-valid: Value '{}' is not facet-valid with respect to {facet} '{bound}' for \
             type '{kind}'.",
            shortened(value)
        )
    };
    match (min, max) {
        (_, Some(max)) if number > max.into() => Some(outside("maxInclusive", max)),
        (Some(min), _) if number < min.into() => Some(outside("minInclusive", min)),
        _ => None,
    }
}

/// Without the white space around it, which no type but text heeds.
fn collapsed(value: &str) -> &str {
    value.trim_matches([' ', '\t', '\n', '\r'])
}

/// The integer that the text is; one with more digits than fit is as far out as can be.
pub(super) fn whole(value: &str) -> Option<i128> {
    let text = collapsed(value);
    if !is_digits(text.strip_prefix(['+', '-']).unwrap_or(text)) {
        return None;
    }
    Some(text.parse().unwrap_or(if text.starts_with('-') { i128::MIN } else { i128::MAX }))
}

fn is_double(text: &str) -> bool {
    if matches!(text, "INF" | "-INF" | "NaN") {
        return true;
    }
    let unsigned = |text: &'_ str| -> usize { usize::from(text.starts_with(['+', '-'])) };
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (text, None),
    };
    let mantissa = &mantissa[unsigned(mantissa)..];
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    (is_digits(whole) || is_digits(fraction))
        && (whole.is_empty() || is_digits(whole))
        && (fraction.is_empty() || is_digits(fraction))
        && exponent.is_none_or(|exponent| is_digits(&exponent[unsigned(exponent)..]))
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::{super::schema::schema, *};

    fn is(kind: &str, value: &str) -> bool {
        fault(schema(), kind, value).is_none()
    }

    #[test]
    fn values_are_read_as_xml_schema_says() {
        let huge = "9".repeat(60);
        for (kind, right, wrong) in [
            (
                "boolean",
                &["true", "false", "1", "0", " true\n"][..],
                &["TRUE", "yes", "", "10"][..],
            ),
            (
                "integer",
                &["0", "-1", "+5", "007", &huge, " 5 "],
                &["", "1.0", "1k", "--1", "+", "1 2"],
            ),
            (
                "long",
                &["9223372036854775807", "-9223372036854775808", "+0"],
                &["9223372036854775808", "-9223372036854775809", "0x10", &huge],
            ),
            ("short", &["32767", "-32768"], &["32768", "-32769", "a"]),
            (
                "double",
                &["1", "-1.5", "1.", ".5", "1e10", "1.5E-3", "INF", "-INF", "NaN"],
                &["", ".", "e5", "1e", "1,5", "+INF", "inf", "0x1p3", "1..2", "1.2.3"],
            ),
            ("string", &["", "anything"], &[]),
            ("percentOfJvmHeap", &["0", "70"], &["-1", "71", "x", ""]),
            ("protocol", &["openwire"], &["OPENWIRE", " openwire", ""]),
        ] {
            for value in right {
                assert!(is(kind, value), "{value} is a {kind}");
            }
            for value in wrong {
                assert!(!is(kind, value), "{value} is no {kind}");
            }
        }
    }

    #[test]
    fn errors_have_the_messages_of_the_validator() {
        for (kind, value, words) in [
            (
                "boolean",
                "maybe",
                "cvc-datatype-valid.1.2.1: 'maybe' is not a valid value for 'boolean'.",
            ),
            ("long", "x", "cvc-datatype-valid.1.2.1: 'x' is not a valid value for 'integer'."),
            (
                "short",
                "40000",
                "cvc-maxInclusive-valid: Value '40000' is not facet-valid with respect to \
                 maxInclusive '32767' for type 'short'.",
            ),
            (
                "checkpointInterval",
                "4999",
                "cvc-minInclusive-valid: Value '4999' is not facet-valid with respect to \
                 minInclusive '5000' for type 'checkpointInterval'.",
            ),
            (
                "journalDiskSyncStrategy",
                "sometimes",
                "cvc-enumeration-valid: Value 'sometimes' is not facet-valid with respect to \
                 enumeration '[always, periodic, never]'. It must be a value from the enumeration.",
            ),
        ] {
            assert_eq!(fault(schema(), kind, value).as_deref(), Some(words));
        }
    }

    #[test]
    fn a_long_value_is_not_repeated_to_its_end() {
        let said = fault(schema(), "boolean", &"\u{e4}".repeat(100_000)).expect("no boolean");
        assert!(said.chars().count() < 400, "{said}");
    }

    #[test]
    fn the_engines_numbers_are_smaller_than_the_schemas() {
        for (kind, value, fits) in [
            ("integer", "2147483647", true),
            ("integer", "2147483648", false),
            ("percentOfJvmHeap", "70", true),
            ("long", "9223372036854775807", true),
            ("double", "1.5", true),
            ("double", "INF", false),
        ] {
            assert_eq!(fits_java(schema(), kind, value), fits, "{kind} {value}");
        }
    }
}
