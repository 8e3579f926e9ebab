//! What may stand behind a key.

use std::net::IpAddr;

use super::{query, syntax::shortened};
use crate::{
    access::{SecretReference, role_account},
    catalogue::EngineVersion,
};

/// The algorithms by which a token may be signed.
pub(super) const ALGORITHMS: &[&str] = &[
    "Ed25519",
    "Ed25519ph",
    "Ed448",
    "Ed448ph",
    "EdDSA",
    "ES256K",
    "ES256",
    "ES384",
    "ES512",
    "HS256",
    "HS384",
    "HS512",
    "PS256",
    "PS384",
    "PS512",
    "RS256",
    "RS384",
    "RS512",
];

const BACKENDS: &[&str] = &["internal", "oauth2", "ldap", "cache", "http"];

/// What the names of backends' modules begin with; RabbitMQ takes either name.
const BACKEND_MODULE: &str = "rabbit_auth_backend_";

const MECHANISMS: &[&str] = &["PLAIN", "AMQPLAIN", "EXTERNAL"];

/// No value but a query comes near this many bytes.
const MAX_VALUE_LENGTH: usize = 4096;

/// What a value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Boolean,
    /// From the first to the second number.
    Number(u64, u64),
    /// Milliseconds, or for ever.
    Timeout,
    OneOf(&'static [&'static str]),
    Text,
    HttpsUrl,
    /// A part of a URL behind its host.
    Path,
    Algorithm,
    Backend,
    /// A backend behind the cache.
    CachedBackend,
    Mechanism,
    /// Where an LDAP server is.
    Server,
    DistinguishedName,
    /// A distinguished name or `none`.
    DistinguishedNameOrNone,
    Query,
    TagQueries,
    /// The ARN of a role.
    Role,
    /// The ARN of what is kept elsewhere.
    Arn,
}

impl Kind {
    /// Checks a value and gives it in the form in which the broker is given it.
    ///
    /// An error says what would be valid.
    pub(super) fn check(
        self,
        key: &str,
        value: &str,
        version: EngineVersion,
    ) -> Result<String, String> {
        if value.contains("$(") {
            return Err(format!(
                "[{key}] refers to another setting by $(…), which is not possible"
            ));
        }
        match self {
            Self::Query => return query::truth(value).map_err(|e| bad_query(key, &e)),
            Self::TagQueries => return query::tags(value).map_err(|e| bad_query(key, &e)),
            _ => {}
        }
        if value.len() > MAX_VALUE_LENGTH || value.chars().any(|c| !matches!(c, ' '..='~')) {
            return Err(format!(
                "the value of [{key}] must be one line of at most {MAX_VALUE_LENGTH} printable ASCII \
                 characters"
            ));
        }
        let value = match self {
            Self::Backend | Self::CachedBackend => {
                value.strip_prefix(BACKEND_MODULE).unwrap_or(value)
            }
            _ => value,
        };
        let valid = match self {
            Self::Boolean => value == "true" || value == "false",
            Self::Number(least, most) => number(value).is_some_and(|n| (least..=most).contains(&n)),
            Self::Timeout => {
                value == "infinity"
                    || number(value).is_some_and(|n| (1..=MILLISECONDS).contains(&n))
            }
            Self::OneOf(words) => words.contains(&value),
            Self::Text => return text(key, value, version),
            Self::HttpsUrl => is_https_url(value),
            Self::Path => is_path(value),
            Self::Algorithm => ALGORITHMS.contains(&value),
            Self::Backend | Self::CachedBackend | Self::Mechanism => {
                self.words(version).contains(&value)
            }
            Self::Server => is_server(value),
            Self::DistinguishedName => is_distinguished_name(value),
            Self::DistinguishedNameOrNone => value == "none" || is_distinguished_name(value),
            Self::Role => role_account(value).is_some(),
            Self::Arn => SecretReference::parse(value).is_some(),
            Self::Query | Self::TagQueries => false,
        };
        if valid {
            return text(key, value, version);
        }
        Err(format!(
            "Value [{}] is invalid for [{key}]. Valid values: [{}]",
            shortened(value),
            self.valid(version)
        ))
    }

    /// What is valid, for a caller.
    fn valid(self, version: EngineVersion) -> String {
        match self {
            Self::Boolean => "true, false".to_owned(),
            Self::Number(least, most) => format!("{least} to {most}"),
            Self::Timeout => format!("1 to {MILLISECONDS}, infinity"),
            Self::OneOf(words) => words.join(", "),
            Self::Text => "printable ASCII characters".to_owned(),
            Self::HttpsUrl => "a URL that starts with https://".to_owned(),
            Self::Path => "a path of a URL".to_owned(),
            Self::Algorithm => ALGORITHMS.join(", "),
            Self::Backend | Self::CachedBackend | Self::Mechanism => self.words(version).join(", "),
            Self::Server => "an IP address or a fully qualified domain name".to_owned(),
            Self::DistinguishedName => "a distinguished name".to_owned(),
            Self::DistinguishedNameOrNone => "a distinguished name, none".to_owned(),
            Self::Query | Self::TagQueries => "a query".to_owned(),
            Self::Role => "the ARN of an IAM role".to_owned(),
            Self::Arn => {
                "the ARN of an AWS Secrets Manager secret or an Amazon S3 object".to_owned()
            }
        }
    }

