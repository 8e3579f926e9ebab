//! The LDAP directory of an ActiveMQ broker with strategy `LDAP`.

use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

use crate::kernel::{Error, required, text};

/// The longest value of any member, in characters.
const MAX_VALUE_LENGTH: usize = 1024;

/// The directory, without the password of the service account.
///
/// Source: "LDAP metadata" of the API reference. Names and filters are the directory's affair: they are
/// not checked beyond being there, and a directory that can't be reached fails logins, not creation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LdapServerMetadata {
    /// One or two host names; the second is asked when the first does not answer.
    pub hosts: Vec<String>,
    /// Where groups are.
    pub role_base: String,
    /// The attribute of a group that holds its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role_name: Option<String>,
    /// The filter that finds a user's groups; `{0}` is the user's entry, `{1}` its name.
    pub role_search_matching: String,
    /// Whether groups are looked for below `role_base` too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role_search_subtree: Option<bool>,
    /// The account that queries the directory.
    pub service_account_username: String,
    /// Where users are.
    pub user_base: String,
    /// The attribute of a user that names its groups.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_role_name: Option<String>,
    /// The filter that finds a user; `{0}` is the name.
    pub user_search_matching: String,
    /// Whether users are looked for below `user_base` too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_search_subtree: Option<bool>,
}

/// The request as it was sent: only the types of its members are checked.
#[derive(Debug, Clone, Default)]
#[expect(missing_docs, reason = "the members are those of LdapServerMetadataInput, name by name")]
pub struct LdapServerMetadataInput {
    pub hosts: Option<Vec<String>>,
    pub role_base: Option<String>,
    pub role_name: Option<String>,
    pub role_search_matching: Option<String>,
    pub role_search_subtree: Option<bool>,
    pub service_account_password: Option<SecretString>,
    pub service_account_username: Option<String>,
    pub user_base: Option<String>,
    pub user_role_name: Option<String>,
    pub user_search_matching: Option<String>,
    pub user_search_subtree: Option<bool>,
}

impl LdapServerMetadata {
    /// Checks the request. The password is returned apart, because it is stored apart.
    ///
    /// # Errors
    /// A 400 on the member of `ldapServerMetadata` that is missing or no host name.
    pub fn parse(input: LdapServerMetadataInput) -> Result<(Self, SecretString), Error> {
        let hosts = input.hosts.unwrap_or_default();
        if !(1..=2).contains(&hosts.len()) {
            return Err(Error::bad_request(
                "ldapServerMetadata.hosts",
                "Specify one or two host names for [ldapServerMetadata.hosts].",
            ));
        }
        if let Some(wrong) = hosts.iter().find(|host| !is_host_name(host)) {
            return Err(Error::bad_request(
                "ldapServerMetadata.hosts",
                format!(
                    "Host [{wrong}] is invalid. Specify a fully qualified domain name without scheme and port."
                ),
            ));
        }
        let password = input.service_account_password.map(|p| p.expose_secret().to_owned());
        let password = required_line("ldapServerMetadata.serviceAccountPassword", password)
            .map(SecretString::from)?;
        let metadata = Self {
            hosts,
            role_base: required_line("ldapServerMetadata.roleBase", input.role_base)?,
            role_name: optional("ldapServerMetadata.roleName", input.role_name)?,
            role_search_matching: required_line(
                "ldapServerMetadata.roleSearchMatching",
                input.role_search_matching,
            )?,
            role_search_subtree: input.role_search_subtree,
            service_account_username: required_line(
                "ldapServerMetadata.serviceAccountUsername",
                input.service_account_username,
            )?,
            user_base: required_line("ldapServerMetadata.userBase", input.user_base)?,
            user_role_name: optional("ldapServerMetadata.userRoleName", input.user_role_name)?,
            user_search_matching: required_line(
                "ldapServerMetadata.userSearchMatching",
                input.user_search_matching,
            )?,
            user_search_subtree: input.user_search_subtree,
        };
        Ok((metadata, password))
    }
}

fn required_line(attribute: &'static str, value: Option<String>) -> Result<String, Error> {
    let value = required(attribute, value.filter(|text| !text.is_empty()))?;
    text::line(attribute, value, MAX_VALUE_LENGTH)
}

fn optional(attribute: &'static str, value: Option<String>) -> Result<Option<String>, Error> {
    value.map(|value| text::line(attribute, value, MAX_VALUE_LENGTH)).transpose()
}

/// Source: RFC 1123, section 2.1.
fn is_host_name(text: &str) -> bool {
    (1..=253).contains(&text.len())
        && text.split('.').all(|label| {
            (1..=63).contains(&label.len())
                && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
                && !label.starts_with('-')
                && !label.ends_with('-')
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn input() -> LdapServerMetadataInput {
        let some = |text: &str| Some(text.to_owned());
        LdapServerMetadataInput {
            hosts: Some(vec!["my.ldap.server-1.com".to_owned(), "my.ldap.server-2.com".to_owned()]),
            role_base: some("role.base"),
            role_name: some("role.name"),
            role_search_matching: some("role.search.matching"),
            role_search_subtree: Some(true),
            service_account_password: Some(SecretString::from("supersecret")),
            service_account_username: some("anyusername"),
            user_base: some("user.base"),
            user_role_name: some("user.role.name"),
            user_search_matching: some("user.search.matching"),
            user_search_subtree: Some(true),
        }
    }

    #[test]
    fn names_and_filters_are_taken_as_they_are() {
        let (metadata, password) = LdapServerMetadata::parse(input()).expect("valid");
        assert_eq!(metadata.role_base, "role.base");
        assert_eq!(metadata.user_search_subtree, Some(true));
        assert_eq!(password.expose_secret(), "supersecret");
    }

    #[test]
    fn what_is_missing_or_no_host_is_refused_by_its_member() {
        type Change = fn(&mut LdapServerMetadataInput);
        let cases: [(&str, Change); 11] = [
            ("ldapServerMetadata.hosts", |i| i.hosts = None),
            ("ldapServerMetadata.hosts", |i| i.hosts = Some(vec!["ldaps://host:636".to_owned()])),
            ("ldapServerMetadata.hosts", |i| i.hosts = Some(vec!["a".to_owned(); 3])),
            ("ldapServerMetadata.roleBase", |i| i.role_base = None),
            ("ldapServerMetadata.userBase", |i| i.user_base = Some(String::new())),
            ("ldapServerMetadata.userSearchMatching", |i| i.user_search_matching = None),
            ("ldapServerMetadata.serviceAccountUsername", |i| {
                i.service_account_username = Some("a\nb".to_owned());
            }),
            ("ldapServerMetadata.serviceAccountPassword", |i| i.service_account_password = None),
            ("ldapServerMetadata.roleName", |i| i.role_name = Some("a\u{7}".to_owned())),
            ("ldapServerMetadata.roleName", |i| i.role_name = Some("a".repeat(1025))),
            ("ldapServerMetadata.userRoleName", |i| i.user_role_name = Some("a".repeat(1025))),
        ];
        for (attribute, change) in cases {
            let mut wrong = input();
            change(&mut wrong);
            let refused = LdapServerMetadata::parse(wrong).expect_err(attribute);
            assert_eq!(refused.attribute.as_deref(), Some(attribute));
        }
    }
}
