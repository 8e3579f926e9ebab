//! Principals, policies and requests to decide.

use std::sync::Arc;

use brokerd_domain::{
    Tags,
    policy::{
        AppliedPolicies, AppliedPolicy, AuthorizationRequest, Context, Decision, Environment,
        IamEvaluator, Policy, PolicyEvaluator, PolicyName, PolicySource, PolicyType, Principal,
        PrincipalKind,
    },
};

/// Who asks, where nothing else is said.
pub(crate) const ACCOUNT: &str = "111122223333";
/// What is asked for, where nothing else is said.
pub(crate) const ACTION: &str = "mq:DescribeBroker";
/// On what, where nothing else is said.
pub(crate) const BROKER: &str =
    "arn:aws:mq:us-east-1:111122223333:broker:orders:b-1234a5b6-78cd-401e-af00-314506001789";

/// A value of a condition key.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Value {
    One(&'static str),
    Many(&'static [&'static str]),
}

/// Keys and values.
pub(crate) type Keys = &'static [(&'static str, Value)];

pub(crate) fn user(name: &str) -> Principal {
    Principal {
        account: ACCOUNT.parse().expect("an account"),
        kind: PrincipalKind::User {
            path: "/".to_owned(),
            name: name.to_owned(),
            id: "AIDAEXAMPLEUSERID0001".to_owned(),
        },
        tags: Tags::default(),
        token_issued: None,
    }
}

pub(crate) fn session(role: &str, name: &str) -> Principal {
    Principal {
        kind: PrincipalKind::RoleSession {
            path: "/teams/".to_owned(),
            role: role.to_owned(),
            role_id: "AROAEXAMPLEROLEID0001".to_owned(),
            session: name.to_owned(),
            transitive_tag_keys: Vec::new(),
            source_identity: Some("carol".to_owned()),
        },
        token_issued: Some(brokerd_domain::Timestamp::from_micros(1_790_000_000_000_000)),
        ..user("nobody")
    }
}

pub(crate) fn root() -> Principal {
    Principal { kind: PrincipalKind::Root, ..user("nobody") }
}

pub(crate) fn tags(pairs: &[(&str, &str)]) -> Tags {
    let pairs = pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
    Tags::parse(pairs.collect()).expect("tags")
}

pub(crate) fn environment() -> Environment {
    Environment {
        now: brokerd_domain::Timestamp::from_micros(1_790_000_000_602_926),
        region: "us-east-1".parse().expect("a region"),
        source_ip: Some([203, 0, 113, 7].into()),
        secure_transport: true,
        user_agent: Some("aws-cli/2.31".to_owned()),
    }
}

pub(crate) fn context(keys: &[(&'static str, Value)]) -> Context {
    let mut context = Context::default();
    for (key, value) in keys {
        match value {
            Value::One(value) => context.set(*key, *value),
            Value::Many(values) => {
                context.set_many(*key, values.iter().map(|value| (*value).to_owned()).collect());
            }
        }
    }
    context
}

/// A policy of alice, by its statements.
pub(crate) fn applied(policy_type: PolicyType, name: &str, statements: &str) -> AppliedPolicy {
    let document = format!("{{\"Version\": \"2012-10-17\", \"Statement\": [{statements}]}}");
    let policy = Policy::parse(&document, policy_type);
    of_alice(policy_type, name, policy.unwrap_or_else(|error| panic!("{error}: {document}")))
}

fn of_alice(policy_type: PolicyType, name: &str, policy: Policy) -> AppliedPolicy {
    let source = PolicySource {
        policy_type,
        identity: user("alice").arn(),
        name: PolicyName::Inline(name.to_owned()),
    };
    AppliedPolicy { source, policy: Arc::new(policy) }
}

/// A policy of alice, and no other.
pub(crate) fn alone(policy: Policy) -> AppliedPolicies {
    let identity = vec![of_alice(PolicyType::Identity, "mine", policy)];
    AppliedPolicies { identity, ..AppliedPolicies::default() }
}

/// What policies of alice decide together.
pub(crate) fn of_identity(policies: &[&str]) -> AppliedPolicies {
    let identity = policies.iter().map(|policy| applied(PolicyType::Identity, "mine", policy));
    AppliedPolicies { identity: identity.collect(), ..AppliedPolicies::default() }
}

pub(crate) fn decide(
    policies: &AppliedPolicies,
    principal: &Principal,
    action: &str,
    resource: &str,
    context: &Context,
) -> Decision {
    IamEvaluator.decide(policies, &AuthorizationRequest { principal, action, resource, context })
}

/// Whether one statement of alice allows.
pub(crate) fn allows(statement: &str, action: &str, resource: &str, context: &Context) -> bool {
    decide(&of_identity(&[statement]), &user("alice"), action, resource, context).is_allowed()
}
