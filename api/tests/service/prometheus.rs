//! What Prometheus of the operator reads: all brokers of all accounts, with a token.

use std::time::Duration;

use axum::{
    body::Body,
    http::{HeaderValue, Request, header},
};
use brokerd_domain::{
    Clock as _, EngineType, Next, Protocol, WorkerId,
    metric::{DimensionName, MetricName, SeriesKey, Unit},
};
use brokerd_store::{Allocation, Sample};
use serde_json::json;

use crate::support::{Client, METRICS_TOKEN, Reply, TestApi, Zeros, rabbitmq};

const PAGE: &str = "/brokerd/v1/metrics/brokers";
const TARGETS: &str = "/brokerd/v1/prometheus/targets";

async fn read(api: &TestApi, target: &str, authorization: Option<&str>) -> Reply {
    let mut request = Request::get(target).body(Body::empty()).expect("a request");
    if let Some(authorization) = authorization {
        let value = HeaderValue::from_str(authorization).expect("a header");
        request.headers_mut().insert(header::AUTHORIZATION, value);
    }
    api.send(request).await
}

async fn page(api: &TestApi, target: &str) -> Reply {
    let reply = read(api, target, Some(&format!("Bearer {METRICS_TOKEN}"))).await;
    assert_eq!(reply.status, 200, "{reply:?}");
    reply
}

/// A broker of another account.
async fn theirs(api: &TestApi) -> String {
    api.add_key("AKIABOB", "bob-secret", "100000000001").await;
    let bob = Client::new("AKIABOB", "bob-secret", "us-east-1");
    let reply = api.call_as(&bob, "POST", "/v1/brokers", &rabbitmq("orders", "")).await;
    assert_eq!(reply.status, 200, "{reply:?}");
    reply.json()["brokerId"].as_str().expect("an identifier").to_owned()
}

/// What a provisioner does before it makes a broker.
async fn give_endpoints(api: &TestApi, id: &str) {
    let allocation = Allocation {
        engine: EngineType::RabbitMq,
        instances: 1,
        protocols: [Protocol::of(EngineType::RabbitMq), Protocol::METRICS_PAGES].concat(),
        host: "mq.example".to_owned(),
        ip_address: None,
        ports: 20_001..=20_100,
        names: None,
    };
    let broker = id.parse().expect("an identifier");
    api.store.wake(broker).await.expect("woken");
    let (worker, term) = (WorkerId::generate(&Zeros), Duration::from_secs(30));
    let leases = api.store.claim_due(worker, None, term, 100).await.expect("claimed");
    for lease in leases {
        if lease.broker == broker {
            let given = api.store.allocate_endpoints(&lease, &allocation, &|_| true).await;
            given.expect("allocated");
        }
        api.store.release(&lease, Next::Now, false).await.expect("released");
    }
}

#[tokio::test]
async fn only_who_has_the_operators_token_reads_the_brokers_of_all_accounts() {
    let api = TestApi::start().await;
    let longer = format!("Bearer {METRICS_TOKEN}0");
    for path in [PAGE, TARGETS] {
        let wrong = [None, Some("Bearer x"), Some("Basic YTpi"), Some(longer.as_str())];
        for authorization in wrong {
            let (status, code, _) = read(&api, path, authorization).await.refusal();
            assert_eq!((status, code.as_str()), (401, "UnauthorizedException"), "{path}");
        }
        // The root of the operator's account is somebody else.
        assert_eq!(api.call("GET", path, "").await.status, 401);
        assert_eq!(page(&api, path).await.status, 200);
    }
    let counted = "brokerd_api_authentication_rejections_total{reason=\"token\"} 10";
    assert!(api.metrics().lines().any(|line| line == counted), "{}", api.metrics());
    api.stop().await;
}

#[tokio::test]
async fn brokers_of_all_accounts_are_shown_with_their_last_sample_for_fifteen_seconds() {
    let api = TestApi::start().await;
    let id = api.create("orders").await;
    let theirs = theirs(&api).await;
    api.converge(&id).await;
    let text = page(&api, PAGE).await.text;
    let up = |id: &str, text: &str| {
        let of = format!("broker_id=\"{id}\"");
        let line = text.lines().find(|l| l.starts_with("brokerd_broker_up{") && l.contains(&of));
        line.and_then(|line| line.rsplit(' ').next()).map(str::to_owned)
    };
    assert_eq!(up(&id, &text).as_deref(), Some("1.0"), "{text}");
    assert_eq!(up(&theirs, &text).as_deref(), Some("0.0"), "{text}");
    assert!(text.ends_with("# EOF\n") && !text.contains("message_count"), "{text}");

    let broker = id.parse().expect("an identifier");
    let key = SeriesKey::of(MetricName::MessageCount, &[(DimensionName::Broker, "orders")]);
    let values = vec![(key, Unit::Count, 7.0)];
    let sample = Sample { broker, at: api.clock.now(), values };
    api.store.record_samples(vec![sample]).await.expect("recorded");
    let unchanged = page(&api, PAGE).await;
    assert!(!unchanged.text.contains("message_count"), "it was read fifteen seconds ago");
    assert!(unchanged.header("content-type").starts_with("application/openmetrics-text"));
    api.clock.advance_seconds(16);
    let text = page(&api, PAGE).await.text;
    let line = text.lines().find(|l| l.starts_with("brokerd_broker_message_count{"));
    assert!(line.is_some_and(|l| l.contains(&id) && l.ends_with("\"} 7.0")), "{text}");
    // What does not answer leaves a gap.
    api.clock.advance_seconds(300);
    assert!(!page(&api, PAGE).await.text.contains("message_count"));
    let of_one = page(&api, &format!("{PAGE}?match={id}")).await.text;
    assert!(of_one.contains(&id) && !of_one.contains(&theirs), "{of_one}");
    let of_both = page(&api, &format!("{PAGE}?match=orders")).await.text;
    assert!(of_both.contains(&id) && of_both.contains(&theirs), "{of_both}");
    api.stop().await;
}

#[tokio::test]
async fn targets_are_the_pages_of_the_nodes_of_brokers_that_serve() {
    let api = TestApi::start().await;
    assert_eq!(page(&api, TARGETS).await.json(), json!([]));
    let id = api.create("orders").await;
    api.running_activemq("events").await;
    api.converge(&id).await;
    give_endpoints(&api, &id).await;
    api.clock.advance_seconds(16);
    let targets = page(&api, TARGETS).await.json();
    let groups = targets.as_array().expect("a list");
    assert_eq!(groups.len(), 1, "a single instance has one node: {targets}");
    let group = &groups[0];
    assert_eq!(group["targets"], json!(["mq.example:20003"]), "{group}");
    for (label, value) in [
        ("__scheme__", "https"),
        ("__metrics_path__", "/metrics"),
        ("__meta_brokerd_broker", "orders"),
        ("__meta_brokerd_broker_id", &id),
        ("__meta_brokerd_account", "000000000000"),
        ("__meta_brokerd_node", "1"),
    ] {
        assert_eq!(group["labels"][label], value, "{group}");
    }
    assert_eq!(page(&api, &format!("{TARGETS}?match=events")).await.json(), json!([]));
    api.stop().await;
}
