//! Users, groups and permissions from a directory.
//!
//! Sources: "Integrating ActiveMQ brokers with LDAP" of the developer guide; the options of ActiveMQ's
//! `LDAPLoginModule` and `SimpleCachedLDAPAuthorizationMap`.

use std::fmt::Write as _;

use brokerd_domain::{AuthenticationStrategy, LdapServerMetadata};
use rustls::pki_types::{CertificateDer, pem::PemObject};
use secrecy::{ExposeSecret, SecretString};
use x509_parser::prelude::{FromDer, X509Certificate};

use super::{
    super::blueprint::{Blueprint, Unsupported},
    spring, truststore,
    xml::{BEANS, Element},
};

/// The group of users of the web console; its members may use every queue and topic, too.
///
/// Source: "Integrating ActiveMQ brokers with LDAP" of the developer guide.
pub(super) const CONSOLE_GROUP: &str = "amazonmq-console-admins";

/// The file that tells the JVM how to read `login.config`, and which suites it may have.
pub(super) const SECURITY_FILE: &str = "security.properties";

/// A `${…}` in `login.config` is part of somebody's name or password, and no property of the system.
///
/// Source: `sun.security.provider.ConfigFile`.
pub(super) const SECURITY: &str = "policy.expandProperties=false\n";

/// The port of LDAP over TLS.
const PORT: u16 = 636;

/// The authorities whose certificates directories may have; none: those that Java knows by itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DirectoryAuthorities(Vec<Vec<u8>>);

/// What should be authorities of directories can't be that.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DirectoryAuthoritiesError {
    /// The text is not what it should be.
    #[error("certificate {0} is malformed: {1}")]
    Malformed(usize, String),
    /// The text is empty.
    #[error("there is no certificate in PEM form")]
    Empty,
}

impl DirectoryAuthorities {
    /// Reads certificates, PEM.
    ///
    /// # Errors
    /// [`DirectoryAuthoritiesError`] when there is none, or one that is malformed: the JVM would refuse
    /// to read the others.
    pub fn parse(pem: &[u8]) -> Result<Self, DirectoryAuthoritiesError> {
        let mut all = Vec::new();
        for certificate in CertificateDer::pem_slice_iter(pem) {
            let number = all.len() + 1;
            let malformed = |e: String| DirectoryAuthoritiesError::Malformed(number, e);
            let certificate = certificate.map_err(|e| malformed(e.to_string()))?;
            let (rest, _) =
                X509Certificate::from_der(&certificate).map_err(|e| malformed(e.to_string()))?;
            if !rest.is_empty() {
                return Err(malformed("something follows it".to_owned()));
            }
            all.push(certificate.to_vec());
        }
        if all.is_empty() { Err(DirectoryAuthoritiesError::Empty) } else { Ok(Self(all)) }
    }

    /// As Java reads them; nothing when it should use its own.
    pub(super) fn keystore(&self) -> Option<Vec<u8>> {
        if self.0.is_empty() {
            return None;
        }
        let named = self.0.iter().enumerate();
        let entries = named.map(|(at, der)| (format!("directory-{}", at + 1), der.as_slice()));
        Some(truststore::trusting(entries))
    }
}

/// The directory of a broker.
pub(super) struct Directory<'a> {
    metadata: &'a LdapServerMetadata,
    password: &'a SecretString,
}

impl<'a> Directory<'a> {
    /// The directory, if the broker's users are in one.
    ///
    /// The login module of a stock image is not used: where a directory permits binds without a
    /// password, it lets in everybody who gives none.
    pub(super) fn of(
        blueprint: &Blueprint<'a>,
        launcher: bool,
    ) -> Result<Option<Self>, Unsupported> {
        let refused = |why: &str| Err(Unsupported(why.to_owned()));
        match blueprint.broker.spec.authentication_strategy {
            AuthenticationStrategy::Simple => return Ok(None),
            AuthenticationStrategy::ConfigManaged => {
                return refused("a configuration of ActiveMQ can't say who may log in");
            }
            AuthenticationStrategy::Ldap => {}
        }
        if !launcher {
            return refused(
                "authentication strategy LDAP needs an image that brokerd built, not a stock one",
            );
        }
        match (&blueprint.broker.spec.ldap, blueprint.ldap_password) {
            (Some(metadata), Some(password)) => Ok(Some(Self { metadata, password })),
            _ => refused("the broker's directory was not stored; this is a bug in brokerd"),
        }
    }

    /// Its addresses, in the order in which they are tried.
    ///
    /// Source: `Context.PROVIDER_URL` of Java's LDAP provider.
    fn urls(&self) -> String {
        let hosts = self.metadata.hosts.iter();
        hosts.map(|host| format!("ldaps://{host}:{PORT}")).collect::<Vec<_>>().join(" ")
    }

    /// `login.config`.
    pub(super) fn login_config(&self) -> String {
        let LdapServerMetadata {
            hosts: _,
            role_base,
            role_name,
            role_search_matching,
            role_search_subtree,
            service_account_username,
            user_base,
            user_role_name,
            user_search_matching,
            user_search_subtree,
        } = self.metadata;
        let yes = |subtree: &Option<bool>| subtree.unwrap_or_default().to_string();
        let urls = self.urls();
        let (users_below, roles_below) = (yes(user_search_subtree), yes(role_search_subtree));
        let options = [
            ("consoleGroups", Some(CONSOLE_GROUP)),
            ("connectionURL", Some(&urls)),
            ("connectionUsername", Some(service_account_username)),
            ("connectionPassword", Some(self.password.expose_secret())),
            ("authentication", Some("simple")),
            ("userBase", Some(user_base)),
            ("userSearchMatching", Some(user_search_matching)),
            ("userSearchSubtree", Some(&users_below)),
            ("userRoleName", user_role_name.as_deref()),
            ("roleBase", Some(role_base)),
            ("roleName", role_name.as_deref()),
            ("roleSearchMatching", Some(role_search_matching)),
            ("roleSearchSubtree", Some(&roles_below)),
        ];
        let mut text = String::from("activemq {\n  brokerd.DirectoryLoginModule required");
        for (name, value) in options {
            if let Some(value) = value {
                // Writing to a String can't fail.
                let _ = write!(text, "\n    {name}={}", quoted(value));
            }
        }
        text.push_str(";\n};\n");
        text
    }

