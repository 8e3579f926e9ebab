//! Users of a broker and the rules for their names, groups and passwords.

use std::{collections::BTreeSet, fmt};

use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use crate::{EngineType, Error};

/// The name of a broker user, valid for its engine.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Username(String);

impl Username {
    /// Checks a name: 2–100 characters of letters, digits and `-._~`; RabbitMQ permits neither `~`
    /// nor the name `guest`.
    ///
    /// # Errors
    /// A 400 on `username`.
    pub fn parse(engine: EngineType, text: &str) -> Result<Self, Error> {
        let permitted = |c: char| {
            c.is_ascii_alphanumeric()
                || "-._".contains(c)
                || (c == '~' && engine == EngineType::ActiveMq)
        };
        if !(2..=100).contains(&text.len()) || !text.chars().all(permitted) {
            let extra = match engine {
                EngineType::ActiveMq => "(- . _ ~)",
                EngineType::RabbitMq => "(- . _)",
            };
            return Err(Error::bad_request(
                "username",
                format!(
                    "Username [{text}] is invalid. Enter a username 2 to 100 characters long that contains only alphanumeric characters and {extra}."
                ),
            ));
        }
        if engine == EngineType::RabbitMq && text.eq_ignore_ascii_case("guest") {
            return Err(Error::bad_request(
                "username",
                "Username [guest] is reserved. Specify another username.",
            ));
        }
        Ok(Self(text.to_owned()))
    }

    /// The name itself.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Username {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A group of ActiveMQ users: 2–100 characters of letters, digits and `-._~`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Group(String);

impl Group {
    /// Most groups a user may be in.
    pub const MOST_PER_USER: usize = 20;

    /// Checks a group's name.
    ///
    /// # Errors
    /// A 400 on `groups`.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let permitted = |c: char| c.is_ascii_alphanumeric() || "-._~".contains(c);
        if !(2..=100).contains(&text.len()) || !text.chars().all(permitted) {
            return Err(Error::bad_request(
                "groups",
                format!(
                    "Group [{text}] is invalid. Enter a group name 2 to 100 characters long that contains only alphanumeric characters and (- . _ ~)."
                ),
            ));
        }
        Ok(Self(text.to_owned()))
    }

    /// The name itself.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Checks a broker user's password: 12–250 printable ASCII characters, at least four different
/// ones, none of `, : =`.
///
/// # Errors
/// A 400 on `password`; the text never contains the password.
pub fn parse_password(text: &str) -> Result<SecretString, Error> {
    let refuse = |message: &str| Err(Error::bad_request("password", message));
    if !(12..=250).contains(&text.chars().count()) {
        return refuse("Password is invalid. Enter a password 12 to 250 characters long.");
    }
    if text.contains([',', ':', '=']) {
        return refuse("Make sure your password doesn't contain invalid characters [, :=].");
    }
    if !text.chars().all(|c| c.is_ascii_graphic() || c == ' ') {
        return refuse("Make sure your password contains only printable ASCII characters.");
    }
    if text.chars().collect::<BTreeSet<_>>().len() < 4 {
        return refuse("Make sure your password contains at least 4 unique characters.");
    }
    Ok(SecretString::from(text.to_owned()))
}

/// What the next reboot will do to a user.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum PendingChange {
    /// The user will exist.
    Create,
    /// The user's password, groups or console access will change.
    Update,
    /// The user will be gone.
    Delete,
}

impl PendingChange {
    /// The spelling of the service model.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Create => "CREATE",
            Self::Update => "UPDATE",
            Self::Delete => "DELETE",
        }
    }
}

/// A user as the control plane keeps it, password included.
#[derive(Debug, Clone)]
pub struct BrokerUser {
    /// The name, unique in the broker.
    pub username: Username,
    /// The password; sealed at rest, redacted in `Debug`.
    pub password: SecretString,
    /// The groups, sorted and without repetition.
    pub groups: BTreeSet<Group>,
    /// Whether the user may use the web console.
    pub console_access: bool,
    /// Whether the user is that of a data replication bridge.
    pub replication_user: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usernames_follow_the_rules_of_their_engine() {
        for good in ["ab", "A.b_c-d~9", &"a".repeat(100)] {
            assert!(Username::parse(EngineType::ActiveMq, good).is_ok(), "{good}");
        }
        for wrong in ["", "a", "a b", "a,b", "ä1", &"a".repeat(101)] {
            assert!(Username::parse(EngineType::ActiveMq, wrong).is_err(), "{wrong}");
        }
        assert!(Username::parse(EngineType::RabbitMq, "a~b").is_err());
        assert!(Username::parse(EngineType::RabbitMq, "guest").is_err());
        assert!(Username::parse(EngineType::ActiveMq, "guest").is_ok());
    }

    #[test]
    fn passwords_follow_the_rules_and_are_never_quoted() {
        assert!(parse_password("abcdabcdabcd").is_ok());
        assert!(parse_password(&"abcd".repeat(62)).is_ok());
        let refused = |text: &str| parse_password(text).expect_err("refused").message;
        assert_eq!(
            refused("short"),
            "Password is invalid. Enter a password 12 to 250 characters long."
        );
        assert_eq!(
            refused(&"abcd".repeat(63)),
            "Password is invalid. Enter a password 12 to 250 characters long."
        );
        for bad in ["abcdefghijk,", "abcdefghijk:", "abcdefghijk="] {
            assert_eq!(
                refused(bad),
                "Make sure your password doesn't contain invalid characters [, :=]."
            );
        }
        assert!(refused("abcabcabcabc").contains("unique"));
        assert!(refused("abcdefghijklmn\u{e9}").contains("ASCII"));
        assert!(refused("abcdefghijklmn\n").contains("ASCII"));
    }

    #[test]
    fn a_password_does_not_show_in_debug_output() {
        let user = BrokerUser {
            username: Username::parse(EngineType::ActiveMq, "alice").expect("valid"),
            password: parse_password("correct-horse-battery").expect("valid"),
            groups: BTreeSet::new(),
            console_access: false,
            replication_user: false,
        };
        assert!(!format!("{user:?}").contains("horse"));
    }
}
