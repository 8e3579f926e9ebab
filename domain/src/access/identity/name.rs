//! Names and paths of IAM.
//!
//! Source: "IAM and AWS STS quotas", "IAM name requirements" and the types of the IAM API reference.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::error::IamError;

fn is_of_a_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"_+=,.@-".contains(&byte)
}

macro_rules! iam_name {
    ($(#[$doc:meta])* $name:ident, $member:literal, $least:literal, $longest:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// Checks a caller's name.
            ///
            /// # Errors
            /// `ValidationError` on this member.
            pub fn parse(text: &str) -> Result<Self, IamError> {
                let refuse = |constraint: String| Err(IamError::validation($member, text, constraint));
                if text.len() < $least {
                    return refuse(format!("Member must have length greater than or equal to {}", $least));
                }
                if text.chars().count() > $longest {
                    return refuse(format!("Member must have length less than or equal to {}", $longest));
                }
                if !text.bytes().all(is_of_a_name) {
                    return refuse(r"Member must satisfy regular expression pattern: [\w+=,.@-]+".to_owned());
                }
                Ok(Self(text.to_owned()))
            }

            /// The name itself.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl TryFrom<String> for $name {
            type Error = IamError;
            fn try_from(text: String) -> Result<Self, IamError> {
                Self::parse(&text)
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> String {
                name.0
            }
        }
    };
}

iam_name!(
    /// The name of a user: 1–64 letters, digits and `_+=,.@-`. Unique in its account without regard to letter case.
    UserName, "userName", 1, 64
);
iam_name!(
    /// The name of a group: 1–128 letters, digits and `_+=,.@-`. Unique in its account without regard to letter case.
    GroupName, "groupName", 1, 128
);
iam_name!(
    /// The name of a role: 1–64 letters, digits and `_+=,.@-`. Unique in its account without regard to letter case.
    RoleName, "roleName", 1, 64
);
iam_name!(
    /// The name of a managed policy, unique in its account without regard to letter case, or of an inline policy, unique
    /// in its user, group or role: 1–128 letters, digits and `_+=,.@-`.
    PolicyName, "policyName", 1, 128
);
iam_name!(
    /// The name of a role's session: 2–64 letters, digits and `_+=,.@-`.
    RoleSessionName, "roleSessionName", 2, 64
);
iam_name!(
    /// Who is behind the sessions of a chain of roles: 2–64 letters, digits and `_+=,.@-`. Set once, it stays.
    SourceIdentity, "sourceIdentity", 2, 64
);

/// The path of a user, group, role or managed policy: `/`, or 1–510 printable ASCII characters between two `/`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Path(String);

impl Path {
    /// Checks a caller's path; none is `/`.
    ///
    /// # Errors
    /// `ValidationError` on `path`.
    pub fn parse(text: Option<&str>) -> Result<Self, IamError> {
        let Some(text) = text else { return Ok(Self::default()) };
        let ends = text == "/" || (text.len() > 2 && text.starts_with('/') && text.ends_with('/'));
        if text.len() > 512 {
            return Err(IamError::validation(
                "path",
                text,
                "Member must have length less than or equal to 512",
            ));
        }
        // An empty part would make two ways to write one ARN.
        if !ends || !text.bytes().all(|b| b.is_ascii_graphic()) || text.contains("//") {
            return Err(IamError::validation(
                "path",
                text,
                r"Member must satisfy regular expression pattern: (\u002F)|(\u002F[\u0021-\u007F]+\u002F)",
            ));
        }
        Ok(Self(text.to_owned()))
    }

    /// The path itself.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for Path {
    fn default() -> Self {
        Self("/".to_owned())
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for Path {
    type Error = IamError;
    fn try_from(text: String) -> Result<Self, IamError> {
        Self::parse(Some(&text))
    }
}

impl From<Path> for String {
    fn from(path: Path) -> String {
        path.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_the_rules_of_iam() {
        for good in ["a", "A_b+c=d,e.f@g-9", &"x".repeat(64)] {
            assert!(UserName::parse(good).is_ok(), "{good}");
        }
        for wrong in ["", "a b", "a/b", "a:b", "ä", &"x".repeat(65)] {
            assert!(UserName::parse(wrong).is_err(), "{wrong}");
            assert!(RoleName::parse(wrong).is_err(), "{wrong}");
        }
        assert!(PolicyName::parse(&"x".repeat(128)).is_ok());
        assert!(GroupName::parse(&"x".repeat(129)).is_err());
        assert!(RoleSessionName::parse("a").is_err());
        let refused = UserName::parse("a b").expect_err("a space");
        assert_eq!(
            refused.message,
            r"1 validation error detected: Value 'a b' at 'userName' failed to satisfy constraint: Member must satisfy regular expression pattern: [\w+=,.@-]+"
        );
    }

    #[test]
    fn paths_begin_and_end_with_a_slash() {
        assert_eq!(Path::parse(None).expect("the default").as_str(), "/");
        for good in ["/", "/a/", "/division_abc/sub~division/"] {
            assert_eq!(Path::parse(Some(good)).expect(good).as_str(), good);
        }
        for wrong in
            ["", "a", "/a", "a/", "//", "/a//b/", "/a b/", "/ä/", &format!("/{}/", "x".repeat(511))]
        {
            assert!(Path::parse(Some(wrong)).is_err(), "{wrong}");
        }
    }
}
