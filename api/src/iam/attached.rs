//! Managed policies that users, groups and roles have.

use brokerd_domain::identity::{IamError, MAX_ATTACHED_POLICIES};
use brokerd_store::AttachOutcome;

use super::{
    call::{Answer, Call, Kind, no_policy, not_attachable, policy_arn},
    inline::gone,
    page::{Page, write_end},
    views,
};
use crate::query::Output;

/// What is to become of a policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Change {
    Attach,
    Detach,
}

pub(super) async fn change(call: Call<'_>, kind: Kind, change: Change) -> Answer {
    let arn = policy_arn(call.parameters.required("PolicyArn")?)?;
    let (permit, name) = call.identity(kind).await?;
    let outcome = match change {
        Change::Attach => permit.store.attach_policy(permit.account, &name, &arn).await?,
        Change::Detach => permit.store.detach_policy(permit.account, &name, &arn).await?,
    };
    match (outcome, change) {
        (AttachOutcome::Done, _) => Ok(Output::Nothing),
        (AttachOutcome::NoIdentity, _) => Err(gone(&name).into()),
        (AttachOutcome::NoPolicy, Change::Attach) => Err(not_attachable(&arn).into()),
        (AttachOutcome::NoPolicy, Change::Detach) => Err(no_policy(&arn).into()),
        (AttachOutcome::TooMany, _) => {
            let quota = match kind {
                Kind::User => "PoliciesPerUser",
                Kind::Group => "PoliciesPerGroup",
                Kind::Role => "PoliciesPerRole",
            };
            Err(IamError::limit(quota, MAX_ATTACHED_POLICIES).into())
        }
    }
}

pub(super) async fn list(call: Call<'_>, kind: Kind) -> Answer {
    let page = Page::of(call.parameters)?;
    let (permit, name) = call.identity(kind).await?;
    let policies = permit.store.attached_policies(permit.account, &name).await?;
    let mut policies = policies.ok_or_else(|| gone(&name))?;
    policies.retain(|arn| arn.path().is_some_and(|p| p.as_str().starts_with(page.path_prefix())));
    let (policies, next) = page.cut(policies, ToString::to_string);
    Ok(Output::of(|xml| {
        xml.list("AttachedPolicies", &policies, views::attached);
        write_end(xml, next.as_deref());
    }))
}
