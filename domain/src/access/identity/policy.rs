//! Policies as they are kept: documents of a permitted length, managed ones with versions. What they allow is the
//! evaluator's affair.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use super::{
    arn::{IamArn, PolicyOwner},
    error::{IamError, IamErrorKind},
    id::{IdentityId, PolicyId},
    name::{Path, PolicyName},
};
use crate::{access::Tags, kernel::Timestamp};

/// Managed policies an account may have of its own.
///
/// Source: "IAM and AWS STS quotas", as are the following.
pub const MAX_MANAGED_POLICIES: u32 = 1500;
/// Versions a managed policy may have.
pub const MAX_POLICY_VERSIONS: u32 = 5;
/// Managed policies that may be attached to a user, group or role.
pub const MAX_ATTACHED_POLICIES: u32 = 10;

/// The longest document that is read at all, in bytes.
///
/// Source: `policyDocumentType` of the IAM API reference.
const MAX_BYTES: usize = 131_072;

/// A policy document as its author has written it: a JSON object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PolicyDocument(String);

impl PolicyDocument {
    /// Characters of a version of a managed policy, white space not counted.
    pub const MAX_MANAGED_SIZE: u32 = 6144;
    /// Characters of a trust policy, white space not counted.
    pub const MAX_TRUST_SIZE: u32 = 2048;

    /// Characters of all inline policies of a user, group or role together, white space not counted.
    pub const fn most_inline(identity: &IdentityId) -> u32 {
        match identity {
            // An account's root has no policies.
            IdentityId::Root(_) => 0,
            IdentityId::User(_) => 2048,
            IdentityId::Group(_) => 5120,
            IdentityId::Role(_) => 10_240,
        }
    }

    /// Checks that a text is one JSON object of permitted characters.
    ///
    /// # Errors
    /// `MalformedPolicyDocument`.
    pub fn parse(text: &str) -> Result<Self, IamError> {
        let permitted =
            |c: char| matches!(c, '\t' | '\n' | '\r' | '\u{20}'..='\u{7e}' | '\u{a0}'..='\u{ff}');
        let is_object =
            || serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(text).is_ok();
        if text.len() > MAX_BYTES || !text.chars().all(permitted) || !is_object() {
            return Err(IamError::new(
                IamErrorKind::MalformedPolicyDocument,
                "Syntax errors in policy.",
            ));
        }
        Ok(Self(text.to_owned()))
    }

    /// The text itself.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The same document without the white space that means nothing: what a session's token has room for.
    #[must_use]
    pub fn compact(&self) -> Self {
        let (mut in_string, mut escaped) = (false, false);
        let kept = self.0.chars().filter(|c| {
            let outside = !in_string;
            match c {
                _ if escaped => escaped = false,
                '\\' => escaped = true,
                '"' => in_string = !in_string,
                _ => {}
            }
            !(outside && matches!(c, ' ' | '\t' | '\n' | '\r'))
        });
        Self(kept.collect())
    }

    /// The characters that count against quotas: all but white space.
    pub fn size(&self) -> u32 {
        let counted = self.0.chars().filter(|c| !c.is_whitespace()).count();
        u32::try_from(counted).unwrap_or(u32::MAX)
    }
}

impl TryFrom<String> for PolicyDocument {
    type Error = IamError;
    fn try_from(text: String) -> Result<Self, IamError> {
        Self::parse(&text)
    }
}

impl From<PolicyDocument> for String {
    fn from(document: PolicyDocument) -> String {
        document.0
    }
}

/// An inline policy of a user, group or role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InlinePolicy {
    /// The name.
    pub name: PolicyName,
    /// The document.
    pub document: PolicyDocument,
}

/// The number of a version of a managed policy, written `v1`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PolicyVersionId(pub u32);

impl fmt::Display for PolicyVersionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "v{}", self.0)
    }
}

impl FromStr for PolicyVersionId {
    type Err = IamError;

    fn from_str(text: &str) -> Result<Self, IamError> {
        let number = text.strip_prefix('v').filter(|rest| !rest.starts_with(['0', '+']));
        match number.and_then(|rest| rest.parse().ok()) {
            Some(number) if i32::try_from(number).is_ok() => Ok(Self(number)),
            _ => Err(IamError::validation(
                "versionId",
                text,
                r"Member must satisfy regular expression pattern: v[1-9][0-9]*(\.[A-Za-z0-9-]*)?",
            )),
        }
    }
}

