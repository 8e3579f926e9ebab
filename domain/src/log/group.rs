//! Names of log groups and log streams, and how long groups keep events.

use std::fmt;

/// A valid name of a log group.
///
/// Source: CreateLogGroup of the CloudWatch Logs API reference: 1 to 512 of `a-zA-Z0-9_-/.#`, not beginning with `aws/`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LogGroupName(String);

/// A valid name of a log stream.
///
/// Source: CreateLogStream of the CloudWatch Logs API reference: 1 to 512 characters without `:` and `*`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LogStreamName(String);

/// A name can't be one, in the service's words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "1 validation error detected: Value '{value}' at '{member}' failed to satisfy constraint: Member must satisfy regular expression pattern: {pattern}"
)]
pub struct InvalidLogName {
    value: String,
    member: &'static str,
    pattern: &'static str,
}

const MAX_LENGTH: usize = 512;

impl LogGroupName {
    /// Reads a name.
    ///
    /// # Errors
    /// That it is none.
    pub fn parse(name: &str) -> Result<Self, InvalidLogName> {
        let is_valid = (1..=MAX_LENGTH).contains(&name.len())
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-/.#".contains(&byte))
            && !name.starts_with("aws/");
        if is_valid {
            return Ok(Self(name.to_owned()));
        }
        let pattern = "[\\.\\-_/#A-Za-z0-9]+";
        Err(InvalidLogName { value: shown(name), member: "logGroupName", pattern })
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl LogStreamName {
    /// Reads a name.
    ///
    /// # Errors
    /// That it is none.
    pub fn parse(name: &str) -> Result<Self, InvalidLogName> {
        let is_valid = (1..=MAX_LENGTH).contains(&name.chars().count())
            && !name.contains([':', '*'])
            && !name.contains(char::is_control);
        if is_valid {
            return Ok(Self(name.to_owned()));
        }
        let pattern = "[^:*]*";
        Err(InvalidLogName { value: shown(name), member: "logStreamName", pattern })
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn shown(name: &str) -> String {
    name.chars().filter(|c| !c.is_control()).take(100).collect()
}

impl fmt::Display for LogGroupName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for LogStreamName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// For how many days a group may keep events.
///
/// Source: PutRetentionPolicy of the CloudWatch Logs API reference.
pub const RETENTION_DAYS: [u16; 22] = [
    1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922,
    3288, 3653,
];

/// Whether a group may keep events for as many days.
pub fn is_retention(days: i64) -> bool {
    RETENTION_DAYS.iter().any(|known| i64::from(*known) == days)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_groups_have_few_characters() {
        for good in ["/aws/amazonmq/broker/b-1/general", "a", "A.b_c-d#e/0", &"x".repeat(512)] {
            assert_eq!(LogGroupName::parse(good).map(|name| name.to_string()), Ok(good.to_owned()));
        }
        for bad in ["", "a b", "ä", "a:b", "a*", "aws/x", &"x".repeat(513)] {
            let refused = LogGroupName::parse(bad).expect_err(bad).to_string();
            assert!(refused.contains("at 'logGroupName' failed"), "{refused}");
        }
    }

    #[test]
    fn names_of_streams_have_no_colon_and_no_star() {
        for good in ["activemq-b-1-1.log", "ä b/[$LATEST]", &"ü".repeat(512)] {
            assert!(LogStreamName::parse(good).is_ok(), "{good}");
        }
        for bad in ["", "a:b", "*", "a\nb", &"ü".repeat(513)] {
            assert!(LogStreamName::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn groups_keep_events_for_the_days_of_the_service() {
        assert!(is_retention(1) && is_retention(3653) && is_retention(14));
        assert!(!is_retention(0) && !is_retention(2) && !is_retention(10_000) && !is_retention(-1));
    }
}
