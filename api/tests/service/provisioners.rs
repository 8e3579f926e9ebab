//! What provisioners do: the operator is told, of all accounts.

use std::time::Duration;

use brokerd_domain::WorkerId;
use serde_json::{Value, json};

use crate::support::{Client, TestApi, Zeros, activemq};

const TARGET: &str = "/brokerd/v1/provisioners";
const TTL: Duration = Duration::from_secs(30);

#[tokio::test]
async fn the_operator_is_told_which_provisioners_live_and_what_they_do() {
    let api = TestApi::start().await;
    assert_eq!(api.unsigned("GET", TARGET).await.status, 403);
    let body = json!({"name": "red", "accountId": "100000000001"}).to_string();
    assert_eq!(api.call("POST", "/brokerd/v1/accounts", &body).await.status, 200);
    api.add_key("AKIARED", "red-secret", "100000000001").await;
    let red = Client::new("AKIARED", "red-secret", "us-east-1");
    let none = json!({
        "provisioners": [], "passes": [],
        "passCounts": {"running": 0, "due": 0, "retrying": 0, "scheduled": 0},
    });
    assert_eq!(api.call("GET", TARGET, "").await.json(), none);

    let worker = WorkerId::generate(&Zeros);
    api.store.heartbeat(worker, TTL).await.expect("it lives");
    let made = api.call_as(&red, "POST", "/v1/brokers", &activemq("orders", "")).await.json();
    let pass = |told: &Value| {
        let passes = told["passes"].as_array().expect("a list");
        assert_eq!(passes.len(), 1, "{told}");
        passes[0].clone()
    };
    let told = api.call("GET", TARGET, "").await.json();
    assert_eq!(told["passCounts"], json!({"running": 0, "due": 1, "retrying": 0, "scheduled": 0}));
    let due = pass(&told);
    assert_eq!(
        due,
        json!({
            "brokerId": made["brokerId"], "brokerName": "orders", "accountId": "100000000001",
            "region": "us-east-1", "state": "DUE", "lane": "NORMAL", "failedAttempts": 0, "due": due["due"],
        })
    );
    let leases = api.store.claim_due(worker, None, TTL, 1).await.expect("claimed");
    assert_eq!(leases.len(), 1);
    let told = api.call("GET", TARGET, "").await.json();
    let runs = pass(&told);
    assert_eq!(
        (&runs["state"], &runs["provisionerId"]),
        (&json!("RUNNING"), &json!(worker.to_string()))
    );
    let seen = &told["provisioners"][0];
    assert_eq!(
        *seen,
        json!({
            "provisionerId": worker.to_string(), "state": "ALIVE", "seen": seen["seen"], "brokers": 1, "runningPasses": 1,
        })
    );

    let refused = api.call_as(&red, "GET", TARGET, "").await.refusal();
    let message = "User: arn:aws:iam::100000000001:root is not authorized to perform: brokerd:DescribeProvisioners on resource: * because only the operator's account may";
    assert_eq!(refused, (403, "AccessDeniedException".to_owned(), message.to_owned()));
    api.stop().await;
}
