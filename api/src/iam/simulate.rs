//! What somebody would be permitted, and which condition keys matter for it.

use std::{collections::BTreeSet, sync::Arc};

use brokerd_domain::{
    Tags,
    identity::{IamArn, IamError, IamErrorKind, RoleSessionName, Session, SessionHolder},
    policy::{
        AppliedPolicies, AppliedPolicy, Policy, PolicyName, PolicySource, PolicyType, Principal,
        PrincipalKind,
    },
};
use brokerd_store::IdentityName;

use super::{
    call::{Answer, Call, Permit, Resource},
    inline::gone,
    page::{Page, write_end},
    policies::readable,
    positions,
    simulated::{Answered, Places, Questions, Simulation, add_entries},
};
use crate::{
    http::error::ApiError,
    query::{Output, Parameters},
};

/// Documents that a call brings, by the name under which answers know them.
type Inputs = Vec<(String, String)>;

pub(super) async fn principal(call: Call<'_>) -> Answer {
    let questions = Questions::of(call.parameters)?;
    let (permit, principal, mut policies) = source(&call).await?;
    let inputs = add_inputs(&mut policies, call.parameters)?;
    let principal = match call.parameters.text("CallerArn") {
        Some(arn) => user_of_arn(&permit, arn).await?,
        None => principal,
    };
    let mut simulation = Simulation::new(principal, policies, &permit.caller.environment);
    add_entries(&mut simulation.context, call.parameters)?;
    answer(&permit, &simulation, &questions, &inputs, call.parameters).await
}

pub(super) async fn custom(call: Call<'_>) -> Answer {
    let questions = Questions::of(call.parameters)?;
    let permit = call.permit(&Resource::named("*"))?;
    if !call.parameters.has_list("PolicyInputList") {
        call.parameters.required("PolicyInputList")?;
    }
    let mut policies = AppliedPolicies::default();
    let inputs = add_inputs(&mut policies, call.parameters)?;
    let principal = match call.parameters.text("CallerArn") {
        Some(arn) => user_of_arn(&permit, arn).await?,
        None => nobody(&permit),
    };
    let mut simulation = Simulation::new(principal, policies, &permit.caller.environment);
    add_entries(&mut simulation.context, call.parameters)?;
    answer(&permit, &simulation, &questions, &inputs, call.parameters).await
}

pub(super) async fn keys_of_principal(call: Call<'_>) -> Answer {
    let (_, _, mut policies) = source(&call).await?;
    add_inputs(&mut policies, call.parameters)?;
    Ok(keys(&policies))
}

pub(super) fn keys_of_custom(call: Call<'_>) -> Answer {
    call.permit(&Resource::named("*"))?;
    let mut policies = AppliedPolicies::default();
    add_inputs(&mut policies, call.parameters)?;
    Ok(keys(&policies))
}

fn keys(policies: &AppliedPolicies) -> Output {
    let all = policies.identity.iter().flat_map(|applied| applied.policy.context_keys());
    let keys: BTreeSet<&str> = all.collect();
    Output::of(|xml| xml.texts("ContextKeyNames", keys))
}

async fn answer(
    permit: &Permit<'_>,
    simulation: &Simulation,
    questions: &Questions,
    inputs: &Inputs,
    parameters: &Parameters,
) -> Answer {
    let page = Page::of(parameters)?;
    let start = page.after().map_or(Ok(0), str::parse::<usize>);
    let start =
        start.map_err(|_| IamError::malformed("The value of the parameter Marker is invalid."))?;
    let end = start.saturating_add(usize::try_from(page.most).unwrap_or(usize::MAX));
    let answers = simulation.answers(questions, start..end.min(questions.len()));
    let places = places(permit, &answers, inputs).await?;
    let next = (end < questions.len()).then(|| end.to_string());
    Ok(Output::of(|xml| {
        xml.list("EvaluationResults", &answers, |xml, answer| answer.write(xml, &places));
        write_end(xml, next.as_deref());
    }))
}

