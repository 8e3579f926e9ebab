//! What terms ask for: exact texts, and texts in parts.

use crate::metric::Dimension;

/// A metric that may be found.
#[derive(Debug, Clone, Copy)]
pub struct SearchedMetric<'a> {
    /// The account that it belongs to.
    pub account: &'a str,
    /// Its namespace.
    pub namespace: &'a str,
    /// Its name.
    pub metric: &'a str,
    /// Its dimensions.
    pub dimensions: &'a [Dimension],
}

/// A property of metrics that a term names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Property {
    Namespace,
    MetricName,
    /// `:aws.AccountId`.
    Account,
    Dimension(String),
}

/// What a property has to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Wanted {
    /// In double quotes: the whole text.
    Exactly(String),
    /// Otherwise: these parts, one after the other, in any letter case.
    Parts(Vec<String>),
}

impl Property {
    pub(super) fn named(name: &str) -> Self {
        match name {
            "Namespace" => Self::Namespace,
            "MetricName" => Self::MetricName,
            ":aws.AccountId" => Self::Account,
            other => Self::Dimension(other.to_owned()),
        }
    }

    pub(super) fn matches(&self, metric: &SearchedMetric<'_>, wanted: &Wanted) -> bool {
        match self {
            Self::Namespace => wanted.matches(metric.namespace),
            Self::MetricName => wanted.matches(metric.metric),
            Self::Account => wanted.matches(metric.account) || wanted.is_local(),
            Self::Dimension(name) => {
                metric.dimensions.iter().any(|one| one.name == *name && wanted.matches(&one.value))
            }
        }
    }
}

impl Wanted {
    /// What a word without quotes asks for; none: it has no letters and no digits.
    pub(super) fn parts_of(word: &str) -> Option<Self> {
        let parts = parts(word);
        (!parts.is_empty()).then_some(Self::Parts(parts))
    }

    pub(super) fn matches(&self, text: &str) -> bool {
        match self {
            Self::Exactly(wanted) => wanted == text,
            Self::Parts(wanted) => {
                let whole = wanted.concat();
                let found = parts(text);
                found.windows(wanted.len()).any(|some| some == wanted.as_slice())
                    || found.concat() == whole
            }
        }
    }

    pub(super) fn matches_any_property(&self, metric: &SearchedMetric<'_>) -> bool {
        self.matches(metric.namespace)
            || self.matches(metric.metric)
            || metric
                .dimensions
                .iter()
                .any(|one| self.matches(&one.name) || self.matches(&one.value))
    }

    /// `LOCAL`: the account that asks.
    fn is_local(&self) -> bool {
        match self {
            Self::Exactly(text) => text == "LOCAL",
            Self::Parts(parts) => parts.len() == 1 && parts[0] == "local",
        }
    }
}

/// The parts of a text: what is between other characters than letters and digits, and where lower case becomes upper case;
/// of several capitals the last one begins the next part. `MyCPULoad-2` has `my`, `cpu`, `load`, `2`.
fn parts(text: &str) -> Vec<String> {
    let mut parts = Vec::new();
    let mut part = String::new();
    let letters: Vec<char> = text.chars().collect();
    for (at, c) in letters.iter().enumerate() {
        if !c.is_alphanumeric() {
            parts.push(std::mem::take(&mut part));
            continue;
        }
        let before = at.checked_sub(1).map(|at| letters[at]);
        let next = letters.get(at + 1);
        let begins_word = c.is_uppercase()
            && before.is_some_and(|before| {
                before.is_lowercase()
                    || before.is_uppercase() && next.is_some_and(|next| next.is_lowercase())
            });
        let is_other_kind = before.is_some_and(|before| {
            before.is_alphanumeric() && before.is_numeric() != c.is_numeric()
        });
        if begins_word || is_other_kind {
            parts.push(std::mem::take(&mut part));
        }
        part.extend(c.to_lowercase());
    }
    parts.push(part);
    parts.retain(|part| !part.is_empty());
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_parted_at_signs_capitals_and_digits() {
        for (text, expected) in [
            ("MessageCount", vec!["message", "count"]),
            ("RabbitMQMemUsed", vec!["rabbit", "mq", "mem", "used"]),
            ("MyCPULoad-2", vec!["my", "cpu", "load", "2"]),
            ("AWS/AmazonMQ", vec!["aws", "amazon", "mq"]),
            ("orders_1a", vec!["orders", "1", "a"]),
            ("--", vec![]),
            ("", vec![]),
        ] {
            assert_eq!(parts(text), expected, "{text}");
        }
    }
}