    /// HTTP and client certificates are of RabbitMQ 4; the cache can't be behind itself.
    pub(super) fn words(self, version: EngineVersion) -> Vec<&'static str> {
        let all = if self == Self::Mechanism { MECHANISMS } else { BACKENDS };
        all.iter()
            .copied()
            .filter(|w| version.major >= 4 || !matches!(*w, "http" | "EXTERNAL"))
            .filter(|w| self != Self::CachedBackend || *w != "cache")
            .collect()
    }
}

/// What Erlang's timers take, in milliseconds.
const MILLISECONDS: u64 = 4_294_967_295;

fn bad_query(key: &str, why: &str) -> String {
    format!("the value of [{key}] is no LDAP query: {why}")
}

/// A value that the file of the broker can hold: its format has quotes since RabbitMQ 4, and no way
/// to write a quote between quotes.
fn text(key: &str, value: &str, version: EngineVersion) -> Result<String, String> {
    let trimmed = value.trim() == value && !value.is_empty();
    let plain = trimmed && !value.contains('#') && !value.starts_with('\'');
    if plain || (version.major >= 4 && !value.contains('\'')) {
        return Ok(value.to_owned());
    }
    let quotes = if version.major >= 4 {
        "a value with a # or with blanks around it can't have a single quote in it, nor can a value \
         start with one"
    } else {
        "RabbitMQ 3 has no quotes: a value can't be empty, have a # or blanks around it, or start \
         with a single quote"
    };
    Err(format!("Value [{}] is invalid for [{key}]: {quotes}", shortened(value)))
}

fn number(text: &str) -> Option<u64> {
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten()
}

fn is_https_url(text: &str) -> bool {
    let Some(rest) = text.strip_prefix("https://") else { return false };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, _) = rest.split_at(end);
    let (host, port) = match authority.strip_prefix('[') {
        Some(v6) => match v6.split_once(']') {
            Some((address, after)) if address.parse::<std::net::Ipv6Addr>().is_ok() => {
                ("v6", after)
            }
            _ => return false,
        },
        None => match authority.find(':') {
            Some(colon) => authority.split_at(colon),
            None => (authority, ""),
        },
    };
    let port_valid = match port.strip_prefix(':') {
        Some(digits) => digits.parse::<u16>().is_ok_and(|p| p > 0 && p.to_string() == digits),
        None => port.is_empty(),
    };
    port_valid
        && (host == "v6" || host.parse::<IpAddr>().is_ok() || is_host(host))
        && text.chars().all(|c| c.is_ascii_graphic() && !"\"<>\\^`{|}".contains(c))
}

/// Source: RFC 3986, path.
fn is_path(text: &str) -> bool {
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        let valid = match byte {
            b'%' => rest.by_ref().take(2).filter(u8::is_ascii_hexdigit).count() == 2,
            byte => byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=@/".contains(&byte),
        };
        if !valid {
            return false;
        }
    }
    !text.is_empty()
}

fn is_server(text: &str) -> bool {
    text.parse::<IpAddr>().is_ok() || (text.contains('.') && is_host(text))
}

/// A host name whose last label is no number.
fn is_host(text: &str) -> bool {
    let label = |l: &str| {
        (1..=63).contains(&l.len())
            && l.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
            && !l.starts_with('-')
            && !l.ends_with('-')
    };
    text.len() <= 253
        && text.split('.').all(label)
        && text.rsplit('.').next().is_some_and(|last| last.chars().any(|c| !c.is_ascii_digit()))
}

/// A distinguished name as RFC 4514 writes it, with blanks permitted around its separators.
fn is_distinguished_name(text: &str) -> bool {
    let mut part = String::new();
    let mut escaped = false;
    let mut parts = Vec::new();
    for c in text.chars() {
        if !escaped && (c == ',' || c == '+') {
            parts.push(std::mem::take(&mut part));
            continue;
        }
        escaped = !escaped && c == '\\';
        part.push(c);
    }
    parts.push(part);
    !escaped && parts.iter().all(|p| is_attribute(p))
}

fn is_attribute(text: &str) -> bool {
    let Some((name, value)) = text.split_once('=') else { return false };
    let (name, value) = (name.trim(), value.trim_start());
    let word = name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    let number = |n: &str| !n.is_empty() && n.chars().all(|c| c.is_ascii_digit());
    (word || name.split('.').all(number)) && is_attribute_value(value)
}

