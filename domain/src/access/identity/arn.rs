//! Amazon resource names of IAM and AWS STS. They have no region.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use super::name::{GroupName, Path, PolicyName, RoleName, RoleSessionName, UserName};
use crate::kernel::AccountId;

/// Whose a managed policy is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PolicyOwner {
    /// The service's own: every account may attach it, none may change it.
    Aws,
    /// An account's.
    Account(AccountId),
}

impl PolicyOwner {
    /// The account; none: the policy is the service's.
    pub const fn account(&self) -> Option<&AccountId> {
        match self {
            Self::Aws => None,
            Self::Account(account) => Some(account),
        }
    }
}

/// What an ARN of IAM or STS names.
///
/// Source: service authorization reference, "Resource types defined by AWS IAM" and "… by AWS STS". The partition is
/// always `aws`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum IamArn {
    /// `arn:aws:iam::<account>:root`.
    Root(AccountId),
    /// `arn:aws:iam::<account>:user<path><name>`.
    User(AccountId, Path, UserName),
    /// `arn:aws:iam::<account>:group<path><name>`.
    Group(AccountId, Path, GroupName),
    /// `arn:aws:iam::<account>:role<path><name>`.
    Role(AccountId, Path, RoleName),
    /// `arn:aws:iam::<account or aws>:policy<path><name>`.
    Policy(PolicyOwner, Path, PolicyName),
    /// `arn:aws:sts::<account>:assumed-role/<role>/<session>`, without the role's path.
    AssumedRole(AccountId, RoleName, RoleSessionName),
}

impl IamArn {
    /// The account; none: it is one of the service's own policies.
    pub const fn account(&self) -> Option<&AccountId> {
        match self {
            Self::Root(account)
            | Self::User(account, ..)
            | Self::Group(account, ..)
            | Self::Role(account, ..)
            | Self::AssumedRole(account, ..) => Some(account),
            Self::Policy(owner, ..) => owner.account(),
        }
    }

    /// The path; roots and sessions have none.
    pub const fn path(&self) -> Option<&Path> {
        match self {
            Self::User(_, path, _)
            | Self::Group(_, path, _)
            | Self::Role(_, path, _)
            | Self::Policy(_, path, _) => Some(path),
            Self::Root(_) | Self::AssumedRole(..) => None,
        }
    }
}

impl fmt::Display for IamArn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Root(account) => write!(f, "arn:aws:iam::{account}:root"),
            Self::User(account, path, name) => write!(f, "arn:aws:iam::{account}:user{path}{name}"),
            Self::Group(account, path, name) => {
                write!(f, "arn:aws:iam::{account}:group{path}{name}")
            }
            Self::Role(account, path, name) => write!(f, "arn:aws:iam::{account}:role{path}{name}"),
            Self::Policy(owner, path, name) => {
                let owner = owner.account().map_or("aws", AccountId::as_str);
                write!(f, "arn:aws:iam::{owner}:policy{path}{name}")
            }
            Self::AssumedRole(account, role, session) => {
                write!(f, "arn:aws:sts::{account}:assumed-role/{role}/{session}")
            }
        }
    }
}

/// The text is no ARN of IAM or STS that is known here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not the ARN of a user, group, role, policy or session")]
pub struct InvalidIamArn;

impl FromStr for IamArn {
    type Err = InvalidIamArn;

