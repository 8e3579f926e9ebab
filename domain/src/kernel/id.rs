//! Identifiers that cannot be mixed up or malformed.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::clock::Entropy;

/// The text was no identifier of the wanted kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a valid {0}")]
pub struct InvalidId(&'static str);

macro_rules! prefixed_uuid {
    ($(#[$doc:meta])* $name:ident, $prefix:literal, $what:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(Uuid);

        impl $name {
            /// A fresh identifier.
            pub fn generate(entropy: &dyn Entropy) -> Self {
                Self(entropy.uuid())
            }

            /// The UUID behind the prefix.
            pub const fn uuid(self) -> Uuid {
                self.0
            }
        }

        impl From<Uuid> for $name {
            fn from(uuid: Uuid) -> Self {
                Self(uuid)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str($prefix)?;
                f.write_str(self.0.as_hyphenated().encode_lower(&mut Uuid::encode_buffer()))
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            /// Takes only the form that is printed: lower case, with hyphens.
            fn from_str(text: &str) -> Result<Self, InvalidId> {
                let invalid = InvalidId($what);
                let rest = text.strip_prefix($prefix).ok_or(invalid)?;
                let id = Self(Uuid::try_parse(rest).map_err(|_| invalid)?);
                if id.to_string() == text { Ok(id) } else { Err(invalid) }
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidId;
            fn try_from(text: String) -> Result<Self, InvalidId> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> String {
                id.to_string()
            }
        }
    };
}

prefixed_uuid!(
    /// `b-` and a UUID: the identifier of a broker.
    BrokerId, "b-", "broker ID"
);
prefixed_uuid!(
    /// `c-` and a UUID: the identifier of a configuration.
    ConfigurationId, "c-", "configuration ID"
);
prefixed_uuid!(
    /// `w-` and a UUID: one provisioner process in one life.
    WorkerId, "w-", "worker ID"
);

prefixed_uuid!(
    /// `f-` and a UUID: the identifier of an injected fault.
    FaultId, "f-", "fault ID"
);

macro_rules! checked_text {
    ($(#[$doc:meta])* $name:ident, $what:literal, $check:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
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
            type Err = InvalidId;
            fn from_str(text: &str) -> Result<Self, InvalidId> {
                let check: fn(&str) -> bool = $check;
                if check(text) { Ok(Self(text.to_owned())) } else { Err(InvalidId($what)) }
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidId;
            fn try_from(text: String) -> Result<Self, InvalidId> {
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

impl AccountId {
    /// A fresh identifier. Its first digit is not 0, so that it is none that people choose by hand.
    pub fn generate(entropy: &dyn Entropy) -> Self {
        Self((100_000_000_000 + entropy.below(900_000_000_000)).to_string())
    }
}

fn label(text: &str, longest: usize) -> bool {
    let edge = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    (1..=longest).contains(&text.len())
        && text.chars().all(|c| edge(c) || c == '-')
        && text.starts_with(edge)
        && text.ends_with(edge)
}

checked_text!(
    /// Twelve digits: the account that owns brokers and access keys.
    AccountId, "account ID", |t| t.len() == 12 && t.bytes().all(|b| b.is_ascii_digit())
);
checked_text!(
    /// A region's name such as `us-east-1`: lower-case letters, digits and hyphens, at most 32.
    Region, "region", |t| label(t, 32)
);
checked_text!(
    /// The name that tells one brokerd installation's containers from another's on the same engine:
    /// lower-case letters, digits and hyphens, at most 20.
    InstallationId, "installation ID", |t| label(t, 20)
);

/// Whether a text is an identifier of Amazon EC2 with that prefix, such as `sg-` or `subnet-`.
pub(crate) fn is_resource_id(text: &str, prefix: &str) -> bool {
    text.strip_prefix(prefix).is_some_and(|rest| {
        (1..=64).contains(&rest.len())
            && rest.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_are_read_only_in_the_form_they_are_printed() {
        let id: BrokerId = "b-1234a5b6-78cd-901e-2fgh-3i45j6k178l9".parse().unwrap_or_else(|_| {
            BrokerId::from(Uuid::from_u128(0x1234_a5b6_78cd_401e_af00_3145_0600_1789))
        });
        assert_eq!(id.to_string().parse(), Ok(id));
        let upper = format!("b-{}", id.uuid().to_string().to_uppercase());
        for wrong in [
            "",
            "b-",
            "c-1234a5b6-78cd-401e-af00-314506001789",
            &upper,
            "b-1234a5b678cd401eaf00314506001789",
        ] {
            assert!(wrong.parse::<BrokerId>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn generated_accounts_are_accounts_without_a_zero_in_front() {
        struct Always(u8);
        impl Entropy for Always {
            fn fill(&self, bytes: &mut [u8]) {
                bytes.fill(self.0);
            }
        }
        for byte in 0..=255 {
            let id = AccountId::generate(&Always(byte));
            assert_eq!(id.as_str().parse(), Ok(id.clone()));
            assert!(!id.as_str().starts_with('0'), "{id}");
        }
    }

    #[test]
    fn accounts_are_twelve_digits_and_regions_are_labels() {
        assert!("000000000000".parse::<AccountId>().is_ok());
        assert!("00000000000".parse::<AccountId>().is_err());
        assert!("00000000000a".parse::<AccountId>().is_err());
        assert!("eu-central-1".parse::<Region>().is_ok());
        assert!("EU".parse::<Region>().is_err());
        assert!("-a".parse::<Region>().is_err());
    }
}
