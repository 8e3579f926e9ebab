//! The events of calls, as they are written and as LookupEvents tells them.

use axum::http::HeaderValue;
use brokerd_domain::audit::RequestParameters;
use serde_json::{Value, json};

use crate::{
    query::{STS, Who, allow, session, trust},
    support::{Client, TestApi, activemq, rabbitmq},
};

/// What no event may have in it.
const SECRET: &str = "Lantern-Harbour-7";

fn configuration(name: &str) -> String {
    json!({"name": name, "engineType": "ACTIVEMQ", "engineVersion": "5.19"}).to_string()
}

#[tokio::test]
async fn the_event_of_a_write_is_there_when_it_is_answered_and_is_completed_by_its_answer() {
    let api = TestApi::start().await;
    let mut request =
        api.signed(&api.alice, "POST", "/v1/configurations", configuration("mine").as_bytes());
    request.headers_mut().insert("user-agent", HeaderValue::from_static("a test"));
    let peer: std::net::SocketAddr = "[::ffff:192.0.2.7]:1234".parse().expect("an address");
    request.extensions_mut().insert(axum::extract::ConnectInfo(peer));
    let reply = api.send(request).await;
    assert_eq!(reply.status, 200, "{reply:?}");
    let records = api.records_now().await;
    let [open] = &records[..] else { panic!("{records:?}") };
    assert_eq!(open["additionalEventData"], json!({"answered": false}));
    assert_eq!(open["responseElements"], Value::Null);

    let records = api.records().await;
    let [record] = &records[..] else { panic!("{records:?}") };
    let created = reply.json();
    let mut expected = open.clone();
    let members = expected.as_object_mut().expect("an object");
    members.remove("additionalEventData");
    members.insert("responseElements".to_owned(), created.clone());
    let arn = created["arn"].clone();
    let resource =
        json!({"accountId": "000000000000", "type": "AWS::AmazonMQ::Configuration", "ARN": arn});
    members.insert("resources".to_owned(), json!([resource]));
    assert_eq!(*record, expected);
    for (member, value) in [
        ("eventSource", json!("amazonmq.amazonaws.com")),
        ("eventName", json!("CreateConfiguration")),
        ("awsRegion", json!("us-east-1")),
        ("sourceIPAddress", json!("192.0.2.7")),
        ("userAgent", json!("a test")),
        ("requestID", json!(reply.header("x-amzn-requestid"))),
        ("readOnly", json!(false)),
        ("recipientAccountId", json!("000000000000")),
        (
            "requestParameters",
            json!({"name": "mine", "engineType": "ACTIVEMQ", "engineVersion": "5.19"}),
        ),
        (
            "userIdentity",
            json!({
                "type": "Root", "principalId": "000000000000",
                "arn": "arn:aws:iam::000000000000:root", "accountId": "000000000000",
                "accessKeyId": "AKIAALICE"
            }),
        ),
    ] {
        assert_eq!(record[member], value, "{member}");
    }
    api.stop().await;
}

#[tokio::test]
async fn reads_and_refusals_are_recorded_later_and_requests_of_nobody_never() {
    let api = TestApi::start().await;
    let id = api.create("orders").await;
    assert_eq!(api.call("GET", &format!("/v1/brokers/{id}"), "").await.status, 200);
    assert_eq!(api.call("DELETE", "/v1/brokers/b-none", "").await.status, 404);
    assert_eq!(api.call("POST", "/v1/brokers", "not JSON").await.status, 400);
    assert_eq!(api.records_now().await.len(), 1, "what has changed nothing is not there yet");

    let stranger = Client::new("AKIAALICE", "another secret", "us-east-1");
    assert_eq!(api.call_as(&stranger, "GET", "/v1/brokers", "").await.status, 403);
    assert_eq!(api.unsigned("GET", "/v1/brokers").await.status, 403);
    assert_eq!(api.unsigned("GET", "/health/live").await.status, 200);
    assert_eq!(api.call("GET", "/v1/nowhere", "").await.status, 404);
    let records = api.records().await;
    let told: Vec<_> = records
        .iter()
        .map(|record| {
            let text = |name: &str| record[name].as_str().unwrap_or_default().to_owned();
            (text("eventName"), text("errorCode"), record["readOnly"] == true)
        })
        .collect();
    let told: Vec<_> = told.iter().map(|(n, c, r)| (n.as_str(), c.as_str(), *r)).collect();
    assert_eq!(
        told,
        [
            ("CreateBroker", "", false),
            ("DescribeBroker", "", true),
            ("DeleteBroker", "NotFoundException", false),
            ("CreateBroker", "BadRequestException", false),
        ]
    );
    assert_eq!(records[1]["requestParameters"], json!({"broker-id": id}));
    assert_eq!(
        records[2]["errorMessage"],
        "Cannot find broker ID [b-none]. Verify that your broker exists or check broker permissions."
    );
    api.stop().await;
}

