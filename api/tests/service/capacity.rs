//! What the host that runs brokers has: the operator is told, every account of its own part.

use std::time::Duration;

use brokerd_domain::{HostCapacity, HostInstanceType, Timestamp, WorkerId};
use serde_json::{Value, json};

use crate::support::{Client, TestApi, Zeros, activemq, rabbitmq};

const TARGET: &str = "/brokerd/v1/capacity";
const GIB: u64 = 1 << 30;

/// Every broker asks for its memory.
async fn reserve(api: &TestApi) {
    let worker = WorkerId::generate(&Zeros);
    let ttl = Duration::from_secs(30);
    for lease in api.store.claim_due(worker, None, ttl, 100).await.expect("claimed") {
        api.store.reserve(&lease, 1, Timestamp::from_micros(0)).await.expect("asked");
    }
}

#[tokio::test]
async fn an_account_is_told_of_its_own_part_and_the_operator_of_the_host() {
    let api = TestApi::start().await;
    assert_eq!(api.unsigned("GET", TARGET).await.status, 403);
    assert_eq!(api.call("GET", TARGET, "").await.status, 503);
    let room =
        HostCapacity { memory_bytes: 2 * GIB, scale: 1.0, wait_limit: Duration::from_secs(900) };
    api.store.report_capacity(&room, Timestamp::from_micros(0)).await.expect("told");
    let body = json!({"name": "red", "accountId": "100000000001", "quotas": {"brokers": 5}});
    let made = api.call("POST", "/brokerd/v1/accounts", &body.to_string()).await;
    assert_eq!(made.status, 200, "{made:?}");
    api.add_key("AKIARED", "red-secret", "100000000001").await;
    let red = Client::new("AKIARED", "red-secret", "us-east-1");
    let nothing = json!({
        "reservedMemoryBytes": 0, "waitingMemoryBytes": 0, "waitingBrokers": 0,
        "brokers": {"used": 0, "quota": 5}, "memoryMib": {"used": 0}, "storageGib": {"used": 0},
        "waitSeconds": 900, "scale": 1.0,
    });
    assert_eq!(api.call_as(&red, "GET", TARGET, "").await.json(), nothing);

    // The operator's broker gets memory; then there is not enough for red's second one.
    api.call("POST", "/v1/brokers", &activemq("operators", "")).await;
    reserve(&api).await;
    let before = api.call_as(&red, "GET", TARGET, "").await.json();
    assert_eq!(before, nothing, "what another account does is not seen");
    for body in [activemq("small", ""), rabbitmq("large", "")] {
        let made = api.call_as(&red, "POST", "/v1/brokers", &body).await;
        assert_eq!(made.status, 200, "{made:?}");
        reserve(&api).await;
    }
    let large = HostInstanceType::from_name("mq.m7g.medium").map(|tier| room.of_instance(tier));
    let large = large.expect("known");
    let own = json!({
        "reservedMemoryBytes": GIB, "waitingMemoryBytes": large, "waitingBrokers": 1,
        "brokers": {"used": 2, "quota": 5}, "memoryMib": {"used": 1024 + 4096}, "storageGib": {"used": 220},
        "waitSeconds": 900, "scale": 1.0,
    });
    assert_eq!(api.call_as(&red, "GET", TARGET, "").await.json(), own);
    let told: Value = api.call("GET", TARGET, "").await.json();
    let host = json!({
        "usableMemoryBytes": 2 * GIB, "reservedMemoryBytes": 2 * GIB, "waitingMemoryBytes": large,
        "waitingBrokers": 1,
    });
    assert_eq!((&told["host"], &told["reservedMemoryBytes"]), (&host, &json!(GIB)));
    api.stop().await;
}
