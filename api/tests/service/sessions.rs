//! Requests that are signed with the key of a session.

use brokerd_domain::identity::{IamArn, PolicyDocument, SessionHolder};
use brokerd_store::IdentityName;
use serde_json::json;

use crate::{
    identities::{ACCOUNT, allowing, tags},
    support::{Client, TestApi, activemq},
};

const INVALID: &str = "The security token included in the request is invalid.";

/// Status, exception and message of a list of brokers.
async fn refused(api: &TestApi, client: &Client) -> (u16, String, String) {
    api.call_as(client, "GET", "/v1/brokers", "").await.refusal()
}

fn unrecognized() -> (u16, String, String) {
    (403, "UnrecognizedClientException".to_owned(), INVALID.to_owned())
}

#[tokio::test]
async fn the_key_of_a_session_signs_with_its_token_alone() {
    let api = TestApi::start().await;
    let role = api.role("deploy", tags(&[]), &allowing([("mq:ListBrokers", "*")])).await;
    let session = api.role_session(&role);
    let client = api.issued(&session);
    let other = api.issued(&session);
    for token in [
        None,
        Some(String::new()),
        Some("garbage".to_owned()),
        Some("A".repeat(9000)),
        other.token.clone(),
        client.token.clone().map(|token| token.replacen('A', "B", 1)),
    ] {
        let wrong = Client { token, ..client.clone() };
        assert_eq!(refused(&api, &wrong).await, unrecognized(), "before the key is known");
    }
    assert_eq!(api.call_as(&client, "GET", "/v1/brokers", "").await.status, 200);
    for token in [None, Some("garbage".to_owned()), other.token.clone()] {
        let wrong = Client { token, ..client.clone() };
        assert_eq!(refused(&api, &wrong).await, unrecognized(), "while the key is known");
    }
    // The token of somebody else's session with a key that lasts.
    let with_token = Client { token: client.token.clone(), ..api.alice.clone() };
    assert_eq!(refused(&api, &with_token).await, unrecognized());
    // The token alone is not enough.
    let mut guessed = client.clone();
    guessed.credentials.secret = "guessed".into();
    assert_eq!(refused(&api, &guessed).await.1, "InvalidSignatureException");
    // The token has to be signed, and to be one.
    let mut unsigned =
        api.signed(&Client { token: None, ..client.clone() }, "GET", "/v1/brokers", b"");
    let token = client.token.as_deref().expect("a token").parse().expect("a header value");
    unsigned.headers_mut().insert("x-amz-security-token", token);
    assert_eq!(
        api.send(unsigned).await.refusal().2,
        "'x-amz-security-token' must be a 'SignedHeader' in the AWS Authorization."
    );
    let mut two = api.signed(&client, "GET", "/v1/brokers", b"");
    two.headers_mut().append("x-amz-security-token", "more".parse().expect("a header value"));
    assert_eq!(api.send(two).await.refusal(), unrecognized());
    api.stop().await;
}

#[tokio::test]
async fn sessions_end_by_themselves_with_their_role_and_when_they_are_revoked() {
    let api = TestApi::start().await;
    let role = api.role("deploy", tags(&[]), &allowing([("mq:ListBrokers", "*")])).await;
    let client = api.issued(&api.role_session(&role));
    let name = IdentityName::Role(role.name.clone());
    assert_eq!(api.call_as(&client, "GET", "/v1/brokers", "").await.status, 200);
    api.clock.advance_seconds(3600);
    let expired = "The security token included in the request is expired".to_owned();
    let expected = (403, "ExpiredTokenException".to_owned(), expired);
    assert_eq!(refused(&api, &client).await, expected, "a key that is known");
    let client = api.issued(&api.role_session(&role));
    api.clock.advance_seconds(3600);
    assert_eq!(refused(&api, &client).await, expected, "a key that was never seen");
    let wrong = Client { token: Some("garbage".to_owned()), ..client };
    assert_eq!(refused(&api, &wrong).await, unrecognized());
    let metrics = api.metrics();
    let line = "brokerd_api_authentication_rejections_total{reason=\"expired\"} 2";
    assert!(metrics.contains(line), "{line} is missing");

    let before = api.issued(&api.role_session(&role));
    assert_eq!(api.call_as(&before, "GET", "/v1/brokers", "").await.status, 200);
    let now = brokerd_domain::Clock::now(&*api.clock);
    let revoked = api.store.revoke_sessions(&role.account, &name, now).await;
    assert!(revoked.expect("asked"));
    let after = api.issued(&api.role_session(&role));
    api.clock.advance_seconds(5);
    assert_eq!(refused(&api, &before).await, unrecognized(), "revoked");
    assert_eq!(api.call_as(&after, "GET", "/v1/brokers", "").await.status, 200);
    api.stop().await;
}

