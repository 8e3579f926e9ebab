//! AssumeRole.

use std::sync::Arc;

use brokerd_domain::{
    identity::{
        ExternalId, IamArn, IamError, IamErrorKind, PolicyDocument, Role, RoleSessionName, Session,
        SessionDuration, SessionHolder,
    },
    policy::{
        AppliedPolicies, AppliedPolicy, AuthorizationRequest, Context, IamEvaluator, InvalidPolicy,
        OperationPermissions, Policy, PolicyEvaluator as _, PolicyName, PolicySize, PolicySource,
        PolicyType, PrincipalKind,
    },
};

use super::{
    call::Call,
    chain::{Asked, Passed},
    session_token::refuse_device,
    views,
};
use crate::{
    http::error::ApiError,
    query::{Output, Parameters},
};

/// What a caller wants of a role.
struct Wanted {
    arn: IamArn,
    arn_text: String,
    session: RoleSessionName,
    external_id: Option<ExternalId>,
    seconds: Option<u32>,
    policy: Option<PolicyDocument>,
    policy_arns: Vec<IamArn>,
    asked: Asked,
}

impl Wanted {
    fn of(parameters: &Parameters) -> Result<Self, IamError> {
        let arn_text = parameters.required("RoleArn")?;
        let Ok(arn @ IamArn::Role(..)) = arn_text.parse() else {
            return Err(IamError::malformed(format!("{} is invalid", arn_text.escape_debug())));
        };
        if parameters.has_list("ProvidedContexts") {
            return Err(IamError::malformed("ProvidedContexts is not supported."));
        }
        Ok(Self {
            arn,
            arn_text: arn_text.to_owned(),
            session: RoleSessionName::parse(parameters.required("RoleSessionName")?)?,
            external_id: parameters.text("ExternalId").map(ExternalId::parse).transpose()?,
            seconds: parameters.number("DurationSeconds")?,
            policy: parameters.text("Policy").map(session_policy).transpose()?,
            policy_arns: policy_arns(parameters)?,
            asked: Asked::of(parameters)?,
        })
    }
}

fn session_policy(text: &str) -> Result<PolicyDocument, IamError> {
    let document = PolicyDocument::parse(text)?;
    let malformed = |why| IamError::new(IamErrorKind::MalformedPolicyDocument, why);
    match Policy::parse(text, PolicyType::Session) {
        Ok(_) => {}
        Err(InvalidPolicy::Malformed(why)) => return Err(malformed(why)),
        Err(error @ InvalidPolicy::TooLong { .. }) => return Err(malformed(error.to_string())),
    }
    let most = PolicySize::Session.most();
    if PolicySize::Session.of(text) > most {
        return Err(IamError::validation(
            "policy",
            "…",
            format!("Member must have length less than or equal to {most}"),
        ));
    }
    Ok(document.compact())
}

fn policy_arns(parameters: &Parameters) -> Result<Vec<IamArn>, IamError> {
    let members = parameters.members("PolicyArns");
    if members.len() > Session::MAX_POLICY_ARNS {
        return Err(IamError::validation(
            "policyArns",
            &members.len().to_string(),
            format!("Member must have length less than or equal to {}", Session::MAX_POLICY_ARNS),
        ));
    }
    let arn = |member: &Parameters| {
        let text = member.required("arn")?;
        match text.parse() {
            Ok(arn @ IamArn::Policy(..)) => Ok(arn),
            _ => Err(IamError::malformed(format!("{} is invalid", text.escape_debug()))),
        }
    };
    members.iter().map(arn).collect()
}

