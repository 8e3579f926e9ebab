//! Who gets in, and what those who don't are told.

use crate::support::{Client, TestApi};
use axum::{body::Body, http::Request};

#[tokio::test]
async fn unsigned_requests_are_told_that_a_token_is_missing() {
    let api = TestApi::start().await;
    for (method, target) in [
        ("GET", "/v1/brokers"),
        ("PUT", "/v1/brokers/b-1"),
        ("GET", "/v1/tags/arn%3Aaws%3Amq"),
        ("GET", "/brokerd/v1/brokers/b-1/events"),
    ] {
        let reply = api.unsigned(method, target).await;
        let expected = "MissingAuthenticationTokenException".to_owned();
        assert_eq!(reply.refusal(), (403, expected, "Missing Authentication Token".to_owned()));
        assert_eq!(reply.text, r#"{"message":"Missing Authentication Token"}"#);
        assert_eq!(reply.header("x-amzn-requestid").len(), 36);
        assert_eq!(reply.header("content-type"), "application/json");
    }
    api.stop().await;
}

#[tokio::test]
async fn wrong_keys_secrets_services_and_clocks_are_refused() {
    let api = TestApi::start().await;
    let refused =
        async |client: &Client| api.call_as(client, "GET", "/v1/brokers", "").await.refusal();
    let (status, code, message) = refused(&Client::new("AKIAEVE", "x", "us-east-1")).await;
    assert_eq!((status, code.as_str()), (403, "UnrecognizedClientException"));
    assert_eq!(message, "The security token included in the request is invalid.");

    let (status, code, message) = refused(&Client::new("AKIAALICE", "x", "us-east-1")).await;
    assert_eq!((status, code.as_str()), (403, "InvalidSignatureException"));
    assert!(message.starts_with("The request signature we calculated does not match"), "{message}");

    let mut other = api.alice.clone();
    other.credentials.service = "sqs".to_owned();
    let (_, code, message) = refused(&other).await;
    assert_eq!(code, "InvalidSignatureException");
    assert_eq!(message, "Credential should be scoped to correct service: 'mq'.");

    let old = api.signed(&api.alice, "GET", "/v1/brokers", b"");
    api.clock.advance_seconds(16 * 60);
    let (status, code, message) = api.send(old).await.refusal();
    assert_eq!((status, code.as_str()), (403, "InvalidSignatureException"));
    assert!(message.starts_with("Signature expired: "), "{message}");

    let malformed = Request::get("/v1/brokers").header("authorization", "Basic eDp5");
    let reply = api.send(malformed.body(Body::empty()).expect("request")).await;
    assert_eq!(reply.refusal().1, "IncompleteSignatureException");

    let metrics = api.metrics();
    for reason in ["unknown-key", "mismatch", "scope", "skew", "malformed"] {
        let line = format!("brokerd_api_authentication_rejections_total{{reason=\"{reason}\"}} 1");
        assert!(metrics.contains(&line), "{line} is missing");
    }
    api.stop().await;
}

#[tokio::test]
async fn a_request_changed_on_its_way_is_refused() {
    let api = TestApi::start().await;
    let signed = || api.signed(&api.alice, "GET", "/v1/brokers?maxResults=5", b"");
    assert_eq!(api.send(signed()).await.status, 200);
    let mut query = signed();
    *query.uri_mut() = "/v1/brokers?maxResults=6".parse().expect("target");
    let mut path = signed();
    *path.uri_mut() = "/v1/broker-engine-types?maxResults=5".parse().expect("target");
    let mut body = signed();
    *body.body_mut() = Body::from("{}");
    let mut host = signed();
    host.headers_mut().insert("host", "elsewhere".parse().expect("header value"));
    for changed in [query, path, body, host] {
        let (status, code, _) = api.send(changed).await.refusal();
        assert_eq!((status, code.as_str()), (403, "InvalidSignatureException"));
    }
    let mut token = signed();
    token.headers_mut().insert("x-amz-security-token", "t".parse().expect("header value"));
    let (status, code, _) = api.send(token).await.refusal();
    assert_eq!((status, code.as_str()), (403, "UnrecognizedClientException"));
    api.stop().await;
}

#[tokio::test]
async fn a_new_key_works_within_seconds_although_it_was_asked_for_before() {
    let api = TestApi::start().await;
    let bob = Client::new("AKIABOB", "bob-secret", "eu-west-1");
    assert_eq!(api.call_as(&bob, "GET", "/v1/brokers", "").await.status, 403);
    api.add_key("AKIABOB", "bob-secret", "111111111111").await;
    api.clock.advance_seconds(6);
    assert_eq!(api.call_as(&bob, "GET", "/v1/brokers", "").await.status, 200);
    api.stop().await;
}

#[tokio::test]
async fn long_bodies_are_refused_and_only_read_for_keys_that_exist() {
    let api = TestApi::start().await;
    let document = "/v1/configurations/c-00000000-0000-0000-0000-000000000000";
    let operations = [
        ("POST", "/v1/configurations", 1 << 16),
        ("POST", "/v1/brokers", 640 << 10),
        ("PUT", document, 1 << 20),
    ];
    for (method, path, most) in operations {
        let long = " ".repeat(most + 1);
        let (status, code, message) = api.call(method, path, &long).await.refusal();
        assert_eq!((status, code.as_str()), (413, "RequestEntityTooLargeException"));
        assert!(message.contains(&format!("[{most}]")), "{message}");
        let longest = format!("{}{{", " ".repeat(most - 1));
        let (status, _, message) = api.call(method, path, &longest).await.refusal();
        assert_eq!((status, message.as_str()), (400, "Request body is not a valid JSON object."));
    }
    let long = " ".repeat(1 << 17);
    let eve = Client::new("AKIAEVE", "x", "us-east-1");
    let reply = api.call_as(&eve, "POST", "/v1/brokers", &long).await;
    assert_eq!(reply.refusal().1, "UnrecognizedClientException");
    api.stop().await;
}

#[tokio::test]
async fn without_a_database_callers_are_asked_to_come_back() {
    let api = TestApi::start().await;
    assert_eq!(api.call("GET", "/v1/brokers", "").await.status, 200);
    api.lose_database().await;
    let reply = api.call("GET", "/v1/brokers", "").await;
    assert_eq!(
        (reply.refusal().0, reply.refusal().1),
        (503, "ServiceUnavailableException".to_owned())
    );
    assert_eq!(reply.header("retry-after"), "1");
    assert_eq!(api.unsigned("GET", "/health/ready").await.status, 503);
    assert_eq!(api.unsigned("GET", "/health/live").await.status, 200);
    api.stop().await;
}
