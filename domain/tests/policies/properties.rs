//! What holds of all policies.

use brokerd_domain::policy::{AppliedPolicies, Context, Decision, Policy, PolicyType};
use proptest::prelude::*;

use crate::world::{Value, alone, applied, context, decide, of_identity, root, session, user};

const ACTIONS: &[&str] = &["mq:ListBrokers", "mq:DescribeBroker", "mq:DeleteBroker", "iam:GetUser"];
const RESOURCES: &[&str] = &[
    "*",
    "arn:aws:mq:us-east-1:111122223333:broker:ab:b-1",
    "arn:aws:mq:eu-west-1:111122223333:broker:b:b-2",
    "arn:aws:iam::111122223333:user/a",
];

fn action_element() -> impl Strategy<Value = String> {
    let pattern = prop::sample::select(vec![
        "*",
        "mq:*",
        "mq:Describe*",
        "mq:*Broker",
        "MQ:deletebroker",
        "iam:?etUser",
        "mq:ListBrokers",
    ]);
    (any::<bool>(), prop::collection::vec(pattern, 1..3)).prop_map(|(is_negated, patterns)| {
        let name = if is_negated { "NotAction" } else { "Action" };
        format!("\"{name}\": {}", serde_json::json!(patterns))
    })
}

fn resource_element() -> impl Strategy<Value = String> {
    let pattern = prop::sample::select(vec![
        "*",
        "arn:aws:mq:*",
        "arn:aws:mq:us-*:111122223333:broker:*",
        "arn:aws:mq:*:*:broker:a*:*",
        "arn:aws:mq:*:*:broker:${aws:PrincipalTag/team}*",
        "arn:aws:iam::111122223333:user/${aws:username}",
    ]);
    (any::<bool>(), prop::collection::vec(pattern, 1..3)).prop_map(|(is_negated, patterns)| {
        let name = if is_negated { "NotResource" } else { "Resource" };
        format!("\"{name}\": {}", serde_json::json!(patterns))
    })
}

fn condition_element() -> impl Strategy<Value = String> {
    let condition = prop::sample::select(vec![
        r#""StringEquals": {"k:a": ["x", "y"]}"#,
        r#""StringNotEquals": {"k:a": ["x", "${k:b}"]}"#,
        r#""StringLikeIfExists": {"k:b": "x*"}"#,
        r#""ForAllValues:StringLike": {"aws:TagKeys": ["a*", "b"]}"#,
        r#""ForAnyValue:StringNotEquals": {"aws:TagKeys": "a"}"#,
        r#""Null": {"k:b": "true"}"#,
        r#""NumericLessThan": {"k:n": "5"}"#,
        r#""NotIpAddress": {"aws:SourceIp": "10.0.0.0/8"}"#,
        r#""DateGreaterThan": {"aws:CurrentTime": "2026-01-01"}"#,
        r#""Bool": {"aws:SecureTransport": "true"}"#,
    ]);
    prop::collection::btree_set(condition, 0..3).prop_map(|conditions| {
        let conditions: Vec<_> = conditions.into_iter().collect();
        format!("\"Condition\": {{{}}}", conditions.join(", "))
    })
}

fn statement(effect: impl Strategy<Value = &'static str>) -> impl Strategy<Value = String> {
    (effect, action_element(), resource_element(), condition_element()).prop_map(
        |(effect, action, resource, condition)| {
            format!(r#"{{"Effect": "{effect}", {action}, {resource}, {condition}}}"#)
        },
    )
}

fn any_statement() -> impl Strategy<Value = String> {
    statement(prop::sample::select(vec!["Allow", "Allow", "Deny"]))
}

fn statements() -> impl Strategy<Value = Vec<String>> {
    prop::collection::vec(any_statement(), 0..5)
}

fn request_context() -> impl Strategy<Value = Context> {
    let one = |values: &'static [&'static str]| prop::option::of(prop::sample::select(values));
    let tag_keys: Vec<&'static [&'static str]> = vec![&[], &["a"], &["a", "b"], &["ab", "c"]];
    (
        one(&["x", "y", "z", "${k:b}"]),
        one(&["x", "xy", "*"]),
        one(&["4", "5", "many"]),
        one(&["10.1.1.1", "192.0.2.1"]),
        one(&["2025-06-01T00:00:00Z", "2026-06-01T00:00:00Z"]),
        one(&["true", "false"]),
        one(&["a", "*"]),
        prop::option::of(prop::sample::select(tag_keys)),
    )
        .prop_map(|(a, b, n, ip, time, tls, team, tag_keys)| {
            let single = [
                ("k:a", a),
                ("k:b", b),
                ("k:n", n),
                ("aws:SourceIp", ip),
                ("aws:CurrentTime", time),
                ("aws:SecureTransport", tls),
                ("aws:PrincipalTag/team", team),
                ("aws:username", Some("a")),
            ];
            let single =
                single.into_iter().filter_map(|(key, value)| Some((key, Value::One(value?))));
            let many = tag_keys.map(|keys| ("aws:TagKeys", Value::Many(keys)));
            context(&single.chain(many).collect::<Vec<_>>())
        })
}

fn request() -> impl Strategy<Value = (&'static str, &'static str, Context)> {
    (prop::sample::select(ACTIONS), prop::sample::select(RESOURCES), request_context())
}