/// Credentials of a session of a role, for whom the role trusts and who may assume it.
pub(super) async fn answer(call: Call<'_>) -> Result<Output, ApiError> {
    let wanted = Wanted::of(call.parameters)?;
    refuse_device(call)?;
    let caller = call.caller.principal();
    // As in the service, which does so with every root.
    if caller.is_root() {
        return Err(denied("Roles may not be assumed by root accounts.").into());
    }
    let passed = wanted.asked.passed_by(caller)?;
    let role = trusting_role(call, &wanted, &passed).await?;
    let is_chained = matches!(caller.kind, PrincipalKind::RoleSession { .. });
    let duration =
        SessionDuration::parse_of_role(wanted.seconds, role.longest_session, is_chained)?;
    check_policy_arns(call, &role, &wanted.policy_arns).await?;
    let packed_size = packed_size(&wanted, &passed);
    let issued = call.services.clock.now();
    let session = Session {
        holder: SessionHolder::Role(role.id.clone(), wanted.session.clone()),
        issued,
        expires: issued.plus(duration.as_duration()),
        policy: wanted.policy,
        policy_arns: wanted.policy_arns,
        tags: passed.tags,
        transitive_tag_keys: passed.transitive_tag_keys,
        source_identity: passed.source_identity,
    };
    let credentials = call.services.store.issue_credentials(&session)?;
    let credentials = credentials.ok_or_else(|| {
        let message =
            "Packed policy consumes more than 100% of allotted space, please use smaller policy.";
        IamError::new(IamErrorKind::PackedPolicyTooLarge, message)
    })?;
    let assumed = IamArn::AssumedRole(role.account, role.name, wanted.session.clone());
    Ok(Output::of(|xml| {
        xml.element("AssumedRoleUser", |xml| {
            xml.text("AssumedRoleId", format!("{}:{}", role.id, wanted.session));
            xml.text("Arn", assumed);
        });
        views::credentials(xml, &credentials);
        xml.optional("PackedPolicySize", packed_size);
        xml.optional("SourceIdentity", session.source_identity.as_ref());
    }))
}

/// The role, if it is there, trusts the caller, and the caller may assume it. Whoever may not is not told whether it is
/// there.
async fn trusting_role(call: Call<'_>, wanted: &Wanted, passed: &Passed) -> Result<Role, ApiError> {
    let refused = |action: &str| {
        denied(format!(
            "User: {} is not authorized to perform: {action} on resource: {}",
            call.caller.principal().arn(),
            wanted.arn_text
        ))
    };
    let IamArn::Role(account, path, name) = &wanted.arn else {
        return Err(refused("sts:AssumeRole").into());
    };
    let found = call.services.store.iam_role(account, name).await?;
    let Some(role) = found.filter(|role| role.path == *path) else {
        return Err(refused("sts:AssumeRole").into());
    };
    let policies = with_trust(call.caller.policies(), &role)?;
    let context = context(call, &role, wanted, passed);
    let principal = call.caller.principal();
    let needed = OperationPermissions::of_sts("AssumeRole")
        .ok_or_else(|| ApiError::internal("the table of permissions has no AssumeRole"))?;
    for needed in needed.actions.iter().filter(|needed| passed.needs(needed.when)) {
        let (action, resource) = (needed.action, wanted.arn_text.as_str());
        let request = AuthorizationRequest { principal, action, resource, context: &context };
        if !IamEvaluator.decide(&policies, &request).is_allowed() {
            return Err(refused(action).into());
        }
    }
    Ok(role)
}

fn with_trust(policies: &AppliedPolicies, role: &Role) -> Result<AppliedPolicies, ApiError> {
    let policy = Policy::parse(role.trust_policy.as_str(), PolicyType::Trust);
    let source = PolicySource {
        policy_type: PolicyType::Trust,
        identity: role.arn().to_string(),
        name: PolicyName::Only,
    };
    let policy = Arc::new(policy.map_err(ApiError::internal)?);
    let trust = Some((role.account.clone(), AppliedPolicy { source, policy }));
    Ok(AppliedPolicies { trust, ..policies.clone() })
}

