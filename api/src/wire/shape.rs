//! Structures that are read from values and written to them.

use brokerd_domain::Timestamp;

use super::value::{Members, Value, moment};

/// A value is not what it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Wrong {
    /// Where it is, from the outside: `MetricDataQueries`, `1`, `Period`.
    path: Vec<String>,
    expected: &'static str,
}

impl Wrong {
    pub(super) const fn expected(expected: &'static str) -> Self {
        Self { path: Vec::new(), expected }
    }

    /// The same within a member.
    pub(crate) fn within(mut self, name: &str) -> Self {
        self.path.insert(0, name.to_owned());
        self
    }
}

impl std::fmt::Display for Wrong {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.path.is_empty() {
            return write!(f, "The input must be {}.", self.expected);
        }
        write!(f, "The parameter {} must be {}.", self.path.join("."), self.expected)
    }
}

/// What requests and answers are made of.
pub(crate) trait Shape: Sized {
    /// Reads it.
    ///
    /// # Errors
    /// The value is something else.
    fn read(value: Value) -> Result<Self, Wrong>;

    /// Writes it; absent: the member is left out.
    fn write(self) -> Value;
}

impl Shape for String {
    fn read(value: Value) -> Result<Self, Wrong> {
        match value {
            Value::Text(text) | Value::Form(text) => Ok(text),
            _ => Err(Wrong::expected("a text")),
        }
    }

    fn write(self) -> Value {
        Value::Text(self)
    }
}

impl Shape for bool {
    fn read(value: Value) -> Result<Self, Wrong> {
        match value {
            Value::Boolean(is) => Ok(is),
            Value::Form(text) if text.eq_ignore_ascii_case("true") => Ok(true),
            Value::Form(text) if text.eq_ignore_ascii_case("false") => Ok(false),
            _ => Err(Wrong::expected("true or false")),
        }
    }

    fn write(self) -> Value {
        Value::Boolean(self)
    }
}

impl Shape for i64 {
    fn read(value: Value) -> Result<Self, Wrong> {
        let expected = || Wrong::expected("a whole number");
        match value {
            Value::Integer(number) => Ok(number),
            Value::Form(text) => text.parse().map_err(|_| expected()),
            // Some clients write whole numbers with a point.
            #[expect(clippy::cast_possible_truncation, reason = "it is whole, and below 2^53")]
            Value::Double(number) if number.fract() == 0.0 && number.abs() < 9e15 => {
                Ok(number as Self)
            }
            _ => Err(expected()),
        }
    }

    fn write(self) -> Value {
        Value::Integer(self)
    }
}

impl Shape for f64 {
    fn read(value: Value) -> Result<Self, Wrong> {
        let expected = || Wrong::expected("a number");
        match value {
            #[expect(clippy::cast_precision_loss, reason = "a double has no more")]
            Value::Integer(number) => Ok(number as Self),
            Value::Double(number) => Ok(number),
            Value::Form(text) => text.parse().map_err(|_| expected()),
            // How JSON has them.
            Value::Text(text) => match text.as_str() {
                "NaN" => Ok(Self::NAN),
                "Infinity" => Ok(Self::INFINITY),
                "-Infinity" => Ok(Self::NEG_INFINITY),
                _ => Err(expected()),
            },
            _ => Err(expected()),
        }
    }

    fn write(self) -> Value {
        Value::Double(self)
    }
}

impl Shape for Timestamp {
    fn read(value: Value) -> Result<Self, Wrong> {
        let expected = || Wrong::expected("a time between 1970 and 9999");
        match value {
            Value::Moment(moment) => Ok(moment),
            #[expect(clippy::cast_precision_loss, reason = "seconds of any year that is taken")]
            Value::Integer(seconds) => moment(seconds as f64).ok_or_else(expected),
            Value::Double(seconds) => moment(seconds).ok_or_else(expected),
            Value::Form(text) => parsed(&text).ok_or_else(expected),
            _ => Err(expected()),
        }
    }

    fn write(self) -> Value {
        Value::Moment(self)
    }
}

/// `2026-11-28T23:24:00Z`, with another offset or without one, or seconds since 1970.
fn parsed(text: &str) -> Option<Timestamp> {
    if let Ok(seconds) = text.parse() {
        return moment(seconds);
    }
    let zoned = |text: &str| text.parse::<jiff::Timestamp>().ok();
    let at = zoned(text).or_else(|| zoned(&format!("{text}Z")))?;
    let micros = at.as_microsecond();
    (micros >= 0).then_some(Timestamp::from_micros(micros))
}