/// Whose policies are asked about, and who would call.
async fn source<'a>(call: &Call<'a>) -> Result<(Permit<'a>, Principal, AppliedPolicies), ApiError> {
    let text = call.parameters.required("PolicySourceArn")?;
    let arn: Option<IamArn> = text.parse().ok();
    let arn = arn.filter(|arn| {
        matches!(arn, IamArn::User(..) | IamArn::Group(..) | IamArn::Role(..))
            && arn.account() == Some(call.account())
    });
    let Some(arn) = arn else {
        call.permit(&Resource::named(text))?;
        return Err(no_source(text).into());
    };
    match &arn {
        IamArn::User(..) => user(call, &arn).await,
        IamArn::Role(..) => role(call, &arn).await,
        _ => group(call, &arn).await,
    }
}

fn no_source(arn: &str) -> IamError {
    let message = format!("{} does not exist.", arn.escape_debug());
    IamError::new(IamErrorKind::NoSuchEntity, message)
}

async fn user<'a>(
    call: &Call<'a>,
    arn: &IamArn,
) -> Result<(Permit<'a>, Principal, AppliedPolicies), ApiError> {
    let (permit, user) = call.user_of_arn(arn).await?;
    let user = user.ok_or_else(|| no_source(&arn.to_string()))?;
    let holder = SessionHolder::User(user.id);
    let (principal, policies) = acting(&permit, holder, arn).await?;
    Ok((permit, principal, policies))
}

async fn role<'a>(
    call: &Call<'a>,
    arn: &IamArn,
) -> Result<(Permit<'a>, Principal, AppliedPolicies), ApiError> {
    let (permit, role) = call.role_of_arn(arn).await?;
    let role = role.ok_or_else(|| no_source(&arn.to_string()))?;
    let holder = SessionHolder::Role(role.id, RoleSessionName::parse("simulated")?);
    let (principal, policies) = acting(&permit, holder, arn).await?;
    Ok((permit, principal, policies))
}

/// A group's policies, for a user who has no others.
async fn group<'a>(
    call: &Call<'a>,
    arn: &IamArn,
) -> Result<(Permit<'a>, Principal, AppliedPolicies), ApiError> {
    let permit = call.permit(&Resource::named(arn.to_string()))?;
    let IamArn::Group(_, _, name) = arn else { return Err(no_source(&arn.to_string()).into()) };
    let name = IdentityName::Group(name.clone());
    let (store, account) = (permit.store, permit.account);
    let (Some(inline), Some(attached)) = (
        store.inline_policies(account, &name).await?,
        store.attached_policies(account, &name).await?,
    ) else {
        return Err(no_source(&arn.to_string()).into());
    };
    let mut policies = AppliedPolicies::default();
    for policy in inline {
        let name = PolicyName::Inline(policy.name.to_string());
        policies.identity.push(applied(arn.to_string(), name, policy.document.as_str())?);
    }
    for managed in attached {
        let versions = store.policy_versions(account, &managed).await?.unwrap_or_default();
        let in_force = versions.into_iter().find(|version| version.is_default);
        if let Some(version) = in_force {
            let name = PolicyName::Managed(managed.to_string());
            policies.identity.push(applied(arn.to_string(), name, version.document.as_str())?);
        }
    }
    let principal = nobody(&permit);
    Ok((permit, principal, policies))
}

/// Who a user or a role's session is, and what applies to it.
async fn acting(
    permit: &Permit<'_>,
    holder: SessionHolder,
    arn: &IamArn,
) -> Result<(Principal, AppliedPolicies), ApiError> {
    let session = Session {
        holder,
        issued: permit.now,
        expires: permit.now,
        policy: None,
        policy_arns: Vec::new(),
        tags: Tags::default(),
        transitive_tag_keys: Vec::new(),
        source_identity: None,
    };
    let found = permit.store.principal_in(&session).await?;
    let found = found.ok_or_else(|| no_source(&arn.to_string()))?;
    // A user is asked about as with a key that lasts.
    let is_user = matches!(found.principal.kind, PrincipalKind::User { .. });
    let token_issued = found.principal.token_issued.filter(|_| !is_user);
    Ok((Principal { token_issued, ..found.principal }, found.policies))
}

/// A user without a name: nobody in particular would call.
fn nobody(permit: &Permit<'_>) -> Principal {
    Principal {
        account: permit.account.clone(),
        kind: PrincipalKind::User { path: "/".to_owned(), name: String::new(), id: String::new() },
        tags: Tags::default(),
        token_issued: None,
    }
}