    fn from_str(text: &str) -> Result<Self, InvalidIamArn> {
        let parts: Vec<&str> = text.splitn(6, ':').collect();
        let ["arn", "aws", service, "", account, resource] = parts.as_slice() else {
            return Err(InvalidIamArn);
        };
        let owner = *account;
        let account = || owner.parse::<AccountId>().map_err(|_| InvalidIamArn);
        if *service == "iam" && *resource == "root" {
            return Ok(Self::Root(account()?));
        }
        let slash = resource.find('/').ok_or(InvalidIamArn)?;
        let (kind, rest) = resource.split_at(slash);
        let (path, name) = rest.split_at(rest.rfind('/').ok_or(InvalidIamArn)? + 1);
        let path = || Path::parse(Some(path)).map_err(|_| InvalidIamArn);
        match (*service, kind) {
            ("iam", "user") => Ok(Self::User(account()?, path()?, valid(UserName::parse(name))?)),
            ("iam", "group") => {
                Ok(Self::Group(account()?, path()?, valid(GroupName::parse(name))?))
            }
            ("iam", "role") => Ok(Self::Role(account()?, path()?, valid(RoleName::parse(name))?)),
            ("iam", "policy") => {
                let owner = if owner == "aws" {
                    PolicyOwner::Aws
                } else {
                    PolicyOwner::Account(account()?)
                };
                Ok(Self::Policy(owner, path()?, valid(PolicyName::parse(name))?))
            }
            ("sts", "assumed-role") => {
                let (role, session) = rest[1..].split_once('/').ok_or(InvalidIamArn)?;
                let role = valid(RoleName::parse(role))?;
                Ok(Self::AssumedRole(account()?, role, valid(RoleSessionName::parse(session))?))
            }
            _ => Err(InvalidIamArn),
        }
    }
}

impl TryFrom<String> for IamArn {
    type Error = InvalidIamArn;
    fn try_from(text: String) -> Result<Self, InvalidIamArn> {
        text.parse()
    }
}

impl From<IamArn> for String {
    fn from(arn: IamArn) -> String {
        arn.to_string()
    }
}

fn valid<T, E>(parsed: Result<T, E>) -> Result<T, InvalidIamArn> {
    parsed.map_err(|_| InvalidIamArn)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn every_name_and_path_makes_an_arn_that_is_read_back(
            account in "[0-9]{12}",
            parts in prop::collection::vec("[!-.0-~]{1,20}", 0..4),
            name in r"[A-Za-z0-9_+=,.@-]{2,64}",
        ) {
            let account: AccountId = account.parse().expect("an account");
            let path: String = parts.iter().flat_map(|part| ["/", part]).chain(["/"]).collect();
            let path = Path::parse(Some(&path)).expect("a path");
            let (user, role) = (UserName::parse(&name), RoleName::parse(&name));
            let session = RoleSessionName::parse(&name).expect("a name");
            let role = role.expect("a name");
            for arn in [
                IamArn::User(account.clone(), path.clone(), user.expect("a name")),
                IamArn::Role(account.clone(), path, role.clone()),
                IamArn::AssumedRole(account, role, session),
            ] {
                prop_assert_eq!(arn.to_string().parse(), Ok(arn));
            }
        }

        #[test]
        fn no_text_makes_an_arn_that_is_written_otherwise(text in "arn:aws:(iam|sts)::[0-9a]{12}:[a-z/:.-]{0,30}|.{0,60}") {
            if let Ok(arn) = text.parse::<IamArn>() {
                prop_assert_eq!(arn.to_string(), text);
            }
        }
    }

    #[test]
    fn arns_are_read_back_as_written() {
        for text in [
            "arn:aws:iam::000000000000:root",
            "arn:aws:iam::000000000000:user/alice",
            "arn:aws:iam::000000000000:user/teams/red/alice",
            "arn:aws:iam::000000000000:group/ops",
            "arn:aws:iam::000000000000:role/service-role/deploy",
            "arn:aws:iam::000000000000:policy/x:y/read",
            "arn:aws:iam::aws:policy/AmazonMQReadOnlyAccess",
            "arn:aws:sts::000000000000:assumed-role/deploy/run-17",
        ] {
            assert_eq!(text.parse::<IamArn>().expect(text).to_string(), text);
        }
    }

    #[test]
    fn other_arns_are_refused() {
        for text in [
            "",
            "arn:aws:iam::000000000000:",
            "arn:aws:iam::aws:user/alice",
            "arn:aws:iam:us-east-1:000000000000:user/alice",
            "arn:aws:iam::000000000000:user",
            "arn:aws:iam::000000000000:user/",
            "arn:aws:iam::000000000000:user//alice",
            "arn:aws:iam::000000000000:server/alice",
            "arn:aws:sts::000000000000:assumed-role/deploy",
            "arn:aws:sts::000000000000:assumed-role/path/deploy/run-17",
            "arn:aws:sts::000000000000:root",
        ] {
            assert!(text.parse::<IamArn>().is_err(), "{text}");
        }
    }
}
