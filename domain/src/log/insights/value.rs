//! Values of fields and expressions.

use std::cmp::Ordering;

/// A value.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    /// There is none.
    Missing,
    Bool(bool),
    Number(f64),
    /// A moment, in milliseconds since 1970.
    Moment(i64),
    Text(String),
}

impl Value {
    pub(super) fn of_json(value: &serde_json::Value) -> Self {
        match value {
            serde_json::Value::Null => Self::Missing,
            serde_json::Value::Bool(is) => Self::Bool(*is),
            serde_json::Value::Number(number) => {
                number.as_f64().map_or(Self::Missing, Self::Number)
            }
            serde_json::Value::String(text) => Self::Text(text.clone()),
            other => Self::Text(other.to_string()),
        }
    }

    /// As a number, if it is one or reads like one. Only what is finite counts: `nan` and `inf` are texts.
    pub(super) fn number(&self) -> Option<f64> {
        let number = match self {
            Self::Number(number) => Some(*number),
            Self::Moment(millis) => Some(*millis as f64),
            Self::Text(text) => text.trim().parse().ok(),
            Self::Bool(_) | Self::Missing => None,
        };
        number.filter(|number| number.is_finite())
    }

    /// As it is shown; none: there is none.
    pub(super) fn text(&self) -> Option<String> {
        match self {
            Self::Missing => None,
            // As the service shows them.
            Self::Bool(is) => Some(if *is { "1" } else { "0" }.to_owned()),
            Self::Number(number) => Some(shown(*number)),
            Self::Moment(millis) => Some(moment(*millis)),
            Self::Text(text) => Some(text.clone()),
        }
    }

    /// Whether a condition of this value holds.
    pub(super) fn is_true(&self) -> bool {
        match self {
            Self::Missing => false,
            Self::Bool(is) => *is,
            Self::Number(number) => *number != 0.0,
            Self::Moment(_) => true,
            Self::Text(text) => !text.is_empty() && text != "false" && text != "0",
        }
    }

    /// Compared as numbers if both are, otherwise as texts; none: one is missing.
    pub(super) fn compare(&self, other: &Self) -> Option<Ordering> {
        if let (Some(one), Some(other)) = (self.number(), other.number()) {
            return one.partial_cmp(&other);
        }
        Some(self.word()?.cmp(&other.word()?))
    }

    /// As a text that is compared: unlike where it is shown, what is true or false is a word.
    fn word(&self) -> Option<String> {
        match self {
            Self::Bool(is) => Some(is.to_string()),
            other => other.text(),
        }
    }

    /// For sorting: what is missing is smallest, then come numbers, then texts. Numbers beside texts are not compared as
    /// texts, as they are in conditions: `"9"`, `"10"` and `"1a"` would be in a circle.
    pub(super) fn order(&self, other: &Self) -> Ordering {
        match (self.number(), other.number()) {
            // As in conditions, where 0 and -0 are equal; what is finite always compares.
            (Some(one), Some(other)) => one.partial_cmp(&other).unwrap_or(Ordering::Equal),
            (Some(_), None) if *other == Self::Missing => Ordering::Greater,
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) if *self == Self::Missing => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            // None, which is missing, is smaller than any text.
            (None, None) => self.word().cmp(&other.word()),
        }
    }
}

fn shown(number: f64) -> String {
    if number.fract() == 0.0 && number.abs() < 1e15 {
        return format!("{number:.0}");
    }
    let rounded = format!("{number:.4}");
    rounded.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// `2026-09-30 12:00:00.000`, in UTC.
fn moment(millis: i64) -> String {
    let at = jiff::Timestamp::from_millisecond(millis);
    at.map_or_else(|_| millis.to_string(), |at| at.strftime("%Y-%m-%d %H:%M:%S.%3f").to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_shown_as_the_service_shows_them() {
        for (value, text) in [
            (Value::Number(3.0), "3"),
            (Value::Number(0.333_333_3), "0.3333"),
            (Value::Number(-2.5), "-2.5"),
            (Value::Moment(1_790_769_600_123), "2026-09-30 12:00:00.123"),
            (Value::Bool(true), "1"),
            (Value::Text("x".to_owned()), "x"),
        ] {
            assert_eq!(value.text().as_deref(), Some(text));
        }
        assert_eq!(Value::Missing.text(), None);
    }

    #[test]
    fn numbers_are_compared_as_numbers_and_others_as_texts() {
        let text = |text: &str| Value::Text(text.to_owned());
        assert_eq!(text("10").compare(&Value::Number(9.0)), Some(Ordering::Greater));
        assert_eq!(text("10").compare(&text("9")), Some(Ordering::Greater));
        assert_eq!(text("b").compare(&text("a")), Some(Ordering::Greater));
        assert_eq!(Value::Bool(true).compare(&text("true")), Some(Ordering::Equal));
        assert_eq!(Value::Missing.compare(&text("a")), None);
        assert_eq!(text("nan").compare(&text("nan")), Some(Ordering::Equal));
        assert_eq!(Value::Missing.order(&text("a")), Ordering::Less);
    }

    #[test]
    fn values_of_all_kinds_have_a_total_order() {
        let texts = ["9", "10", "1a", "nan", "inf", "-inf", "1e999", "", "b", " 7 ", "-0", "true"];
        let mut values: Vec<_> = texts.map(|text| Value::Text(text.to_owned())).into();
        let numbers = [9.5, 0.0, -1.0, f64::NAN, f64::INFINITY, f64::NEG_INFINITY];
        values.extend(numbers.map(Value::Number));
        values.extend([Value::Missing, Value::Moment(8), Value::Bool(true), Value::Bool(false)]);
        for one in &values {
            for other in &values {
                assert_eq!(one.order(other), other.order(one).reverse(), "{one:?} {other:?}");
                for third in &values {
                    let follow = one.order(other).is_le() && other.order(third).is_le();
                    assert!(!follow || one.order(third).is_le(), "{one:?} {other:?} {third:?}");
                }
            }
        }
        let sorted = |mut texts: Vec<&'static str>| {
            texts.sort_by(|one, other| {
                let value = |text: &str| Value::Text(text.to_owned());
                value(one).order(&value(other))
            });
            texts
        };
        assert_eq!(sorted(vec!["1a", "nan", "10", "9", ""]), ["9", "10", "", "1a", "nan"]);
    }
}
