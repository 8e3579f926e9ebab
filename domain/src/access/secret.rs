//! Secrets that configurations of RabbitMQ name by ARN: passwords, certificates, keys.
//!
//! Source: "ARN support in RabbitMQ configuration" of the developer guide for who names what; the API reference of
//! AWS Secrets Manager for names and ARNs, that of Amazon S3 for objects.

use std::{borrow::Cow, fmt, str::FromStr};

use secrecy::{ExposeSecret as _, SecretString};

use crate::kernel::{AccountId, Entropy, Error, ErrorKind, Region, Scope, Timestamp};

/// Source: `Name` of CreateSecret.
const MAX_NAME_LENGTH: usize = 512;

/// The largest secret, in bytes.
///
/// Source: `SecretString` of CreateSecret.
pub const MAX_SECRET_BYTES: usize = 65_536;

/// How many characters a secret's ARN has beyond its name.
const SUFFIX: usize = 6;

/// The name of a secret: 1–512 letters, digits and `/_+=.@-`. Unique per account and region.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SecretName(String);

impl SecretName {
    /// The text itself.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for SecretName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for SecretName {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        if (1..=MAX_NAME_LENGTH).contains(&text.len()) && text.bytes().all(is_of_a_name) {
            return Ok(Self(text.to_owned()));
        }
        Err(Error::bad_request(
            "name",
            "The secret's name is invalid. Specify 1 to 512 characters of A-Z, a-z, 0-9 and /_+=.@-",
        ))
    }
}

fn is_of_a_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"/_+=.@-".contains(&byte)
}

/// A secret without its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Secret {
    /// The owner.
    pub scope: Scope,
    /// Its name.
    pub name: SecretName,
    /// The suffix of the ARN. It tells a secret from a former one of the same name.
    pub suffix: String,
    /// When it was created.
    pub created: Timestamp,
    /// When its value was last set.
    pub changed: Timestamp,
}

impl Secret {
    /// The ARN, as AWS Secrets Manager would write it.
    pub fn arn(&self) -> String {
        let Scope { account, region } = &self.scope;
        format!("arn:aws:secretsmanager:{region}:{account}:secret:{}-{}", self.name, self.suffix)
    }

    /// Whether that is its ARN, or its ARN without the end that it has behind the name.
    pub fn has_arn(&self, text: &str) -> bool {
        let arn = self.arn();
        let rest = arn.strip_prefix(text);
        rest.is_some_and(|rest| rest.is_empty() || rest.strip_prefix('-') == Some(&self.suffix))
    }

    /// A fresh end of an ARN.
    pub fn suffix(entropy: &dyn Entropy) -> String {
        const CHARACTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
        let one = |_| {
            let index = usize::try_from(entropy.below(CHARACTERS.len() as u64)).unwrap_or_default();
            char::from(CHARACTERS[index])
        };
        (0..SUFFIX).map(one).collect()
    }

    /// That there is none of that name.
    pub fn not_found(name: &str) -> Error {
        Error {
            kind: ErrorKind::NotFound,
            attribute: Some(Cow::Borrowed("name")),
            message: format!("Can't find requested secret [{name}]. Make sure your secret exists."),
        }
    }

    /// The value in a request.
    ///
    /// # Errors
    /// A 400 when it is absent, empty or too large.
    pub fn parse_value(value: Option<String>) -> Result<SecretString, Error> {
        let value = SecretString::from(value.unwrap_or_default());
        if (1..=MAX_SECRET_BYTES).contains(&value.expose_secret().len()) {
            return Ok(value);
        }
        let message =
            format!("The secret is invalid. Specify 1 to {MAX_SECRET_BYTES} bytes of text.");
        Err(Error::bad_request("secretString", message))
    }
}

/// The ARN of a secret or object in a configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecretReference {
    /// A secret.
    Secret {
        /// In which region.
        region: Region,
        /// Whose.
        account: AccountId,
        /// Its name, with or without the end that ARNs have.
        id: String,
    },
    /// An object in a bucket.
    Object {
        /// The bucket.
        bucket: String,
        /// The object.
        key: String,
    },
}

impl SecretReference {
    /// Reads an ARN; none: it is that of something else.
    pub fn parse(arn: &str) -> Option<Self> {
        let mut parts = arn.splitn(6, ':');
        let ("arn", partition) = (parts.next()?, parts.next()?) else { return None };
        if !partition.starts_with("aws") {
            return None;
        }
        let (service, region, account, resource) =
            (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        match service {
            "secretsmanager" => {
                let id = resource.strip_prefix("secret:")?;
                let valid = !id.is_empty() && id.bytes().all(is_of_a_name);
                let (region, account) = (region.parse().ok()?, account.parse().ok()?);
                valid.then(|| Self::Secret { region, account, id: id.to_owned() })
            }
            "s3" if region.is_empty() && account.is_empty() => {
                let (bucket, key) = resource.split_once('/')?;
                let valid = is_bucket(bucket)
                    && !key.is_empty()
                    && key.bytes().all(|b| (b' '..=b'~').contains(&b));
                valid.then(|| Self::Object { bucket: bucket.to_owned(), key: key.to_owned() })
            }
            _ => None,
        }
    }

    /// The names of secrets kept here that it may mean, best first: a secret's own, or `bucket/key`.
    pub fn names(&self) -> Vec<SecretName> {
        let names = match self {
            Self::Object { bucket, key } => vec![format!("{bucket}/{key}")],
            Self::Secret { id, .. } => {
                let bare = id.rsplit_once('-').filter(|(_, end)| end.len() == SUFFIX);
                let bare = bare.map(|(name, _)| name.to_owned());
                bare.into_iter().chain([id.clone()]).collect()
            }
        };
        names.iter().filter_map(|name| name.parse().ok()).collect()
    }

    /// Whether somebody of this scope may name it at all: secrets must be of the broker's own account and region;
    /// of a bucket an ARN does not tell.
    pub fn is_of(&self, scope: &Scope) -> bool {
        match self {
            Self::Secret { region, account, .. } => {
                *region == scope.region && *account == scope.account
            }
            Self::Object { .. } => true,
        }
    }
}

/// Source: "Bucket naming rules" of the Amazon S3 user guide, as far as a host name or path depends on it.
fn is_bucket(text: &str) -> bool {
    (3..=63).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b".-_".contains(&b))
        && !text.contains("..")
}

