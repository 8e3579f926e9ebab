//! Conditions of policies: tags of resources and of requests, and what is known of every request.

use serde_json::json;

use crate::{
    identities::{ACCOUNT, allowing, tags},
    support::{Client, TestApi, activemq},
};

/// Calls and tells the status.
async fn status(api: &TestApi, client: &Client, method: &str, target: &str, body: &str) -> u16 {
    api.call_as(client, method, target, body).await.status.as_u16()
}

#[tokio::test]
async fn policies_are_asked_by_the_tags_that_the_resource_has_now() {
    let api = TestApi::start().await;
    let user = api.user_with_tags("alice", tags(&[("team", "red")])).await;
    let broker = api.running_activemq("orders").await;
    let describe = format!("/v1/brokers/{broker}");
    let reboot = format!("/v1/brokers/{broker}/reboot");
    let arn = format!("arn:aws:mq:us-east-1:{ACCOUNT}:broker:orders:{broker}");
    let tag = format!("/v1/tags/{}", arn.replace(':', "%3A"));
    let policy = json!({"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Action": "mq:*", "Resource": "arn:aws:mq:*:*:broker:orders:*",
        "Condition": {"StringEquals": {"aws:ResourceTag/team": "${aws:PrincipalTag/team}"}},
    }]});
    api.set_policy(&user, &policy).await;
    for (team, expected) in [("blue", 403), ("red", 200), ("Red", 403)] {
        let body = json!({ "tags": { "team": team } }).to_string();
        assert_eq!(api.call("POST", &tag, &body).await.status, 204);
        assert_eq!(status(&api, &user.client, "GET", &describe, "").await, expected, "{team}");
        assert_eq!(status(&api, &user.client, "POST", &reboot, "").await, expected, "{team}");
        api.converge(&broker).await;
    }
    // Who may not see a thing is not told by the tags either.
    assert_eq!(status(&api, &user.client, "GET", &tag, "").await, 403);
    assert_eq!(status(&api, &user.client, "DELETE", &format!("{tag}?tagKeys=team"), "").await, 403);
    api.stop().await;
}

