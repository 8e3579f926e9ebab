//! The operations of AWS Identity and Access Management (IAM) and of AWS Security Token Service (STS), and their actions.
//!
//! They have tables of their own, because some are called as operations of Amazon MQ are: CreateUser, ListUsers.

use super::{NEW, NO_KEYS, RESOURCE, TAGGED, UNTAGGED, also, needs, row};
use crate::access::policy::operation::{
    AccessLevel::{List, Read, Tagging, Write},
    ConditionKey, OperationPermissions,
    ResourceType::{Any, IamGroup, IamIdentity, IamPolicy, IamRole, IamUser},
    When::{WithSourceIdentity, WithTags},
};

const NEW_BOUNDED: &[ConditionKey] =
    &[ConditionKey::PermissionsBoundary, ConditionKey::RequestTag, ConditionKey::TagKeys];
const BOUNDED: &[ConditionKey] = &[ConditionKey::PermissionsBoundary, ConditionKey::ResourceTag];
const ATTACHED: &[ConditionKey] =
    &[ConditionKey::PermissionsBoundary, ConditionKey::PolicyArn, ConditionKey::ResourceTag];
const ATTACHED_TO_GROUP: &[ConditionKey] = &[ConditionKey::PolicyArn];
const ASSUMED: &[ConditionKey] = &[
    ConditionKey::ExternalId,
    ConditionKey::RoleSessionName,
    ConditionKey::SourceIdentity,
    ConditionKey::RequestTag,
    ConditionKey::TagKeys,
    ConditionKey::ResourceTag,
];

const TAGGED_SESSION: &[ConditionKey] = &[
    ConditionKey::ExternalId,
    ConditionKey::RoleSessionName,
    ConditionKey::SourceIdentity,
    ConditionKey::TransitiveTagKeys,
    ConditionKey::RequestTag,
    ConditionKey::TagKeys,
    ConditionKey::ResourceTag,
];

/// An operation that needs the action of its name.
macro_rules! iam {
    ($operation:literal, $level:ident, $resource:ident, $keys:ident) => {
        row($operation, &[needs(concat!("iam:", $operation), $level, $resource, $keys)])
    };
    ($operation:literal, $level:ident, $resource:ident, $keys:ident, with tags: $tagging:literal) => {
        row(
            $operation,
            &[
                needs(concat!("iam:", $operation), $level, $resource, $keys),
                also(concat!("iam:", $tagging), Tagging, $resource, TAGGED, WithTags),
            ],
        )
    };
}

