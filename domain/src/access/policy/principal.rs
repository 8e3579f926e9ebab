//! Who makes a request.

use std::borrow::Cow;

use super::value::instant;
use crate::{
    access::tag::Tags,
    kernel::{AccountId, Timestamp},
};

/// Who makes a request: whose policies apply, and which keys of the context say who it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    /// In which account.
    pub account: AccountId,
    /// What it is.
    pub kind: PrincipalKind,
    /// Its tags: those of the user, or of the role with those of the session.
    pub tags: Tags,
    /// Since when its temporary credentials are valid; none: the access key lasts.
    pub token_issued: Option<Timestamp>,
}

/// What a principal is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PrincipalKind {
    /// The account itself, which may do everything in it.
    Root,
    /// A user.
    User {
        /// `/`, or a path that begins and ends with it.
        path: String,
        /// The name.
        name: String,
        /// `AIDA…`.
        id: String,
    },
    /// A session of a role.
    RoleSession {
        /// The role's path.
        path: String,
        /// The role's name.
        role: String,
        /// `AROA…`: the role's.
        role_id: String,
        /// The name that the caller of AssumeRole has given.
        session: String,
        /// The keys of the session tags that sessions inherit which are begun in this one.
        transitive_tag_keys: Vec<String>,
        /// Who is behind it, if that was said.
        source_identity: Option<String>,
    },
}

impl Principal {
    /// The ARN by which the service names it: that of a session for sessions.
    pub fn arn(&self) -> String {
        let account = &self.account;
        match &self.kind {
            PrincipalKind::RoleSession { role, session, .. } => {
                format!("arn:aws:sts::{account}:assumed-role/{role}/{session}")
            }
            PrincipalKind::Root | PrincipalKind::User { .. } => self.identity_arn(),
        }
    }

    /// `aws:PrincipalArn`: the ARN of the identity whose policies apply, which for sessions is the role.
    pub fn identity_arn(&self) -> String {
        let account = &self.account;
        match &self.kind {
            PrincipalKind::Root => format!("arn:aws:iam::{account}:root"),
            PrincipalKind::User { path, name, .. } => {
                format!("arn:aws:iam::{account}:user{path}{name}")
            }
            PrincipalKind::RoleSession { path, role, .. } => {
                format!("arn:aws:iam::{account}:role{path}{role}")
            }
        }
    }

    /// `aws:userid`, and `UserId` in GetCallerIdentity.
    ///
    /// Source: "Where you can use policy variables", "Principal key values" of the IAM user guide.
    pub fn user_id(&self) -> String {
        match &self.kind {
            PrincipalKind::Root => self.account.to_string(),
            PrincipalKind::User { id, .. } => id.clone(),
            PrincipalKind::RoleSession { role_id, session, .. } => format!("{role_id}:{session}"),
        }
    }

    /// Whether it is the root of its account, which no policy binds.
    pub const fn is_root(&self) -> bool {
        matches!(self.kind, PrincipalKind::Root)
    }

    /// The condition keys that say who it is.
    ///
    /// Source: "Principal key values" and "Properties of the principal" of the IAM user guide.
    pub(super) fn keys(&self) -> Vec<(Cow<'static, str>, String)> {
        let (kind, username) = match &self.kind {
            PrincipalKind::Root => ("Account", None),
            PrincipalKind::User { name, .. } => ("User", Some(name)),
            PrincipalKind::RoleSession { .. } => ("AssumedRole", None),
        };
        let mut keys = vec![
            ("aws:PrincipalAccount".into(), self.account.to_string()),
            ("aws:PrincipalArn".into(), self.identity_arn()),
            ("aws:PrincipalIsAWSService".into(), false.to_string()),
            ("aws:PrincipalType".into(), kind.to_owned()),
            ("aws:userid".into(), self.user_id()),
        ];
        if let Some(name) = username {
            keys.push(("aws:username".into(), name.clone()));
        }
        if let PrincipalKind::RoleSession { source_identity: Some(source), .. } = &self.kind {
            keys.push(("aws:SourceIdentity".into(), source.clone()));
        }
        if let Some(issued) = self.token_issued {
            // Nobody has a device for multi-factor authentication; only temporary credentials tell.
            keys.push(("aws:MultiFactorAuthPresent".into(), false.to_string()));
            keys.push(("aws:TokenIssueTime".into(), instant(issued)));
        }
        let tags = self.tags.as_map().iter();
        keys.extend(
            tags.map(|(key, value)| (format!("aws:PrincipalTag/{key}").into(), value.clone())),
        );
        keys
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn principal(kind: PrincipalKind) -> Principal {
        let account = "000000000000".parse().expect("an account");
        Principal { account, kind, tags: Tags::default(), token_issued: None }
    }

    #[test]
    fn principals_are_told_as_get_caller_identity_does() {
        let root = principal(PrincipalKind::Root);
        assert_eq!(root.arn(), "arn:aws:iam::000000000000:root");
        assert_eq!((root.user_id().as_str(), root.is_root()), ("000000000000", true));
        let user = principal(PrincipalKind::User {
            path: "/red/".to_owned(),
            name: "alice".to_owned(),
            id: "AIDACKCEVSQ6C2EXAMPLE".to_owned(),
        });
        assert_eq!(user.arn(), "arn:aws:iam::000000000000:user/red/alice");
        assert_eq!((user.user_id().as_str(), user.is_root()), ("AIDACKCEVSQ6C2EXAMPLE", false));
        let session = principal(PrincipalKind::RoleSession {
            path: "/red/".to_owned(),
            role: "deploy".to_owned(),
            role_id: "AROACKCEVSQ6C2EXAMPLE".to_owned(),
            session: "run-17".to_owned(),
            transitive_tag_keys: Vec::new(),
            source_identity: None,
        });
        assert_eq!(session.arn(), "arn:aws:sts::000000000000:assumed-role/deploy/run-17");
        assert_eq!(session.identity_arn(), "arn:aws:iam::000000000000:role/red/deploy");
        assert_eq!(session.user_id(), "AROACKCEVSQ6C2EXAMPLE:run-17");
    }
}
