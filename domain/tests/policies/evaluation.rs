//! What several policies decide together.

use brokerd_domain::policy::{
    AppliedPolicies, Context, Decision, MatchedStatement, PolicyName, PolicyType, Principal,
};

use crate::world::{
    ACCOUNT, ACTION, BROKER, applied, context, decide, of_identity, root, session, user,
};

const ALLOW_ALL: &str = r#"{"Effect": "Allow", "Action": "*", "Resource": "*"}"#;
const ALLOW_MQ: &str = r#"{"Sid": "Mq", "Effect": "Allow", "Action": "mq:*", "Resource": "*"}"#;
const ALLOW_IAM: &str = r#"{"Effect": "Allow", "Action": "iam:*", "Resource": "*"}"#;
const DENY_DELETE: &str =
    r#"{"Sid": "NoDelete", "Effect": "Deny", "Action": "mq:Delete*", "Resource": "*"}"#;

fn on_broker(policies: &AppliedPolicies, principal: &Principal, action: &str) -> Decision {
    decide(policies, principal, action, BROKER, &Context::default())
}

fn missing(missing: PolicyType) -> Decision {
    Decision::ImplicitDeny { missing }
}

/// The policies of alice with a boundary and with policies of a session.
fn limited(boundary: Option<&str>, session: Option<&[&str]>) -> AppliedPolicies {
    let boundary = boundary.map(|policy| applied(PolicyType::PermissionsBoundary, "limit", policy));
    let session = session.map(|policies| {
        policies.iter().map(|policy| applied(PolicyType::Session, "passed", policy)).collect()
    });
    AppliedPolicies { boundary, session, ..of_identity(&[ALLOW_MQ]) }
}

/// The policies of alice with a role's trust policy.
fn trusting(account: &str, identity: &[&str], trust: &str) -> AppliedPolicies {
    let trust = (account.parse().expect("an account"), applied(PolicyType::Trust, "trust", trust));
    AppliedPolicies { trust: Some(trust), ..of_identity(identity) }
}

fn assume(policies: &AppliedPolicies, principal: &Principal) -> Decision {
    let role = "arn:aws:iam::111122223333:role/deploy";
    decide(policies, principal, "sts:AssumeRole", role, &Context::default())
}

#[test]
fn silence_allows_nothing() {
    let nothing = AppliedPolicies::default();
    assert_eq!(on_broker(&nothing, &user("alice"), ACTION), missing(PolicyType::Identity));
    let other = of_identity(&[ALLOW_IAM, DENY_DELETE]);
    assert_eq!(on_broker(&other, &user("alice"), ACTION), missing(PolicyType::Identity));
}

#[test]
fn the_root_may_everything_without_a_policy() {
    let decided = on_broker(&AppliedPolicies::default(), &root(), "mq:DeleteBroker");
    assert_eq!(decided, Decision::Allowed { by: None });
}

#[test]
fn one_policy_that_allows_is_enough_wherever_it_is() {
    for policies in [[ALLOW_MQ, ALLOW_IAM], [ALLOW_IAM, ALLOW_MQ]] {
        let decided = on_broker(&of_identity(&policies), &user("alice"), ACTION);
        let Decision::Allowed { by: Some(by) } = decided else { panic!("{decided:?}") };
        assert_eq!((by.sid.as_deref(), by.number), (Some("Mq"), 1));
    }
}

#[test]
fn a_denial_wins_wherever_it_is_and_says_which_one_it_is() {
    let in_one = format!("{ALLOW_ALL}, {DENY_DELETE}");
    for (policies, number) in
        [(&[ALLOW_ALL, DENY_DELETE][..], 1), (&[DENY_DELETE, ALLOW_ALL], 1), (&[&*in_one], 2)]
    {
        let policies = of_identity(policies);
        let decided = on_broker(&policies, &user("alice"), "mq:DeleteBroker");
        let Decision::ExplicitDeny { by } = decided else { panic!("{decided:?}") };
        let MatchedStatement { source, number: found, sid } = by;
        assert_eq!((found, sid.as_deref()), (number, Some("NoDelete")));
        assert_eq!(source.policy_type, PolicyType::Identity);
        assert_eq!(source.name, PolicyName::Inline("mine".to_owned()));
        assert!(on_broker(&policies, &user("alice"), ACTION).is_allowed());
    }
}

