//! What another account has is nothing here either where a body, a query or a name could lead to it; and no operation is
//! forgotten that names something in its path.

use serde_json::{Value, json};

use crate::{
    isolation::{Names, OTHER},
    permissions::operations,
    support::{Client, Reply, TestApi, activemq, rabbitmq},
};

async fn bob(api: &TestApi) -> Client {
    api.add_key("AKIABOB", "bob-secret", OTHER).await;
    Client::new("AKIABOB", "bob-secret", "us-east-1")
}

fn is_of(template: &str, target: &str) -> bool {
    let path = target.split('?').next().unwrap_or_default();
    let (template, path): (Vec<_>, Vec<_>) =
        (template.split('/').collect(), path.split('/').collect());
    template.len() == path.len()
        && template.iter().zip(&path).all(|(t, p)| t.starts_with('{') && !p.is_empty() || t == p)
}

#[test]
fn every_operation_that_names_something_is_played_against_what_another_account_has() {
    let requests = Names::absent().requests();
    for operation in operations() {
        // Accounts themselves are what the operator has: `accounts.rs` plays those.
        if !operation.path.contains('{') || operation.path.starts_with("/brokerd/v1/accounts/") {
            continue;
        }
        let played = requests.iter().any(|(method, target, _)| {
            *method == operation.method && is_of(&operation.path, target)
        });
        assert!(played, "{} {} {}", operation.name, operation.method, operation.path);
    }
}

/// Sends the same with a name of theirs and with one that nobody has, and gives back what is answered to both.
async fn alike(
    api: &TestApi,
    client: &Client,
    (method, target): (&str, &str),
    [theirs, absent]: [&str; 2],
    body: impl Fn(&str) -> String,
) -> (u16, String, String) {
    let told = async |name: &str| {
        let reply = api.call_as(client, method, target, &body(name)).await;
        let (status, code, message) = reply.refusal();
        (status, code, message.replace(name, "NAME"))
    };
    let (one, other) = (told(theirs).await, told(absent).await);
    assert_eq!(one, other, "{method} {target} with {theirs}");
    one
}

