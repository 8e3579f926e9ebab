//! What the host that runs brokers has.

use std::time::Duration;

use brokerd_domain::{HostCapacity, Timestamp};
use serde_json::json;

use crate::support::TestApi;

#[tokio::test]
async fn the_memory_of_the_host_is_told_once_a_provisioner_has_told_it() {
    let api = TestApi::start().await;
    assert_eq!(api.unsigned("GET", "/brokerd/v1/capacity").await.status, 403);
    assert_eq!(api.call("GET", "/brokerd/v1/capacity", "").await.status, 503);
    let room =
        HostCapacity { memory_bytes: 21 << 30, scale: 0.5, patience: Duration::from_secs(900) };
    api.store.report_capacity(&room, Timestamp::from_micros(0)).await.expect("told");
    let told = api.call("GET", "/brokerd/v1/capacity", "").await.json();
    let expected = json!({
        "usableMemoryBytes": 22_548_578_304_u64,
        "grantedMemoryBytes": 0,
        "awaitedMemoryBytes": 0,
        "waitingBrokers": 0,
        "waitSeconds": 900,
        "scale": 0.5,
    });
    assert_eq!(told, expected);
}