/// The user that would call.
async fn user_of_arn(permit: &Permit<'_>, text: &str) -> Result<Principal, ApiError> {
    let refuse = || {
        IamError::invalid(format!(
            "Invalid CallerArn: {}. Name a user of the account.",
            text.escape_debug()
        ))
    };
    let Ok(arn @ IamArn::User(..)) = text.parse::<IamArn>() else { return Err(refuse().into()) };
    let IamArn::User(account, path, name) = &arn else { return Err(refuse().into()) };
    if account != permit.account {
        return Err(refuse().into());
    }
    let user = permit.store.iam_user(permit.account, name).await?;
    let user = user.filter(|user| user.path == *path).ok_or_else(refuse)?;
    Ok(acting(permit, SessionHolder::User(user.id), &arn).await?.0)
}

/// Adds the policies that a call brings, and tells what they are called.
fn add_inputs(policies: &mut AppliedPolicies, parameters: &Parameters) -> Result<Inputs, IamError> {
    let mut inputs = Inputs::new();
    for (document, number) in parameters.list("PolicyInputList").into_iter().zip(1..) {
        let name = format!("PolicyInputList.{number}");
        let policy = applied(String::new(), PolicyName::Inline(name.clone()), document)?;
        policies.identity.push(policy);
        inputs.push((name, document.to_owned()));
    }
    match parameters.list("PermissionsBoundaryPolicyInputList").as_slice() {
        [] => {}
        [document] => {
            let name = "PermissionsBoundaryPolicyInputList.1".to_owned();
            let mut policy = applied(String::new(), PolicyName::Inline(name.clone()), document)?;
            policy.source.policy_type = PolicyType::PermissionsBoundary;
            policies.boundary = Some(policy);
            inputs.push((name, (*document).to_owned()));
        }
        _ => {
            return Err(IamError::invalid(
                "PermissionsBoundaryPolicyInputList can have one policy.",
            ));
        }
    }
    Ok(inputs)
}

fn applied(identity: String, name: PolicyName, document: &str) -> Result<AppliedPolicy, IamError> {
    let policy_type = PolicyType::Identity;
    // The service calls a document that it can't read an invalid input here.
    let invalid = |error: IamError| IamError::invalid(error.message);
    readable(document, policy_type).map_err(invalid)?;
    let policy = Policy::parse(document, policy_type);
    let policy = policy.map_err(|error| IamError::invalid(error.to_string()))?;
    let source = PolicySource { policy_type, identity, name };
    Ok(AppliedPolicy { source, policy: Arc::new(policy) })
}

/// Where the statements are that decided.
async fn places(
    permit: &Permit<'_>,
    answers: &[Answered],
    inputs: &Inputs,
) -> Result<Places, ApiError> {
    let mut places = Places::new();
    for by in answers.iter().filter_map(Answered::statement) {
        if places.contains_key(&by.source) {
            continue;
        }
        let document = document_of(permit, &by.source, inputs).await?;
        let found = document.map(|text| positions::of_statements(&text)).unwrap_or_default();
        places.insert(by.source.clone(), found);
    }
    Ok(places)
}

async fn document_of(
    permit: &Permit<'_>,
    source: &PolicySource,
    inputs: &Inputs,
) -> Result<Option<String>, ApiError> {
    let (store, account) = (permit.store, permit.account);
    Ok(match &source.name {
        PolicyName::Only => None,
        PolicyName::Managed(arn) => {
            let Ok(arn) = arn.parse() else { return Ok(None) };
            let versions = store.policy_versions(account, &arn).await?.unwrap_or_default();
            let in_force = versions.into_iter().find(|version| version.is_default);
            in_force.map(|version| version.document.as_str().to_owned())
        }
        PolicyName::Inline(wanted) if source.identity.is_empty() => {
            inputs.iter().find(|(name, _)| name == wanted).map(|(_, document)| document.clone())
        }
        PolicyName::Inline(wanted) => {
            let name = match source.identity.parse() {
                Ok(IamArn::User(_, _, name)) => IdentityName::User(name),
                Ok(IamArn::Group(_, _, name)) => IdentityName::Group(name),
                Ok(IamArn::Role(_, _, name)) => IdentityName::Role(name),
                _ => return Ok(None),
            };
            let policies = store.inline_policies(account, &name).await?;
            let policies = policies.ok_or_else(|| gone(&name))?;
            let policy = policies.into_iter().find(|policy| policy.name.as_str() == wanted);
            policy.map(|policy| policy.document.as_str().to_owned())
        }
    })
}
