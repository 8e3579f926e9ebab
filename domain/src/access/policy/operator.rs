//! Condition operators by their names.

/// A condition operator.
///
/// Source: "Condition operators" of the IAM user guide.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Operator {
    pub(super) qualifier: Qualifier,
    pub(super) comparison: Comparison,
    /// Holds where the comparison does not, for none of the values.
    pub(super) is_negated: bool,
    /// Holds where the key is absent.
    pub(super) if_exists: bool,
}

/// How the values of a multivalued key count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Qualifier {
    Single,
    ForAnyValue,
    ForAllValues,
}

/// What is compared, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Comparison {
    String(TextComparison),
    Numeric(Order),
    Date(Order),
    Bool,
    Binary,
    IpAddress,
    Arn,
    Null,
}

/// How texts are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TextComparison {
    Equals,
    EqualsIgnoreCase,
    Like,
}

/// How what can be ordered is compared: the request's value with that of the policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    Equals,
    LessThan,
    LessThanEquals,
    GreaterThan,
    GreaterThanEquals,
}

/// Every operator without qualifier and `IfExists`, and whether it is negated.
const OPERATORS: &[(&str, Comparison, bool)] = &[
    ("StringEquals", Comparison::String(TextComparison::Equals), false),
    ("StringNotEquals", Comparison::String(TextComparison::Equals), true),
    ("StringEqualsIgnoreCase", Comparison::String(TextComparison::EqualsIgnoreCase), false),
    ("StringNotEqualsIgnoreCase", Comparison::String(TextComparison::EqualsIgnoreCase), true),
    ("StringLike", Comparison::String(TextComparison::Like), false),
    ("StringNotLike", Comparison::String(TextComparison::Like), true),
    ("NumericEquals", Comparison::Numeric(Order::Equals), false),
    ("NumericNotEquals", Comparison::Numeric(Order::Equals), true),
    ("NumericLessThan", Comparison::Numeric(Order::LessThan), false),
    ("NumericLessThanEquals", Comparison::Numeric(Order::LessThanEquals), false),
    ("NumericGreaterThan", Comparison::Numeric(Order::GreaterThan), false),
    ("NumericGreaterThanEquals", Comparison::Numeric(Order::GreaterThanEquals), false),
    ("DateEquals", Comparison::Date(Order::Equals), false),
    ("DateNotEquals", Comparison::Date(Order::Equals), true),
    ("DateLessThan", Comparison::Date(Order::LessThan), false),
    ("DateLessThanEquals", Comparison::Date(Order::LessThanEquals), false),
    ("DateGreaterThan", Comparison::Date(Order::GreaterThan), false),
    ("DateGreaterThanEquals", Comparison::Date(Order::GreaterThanEquals), false),
    ("Bool", Comparison::Bool, false),
    ("BinaryEquals", Comparison::Binary, false),
    ("IpAddress", Comparison::IpAddress, false),
    ("NotIpAddress", Comparison::IpAddress, true),
    // These two are the same: both take wildcards.
    ("ArnEquals", Comparison::Arn, false),
    ("ArnLike", Comparison::Arn, false),
    ("ArnNotEquals", Comparison::Arn, true),
    ("ArnNotLike", Comparison::Arn, true),
];

impl Operator {
    /// The operator of that name, in any letter case.
    pub(super) fn parse(name: &str) -> Option<Self> {
        if name.eq_ignore_ascii_case("Null") {
            return Some(Self {
                qualifier: Qualifier::Single,
                comparison: Comparison::Null,
                is_negated: false,
                if_exists: false,
            });
        }
        let (qualifier, rest) = match name.split_once(':') {
            Some((qualifier, rest)) if qualifier.eq_ignore_ascii_case("ForAnyValue") => {
                (Qualifier::ForAnyValue, rest)
            }
            Some((qualifier, rest)) if qualifier.eq_ignore_ascii_case("ForAllValues") => {
                (Qualifier::ForAllValues, rest)
            }
            Some(_) => return None,
            None => (Qualifier::Single, name),
        };
        let plain = strip_suffix_ignoring_case(rest, "IfExists");
        let wanted = plain.unwrap_or(rest);
        let known = OPERATORS.iter().find(|(known, ..)| known.eq_ignore_ascii_case(wanted));
        known.map(|(_, comparison, is_negated)| Self {
            qualifier,
            comparison: *comparison,
            is_negated: *is_negated,
            if_exists: plain.is_some(),
        })
    }
}

fn strip_suffix_ignoring_case<'a>(text: &'a str, suffix: &str) -> Option<&'a str> {
    let at = text.len().checked_sub(suffix.len())?;
    let end = text.get(at..)?;
    if end.eq_ignore_ascii_case(suffix) { text.get(..at) } else { None }
}

impl Order {
    /// Whether it holds of two values.
    pub(super) fn holds<T: PartialOrd>(self, actual: &T, expected: &T) -> bool {
        match self {
            Self::Equals => actual == expected,
            Self::LessThan => actual < expected,
            Self::LessThanEquals => actual <= expected,
            Self::GreaterThan => actual > expected,
            Self::GreaterThanEquals => actual >= expected,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_operator_has_its_variants() {
        for (name, comparison, is_negated) in OPERATORS {
            for (qualifier, prefix) in [
                (Qualifier::Single, ""),
                (Qualifier::ForAnyValue, "ForAnyValue:"),
                (Qualifier::ForAllValues, "ForAllValues:"),
            ] {
                for (if_exists, suffix) in [(false, ""), (true, "IfExists")] {
                    let operator = Operator {
                        qualifier,
                        comparison: *comparison,
                        is_negated: *is_negated,
                        if_exists,
                    };
                    let full = format!("{prefix}{name}{suffix}");
                    assert_eq!(Operator::parse(&full), Some(operator), "{full}");
                    assert_eq!(Operator::parse(&full.to_lowercase()), Some(operator), "{full}");
                }
            }
        }
    }

    #[test]
    fn other_names_are_none() {
        for name in [
            "",
            "StringMatches",
            "IfExists",
            "NullIfExists",
            "ForAnyValue:Null",
            "ForSomeValues:StringEquals",
            "StringEquals:ForAnyValue",
            "NotBool",
            "StringEqualsIfExistsIfExists",
        ] {
            assert_eq!(Operator::parse(name), None, "{name}");
        }
    }
}