/// The operations of IAM.
///
/// Source: service authorization reference, "Actions defined by AWS Identity and Access Management". Lists of users,
/// groups and roles are of a path, which the service's refusals name.
const IAM: &[OperationPermissions] = &[
    iam!("AddUserToGroup", Write, IamGroup, NO_KEYS),
    iam!("AttachGroupPolicy", Write, IamGroup, ATTACHED_TO_GROUP),
    iam!("AttachRolePolicy", Write, IamRole, ATTACHED),
    iam!("AttachUserPolicy", Write, IamUser, ATTACHED),
    iam!("CreateAccessKey", Write, IamUser, RESOURCE),
    iam!("CreateGroup", Write, IamGroup, NO_KEYS),
    iam!("CreatePolicy", Write, IamPolicy, NEW, with tags: "TagPolicy"),
    iam!("CreatePolicyVersion", Write, IamPolicy, RESOURCE),
    iam!("CreateRole", Write, IamRole, NEW_BOUNDED, with tags: "TagRole"),
    iam!("CreateUser", Write, IamUser, NEW_BOUNDED, with tags: "TagUser"),
    iam!("DeleteAccessKey", Write, IamUser, RESOURCE),
    iam!("DeleteGroup", Write, IamGroup, NO_KEYS),
    iam!("DeleteGroupPolicy", Write, IamGroup, NO_KEYS),
    iam!("DeleteLoginProfile", Write, IamUser, RESOURCE),
    iam!("DeletePolicy", Write, IamPolicy, RESOURCE),
    iam!("DeletePolicyVersion", Write, IamPolicy, RESOURCE),
    iam!("DeleteRole", Write, IamRole, RESOURCE),
    iam!("DeleteRolePermissionsBoundary", Write, IamRole, BOUNDED),
    iam!("DeleteRolePolicy", Write, IamRole, BOUNDED),
    iam!("DeleteUser", Write, IamUser, RESOURCE),
    iam!("DeleteUserPermissionsBoundary", Write, IamUser, BOUNDED),
    iam!("DeleteUserPolicy", Write, IamUser, BOUNDED),
    iam!("DetachGroupPolicy", Write, IamGroup, ATTACHED_TO_GROUP),
    iam!("DetachRolePolicy", Write, IamRole, ATTACHED),
    iam!("DetachUserPolicy", Write, IamUser, ATTACHED),
    iam!("GetAccessKeyLastUsed", Read, IamUser, RESOURCE),
    iam!("GetAccountAuthorizationDetails", Read, Any, NO_KEYS),
    iam!("GetAccountPasswordPolicy", Read, Any, NO_KEYS),
    iam!("GetAccountSummary", List, Any, NO_KEYS),
    iam!("GetContextKeysForCustomPolicy", Read, Any, NO_KEYS),
    iam!("GetContextKeysForPrincipalPolicy", Read, IamIdentity, RESOURCE),
    iam!("GetGroup", Read, IamGroup, NO_KEYS),
    iam!("GetGroupPolicy", Read, IamGroup, NO_KEYS),
    iam!("GetLoginProfile", List, IamUser, RESOURCE),
    iam!("GetPolicy", Read, IamPolicy, RESOURCE),
    iam!("GetPolicyVersion", Read, IamPolicy, RESOURCE),
    iam!("GetRole", Read, IamRole, RESOURCE),
    iam!("GetRolePolicy", Read, IamRole, RESOURCE),
    iam!("GetUser", Read, IamUser, RESOURCE),
    iam!("GetUserPolicy", Read, IamUser, RESOURCE),
    iam!("ListAccessKeys", List, IamUser, RESOURCE),
    iam!("ListAccountAliases", List, Any, NO_KEYS),
    iam!("ListAttachedGroupPolicies", List, IamGroup, NO_KEYS),
    iam!("ListAttachedRolePolicies", List, IamRole, RESOURCE),
    iam!("ListAttachedUserPolicies", List, IamUser, RESOURCE),
    iam!("ListEntitiesForPolicy", List, IamPolicy, RESOURCE),
    iam!("ListGroupPolicies", List, IamGroup, NO_KEYS),
    iam!("ListGroups", List, IamGroup, NO_KEYS),
    iam!("ListGroupsForUser", List, IamUser, RESOURCE),
    iam!("ListInstanceProfiles", List, Any, NO_KEYS),
    iam!("ListInstanceProfilesForRole", List, IamRole, RESOURCE),
    iam!("ListMFADevices", List, IamUser, RESOURCE),
    iam!("ListOpenIDConnectProviders", List, Any, NO_KEYS),
    iam!("ListPolicies", List, Any, NO_KEYS),
    iam!("ListPolicyTags", List, IamPolicy, RESOURCE),
    iam!("ListPolicyVersions", List, IamPolicy, RESOURCE),
    iam!("ListRolePolicies", List, IamRole, RESOURCE),
    iam!("ListRoleTags", List, IamRole, RESOURCE),
    iam!("ListRoles", List, IamRole, NO_KEYS),
    iam!("ListSAMLProviders", List, Any, NO_KEYS),
    iam!("ListSSHPublicKeys", List, IamUser, RESOURCE),
    iam!("ListServerCertificates", List, Any, NO_KEYS),
    iam!("ListServiceSpecificCredentials", List, IamUser, RESOURCE),
    iam!("ListSigningCertificates", List, IamUser, RESOURCE),
    iam!("ListUserPolicies", List, IamUser, RESOURCE),
    iam!("ListUserTags", List, IamUser, RESOURCE),
    iam!("ListUsers", List, IamUser, NO_KEYS),
    iam!("ListVirtualMFADevices", List, Any, NO_KEYS),
    iam!("PutGroupPolicy", Write, IamGroup, NO_KEYS),
    iam!("PutRolePermissionsBoundary", Write, IamRole, BOUNDED),
    iam!("PutRolePolicy", Write, IamRole, BOUNDED),
    iam!("PutUserPermissionsBoundary", Write, IamUser, BOUNDED),
    iam!("PutUserPolicy", Write, IamUser, BOUNDED),
    iam!("RemoveUserFromGroup", Write, IamGroup, NO_KEYS),
    iam!("SetDefaultPolicyVersion", Write, IamPolicy, RESOURCE),
    iam!("SimulateCustomPolicy", Read, Any, NO_KEYS),
    iam!("SimulatePrincipalPolicy", Read, IamIdentity, RESOURCE),
    iam!("TagPolicy", Tagging, IamPolicy, TAGGED),
    iam!("TagRole", Tagging, IamRole, TAGGED),
    iam!("TagUser", Tagging, IamUser, TAGGED),
    iam!("UntagPolicy", Tagging, IamPolicy, UNTAGGED),
    iam!("UntagRole", Tagging, IamRole, UNTAGGED),
    iam!("UntagUser", Tagging, IamUser, UNTAGGED),
    iam!("UpdateAccessKey", Write, IamUser, RESOURCE),
    iam!("UpdateAssumeRolePolicy", Write, IamRole, RESOURCE),
    iam!("UpdateGroup", Write, IamGroup, NO_KEYS),
    iam!("UpdateRole", Write, IamRole, RESOURCE),
    iam!("UpdateRoleDescription", Write, IamRole, RESOURCE),
    iam!("UpdateUser", Write, IamUser, RESOURCE),
];

