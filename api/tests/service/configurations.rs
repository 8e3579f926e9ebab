//! Configurations and their revisions, as a client sees them.

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use crate::support::{TestApi, activemq};

const XML: &str =
    r#"<broker xmlns="http://activemq.apache.org/schema/core" advisorySupport="false"/>"#;

impl TestApi {
    async fn configuration(&self, name: &str, more: &str) -> String {
        let body = format!(r#"{{"name": "{name}", "engineType": "ActiveMQ"{more}}}"#);
        let reply = self.call("POST", "/v1/configurations", &body).await;
        assert_eq!(reply.status, 200, "{reply:?}");
        reply.json()["id"].as_str().expect("an identifier").to_owned()
    }

    async fn save(&self, id: &str, text: &str, more: &str) -> Value {
        let body = format!(r#"{{"data": "{}"{more}}}"#, STANDARD.encode(text));
        let reply = self.call("PUT", &format!("/v1/configurations/{id}"), &body).await;
        assert_eq!(reply.status, 200, "{reply:?}");
        reply.json()
    }
}

#[tokio::test]
async fn what_the_engine_would_not_start_with_is_said_when_it_is_saved() {
    let api = TestApi::start().await;
    let body = r#"{"name": "told", "engineType": "activemq"}"#;
    let created = api.call("POST", "/v1/configurations", body).await.json();
    let id = created["id"].as_str().expect("an identifier");
    let document = |inner: &str| {
        format!(r#"<broker xmlns="http://activemq.apache.org/schema/core"{inner}</broker>"#)
    };
    let connector = |uri: &str| {
        format!("><networkConnectors><networkConnector uri=\"{uri}\"/></networkConnectors>")
    };
    // The guide's own example has a line break; it is no fault.
    let folded = connector("masterslave:(ssl://a.example.com:61617,\n  ssl://b.example.com:61617)");
    assert_eq!(api.save(id, &document(&folded), "").await["warnings"], json!([]));
    for (inner, attribute, element) in [
        (r#" advisorySupport="invalid">"#, "advisorySupport", "broker"),
        (
            r#"><plugins><discardingDLQBrokerPlugin dropOnly="(DLQ"/></plugins>"#,
            "dropOnly",
            "discardingDLQBrokerPlugin",
        ),
    ] {
        let told = json!([{ "attributeName": attribute, "elementName": element,
                            "reason": "INVALID_ATTRIBUTE_VALUE_REMOVED" }]);
        assert_eq!(api.save(id, &document(inner), "").await["warnings"], told);
    }
    for inner in [
        connector("static:(vm://elsewhere)"),
        "><destinations><queue/></destinations>".to_owned(),
        r#" schedulerSupport="false"><plugins><redeliveryPlugin/></plugins>"#.to_owned(),
        r#" cacheTempDestinations="true" timeBeforePurgeTempDestinations="-1">"#.to_owned(),
    ] {
        let body = format!(r#"{{"data": "{}"}}"#, STANDARD.encode(document(&inner)));
        let reply = api.call("PUT", &format!("/v1/configurations/{id}"), &body).await;
        assert_eq!(reply.status, 400, "{inner}: {reply:?}");
        assert_eq!(reply.json()["errorAttribute"], "data", "{inner}");
    }
    api.stop().await;
}

#[tokio::test]
async fn a_configuration_begins_with_the_defaults_and_grows_by_revisions() {
    let api = TestApi::start().await;
    let body = r#"{"name": "orders", "engineType": "activemq", "tags": {"k": "v"}}"#;
    let created = api.call("POST", "/v1/configurations", body).await.json();
    let id = created["id"].as_str().expect("an identifier");
    let keys: Vec<&String> = created.as_object().expect("an object").keys().collect();
    assert_eq!(keys, ["arn", "authenticationStrategy", "created", "id", "latestRevision", "name"]);
    assert_eq!(created["arn"], format!("arn:aws:mq:us-east-1:000000000000:configuration:{id}"));
    let description = "Auto-generated default for orders on ActiveMQ 5.19";
    assert_eq!(created["latestRevision"]["description"], description);
    assert_eq!(created["latestRevision"]["revision"], 1);

    let saved = api.save(id, XML, r#", "description": "quiet""#).await;
    assert_eq!(saved["latestRevision"]["revision"], 2);
    assert_eq!(saved["latestRevision"]["description"], "quiet");
    assert_eq!((&saved["created"], &saved["warnings"]), (&created["created"], &json!([])));
    let again = api.save(id, XML, "").await;
    assert_eq!(again["latestRevision"]["revision"], 3, "the same content is a revision too");
    assert_eq!(again["latestRevision"].get("description"), None);

    let shown = api.call("GET", &format!("/v1/configurations/{id}"), "").await.json();
    assert_eq!(shown["engineType"], "ActiveMQ");
    assert_eq!((&shown["engineVersion"], &shown["tags"]), (&json!("5.19"), &json!({"k": "v"})));
    assert_eq!(shown["latestRevision"], again["latestRevision"]);

    let path = format!("/v1/configurations/{id}/revisions");
    let listed = api.call("GET", &path, "").await.json();
    let numbers: Vec<_> = listed["revisions"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|r| r["revision"].clone())
        .collect();
    assert_eq!(numbers, [1, 2, 3]);
    assert_eq!((&listed["configurationId"], &listed["maxResults"]), (&json!(id), &json!(20)));
    for (number, has) in [("1", "schedulePeriodForDestinationPurge"), ("02", "advisorySupport")] {
        let revision = api.call("GET", &format!("{path}/{number}"), "").await.json();
        let data = STANDARD.decode(revision["data"].as_str().expect("data")).expect("base64");
        assert!(String::from_utf8(data).expect("text").contains(has), "{number}");
        assert_eq!(revision["configurationId"], id);
    }
    api.stop().await;
}

#[tokio::test]
async fn what_is_wrong_with_a_configuration_is_said() {
    let api = TestApi::start().await;
    let id = api.configuration("orders", "").await;
    let path = format!("/v1/configurations/{id}");
    let text = STANDARD.encode("no XML at all");
    for (method, target, body, attribute) in [
        ("POST", "/v1/configurations", r#"{"engineType": "ActiveMQ"}"#.to_owned(), "name"),
        ("POST", "/v1/configurations", r#"{"name": "x"}"#.to_owned(), "engineType"),
        ("PUT", &path, "{}".to_owned(), "data"),
        ("PUT", &path, r#"{"data": "%%%"}"#.to_owned(), "data"),
        ("PUT", &path, format!(r#"{{"data": "{text}"}}"#), "data"),
        ("GET", &format!("{path}/revisions/x"), String::new(), "configuration-revision"),
        ("GET", &format!("{path}/revisions?maxResults=4"), String::new(), "maxResults"),
        ("GET", &format!("{path}/revisions?nextToken=x"), String::new(), "nextToken"),
    ] {
        let reply = api.call(method, target, &body).await;
        assert_eq!(reply.status, 400, "{method} {target} {body}: {reply:?}");
        assert_eq!(reply.json()["errorAttribute"], attribute, "{method} {target} {body}");
    }
    api.stop().await;
}

#[tokio::test]
async fn a_configuration_in_use_is_kept_and_another_one_is_gone_at_once() {
    let api = TestApi::start().await;
    let broker = api.running_activemq("orders").await;
    let current = api.describe(&broker).await["configurations"]["current"].clone();
    let used = current["id"].as_str().expect("an identifier");
    let reply = api.call("DELETE", &format!("/v1/configurations/{used}"), "").await;
    assert_eq!(
        reply.refusal(),
        (
            409,
            "ConflictException".to_owned(),
            "Configuration ID is already in use. Remove the configuration from all brokers and retry the request.".to_owned()
        )
    );
    let free = api.configuration("free", "").await;
    let path = format!("/v1/configurations/{free}");
    assert_eq!(api.call("DELETE", &path, "").await.json(), json!({"configurationId": free}));
    assert_eq!(api.call("GET", &path, "").await.status, 404);
    api.stop().await;
}

#[tokio::test]
async fn pages_end_with_an_empty_one_as_in_the_service() {
    let api = TestApi::start().await;
    for n in 0..7 {
        api.configuration(&format!("number-{n}"), "").await;
    }
    let (mut sizes, mut names, mut token) = (Vec::new(), Vec::new(), String::new());
    loop {
        let target = format!("/v1/configurations?maxResults=5&nextToken={token}");
        let page = api.call("GET", &target, "").await.json();
        let rows = page["configurations"].as_array().expect("a list").clone();
        sizes.push(rows.len());
        names.extend(rows.iter().map(|row| row["name"].as_str().expect("a name").to_owned()));
        assert!(rows.iter().all(|row| row.get("tags").is_none()));
        match page["nextToken"].as_str() {
            Some(next) => token = next.replace('=', "%3D").replace('+', "%2B").replace('/', "%2F"),
            None => break,
        }
    }
    assert_eq!(sizes, [5, 2, 0]);
    assert_eq!(names, (0..7).map(|n| format!("number-{n}")).collect::<Vec<_>>());
    api.stop().await;
}

#[tokio::test]
async fn a_broker_is_created_with_the_configuration_it_names() {
    let api = TestApi::start().await;
    let id = api.configuration("own", "").await;
    api.save(&id, XML, "").await;
    let other = api.configuration("older", r#", "engineVersion": "5.18""#).await;
    let ldap = api.configuration("ldap", r#", "authenticationStrategy": "LDAP""#).await;
    let nowhere = "c-00000000-0000-4000-8000-000000000000";
    for (configuration, message) in [
        (
            json!({"id": nowhere}),
            format!("Configuration ID [{nowhere}] can't be found. Make sure it exists."),
        ),
        (
            json!({"id": id, "revision": 7}),
            format!("Revision [7] of configuration [{id}] can't be found. Make sure it exists."),
        ),
        (
            json!({"id": other}),
            format!(
                "Configuration ID [{other}] is not for broker engine type [ACTIVEMQ] version [5.19]."
            ),
        ),
        (json!({"revision": 1}), "[configuration.id] is required.".to_owned()),
    ] {
        let body = activemq("orders", &format!(r#", "configuration": {configuration}"#));
        let reply = api.call("POST", "/v1/brokers", &body).await;
        assert_eq!(reply.refusal(), (400, "BadRequestException".to_owned(), message));
    }
    let body = activemq("orders", &format!(r#", "configuration": {{"id": "{ldap}"}}"#));
    let reply = api.call("POST", "/v1/brokers", &body).await;
    assert_eq!(reply.json()["errorAttribute"], "ldapServerMetadata", "{reply:?}");
    let body = activemq("orders", &format!(r#", "configuration": {{"id": "{id}"}}"#));
    let created = api.call("POST", "/v1/brokers", &body).await.json();
    let broker = created["brokerId"].as_str().expect("an identifier");
    api.converge(broker).await;
    let shown = api.describe(broker).await;
    assert_eq!(
        shown["configurations"],
        json!({"current": {"id": id, "revision": 2}, "history": []}),
        "the newest revision is the default"
    );
    api.stop().await;
}