/// A managed policy without its documents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ManagedPolicy {
    /// The identifier, which no later policy of that name has.
    pub id: PolicyId,
    /// Whose policy it is.
    pub owner: PolicyOwner,
    /// The path.
    pub path: Path,
    /// The name.
    pub name: PolicyName,
    /// What it is for; may be empty. It never changes.
    pub description: String,
    /// When it was created.
    pub created: Timestamp,
    /// When its last version was created.
    pub updated: Timestamp,
    /// The version that is in force.
    pub default_version: PolicyVersionId,
    /// How many users, groups and roles of the asking account it is attached to.
    pub attachments: u32,
    /// How many users and roles of the asking account it bounds.
    pub bounded: u32,
    /// The tags.
    pub tags: Tags,
}

impl ManagedPolicy {
    /// The ARN.
    pub fn arn(&self) -> IamArn {
        IamArn::Policy(self.owner.clone(), self.path.clone(), self.name.clone())
    }
}

/// A version of a managed policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyVersion {
    /// The number.
    pub id: PolicyVersionId,
    /// The document.
    pub document: PolicyDocument,
    /// Whether it is the one in force.
    pub is_default: bool,
    /// When it was created.
    pub created: Timestamp,
}

/// Checks the description of a managed policy: at most 1000 characters of one or several lines.
///
/// # Errors
/// `ValidationError` on `description`.
pub fn parse_policy_description(text: Option<String>) -> Result<String, IamError> {
    parse_description(text)
}

/// Source: `policyDescriptionType` and `roleDescriptionType` of the IAM API reference.
pub(super) fn parse_description(text: Option<String>) -> Result<String, IamError> {
    let text = text.unwrap_or_default();
    let permitted =
        |c: char| matches!(c, '\t' | '\n' | '\r' | '\u{20}'..='\u{7e}' | '\u{a1}'..='\u{ff}');
    if text.chars().count() > 1000 {
        return Err(IamError::validation(
            "description",
            &text,
            "Member must have length less than or equal to 1000",
        ));
    }
    if !text.chars().all(permitted) {
        return Err(IamError::validation(
            "description",
            &text.escape_debug().to_string(),
            r"Member must satisfy regular expression pattern: [\u0009\u000A\u000D\u0020-\u007E\u00A1-\u00FF]*",
        ));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_is_an_object_whose_white_space_does_not_count() {
        let text = r#"{ "Version": "2012-10-17",
                        "Statement": [] }"#;
        let document = PolicyDocument::parse(text).expect("a document");
        assert_eq!((document.as_str(), document.size()), (text, 39));
    }

    #[test]
    fn a_compact_document_means_the_same() {
        let text = r#"{ "a b" : [ "\" c\\", "d\\" ],
            "e" : { "f\tg h" : 1.5 } }"#;
        let document = PolicyDocument::parse(text).expect("a document");
        let compact = document.compact();
        assert_eq!(compact.as_str(), r#"{"a b":["\" c\\","d\\"],"e":{"f\tg h":1.5}}"#);
        let read = |text| serde_json::from_str::<serde_json::Value>(text).expect("JSON");
        assert_eq!(read(text), read(compact.as_str()));
        assert_eq!(compact.compact(), compact);
    }

    #[test]
    fn what_is_no_object_is_refused() {
        let deep = format!("{{\"a\":{}{}}}", "[".repeat(9999), "]".repeat(9999));
        let long = format!("{{\"a\":\"{}\"}}", "x".repeat(MAX_BYTES));
        for wrong in
            ["", "[]", "1", "{", "{} {}", "{\"a\":\"\u{1b}\"}", "{\"a\":\"☃\"}", &deep, &long]
        {
            let refused = PolicyDocument::parse(wrong).expect_err("no document");
            assert_eq!(refused.kind, IamErrorKind::MalformedPolicyDocument);
        }
    }

    #[test]
    fn versions_are_read_back() {
        assert_eq!("v12".parse(), Ok(PolicyVersionId(12)));
        assert_eq!(PolicyVersionId(3).to_string(), "v3");
        for wrong in ["", "v", "v0", "v01", "12", "v+1", "v-1", "v99999999999", "v4294967295"] {
            assert!(wrong.parse::<PolicyVersionId>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn descriptions_have_a_thousand_characters_of_latin_1() {
        assert_eq!(parse_description(None), Ok(String::new()));
        assert!(parse_description(Some("ü\n".repeat(500))).is_ok());
        assert!(parse_description(Some("x".repeat(1001))).is_err());
        let refused = parse_description(Some("\u{1b}[2J".to_owned())).expect_err("an escape");
        assert!(!refused.message.contains('\u{1b}'));
    }
}
