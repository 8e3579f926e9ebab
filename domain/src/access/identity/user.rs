//! Users: people and pipelines of an account.

use super::{
    arn::IamArn,
    id::UserId,
    name::{Path, UserName},
};
use crate::{
    access::Tags,
    kernel::{AccountId, Timestamp},
};

/// Users an account may have.
///
/// Source: "IAM and AWS STS quotas".
pub const MAX_USERS: u32 = 5000;

/// A user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// The identifier, which no later user of that name has.
    pub id: UserId,
    /// Whose user it is.
    pub account: AccountId,
    /// The path.
    pub path: Path,
    /// The name.
    pub name: UserName,
    /// When it was created.
    pub created: Timestamp,
    /// The policy that bounds what its other policies allow.
    pub boundary: Option<IamArn>,
    /// The tags.
    pub tags: Tags,
}

impl User {
    /// The ARN.
    pub fn arn(&self) -> IamArn {
        IamArn::User(self.account.clone(), self.path.clone(), self.name.clone())
    }
}
