//! Groups of users, which share policies.

use super::{
    arn::IamArn,
    id::GroupId,
    name::{GroupName, Path},
};
use crate::kernel::{AccountId, Timestamp};

/// Groups an account may have.
///
/// Source: "IAM and AWS STS quotas".
pub const MAX_GROUPS: u32 = 300;

/// Groups a user may be in.
///
/// Source: "IAM and AWS STS quotas".
pub const MAX_GROUPS_PER_USER: u32 = 10;

/// A group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// The identifier, which no later group of that name has.
    pub id: GroupId,
    /// Whose group it is.
    pub account: AccountId,
    /// The path.
    pub path: Path,
    /// The name.
    pub name: GroupName,
    /// When it was created.
    pub created: Timestamp,
}

impl Group {
    /// The ARN.
    pub fn arn(&self) -> IamArn {
        IamArn::Group(self.account.clone(), self.path.clone(), self.name.clone())
    }
}