    /// Lets the permissions in the directory be read by the service account. A broker starts whether or
    /// not the directory can be reached, for which ActiveMQ's own element would not do.
    pub(super) fn connect_maps(&self, plugins: &mut [Element]) {
        let maps = plugins.iter_mut().flat_map(|plugin| &mut plugin.children);
        for map in maps.filter(|child| child.name == "map") {
            for map in &mut map.children {
                if map.name == "cachedLDAPAuthorizationMap" {
                    *map = self.map(map);
                }
            }
        }
    }

    fn map(&self, theirs: &Element) -> Element {
        let mut bean = Element::new("bean")
            .with("xmlns", &BEANS)
            .with("class", &"brokerd.DirectoryAuthorizationMap");
        let urls = self.urls();
        let theirs = theirs.attributes.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let ours = [
            ("connectionURL", urls.as_str()),
            ("connectionUsername", &self.metadata.service_account_username),
            ("connectionPassword", self.password.expose_secret()),
            ("administrators", CONSOLE_GROUP),
        ];
        for (name, value) in theirs.chain(ours) {
            let property = Element::new("property").with("name", &name);
            bean = bean.child(property.with("value", &spring::property(value)));
        }
        bean
    }
}

/// A text in quotes, as a login configuration of Java holds it.
///
/// Source: `java.io.StreamTokenizer`, by which `sun.security.provider.ConfigFile` reads.
fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => {
                out.push('\\');
                out.push(c);
            }
            // Three octal digits, so that none that follows is taken for one of them.
            c if c.is_ascii_control() => {
                let _ = write!(out, "\\{:03o}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What `StreamTokenizer` reads from the beginning of `text`: a text in quotes, and what is left.
    fn read(text: &str) -> Option<(String, &str)> {
        let mut out = String::new();
        let mut rest = text.strip_prefix('"')?.char_indices().peekable();
        while let Some((at, c)) = rest.next() {
            match c {
                '"' => return Some((out, &text[at + 2..])),
                '\n' | '\r' => return Some((out, &text[at + 1..])),
                '\\' => {
                    let (_, first) = rest.next()?;
                    let Some(mut code) = first.to_digit(8) else {
                        out.push(match first {
                            'a' => '\u{7}',
                            'b' => '\u{8}',
                            'f' => '\u{c}',
                            'n' => '\n',
                            'r' => '\r',
                            't' => '\t',
                            'v' => '\u{b}',
                            c => c,
                        });
                        continue;
                    };
                    let more = if first <= '3' { 2 } else { 1 };
                    for _ in 0..more {
                        let Some(digit) = rest.peek().and_then(|(_, c)| c.to_digit(8)) else {
                            break;
                        };
                        code = code * 8 + digit;
                        rest.next();
                    }
                    out.push(char::from_u32(code)?);
                }
                c => out.push(c),
            }
        }
        Some((out, ""))
    }

    #[test]
    fn what_is_quoted_is_read_back_and_nothing_else() {
        for text in [
            "",
            "plain",
            "a\"; evil.Module required x=\"y",
            "\\",
            "\\\"",
            "ends with \\",
            "\\101\\",
            "line\nbreak\r\n};\nother {",
            "\u{0}7\u{1b}0\u{7f}1",
            "\t/* no */ // comment ; } = ,",
            "${user.home} ${{x}} #{1+1}",
            "\u{e4}\u{2028}\u{1f980}\u{85}",
        ] {
            let quoted = quoted(text);
            assert_eq!(read(&quoted), Some((text.to_owned(), "")), "{quoted}");
            assert!(!quoted.contains(['\n', '\r', '\0']), "{quoted}");
        }
    }

    #[test]
    fn authorities_are_certificates_and_at_least_one() {
        let key = rcgen::KeyPair::generate().expect("a key");
        let pem = rcgen::CertificateParams::new(vec!["ca".to_owned()])
            .and_then(|params| params.self_signed(&key))
            .expect("a certificate")
            .pem();
        let two = DirectoryAuthorities::parse(format!("# two\n{pem}\n{pem}").as_bytes());
        let keystore = two.expect("two certificates").keystore().expect("a keystore");
        assert_eq!(keystore[8..12], [0, 0, 0, 2]);
        assert_eq!(DirectoryAuthorities::default().keystore(), None);
        for (wrong, why) in [
            (String::new(), "there is no certificate in PEM form"),
            (key.serialize_pem(), "there is no certificate in PEM form"),
            (
                format!("{pem}-----BEGIN CERTIFICATE-----\nVEVTVA==\n-----END CERTIFICATE-----\n"),
                "certificate 2 is malformed",
            ),
            (format!("{pem}-----BEGIN CERTIFICATE-----\n"), "certificate 2 is malformed"),
        ] {
            let error = DirectoryAuthorities::parse(wrong.as_bytes()).expect_err(why).to_string();
            assert!(error.starts_with(why), "{error}");
        }
    }
}
