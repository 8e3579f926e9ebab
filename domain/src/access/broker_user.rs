//! Users of a broker and the rules for their names, groups and passwords.

use std::{collections::BTreeSet, fmt};

use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

use crate::{
    catalogue::EngineType,
    kernel::{Error, required},
};

/// Most users an ActiveMQ broker keeps.
///
/// Source: quota page of the developer guide.
pub const MAX_USERS: usize = 250;

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
    pub const MAX_PER_USER: usize = 20;

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

/// The change of a user that the next reboot applies.
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

    /// The change of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Create, Self::Update, Self::Delete].into_iter().find(|c| c.as_str() == name)
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

/// One user as a caller describes it, in CreateBroker's `users` or with CreateUser.
#[derive(Debug, Clone, Default)]
#[expect(missing_docs, reason = "the members are those of the service's User, name by name")]
pub struct UserInput {
    pub username: Option<String>,
    pub password: Option<SecretString>,
    pub console_access: Option<bool>,
    pub groups: Vec<String>,
    pub replication_user: Option<bool>,
}

impl BrokerUser {
    /// Checks a caller's user. For RabbitMQ only name and password count: the rest means nothing there
    /// and is ignored, as the service does.
    ///
    /// # Errors
    /// A 400 on the first member at fault.
    pub fn parse(engine: EngineType, input: UserInput) -> Result<Self, Error> {
        let username = required("username", input.username)?;
        let username = Username::parse(engine, &username)?;
        let password = required("password", input.password)?;
        let password = parse_password(password.expose_secret())?;
        let nothing = UserAttributes::default();
        let attributes = match engine {
            EngineType::RabbitMq => nothing,
            EngineType::ActiveMq => UserUpdate {
                password: None,
                console_access: input.console_access,
                groups: Some(parse_groups(&input.groups)?),
                replication_user: input.replication_user,
            }
            .applied_to(&nothing)?,
        };
        Ok(Self {
            username,
            password,
            groups: attributes.groups,
            console_access: attributes.console_access,
            replication_user: attributes.replication_user,
        })
    }
}

/// The attributes of an ActiveMQ user.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserAttributes {
    /// The groups, sorted and without repetition.
    pub groups: BTreeSet<Group>,
    /// Whether the user may use the web console.
    pub console_access: bool,
    /// Whether the user is that of a data replication bridge.
    pub replication_user: bool,
}

/// A valid UpdateUser: what is absent keeps its value.
#[derive(Debug, Clone, Default)]
pub struct UserUpdate {
    /// The new password.
    pub password: Option<SecretString>,
    /// Whether the user may use the web console.
    pub console_access: Option<bool>,
    /// All groups; an empty set leaves none.
    pub groups: Option<BTreeSet<Group>>,
    /// Whether the user is that of a data replication bridge.
    pub replication_user: Option<bool>,
}

impl UserUpdate {
    /// Checks a caller's changes; `groups` of none keeps the groups.
    ///
    /// # Errors
    /// A 400 on the first member at fault.
    pub fn parse(
        password: Option<&SecretString>,
        console_access: Option<bool>,
        groups: Option<&[String]>,
        replication_user: Option<bool>,
    ) -> Result<Self, Error> {
        Ok(Self {
            password: password.map(|p| parse_password(p.expose_secret())).transpose()?,
            console_access,
            groups: groups.map(parse_groups).transpose()?,
            replication_user,
        })
    }

    /// The attributes after the update.
    ///
    /// # Errors
    /// The service's 400 when a replication user would have console access.
    pub fn applied_to(&self, before: &UserAttributes) -> Result<UserAttributes, Error> {
        let after = UserAttributes {
            groups: self.groups.clone().unwrap_or_else(|| before.groups.clone()),
            console_access: self.console_access.unwrap_or(before.console_access),
            replication_user: self.replication_user.unwrap_or(before.replication_user),
        };
        if after.console_access && after.replication_user {
            return Err(Error::bad_request_overall(
                "Replication user couldn't have console access. [replicationUser] and [consoleAccess] are mutually exclusive parameters.",
            ));
        }
        Ok(after)
    }
}

/// A user of an ActiveMQ broker as the API shows it: what is in force, and what waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ManagedUser {
    /// The name.
    pub username: Username,
    /// In force; of a user that does not exist yet, what it will be.
    pub attributes: UserAttributes,
    /// The pending change, and the attributes after it.
    pub pending: Option<(PendingChange, UserAttributes)>,
}

/// The refusal of every change of a RabbitMQ broker's users, which RabbitMQ itself looks after.
pub fn rabbitmq_owns_its_users() -> Error {
    Error::bad_request_overall(
        "To manage broker users, please use the RabbitMQ web console, or the management API",
    )
}

fn parse_groups(texts: &[String]) -> Result<BTreeSet<Group>, Error> {
    let groups: BTreeSet<Group> =
        texts.iter().map(|g| Group::parse(g)).collect::<Result<_, _>>()?;
    if groups.len() > Group::MAX_PER_USER {
        return Err(Error::bad_request(
            "groups",
            format!("A user can be in at most [{}] groups.", Group::MAX_PER_USER),
        ));
    }
    Ok(groups)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_update_leaves_out_stays_and_an_empty_list_of_groups_clears_them() {
        let group = |name| Group::parse(name).expect("valid");
        let before = UserAttributes {
            groups: [group("admins")].into(),
            console_access: true,
            replication_user: false,
        };
        let unchanged = UserUpdate::parse(None, None, None, None).expect("valid");
        assert_eq!(unchanged.applied_to(&before), Ok(before.clone()));
        let cleared = UserUpdate::parse(None, Some(false), Some(&[]), None).expect("valid");
        assert_eq!(cleared.applied_to(&before), Ok(UserAttributes::default()));
        let both = UserUpdate::parse(None, None, None, Some(true)).expect("valid");
        assert!(both.applied_to(&before).expect_err("both").message.contains("mutually exclusive"));
        let many: Vec<String> = (10..31).map(|n| n.to_string()).collect();
        assert!(UserUpdate::parse(None, None, Some(&many), None).is_err());
    }

    #[test]
    fn rabbitmq_ignores_what_only_activemq_knows() {
        let input = || UserInput {
            username: Some("alice".to_owned()),
            password: Some(SecretString::from("correct-horse-battery")),
            console_access: Some(true),
            groups: vec!["!".to_owned()],
            replication_user: Some(true),
        };
        let user = BrokerUser::parse(EngineType::RabbitMq, input()).expect("valid");
        assert!(!user.console_access && user.groups.is_empty());
        assert!(BrokerUser::parse(EngineType::ActiveMq, input()).is_err());
        let nameless = UserInput { username: None, ..input() };
        let refused = BrokerUser::parse(EngineType::ActiveMq, nameless).expect_err("no name");
        assert_eq!(refused.message, "[username] is required.");
    }

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
