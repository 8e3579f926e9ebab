//! Accounts and who is in them, as AWS Identity and Access Management (IAM) knows them: users, groups, roles, access
//! keys, managed and inline policies, temporary sessions.
//!
//! IAM has no regions: everything here belongs to an account alone. What a policy document means is decided elsewhere;
//! here it is a text of a permitted length.

mod access_key;
mod account;
mod arn;
mod error;
mod group;
mod id;
mod name;
mod policy;
mod role;
mod session;
mod user;

pub use access_key::{
    AccessKey, AccessKeyState, KeyUse, MAX_ACCESS_KEYS, generate_secret_access_key,
};
pub use account::{
    Account, AccountName, AccountNetwork, AccountQuota, AccountState, AccountUsage, OutgoingRanges,
    Quotas, QuotasInput,
};
pub use arn::{IamArn, InvalidIamArn, PolicyOwner};
pub use error::{IamError, IamErrorKind};
pub use group::{Group, MAX_GROUPS, MAX_GROUPS_PER_USER};
pub use id::{AccessKeyId, GroupId, IdentityId, InvalidIamId, PolicyId, RoleId, UserId};
pub use name::{GroupName, Path, PolicyName, RoleName, RoleSessionName, SourceIdentity, UserName};
pub use policy::{
    InlinePolicy, MAX_ATTACHED_POLICIES, MAX_MANAGED_POLICIES, MAX_POLICY_VERSIONS, ManagedPolicy,
    PolicyDocument, PolicyVersion, PolicyVersionId, parse_policy_description,
};
pub use role::{MAX_ROLES, Role, SessionDuration, parse_role_description};
pub use session::{ExternalId, Session, SessionHolder, TemporaryCredentials};
pub use user::{MAX_USERS, User};

use crate::{access::Tags, kernel::Error};

/// Checks the tags of an IAM resource: as those of other resources, but no two keys that differ only in letter case.
///
/// Source: "Rules for tagging in IAM and AWS STS" of the IAM user guide.
///
/// # Errors
/// `InvalidInput` that names the first tag at fault.
pub fn parse_tags(tags: impl IntoIterator<Item = (String, String)>) -> Result<Tags, IamError> {
    let mut seen = std::collections::BTreeSet::new();
    let mut map = std::collections::BTreeMap::new();
    for (key, value) in tags {
        if !seen.insert(key.to_lowercase()) {
            return Err(IamError::invalid(
                "Duplicate tag keys found. Please note that Tag keys are case insensitive.",
            ));
        }
        map.insert(key, value);
    }
    Tags::parse(map).map_err(|error: Error| IamError::invalid(error.message))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tag_keys_of_iam_differ_in_more_than_letter_case() {
        let tags = |pairs: &[(&str, &str)]| {
            parse_tags(pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())))
        };
        assert_eq!(tags(&[("team", "red"), ("cost", "")]).expect("valid").as_map().len(), 2);
        let refused = tags(&[("team", "red"), ("Team", "blue")]).expect_err("alike");
        assert_eq!(refused.kind, IamErrorKind::InvalidInput);
        assert!(tags(&[("aws:team", "red")]).is_err());
    }
}
