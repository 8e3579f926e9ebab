//! The opinions of two other evaluators on random policies, where they follow the user guide.
//!
//! Neither does everywhere, which is why neither decides here. scratchstack-aspen 0.3.1 ends a policy with the first
//! statement that applies, is sensitive to letter case in actions, takes a negated operator for met when one of several
//! values differs or not met when the key is absent, and knows no set operators. iam-rs 0.8.0 replaces no variables in
//! conditions, takes the first value of `Null` only, compares `ArnEquals` without wildcards and `ArnLike` across segments, ignores unknown elements, and has
//! set operators for some types only. Policies are drawn from what each gets right; together they cover most.

use std::str::FromStr as _;

use brokerd_domain::policy::{Context, Decision};
use proptest::prelude::*;
use scratchstack_arn::Arn;
use scratchstack_aspen as aspen;
use scratchstack_aws_principal as aws;

use crate::world::{Value, context, decide, of_identity, user};

const ACTIONS: &[&str] = &["mq:ListBrokers", "mq:DescribeBroker", "mq:DeleteBroker", "iam:GetUser"];
const RESOURCES: &[&str] = &[
    "arn:aws:mq:us-east-1:111122223333:broker:ab:b-a",
    "arn:aws:mq:us-east-1:999999999999:broker:b:b-b",
    "arn:aws:mq:eu-west-1:111122223333:configuration:c-a",
    "arn:aws:iam::111122223333:user/alice",
];

type Drawn = Vec<(&'static str, Option<&'static str>)>;

/// Single-valued keys, present or absent.
fn keys() -> impl Strategy<Value = Drawn> {
    let one = |values: &'static [&'static str]| prop::option::of(prop::sample::select(values));
    (
        one(&["x", "y", "xy", "X"]),
        one(&["4", "5", "6"]),
        one(&["2025-06-01T00:00:00Z", "2026-01-01T00:00:00Z"]),
        one(&["10.1.1.1", "192.0.2.1", "2001:db8::1"]),
        one(&["true", "false"]),
        one(&[
            "arn:aws:mq:us-east-1:111122223333:broker:ab:b-a",
            "arn:aws:iam::111122223333:user/a",
        ]),
    )
        .prop_map(|(text, number, date, address, boolean, arn)| {
            vec![
                ("k:s", text),
                ("k:n", number),
                ("k:d", date),
                ("k:i", address),
                ("k:b", boolean),
                ("k:r", arn),
                // Always there, because a missing one is nothing to aspen.
                ("aws:username", Some("x")),
            ]
        })
}

fn list(patterns: &'static [&'static str], most: usize) -> impl Strategy<Value = String> {
    prop::collection::vec(prop::sample::select(patterns), 1..=most)
        .prop_map(|patterns| serde_json::json!(patterns).to_string())
}

fn element(name: &'static str, patterns: &'static [&'static str]) -> impl Strategy<Value = String> {
    (any::<bool>(), list(patterns, 3)).prop_map(move |(is_negated, patterns)| {
        let not = if is_negated { "Not" } else { "" };
        format!("\"{not}{name}\": {patterns}")
    })
}

fn actions() -> impl Strategy<Value = String> {
    element("Action", &["*", "mq:*", "mq:Describe*", "mq:*Broker", "iam:?etUser", "mq:ListBrokers"])
}

fn statement(
    resources: &'static [&'static str],
    condition: impl Strategy<Value = Option<String>>,
) -> impl Strategy<Value = String> {
    let effect = prop::sample::select(vec!["Allow", "Allow", "Deny"]);
    (effect, actions(), element("Resource", resources), condition).prop_map(
        |(effect, action, resource, condition)| {
            let condition = condition
                .map_or_else(String::new, |condition| format!(", \"Condition\": {{{condition}}}"));
            format!(r#"{{"Effect": "{effect}", {action}, {resource}{condition}}}"#)
        },
    )
}

/// An operator of each type with values for it: `most` of them where it is not negated.
fn condition(
    texts: &'static [&'static str],
    arns: &'static [&'static str],
) -> impl Strategy<Value = (String, &'static str, String, bool)> {
    const NUMBERS: &[&str] = &["4", "5", "6"];
    const DATES: &[&str] =
        &["2025-12-31T23:59:59Z", "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"];
    const RANGES: &[&str] = &["10.0.0.0/8", "192.0.2.1", "2001:db8::/32", "0.0.0.0/0"];
    let of = |operators: &'static [&'static str], key: &'static str, values| {
        let operator = prop::sample::select(operators);
        (
            operator,
            Just(key),
            prop::collection::vec(prop::sample::select::<&'static str>(values), 1..3),
        )
    };
    let drawn = prop_oneof![
        of(&["StringEquals", "StringEqualsIgnoreCase", "StringLike"], "k:s", texts),
        of(&["StringNotEquals", "StringNotEqualsIgnoreCase", "StringNotLike"], "k:s", texts),
        of(&["NumericEquals", "NumericLessThan", "NumericLessThanEquals"], "k:n", NUMBERS),
        of(&["NumericGreaterThan", "NumericGreaterThanEquals", "NumericNotEquals"], "k:n", NUMBERS),
        of(&["DateEquals", "DateLessThan", "DateLessThanEquals"], "k:d", DATES),
        of(&["DateGreaterThan", "DateGreaterThanEquals", "DateNotEquals"], "k:d", DATES),
        of(&["IpAddress", "NotIpAddress"], "k:i", RANGES),
        of(&["Bool"], "k:b", &["true", "false"]),
        of(&["Null"], "k:s", &["true", "false"]),
        of(&["ArnLike", "ArnNotLike"], "k:r", arns),
    ];
    (drawn, any::<bool>()).prop_map(|((operator, key, values), if_exists)| {
        let is_negated = operator.contains("Not");
        let suffix = if if_exists && operator != "Null" { "IfExists" } else { "" };
        let values = serde_json::json!(values).to_string();
        (format!("{operator}{suffix}"), key, values, is_negated)
    })
}