#[tokio::test]
async fn a_session_may_do_what_role_and_session_policies_allow_together() {
    let api = TestApi::start().await;
    let broker = api.create("orders").await;
    let policy = allowing([("mq:Describe*", "*"), ("mq:ListBrokers", "*")]);
    let role = api.role("deploy", tags(&[]), &policy).await;
    let inline = allowing([("mq:DescribeBroker", "*"), ("mq:RebootBroker", "*")]).to_string();
    let mut session = api.role_session(&role);
    session.policy = Some(PolicyDocument::parse(&inline).expect("a document"));
    let client = api.issued(&session);
    let describe = format!("/v1/brokers/{broker}");
    assert_eq!(api.call_as(&client, "GET", &describe, "").await.status, 200);
    let arn = format!("arn:aws:mq:us-east-1:{ACCOUNT}:broker:orders:{broker}");
    let principal = format!("arn:aws:sts::{ACCOUNT}:assumed-role/deploy/run-17");
    let reboot = format!("{describe}/reboot");
    for (method, target, action, resource, missing) in [
        ("POST", reboot.as_str(), "mq:RebootBroker", arn.as_str(), "identity-based policy"),
        ("GET", "/v1/brokers", "mq:ListBrokers", "*", "session policy"),
    ] {
        let told = api.call_as(&client, method, target, "").await.refusal().2;
        let expected = format!(
            "User: {principal} is not authorized to perform: {action} on resource: {resource} because no {missing} allows the {action} action"
        );
        assert_eq!(told, expected);
    }
    // A managed session policy.
    let mut session = api.role_session(&role);
    let read_only = "arn:aws:iam::aws:policy/AmazonMQReadOnlyAccess";
    session.policy_arns = vec![read_only.parse::<IamArn>().expect("an ARN")];
    let client = api.issued(&session);
    assert_eq!(api.call_as(&client, "GET", "/v1/brokers", "").await.status, 200);
    assert_eq!(api.call_as(&client, "POST", &reboot, "").await.status, 403);
    api.stop().await;
}

#[tokio::test]
async fn policies_see_the_tags_of_role_and_session_and_when_it_began() {
    let api = TestApi::start().await;
    let body = activemq("orders", r#", "tags": {"team": "red", "stage": "test"}"#);
    let created = api.call("POST", "/v1/brokers", &body).await.json();
    let describe = format!("/v1/brokers/{}", created["brokerId"].as_str().expect("an identifier"));
    let policy = json!({"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Action": "mq:DescribeBroker", "Resource": "*",
        "Condition": {
            "StringEquals": {
                "aws:ResourceTag/team": "${aws:PrincipalTag/team}",
                "aws:ResourceTag/stage": "${aws:PrincipalTag/stage}"},
            "DateGreaterThan": {"aws:TokenIssueTime": "2026-09-21T00:00:00Z"}},
    }]});
    let role = api.role("deploy", tags(&[("team", "blue"), ("stage", "test")]), &policy).await;
    let plain = api.issued(&api.role_session(&role));
    assert_eq!(api.call_as(&plain, "GET", &describe, "").await.status, 403);
    let mut session = api.role_session(&role);
    session.tags = tags(&[("team", "red")]);
    let tagged = api.issued(&session);
    assert_eq!(api.call_as(&tagged, "GET", &describe, "").await.status, 200);
    api.stop().await;
}

#[tokio::test]
async fn sessions_of_users_and_of_the_root_are_theirs() {
    let api = TestApi::start().await;
    let user = api.user("alice").await;
    let client = api.issued(&api.session(SessionHolder::User(user.id.clone())));
    let (status, _, message) = refused(&api, &client).await;
    let arn = format!("arn:aws:iam::{ACCOUNT}:user/alice");
    assert_eq!(status, 403);
    assert!(message.starts_with(&format!("User: {arn} is not authorized")), "{message}");
    api.set_policy(&user, &allowing([("mq:ListBrokers", "*")])).await;
    assert_eq!(api.call_as(&client, "GET", "/v1/brokers", "").await.status, 200);
    let root = api.session(SessionHolder::Root(ACCOUNT.parse().expect("an account")));
    assert_eq!(api.call_as(&api.issued(&root), "GET", "/v1/brokers", "").await.status, 200);
    api.stop().await;
}
