//! The name of a broker.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::error::Error;

/// A broker's name: 1–50 letters, digits, hyphens and underscores; unique per account and region.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct BrokerName(String);

impl BrokerName {
    /// Checks a caller's name.
    ///
    /// # Errors
    /// A 400 on `brokerName`.
    pub fn parse(text: &str) -> Result<Self, Error> {
        if text.is_empty() || text.chars().count() > 50 {
            return Err(Error::bad_request(
                "brokerName",
                "Broker name is invalid. Enter a name 1 to 50 characters long.",
            ));
        }
        if !text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_') {
            return Err(Error::bad_request(
                "brokerName",
                "Make sure your Broker name only contains valid characters.",
            ));
        }
        Ok(Self(text.to_owned()))
    }

    /// The name itself.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for BrokerName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn broker_names_follow_the_rules() {
        for good in ["a", "A-b_9", &"x".repeat(50)] {
            assert!(BrokerName::parse(good).is_ok(), "{good}");
        }
        for wrong in ["", "a.b", "a~b", "a b", "ä", &"x".repeat(51)] {
            assert!(BrokerName::parse(wrong).is_err(), "{wrong}");
        }
    }
}
