//! Identifiers of IAM.
//!
//! Source: "IAM identifiers", "Unique identifiers" of the IAM user guide.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::kernel::{AccountId, Entropy};

/// The text was no identifier of the wanted kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a valid {0}")]
pub struct InvalidIamId(&'static str);

const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// A prefix and that many random letters.
fn generate(prefix: &str, letters: usize, entropy: &dyn Entropy) -> String {
    let mut bytes = vec![0; letters];
    entropy.fill(&mut bytes);
    // The alphabet divides 256, so no letter is likelier than another.
    let letters = bytes.iter().map(|byte| char::from(BASE32[usize::from(byte % 32)]));
    prefix.chars().chain(letters).collect()
}

fn is_unique_id(text: &str, prefix: &str) -> bool {
    text.strip_prefix(prefix).is_some_and(|rest| {
        (12..=124).contains(&rest.len())
            && rest.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
    })
}

macro_rules! unique_id {
    ($(#[$doc:meta])* $name:ident, $prefix:literal, $what:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// A fresh identifier.
            pub fn generate(entropy: &dyn Entropy) -> Self {
                Self(generate($prefix, 17, entropy))
            }

            /// The text itself.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl FromStr for $name {
            type Err = InvalidIamId;
            fn from_str(text: &str) -> Result<Self, InvalidIamId> {
                if is_unique_id(text, $prefix) { Ok(Self(text.to_owned())) } else { Err(InvalidIamId($what)) }
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidIamId;
            fn try_from(text: String) -> Result<Self, InvalidIamId> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> String {
                id.0
            }
        }
    };
}

unique_id!(
    /// `AIDA…`: the identifier of a user, never given to another one.
    UserId, "AIDA", "user ID"
);
unique_id!(
    /// `AGPA…`: the identifier of a group.
    GroupId, "AGPA", "group ID"
);
unique_id!(
    /// `AROA…`: the identifier of a role.
    RoleId, "AROA", "role ID"
);
unique_id!(
    /// `ANPA…`: the identifier of a managed policy.
    PolicyId, "ANPA", "policy ID"
);

/// Who in an account has policies or keys. The identifier of an account's root is the account's own.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum IdentityId {
    /// The account's root, which may do everything in the account.
    Root(AccountId),
    /// A user.
    User(UserId),
    /// A group of users.
    Group(GroupId),
    /// A role.
    Role(RoleId),
}

impl IdentityId {
    /// The text itself.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Root(id) => id.as_str(),
            Self::User(id) => id.as_str(),
            Self::Group(id) => id.as_str(),
            Self::Role(id) => id.as_str(),
        }
    }
}

impl fmt::Display for IdentityId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for IdentityId {
    type Err = InvalidIamId;

    fn from_str(text: &str) -> Result<Self, InvalidIamId> {
        let invalid = InvalidIamId("identity ID");
        match text.get(..4) {
            Some("AIDA") => text.parse().map(Self::User),
            Some("AGPA") => text.parse().map(Self::Group),
            Some("AROA") => text.parse().map(Self::Role),
            _ => text.parse().map(Self::Root).map_err(|_| invalid),
        }
    }
}

/// The public part of an access key. `AKIA…` is a key that lasts, `ASIA…` one of a session; what operators have
/// configured themselves may begin otherwise.
///
/// Source: `accessKeyIdType` of the IAM API reference, but for the least length.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct AccessKeyId(String);

impl AccessKeyId {
    const TEMPORARY: &'static str = "ASIA";

    /// The identifier of a key that lasts.
    pub fn generate(entropy: &dyn Entropy) -> Self {
        Self(generate("AKIA", 16, entropy))
    }

    /// The identifier of a key of a session.
    pub fn generate_temporary(entropy: &dyn Entropy) -> Self {
        Self(generate(Self::TEMPORARY, 16, entropy))
    }

    /// The text itself.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether requests have to bring the session's token.
    pub fn is_temporary(&self) -> bool {
        self.0.starts_with(Self::TEMPORARY)
    }
}

impl fmt::Display for AccessKeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for AccessKeyId {
    type Err = InvalidIamId;

    fn from_str(text: &str) -> Result<Self, InvalidIamId> {
        let word = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
        if (1..=128).contains(&text.len()) && text.bytes().all(word) {
            return Ok(Self(text.to_owned()));
        }
        Err(InvalidIamId("access key ID"))
    }
}

impl TryFrom<String> for AccessKeyId {
    type Error = InvalidIamId;
    fn try_from(text: String) -> Result<Self, InvalidIamId> {
        text.parse()
    }
}

impl From<AccessKeyId> for String {
    fn from(id: AccessKeyId) -> String {
        id.0
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Counts, so that nothing generated is the same twice.
    #[derive(Default)]
    pub(in super::super) struct Counting(std::sync::atomic::AtomicU8);

    impl Entropy for Counting {
        fn fill(&self, bytes: &mut [u8]) {
            for byte in bytes {
                *byte = self.0.fetch_add(7, std::sync::atomic::Ordering::Relaxed);
            }
        }
    }

    #[test]
    fn identifiers_have_their_prefix_and_length_and_are_read_back() {
        let entropy = Counting::default();
        let user = UserId::generate(&entropy);
        assert!(user.as_str().starts_with("AIDA") && user.as_str().len() == 21, "{user}");
        assert_eq!(user.as_str().parse(), Ok(user.clone()));
        assert!(user.as_str().parse::<RoleId>().is_err());
        let key = AccessKeyId::generate(&entropy);
        assert!(key.as_str().starts_with("AKIA") && key.as_str().len() == 20, "{key}");
        assert!(!key.is_temporary());
        let key = AccessKeyId::generate_temporary(&entropy);
        assert!(key.as_str().starts_with("ASIA") && key.is_temporary());
        assert_eq!(
            "AIDACKCEVSQ6C2EXAMPLE".parse::<UserId>().map(String::from),
            Ok("AIDACKCEVSQ6C2EXAMPLE".to_owned())
        );
        for wrong in
            ["", "AIDA", "AIDAckcevsq6c2example", "AIDACKCEVSQ6C2/XAMPLE", "AROACKCEVSQ6C2EXAMPLE"]
        {
            assert!(wrong.parse::<UserId>().is_err(), "{wrong}");
        }
        for wrong in ["", "AKIA/1", "AKIA 1", &"A".repeat(129)] {
            assert!(wrong.parse::<AccessKeyId>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn an_identity_tells_its_kind_by_its_identifier() {
        let id = |text: &str| text.parse::<IdentityId>();
        assert!(matches!(id("000000000000"), Ok(IdentityId::Root(_))));
        assert!(matches!(id("AIDACKCEVSQ6C2EXAMPLE"), Ok(IdentityId::User(_))));
        assert!(matches!(id("AGPACKCEVSQ6C2EXAMPLE"), Ok(IdentityId::Group(_))));
        assert!(matches!(id("AROACKCEVSQ6C2EXAMPLE"), Ok(IdentityId::Role(_))));
        for wrong in ["", "ANPACKCEVSQ6C2EXAMPLE", "AIDA", "äöü", "00000000000"] {
            assert!(id(wrong).is_err(), "{wrong}");
        }
        assert_eq!(id("000000000000").expect("valid").to_string(), "000000000000");
    }
}
