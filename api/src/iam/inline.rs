//! Inline policies of users, groups and roles.

use brokerd_domain::{
    identity::{IamError, IamErrorKind, InlinePolicy, PolicyName},
    policy::PolicyType,
};
use brokerd_store::{IdentityName, PutInlinePolicyOutcome};

use super::{
    call::{Answer, Call, Kind},
    page::{Page, write_end},
    policies::readable,
    views,
};
use crate::query::{Output, Xml};

pub(super) async fn put(call: Call<'_>, kind: Kind) -> Answer {
    let policy = InlinePolicy {
        name: PolicyName::parse(call.parameters.required("PolicyName")?)?,
        document: readable(call.parameters.required("PolicyDocument")?, PolicyType::Identity)?,
    };
    let (permit, name) = call.identity(kind).await?;
    match permit.store.put_inline_policy(permit.account, &name, &policy).await? {
        PutInlinePolicyOutcome::Done => Ok(Output::Nothing),
        PutInlinePolicyOutcome::NoIdentity => Err(gone(&name).into()),
        PutInlinePolicyOutcome::TooLong(most) => {
            let message = format!(
                "Maximum policy size of {most} bytes exceeded for {} {}",
                kind.noun(),
                name.as_str()
            );
            Err(IamError::new(IamErrorKind::LimitExceeded, message).into())
        }
    }
}

pub(super) async fn get(call: Call<'_>, kind: Kind) -> Answer {
    let wanted = PolicyName::parse(call.parameters.required("PolicyName")?)?;
    let (permit, name) = call.identity(kind).await?;
    let policies = permit.store.inline_policies(permit.account, &name).await?;
    let policies = policies.ok_or_else(|| gone(&name))?;
    let policy = policies.into_iter().find(|policy| policy.name == wanted);
    let policy = policy.ok_or_else(|| no_policy(kind, &wanted))?;
    Ok(Output::of(|xml| {
        write_holder(xml, &name);
        xml.text("PolicyName", &policy.name);
        views::document(xml, "PolicyDocument", &policy.document);
    }))
}

pub(super) async fn list(call: Call<'_>, kind: Kind) -> Answer {
    let page = Page::of(call.parameters)?;
    let (permit, name) = call.identity(kind).await?;
    let policies = permit.store.inline_policies(permit.account, &name).await?;
    let policies = policies.ok_or_else(|| gone(&name))?;
    let (policies, next) = page.cut(policies, |policy| policy.name.to_string());
    Ok(Output::of(|xml| {
        xml.texts("PolicyNames", policies.iter().map(|policy| &policy.name));
        write_end(xml, next.as_deref());
    }))
}

pub(super) async fn delete(call: Call<'_>, kind: Kind) -> Answer {
    let policy = PolicyName::parse(call.parameters.required("PolicyName")?)?;
    let (permit, name) = call.identity(kind).await?;
    let was_there = permit.store.delete_inline_policy(permit.account, &name, &policy).await?;
    if was_there { Ok(Output::Nothing) } else { Err(no_policy(kind, &policy).into()) }
}

fn write_holder(xml: &mut Xml, name: &IdentityName) {
    let member = match name {
        IdentityName::User(_) => "UserName",
        IdentityName::Group(_) => "GroupName",
        IdentityName::Role(_) => "RoleName",
    };
    xml.text(member, name.as_str());
}

fn no_policy(kind: Kind, name: &PolicyName) -> IamError {
    let message = format!("The {} policy with name {name} cannot be found.", kind.noun());
    IamError::new(IamErrorKind::NoSuchEntity, message)
}

/// The 404 for a user, group or role that went away in this moment.
pub(super) fn gone(name: &IdentityName) -> IamError {
    IamError::no_such_entity(name.kind(), name.as_str())
}