#[tokio::test]
async fn what_a_body_names_of_another_account_is_refused_as_what_does_not_exist() {
    let api = TestApi::start_refusing().await;
    let bob = bob(&api).await;
    let post = async |client: &Client, target: &str, body: Value| -> Value {
        let reply = api.call_as(client, "POST", target, &body.to_string()).await;
        assert_eq!(reply.status, 200, "{reply:?}");
        reply.json()
    };
    let configuration = json!({"name": "c", "engineType": "ACTIVEMQ", "engineVersion": "5.19"});
    let configuration = post(&api.alice, "/v1/configurations", configuration).await;
    let configuration = configuration["id"].as_str().expect("an identifier");
    let group = post(&api.alice, "/brokerd/v1/security-groups", json!({"name": "g"})).await;
    let group = group["securityGroupId"].as_str().expect("an identifier");
    let own = api.call_as(&bob, "POST", "/v1/brokers", &activemq("own", "")).await;
    let own = own.json()["brokerId"].as_str().expect("an identifier").to_owned();
    api.converge(&own).await;
    let own = format!("/v1/brokers/{own}");

    let configurations = [configuration, "c-00000000-0000-4000-8000-000000000000"];
    let named = |id: &str| format!(r#", "configuration": {{"id": "{id}", "revision": 1}}"#);
    let create = ("POST", "/v1/brokers");
    let (status, ..) =
        alike(&api, &bob, create, configurations, |id| activemq("b", &named(id))).await;
    assert_eq!(status, 400);
    let update = ("PUT", own.as_str());
    let body = |id: &str| format!(r#"{{"configuration": {{"id": "{id}", "revision": 1}}}}"#);
    let (status, ..) = alike(&api, &bob, update, configurations, body).await;
    assert_eq!(status, 404);

    let groups = [group, "sg-00000000000000000"];
    let body = |id: &str| activemq("b", &format!(r#", "securityGroups": ["{id}"]"#));
    let (status, ..) = alike(&api, &bob, create, groups, body).await;
    assert_eq!(status, 400);
    let body = |id: &str| json!({ "securityGroups": [id] }).to_string();
    let (status, ..) = alike(&api, &bob, update, groups, body).await;
    assert_eq!(status, 400);
    api.stop().await;
}

/// Saves a revision that names a secret, and gives back the answer without the ARN and what differs by time.
async fn naming(api: &TestApi, client: &Client, configuration: &str, secret: &str) -> Value {
    use base64::Engine as _;
    let data = format!("aws.arns.auth_ldap.dn_lookup_bind.password = {secret}\n");
    let data = base64::engine::general_purpose::STANDARD.encode(data);
    let target = format!("/v1/configurations/{configuration}");
    let body = json!({ "data": data }).to_string();
    let reply = api.call_as(client, "PUT", &target, &body).await;
    let mut answer: Value =
        serde_json::from_str(&reply.text.replace(secret, "SECRET")).expect("JSON");
    answer["latestRevision"] = Value::Null;
    json!({ "status": reply.status.as_u16(), "answer": answer })
}

#[tokio::test]
async fn a_configuration_that_names_another_accounts_secret_learns_nothing_of_it() {
    let api = TestApi::start().await;
    let bob = bob(&api).await;
    let put = api.call("PUT", "/brokerd/v1/secrets/theirs", r#"{"secretString": "s"}"#).await;
    let theirs = put.json()["arn"].as_str().expect("an ARN").to_owned();
    let absent = theirs.replace("theirs", "absent");
    let body = r#"{"name": "c", "engineType": "RABBITMQ", "engineVersion": "4.3"}"#;
    let own = api.call_as(&bob, "POST", "/v1/configurations", body).await.json();
    let own = own["id"].as_str().expect("an identifier");
    let of_theirs = naming(&api, &bob, own, &theirs).await;
    assert_eq!(of_theirs, naming(&api, &bob, own, &absent).await);
    api.stop().await;
}

fn id(reply: &Reply) -> String {
    assert_eq!(reply.status, 200, "{reply:?}");
    reply.json()["brokerId"].as_str().expect("an identifier").to_owned()
}

#[tokio::test]
async fn names_tokens_and_pages_of_one_account_mean_nothing_in_another() {
    let api = TestApi::start().await;
    let bob = bob(&api).await;
    // The same name and the same idempotency token make another broker.
    let body = rabbitmq("orders", r#", "creatorRequestId": "t""#);
    let ours = id(&api.call("POST", "/v1/brokers", &body).await);
    let theirs = id(&api.call_as(&bob, "POST", "/v1/brokers", &body).await);
    assert_ne!(ours, theirs);
    assert_eq!(id(&api.call_as(&bob, "POST", "/v1/brokers", &body).await), theirs);

    // A page goes on in the caller's own list, wherever its token is from.
    for n in 0..9 {
        api.create(&format!("more-{n}")).await;
    }
    let page = api.call("GET", "/v1/brokers?maxResults=5", "").await.json();
    let token = page["nextToken"].as_str().expect("there are more").replace('=', "%3D");
    let target = format!("/v1/brokers?maxResults=5&nextToken={token}");
    let listed = api.call_as(&bob, "GET", &target, "").await;
    assert!(listed.status == 200 || listed.status == 400, "{listed:?}");
    assert!(!listed.text.contains("more-") && !listed.text.contains(&ours), "{listed:?}");

    // Groups of the same identifier and secrets of the same name are two.
    for (client, cidr) in [(&api.alice, "10.0.0.0/8"), (&bob, "192.168.0.0/16")] {
        let rule = json!({"protocol": "tcp", "fromPort": 5671, "toPort": 5671, "cidr": cidr});
        let group =
            json!({"securityGroupId": "sg-11111111111111111", "name": "g", "rules": [rule]});
        let groups = "/brokerd/v1/security-groups";
        let made = api.call_as(client, "POST", groups, &group.to_string()).await;
        assert_eq!(made.status, 200, "{made:?}");
        let put = r#"{"secretString": "s"}"#;
        let put = api.call_as(client, "PUT", "/brokerd/v1/secrets/ldap", put).await;
        assert_eq!(put.status, 200, "{put:?}");
    }
    for (client, cidr) in [(&api.alice, "10.0.0.0/8"), (&bob, "192.168.0.0/16")] {
        let group = "/brokerd/v1/security-groups/sg-11111111111111111";
        let shown = api.call_as(client, "GET", group, "").await.json();
        assert_eq!(shown["rules"][0]["cidr"], cidr);
        let secrets = api.call_as(client, "GET", "/brokerd/v1/secrets", "").await.json();
        assert_eq!(secrets["secrets"].as_array().map(Vec::len), Some(1), "{secrets}");
    }
    // What one deletes stays with the other.
    let gone = api.call_as(&bob, "DELETE", "/brokerd/v1/secrets/ldap", "").await;
    assert_eq!(gone.status, 204, "{gone:?}");
    assert_eq!(api.call("GET", "/brokerd/v1/secrets/ldap", "").await.status, 200);
    api.stop().await;
}