fn is_attribute_value(text: &str) -> bool {
    if let Some(hex) = text.strip_prefix('#') {
        return !hex.is_empty()
            && hex.len().is_multiple_of(2)
            && hex.bytes().all(|b| b.is_ascii_hexdigit());
    }
    let mut characters = text.chars();
    while let Some(c) = characters.next() {
        match c {
            '\\' => match characters.next() {
                Some(c) if c.is_ascii_hexdigit() => {
                    if !characters.next().is_some_and(|c| c.is_ascii_hexdigit()) {
                        return false;
                    }
                }
                Some(c) if " \"#+,;<=>\\".contains(c) => {}
                _ => return false,
            },
            '"' | ';' | '<' | '>' => return false,
            _ => {}
        }
    }
    !text.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    const V4: EngineVersion = EngineVersion::new(4, 3);

    #[test]
    fn urls_must_be_https() {
        for good in [
            "https://a",
            "https://login.example.test:8443/a/b?c=d&e=%20",
            "https://192.0.2.7/",
            "https://[2001:db8::1]:443/x",
        ] {
            assert!(is_https_url(good), "{good}");
        }
        for wrong in [
            "http://a",
            "HTTPS://a",
            "https://",
            "https:///x",
            "https://a b",
            "https://a:0",
            "https://a:x",
            "https://a:65536",
            "https://[x]/",
            "https://a/<b>",
            "https://-a",
            "a",
        ] {
            assert!(!is_https_url(wrong), "{wrong}");
        }
    }

    #[test]
    fn paths_are_those_of_urls() {
        for good in [".well-known/openid-configuration", "/a/b", "%2e", "a@b"] {
            assert!(is_path(good), "{good}");
        }
        for wrong in
            ["", " a", "a b", "a\\b", "{a}", "[a]", "a:b", "%2", "%zz", "a?b", "a#b", "a\"b"]
        {
            assert!(!is_path(wrong), "{wrong}");
        }
    }

    #[test]
    fn servers_are_addresses_or_fully_qualified() {
        for good in ["ldap.example.test", "192.0.2.7", "2001:db8::1"] {
            assert!(is_server(good), "{good}");
        }
        for wrong in ["ldap", "ldap..test", "ldap_1.test", "ldap.test:636", "1.2.3.4.5", "none", ""]
        {
            assert!(!is_server(wrong), "{wrong}");
        }
    }

    #[test]
    fn distinguished_names_follow_their_grammar() {
        for good in [
            "dc=example",
            "cn=a b, ou=People,dc=example,dc=com",
            "OU=x+CN=y,DC=z",
            "cn=Doe\\, Jane,o=\\C3\\A4",
            "1.3.6.1=#04024869,dc=a",
        ] {
            assert!(is_distinguished_name(good), "{good}");
        }
        for wrong in [
            "",
            "cn",
            "cn=",
            "cn=a,",
            "cn=a,,dc=b",
            "cn=a\\",
            "cn=a\\x",
            "c n=a",
            "cn=a\"b",
            "1..2=a",
            "cn=#0",
            "cn=a;b",
        ] {
            assert!(!is_distinguished_name(wrong), "{wrong}");
        }
    }

    #[test]
    fn values_fit_into_the_file_of_the_broker() {
        let v3 = EngineVersion::new(3, 10);
        for value in ["a#b", "", " a"] {
            assert_eq!(Kind::Text.check("k", value, V4).as_deref(), Ok(value));
            assert!(Kind::Text.check("k", value, v3).is_err(), "{value}");
        }
        for value in ["'a#b", "a'#b", "a\nb", "ä", "$(home)", "\u{7f}", "'a"] {
            assert!(Kind::Text.check("k", value, V4).is_err(), "{value}");
        }
        assert!(Kind::Text.check("k", "it's", v3).is_ok());
        assert!(Kind::Text.check("k", &"x".repeat(MAX_VALUE_LENGTH + 1), V4).is_err());
    }

    #[test]
    fn what_is_valid_is_said() {
        let said = |kind: Kind, value| kind.check("k", value, V4).expect_err("refused");
        assert_eq!(
            said(Kind::Number(60, 3600), "30"),
            "Value [30] is invalid for [k]. Valid values: [60 to 3600]"
        );
        assert_eq!(
            said(Kind::Boolean, "yes"),
            "Value [yes] is invalid for [k]. Valid values: [true, false]"
        );
        assert_eq!(
            Kind::Backend.check("k", "rabbit_auth_backend_oauth2", V4).as_deref(),
            Ok("oauth2")
        );
        assert_eq!(
            said(Kind::CachedBackend, "cache"),
            "Value [cache] is invalid for [k]. Valid values: [internal, oauth2, ldap, http]"
        );
        for number in ["-1", "+60", "60.0", "1e3", "", "99999999999999999999999"] {
            assert!(Kind::Number(0, 100).check("k", number, V4).is_err(), "{number}");
        }
    }
}