impl<T: Shape> Shape for Option<T> {
    fn read(value: Value) -> Result<Self, Wrong> {
        if value == Value::Absent { Ok(None) } else { T::read(value).map(Some) }
    }

    fn write(self) -> Value {
        self.map_or(Value::Absent, T::write)
    }
}

impl<T: Shape> Shape for Vec<T> {
    fn read(value: Value) -> Result<Self, Wrong> {
        match value {
            Value::Absent => Ok(Self::new()),
            // That is how botocore writes an empty list.
            Value::Form(text) if text.is_empty() => Ok(Self::new()),
            Value::List(items) => {
                let read = |(item, number): (Value, usize)| {
                    T::read(item).map_err(|wrong| wrong.within(&number.to_string()))
                };
                items.into_iter().zip(1..).map(read).collect()
            }
            _ => Err(Wrong::expected("a list")),
        }
    }

    fn write(self) -> Value {
        Value::List(self.into_iter().map(T::write).collect())
    }
}

/// A value that is not looked at, of members that are refused wherever they are.
impl Shape for Value {
    fn read(value: Value) -> Result<Self, Wrong> {
        Ok(value)
    }

    fn write(self) -> Value {
        self
    }
}

/// The members of a structure.
pub(crate) fn members_of(value: Value) -> Result<Members, Wrong> {
    match value {
        Value::Structure(members) => Ok(members),
        Value::Absent => Ok(Members::default()),
        Value::Form(text) if text.is_empty() => Ok(Members::default()),
        _ => Err(Wrong::expected("a structure")),
    }
}

/// A structure whose members have other names on the wire. Members that it has not are ignored, as in the service.
macro_rules! shape {
    ($(#[$about:meta])* $name:ident { $($field:ident: $type:ty = $wire:literal,)* }) => {
        $(#[$about])*
        #[derive(Debug, Clone, PartialEq)]
        pub(super) struct $name {
            $(pub(super) $field: $type,)*
        }

        impl $crate::wire::Shape for $name {
            fn read(value: $crate::wire::Value) -> Result<Self, $crate::wire::Wrong> {
                let mut members = $crate::wire::members_of(value)?;
                Ok(Self {
                    $($field: $crate::wire::Shape::read(members.take($wire))
                        .map_err(|wrong: $crate::wire::Wrong| wrong.within($wire))?,)*
                })
            }

            fn write(self) -> $crate::wire::Value {
                let mut members = $crate::wire::Members::default();
                $(match $crate::wire::Shape::write(self.$field) {
                    $crate::wire::Value::Absent => {}
                    value => members.put($wire, value),
                })*
                $crate::wire::Value::Structure(members)
            }
        }
    };
}
pub(crate) use shape;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_of_forms_stand_for_values() {
        let form = |text: &str| Value::Form(text.to_owned());
        assert_eq!(bool::read(form("True")), Ok(true));
        assert_eq!(i64::read(form("-5")), Ok(-5));
        assert_eq!(f64::read(form("2.5")), Ok(2.5));
        assert_eq!(Vec::<String>::read(form("")), Ok(Vec::new()));
        for (text, seconds) in [
            ("2026-09-21T14:13:20Z", 1_790_000_000),
            ("2026-09-21T14:13:20.000Z", 1_790_000_000),
            ("2026-09-21T16:13:20+02:00", 1_790_000_000),
            ("2026-09-21T14:13:20", 1_790_000_000),
            ("1790000000", 1_790_000_000),
        ] {
            assert_eq!(
                Timestamp::read(form(text)).map(Timestamp::as_seconds),
                Ok(seconds),
                "{text}"
            );
        }
        for text in ["", "yesterday", "-1", "1969-12-31T00:00:00Z", "1e30", "NaN"] {
            assert!(Timestamp::read(form(text)).is_err(), "{text}");
        }
    }

    #[test]
    fn values_of_other_types_are_refused() {
        let text = || Value::Text("1".to_owned());
        assert!(bool::read(text()).is_err() && i64::read(text()).is_err());
        assert!(f64::read(text()).is_err() && Timestamp::read(text()).is_err());
        assert!(String::read(Value::Integer(1)).is_err());
        assert!(i64::read(Value::Double(1.5)).is_err());
        assert_eq!(i64::read(Value::Double(60.0)), Ok(60));
        assert_eq!(Timestamp::read(Value::Double(1.5)), Ok(Timestamp::from_micros(1_500_000)));
        let wrong = Vec::<i64>::read(Value::List(vec![Value::Integer(1), text()]));
        assert_eq!(
            wrong.expect_err("a text").within("Periods").to_string(),
            "The parameter Periods.2 must be a whole number."
        );
    }
}
