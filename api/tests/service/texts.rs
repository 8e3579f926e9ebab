//! Every text that any operation takes, from the API document, with every text that nobody should send: nothing of it
//! is an error of ours, and every refusal has the service's form.

use serde_json::{Map, Value, json};

use crate::support::{Reply, TestApi, activemq};

/// A text, and whether no member of any request may have it.
struct Text {
    /// As JSON writes it, without quotes.
    json: String,
    /// As a path or a query writes it.
    encoded: String,
    /// Has U+0000.
    forbidden: bool,
}

fn text(text: &str) -> Text {
    let json = Value::String(text.to_owned()).to_string();
    Text {
        json: json[1..json.len() - 1].to_owned(),
        encoded: encoded(text.as_bytes()),
        forbidden: text.contains('\0'),
    }
}

fn encoded(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("%{byte:02X}")).collect()
}

fn hostile() -> Vec<Text> {
    let mut texts: Vec<Text> = [
        "\0",
        "ab\0cd",
        "",
        " ",
        "\t\r\n",
        "\u{1b}[31m\u{7}",
        "\u{202e}txt.exe\u{2066}\u{200f}",
        "\u{feff}\u{ffff}\u{fdd0}",
        "\u{1f600}\u{e000}e\u{301}",
        "'; drop table broker; --",
        "{\"$ref\": \"#\"}%s%n${jndi:ldap://x}",
        "../../../etc/passwd",
        "-9223372036854775808",
    ]
    .map(text)
    .into_iter()
    .collect();
    texts.push(text(&"x".repeat(20_000)));
    texts.push(text(&"\u{1f600}".repeat(3_000)));
    for (surrogate, bytes) in
        [("\\ud800", "%ED%A0%80"), ("a\\udfff", "%FF"), ("\\udc00\\ud800", "%C0%80")]
    {
        let (json, encoded) = (surrogate.to_owned(), bytes.to_owned());
        texts.push(Text { json, encoded, forbidden: false });
    }
    texts
}

/// The API document.
fn document() -> Value {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../openapi/mq.json");
    let text = std::fs::read_to_string(path).expect("the document");
    serde_json::from_str(&text).expect("JSON")
}

/// A value with every member that the schema has.
fn sample(document: &Value, schema: &Value) -> Value {
    if let Some(reference) = schema["$ref"].as_str() {
        let schema = document.pointer(reference.trim_start_matches('#')).expect("a schema");
        return sample(document, schema);
    }
    let alternatives = schema["oneOf"].as_array().or(schema["anyOf"].as_array());
    if let Some(one) = alternatives.and_then(|all| all.iter().find(|one| one["type"] != "null")) {
        return sample(document, one);
    }
    let kinds: Vec<&str> = match &schema["type"] {
        Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).collect(),
        kind => kind.as_str().into_iter().collect(),
    };
    match kinds.into_iter().find(|kind| *kind != "null") {
        Some("object") => {
            let members = schema["properties"].as_object().cloned().unwrap_or_default();
            let mut value: Map<String, Value> =
                members.iter().map(|(name, of)| (name.clone(), sample(document, of))).collect();
            if schema["additionalProperties"].is_object() {
                let of = sample(document, &schema["additionalProperties"]);
                value.insert("name".to_owned(), of);
            }
            Value::Object(value)
        }
        Some("array") => json!([sample(document, &schema["items"])]),
        Some("boolean") => json!(true),
        Some("integer" | "number") => json!(1),
        _ => schema.get("example").cloned().unwrap_or(json!("text")),
    }
}

/// Where texts are: pointers to them, and the names they have in refusals.
fn places(value: &Value, pointer: &str, name: &str, found: &mut Vec<(String, String)>) {
    match value {
        Value::String(_) => found.push((pointer.to_owned(), name.to_owned())),
        Value::Array(items) => {
            for (n, item) in items.iter().enumerate() {
                places(item, &format!("{pointer}/{n}"), &format!("{name}[{n}]"), found);
            }
        }
        Value::Object(members) => {
            for (member, value) in members {
                let dot = if name.is_empty() { "" } else { "." };
                let name = format!("{name}{dot}{member}");
                places(value, &format!("{pointer}/{member}"), &name, found);
            }
        }
        _ => {}
    }
}

const MARK: &str = "-- the text --";

