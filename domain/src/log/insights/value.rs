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

    /// As a number, if it is one or reads like one.
    pub(super) fn number(&self) -> Option<f64> {
        match self {
            Self::Number(number) => Some(*number),
            Self::Moment(millis) => Some(*millis as f64),
            Self::Text(text) => text.trim().parse().ok(),
            Self::Bool(_) | Self::Missing => None,
        }
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
        let is_bool = |value: &Self| matches!(value, Self::Bool(_));
        if is_bool(self) || is_bool(other) {
            let word = |value: &Self| match value {
                Self::Bool(is) => Some(is.to_string()),
                other => other.text(),
            };
            return Some(word(self)?.cmp(&word(other)?));
        }
        Some(self.text()?.cmp(&other.text()?))
    }

    /// For sorting: what is missing is smallest.
    pub(super) fn order(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Missing, Self::Missing) => Ordering::Equal,
            (Self::Missing, _) => Ordering::Less,
            (_, Self::Missing) => Ordering::Greater,
            _ => self.compare(other).unwrap_or(Ordering::Equal),
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
        assert_eq!(Value::Missing.order(&text("a")), Ordering::Less);
    }
}