fn ours(policies: &[String], action: &str, resource: &str, context: &Context) -> &'static str {
    let policies: Vec<_> = policies.iter().map(String::as_str).collect();
    decide(&of_identity(&policies), &user("alice"), action, resource, context).as_str()
}

fn given(keys: &Drawn) -> Vec<(&'static str, &'static str)> {
    keys.iter().filter_map(|(key, value)| Some((*key, (*value)?))).collect()
}

fn document(statement: &str) -> String {
    format!(r#"{{"Version": "2012-10-17", "Statement": [{statement}]}}"#)
}

fn of_aspen(policies: &[String], action: &str, resource: &str, keys: &Drawn) -> &'static str {
    let mut set = aspen::PolicySet::new();
    for statement in policies {
        let source = aspen::PolicySource::new_entity_inline(
            "arn:aws:iam::111122223333:user/alice",
            "AIDAEXAMPLEUSERID0001",
            "mine",
        );
        let policy = aspen::Policy::from_str(&document(statement)).expect("a policy");
        set.add_policy(source, policy);
    }
    let mut data = aws::SessionData::new();
    for (key, value) in given(keys) {
        let value = match key {
            "k:b" => aws::SessionValue::Bool(value == "true"),
            "k:i" => aws::SessionValue::IpAddr(value.parse().expect("an address")),
            _ => aws::SessionValue::String(value.to_owned()),
        };
        data.insert(key, value);
    }
    let (service, api) = action.split_once(':').expect("a prefix");
    let actor = aws::User::new("aws", "111122223333", "/", "alice").expect("a user");
    let context = aspen::Context::builder()
        .service(service)
        .api(api)
        .actor(aws::Principal::from(vec![aws::PrincipalIdentity::from(actor)]))
        .resources(vec![Arn::from_str(resource).expect("an ARN")])
        .session_data(data)
        .build()
        .expect("a context");
    match set.evaluate_all(&context).expect("a decision").0 {
        aspen::Decision::Allow => Decision::Allowed { by: None }.as_str(),
        aspen::Decision::Deny => "explicitDeny",
        aspen::Decision::DefaultDeny => "implicitDeny",
    }
}

fn of_iam_rs(
    policies: &[String],
    action: &str,
    resource: &str,
    keys: &Drawn,
    tag_keys: Option<&[&str]>,
) -> &'static str {
    let mut context = iam_rs::Context::new();
    for (key, value) in given(keys) {
        context = match key {
            "k:b" => context.with_boolean(key, value == "true"),
            _ => context.with_string(key, value),
        };
    }
    if let Some(tag_keys) = tag_keys {
        let tag_keys = tag_keys.iter().map(|key| (*key).to_owned()).collect();
        context.insert("aws:TagKeys".to_owned(), iam_rs::ContextValue::StringList(tag_keys));
    }
    let policy = iam_rs::IAMPolicy::from_json(&document(&policies.join(", "))).expect("a policy");
    let principal = iam_rs::PrincipalId::String(user("alice").arn());
    let request = iam_rs::IAMRequest::new_with_context(
        iam_rs::Principal::Aws(principal),
        action,
        iam_rs::Arn::parse(resource).expect("an ARN"),
        context,
    );
    match iam_rs::evaluate_policy(&policy, &request).expect("a decision") {
        iam_rs::Decision::Allow => "allowed",
        iam_rs::Decision::Deny => "explicitDeny",
        iam_rs::Decision::NotApplicable => "implicitDeny",
    }
}

