//! Managed policies.

use brokerd_domain::{
    identity::{
        IamError, IamErrorKind, MAX_MANAGED_POLICIES, ManagedPolicy, Path, PolicyDocument,
        PolicyId, PolicyName, PolicyOwner, PolicyVersionId, parse_policy_description,
    },
    policy::{InvalidPolicy, Policy, PolicyType},
};
use brokerd_store::{DeletePolicyOutcome, IdentityName, NewPolicyOutcome, PolicyEntity, PolicyUse};

use super::{
    call::{Answer, Call, Permit, Resource, no_policy},
    page::{Page, write_end},
    views,
};
use crate::{
    http::error::ApiError,
    query::{Output, Parameters, Xml},
};

pub(super) async fn answer(operation: &str, call: Call<'_>) -> Answer {
    match operation {
        "CreatePolicy" => create(call).await,
        "GetPolicy" => get(call).await,
        "ListPolicies" => list(call).await,
        "ListEntitiesForPolicy" => entities(call).await,
        _ => delete(call).await,
    }
}

/// A document that can be evaluated.
///
/// # Errors
/// `MalformedPolicyDocument`, with what is at fault.
pub(super) fn readable(text: &str, policy_type: PolicyType) -> Result<PolicyDocument, IamError> {
    let document = PolicyDocument::parse(text)?;
    match Policy::parse(text, policy_type) {
        Ok(_) => Ok(document),
        Err(InvalidPolicy::Malformed(why)) => {
            Err(IamError::new(IamErrorKind::MalformedPolicyDocument, why))
        }
        Err(error @ InvalidPolicy::TooLong { .. }) => {
            Err(IamError::new(IamErrorKind::LimitExceeded, error.to_string()))
        }
    }
}

/// The document of a version of a managed policy.
///
/// # Errors
/// `MalformedPolicyDocument`, `LimitExceeded`.
pub(super) fn of_version(parameters: &Parameters) -> Result<PolicyDocument, IamError> {
    let document = readable(parameters.required("PolicyDocument")?, PolicyType::Identity)?;
    if document.size() > PolicyDocument::MAX_MANAGED_SIZE {
        return Err(IamError::limit("PolicySize", PolicyDocument::MAX_MANAGED_SIZE));
    }
    Ok(document)
}

async fn create(call: Call<'_>) -> Answer {
    let parameters = call.parameters;
    let name = PolicyName::parse(parameters.required("PolicyName")?)?;
    let path = Path::parse(parameters.text("Path"))?;
    let document = of_version(parameters)?;
    let description = parse_policy_description(parameters.text("Description").map(str::to_owned))?;
    let arn = format!("arn:aws:iam::{}:policy{path}{name}", call.account());
    let permit = call.permit(&Resource::named(arn))?;
    let policy = ManagedPolicy {
        id: PolicyId::generate(permit.entropy),
        owner: PolicyOwner::Account(permit.account.clone()),
        path,
        name,
        description,
        created: permit.now,
        updated: permit.now,
        default_version: PolicyVersionId(1),
        attachments: 0,
        bounded: 0,
        tags: parameters.tags("Tags")?.unwrap_or_default(),
    };
    match permit.store.create_managed_policy(permit.account, &policy, &document).await? {
        NewPolicyOutcome::Created => {}
        NewPolicyOutcome::NameTaken => {
            let message = format!(
                "A policy called {} already exists. Duplicate names are not allowed.",
                policy.name
            );
            return Err(IamError::new(IamErrorKind::EntityAlreadyExists, message).into());
        }
        NewPolicyOutcome::TooMany => {
            return Err(IamError::limit("PoliciesPerAccount", MAX_MANAGED_POLICIES).into());
        }
    }
    Ok(Output::of(|xml| xml.element("Policy", |xml| views::policy(xml, &policy))))
}

async fn get(call: Call<'_>) -> Answer {
    let (_, policy) = call.policy().await?;
    Ok(Output::of(|xml| xml.element("Policy", |xml| views::policy(xml, &policy))))
}

async fn list(call: Call<'_>) -> Answer {
    let page = Page::of(call.parameters)?;
    let own = PolicyOwner::Account(call.account().clone());
    let owners = match call.parameters.text("Scope").unwrap_or("All") {
        "All" => vec![own, PolicyOwner::Aws],
        "AWS" => vec![PolicyOwner::Aws],
        "Local" => vec![own],
        other => return Err(not_in("scope", other, "[All, AWS, Local]").into()),
    };
    let is_attached_only = call.parameters.flag("OnlyAttached")?;
    let usage = policy_use(call.parameters)?;
    // So the service's refusals name it.
    let permit = call.permit(&Resource::named(format!("policy path {}", page.path_prefix())))?;
    let policies = permit
        .store
        .managed_policies(permit.account, &owners, is_attached_only, page.query())
        .await?;
    let is_wanted = |policy: &&ManagedPolicy| match usage {
        None => true,
        Some(PolicyUse::Attached) => policy.attachments > 0,
        Some(PolicyUse::Boundary) => policy.bounded > 0,
    };
    Ok(Output::of(|xml| {
        xml.list("Policies", policies.items.iter().filter(is_wanted), views::listed_policy);
        write_end(xml, policies.next.as_deref());
    }))
}