#[tokio::test]
async fn secrets_are_in_no_event() {
    let api = TestApi::start().await;
    let user = json!({"username": "mallory", "password": SECRET, "consoleAccess": true});
    let broker = json!({
        "brokerName": "masked", "engineType": "ActiveMQ", "hostInstanceType": "mq.t3.micro",
        "deploymentMode": "SINGLE_INSTANCE", "publiclyAccessible": false, "users": [user]
    });
    let reply = api.call("POST", "/v1/brokers", &broker.to_string()).await;
    assert_eq!(reply.status, 200, "{reply:?}");
    let id = reply.json()["brokerId"].as_str().expect("an identifier").to_owned();
    api.converge(&id).await;
    let users = format!("/v1/brokers/{id}/users");
    let body = json!({ "password": SECRET }).to_string();
    assert_eq!(api.call("POST", &format!("{users}/eve"), &body).await.status, 200);
    assert_eq!(api.call("PUT", &format!("{users}/mallory"), &body).await.status, 200);
    let body = json!({ "secretString": SECRET }).to_string();
    assert_eq!(api.call("PUT", "/brokerd/v1/secrets/a", &body).await.status, 200);
    let made = api.call("POST", "/v1/configurations", &configuration("mine")).await;
    let made = made.json()["id"].as_str().expect("an identifier").to_owned();
    let data =
        format!("<!-- {SECRET} --><broker xmlns=\"http://activemq.apache.org/schema/core\"/>");
    let data = base64(data.as_bytes());
    let body = json!({ "data": data }).to_string();
    let reply = api.call("PUT", &format!("/v1/configurations/{made}"), &body).await;
    assert_eq!(reply.status, 200, "{reply:?}");
    let records = api.records().await;
    assert_eq!(records.len(), 6, "{records:?}");
    let text = json!(records).to_string();
    assert!(!text.contains(SECRET) && !text.contains(&data), "{text}");
    assert_eq!(records[0]["requestParameters"]["users"][0]["password"], "***");
    assert_eq!(records[3]["requestParameters"], json!({"secret-name": "a", "secretString": "***"}));
    assert_eq!(records[5]["requestParameters"]["data"], "***");
    api.stop().await;
}

fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let padded = [chunk[0], *chunk.get(1).unwrap_or(&0), *chunk.get(2).unwrap_or(&0)];
        let bits = u32::from_be_bytes([0, padded[0], padded[1], padded[2]]);
        for place in 0..4 {
            let letter = LETTERS[(bits >> (18 - 6 * place) & 63) as usize];
            text.push(if place > chunk.len() { '=' } else { char::from(letter) });
        }
    }
    text
}

fn document() -> Value {
    let golden = concat!(env!("CARGO_MANIFEST_DIR"), "/../openapi/mq.json");
    let text = std::fs::read_to_string(golden).expect("the document");
    serde_json::from_str(&text).expect("JSON")
}

#[test]
fn every_member_that_the_document_calls_a_password_is_masked() {
    let mut members = 0;
    let document = document();
    for schema in document["components"]["schemas"].as_object().expect("schemas").values() {
        for (name, member) in schema["properties"].as_object().into_iter().flatten() {
            if member["format"] == "password" {
                members += 1;
                let mut parameters = RequestParameters::default();
                parameters.add_body(json!({ name: "hush" }).to_string().as_bytes());
                assert_eq!(parameters.into_element(), Some(json!({ name: "***" })), "{name}");
            }
        }
    }
    assert!(members >= 3, "{members}");
}

