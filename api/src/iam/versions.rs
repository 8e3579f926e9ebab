//! Versions of managed policies.

use brokerd_domain::identity::{
    IamError, IamErrorKind, ManagedPolicy, PolicyVersion, PolicyVersionId,
};
use brokerd_store::{DeleteVersionOutcome, NewVersionOutcome};

use super::{
    call::{Answer, Call, Permit, no_policy},
    page::{Page, write_end},
    policies::of_version,
    views,
};
use crate::{
    http::error::ApiError,
    query::{Output, Xml},
};

pub(super) async fn answer(operation: &str, call: Call<'_>) -> Answer {
    match operation {
        "CreatePolicyVersion" => create(call).await,
        "GetPolicyVersion" => get(call).await,
        "ListPolicyVersions" => list(call).await,
        "SetDefaultPolicyVersion" => set_default(call).await,
        _ => delete(call).await,
    }
}

async fn create(call: Call<'_>) -> Answer {
    let document = of_version(call.parameters)?;
    let is_default = call.parameters.flag("SetAsDefault")?;
    let (permit, policy) = call.policy().await?;
    let outcome = permit
        .store
        .create_policy_version(permit.account, &policy.arn(), &document, is_default, permit.now)
        .await?;
    match outcome {
        NewVersionOutcome::Created(id) => {
            let version = PolicyVersion { id, document, is_default, created: permit.now };
            Ok(Output::of(|xml| xml.element("PolicyVersion", |xml| listed(xml, &version))))
        }
        NewVersionOutcome::NotFound => Err(no_policy(&policy.arn()).into()),
        NewVersionOutcome::TooMany => Err(IamError::new(
            IamErrorKind::LimitExceeded,
            "A managed policy can have up to 5 versions. Before you create a new version, you must delete an existing version.",
        )
        .into()),
    }
}

async fn versions(
    permit: &Permit<'_>,
    policy: &ManagedPolicy,
) -> Result<Vec<PolicyVersion>, ApiError> {
    let found = permit.store.policy_versions(permit.account, &policy.arn()).await?;
    Ok(found.ok_or_else(|| no_policy(&policy.arn()))?)
}

async fn get(call: Call<'_>) -> Answer {
    let id: PolicyVersionId = call.parameters.required("VersionId")?.parse()?;
    let (permit, policy) = call.policy().await?;
    let versions = versions(&permit, &policy).await?;
    let version = versions.into_iter().find(|version| version.id == id);
    let version = version.ok_or_else(|| no_version(&policy, id))?;
    Ok(Output::of(|xml| {
        xml.element("PolicyVersion", |xml| {
            views::document(xml, "Document", &version.document);
            listed(xml, &version);
        });
    }))
}

async fn list(call: Call<'_>) -> Answer {
    let page = Page::of(call.parameters)?;
    let (permit, policy) = call.policy().await?;
    // The newest one is first.
    let key = |version: &PolicyVersion| format!("{:010}", u32::MAX - version.id.0);
    let (versions, next) = page.cut(versions(&permit, &policy).await?, key);
    Ok(Output::of(|xml| {
        xml.list("Versions", &versions, listed);
        write_end(xml, next.as_deref());
    }))
}

async fn set_default(call: Call<'_>) -> Answer {
    let id: PolicyVersionId = call.parameters.required("VersionId")?.parse()?;
    let (permit, policy) = call.policy().await?;
    let store = permit.store;
    if store.set_default_policy_version(permit.account, &policy.arn(), id).await? {
        return Ok(Output::Nothing);
    }
    Err(no_version(&policy, id).into())
}

async fn delete(call: Call<'_>) -> Answer {
    let id: PolicyVersionId = call.parameters.required("VersionId")?.parse()?;
    let (permit, policy) = call.policy().await?;
    match permit.store.delete_policy_version(permit.account, &policy.arn(), id).await? {
        DeleteVersionOutcome::Deleted => Ok(Output::Nothing),
        DeleteVersionOutcome::NotFound => Err(no_version(&policy, id).into()),
        DeleteVersionOutcome::IsDefault => Err(IamError::new(
            IamErrorKind::DeleteConflict,
            "Cannot delete the default version of a policy.",
        )
        .into()),
    }
}

/// The members of a version but for its document.
pub(super) fn listed(xml: &mut Xml, version: &PolicyVersion) {
    xml.text("VersionId", version.id);
    xml.text("IsDefaultVersion", version.is_default);
    xml.text("CreateDate", views::moment(version.created));
}

fn no_version(policy: &ManagedPolicy, id: PolicyVersionId) -> IamError {
    let message =
        format!("Policy {} version {id} does not exist or is not attachable.", policy.arn());
    IamError::new(IamErrorKind::NoSuchEntity, message)
}
