//! Brokers, from CreateBroker to DeleteBroker, as a client sees them.

use crate::support::{Client, TestApi, activemq, rabbitmq};
use serde_json::{Value, json};

impl TestApi {
    async fn state(&self, id: &str) -> String {
        let reply = self.call("GET", &format!("/v1/brokers/{id}"), "").await;
        reply.json()["brokerState"].as_str().unwrap_or_default().to_owned()
    }
}

#[tokio::test]
async fn a_broker_lives_from_create_to_delete() {
    let api = TestApi::start().await;
    let id = api.create("orders").await;
    let path = format!("/v1/brokers/{id}");

    let reply = api.call("GET", &path, "").await;
    assert_eq!(reply.header("cache-control"), "no-cache; no-store, must-revalidate, private");
    assert_eq!(reply.header("access-control-allow-origin"), "*");
    let shown = reply.json();
    assert_eq!(shown["brokerState"], "CREATION_IN_PROGRESS");
    assert_eq!(shown["brokerInstances"], json!([]));
    assert_eq!(shown["configurations"]["history"], json!([]));
    assert_eq!(shown["users"], json!([]));
    assert_eq!(shown["engineType"], "RabbitMQ");
    assert_eq!(shown["engineVersion"], "4.3");
    assert_eq!(shown["brokerArn"], format!("arn:aws:mq:us-east-1:000000000000:broker:orders:{id}"));

    let (status, code, _) = api.call("POST", &format!("{path}/reboot"), "").await.refusal();
    assert_eq!((status, code.as_str()), (400, "BadRequestException"));

    api.converge(&id).await;
    assert_eq!(api.state(&id).await, "RUNNING");
    let configurations = api.call("GET", &path, "").await.json()["configurations"].clone();
    assert_eq!(configurations["current"]["revision"], 1);
    assert!(configurations.get("pending").is_none());

    let reply = api.call("POST", &format!("{path}/reboot"), "").await;
    assert_eq!((reply.status.as_u16(), reply.text.as_str()), (200, "{}"));
    assert_eq!(api.state(&id).await, "REBOOT_IN_PROGRESS");
    assert_eq!(api.call("POST", &format!("{path}/reboot"), "").await.status, 400);
    api.converge(&id).await;
    assert_eq!(api.state(&id).await, "RUNNING");

    for _ in 0..2 {
        let reply = api.call("DELETE", &path, "").await;
        assert_eq!((reply.status.as_u16(), reply.json()), (200, json!({"brokerId": id})));
        assert_eq!(api.state(&id).await, "DELETION_IN_PROGRESS");
    }
    let listed = api.call("GET", "/v1/brokers", "").await.json();
    assert_eq!(listed["brokerSummaries"][0]["brokerState"], "DELETION_IN_PROGRESS");

    api.stop().await;
}

fn pair(more: &str) -> String {
    activemq("pair", more).replace("SINGLE_INSTANCE", "ACTIVE_STANDBY_MULTI_AZ")
}

