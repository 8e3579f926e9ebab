//! Security groups, and brokers that name them.

use serde_json::{Value, json};

use crate::support::{Client, TestApi, activemq, rabbitmq};

const GROUPS: &str = "/brokerd/v1/security-groups";

fn rule(cidr: &str) -> Value {
    json!({"protocol": "tcp", "fromPort": 5671, "toPort": 5671, "cidr": cidr})
}

fn path(id: &str) -> String {
    format!("{GROUPS}/{id}")
}

async fn create(api: &TestApi, group: Value) -> String {
    let reply = api.call("POST", GROUPS, &group.to_string()).await;
    assert_eq!(reply.status, 200, "{reply:?}");
    reply.json()["securityGroupId"].as_str().expect("an identifier").to_owned()
}

#[tokio::test]
async fn a_group_is_created_described_changed_listed_and_deleted() {
    let api = TestApi::start().await;
    let body = json!({"name": "office", "description": "us", "rules": [rule("10.1.2.3/8")]});
    let created = api.call("POST", GROUPS, &body.to_string()).await;
    let group = created.json();
    let id = group["securityGroupId"].as_str().expect("an identifier");
    assert!(id.starts_with("sg-") && id.len() == 20, "{id}");
    let expected = json!({
        "securityGroupId": id, "name": "office", "description": "us",
        "rules": [rule("10.0.0.0/8")], "brokers": [], "created": group["created"],
    });
    assert_eq!(group, expected);
    assert_eq!(api.call("GET", &path(id), "").await.json(), expected);

    let rules = json!({"rules": [rule("fd00::/8"), rule("192.0.2.7/32")]}).to_string();
    let updated = api.call("PUT", &path(id), &rules).await.json();
    assert_eq!(updated["rules"], json!([rule("fd00::/8"), rule("192.0.2.7/32")]));
    assert_eq!(updated["description"], "us", "what is absent stays");
    let other = create(&api, json!({"name": "another"})).await;
    let listed = api.call("GET", GROUPS, "").await.json();
    let ids: Vec<_> = listed["securityGroups"].as_array().expect("a list").iter().collect();
    assert_eq!((ids[0]["securityGroupId"].as_str(), ids[1]), (Some(other.as_str()), &updated));

    let deleted = api.call("DELETE", &path(id), "").await;
    assert_eq!((deleted.status.as_u16(), deleted.text.as_str()), (204, ""));
    assert_eq!(api.call("GET", &path(id), "").await.status, 404);
    api.stop().await;
}

#[tokio::test]
async fn what_is_wrong_with_a_group_is_said() {
    let api = TestApi::start().await;
    create(&api, json!({"name": "taken", "securityGroupId": "sg-taken"})).await;
    let with = |member: &str, value: Value| {
        let mut rule = rule("::/0");
        rule[member] = value;
        json!({"name": "a", "rules": [rule]})
    };
    for (body, status, attribute) in [
        (json!({}), 400, "name"),
        (json!({"name": " "}), 400, "name"),
        (json!({"name": 7}), 400, "name"),
        (json!({"name": "x".repeat(256)}), 400, "name"),
        (json!({"name": "a\u{0}b"}), 400, "name"),
        (json!({"name": "a", "description": "x".repeat(256)}), 400, "description"),
        (json!({"name": "a", "securityGroupId": "group-1"}), 400, "securityGroupId"),
        (json!({"name": "a", "rules": {}}), 400, "rules"),
        (json!({"name": "a", "rules": ["x"]}), 400, "rules[0]"),
        (with("protocol", json!("udp")), 400, "rules[0].protocol"),
        (with("fromPort", json!("5671")), 400, "rules[0].fromPort"),
        (with("toPort", json!(70_000)), 400, "rules[0].toPort"),
        (with("cidr", json!("everywhere")), 400, "rules[0].cidr"),
        (json!({"name": "a", "rules": [rule("::/0"), rule("::/0")]}), 400, "rules"),
        (json!({"name": "taken"}), 409, "name"),
        (json!({"name": "a", "securityGroupId": "sg-taken"}), 409, "securityGroupId"),
    ] {
        let reply = api.call("POST", GROUPS, &body.to_string()).await;
        let refused = (reply.status.as_u16(), reply.json()["errorAttribute"].clone());
        assert_eq!(refused, (status, json!(attribute)), "{body}: {reply:?}");
    }
    let rules = json!({"rules": [rule("x")]}).to_string();
    assert_eq!(api.call("PUT", &path("sg-taken"), &rules).await.status, 400);
    assert_eq!(api.call("PUT", &path("sg-nobody"), &rules).await.status, 404);
    api.stop().await;
}

