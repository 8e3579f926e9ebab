//! How many requests an account may send.

use crate::support::{Client, TestApi};

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

    let metrics = api.unsigned("GET", "/metrics").await.text;
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
async fn all_operations_of_the_service_share_the_allowance_and_brokerds_own_have_none() {
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
    for _ in 0..9 {
        assert_eq!(api.call("GET", &events, "").await.status, 200);
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
    let elsewhere = Client::new("AKIAALICE", "alice-secret", "eu-west-1");
    assert_eq!(api.call_as(&elsewhere, "GET", TARGET, "").await.status, 200);
    api.stop().await;
}
