//! Faults, as a client asks for them.

use serde_json::{Value, json};

use crate::support::{Client, TestApi};

async fn running(api: &TestApi) -> String {
    let id = api.create("orders").await;
    api.converge(&id).await;
    format!("/brokerd/v1/brokers/{id}/faults")
}

async fn created(api: &TestApi, path: &str, body: &Value) -> Value {
    let reply = api.call("POST", path, &body.to_string()).await;
    assert_eq!(reply.status, 201, "{reply:?}");
    reply.json()
}

#[tokio::test]
async fn without_permission_by_the_operator_nothing_is_disturbed() {
    let api = TestApi::start().await;
    let path = running(&api).await;
    let refused = api.call("POST", &path, r#"{"kind": "KILL"}"#).await.refusal();
    let message = "Fault injection is disabled. Set [faults.enabled] to [true] in the configuration of brokerd to enable it.";
    assert_eq!(refused, (403, "ForbiddenException".to_owned(), message.to_owned()));
    let listed = api.call("GET", &path, "").await.json();
    let kinds = ["KILL", "PAUSE", "ISOLATE", "ZONE_OUTAGE", "LATENCY"];
    let instances = json!([{"instance": 1, "zone": "us-east-1a"}]);
    assert_eq!(
        listed,
        json!({"enabled": false, "kinds": kinds, "instances": instances, "faults": []})
    );
    api.stop().await;
}

#[tokio::test]
async fn a_fault_is_created_described_listed_and_healed() {
    let api = TestApi::start_with_faults().await;
    let path = running(&api).await;
    let asked = json!({"kind": "LATENCY", "latencyMilliseconds": 200, "jitterMilliseconds": 50,
        "durationSeconds": 60});
    let fault = created(&api, &path, &asked).await;
    for (member, value) in asked.as_object().expect("members") {
        assert_eq!(&fault[member], value, "{fault}");
    }
    assert_eq!(fault["state"], "PENDING");
    for absent in ["instance", "zone", "endedAt", "reason"] {
        assert!(fault.get(absent).is_none(), "{fault}");
    }
    let id = fault["id"].as_str().expect("an identifier");
    assert!(id.starts_with("f-"), "{id}");
    let (starts, ends) = (fault["startsAt"].as_str(), fault["endsAt"].as_str());
    assert!(starts.expect("begin").ends_with('Z') && starts < ends, "{fault}");

    let one = format!("{path}/{id}");
    assert_eq!(api.call("GET", &one, "").await.json(), fault);
    let second = created(&api, &path, &json!({"kind": "KILL", "instance": 1})).await;
    assert_eq!(second["instance"], 1);
    let listed = api.call("GET", &path, "").await.json();
    assert_eq!(listed["faults"], json!([second, fault]), "newest first");
    assert_eq!(listed["enabled"], true);

    for _ in 0..2 {
        let reply = api.call("DELETE", &one, "").await;
        assert_eq!((reply.status.as_u16(), &reply.json()["state"]), (200, &json!("HEALING")));
    }
    let events = api.call("GET", &path.replace("/faults", "/events"), "").await.json();
    let told: Vec<&str> = events["events"]
        .as_array()
        .expect("events")
        .iter()
        .filter_map(|e| e["message"].as_str())
        .collect();
    assert_eq!(told[0], format!("fault {id}: early end requested"));
    assert!(
        told[2].ends_with("accepted: LATENCY of 200 ms and up to 50 ms more for 60 s"),
        "{told:?}"
    );

    api.end_fault(id, "healed").await;
    let over = api.call("GET", &one, "").await.json();
    assert_eq!((&over["state"], &over["reason"]), (&json!("ENDED"), &json!("healed")), "{over}");
    assert_eq!(api.call("GET", &path, "").await.json()["faults"][1], over);
    api.stop().await;
}

#[tokio::test]
async fn what_can_not_be_done_is_refused_in_the_form_of_the_service() {
    let api = TestApi::start_with_faults().await;
    let path = running(&api).await;
    for (body, attribute, part) in [
        ("{}", "kind", "Fault kind is required."),
        (r#"{"kind": "SABOTAGE"}"#, "kind", "Fault kind [SABOTAGE] is invalid."),
        (r#"{"kind": "FAILOVER"}"#, "kind", "[SINGLE_INSTANCE] has no standby to fail over to."),
        (r#"{"kind": "FILL_DISK", "durationSeconds": 5}"#, "kind", "[runtime.sized_volumes]"),
        (r#"{"kind": "PAUSE"}"#, "durationSeconds", "is required"),
        (r#"{"kind": "PAUSE", "durationSeconds": 4000}"#, "durationSeconds", "[1] and [3600]"),
        (r#"{"kind": "PAUSE", "durationSeconds": "5"}"#, "durationSeconds", "Expected an integer"),
        (r#"{"kind": "KILL", "instance": 2}"#, "instance", "between [1] and [1]"),
        (
            r#"{"kind": "ZONE_OUTAGE", "zone": "us-east-1z", "durationSeconds": 5}"#,
            "zone",
            "Its instances are in [us-east-1",
        ),
    ] {
        let reply = api.call("POST", &path, body).await;
        let (status, code, message) = reply.refusal();
        assert_eq!((status, code.as_str()), (400, "BadRequestException"), "{body}: {message}");
        assert_eq!(reply.json()["errorAttribute"], attribute, "{body}: {message}");
        assert!(message.contains(part), "{body}: {message}");
    }
    let reply = api.call("POST", &path, "[]").await;
    assert_eq!(reply.status, 400, "{reply:?}");
    api.stop().await;
}

#[tokio::test]
async fn disks_are_filled_where_brokers_have_disks_of_their_own() {
    let api = TestApi::start_with_disks().await;
    let path = running(&api).await;
    let body = r#"{"kind": "FILL_DISK", "instance": 1, "durationSeconds": 60}"#;
    let fault = api.call("POST", &path, body).await;
    assert_eq!(fault.status, 201, "{fault:?}");
    assert_eq!(fault.json()["state"], "PENDING");
    let reply = api.call("POST", &path, r#"{"kind": "FILL_DISK"}"#).await;
    assert_eq!(reply.json()["errorAttribute"], "durationSeconds", "{reply:?}");
    api.stop().await;
}

#[tokio::test]
async fn a_broker_that_is_not_there_or_not_running_is_not_disturbed() {
    let api = TestApi::start_with_faults().await;
    let id = api.create("young").await;
    let path = format!("/brokerd/v1/brokers/{id}/faults");
    let kill = r#"{"kind": "KILL"}"#;
    let (status, _, message) = api.call("POST", &path, kill).await.refusal();
    assert!(status == 400 && message.contains("CREATION_IN_PROGRESS"), "{status} {message}");
    api.converge(&id).await;
    let fault = created(&api, &path, &json!({"kind": "KILL"})).await;
    let one = format!("{path}/{}", fault["id"].as_str().expect("an identifier"));

    api.add_key("AKIABOB", "bob-secret", "111111111111").await;
    let bob = Client::new("AKIABOB", "bob-secret", "us-east-1");
    let elsewhere = Client::new("AKIAALICE", "alice-secret", "eu-west-1");
    for client in [&bob, &elsewhere] {
        for (method, target) in [("POST", &path), ("GET", &path), ("GET", &one), ("DELETE", &one)] {
            let reply = api.call_as(client, method, target, kill).await;
            assert_eq!(reply.refusal().0, 404, "{method} {target}: {reply:?}");
        }
    }
    for target in [format!("{path}/f-1"), format!("{path}/f-00000000-0000-4000-8000-000000000000")]
    {
        for method in ["GET", "DELETE"] {
            let reply = api.call(method, &target, "").await;
            assert_eq!(reply.json()["errorAttribute"], "fault-id", "{reply:?}");
            assert_eq!(reply.refusal().1, "NotFoundException");
        }
    }
    let unsigned = api.unsigned("DELETE", &one).await.refusal();
    assert_eq!(unsigned.1, "MissingAuthenticationTokenException");
    assert_eq!(api.call("GET", &one, "").await.json()["state"], "PENDING");
    api.stop().await;
}

#[tokio::test]
async fn the_eleventh_fault_at_a_time_is_one_too_many() {
    let api = TestApi::start_with_faults().await;
    let path = running(&api).await;
    let pause = json!({"kind": "PAUSE", "durationSeconds": 60});
    for _ in 0..10 {
        created(&api, &path, &pause).await;
    }
    let (status, code, message) = api.call("POST", &path, &pause.to_string()).await.refusal();
    assert_eq!((status, code.as_str()), (409, "ConflictException"), "{message}");
    assert!(message.contains("at most [10] faults"), "{message}");
    let listed = api.call("GET", &format!("{path}?maxResults=5"), "").await.json();
    assert_eq!(listed["faults"].as_array().map(Vec::len), Some(5));
    api.stop().await;
}