/// Conditions that aspen gets right: one value where the operator is negated, and then the key is there.
fn for_aspen() -> impl Strategy<Value = (Drawn, Vec<String>)> {
    const TEXTS: &[&str] = &["x", "y", "x?", "*y", "${aws:username}", "${aws:username}*", "${*}"];
    const ARNS: &[&str] = &[
        "arn:aws:mq:*:*:broker:a*",
        "arn:aws:mq:us-????-1:1111*:*",
        "arn:aws:*:*:*:*${aws:username}",
        "arn:aws:iam::111122223333:user/?",
    ];
    const RESOURCES: &[&str] = &[
        "*",
        "arn:aws:mq:*:*:*",
        "arn:aws:mq:us-*-1:*:broker:*",
        "arn:aws:mq:*:111122223333:*:?b:*",
        "arn:aws:mq:*:*:configuration:c-${$}",
        "arn:aws:iam::1111*:user/*",
        "arn:aws:iam::*:user/${aws:username}",
    ];
    keys().prop_flat_map(|keys| {
        let present: Vec<_> = given(&keys).into_iter().map(|(key, _)| key).collect();
        let condition = condition(TEXTS, ARNS).prop_filter_map("aspen is wrong", move |drawn| {
            let (operator, key, values, is_negated) = drawn;
            let many = values.contains("\",\"");
            let is_sound = !is_negated || (!many && present.contains(&key));
            is_sound.then(|| format!("\"{operator}\": {{\"{key}\": {values}}}"))
        });
        let policies =
            prop::collection::vec(statement(RESOURCES, prop::option::of(condition)), 0..5);
        (Just(keys), policies)
    })
}

/// Conditions that iam-rs gets right: any number of values, sets of texts, no variables, no ARNs in conditions.
fn for_iam_rs() -> impl Strategy<Value = (Drawn, Option<&'static [&'static str]>, Vec<String>)> {
    const TEXTS: &[&str] = &["x", "y", "x?", "*y", "X"];
    const RESOURCES: &[&str] = &[
        "*",
        "arn:aws:mq:*:*:*",
        "arn:aws:mq:us-*-1:*:broker:*",
        "arn:aws:mq:*:111122223333:*:?b:*",
        "arn:aws:iam::1111*:user/*",
    ];
    let single = condition(TEXTS, &["arn:aws:mq:*:*:broker:*"])
        .prop_filter("iam-rs is wrong", |(operator, _, values, _)| {
            let has_many = values.contains("\",\"");
            !(operator.starts_with("Arn") || operator == "Null" && has_many)
        })
        .prop_map(|(operator, key, values, _)| format!("\"{operator}\": {{\"{key}\": {values}}}"));
    let operators = vec!["StringEquals", "StringLike", "StringNotEquals", "StringNotLike"];
    let set = (
        prop::sample::select(vec!["ForAnyValue", "ForAllValues"]),
        prop::sample::select(operators),
        list(&["a", "b", "a*"], 2),
    )
        .prop_map(|(set, operator, values)| {
            format!("\"{set}:{operator}\": {{\"aws:TagKeys\": {values}}}")
        });
    let condition = prop::option::of(prop_oneof![single, set]);
    let tag_keys: Vec<&'static [&'static str]> = vec![&[], &["a"], &["a", "b"], &["ab", "c"]];
    (
        keys(),
        prop::option::of(prop::sample::select(tag_keys)),
        prop::collection::vec(statement(RESOURCES, condition), 1..5),
    )
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(700) })]

    #[test]
    fn scratchstack_aspen_decides_alike(
        (keys, policies) in for_aspen(),
        action in prop::sample::select(ACTIONS),
        resource in prop::sample::select(RESOURCES),
    ) {
        let given: Vec<_> =
            given(&keys).into_iter().map(|(key, value)| (key, Value::One(value))).collect();
        let decided = ours(&policies, action, resource, &context(&given));
        prop_assert_eq!(decided, of_aspen(&policies, action, resource, &keys));
    }

    #[test]
    fn iam_rs_decides_alike(
        (keys, tag_keys, policies) in for_iam_rs(),
        action in prop::sample::select(ACTIONS),
        resource in prop::sample::select(RESOURCES),
    ) {
        let mut given: Vec<_> =
            given(&keys).into_iter().map(|(key, value)| (key, Value::One(value))).collect();
        given.extend(tag_keys.map(|keys| ("aws:TagKeys", Value::Many(keys))));
        let decided = ours(&policies, action, resource, &context(&given));
        prop_assert_eq!(decided, of_iam_rs(&policies, action, resource, &keys, tag_keys));
    }
}