#[tokio::test]
async fn groups_belong_to_an_account_and_a_region() {
    let api = TestApi::start().await;
    let id = create(&api, json!({"name": "mine"})).await;
    api.add_key("AKIABOB", "bob-secret", "111111111111").await;
    for stranger in [
        Client::new("AKIABOB", "bob-secret", "us-east-1"),
        Client::new("AKIAALICE", "alice-secret", "eu-west-1"),
    ] {
        for (method, body) in [("GET", ""), ("PUT", "{}"), ("DELETE", "")] {
            let reply = api.call_as(&stranger, method, &path(&id), body).await;
            assert_eq!(reply.status, 404, "{method}: {reply:?}");
        }
        let listed = api.call_as(&stranger, "GET", GROUPS, "").await.json();
        assert_eq!(listed, json!({"securityGroups": []}));
        let twin = json!({"name": "mine", "securityGroupId": id}).to_string();
        assert_eq!(api.call_as(&stranger, "POST", GROUPS, &twin).await.status, 200);
    }
    assert_eq!(api.unsigned("GET", GROUPS).await.status, 403);
    assert_eq!(api.call("GET", &path(&id), "").await.status, 200);
    api.stop().await;
}

#[tokio::test]
async fn a_group_in_use_stays_until_the_last_broker_lets_go_of_it() {
    let api = TestApi::start().await;
    let id = create(&api, json!({"name": "office"})).await;
    let named = activemq("one", &format!(r#", "securityGroups": ["{id}", "sg-label"]"#));
    let broker = api.call("POST", "/v1/brokers", &named).await.json()["brokerId"].clone();
    let broker = broker.as_str().expect("an identifier");
    api.converge(broker).await;
    assert_eq!(api.describe(broker).await["securityGroups"], json!([id, "sg-label"]));
    let naming = json!([{"brokerId": broker, "brokerName": "one"}]);
    assert_eq!(api.call("GET", &path(&id), "").await.json()["brokers"], naming);
    let listed = api.call("GET", GROUPS, "").await.json();
    assert_eq!(listed["securityGroups"][0]["brokers"], naming);
    let (status, code, message) = api.call("DELETE", &path(&id), "").await.refusal();
    assert_eq!((status, code.as_str()), (409, "ConflictException"));
    assert!(message.contains(&id), "{message}");
    let target = format!("/v1/brokers/{broker}");
    let update = api.call("PUT", &target, r#"{"securityGroups": ["sg-label"]}"#).await;
    assert_eq!(update.json()["securityGroups"], json!(["sg-label"]));
    assert_eq!(api.call("DELETE", &path(&id), "").await.status, 204);
    api.stop().await;
}

#[tokio::test]
async fn an_operator_may_insist_on_groups_that_are_defined() {
    let api = TestApi::start_refusing().await;
    let id = create(&api, json!({"name": "office"})).await;
    let with = |name: &str, group: &str| {
        activemq(name, &format!(r#", "securityGroups": ["{id}", "{group}"]"#))
    };
    let (status, code, message) =
        api.call("POST", "/v1/brokers", &with("one", "sg-nobody")).await.refusal();
    assert_eq!((status, code.as_str()), (400, "BadRequestException"));
    assert_eq!(message, "Security group ID [sg-nobody] can't be found. Make sure it exists.");
    // The default group is what everybody gets who names none.
    let broker = api.running_activemq("one").await;
    let default = api.describe(&broker).await["securityGroups"][0].clone();
    let default = default.as_str().expect("an identifier");
    assert_eq!(api.call("POST", "/v1/brokers", &with("two", default)).await.status, 200);
    // Public RabbitMQ brokers have none.
    let public = rabbitmq("three", "")
        .replace(r#""publiclyAccessible": false"#, r#""publiclyAccessible": true"#);
    assert_eq!(api.call("POST", "/v1/brokers", &public).await.status, 200);
    let target = format!("/v1/brokers/{broker}");
    let update = async |group: &str| {
        api.call("PUT", &target, &json!({"securityGroups": [group]}).to_string()).await
    };
    assert_eq!(update("sg-nobody").await.status, 400);
    assert_eq!(api.describe(&broker).await["securityGroups"], json!([default]));
    assert_eq!(update(&id).await.status, 200);
    api.stop().await;
}
