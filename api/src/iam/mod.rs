//! AWS Identity and Access Management: who is in an account, and what they may do.
//!
//! Source: IAM API reference, version 2010-05-08.

mod account;
mod attached;
mod boundaries;
mod call;
mod details;
mod groups;
mod inline;
mod keys;
mod page;
mod policies;
mod positions;
mod roles;
mod simulate;
mod simulated;
mod tags;
mod unsupported;
mod users;
mod versions;
mod views;

use brokerd_domain::policy::{AccessLevel, OperationPermissions};

pub(crate) use self::call::API;
pub(crate) use self::views::moment;
use self::{
    attached::Change,
    call::{Answer, Call, Kind},
};
use crate::{
    caller::Caller,
    http::error::ApiError,
    query::{Output, Parameters},
    service_parts::ServiceParts,
};

/// The answer of an operation, and its name.
///
/// What a change means for credentials is known here as soon as this returns, and in other processes as soon as they
/// forget what they remember of them.
pub(crate) async fn answer(
    services: &ServiceParts,
    caller: &Caller,
    operation: &str,
    parameters: &Parameters,
) -> Result<(&'static str, Output), ApiError> {
    let permissions =
        OperationPermissions::of_iam(operation).ok_or_else(|| API.unknown(operation))?;
    tracing::Span::current().record("aws.action", format!("iam:{}", permissions.operation));
    let call = Call::new(services, caller, permissions, parameters);
    let answer = dispatch(permissions.operation, call).await;
    let changes = |level| matches!(level, AccessLevel::Write | AccessLevel::Tagging);
    if permissions.actions.iter().any(|action| changes(action.level)) {
        // Also after an error: what it was about may be stored.
        services.authenticator.forget(caller.account());
    }
    Ok((permissions.operation, answer?))
}

async fn dispatch(operation: &str, call: Call<'_>) -> Answer {
    match operation {
        "CreateUser" | "GetUser" | "ListUsers" | "UpdateUser" | "DeleteUser" => {
            users::answer(operation, call).await
        }
        "CreateAccessKey"
        | "ListAccessKeys"
        | "UpdateAccessKey"
        | "DeleteAccessKey"
        | "GetAccessKeyLastUsed" => keys::answer(operation, call).await,
        "CreateGroup"
        | "GetGroup"
        | "ListGroups"
        | "UpdateGroup"
        | "DeleteGroup"
        | "AddUserToGroup"
        | "RemoveUserFromGroup"
        | "ListGroupsForUser" => groups::answer(operation, call).await,
        "CreateRole"
        | "GetRole"
        | "ListRoles"
        | "UpdateRole"
        | "UpdateRoleDescription"
        | "UpdateAssumeRolePolicy"
        | "DeleteRole" => roles::answer(operation, call).await,
        "PutUserPolicy" => inline::put(call, Kind::User).await,
        "PutGroupPolicy" => inline::put(call, Kind::Group).await,
        "PutRolePolicy" => inline::put(call, Kind::Role).await,
        "GetUserPolicy" => inline::get(call, Kind::User).await,
        "GetGroupPolicy" => inline::get(call, Kind::Group).await,
        "GetRolePolicy" => inline::get(call, Kind::Role).await,
        "ListUserPolicies" => inline::list(call, Kind::User).await,
        "ListGroupPolicies" => inline::list(call, Kind::Group).await,
        "ListRolePolicies" => inline::list(call, Kind::Role).await,
        "DeleteUserPolicy" => inline::delete(call, Kind::User).await,
        "DeleteGroupPolicy" => inline::delete(call, Kind::Group).await,
        "DeleteRolePolicy" => inline::delete(call, Kind::Role).await,
        "CreatePolicy"
        | "GetPolicy"
        | "ListPolicies"
        | "DeletePolicy"
        | "ListEntitiesForPolicy" => policies::answer(operation, call).await,
        "CreatePolicyVersion"
        | "GetPolicyVersion"
        | "ListPolicyVersions"
        | "SetDefaultPolicyVersion"
        | "DeletePolicyVersion" => versions::answer(operation, call).await,
        "AttachUserPolicy" => attached::change(call, Kind::User, Change::Attach).await,
        "AttachGroupPolicy" => attached::change(call, Kind::Group, Change::Attach).await,
        "AttachRolePolicy" => attached::change(call, Kind::Role, Change::Attach).await,
        "DetachUserPolicy" => attached::change(call, Kind::User, Change::Detach).await,
        "DetachGroupPolicy" => attached::change(call, Kind::Group, Change::Detach).await,
        "DetachRolePolicy" => attached::change(call, Kind::Role, Change::Detach).await,
        "ListAttachedUserPolicies" => attached::list(call, Kind::User).await,
        "ListAttachedGroupPolicies" => attached::list(call, Kind::Group).await,
        "ListAttachedRolePolicies" => attached::list(call, Kind::Role).await,
        "PutUserPermissionsBoundary" => boundaries::put(call, Kind::User).await,
        "PutRolePermissionsBoundary" => boundaries::put(call, Kind::Role).await,
        "DeleteUserPermissionsBoundary" => boundaries::delete(call, Kind::User).await,
        "DeleteRolePermissionsBoundary" => boundaries::delete(call, Kind::Role).await,
        "TagUser" | "UntagUser" | "ListUserTags" | "TagRole" | "UntagRole" | "ListRoleTags"
        | "TagPolicy" | "UntagPolicy" | "ListPolicyTags" => tags::answer(operation, call).await,
        "SimulatePrincipalPolicy" => simulate::principal(call).await,
        "SimulateCustomPolicy" => simulate::custom(call).await,
        "GetContextKeysForPrincipalPolicy" => simulate::keys_of_principal(call).await,
        "GetContextKeysForCustomPolicy" => simulate::keys_of_custom(call),
        "GetAccountAuthorizationDetails" => details::answer(call).await,
        "GetAccountSummary" => account::summary(call).await,
        "ListAccountAliases" => account::aliases(call),
        other => unsupported::answer(other, call).await,
    }
}
