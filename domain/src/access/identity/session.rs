//! Temporary credentials.

use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use super::{
    arn::IamArn,
    error::IamError,
    id::{AccessKeyId, IdentityId, RoleId, UserId},
    name::{RoleSessionName, SourceIdentity},
    policy::PolicyDocument,
};
use crate::{
    access::Tags,
    kernel::{AccountId, Timestamp},
};

/// Who acts in a session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum SessionHolder {
    /// The root of an account, by GetSessionToken.
    Root(AccountId),
    /// A user, by GetSessionToken.
    User(UserId),
    /// Somebody who has assumed a role.
    Role(RoleId, RoleSessionName),
}

impl SessionHolder {
    /// Whose policies apply.
    pub fn identity(&self) -> IdentityId {
        match self {
            Self::Root(id) => IdentityId::Root(id.clone()),
            Self::User(id) => IdentityId::User(id.clone()),
            Self::Role(id, _) => IdentityId::Role(id.clone()),
        }
    }
}

/// A session: what its token says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// Who acts in it.
    pub holder: SessionHolder,
    /// When it began: the value of `aws:TokenIssueTime`.
    pub issued: Timestamp,
    /// From when on its key does not sign.
    pub expires: Timestamp,
    /// The session policy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<PolicyDocument>,
    /// Managed policies that are session policies.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub policy_arns: Vec<IamArn>,
    /// Session tags: those that it was begun with, and those that the session has handed on in which it was begun.
    #[serde(default)]
    pub tags: Tags,
    /// The keys of the session tags that it hands on to sessions of roles that are assumed in it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub transitive_tag_keys: Vec<String>,
    /// Who is behind it: the value of `aws:SourceIdentity`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_identity: Option<SourceIdentity>,
}

impl Session {
    /// Managed policies that a session may be begun with.
    ///
    /// Source: `PolicyArns` of AssumeRole.
    pub const MAX_POLICY_ARNS: usize = 10;

    /// Whether its key signs at that moment.
    pub fn is_live(&self, now: Timestamp) -> bool {
        now < self.expires
    }
}

/// The key of a session.
#[derive(Debug, Clone)]
pub struct TemporaryCredentials {
    /// The public part, `ASIA…`.
    pub key: AccessKeyId,
    /// The secret part.
    pub secret: SecretString,
    /// What requests bring along in `X-Amz-Security-Token`.
    pub token: SecretString,
    /// When they expire.
    pub expires: Timestamp,
}

/// What a third party proves itself with when it assumes a role: 2–1224 letters, digits and `_+=,.@:/-`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExternalId(String);

impl ExternalId {
    /// Checks a caller's value.
    ///
    /// # Errors
    /// `ValidationError` on `externalId`.
    pub fn parse(text: &str) -> Result<Self, IamError> {
        let permitted = |b: u8| b.is_ascii_alphanumeric() || b"_+=,.@:/-".contains(&b);
        if (2..=1224).contains(&text.len()) && text.bytes().all(permitted) {
            return Ok(Self(text.to_owned()));
        }
        Err(IamError::validation(
            "externalId",
            text,
            r"Member must satisfy regular expression pattern: [\w+=,.@:\/-]*, and have length between 2 and 1224",
        ))
    }

    /// The value of `sts:ExternalId`.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_is_read_back_and_ends() {
        let session = Session {
            holder: SessionHolder::Role(
                "AROACKCEVSQ6C2EXAMPLE".parse().expect("an identifier"),
                RoleSessionName::parse("run-17").expect("a name"),
            ),
            issued: Timestamp::from_micros(1),
            expires: Timestamp::from_micros(10),
            policy: Some(PolicyDocument::parse("{}").expect("a document")),
            policy_arns: vec!["arn:aws:iam::aws:policy/X".parse().expect("an ARN")],
            tags: Tags::default(),
            transitive_tag_keys: vec!["team".to_owned()],
            source_identity: Some(SourceIdentity::parse("alice").expect("a name")),
        };
        let text = serde_json::to_string(&session).expect("written");
        assert_eq!(serde_json::from_str::<Session>(&text).expect("read"), session);
        assert!(session.is_live(Timestamp::from_micros(9)));
        assert!(!session.is_live(Timestamp::from_micros(10)));
        assert_eq!(session.holder.identity().as_str(), "AROACKCEVSQ6C2EXAMPLE");
    }

    #[test]
    fn a_session_may_have_as_many_tags_as_its_role_beside_them() {
        let many = |prefix: &str| {
            let tags =
                (0..Tags::MAX_PER_RESOURCE).map(|n| (format!("{prefix}{n}"), prefix.to_owned()));
            Tags::parse(tags.collect()).expect("valid")
        };
        let (role, session) = (many("a"), many("b"));
        assert_eq!(role.overlaid(&session).as_map().len(), 2 * Tags::MAX_PER_RESOURCE);
        let over = Tags::parse([("A0".to_owned(), "won".to_owned())].into()).expect("valid");
        let overlaid = role.overlaid(&over);
        assert_eq!(overlaid.as_map()["A0"], "won", "whatever the letter case");
        assert_eq!(overlaid.as_map().get("a0"), None);
    }

    #[test]
    fn external_ids_follow_the_rules_of_sts() {
        for good in ["ab", "a:b/c+d=e,f.g@h-i_9"] {
            assert!(ExternalId::parse(good).is_ok(), "{good}");
        }
        for wrong in ["", "a", "a b", &"x".repeat(1225)] {
            assert!(ExternalId::parse(wrong).is_err(), "{wrong}");
        }
    }
}
