//! ListBrokerDetails and ValidateBroker.

use serde_json::{Value, json};

use crate::{
    identities::allowing,
    isolation::OTHER,
    support::{Client, TestApi, activemq, rabbitmq},
};

const TABLE: &str = "/brokerd/v1/brokers";

fn names(page: &Value) -> Vec<&str> {
    let brokers = page["brokers"].as_array().expect("brokers");
    brokers.iter().map(|broker| broker["brokerName"].as_str().expect("a name")).collect()
}

#[tokio::test]
async fn brokers_are_told_as_describe_broker_tells_them() {
    let api = TestApi::start().await;
    let body = rabbitmq("orders", r#", "tags": {"team": "red"}"#);
    let created = api.call("POST", "/v1/brokers", &body).await.json();
    let id = created["brokerId"].as_str().expect("an identifier");
    let described = api.call("GET", &format!("/v1/brokers/{id}"), "").await.json();
    let page = api.call("GET", TABLE, "").await.json();
    assert_eq!((&page["total"], page.get("nextToken")), (&json!(1), None));
    let broker = &page["brokers"][0];
    for member in [
        "brokerId",
        "brokerArn",
        "brokerName",
        "brokerState",
        "engineType",
        "engineVersion",
        "deploymentMode",
        "hostInstanceType",
        "storageType",
        "created",
        "tags",
    ] {
        assert_eq!(broker[member], described[member], "{member}");
        assert!(!broker[member].is_null(), "{member}");
    }
    for absent in ["runningEngineVersion", "messages", "connections"] {
        assert_eq!(broker.get(absent), None, "{absent}");
    }
    // Nobody else's, in no other region.
    api.add_key("AKIAOTHER", "other-secret", OTHER).await;
    for client in [
        Client::new("AKIAOTHER", "other-secret", "us-east-1"),
        Client::new("AKIAALICE", "alice-secret", "eu-central-1"),
    ] {
        let page = api.call_as(&client, "GET", TABLE, "").await.json();
        assert_eq!(page, json!({"brokers": [], "total": 0}));
    }
    let bob = api.user("bob").await;
    assert_eq!(api.call_as(&bob.client, "GET", TABLE, "").await.status, 403);
    api.set_policy(&bob, &allowing([("brokerd:ListBrokerDetails", "*")])).await;
    assert_eq!(api.call_as(&bob.client, "GET", TABLE, "").await.status, 200);
    api.stop().await;
}

#[tokio::test]
async fn pages_are_filtered_and_sorted_and_follow_one_another() {
    let api = TestApi::start().await;
    for n in 0..7 {
        let body = if n % 2 == 0 { rabbitmq } else { activemq }(&format!("broker-{n}"), "");
        assert_eq!(api.call("POST", "/v1/brokers", &body).await.status, 200);
    }
    let get = async |query: &str| api.call("GET", &format!("{TABLE}?{query}"), "").await;
    for (query, expected) in [
        ("engineType=activemq", vec!["broker-1", "broker-3", "broker-5"]),
        ("engineType=ACTIVEMQ&nameContains=R-3", vec!["broker-3"]),
        ("sort=created&order=desc&engineType=ACTIVEMQ", vec!["broker-5", "broker-3", "broker-1"]),
        ("instanceType=mq.z1.none", vec![]),
        ("state=RUNNING", vec![]),
        ("deploymentMode=CLUSTER_MULTI_AZ", vec![]),
    ] {
        let reply = get(query).await;
        if query.contains("mq.z1") {
            assert_eq!(reply.json()["errorAttribute"], json!("instanceType"));
            continue;
        }
        let page = reply.json();
        assert_eq!(names(&page), expected, "{query}");
        assert_eq!(page["total"], json!(expected.len()), "{query}");
    }
    for sort in ["name", "created", "state"] {
        let first =
            get(&format!("sort={sort}&maxResults=5&state=creation_in_progress")).await.json();
        assert_eq!((names(&first).len(), &first["total"]), (5, &json!(7)), "{first}");
        let token =
            first["nextToken"].as_str().expect("more").replace('+', "%2B").replace('=', "%3D");
        let next = get(&format!("sort={sort}&maxResults=5&nextToken={token}")).await.json();
        assert_eq!(names(&next).len(), 2);
        let mut all = [names(&first), names(&next)].concat();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), 7, "{sort}");
        assert_eq!(next.get("nextToken"), None);
    }
    for (query, attribute) in [
        ("sort=size", "sort"),
        ("order=up", "order"),
        ("state=ASLEEP", "state"),
        ("configuration=orders", "configuration"),
        ("engineType=KAFKA", "engineType"),
        ("maxResults=1000", "maxResults"),
        ("nextToken=nonsense", "nextToken"),
        ("nameContains=%00", "nameContains"),
    ] {
        let reply = get(query).await;
        assert_eq!(reply.status, 400, "{query}: {reply:?}");
        assert_eq!(reply.json()["errorAttribute"], json!(attribute), "{query}");
    }
    // Each broker came with a configuration of its own.
    let id = get("nameContains=broker-3").await.json()["brokers"][0]["brokerId"].clone();
    let path = format!("/v1/brokers/{}", id.as_str().expect("an identifier"));
    let described = api.call("GET", &path, "").await.json();
    let configurations = &described["configurations"];
    let reference = configurations.get("current").unwrap_or(&configurations["pending"]);
    let configuration = reference["id"].as_str().expect("a configuration");
    let page = get(&format!("configuration={configuration}")).await.json();
    assert_eq!((names(&page), &page["total"]), (vec!["broker-3"], &json!(1)));
    assert_eq!(
        get("configuration=c-00000000-0000-4000-8000-000000000000").await.json()["total"],
        json!(0)
    );
    // The token of another order.
    let first = get("sort=name&maxResults=5").await.json();
    let token = first["nextToken"].as_str().expect("more").replace('+', "%2B").replace('=', "%3D");
    assert_eq!(get(&format!("sort=created&maxResults=5&nextToken={token}")).await.status, 400);
    api.stop().await;
}