/// Calls each operation without anything that it needs: some are answered, most are refused, all are events.
#[tokio::test]
async fn every_operation_is_an_event_by_its_name() {
    let api = TestApi::start().await;
    let mut expected = Vec::new();
    for (path, operations) in document()["paths"].as_object().expect("paths") {
        for (method, operation) in operations.as_object().expect("operations") {
            let ways = operation["security"].as_array().expect("security");
            // Nor is who brings the operator's token a principal.
            let is_signed = |way: &Value| way != &json!({}) && way.get("bearer").is_none();
            if !ways.iter().all(is_signed) {
                continue;
            }
            let path: String = path
                .split('/')
                .map(|part| if part.starts_with('{') { "none" } else { part })
                .collect::<Vec<_>>()
                .join("/");
            let body = if ["post", "put"].contains(&method.as_str()) { "{}" } else { "" };
            let reply = api.call(&method.to_uppercase(), &path, body).await;
            assert!(reply.status != 500, "{method} {path}: {reply:?}");
            let source = if path.starts_with("/v1/") { "amazonmq" } else { "brokerd" };
            let name = operation["operationId"].as_str().expect("a name").to_owned();
            // What is asked with a body is no change for that alone.
            let reads =
                method == "get" || ["BrowseDestination", "ValidateBroker"].contains(&&*name);
            expected.push((name, format!("{source}.amazonaws.com"), reads));
        }
    }
    assert!(expected.len() > 40, "{}", expected.len());
    let mut told: Vec<_> = api
        .records()
        .await
        .iter()
        .map(|record| {
            let text = |name: &str| record[name].as_str().expect("a text").to_owned();
            (text("eventName"), text("eventSource"), record["readOnly"] == true)
        })
        .collect();
    expected.sort();
    told.sort();
    assert_eq!(told, expected);
    api.stop().await;
}

#[tokio::test]
async fn a_call_that_its_client_gives_up_is_recorded_without_an_answer() {
    let api = TestApi::start().await;
    // From now on the key is remembered, and a request is authentic before anything is waited for.
    assert_eq!(api.call("GET", "/v1/brokers", "").await.status, 200);
    let mut holder = api.connection().await;
    let held = sqlx::raw_sql("begin; lock table configuration").execute(&mut holder).await;
    held.expect("locked");
    let mut call = Box::pin(api.call("GET", "/v1/configurations", ""));
    assert!(futures_util::poll!(&mut call).is_pending(), "it waits for the database");
    drop(call);
    sqlx::raw_sql("rollback").execute(&mut holder).await.expect("released");
    let records = api.records().await;
    assert_eq!(records.len(), 2, "{records:?}");
    assert_eq!(records[1]["eventName"], "ListConfigurations");
    assert_eq!(records[1]["additionalEventData"], json!({"answered": false}));
    api.stop().await;
}

#[tokio::test]
async fn throttled_and_suspended_callers_leave_events_too() {
    let api = TestApi::start_throttled(1, 1).await;
    assert_eq!(api.call("GET", "/v1/brokers", "").await.status, 200);
    assert_eq!(api.call("GET", "/v1/brokers", "").await.status, 429);
    let records = api.records().await;
    assert_eq!(records[1]["errorCode"], "TooManyRequestsException");
    assert_eq!(records[1]["errorMessage"], "Too Many Requests");
    sqlx::query("update account set state = 'SUSPENDED' where id = '000000000000'")
        .execute(&mut api.connection().await)
        .await
        .expect("suspended");
    api.clock.advance_seconds(61);
    assert_eq!(api.call("GET", "/v1/brokers", "").await.status, 403);
    let records = api.records().await;
    assert_eq!(records[2]["errorCode"], "AccessDeniedException");
    api.stop().await;
}