#[test]
fn a_boundary_limits_and_gives_nothing() {
    let limited = |boundary| limited(Some(boundary), None);
    assert!(on_broker(&limited(ALLOW_ALL), &user("alice"), ACTION).is_allowed());
    assert_eq!(
        on_broker(&limited(ALLOW_IAM), &user("alice"), ACTION),
        missing(PolicyType::PermissionsBoundary)
    );
    // What only the boundary allows is not allowed.
    assert_eq!(
        on_broker(&limited(ALLOW_ALL), &user("alice"), "iam:CreateUser"),
        missing(PolicyType::Identity)
    );
    let denied = on_broker(
        &limited(&format!("{ALLOW_ALL}, {DENY_DELETE}")),
        &user("alice"),
        "mq:DeleteBroker",
    );
    let Decision::ExplicitDeny { by } = denied else { panic!("{denied:?}") };
    assert_eq!((by.source.policy_type, by.number), (PolicyType::PermissionsBoundary, 2));
}

#[test]
fn session_policies_limit_together_and_give_nothing() {
    let role = session("deploy", "run-17");
    assert!(on_broker(&limited(None, None), &role, ACTION).is_allowed());
    let either = limited(None, Some(&[ALLOW_IAM, ALLOW_MQ]));
    assert!(on_broker(&either, &role, ACTION).is_allowed());
    for policies in [&[ALLOW_IAM][..], &[]] {
        let limited = limited(None, Some(policies));
        assert_eq!(on_broker(&limited, &role, ACTION), missing(PolicyType::Session));
    }
    let generous = limited(None, Some(&[ALLOW_ALL]));
    assert_eq!(on_broker(&generous, &role, "iam:CreateUser"), missing(PolicyType::Identity));
    let denied =
        on_broker(&limited(None, Some(&[ALLOW_ALL, DENY_DELETE])), &role, "mq:DeleteBroker");
    let Decision::ExplicitDeny { by } = denied else { panic!("{denied:?}") };
    assert_eq!(by.source.policy_type, PolicyType::Session);
}

#[test]
fn what_is_missing_is_told_in_the_order_of_evaluation() {
    let role = session("deploy", "run-17");
    let both = limited(Some(ALLOW_IAM), Some(&[ALLOW_IAM]));
    assert_eq!(on_broker(&both, &role, ACTION), missing(PolicyType::PermissionsBoundary));
    assert_eq!(on_broker(&both, &role, "iam:CreateUser"), missing(PolicyType::Identity));
}

