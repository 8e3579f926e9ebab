//! Conditions of a statement.

use std::net::IpAddr;

use ipnet::IpNet;

use super::{
    context::{Context, ContextValue},
    operator::{Comparison, Operator, Order, Qualifier, TextComparison},
    pattern::{Colons, Pattern, Syntax},
    value::{base64, boolean, moment, number, range},
};

/// An operator, a key and the values of the policy.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Condition {
    operator: Operator,
    key: String,
    expected: Vec<Expected>,
}

/// A value of the policy.
#[derive(Debug, Clone, PartialEq)]
enum Expected {
    Text(Pattern),
    Arn(Pattern),
    Number(Order, f64),
    Moment(Order, i128),
    Bool(bool),
    /// A variable that is to be `true` or `false`.
    BoolOf(Pattern),
    Bytes(Vec<u8>),
    Range(IpNet),
}

impl Condition {
    /// Reads the values that a policy has for a key.
    ///
    /// # Errors
    /// The first value that the operator can't compare with, and why.
    pub(super) fn parse(
        operator: Operator,
        key: &str,
        values: &[String],
        variables: bool,
    ) -> Result<Self, String> {
        let expected = values.iter().map(|value| {
            Expected::parse(operator.comparison, value, variables)
                .map_err(|why| format!("\"{value}\" {why}"))
        });
        Ok(Self { operator, key: key.to_owned(), expected: expected.collect::<Result<_, _>>()? })
    }

    /// Whether the request meets it.
    ///
    /// Several values of the policy are alternatives, of a negated operator none of which may match. Where the key is
    /// absent, negated operators hold, as do `ForAllValues` and `IfExists`. An operator without a qualifier finds a key
    /// of several values unlike every single value.
    ///
    /// Source: "Conditions with multiple context keys or values" and "Condition operators" of the IAM user guide.
    pub(super) fn holds(&self, context: &Context) -> bool {
        let Operator { qualifier, comparison, is_negated, if_exists } = self.operator;
        let actual = context.get(&self.key);
        if comparison == Comparison::Null {
            return self.expected.contains(&Expected::Bool(actual.is_none()));
        }
        let values: &[String] = match actual {
            None => &[],
            Some(ContextValue::One(value)) => std::slice::from_ref(value),
            Some(ContextValue::Many(values)) => values,
        };
        if actual.is_none() && if_exists {
            return true;
        }
        let holds = |value: &String| self.matches(value, context) != is_negated;
        match qualifier {
            Qualifier::Single => match values {
                [value] => holds(value),
                _ => is_negated,
            },
            // Source: an empty text is an empty set to them, "Multivalued context keys" there.
            Qualifier::ForAnyValue => values.iter().any(|value| !value.is_empty() && holds(value)),
            Qualifier::ForAllValues => values.iter().all(|value| value.is_empty() || holds(value)),
        }
    }

    /// The condition keys that it asks for.
    pub(super) fn keys(&self) -> impl Iterator<Item = &str> {
        let of_values = self.expected.iter().flat_map(|expected| match expected {
            Expected::Text(pattern) | Expected::Arn(pattern) | Expected::BoolOf(pattern) => {
                pattern.keys().collect()
            }
            _ => Vec::new(),
        });
        std::iter::once(self.key.as_str()).chain(of_values)
    }

    fn matches(&self, value: &str, context: &Context) -> bool {
        self.expected.iter().any(|expected| expected.matches(value, context))
    }
}

impl Expected {
    fn parse(comparison: Comparison, text: &str, variables: bool) -> Result<Self, String> {
        let pattern = |wildcards, ignores_case, colons| {
            Pattern::parse(text, Syntax { wildcards, variables, ignores_case, colons })
                .map_err(|error| error.to_string())
        };
        let known = match comparison {
            Comparison::String(how) => {
                let is_like = how == TextComparison::Like;
                let ignores_case = how == TextComparison::EqualsIgnoreCase;
                return pattern(is_like, ignores_case, Colons::Ordinary).map(Self::Text);
            }
            Comparison::Arn => return pattern(true, false, Colons::Arn).map(Self::Arn),
            Comparison::Bool if variables && text.starts_with("${") => {
                return pattern(false, true, Colons::Ordinary).map(Self::BoolOf);
            }
            Comparison::Bool | Comparison::Null => {
                boolean(text).map(Self::Bool).ok_or("is neither true nor false")
            }
            Comparison::Numeric(order) => {
                number(text).map(|number| Self::Number(order, number)).ok_or("is not a number")
            }
            Comparison::Date(order) => {
                let at = moment(text).map(|moment| Self::Moment(order, moment));
                at.ok_or("is neither a date of ISO 8601 nor a number of seconds since 1970")
            }
            Comparison::Binary => base64(text).map(Self::Bytes).ok_or("is not in base 64"),
            Comparison::IpAddress => {
                range(text).map(Self::Range).ok_or("is neither an address nor a range in CIDR form")
            }
        };
        known.map_err(str::to_owned)
    }

    /// Whether a value of the request is like it. What the operator can't read is not.
    fn matches(&self, value: &str, context: &Context) -> bool {
        match self {
            Self::Text(pattern) => pattern.matches(value, context),
            Self::Arn(pattern) => is_arn(value) && pattern.matches(value, context),
            Self::Number(order, expected) => {
                number(value).is_some_and(|actual| order.holds(&actual, expected))
            }
            Self::Moment(order, expected) => {
                moment(value).is_some_and(|actual| order.holds(&actual, expected))
            }
            Self::Bool(expected) => boolean(value) == Some(*expected),
            Self::BoolOf(pattern) => boolean(value).is_some() && pattern.matches(value, context),
            Self::Bytes(expected) => base64(value).as_ref() == Some(expected),
            Self::Range(expected) => {
                let address = value.parse::<IpAddr>();
                address.is_ok_and(|address| expected.contains(&address.to_canonical()))
            }
        }
    }
}

fn is_arn(text: &str) -> bool {
    text.starts_with("arn:") && text.splitn(6, ':').count() == 6
}
