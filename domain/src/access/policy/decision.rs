//! What is decided, and by which policy.

use std::fmt;

/// What a policy does for a principal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PolicyType {
    /// It gives permissions to a user, a group or a role.
    Identity,
    /// It limits what an identity's policies may give.
    PermissionsBoundary,
    /// It limits what a session may do.
    Session,
    /// It says who may assume a role.
    Trust,
}

impl PolicyType {
    /// With its article, as the service's refusals name it.
    ///
    /// Source: "Access denied error message examples" of the IAM user guide.
    pub(super) const fn with_article(self) -> &'static str {
        match self {
            Self::Identity => "an identity-based policy",
            Self::PermissionsBoundary => "a permissions boundary",
            Self::Session => "a session policy",
            Self::Trust => "the role trust policy",
        }
    }
}

impl fmt::Display for PolicyType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Identity => "identity-based policy",
            Self::PermissionsBoundary => "permissions boundary",
            Self::Session => "session policy",
            Self::Trust => "role trust policy",
        })
    }
}

/// Where a policy comes from.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PolicySource {
    /// What it does.
    pub policy_type: PolicyType,
    /// The identity that it is attached to or embedded in, by ARN: a user, a group, a role or a session.
    pub identity: String,
    /// Which one it is.
    pub name: PolicyName,
}

/// Which policy of an identity.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PolicyName {
    /// A managed policy, by its ARN.
    Managed(String),
    /// An inline policy, by its name.
    Inline(String),
    /// The only one of its type that the identity has: a trust policy, or a session's own.
    Only,
}

/// The statement that decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MatchedStatement {
    /// Of which policy.
    pub source: PolicySource,
    /// Which one, from 1.
    pub number: usize,
    /// Its identifier.
    pub sid: Option<String>,
}

/// Whether a principal may do what it asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// It may.
    Allowed {
        /// The first statement that allows it; none: the account's root may do everything.
        by: Option<MatchedStatement>,
    },
    /// It may not, because no policy of a type that has to allow it does.
    ImplicitDeny {
        /// The first type that has no such policy.
        missing: PolicyType,
    },
    /// It may not, because a statement denies it.
    ExplicitDeny {
        /// The first such statement.
        by: MatchedStatement,
    },
}

impl Decision {
    /// Whether the principal may.
    pub const fn is_allowed(&self) -> bool {
        matches!(self, Self::Allowed { .. })
    }

    /// The decision as SimulatePrincipalPolicy reports it.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Allowed { .. } => "allowed",
            Self::ImplicitDeny { .. } => "implicitDeny",
            Self::ExplicitDeny { .. } => "explicitDeny",
        }
    }
}