/// The value with the text in that place, as JSON.
fn replaced(value: &Value, pointer: &str, text: &Text) -> String {
    let mut value = value.clone();
    *value.pointer_mut(pointer).expect("a place") = json!(MARK);
    value.to_string().replace(MARK, &text.json)
}

/// The value with a name of a map's member replaced, as JSON.
fn renamed(value: &Value, text: &Text) -> String {
    value.to_string().replace(r#""name":"text""#, &format!(r#""{}":"text""#, text.json))
}

/// Names that no other request of the test has.
fn fresh(body: &mut Value, operation: &str, n: usize) {
    match operation {
        "CreateBroker" => body["brokerName"] = json!(format!("broker-{n}")),
        "CreateSecurityGroup" => {
            body["name"] = json!(format!("group-{n}"));
            body["securityGroupId"] = json!(format!("sg-{n:08}"));
        }
        _ => {}
    }
}

struct Scene {
    api: TestApi,
    broker: String,
    configuration: String,
    group: String,
}

impl Scene {
    async fn start() -> Self {
        let api = TestApi::start_without_provisioner().await;
        let broker = api.running_activemq("orders").await;
        let configuration = api.describe(&broker).await["configurations"]["current"]["id"].clone();
        let configuration = configuration.as_str().expect("an identifier").to_owned();
        let body = json!({"name": "office"}).to_string();
        let group = api.call("POST", "/brokerd/v1/security-groups", &body).await;
        let group = group.json()["securityGroupId"].as_str().expect("an identifier").to_owned();
        Self { api, broker, configuration, group }
    }

    /// What stands for a parameter of a path if it is not the one that is tried.
    fn param(&self, name: &str, n: usize, operation: &str) -> String {
        match name {
            "broker-id" => self.broker.clone(),
            "configuration-id" => self.configuration.clone(),
            "configuration-revision" => "1".to_owned(),
            "security-group-id" => self.group.clone(),
            "username" if operation == "CreateUser" => format!("user-{n}"),
            "username" => "alice".to_owned(),
            "resource-arn" => format!(
                "arn%3Aaws%3Amq%3Aus-east-1%3A000000000000%3Abroker%3Aorders%3A{}",
                self.broker
            ),
            _ => "text".to_owned(),
        }
    }

    fn target(&self, path: &str, n: usize, operation: &str, tried: Option<(&str, &str)>) -> String {
        let mut target = path.to_owned();
        for name in path.split('{').skip(1).filter_map(|rest| rest.split('}').next()) {
            let value = match tried {
                Some((of, text)) if of == name => text.to_owned(),
                _ => self.param(name, n, operation),
            };
            target = target.replace(&format!("{{{name}}}"), &value);
        }
        target
    }

    /// Requests that are accepted, and so come as far as texts can; together they have every text of the operation.
    fn valid(&self, operation: &str) -> Vec<Value> {
        let password = "correct-horse-battery";
        let create: Value = serde_json::from_str(&activemq("orders", "")).expect("JSON");
        let with = |changes: Value| {
            let mut members = create.as_object().cloned().unwrap_or_default();
            members.extend(changes.as_object().cloned().unwrap_or_default());
            Value::Object(members)
        };
        let configuration = json!({"id": self.configuration, "revision": 1});
        let window = json!({"dayOfWeek": "MONDAY", "timeOfDay": "02:00", "timeZone": "UTC"});
        match operation {
            "CreateBroker" => vec![
                with(json!({
                    "authenticationStrategy": "SIMPLE", "configuration": configuration, "creatorRequestId": "token",
                    "dataReplicationMode": "NONE", "encryptionOptions": {"useAwsOwnedKey": false, "kmsKeyId": "key"},
                    "engineVersion": "5.19", "maintenanceWindowStartTime": window, "securityGroups": ["sg-1"],
                    "storageType": "EFS", "subnetIds": ["subnet-1"], "tags": {"name": "text"},
                    "users": [{"username": "alice", "password": password, "groups": ["admins"]}],
                })),
                with(json!({"authenticationStrategy": "LDAP", "ldapServerMetadata": ldap()})),
            ],
            "UpdateBroker" => vec![json!({
                "authenticationStrategy": "SIMPLE", "configuration": configuration, "dataReplicationMode": "NONE",
                "engineVersion": "5.19", "hostInstanceType": "mq.t3.micro", "maintenanceWindowStartTime": null,
                "securityGroups": ["sg-1"],
            })],
            "CreateUser" | "UpdateUser" => {
                vec![json!({"password": password, "groups": ["admins"]})]
            }
            "CreateConfiguration" => vec![json!({
                "authenticationStrategy": "SIMPLE", "engineType": "ACTIVEMQ", "engineVersion": "5.19",
                "name": "orders", "tags": {"name": "text"},
            })],
            "UpdateConfiguration" => vec![json!({
                "data": "PGJyb2tlciB4bWxucz0iaHR0cDovL2FjdGl2ZW1xLmFwYWNoZS5vcmcvc2NoZW1hL2NvcmUiLz4=",
                "description": "text",
            })],
            "CreateTags" => vec![json!({"tags": {"name": "text"}})],
            "CreateSecurityGroup" | "UpdateSecurityGroup" => vec![json!({
                "name": "office", "description": "text",
                "rules": [{"protocol": "tcp", "fromPort": 1, "toPort": 2, "cidr": "10.0.0.0/8", "description": "text"}],
            })],
            _ => Vec::new(),
        }
    }
}

fn ldap() -> Value {
    json!({
        "hosts": ["directory.example.com"], "roleBase": "ou=groups", "roleName": "cn",
        "roleSearchMatching": "(member={0})", "serviceAccountUsername": "cn=mq",
        "serviceAccountPassword": "secret", "userBase": "ou=people", "userRoleName": "groups",
        "userSearchMatching": "(uid={0})",
    })
}

/// What every answer to such a text has to be. `named`: what is to be blamed for a text that nothing may be.
fn judge(reply: &Reply, place: &str, forbidden: bool, named: &str) {
    let status = reply.status.as_u16();
    // Nobody is there who could ask an engine.
    if status == 503 && place.contains("Destination") {
        return;
    }
    assert!(status < 500, "{place}: {status} {}", reply.text);
    if status < 400 {
        // ValidateBroker answers with what CreateBroker would refuse.
        let told = serde_json::from_str::<Value>(&reply.text).unwrap_or_default();
        let is_told = told["errors"].as_array().is_some_and(|errors| !errors.is_empty());
        assert!(!forbidden || is_told, "{place}: accepted");
        return;
    }
    let body = reply.json();
    let attribute = body.get("errorAttribute");
    assert!(!reply.header("x-amzn-errortype").is_empty(), "{place}: {reply:?}");
    assert!(body["message"].as_str().is_some_and(|message| !message.is_empty()), "{place}: {body}");
    assert!(attribute.is_none_or(|a| a.as_str().is_some_and(|a| !a.is_empty())), "{place}: {body}");
    if forbidden {
        let expected = (!named.is_empty()).then(|| json!(named));
        assert_eq!((status, attribute), (400, expected.as_ref()), "{place}: {body}");
    }
}

/// Method, path and description of every operation that needs a signature.
fn operations(document: &Value) -> Vec<(String, String, Value)> {
    let mut operations = Vec::new();
    for (path, methods) in document["paths"].as_object().expect("paths") {
        for (method, operation) in methods.as_object().expect("methods") {
            if !operation["security"][0]["sigv4"].is_null() {
                operations.push((method.to_uppercase(), path.clone(), operation.clone()));
            }
        }
    }
    operations
}

#[tokio::test]
async fn no_text_in_a_path_or_a_query_is_an_error_of_ours() {
    let scene = Scene::start().await;
    let (mut tried, texts) = (0, hostile());
    for (method, path, operation) in operations(&document()) {
        let name = operation["operationId"].as_str().expect("a name");
        for param in operation["parameters"].as_array().into_iter().flatten() {
            let of = param["name"].as_str().expect("a name");
            for text in &texts {
                let target = match param["in"].as_str() {
                    Some("path") => scene.target(&path, tried, name, Some((of, &text.encoded))),
                    _ => {
                        format!("{}?{of}={}", scene.target(&path, tried, name, None), text.encoded)
                    }
                };
                // What is deleted would be missing afterwards.
                if method == "DELETE" && param["in"] == "query" && !path.contains("/tags/") {
                    continue;
                }
                let body = scene.valid(name).first().map(Value::to_string).unwrap_or_default();
                let reply = scene.api.call(&method, &target, &body).await;
                let place =
                    format!("{name} with {of} {}", &text.encoded[..text.encoded.len().min(60)]);
                judge(&reply, &place, text.forbidden, of);
                tried += 1;
            }
        }
    }
    assert!(tried > 500, "{tried}");
    scene.api.stop().await;
}

#[tokio::test]
async fn no_text_in_a_body_is_an_error_of_ours() {
    let (scene, document) = (Scene::start().await, document());
    let (mut tried, texts) = (0, hostile());
    for (method, path, operation) in operations(&document) {
        let name = operation["operationId"].as_str().expect("a name");
        let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
        if schema.is_null() {
            continue;
        }
        let whole = sample(&document, schema);
        let valid = scene.valid(name);
        for body in &valid {
            let mut body = body.clone();
            fresh(&mut body, name, tried);
            let target = scene.target(&path, tried, name, None);
            let reply = scene.api.call(&method, &target, &body.to_string()).await;
            assert!(reply.status.is_success(), "{name}: {body}: {reply:?}");
            tried += 1;
        }
        for body in valid.iter().chain([&whole]) {
            let mut found = Vec::new();
            places(body, "", "", &mut found);
            for text in &texts {
                for (pointer, named) in &found {
                    let mut body = body.clone();
                    fresh(&mut body, name, tried);
                    let body = replaced(&body, pointer, text);
                    let target = scene.target(&path, tried, name, None);
                    let reply = scene.api.call(&method, &target, &body).await;
                    let place = format!(
                        "{name} with {named} {}",
                        &text.encoded[..text.encoded.len().min(60)]
                    );
                    judge(&reply, &place, text.forbidden, named);
                    tried += 1;
                }
                if body["tags"].is_object() {
                    let mut body = body.clone();
                    fresh(&mut body, name, tried);
                    let target = scene.target(&path, tried, name, None);
                    let reply = scene.api.call(&method, &target, &renamed(&body, text)).await;
                    judge(&reply, &format!("{name} with a tag"), text.forbidden, "tags");
                    tried += 1;
                }
            }
        }
    }
    assert!(tried > 1000, "{tried}");
    scene.api.stop().await;
}

#[tokio::test]
async fn what_is_stored_is_bounded() {
    let scene = Scene::start().await;
    let (broker, path) = (&scene.broker, format!("/v1/configurations/{}", scene.configuration));
    let [data, ..] = [scene.valid("UpdateConfiguration")[0]["data"].clone()];
    // U+0000 in what base64 hides, as in a comment of RabbitMQ.
    let rabbit = json!({"engineType": "RABBITMQ", "name": "rabbit"}).to_string();
    let rabbit = scene.api.call("POST", "/v1/configurations", &rabbit).await.json()["id"].clone();
    let comment = format!("/v1/configurations/{}", rabbit.as_str().expect("an identifier"));
    for (method, target, body, attribute) in [
        ("PUT", &path, json!({"data": data, "description": "d".repeat(1024)}), None),
        ("PUT", &path, json!({"data": data, "description": "d".repeat(1025)}), Some("description")),
        ("PUT", &path, json!({"data": data, "description": "\u{1b}[2J"}), Some("description")),
        ("PUT", &comment, json!({"data": "IyBhAGIK"}), Some("data")),
        ("PUT", &comment, json!({"data": "IyBhYgo="}), None),
        (
            "PUT",
            &format!("/v1/brokers/{broker}"),
            json!({"authenticationStrategy": "LDAP", "ldapServerMetadata": {
                "hosts": ["h"], "roleBase": "r", "roleSearchMatching": "m", "serviceAccountUsername": "u",
                "serviceAccountPassword": "p", "userBase": "b", "userSearchMatching": "m", "userRoleName": "n".repeat(1025),
            }}),
            Some("ldapServerMetadata.userRoleName"),
        ),
    ] {
        let reply = scene.api.call(method, target, &body.to_string()).await;
        assert_eq!(reply.status.is_success(), attribute.is_none(), "{attribute:?}: {}", reply.text);
        let named = reply.json().get("errorAttribute").cloned();
        assert_eq!(named, attribute.map(|attribute| json!(attribute)), "{}", reply.text);
    }
    scene.api.stop().await;
}
