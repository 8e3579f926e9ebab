//! The element `Principal` of a role's trust policy.

use super::{
    error::InvalidPolicy,
    json::Node,
    principal::{Principal, PrincipalKind},
};

/// `Principal`, or `NotPrincipal` of a statement that denies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PrincipalElement {
    entries: Vec<Entry>,
    is_negated: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Entry {
    Everyone,
    /// An account and all that it permits.
    Account(String),
    /// A user or a role, by ARN.
    Identity(String),
    /// One session of a role, by ARN.
    Session(String),
    /// A service or an identity provider, which call nothing here.
    Other,
}

/// How closely a trust policy names a principal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Closeness {
    /// It trusts the account, which has to permit it to the principal.
    Account,
    /// It names the role of the session.
    Role,
    /// It names the user or the session, or everyone.
    Itself,
}

impl PrincipalElement {
    /// Reads the element.
    ///
    /// # Errors
    /// The first entry that is no principal.
    pub(super) fn parse(node: &Node, is_negated: bool) -> Result<Self, InvalidPolicy> {
        let invalid = |kind: &str, name: &str| {
            InvalidPolicy::Malformed(format!("Invalid principal in policy: \"{kind}\":\"{name}\""))
        };
        let kinds = match node {
            Node::Text(text) if text == "*" => {
                return Ok(Self { entries: vec![Entry::Everyone], is_negated });
            }
            Node::Text(text) => return Err(invalid("STAR", text)),
            Node::Map(kinds) if !kinds.is_empty() => kinds,
            other => return Err(invalid("STAR", other.kind())),
        };
        let mut entries = Vec::new();
        for (kind, names) in kinds {
            let names = match names {
                Node::List(names) if !names.is_empty() => names.as_slice(),
                name => std::slice::from_ref(name),
            };
            for name in names {
                let Node::Text(name) = name else { return Err(invalid(kind, name.kind())) };
                let entry = match kind.as_str() {
                    "AWS" => Entry::parse(name).ok_or_else(|| invalid(kind, name))?,
                    "Service" | "Federated" if !name.is_empty() => Entry::Other,
                    _ => return Err(invalid(kind, name)),
                };
                entries.push(entry);
            }
        }
        Ok(Self { entries, is_negated })
    }

    /// How closely it names a principal; none: its statement is not about that one.
    pub(super) fn closeness(&self, principal: &Principal) -> Option<Closeness> {
        if self.is_negated {
            let is_excepted = self.entries.iter().any(|entry| entry.excepts(principal));
            return (!is_excepted).then_some(Closeness::Itself);
        }
        self.entries.iter().filter_map(|entry| entry.closeness(principal)).max()
    }
}

impl Entry {
    fn parse(name: &str) -> Option<Self> {
        let is_account = |id: &str| id.len() == 12 && id.bytes().all(|b| b.is_ascii_digit());
        if name == "*" {
            return Some(Self::Everyone);
        }
        if is_account(name) {
            return Some(Self::Account(name.to_owned()));
        }
        let parts: Vec<&str> = name.splitn(6, ':').collect();
        let ["arn", "aws", service, "", account, resource] = parts.as_slice() else { return None };
        // Wildcards can't match a part of a principal.
        if !is_account(account) || resource.contains(['*', '?', ':']) {
            return None;
        }
        let has_name = |prefix| {
            resource.strip_prefix(prefix).is_some_and(|rest: &str| {
                !rest.is_empty() && rest.split('/').all(|part| !part.is_empty())
            })
        };
        match *service {
            "iam" if *resource == "root" => Some(Self::Account((*account).to_owned())),
            "iam" if has_name("user/") || has_name("role/") => {
                Some(Self::Identity(name.to_owned()))
            }
            "sts" if has_name("assumed-role/") && resource.split('/').count() == 3 => {
                Some(Self::Session(name.to_owned()))
            }
            "sts" if has_name("federated-user/") => Some(Self::Other),
            _ => None,
        }
    }

    fn closeness(&self, principal: &Principal) -> Option<Closeness> {
        let is_session = matches!(principal.kind, PrincipalKind::RoleSession { .. });
        match self {
            Self::Everyone => Some(Closeness::Itself),
            Self::Account(id) if *id == principal.account.to_string() => Some(Closeness::Account),
            Self::Identity(arn) if *arn == principal.identity_arn() => {
                Some(if is_session { Closeness::Role } else { Closeness::Itself })
            }
            Self::Session(arn) if is_session && *arn == principal.arn() => Some(Closeness::Itself),
            _ => None,
        }
    }

    /// Whether `NotPrincipal` leaves a principal out. An account there is its root alone: who is in it has to be named.
    ///
    /// Source: "AWS JSON policy elements: NotPrincipal" of the IAM user guide.
    fn excepts(&self, principal: &Principal) -> bool {
        match self {
            Self::Account(_) => {
                principal.kind == PrincipalKind::Root && self.closeness(principal).is_some()
            }
            _ => self.closeness(principal).is_some(),
        }
    }
}
