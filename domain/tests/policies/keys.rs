//! The global condition keys of a request.

use brokerd_domain::policy::{Context, ContextValue, Environment, Principal};

use crate::world::{environment, root, session, tags, user};

fn value(context: &Context, key: &str) -> Option<String> {
    context.get(key).map(|value| match value {
        ContextValue::One(value) => value.clone(),
        ContextValue::Many(values) => values.join(","),
    })
}

/// The keys that say who it is, with their values.
fn who(principal: &Principal) -> Vec<String> {
    let context = Context::of(principal, &environment());
    [
        "aws:PrincipalAccount",
        "aws:PrincipalArn",
        "aws:PrincipalType",
        "aws:userid",
        "aws:username",
        "aws:TokenIssueTime",
        "aws:MultiFactorAuthPresent",
    ]
    .iter()
    .map(|key| value(&context, key).unwrap_or_else(|| "-".to_owned()))
    .collect()
}

#[test]
fn principals_are_told_by_their_keys() {
    let account = "111122223333";
    let arn = "arn:aws:iam::111122223333:";
    assert_eq!(who(&root()), [account, &format!("{arn}root"), "Account", account, "-", "-", "-"]);
    assert_eq!(
        who(&user("alice")),
        [account, &format!("{arn}user/alice"), "User", "AIDAEXAMPLEUSERID0001", "alice", "-", "-"]
    );
    assert_eq!(
        who(&session("deploy", "run-17")),
        [
            account,
            &format!("{arn}role/teams/deploy"),
            "AssumedRole",
            "AROAEXAMPLEROLEID0001:run-17",
            "-",
            "2026-09-21T14:13:20Z",
            "false"
        ]
    );
    let arn = session("deploy", "run-17").arn();
    assert_eq!(arn, "arn:aws:sts::111122223333:assumed-role/deploy/run-17");
}

#[test]
fn a_session_of_a_role_says_who_is_behind_it() {
    let context = Context::of(&session("deploy", "run-17"), &environment());
    assert_eq!(value(&context, "aws:SourceIdentity").as_deref(), Some("carol"));
}

#[test]
fn every_request_says_when_where_and_how_it_came() {
    let context = Context::of(&user("alice"), &environment());
    for (key, expected) in [
        ("aws:CurrentTime", Some("2026-09-21T14:13:20Z")),
        ("aws:EpochTime", Some("1790000000")),
        ("aws:RequestedRegion", Some("us-east-1")),
        ("aws:SecureTransport", Some("true")),
        ("aws:SourceIp", Some("203.0.113.7")),
        ("aws:UserAgent", Some("aws-cli/2.31")),
        ("aws:ViaAWSService", Some("false")),
        ("aws:PrincipalIsAWSService", Some("false")),
        ("AWS:SOURCEIP", Some("203.0.113.7")),
        ("aws:TagKeys", None),
        ("aws:SourceIdentity", None),
        ("aws:SourceVpc", None),
    ] {
        assert_eq!(value(&context, key).as_deref(), expected, "{key}");
    }
    let mapped = Environment {
        source_ip: Some("::ffff:203.0.113.7".parse().expect("an address")),
        user_agent: Some("x".repeat(5000)),
        ..environment()
    };
    let context = Context::of(&user("alice"), &mapped);
    assert_eq!(value(&context, "aws:SourceIp").as_deref(), Some("203.0.113.7"));
    assert_eq!(value(&context, "aws:UserAgent").map(|agent| agent.len()), Some(1024));
    let unknown = Environment { source_ip: None, user_agent: None, ..environment() };
    let context = Context::of(&user("alice"), &unknown);
    assert_eq!(value(&context, "aws:SourceIp"), None);
    assert_eq!(value(&context, "aws:UserAgent"), None);
}

#[test]
fn tags_of_the_principal_the_resource_and_the_request_are_apart() {
    let principal = Principal { tags: tags(&[("team", "red")]), ..user("alice") };
    let mut context = Context::of(&principal, &environment());
    context.set_resource(&"111122223333".parse().expect("an account"), &tags(&[("team", "blue")]));
    context.set_request_tags(&tags(&[("team", "green"), ("cost", "")]));
    for (key, expected) in [
        ("aws:PrincipalTag/team", Some("red")),
        ("aws:ResourceTag/Team", Some("blue")),
        ("aws:RequestTag/team", Some("green")),
        ("aws:RequestTag/cost", Some("")),
        ("aws:ResourceTag/cost", None),
        ("aws:TagKeys", Some("cost,team")),
        ("aws:ResourceAccount", Some("111122223333")),
    ] {
        assert_eq!(value(&context, key).as_deref(), expected, "{key}");
    }
}