async fn delete(call: Call<'_>) -> Answer {
    let (permit, policy) = call.policy().await?;
    let conflict = |why: &str| IamError::new(IamErrorKind::DeleteConflict, why);
    match permit.store.delete_managed_policy(permit.account, &policy.arn()).await? {
        DeletePolicyOutcome::Deleted => Ok(Output::Nothing),
        DeletePolicyOutcome::NotFound => Err(no_policy(&policy.arn()).into()),
        DeletePolicyOutcome::InUse => {
            Err(conflict("Cannot delete a policy attached to entities.").into())
        }
        DeletePolicyOutcome::HasVersions => Err(conflict(
            "This policy has more than one version. Before you delete a policy, you must delete the policy's versions. The default version is deleted with the policy.",
        )
        .into()),
    }
}

async fn entities(call: Call<'_>) -> Answer {
    let page = Page::of(call.parameters)?;
    let usage = policy_use(call.parameters)?;
    let filter = match call.parameters.text("EntityFilter") {
        None => None,
        Some("User") => Some("user"),
        Some("Group") => Some("group"),
        Some("Role") => Some("role"),
        // Policies are attached to nothing else.
        Some("LocalManagedPolicy" | "AWSManagedPolicy") => Some("policy"),
        Some(other) => {
            let known = "[User, Role, Group, LocalManagedPolicy, AWSManagedPolicy]";
            return Err(not_in("entityFilter", other, known).into());
        }
    };
    let (permit, policy) = call.policy().await?;
    let mut entities = permit.store.policy_entities(permit.account, &policy.arn()).await?;
    entities.retain(|entity| {
        filter.is_none_or(|kind| entity.name.kind() == kind)
            && usage.is_none_or(|usage| entity.usage == usage)
    });
    // Who has it and is bounded by it, too, is one entity.
    entities.dedup_by(|one, other| one.id == other.id);
    if page.path_prefix() != "/" {
        let mut below = Vec::new();
        for entity in entities {
            let path = path_of(&permit, &entity.name).await?;
            if path.is_some_and(|path| path.as_str().starts_with(page.path_prefix())) {
                below.push(entity);
            }
        }
        entities = below;
    }
    let (entities, next) =
        page.cut(entities, |entity| format!("{}/{}", entity.name.kind(), entity.name.as_str()));
    Ok(Output::of(|xml| {
        let of = |kind| entities.iter().filter(move |entity| entity.name.kind() == kind);
        xml.list("PolicyGroups", of("group"), write_entity);
        xml.list("PolicyUsers", of("user"), write_entity);
        xml.list("PolicyRoles", of("role"), write_entity);
        write_end(xml, next.as_deref());
    }))
}

/// The path of a user, group or role; none: it went away in this moment.
async fn path_of(permit: &Permit<'_>, name: &IdentityName) -> Result<Option<Path>, ApiError> {
    let (store, account) = (permit.store, permit.account);
    Ok(match name {
        IdentityName::User(name) => store.iam_user(account, name).await?.map(|user| user.path),
        IdentityName::Group(name) => store.iam_group(account, name).await?.map(|group| group.path),
        IdentityName::Role(name) => store.iam_role(account, name).await?.map(|role| role.path),
    })
}

fn write_entity(xml: &mut Xml, entity: &PolicyEntity) {
    let (name, id) = match entity.name {
        IdentityName::User(_) => ("UserName", "UserId"),
        IdentityName::Group(_) => ("GroupName", "GroupId"),
        IdentityName::Role(_) => ("RoleName", "RoleId"),
    };
    xml.text(name, entity.name.as_str());
    xml.text(id, &entity.id);
}

fn policy_use(parameters: &Parameters) -> Result<Option<PolicyUse>, IamError> {
    match parameters.text("PolicyUsageFilter") {
        None => Ok(None),
        Some("PermissionsPolicy") => Ok(Some(PolicyUse::Attached)),
        Some("PermissionsBoundary") => Ok(Some(PolicyUse::Boundary)),
        Some(other) => {
            Err(not_in("policyUsageFilter", other, "[PermissionsPolicy, PermissionsBoundary]"))
        }
    }
}

/// The refusal of a value that is none of a list.
pub(super) fn not_in(member: &str, value: &str, known: &str) -> IamError {
    let value = value.escape_debug().to_string();
    IamError::validation(member, &value, format!("Member must satisfy enum value set: {known}"))
}
