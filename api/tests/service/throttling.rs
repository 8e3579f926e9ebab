//! How many requests an account may send.

use std::net::SocketAddr;

use axum::extract::ConnectInfo;

use crate::support::{Client, Reply, TestApi};

const TARGET: &str = "/v1/brokers";

#[tokio::test]
async fn an_account_that_asks_too_fast_is_told_to_wait() {
    let api = TestApi::start_throttled(3, 1).await;
    for _ in 0..3 {
        assert_eq!(api.call("GET", TARGET, "").await.status, 200);
    }
    let reply = api.call("GET", TARGET, "").await;
    let expected = (429, "TooManyRequestsException".to_owned(), "Too Many Requests".to_owned());
    assert_eq!(reply.refusal(), expected);
    assert_eq!(reply.text, r#"{"message":"Too Many Requests"}"#);
    assert_eq!(reply.header("retry-after"), "1");
    assert_eq!(reply.header("x-amzn-requestid").len(), 36);

    let metrics = api.metrics();
    for line in [
        "brokerd_api_throttled_requests_total 1",
        r#"brokerd_api_requests_total{method="GET",route="/v1/brokers",status="429"} 1"#,
    ] {
        assert!(metrics.contains(line), "{line} is missing in\n{metrics}");
    }
    api.clock.advance_seconds(1);
    assert_eq!(api.call("GET", TARGET, "").await.status, 200);
    assert_eq!(api.call("GET", TARGET, "").await.status, 429);
    api.stop().await;
}

#[tokio::test]
async fn all_operations_of_the_service_share_an_allowance_and_brokerds_own_another_one() {
    let api = TestApi::start_throttled(4, 1).await;
    let id = api.create("orders").await;
    assert_eq!(api.call("GET", &format!("{TARGET}/{id}"), "").await.status, 200);
    assert_eq!(api.call("GET", "/v1/configurations", "").await.status, 200);
    assert_eq!(api.call("DELETE", "/v1/brokers/b-1", "").await.status, 404);
    for (method, target) in
        [("GET", TARGET), ("GET", "/v1/configurations"), ("POST", "/v1/brokers/b-1/reboot")]
    {
        assert_eq!(api.call(method, target, "").await.status, 429, "{method} {target}");
    }
    let events = format!("/brokerd/v1/brokers/{id}/events");
    for _ in 0..2 {
        assert_eq!(api.call("GET", &events, "").await.status, 200);
        assert_eq!(api.call("GET", "/brokerd/v1/secrets", "").await.status, 200);
    }
    for target in [events.as_str(), "/brokerd/v1/engine-versions", "/brokerd/v1/security-groups"] {
        assert_eq!(api.call("GET", target, "").await.status, 429, "{target}");
        assert_eq!(api.unsigned("GET", "/health/ready").await.status, 200);
    }
    api.stop().await;
}

#[tokio::test]
async fn nobody_can_use_up_the_allowance_of_another() {
    let api = TestApi::start_throttled(2, 1).await;
    api.add_key("AKIABOB", "bob-secret", "111111111111").await;
    let bob = Client::new("AKIABOB", "bob-secret", "us-east-1");
    // Somebody who knows the identifier of her key, but not the secret.
    let eve = Client::new("AKIAALICE", "guessed", "us-east-1");
    for _ in 0..5 {
        assert_eq!(api.call_as(&eve, "GET", TARGET, "").await.status, 403);
        api.call_as(&bob, "GET", TARGET, "").await;
    }
    assert_eq!(api.call_as(&bob, "GET", TARGET, "").await.status, 429);
    assert_eq!(api.call("GET", TARGET, "").await.status, 200);
    assert_eq!(api.call("GET", TARGET, "").await.status, 200);
    assert_eq!(api.call("GET", TARGET, "").await.status, 429);
    api.stop().await;
}

#[tokio::test]
async fn an_account_has_one_allowance_in_all_regions() {
    let api = TestApi::start_throttled(3, 1).await;
    for (region, status) in
        [("us-east-1", 200), ("eu-west-1", 200), ("sa-east-1", 200), ("ca-west-1", 429)]
    {
        let client = Client::new("AKIAALICE", "alice-secret", region);
        assert_eq!(api.call_as(&client, "GET", TARGET, "").await.status, status, "{region}");
    }
    api.stop().await;
}

#[tokio::test]
async fn a_region_that_is_not_configured_is_no_valid_region() {
    let api = TestApi::start().await;
    let client = Client::new("AKIAALICE", "alice-secret", "atlantis-1");
    for target in [TARGET, "/brokerd/v1/security-groups"] {
        let reply = api.call_as(&client, "GET", target, "").await;
        let expected = "Credential should be scoped to a valid region.".to_owned();
        assert_eq!(reply.refusal(), (403, "InvalidSignatureException".to_owned(), expected));
    }
    api.stop().await;
}

/// Lists brokers with an access key, as somebody who has connected from `peer`.
async fn list_from(api: &TestApi, peer: &str, key: &str) -> Reply {
    let peer: SocketAddr = peer.parse().expect("an address");
    let client = Client::new(key, "alice-secret", "us-east-1");
    let mut request = api.signed(&client, "GET", TARGET, b"");
    request.extensions_mut().insert(ConnectInfo(peer));
    api.send(request).await
}

#[tokio::test]
async fn who_makes_up_access_keys_is_told_to_wait_and_nobody_else() {
    let api = TestApi::start().await;
    let stranger = "[2001:db8::1]:1024";
    assert_eq!(list_from(&api, stranger, "AKIAALICE").await.status, 200);
    // From now on her key is to be looked up again.
    api.clock.advance_seconds(61);
    let mut refused = 0;
    for n in 0..100 {
        // Others of the same network are the same stranger.
        let peer = format!("[2001:db8::{n:x}]:1024");
        let (status, code, _) = list_from(&api, &peer, &format!("AKIA{n}")).await.refusal();
        match status {
            403 => assert_eq!(code, "UnrecognizedClientException"),
            _ => assert_eq!((status, code.as_str()), (429, "TooManyRequestsException")),
        }
        refused += usize::from(status == 429);
    }
    assert_eq!(refused, 80, "all but a burst");
    let metrics = api.metrics();
    for line in [
        r#"brokerd_api_authentication_rejections_total{reason="unknown-key"} 20"#,
        r#"brokerd_api_authentication_rejections_total{reason="too-many-unknown-keys"} 80"#,
        "brokerd_api_throttled_requests_total 0",
    ] {
        assert!(metrics.contains(line), "{line} is missing in\n{metrics}");
    }
    assert_eq!(list_from(&api, stranger, "AKIAALICE").await.status, 200, "a key that was seen");
    assert_eq!(list_from(&api, "[2001:db8:0:1::1]:1024", "AKIAX").await.status, 403);
    assert_eq!(list_from(&api, "192.0.2.1:1024", "AKIAY").await.status, 403);
    // A key that exists costs nothing.
    for n in 0..40 {
        let key = format!("AKIANEW{n}");
        api.add_key(&key, "alice-secret", "000000000000").await;
        assert_eq!(list_from(&api, "192.0.2.2:1024", &key).await.status, 200, "{n}");
    }
    api.clock.advance_seconds(1);
    assert_eq!(list_from(&api, stranger, "AKIAZ").await.status, 403);
    api.stop().await;
}