/// The operations of STS. GetCallerIdentity and GetSessionToken need no permission.
///
/// Source: service authorization reference, "Actions defined by AWS Security Token Service", and the API reference.
const STS: &[OperationPermissions] = &[
    row(
        "AssumeRole",
        &[
            needs("sts:AssumeRole", Write, IamRole, ASSUMED),
            also("sts:TagSession", Tagging, IamRole, TAGGED_SESSION, WithTags),
            also("sts:SetSourceIdentity", Write, IamRole, ASSUMED, WithSourceIdentity),
        ],
    ),
    row("GetAccessKeyInfo", &[needs("sts:GetAccessKeyInfo", Read, Any, NO_KEYS)]),
    row("GetCallerIdentity", &[]),
    row("GetSessionToken", &[]),
];

impl OperationPermissions {
    /// Those of an operation of IAM by its name; none: there is no such operation here.
    pub fn of_iam(operation: &str) -> Option<&'static Self> {
        IAM.iter().find(|known| known.operation == operation)
    }

    /// Those of an operation of STS by its name; none: there is no such operation here.
    pub fn of_sts(operation: &str) -> Option<&'static Self> {
        STS.iter().find(|known| known.operation == operation)
    }

    /// Every operation of IAM.
    pub fn all_of_iam() -> impl Iterator<Item = &'static Self> {
        IAM.iter()
    }

    /// Every operation of STS.
    pub fn all_of_sts() -> impl Iterator<Item = &'static Self> {
        STS.iter()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_operation_is_there_once_and_needs_the_action_of_its_name() {
        for (service, table) in [("iam", IAM), ("sts", STS)] {
            let names: BTreeSet<_> = table.iter().map(|row| row.operation).collect();
            assert_eq!(names.len(), table.len());
            for row in table {
                if let Some(first) = row.actions.first() {
                    assert_eq!(first.action, format!("{service}:{}", row.operation));
                }
            }
        }
    }
}