#[tokio::test]
async fn lookup_events_tells_the_events_of_the_account_and_region() {
    let api = TestApi::start().await;
    api.add_key("AKIABOB", "bob-secret", "111111111111").await;
    let bob = Client::new("AKIABOB", "bob-secret", "us-east-1");
    assert_eq!(api.call_as(&bob, "POST", "/v1/brokers", &rabbitmq("his", "")).await.status, 200);
    let elsewhere = Client::new("AKIAALICE", "alice-secret", "eu-west-1");
    assert_eq!(api.call_as(&elsewhere, "GET", "/v1/brokers", "").await.status, 200);
    let id = api.create("orders").await;
    assert_eq!(api.call("POST", "/v1/brokers", &activemq("others", "")).await.status, 200);
    assert_eq!(api.call("GET", &format!("/v1/brokers/{id}"), "").await.status, 200);
    api.audit.flush(&api.store).await;

    let reply = api.cloudtrail("us-east-1", "LookupEvents", &json!({})).await;
    assert_eq!(reply.header("content-type"), "application/x-amz-json-1.1");
    let events = reply.json()["Events"].as_array().expect("events").clone();
    let names: Vec<_> = events.iter().map(|event| event["EventName"].as_str()).collect();
    assert_eq!(names, [Some("DescribeBroker"), Some("CreateBroker"), Some("CreateBroker")]);
    let record: Value =
        serde_json::from_str(events[0]["CloudTrailEvent"].as_str().expect("text")).expect("JSON");
    assert_eq!(record["eventID"], events[0]["EventId"]);
    assert_eq!(
        events[0],
        json!({
            "EventId": record["eventID"],
            "EventName": "DescribeBroker",
            "ReadOnly": "true",
            "AccessKeyId": "AKIAALICE",
            "EventTime": events[0]["EventTime"].as_i64().expect("seconds"),
            "EventSource": "amazonmq.amazonaws.com",
            "Username": "root",
            "Resources": [{"ResourceType": "AWS::AmazonMQ::Broker", "ResourceName": id}],
            "CloudTrailEvent": events[0]["CloudTrailEvent"]
        })
    );
    let by = |key: &str, value: &str| json!({"LookupAttributes": [{"AttributeKey": key, "AttributeValue": value}], "MaxResults": 1});
    let mut question = by("EventName", "CreateBroker");
    let first = api.cloudtrail("us-east-1", "LookupEvents", &question).await.json();
    question["NextToken"] = first["NextToken"].clone();
    let second = api.cloudtrail("us-east-1", "LookupEvents", &question).await.json();
    assert_eq!(first["Events"][0]["EventId"], events[1]["EventId"]);
    assert_eq!(second["Events"][0]["EventId"], events[2]["EventId"]);
    assert_eq!(
        api.cloudtrail("eu-west-1", "LookupEvents", &json!({})).await.json()["Events"]
            .as_array()
            .map(Vec::len),
        Some(1)
    );
    // The lookups are events themselves.
    api.audit.flush(&api.store).await;
    let own = api.cloudtrail("us-east-1", "LookupEvents", &by("EventName", "LookupEvents")).await;
    let own = own.json()["Events"][0].clone();
    assert_eq!(own["EventSource"], "cloudtrail.amazonaws.com");
    api.stop().await;
}

#[tokio::test]
async fn wrong_lookups_are_refused_in_the_form_of_the_service() {
    let api = TestApi::start().await;
    for (operation, body, status, code) in [
        ("LookupEvents", json!({"MaxResults": 51}), 400, "InvalidMaxResultsException"),
        ("LookupEvents", json!({"NextToken": "x"}), 400, "InvalidNextTokenException"),
        ("LookupEvents", json!({"StartTime": 2, "EndTime": 1}), 400, "InvalidTimeRangeException"),
        ("LookupEvents", json!({"MaxResults": "a"}), 400, "SerializationException"),
        ("LookupEvents", json!(7), 400, "SerializationException"),
        (
            "LookupEvents",
            json!({"LookupAttributes": [{"AttributeKey": "X", "AttributeValue": "y"}]}),
            400,
            "InvalidLookupAttributesException",
        ),
        ("CreateTrail", json!({}), 400, "UnsupportedOperationException"),
    ] {
        let reply = api.cloudtrail("us-east-1", operation, &body).await;
        assert_eq!((reply.status.as_u16(), &reply.json()["__type"]), (status, &json!(code)));
        assert!(reply.json()["message"].as_str().is_some_and(|text| !text.is_empty()), "{reply:?}");
    }
    let mut stranger = Client::new("AKIAALICE", "another secret", "us-east-1");
    stranger.credentials.service = "cloudtrail".to_owned();
    let reply = api.call_as(&stranger, "POST", "/", "{}").await;
    assert_eq!(reply.json()["__type"], "InvalidSignatureException");
    let records = api.records().await;
    assert_eq!(records[0]["errorCode"], "InvalidMaxResultsException");
    assert_eq!(records[0]["requestParameters"], json!({"maxResults": 51}));
    assert_eq!(records.len(), 7);
    api.stop().await;
}

#[tokio::test]
async fn writes_are_refused_while_their_events_can_not_be_written() {
    let api = TestApi::start().await;
    sqlx::raw_sql("alter table audit_event rename to elsewhere")
        .execute(&mut api.connection().await)
        .await
        .expect("renamed");
    let reply = api.call("POST", "/v1/configurations", &configuration("mine")).await;
    assert_eq!(reply.status, 500, "{reply:?}");
    let listed = api.call("GET", "/v1/configurations", "").await;
    assert_eq!(listed.json()["configurations"], json!([]), "nothing was created");
    api.stop().await;
}