fn context(call: Call<'_>, role: &Role, wanted: &Wanted, passed: &Passed) -> Context {
    let mut context = call.caller.context();
    context.set_resource(&role.account, &role.tags);
    for (key, value) in role.tags.as_map() {
        context.set(format!("iam:ResourceTag/{key}"), value);
    }
    wanted.asked.add_keys(passed, &mut context);
    context.set("sts:RoleSessionName", wanted.session.as_str());
    if let Some(id) = &wanted.external_id {
        context.set("sts:ExternalId", id.as_str());
    }
    context
}

/// Session policies have to be there, so that a mistyped one does not just take everything away.
async fn check_policy_arns(call: Call<'_>, role: &Role, arns: &[IamArn]) -> Result<(), ApiError> {
    for arn in arns {
        if call.services.store.managed_policy(&role.account, arn).await?.is_none() {
            let message = format!("Policy {arn} is not a managed policy of the role's account.");
            return Err(IamError::new(IamErrorKind::MalformedPolicyDocument, message).into());
        }
    }
    Ok(())
}

/// How much of its space the session policies and tags take, in percent; none: there are none.
fn packed_size(wanted: &Wanted, passed: &Passed) -> Option<usize> {
    let policy = wanted.policy.as_ref().map_or(0, |policy| policy.as_str().len());
    let arns: usize = wanted.policy_arns.iter().map(|arn| arn.to_string().len()).sum();
    let tags = passed.tags.as_map().iter();
    let tags: usize = tags.map(|(key, value)| key.len() + value.len()).sum();
    let size = policy + arns + tags;
    (size > 0).then(|| (size * 100).div_ceil(SPACE).min(100))
}

/// Bytes that session policies and tags may take, but for what else a token has.
const SPACE: usize = 5800;

fn denied(message: impl Into<String>) -> IamError {
    IamError::new(IamErrorKind::AccessDenied, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(form: &str) -> Result<Wanted, IamError> {
        Wanted::of(&Parameters::parse(form.as_bytes()).expect("a form"))
    }

    const CALL: &str =
        "RoleArn=arn%3Aaws%3Aiam%3A%3A000000000000%3Arole%2Fci%2Fdeploy&RoleSessionName=run-17";

    #[test]
    fn a_call_names_a_role_and_a_session() {
        let plain = wanted(CALL).expect("valid");
        assert_eq!(plain.arn_text, "arn:aws:iam::000000000000:role/ci/deploy");
        assert_eq!(packed_size(&plain, &Passed::default()), None);
        assert_eq!(plain.policy, None);
        for wrong in [
            "RoleSessionName=run-17",
            "RoleArn=deploy&RoleSessionName=run-17",
            "RoleArn=arn%3Aaws%3Aiam%3A%3A000000000000%3Auser%2Fx&RoleSessionName=run-17",
        ] {
            assert!(wanted(wrong).is_err(), "{wrong}");
        }
        for more in [
            "ExternalId=x",
            "DurationSeconds=x",
            "Policy=%7B%7D",
            "SourceIdentity=a%20b",
            "TransitiveTagKeys.member.1=a",
            "ProvidedContexts.member.1.ProviderArn=x",
            "PolicyArns.member.1.arn=x",
        ] {
            assert!(wanted(&format!("{CALL}&{more}")).is_err(), "{more}");
        }
    }

    #[test]
    fn session_policies_and_tags_take_space() {
        let policy = "%7B%22Version%22%3A%222012-10-17%22%2C%22Statement%22%3A%7B%22Effect%22%3A%22Allow%22%2C%22Action%22%3A%22mq%3A*%22%2C%22Resource%22%3A%22*%22%7D%7D";
        let wanted = wanted(&format!("{CALL}&Policy={policy}")).expect("valid");
        let tags = [("team".to_owned(), "red".to_owned())].into();
        let tags = brokerd_domain::Tags::parse(tags).expect("tags");
        assert_eq!(packed_size(&wanted, &Passed { tags, ..Passed::default() }), Some(2));
    }
}