#[tokio::test]
async fn tags_are_given_and_taken_only_as_policies_permit() {
    let api = TestApi::start().await;
    let user = api.user("tagger").await;
    let policy = json!({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": ["mq:CreateBroker", "mq:CreateConfiguration", "mq:CreateTags"],
         "Resource": "*", "Condition": {
             "StringEquals": {"aws:RequestTag/team": "red"},
             "ForAllValues:StringEquals": {"aws:TagKeys": ["team", "cost"]}}},
        {"Effect": "Allow", "Action": "mq:DeleteTags", "Resource": "*",
         "Condition": {"ForAllValues:StringNotEquals": {"aws:TagKeys": "team"}}},
    ]});
    api.set_policy(&user, &policy).await;
    let mut number = 0;
    for (tags, expected) in [
        (r#"{"team": "red"}"#, 200),
        (r#"{"team": "red", "cost": "1"}"#, 200),
        (r#"{"team": "blue"}"#, 403),
        (r#"{"team": "red", "owner": "me"}"#, 403),
        (r#"{"cost": "1"}"#, 403),
    ] {
        number += 1;
        let name = format!("b-{number}");
        let body = activemq(&name, &format!(r#", "tags": {tags}"#));
        assert_eq!(
            status(&api, &user.client, "POST", "/v1/brokers", &body).await,
            expected,
            "{tags}"
        );
        let body = format!(
            r#"{{"name": "c", "engineType": "ACTIVEMQ", "engineVersion": "5.19", "tags": {tags}}}"#
        );
        let created = status(&api, &user.client, "POST", "/v1/configurations", &body).await;
        assert_eq!(created, expected, "{tags}");
    }
    assert_eq!(status(&api, &user.client, "POST", "/v1/brokers", &activemq("none", "")).await, 403);

    let id = api.create("tagged").await;
    // The name in the ARN decides nothing: policies see the broker's own.
    let path = format!("/v1/tags/arn%3Aaws%3Amq%3Aus-east-1%3A{ACCOUNT}%3Abroker%3Aother%3A{id}");
    for (method, query, body, expected) in [
        ("POST", "", r#"{"tags": {"team": "red"}}"#, 204),
        ("POST", "", r#"{"tags": {"owner": "me"}}"#, 403),
        ("DELETE", "?tagKeys=cost", "", 204),
        ("DELETE", "?tagKeys=cost&tagKeys=team", "", 403),
        ("GET", "", "", 403),
    ] {
        let target = format!("{path}{query}");
        assert_eq!(
            status(&api, &user.client, method, &target, body).await,
            expected,
            "{method} {query}"
        );
    }
    let only_other = format!("arn:aws:mq:us-east-1:{ACCOUNT}:broker:other:*");
    api.set_policy(&user, &allowing([("mq:*", only_other.as_str())])).await;
    for (method, query, body) in
        [("GET", "", ""), ("POST", "", r#"{"tags": {"a": "b"}}"#), ("DELETE", "?tagKeys=team", "")]
    {
        let reply = api.call_as(&user.client, method, &format!("{path}{query}"), body).await;
        let (status, _, message) = reply.refusal();
        assert_eq!(status, 403, "{method}");
        assert!(message.contains(&format!("broker:tagged:{id}")), "{message}");
    }
    api.stop().await;
}

#[tokio::test]
async fn policies_may_ask_where_a_request_comes_from_and_when() {
    let api = TestApi::start().await;
    let user = api.user("alice").await;
    let list = |address: &str, agent: &str| {
        let mut request = api.signed(&user.client, "GET", "/v1/brokers", b"");
        let peer: std::net::SocketAddr = address.parse().expect("an address");
        request.extensions_mut().insert(axum::extract::ConnectInfo(peer));
        request.headers_mut().insert("user-agent", agent.parse().expect("a header value"));
        request
    };
    let within = |key: &str, operator: &str, value: &str| {
        json!({"Version": "2012-10-17", "Statement": [{
            "Effect": "Allow", "Action": "mq:ListBrokers", "Resource": "*",
            "Condition": {operator: {key: value}},
        }]})
    };
    for (policy, expected) in [
        (within("aws:SourceIp", "IpAddress", "192.0.2.0/24"), 200),
        (within("aws:SourceIp", "NotIpAddress", "192.0.2.0/24"), 403),
        (within("aws:UserAgent", "StringLike", "Terraform/*"), 200),
        (within("aws:UserAgent", "StringLike", "aws-cli/*"), 403),
        (within("aws:RequestedRegion", "StringEquals", "us-east-1"), 200),
        (within("aws:RequestedRegion", "StringEquals", "eu-west-1"), 403),
        (within("aws:CurrentTime", "DateGreaterThan", "2026-09-21T00:00:00Z"), 200),
        (within("aws:CurrentTime", "DateLessThan", "2026-09-21T00:00:00Z"), 403),
        (within("aws:SecureTransport", "Bool", "false"), 200),
        (within("aws:SecureTransport", "Bool", "true"), 403),
        (within("aws:username", "StringEquals", "alice"), 200),
        (within("aws:TokenIssueTime", "Null", "true"), 200),
    ] {
        api.set_policy(&user, &policy).await;
        let reply = api.send(list("192.0.2.7:4711", "Terraform/1.9")).await;
        assert_eq!(reply.status, expected, "{policy}");
    }
    let secure = within("aws:SecureTransport", "Bool", "true");
    api.set_policy(&user, &secure).await;
    let mut request = list("192.0.2.7:4711", "Terraform/1.9");
    request.extensions_mut().insert(brokerd_api::SecureTransport);
    assert_eq!(api.send(request).await.status, 200);
    api.stop().await;
}