#[tokio::test]
async fn a_pair_is_created_in_two_subnets_on_shared_storage() {
    let api = TestApi::start().await;
    for (more, attribute) in [
        (r#", "subnetIds": ["subnet-1"]"#, "subnetIds"),
        (r#", "subnetIds": ["subnet-1", "subnet-1"]"#, "subnetIds"),
        (r#", "subnetIds": ["subnet-1", "subnet-2", "subnet-3"]"#, "subnetIds"),
        (r#", "storageType": "EBS", "hostInstanceType": "mq.m5.large""#, "deploymentMode"),
    ] {
        let body = pair(more);
        // No member is given twice.
        let body = match more.contains("mq.m5.large") {
            true => body.replacen(r#""hostInstanceType": "mq.t3.micro", "#, "", 1),
            false => body,
        };
        let reply = api.call("POST", "/v1/brokers", &body).await;
        assert_eq!(reply.status, 400, "{more}: {}", reply.text);
        assert_eq!(reply.json()["errorAttribute"], attribute, "{}", reply.text);
    }
    let reply = api
        .call(
            "POST",
            "/v1/brokers",
            &rabbitmq("pair", "").replace("SINGLE_INSTANCE", "ACTIVE_STANDBY_MULTI_AZ"),
        )
        .await;
    assert_eq!(reply.json()["errorAttribute"], "deploymentMode", "{}", reply.text);

    let given = pair(r#", "subnetIds": ["subnet-1", "subnet-2"]"#);
    for (body, name) in [(pair(""), "pair"), (given.replace(r#""pair""#, r#""given""#), "given")] {
        let reply = api.call("POST", "/v1/brokers", &body).await;
        assert_eq!(reply.status, 200, "{}", reply.text);
        let id = reply.json()["brokerId"].as_str().expect("an id").to_owned();
        let shown = api.describe(&id).await;
        assert_eq!(shown["brokerName"], name);
        assert_eq!(shown["deploymentMode"], "ACTIVE_STANDBY_MULTI_AZ");
        assert_eq!(shown["storageType"], "efs");
        assert_eq!(shown["subnetIds"].as_array().map(Vec::len), Some(2));
    }
    api.stop().await;
}

#[tokio::test]
async fn a_cluster_of_rabbitmq_is_created_in_every_subnet_or_in_those_that_were_named() {
    let api = TestApi::start().await;
    let cluster = |name: &str, more: &str| {
        rabbitmq(name, more).replace("SINGLE_INSTANCE", "CLUSTER_MULTI_AZ")
    };
    for (name, more, subnets) in [
        ("everywhere", "", 3),
        ("somewhere", r#", "subnetIds": ["subnet-1", "subnet-2"]"#, 2),
        ("roomy", r#", "storageSize": 15"#, 3),
    ] {
        let reply = api.call("POST", "/v1/brokers", &cluster(name, more)).await;
        assert_eq!(reply.status, 200, "{}", reply.text);
        let id = reply.json()["brokerId"].as_str().expect("an id").to_owned();
        let shown = api.describe(&id).await;
        assert_eq!(shown["deploymentMode"], "CLUSTER_MULTI_AZ");
        assert_eq!(shown["subnetIds"].as_array().map(Vec::len), Some(subnets), "{shown}");
    }
    let options = "/v1/broker-instance-options?engineType=RABBITMQ";
    let options = api.call("GET", options, "").await.json();
    let options = options["brokerInstanceOptions"].as_array().expect("a list").clone();
    assert!(!options.is_empty());
    for option in options {
        let modes = json!(["SINGLE_INSTANCE", "CLUSTER_MULTI_AZ"]);
        assert_eq!(option["supportedDeploymentModes"], modes, "{option}");
    }

    for (wrong, attribute) in [
        (cluster("twice", r#", "subnetIds": ["subnet-1", "subnet-1"]"#), "subnetIds"),
        (cluster("huge", r#", "storageSize": 30"#), "storageSize"),
        (activemq("wrong", "").replace("SINGLE_INSTANCE", "CLUSTER_MULTI_AZ"), "deploymentMode"),
        (
            rabbitmq("wrong", "").replace("SINGLE_INSTANCE", "ACTIVE_STANDBY_MULTI_AZ"),
            "deploymentMode",
        ),
    ] {
        let reply = api.call("POST", "/v1/brokers", &wrong).await;
        assert_eq!(reply.status, 400, "{}", reply.text);
        assert_eq!(reply.json()["errorAttribute"], attribute, "{}", reply.text);
    }
    api.stop().await;
}

#[tokio::test]
async fn what_does_not_exist_or_is_somebody_elses_is_not_found() {
    let api = TestApi::start().await;
    let id = api.create("orders").await;
    api.add_key("AKIABOB", "bob-secret", "111111111111").await;
    let bob = Client::new("AKIABOB", "bob-secret", "us-east-1");
    let elsewhere = Client::new("AKIAALICE", "alice-secret", "eu-west-1");
    let missing = "b-1234a5b6-78cd-401e-af00-314506001789";
    for (client, id) in [
        (&bob, id.as_str()),
        (&elsewhere, &id),
        (&api.alice, missing),
        (&api.alice, "orders"),
        (&api.alice, "a%20b"),
    ] {
        for (method, path) in [
            ("GET", format!("/v1/brokers/{id}")),
            ("DELETE", format!("/v1/brokers/{id}")),
            ("POST", format!("/v1/brokers/{id}/reboot")),
            ("GET", format!("/brokerd/v1/brokers/{id}")),
            ("GET", format!("/brokerd/v1/brokers/{id}/events")),
        ] {
            let reply = api.call_as(client, method, &path, "").await;
            let shown = id.replace("%20", " ");
            assert_eq!(
                (reply.status.as_u16(), reply.header("x-amzn-errortype"), reply.json()),
                (
                    404,
                    "NotFoundException",
                    json!({
                        "errorAttribute": "broker-id",
                        "message": format!("Cannot find broker ID [{shown}]. Verify that your broker exists or check broker permissions."),
                    })
                ),
                "{method} {path}"
            );
        }
    }
    let nothing = api.call_as(&bob, "GET", "/v1/brokers", "").await.json();
    assert_eq!(nothing, json!({"brokerSummaries": []}));
    // Names are unique per account and region, not beyond.
    for client in [&bob, &elsewhere] {
        let reply = api.call_as(client, "POST", "/v1/brokers", &rabbitmq("orders", "")).await;
        assert_eq!(reply.status, 200, "{reply:?}");
    }
    api.stop().await;
}

#[tokio::test]
async fn a_token_makes_create_broker_repeatable() {
    let api = TestApi::start().await;
    let create =
        async |more: &str| api.call("POST", "/v1/brokers", &rabbitmq("orders", more)).await;
    let first = create(r#", "creatorRequestId": "t1""#).await;
    assert_eq!(first.status, 200, "{first:?}");
    let again = create(
        r#", "creatorRequestId": "t1", "tags": {"k": "v"}, "authenticationStrategy": "SIMPLE""#,
    )
    .await;
    assert_eq!(again.json(), first.json());
    for more in [
        "",
        r#", "creatorRequestId": """#,
        r#", "creatorRequestId": null"#,
        r#", "creatorRequestId": "t2""#,
    ] {
        let reply = create(more).await;
        assert_eq!(
            (reply.status.as_u16(), reply.header("x-amzn-errortype")),
            (409, "ConflictException")
        );
        assert_eq!(
            reply.json(),
            json!({"errorAttribute": "brokerName", "message": "Broker named [orders] already exists. Specify a unique broker name."})
        );
    }
    let other_size = rabbitmq("orders", r#", "creatorRequestId": "t1""#).replace("medium", "large");
    assert_eq!(api.call("POST", "/v1/brokers", &other_size).await.status, 409);
    api.stop().await;
}

#[tokio::test]
async fn one_broker_is_made_however_many_calls_with_one_token_come_at_once() {
    let api = TestApi::start().await;
    let body = rabbitmq("orders", r#", "creatorRequestId": "t1""#);
    let calls = (0..16).map(|_| api.call("POST", "/v1/brokers", &body));
    let replies = futures_util::future::join_all(calls).await;
    for reply in &replies {
        assert_eq!((reply.status.as_u16(), &reply.text), (200, &replies[0].text), "{reply:?}");
    }
    api.stop().await;
}

#[tokio::test]
async fn create_broker_names_the_member_at_fault() {
    let api = TestApi::start().await;
    for (body, attribute, message) in [
        ("", None, "Request body is not a valid JSON object."),
        ("{}", Some("brokerName"), "[brokerName] is required."),
        (
            &rabbitmq("a.b", ""),
            Some("brokerName"),
            "Make sure your Broker name only contains valid characters.",
        ),
        (
            &rabbitmq("orders", r#", "publiclyAccessibel": 1, "storageSize": "big""#),
            Some("storageSize"),
            "Value for [storageSize] is invalid. Expected an integer.",
        ),
        (
            &rabbitmq("orders", r#", "logs": {"audit": false}"#),
            Some("logs.audit"),
            "Audit logging is not supported for RabbitMQ brokers.",
        ),
        (
            &rabbitmq("orders", r#", "engineVersion": "4.3.1""#),
            Some("engineVersion"),
            "Broker engine version [4.3.1] is invalid for broker engine type [RABBITMQ]. Valid values: [4.3].",
        ),
        (
            &rabbitmq(
                "orders",
                r#", "configuration": {"id": "c-1234a5b6-78cd-401e-af00-314506001789"}"#,
            ),
            Some("configuration"),
            "Configuration ID [c-1234a5b6-78cd-401e-af00-314506001789] can't be found. Make sure it exists.",
        ),
        (
            &rabbitmq("orders", "").replace("medium", "micro"),
            Some("hostInstanceType"),
            "Broker engine type [RabbitMQ] does not support host instance type [mq.m7g.micro].",
        ),
        (
            &rabbitmq("orders", "").replace("\"correct-horse-battery\"", "1234567890"),
            Some("users[0].password"),
            "Value for [users[0].password] is invalid. Expected a string.",
        ),
    ] {
        let reply = api.call("POST", "/v1/brokers", body).await;
        assert_eq!(
            (reply.status.as_u16(), reply.header("x-amzn-errortype")),
            (400, "BadRequestException"),
            "{body}"
        );
        assert_eq!(reply.json()["errorAttribute"].as_str(), attribute, "{body}");
        assert_eq!(reply.json()["message"], message, "{body}");
    }
    api.stop().await;
}

#[tokio::test]
async fn brokers_are_listed_in_pages_without_gaps() {
    let api = TestApi::start().await;
    let mut created = Vec::new();
    for n in 0..11 {
        created.push(api.create(&format!("broker-{n}")).await);
    }
    let (mut seen, mut target) = (Vec::new(), "/v1/brokers?maxResults=5".to_owned());
    let mut pages = 0;
    loop {
        let page = api.call("GET", &target, "").await.json();
        pages += 1;
        let ids = page["brokerSummaries"].as_array().expect("a list").iter();
        seen.extend(ids.map(|b| b["brokerId"].as_str().expect("text").to_owned()));
        assert!(page.get("maxResults").is_none());
        let Some(token) = page["nextToken"].as_str() else { break };
        let token = token.replace('+', "%2B").replace('/', "%2F").replace('=', "%3D");
        target = format!("/v1/brokers?maxResults=5&nextToken={token}");
    }
    assert_eq!((seen, pages), (created, 3));
    for (query, attribute, message) in [
        (
            "maxResults=4",
            "maxResults",
            "Invalid max results value [4]. Specify an integer between [5] and [100].",
        ),
        (
            "nextToken=invalid",
            "nextToken",
            "Invalid next token [invalid]. Make sure you copied the token correctly.",
        ),
    ] {
        let reply = api.call("GET", &format!("/v1/brokers?{query}"), "").await;
        assert_eq!(reply.status, 400);
        assert_eq!(reply.json(), json!({"errorAttribute": attribute, "message": message}));
    }
    let first = api.call("GET", "/v1/brokers?nextToken=", "").await.json();
    assert_eq!(first["brokerSummaries"].as_array().map(Vec::len), Some(11));
    api.stop().await;
}

#[tokio::test]
async fn events_are_told_newest_first() {
    let api = TestApi::start().await;
    let id = api.create("orders").await;
    api.converge(&id).await;
    let reply = api.call("GET", &format!("/brokerd/v1/brokers/{id}/events"), "").await;
    let events = reply.json()["events"].as_array().expect("a list").clone();
    assert!(events.len() >= 2, "{events:?}");
    assert_eq!((&events[0]["kind"], &events[0]["message"]), (&json!("verdict"), &json!("runs")));
    assert_eq!(events.last().expect("one")["kind"], "request");
    assert_eq!(reply.json().get("nextToken"), None);
    api.stop().await;
}

#[tokio::test]
async fn older_events_are_on_the_next_page() {
    let api = TestApi::start().await;
    let made = api.call("POST", "/v1/brokers", &activemq("orders", "")).await.json();
    let id = made["brokerId"].as_str().expect("an identifier");
    api.converge(id).await;
    for at in 0..6 {
        let path = format!("/v1/brokers/{id}/users/user-{at}");
        let made = api.call("POST", &path, r#"{"password": "correct-horse-battery"}"#).await;
        assert_eq!(made.status, 200, "{made:?}");
    }
    let path = format!("/brokerd/v1/brokers/{id}/events?maxResults=5");
    let first = api.call("GET", &path, "").await.json();
    let token = first["nextToken"].as_str().expect("more").replace('+', "%2B").replace('=', "%3D");
    let next = api.call("GET", &format!("{path}&nextToken={token}"), "").await.json();
    let told = |page: &Value| {
        let events = page["events"].as_array().expect("events").clone();
        events.iter().map(|event| event["message"].to_string()).collect::<Vec<_>>()
    };
    let all = [told(&first), told(&next)].concat();
    assert!(all.len() >= 8 && next.get("nextToken").is_none(), "{all:?}");
    assert!(all[0].contains("user-5") && all[5].contains("user-0"), "{all:?}");
    assert!(all.last().expect("one").contains("CreateBroker accepted"), "{all:?}");
    let reply = api.call("GET", &format!("{path}&nextToken=nonsense"), "").await;
    assert_eq!(reply.status, 400);
    assert_eq!(reply.json()["errorAttribute"], "nextToken");
    api.stop().await;
}