#[tokio::test]
async fn what_create_broker_would_refuse_is_told_at_once_and_nothing_is_made() {
    let api = TestApi::start_refusing().await;
    let check = async |body: &str| {
        let reply = api.call("POST", "/brokerd/v1/brokers/validate", body).await;
        assert_eq!(reply.status, 200, "{reply:?}");
        let errors = reply.json()["errors"].as_array().expect("errors").clone();
        let about = |error: &Value| error["attribute"].as_str().unwrap_or_default().to_owned();
        errors.iter().map(about).collect::<Vec<_>>()
    };
    let fine = activemq("orders", "");
    assert_eq!(check(&fine).await, [""; 0]);
    assert_eq!(check(&fine).await, [""; 0], "nothing was made");
    assert_eq!(api.call("GET", "/v1/brokers", "").await.json()["brokerSummaries"], json!([]));
    assert_eq!(api.call("GET", "/v1/configurations", "").await.json()["configurations"], json!([]));

    let empty = check("{}").await;
    assert_eq!(
        empty,
        [
            "brokerName",
            "engineType",
            "deploymentMode",
            "hostInstanceType",
            "publiclyAccessible",
            "users"
        ]
    );
    let wrong = json!({
        "brokerName": "no good", "engineType": "ACTIVEMQ", "deploymentMode": "SINGLE_INSTANCE",
        "hostInstanceType": "mq.m5.large", "publiclyAccessible": false, "engineVersion": "1.0",
        "configuration": {"id": "c-00000000-0000-4000-8000-000000000000"},
        "securityGroups": ["sg-12345678"],
        "users": [{"username": "alice", "password": "short"}],
    });
    let told = check(&wrong.to_string()).await;
    for attribute in
        ["configuration", "securityGroups", "brokerName", "engineVersion", "users[0].password"]
    {
        assert!(told.iter().any(|told| told == attribute), "{attribute} is missing in {told:?}");
    }
    assert_eq!(check(r#"{"brokerName": 7}"#).await, ["brokerName"]);
    let reply = api.call("POST", "/brokerd/v1/brokers/validate", "nonsense").await;
    assert_eq!(reply.status, 400);

    // The words are those of CreateBroker.
    assert_eq!(api.call("POST", "/v1/brokers", &fine).await.status, 200);
    let refused = api.call("POST", "/v1/brokers", &fine).await;
    let told = api.call("POST", "/brokerd/v1/brokers/validate", &fine).await.json();
    assert_eq!(told["errors"][0]["message"], refused.json()["message"]);
    assert_eq!(told["errors"][0]["attribute"], json!("brokerName"));
    let bob = api.user("bob").await;
    let body = "{}";
    let denied = api.call_as(&bob.client, "POST", "/brokerd/v1/brokers/validate", body).await;
    assert_eq!(denied.status, 403);
    api.stop().await;
}

#[tokio::test]
async fn a_broker_for_which_the_account_has_no_quota_is_a_problem_too() {
    let api = TestApi::start().await;
    api.add_key("AKIAOTHER", "other-secret", OTHER).await;
    let other = Client::new("AKIAOTHER", "other-secret", "us-east-1");
    let limit = r#"{"quotas": {"memoryMib": 1024}}"#;
    let set = api.call("PUT", &format!("/brokerd/v1/accounts/{OTHER}"), limit).await;
    assert_eq!(set.status, 200, "{set:?}");
    let body = rabbitmq("big", "");
    let told = api.call_as(&other, "POST", "/brokerd/v1/brokers/validate", &body).await.json();
    let refused = api.call_as(&other, "POST", "/v1/brokers", &body).await;
    assert_eq!(refused.status, 400, "{refused:?}");
    assert_eq!(told["errors"][0]["message"], refused.json()["message"], "{told}");
    api.stop().await;
}