/// The account of a role's ARN; none: it is no role's.
pub fn role_account(arn: &str) -> Option<AccountId> {
    let (head, role) = arn.split_once(":role/")?;
    let account = head.strip_prefix("arn:aws")?;
    let (partition, account) = account.split_once(":iam::")?;
    let word = |c: char| c.is_ascii_alphanumeric() || "+=,.@_/-".contains(c);
    let partition = partition.chars().all(|c| c.is_ascii_lowercase() || c == '-');
    (partition && !role.is_empty() && role.len() <= 512 && role.chars().all(word))
        .then(|| account.parse().ok())
        .flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scope() -> Scope {
        Scope {
            account: "000000000000".parse().expect("valid"),
            region: "us-east-1".parse().expect("valid"),
        }
    }

    #[test]
    fn arns_name_secrets_and_objects() {
        let names = |arn: &str| {
            let names = SecretReference::parse(arn).map(|reference| reference.names());
            names.map(|n| n.iter().map(|n| n.as_str().to_owned()).collect::<Vec<_>>())
        };
        for (arn, expected) in [
            (
                "arn:aws:secretsmanager:us-east-1:000000000000:secret:a/ldap-AbCdEf",
                Some(vec!["a/ldap", "a/ldap-AbCdEf"]),
            ),
            ("arn:aws:secretsmanager:us-east-1:000000000000:secret:ldap", Some(vec!["ldap"])),
            ("arn:aws:s3:::certs/dir/ca.pem", Some(vec!["certs/dir/ca.pem"])),
            ("arn:aws-cn:s3:::certs/ca.pem", Some(vec!["certs/ca.pem"])),
            ("arn:aws:s3:::certs", None),
            ("arn:aws:s3:::c/", None),
            ("arn:aws:s3:us-east-1::certs/ca.pem", None),
            ("arn:aws:secretsmanager:us-east-1:1:secret:ldap", None),
            ("arn:aws:secretsmanager:us-east-1:000000000000:secret:", None),
            ("arn:aws:secretsmanager:us-east-1:000000000000:secret:a b", None),
            ("arn:aws:iam::000000000000:role/MqRole", None),
            ("file:///etc/passwd", None),
        ] {
            let expected = expected.map(|e| e.into_iter().map(str::to_owned).collect());
            assert_eq!(names(arn), expected, "{arn}");
        }
    }

    #[test]
    fn the_end_of_an_arn_may_be_missing_and_not_be_another_one() {
        let at = Timestamp::from_micros(0);
        let name = "a/ldap".parse().expect("valid");
        let suffix = "AbCdEf".to_owned();
        let secret = Secret { scope: scope(), name, suffix, created: at, changed: at };
        let whole = "arn:aws:secretsmanager:us-east-1:000000000000:secret:a/ldap";
        assert_eq!(secret.arn(), format!("{whole}-AbCdEf"));
        for (end, has) in [("-AbCdEf", true), ("", true), ("-", false), ("-GhIjKl", false)] {
            assert_eq!(secret.has_arn(&format!("{whole}{end}")), has, "{end}");
        }
        assert!(!secret.has_arn("arn:aws:secretsmanager:eu-west-1:000000000000:secret:a/ldap"));
    }

    #[test]
    fn a_secret_is_of_one_account_and_region() {
        let of = |arn: &str| SecretReference::parse(arn).expect("an ARN").is_of(&scope());
        assert!(of("arn:aws:secretsmanager:us-east-1:000000000000:secret:a-AbCdEf"));
        assert!(!of("arn:aws:secretsmanager:us-east-1:000000000001:secret:a-AbCdEf"));
        assert!(!of("arn:aws:secretsmanager:eu-west-1:000000000000:secret:a-AbCdEf"));
        assert!(of("arn:aws:s3:::certs/ca.pem"));
    }

    #[test]
    fn roles_are_of_an_account() {
        let account = |arn: &str| role_account(arn).map(|account| account.to_string());
        let arn = "arn:aws:iam::000000000000:role/dir/MqRole";
        assert_eq!(account(arn).as_deref(), Some("000000000000"));
        for wrong in [
            "arn:aws:iam::000000000000:user/a",
            "arn:aws:iam::0:role/a",
            "arn:aws:iam::000000000000:role/",
            "arn:aws:iam:us-east-1:000000000000:role/a",
            "role/a",
        ] {
            assert_eq!(account(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn names_and_values_have_their_bounds() {
        for name in ["a", "certs/ca.pem", "A_b+c=d.e@f-1"] {
            assert!(name.parse::<SecretName>().is_ok(), "{name}");
        }
        for name in ["", "a b", "a\0", "ä", &"a".repeat(513)] {
            assert!(name.parse::<SecretName>().is_err(), "{name:?}");
        }
        assert!(Secret::parse_value(Some("x".repeat(MAX_SECRET_BYTES))).is_ok());
        for wrong in [None, Some(String::new()), Some("x".repeat(MAX_SECRET_BYTES + 1))] {
            assert!(Secret::parse_value(wrong).is_err());
        }
    }
}