#[tokio::test]
async fn calls_of_iam_and_sts_are_told_with_who_was_made_and_who_became_whom() {
    let api = TestApi::start().await;
    let carol = api.caller_named("carol", Some(&allow("sts:*"))).await;
    let trusted = trust("arn:aws:iam::000000000000:root");
    let role = [("RoleName", "deploy"), ("AssumeRolePolicyDocument", &*trusted)];
    api.iam("CreateRole", &role).await.ok();
    let arn = "arn:aws:iam::000000000000:role/deploy";
    let asked = [("RoleArn", arn), ("RoleSessionName", "ci")];
    let assumed = api.ask(STS, &carol, "AssumeRole", &asked).await.ok();
    let secrets = ["SecretAccessKey", "SessionToken"].map(|name| assumed.text(name));
    let ci = session(&assumed);
    api.ask(STS, &ci, "GetCallerIdentity", &[]).await.ok();
    assert_eq!(api.iam("DeleteUser", &[("UserName", "nobody")]).await.code(), "NoSuchEntity");

    let records = api.records().await;
    let of = |name: &str| {
        let found: Vec<_> = records.iter().filter(|record| record["eventName"] == name).collect();
        assert_eq!(found.len(), 1, "{name}: {records:?}");
        found[0]
    };
    let user = of("CreateUser");
    assert_eq!(
        (&user["eventSource"], &user["readOnly"]),
        (&json!("iam.amazonaws.com"), &json!(false))
    );
    assert_eq!(user["requestParameters"], json!({"userName": "carol"}));
    assert_eq!(user["responseElements"]["user"]["arn"], "arn:aws:iam::000000000000:user/carol");
    let key = of("CreateAccessKey");
    assert_eq!(key["responseElements"]["accessKey"]["secretAccessKey"], "***");
    let id = &carol.client.credentials.access_key_id;
    assert_eq!(key["responseElements"]["accessKey"]["accessKeyId"], **id);
    let assume = of("AssumeRole");
    assert_eq!(assume["userIdentity"]["type"], "IAMUser");
    assert_eq!(assume["userIdentity"]["userName"], "carol");
    assert_eq!(assume["requestParameters"], json!({"roleArn": arn, "roleSessionName": "ci"}));
    let temporary = &assume["responseElements"]["credentials"]["accessKeyId"];
    let whoami = of("GetCallerIdentity");
    assert_eq!(whoami["userIdentity"]["type"], "AssumedRole");
    assert_eq!(whoami["userIdentity"]["accessKeyId"], *temporary);
    assert_eq!(whoami["userIdentity"]["sessionContext"]["sessionIssuer"]["arn"], arn);
    let refused = of("DeleteUser");
    assert_eq!(refused["errorCode"], "NoSuchEntity");
    assert!(
        refused["errorMessage"].as_str().is_some_and(|text| text.contains("nobody")),
        "{refused}"
    );
    let text = json!(records).to_string();
    let secrets =
        secrets.iter().chain([expose(&carol)].iter()).any(|secret| text.contains(&**secret));
    assert!(!secrets, "{text}");

    // Whoever may not look gets the service's refusal, and whoever may sees IAM's events in every region.
    let reply = api.cloudtrail_as(&carol.client, "LookupEvents", &json!({})).await;
    assert_eq!(reply.json()["__type"], "AccessDeniedException");
    let message = reply.json()["message"].as_str().unwrap_or_default().to_owned();
    assert!(message.starts_with("User: arn:aws:iam::000000000000:user/carol is not authorized to perform: cloudtrail:LookupEvents on resource: *"), "{message}");
    let by = json!({"LookupAttributes": [{"AttributeKey": "ResourceName", "AttributeValue": temporary}]});
    let found = api.cloudtrail("eu-west-1", "LookupEvents", &by).await.json();
    assert_eq!(found["Events"][0]["EventName"], "AssumeRole");
    assert_eq!(found["Events"].as_array().map(Vec::len), Some(1));
    api.stop().await;
}

fn expose(who: &Who) -> String {
    use secrecy::ExposeSecret as _;
    who.client.credentials.secret.expose_secret().to_owned()
}
