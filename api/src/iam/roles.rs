//! Roles.

use brokerd_domain::{
    identity::{
        IamError, MAX_ROLES, Path, PolicyDocument, Role, RoleId, RoleName, SessionDuration,
        parse_role_description,
    },
    policy::PolicyType,
};
use brokerd_store::IdentityName;

use super::{
    call::{Answer, Call, Permit, Resource, not_attachable, policy_arn},
    page::{Page, write_end},
    policies::readable,
    users::{created, deleted},
    views,
};
use crate::{http::error::ApiError, query::Output};

pub(super) async fn answer(operation: &str, call: Call<'_>) -> Answer {
    match operation {
        "CreateRole" => create(call).await,
        "GetRole" => get(call).await,
        "ListRoles" => list(call).await,
        "UpdateRole" => update(call).await,
        "UpdateRoleDescription" => update_description(call).await,
        "UpdateAssumeRolePolicy" => update_trust(call).await,
        _ => delete(call).await,
    }
}

/// A trust policy.
///
/// # Errors
/// `MalformedPolicyDocument`, `LimitExceeded`.
fn trust_policy(text: &str) -> Result<PolicyDocument, IamError> {
    let document = readable(text, PolicyType::Trust)?;
    if document.size() > PolicyDocument::MAX_TRUST_SIZE {
        return Err(IamError::limit("ACLSizePerRole", PolicyDocument::MAX_TRUST_SIZE));
    }
    Ok(document)
}

async fn create(call: Call<'_>) -> Answer {
    let parameters = call.parameters;
    let name = RoleName::parse(parameters.required("RoleName")?)?;
    let path = Path::parse(parameters.text("Path"))?;
    let trust_policy = trust_policy(parameters.required("AssumeRolePolicyDocument")?)?;
    let description = parse_role_description(parameters.text("Description").map(str::to_owned))?;
    let longest_session =
        SessionDuration::parse_longest_of_role(parameters.number("MaxSessionDuration")?)?;
    let boundary = parameters.text("PermissionsBoundary").map(policy_arn).transpose()?;
    let arn = format!("arn:aws:iam::{}:role{path}{name}", call.account());
    let permit = call.permit(&Resource::named(arn))?;
    let role = Role {
        id: RoleId::generate(permit.entropy),
        account: permit.account.clone(),
        path,
        name,
        created: permit.now,
        description,
        trust_policy,
        longest_session,
        boundary,
        tags: parameters.tags("Tags")?.unwrap_or_default(),
    };
    let outcome = permit.store.create_iam_role(&role).await?;
    created(outcome, "Role", role.name.as_str(), "RolesPerAccount", MAX_ROLES, || {
        role.boundary.as_ref().map(not_attachable)
    })?;
    Ok(shown(&role))
}

fn shown(role: &Role) -> Output {
    Output::of(|xml| xml.element("Role", |xml| views::role(xml, role)))
}

async fn get(call: Call<'_>) -> Answer {
    let (_, role) = call.role().await?;
    Ok(shown(&role))
}

async fn list(call: Call<'_>) -> Answer {
    let page = Page::of(call.parameters)?;
    let arn = format!("arn:aws:iam::{}:role{}", call.account(), page.path_prefix());
    let permit = call.permit(&Resource::named(arn))?;
    let roles = permit.store.iam_roles(permit.account, page.query()).await?;
    Ok(Output::of(|xml| {
        xml.list("Roles", &roles.items, views::listed_role);
        write_end(xml, roles.next.as_deref());
    }))
}

async fn changed(
    permit: Permit<'_>,
    name: &RoleName,
    description: Option<&str>,
    trust_policy: Option<&PolicyDocument>,
    longest: Option<SessionDuration>,
) -> Result<(), ApiError> {
    let is_there = permit
        .store
        .update_iam_role(permit.account, name, description, trust_policy, longest)
        .await?;
    if is_there { Ok(()) } else { Err(IamError::no_such_entity("role", name.as_str()).into()) }
}

async fn update(call: Call<'_>) -> Answer {
    let (permit, role) = call.role().await?;
    let description = call.parameters.text("Description").map(|text| Some(text.to_owned()));
    let description = description.map(parse_role_description).transpose()?;
    let longest = call.parameters.number("MaxSessionDuration")?;
    let longest = longest.map(|seconds| SessionDuration::parse_longest_of_role(Some(seconds)));
    let longest = longest.transpose()?;
    changed(permit, &role.name, description.as_deref(), None, longest).await?;
    Ok(Output::of(|_| {}))
}

async fn update_description(call: Call<'_>) -> Answer {
    let description =
        parse_role_description(Some(call.parameters.required("Description")?.to_owned()))?;
    let (permit, role) = call.role().await?;
    changed(permit, &role.name, Some(&description), None, None).await?;
    Ok(shown(&Role { description, ..role }))
}

async fn update_trust(call: Call<'_>) -> Answer {
    let document = trust_policy(call.parameters.required("PolicyDocument")?)?;
    let (permit, role) = call.role().await?;
    changed(permit, &role.name, None, Some(&document), None).await?;
    Ok(Output::Nothing)
}

async fn delete(call: Call<'_>) -> Answer {
    let (permit, role) = call.role().await?;
    let name = IdentityName::Role(role.name);
    deleted(permit.store.delete_identity(permit.account, &name).await?, &name)?;
    Ok(Output::Nothing)
}