/// Who a trust policy names, what its own policies are, who asks, and what is decided.
#[test]
fn a_role_is_assumed_by_whom_it_trusts_and_whose_account_permits_it() {
    const ASSUME: &str = r#"{"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": "*"}"#;
    let alice = user("alice");
    let deploy = session("deploy", "run-17");
    let allowed = None;
    let no_trust = Some(PolicyType::Trust);
    let not_permitted = Some(PolicyType::Identity);
    let other = "999999999999";
    for (account, named, identity, principal, expected) in [
        (ACCOUNT, r#"{"AWS": "arn:aws:iam::111122223333:user/alice"}"#, &[][..], &alice, allowed),
        (ACCOUNT, r#"{"AWS": "arn:aws:iam::111122223333:user/bob"}"#, &[ASSUME], &alice, no_trust),
        (
            ACCOUNT,
            r#"{"AWS": "arn:aws:iam::111122223333:user/Alice"}"#,
            &[ASSUME],
            &alice,
            no_trust,
        ),
        (ACCOUNT, r#"{"AWS": "111122223333"}"#, &[], &alice, not_permitted),
        (ACCOUNT, r#"{"AWS": "111122223333"}"#, &[ASSUME], &alice, allowed),
        (ACCOUNT, r#"{"AWS": "arn:aws:iam::111122223333:root"}"#, &[ASSUME], &alice, allowed),
        (
            ACCOUNT,
            r#"{"AWS": "arn:aws:iam::111122223333:root"}"#,
            &[ALLOW_MQ],
            &alice,
            not_permitted,
        ),
        (ACCOUNT, r#"{"AWS": "999999999999"}"#, &[ASSUME], &alice, no_trust),
        (ACCOUNT, r#"{"Service": "ec2.amazonaws.com"}"#, &[ASSUME], &alice, no_trust),
        (
            ACCOUNT,
            r#"{"AWS": ["999999999999", "arn:aws:iam::111122223333:user/alice"]}"#,
            &[],
            &alice,
            allowed,
        ),
        (ACCOUNT, r#"{"AWS": "*"}"#, &[], &alice, allowed),
        (ACCOUNT, r#""*""#, &[], &alice, allowed),
        (
            ACCOUNT,
            r#"{"AWS": "arn:aws:iam::111122223333:role/teams/deploy"}"#,
            &[],
            &deploy,
            allowed,
        ),
        (
            ACCOUNT,
            r#"{"AWS": "arn:aws:iam::111122223333:role/deploy"}"#,
            &[ASSUME],
            &deploy,
            no_trust,
        ),
        (
            ACCOUNT,
            r#"{"AWS": "arn:aws:sts::111122223333:assumed-role/deploy/run-17"}"#,
            &[],
            &deploy,
            allowed,
        ),
        (
            ACCOUNT,
            r#"{"AWS": "arn:aws:sts::111122223333:assumed-role/deploy/run-18"}"#,
            &[ASSUME],
            &deploy,
            no_trust,
        ),
        // A role of another account: its own account has to permit it, too.
        (other, r#"{"AWS": "arn:aws:iam::111122223333:user/alice"}"#, &[], &alice, not_permitted),
        (other, r#"{"AWS": "arn:aws:iam::111122223333:user/alice"}"#, &[ASSUME], &alice, allowed),
        (other, r#"{"AWS": "999999999999"}"#, &[ASSUME], &alice, no_trust),
    ] {
        let statement =
            format!(r#"{{"Effect": "Allow", "Principal": {named}, "Action": "sts:AssumeRole"}}"#);
        let decided = assume(&trusting(account, identity, &statement), principal);
        let found = match decided {
            Decision::Allowed { .. } => None,
            Decision::ImplicitDeny { missing } => Some(missing),
            Decision::ExplicitDeny { .. } => panic!("{named}: {decided:?}"),
        };
        assert_eq!(found, expected, "{named} of {account}, {identity:?}");
    }
}

#[test]
fn a_trust_policy_denies_and_has_conditions() {
    let trust = |principal: &str| {
        format!(
            r#"{{"Effect": "Allow", "Principal": "*", "Action": "sts:AssumeRole",
                 "Condition": {{"StringEquals": {{"sts:ExternalId": "12345"}}}}}},
               {{"Effect": "Deny", {principal}, "Action": "sts:AssumeRole"}}"#
        )
    };
    let known: Context = context(&[("sts:ExternalId", crate::world::Value::One("12345"))]);
    let role = "arn:aws:iam::111122223333:role/deploy";
    for (principal, alice, bob) in [
        (r#""Principal": {"AWS": "arn:aws:iam::111122223333:user/bob"}"#, true, false),
        (r#""NotPrincipal": {"AWS": "arn:aws:iam::111122223333:user/alice"}"#, true, false),
        (r#""Principal": {"AWS": "111122223333"}"#, false, false),
        // Who is in the account has to be named.
        (r#""NotPrincipal": {"AWS": "111122223333"}"#, false, false),
    ] {
        let policies = trusting(ACCOUNT, &[], &trust(principal));
        for (name, expected) in [("alice", alice), ("bob", bob)] {
            let decided = decide(&policies, &user(name), "sts:AssumeRole", role, &known);
            assert_eq!(decided.is_allowed(), expected, "{principal}: {name}");
        }
        let without = assume(&policies, &user("alice"));
        assert!(!without.is_allowed(), "{principal}");
    }
}

#[test]
fn a_session_is_limited_where_the_trust_policy_names_its_role() {
    let named = r#"{"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::111122223333:role/teams/deploy"}, "Action": "sts:AssumeRole"}"#;
    let itself = r#"{"Effect": "Allow", "Principal": {"AWS": "arn:aws:sts::111122223333:assumed-role/deploy/run-17"}, "Action": "sts:AssumeRole"}"#;
    let session_policies = vec![applied(PolicyType::Session, "passed", ALLOW_MQ)];
    for (trust, expected) in [
        (named, Some(PolicyType::Session)),
        (itself, None),
        // The closest of both counts.
        (&*format!("{named}, {itself}"), None),
    ] {
        let mut policies = trusting(ACCOUNT, &[], trust);
        policies.session = Some(session_policies.clone());
        let decided = assume(&policies, &session("deploy", "run-17"));
        let expected = expected.map(missing);
        assert_eq!((!decided.is_allowed()).then_some(decided), expected, "{trust}");
    }
}
