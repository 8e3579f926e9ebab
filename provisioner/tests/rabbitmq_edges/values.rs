//! The keys with values at and over their edges.

use std::collections::BTreeSet;

use brokerd_domain::{EngineVersion, RabbitMqConfiguration};

const NUMBERS: &[&str] = &[
    "0",
    "1",
    "-1",
    "007",
    "+5",
    "' 5 '",
    "32767",
    "32768",
    "65535",
    "65536",
    "2147483647",
    "2147483648",
    "4294967295",
    "4294967296",
    "9223372036854775808",
    "99999999999999999999999",
    "infinity",
    "x",
    "1.0",
    "1e3",
    "1k",
    "1MB",
    "5 kb",
    "10s",
    "0x10",
    "16#10",
    "\u{663}",
    "''",
    "'5'",
];
const SWITCHES: &[&str] = &[
    "true",
    "false",
    "1",
    "0",
    "TRUE",
    "True",
    "yes",
    "on",
    "off",
    "none",
    "undefined",
    "''",
    "'true'",
    "' true '",
    "maybe",
    "tr\u{fc}e",
];
const TEXTS: &[&str] = &[
    "a",
    "''",
    "' '",
    "' a'",
    "'a '",
    "'a#b'",
    "a b",
    "a\tb",
    "a\u{a0}b",
    "\u{e4}\u{20ac}\u{1f600}",
    "a=b",
    "a,b",
    "a\"b",
    "it's",
    "'a",
    "a\\b",
    "a\\",
    "%2e",
    "..",
    "[a]",
    "{a}",
    "<<\"a\">>",
    "$(heartbeat)",
    "${username}",
    "true",
    "none",
    "-1",
    "0",
    "1MB",
    "1.5",
    "undefined",
    "/etc/passwd",
    "file:///x",
    "https://a.example",
    "https://a.example:65535/b?c=d#e",
    "https://a.example:65536",
    "https://[2001:db8::1]/x",
    "https://",
    "HTTPS://a.example",
    "http://a.example",
    "https://a b",
    "https://\u{e4}.example",
    "10.0.0.1",
    "2001:db8::1",
    "a.example",
    "a_b.example",
    "cn=a,dc=b",
    "cn=a,,dc=b",
    "CN=\\C3\\A4",
    "'''a'''",
    "'''{constant, true}'''",
    "{constant, true}",
    "{constant, maybe}",
    "[{administrator, {constant, true}}]",
    "{'not', {constant, false}}",
    "arn:aws:iam::123456789012:role/a",
    "arn:aws:iam::1:role/a",
    "arn:aws:s3:::bucket/a.pem",
    "arn:aws:secretsmanager:us-east-1:123456789012:secret:a-AbCdEf",
    "rabbit_auth_backend_ldap",
    "internal",
    "PLAIN",
    "EXTERNAL",
    "RABBIT-CR-DEMO",
    "RS256",
    "verify_peer",
    "as_user",
];

/// A permitted key, written out.
pub(crate) struct Key {
    pub(crate) name: String,
    /// What has to be set beside it, but for itself.
    beside: Vec<(String, String)>,
}

impl Key {
    /// All of a version.
    pub(crate) fn all(version: EngineVersion) -> Vec<Self> {
        RabbitMqConfiguration::permitted_keys(version)
            .map(|pattern| {
                let name = pattern.replace('#', "1").replace('$', "some");
                Self { beside: beside(&name), name }
            })
            .collect()
    }

    /// A document with a value, as somebody writes it into a file.
    pub(crate) fn with(&self, value: &str) -> String {
        self.lines(value).iter().map(|(key, value)| format!("{key} = {value}\n")).collect()
    }

    /// The same as settings, the key's own last.
    pub(crate) fn lines(&self, value: &str) -> Vec<(String, String)> {
        let mut lines = self.beside.clone();
        lines.push((self.name.clone(), value.to_owned()));
        lines
    }

    /// Values at and over the edges of what the refusal of another value says is valid, and whether they are texts.
    pub(crate) fn values(&self, version: EngineVersion) -> (Vec<String>, bool) {
        let refusal = RabbitMqConfiguration::parse(version, &self.with("\u{2603}"));
        let text = refusal.err().map(|error| error.message).unwrap_or_default();
        // Where a snowman is refused as such, a word is not.
        let text = if text.contains("Valid values") { text } else { self.refusal(version) };
        let mut more = BTreeSet::new();
        if let Some((_, valid)) = text.split_once("Valid values: [") {
            let valid = valid.split(']').next().unwrap_or_default();
            for part in valid.split(", ") {
                match part.split_once(" to ") {
                    Some((least, most)) => more.extend([least, most].iter().flat_map(|edge| {
                        let edge: i128 = edge.parse().expect("a number");
                        [edge - 1, edge, edge + 1].map(|number| number.to_string())
                    })),
                    None if !part.contains(' ') => {
                        more.extend([part.to_owned(), part.to_uppercase()]);
                    }
                    None => {}
                }
            }
        }
        let all = match &text {
            text if text.contains(" to ") => NUMBERS,
            text if text.contains("[true, false]") => SWITCHES,
            _ => TEXTS,
        };
        more.extend(all.iter().map(|value| (*value).to_owned()));
        if all == TEXTS {
            more.extend(["x".repeat(4096), "x".repeat(4097)]);
        }
        (more.into_iter().collect(), all == TEXTS)
    }

    fn refusal(&self, version: EngineVersion) -> String {
        let refused = RabbitMqConfiguration::parse(version, &self.with("no such word"));
        refused.err().map(|error| error.message).unwrap_or_default()
    }
}

const ROLE: (&str, &str) = ("aws.arns.assume_role_arn", "arn:aws:iam::123456789012:role/a");
pub(crate) const OBJECT: &str = "arn:aws:s3:::bucket/a.pem";

/// What the rules that are about several keys want beside a key.
fn beside(name: &str) -> Vec<(String, String)> {
    let mut all: Vec<(String, String)> = Vec::new();
    let mut set = |key: &str, value: &str| {
        if key != name && !all.iter().any(|(there, _)| there == key) {
            all.push((key.to_owned(), value.to_owned()));
        }
    };
    if name.contains("auth_ldap.") {
        set("auth_ldap.use_ssl", "true");
        set("auth_ldap.use_starttls", "true");
    }
    if name.starts_with("auth_backends.") || name.starts_with("auth_cache.") {
        set("auth_ldap.use_ssl", "true");
    }
    if name == "ssl_options.fail_if_no_peer_cert" {
        set("ssl_options.verify", "verify_peer");
    }
    let of = name.strip_prefix("aws.arns.");
    if let Some(of) = of {
        set(ROLE.0, ROLE.1);
        if let Some(prefix) = of.strip_suffix(".certfile") {
            set(&format!("aws.arns.{prefix}.keyfile"), OBJECT);
        }
        if let Some(prefix) = of.strip_suffix(".keyfile") {
            set(&format!("aws.arns.{prefix}.certfile"), OBJECT);
        }
        if let Some(prefix) = of.strip_suffix(".password") {
            set(&format!("{prefix}.user_dn"), "cn=a");
        }
    }
    if name.ends_with("_bind.user_dn") {
        set(ROLE.0, ROLE.1);
        set(&format!("aws.arns.{}.password", name.trim_end_matches(".user_dn")), OBJECT);
    }
    all
}