fn texts(policies: &[String]) -> Vec<&str> {
    policies.iter().map(String::as_str).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(500) })]

    #[test]
    fn no_policy_allows_nothing((action, resource, context) in request()) {
        for principal in [user("alice"), session("deploy", "run")] {
            let decided =
                decide(&AppliedPolicies::default(), &principal, action, resource, &context);
            prop_assert_eq!(
                decided,
                Decision::ImplicitDeny { missing: PolicyType::Identity }
            );
        }
    }

    #[test]
    fn denials_alone_allow_nothing(
        denials in prop::collection::vec(statement(Just("Deny")), 0..4),
        (action, resource, context) in request(),
    ) {
        let policies = of_identity(&texts(&denials));
        let decided = decide(&policies, &user("alice"), action, resource, &context);
        prop_assert!(!decided.is_allowed());
    }

    #[test]
    fn one_more_denial_never_allows(
        policies in statements(),
        denial in statement(Just("Deny")),
        (action, resource, context) in request(),
    ) {
        let before = of_identity(&texts(&policies));
        let mut more = texts(&policies);
        more.push(&denial);
        let after = of_identity(&more);
        let principal = user("alice");
        let before = decide(&before, &principal, action, resource, &context);
        let after = decide(&after, &principal, action, resource, &context);
        prop_assert!(before.is_allowed() || !after.is_allowed());
        prop_assert!(before.as_str() != "explicitDeny" || after.as_str() == "explicitDeny");
    }

    #[test]
    fn one_more_permission_never_takes_one_away(
        policies in statements(),
        permission in statement(Just("Allow")),
        (action, resource, context) in request(),
    ) {
        let before = of_identity(&texts(&policies));
        let mut more = texts(&policies);
        more.push(&permission);
        let after = of_identity(&more);
        let principal = user("alice");
        let before = decide(&before, &principal, action, resource, &context);
        let after = decide(&after, &principal, action, resource, &context);
        prop_assert!(!before.is_allowed() || after.is_allowed());
        prop_assert_eq!(before.as_str() == "explicitDeny", after.as_str() == "explicitDeny");
    }

    #[test]
    fn order_does_not_matter_nor_do_borders_of_policies(
        (policies, shuffled) in statements().prop_flat_map(|policies| {
            (Just(policies.clone()), Just(policies).prop_shuffle())
        }),
        (action, resource, context) in request(),
    ) {
        let principal = user("alice");
        let one = decide(&of_identity(&texts(&policies)), &principal, action, resource, &context);
        let other = decide(&of_identity(&texts(&shuffled)), &principal, action, resource, &context);
        prop_assert_eq!(one.as_str(), other.as_str());
        if !policies.is_empty() {
            let together = of_identity(&[&policies.join(", ")]);
            let together = decide(&together, &principal, action, resource, &context);
            prop_assert_eq!(one.as_str(), together.as_str());
        }
    }

    #[test]
    fn everything_but_what_is_denied_is_allowed(
        (action_pattern, resource_pattern, condition) in
            (action_element(), resource_element(), condition_element()),
        (action, resource, context) in request(),
    ) {
        let of = |effect: &str| {
            format!(r#"{{"Effect": "{effect}", {action_pattern}, {resource_pattern}, {condition}}}"#)
        };
        let everything = r#"{"Effect": "Allow", "Action": "*", "Resource": "*"}"#;
        let principal = user("alice");
        let alone = of_identity(&[&of("Allow")]);
        let without = of_identity(&[everything, &of("Deny")]);
        prop_assert_ne!(
            decide(&alone, &principal, action, resource, &context).is_allowed(),
            decide(&without, &principal, action, resource, &context).is_allowed()
        );
    }

    #[test]
    fn boundary_and_session_only_take_away(
        (policies, boundary, passed) in (statements(), any_statement(), statements()),
        (action, resource, context) in request(),
    ) {
        let free = of_identity(&texts(&policies));
        let passed: Vec<_> =
            passed.iter().map(|policy| applied(PolicyType::Session, "passed", policy)).collect();
        let limited = AppliedPolicies {
            boundary: Some(applied(PolicyType::PermissionsBoundary, "limit", &boundary)),
            session: Some(passed),
            ..free.clone()
        };
        let principal = session("deploy", "run");
        let limited = decide(&limited, &principal, action, resource, &context);
        let free = decide(&free, &principal, action, resource, &context);
        prop_assert!(free.is_allowed() || !limited.is_allowed());
        let root = decide(&AppliedPolicies::default(), &root(), action, resource, &context);
        prop_assert!(root.is_allowed());
    }

    #[test]
    fn a_damaged_document_is_a_policy_or_has_a_reason(
        statement in any_statement(),
        damage in prop::collection::vec((any::<prop::sample::Index>(), "[ -~\u{e9}]{0,2}"), 1..4),
        (action, resource, context) in request(),
    ) {
        let mut text: Vec<char> =
            format!(r#"{{"Version": "2012-10-17", "Statement": [{statement}]}}"#).chars().collect();
        for (at, instead) in damage {
            let at = at.index(text.len());
            text.splice(at..=at, instead.chars());
        }
        let text: String = text.into_iter().collect();
        for policy_type in [PolicyType::Identity, PolicyType::Trust] {
            match Policy::parse(&text, policy_type) {
                Ok(policy) => {
                    decide(&alone(policy), &user("alice"), action, resource, &context);
                }
                Err(error) => prop_assert!(!error.to_string().is_empty()),
            }
        }
    }
}
