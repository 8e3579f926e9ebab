//! Secrets that configurations name by ARN.

use serde_json::{Value, json};

use crate::support::{Client, Reply, TestApi};

const SECRETS: &str = "/brokerd/v1/secrets";

/// What no answer may have in it.
const VALUE: &str = "Lantern \"Harbour\" \u{e4}";

fn path(name: &str) -> String {
    format!("{SECRETS}/{}", name.replace('/', "%2F"))
}

fn body(value: impl Into<Value>) -> String {
    json!({ "secretString": value.into() }).to_string()
}

async fn put(api: &TestApi, name: &str, value: &str) -> Value {
    let reply = api.call("PUT", &path(name), &body(value)).await;
    assert_eq!(reply.status, 200, "{reply:?}");
    assert_silent(&reply);
    reply.json()
}

/// The value is nowhere, escaped or not.
fn assert_silent(reply: &Reply) {
    let told = format!("{} {:?}", reply.text, reply.headers);
    assert!(!told.contains("Lantern") && !told.contains("secretString\":"), "{told}");
}

#[tokio::test]
async fn a_secret_is_kept_described_replaced_listed_and_deleted() {
    let api = TestApi::start().await;
    let kept = put(&api, "a/ldap", VALUE).await;
    let arn = kept["arn"].as_str().expect("an ARN");
    let end = arn.strip_prefix("arn:aws:secretsmanager:us-east-1:000000000000:secret:a/ldap-");
    assert!(end.is_some_and(|end| end.len() == 6), "{arn}");
    assert_eq!(
        kept,
        json!({"name": "a/ldap", "arn": arn, "created": kept["created"], "changed": kept["created"]})
    );
    api.clock.advance_seconds(9);
    let replaced = put(&api, "a/ldap", "another one").await;
    assert_ne!(replaced["changed"], kept["changed"]);
    assert_eq!(
        replaced,
        json!({"name": "a/ldap", "arn": arn, "created": kept["created"], "changed": replaced["changed"]})
    );

    let described = api.call("GET", &path("a/ldap"), "").await;
    assert_silent(&described);
    assert_eq!(described.json(), replaced);
    let first = put(&api, "a/ca.pem", VALUE).await;
    let listed = api.call("GET", SECRETS, "").await;
    assert_silent(&listed);
    assert_eq!(listed.json(), json!({ "secrets": [first, replaced] }));

    let deleted = api.call("DELETE", &path("a/ldap"), "").await;
    assert_eq!((deleted.status.as_u16(), deleted.text.as_str()), (204, ""));
    let told = "Can't find requested secret [a/ldap]. Make sure your secret exists.";
    for method in ["GET", "DELETE"] {
        let gone = api.call(method, &path("a/ldap"), "").await;
        assert_eq!(gone.refusal(), (404, "NotFoundException".to_owned(), told.to_owned()));
    }
    let anew = put(&api, "a/ldap", VALUE).await;
    assert_ne!(anew["arn"], kept["arn"], "it is another one");
    api.stop().await;
}

#[tokio::test]
async fn a_secret_is_named_by_its_arn_too() {
    let api = TestApi::start().await;
    let kept = put(&api, "a/ldap", VALUE).await;
    let arn = kept["arn"].as_str().expect("an ARN");
    let bare = &arn[..arn.len() - "-AbCdEf".len()];
    for named in [arn, bare] {
        assert_eq!(api.call("GET", &path(named), "").await.json()["arn"], kept["arn"], "{named}");
        let replaced = put(&api, named, VALUE).await;
        assert_eq!((&replaced["arn"], &replaced["name"]), (&kept["arn"], &kept["name"]));
    }
    let elsewhere = arn.replace("us-east-1", "eu-west-1");
    let theirs = arn.replace("000000000000", "111111111111");
    for nothing in [
        &format!("{bare}-ghijkl"),
        &format!("{bare}2"),
        &elsewhere,
        &theirs,
        "arn:aws:s3:::a/ldap",
        "arn:aws:iam::000000000000:role/a",
        "arn:",
    ] {
        for (method, sent) in [("GET", ""), ("DELETE", ""), ("PUT", &body("x"))] {
            let reply = api.call(method, &path(nothing), sent).await;
            assert_eq!(reply.status, 404, "{method} {nothing}: {reply:?}");
        }
    }
    assert_eq!(api.call("DELETE", &path(arn), "").await.status, 204);
    assert_eq!(api.call("GET", SECRETS, "").await.json(), json!({ "secrets": [] }));
    api.stop().await;
}

#[tokio::test]
async fn what_is_wrong_with_a_secret_is_said_without_its_value() {
    let api = TestApi::start().await;
    let longest = "a".repeat(512);
    put(&api, &longest, "x").await;
    put(&api, "a", &"x".repeat(65_536)).await;
    let escaped = "\\u0001".repeat(65_536);
    let reply = api.call("PUT", &path("a"), &format!(r#"{{"secretString": "{escaped}"}}"#)).await;
    assert_eq!(reply.status, 200, "the same in JSON: {reply:?}");
    for (name, sent, attribute) in [
        ("a", "{}".to_owned(), json!("secretString")),
        ("a", body(Value::Null), json!("secretString")),
        ("a", body(""), json!("secretString")),
        ("a", body(format!("Lantern{}", "x".repeat(65_530))), json!("secretString")),
        ("a", body("Lantern\u{0}"), json!("secretString")),
        ("a", body(json!(["Lantern"])), json!("secretString")),
        ("a", r#"{"secretString": "Lantern"#.to_owned(), Value::Null),
        ("a%20b", body(VALUE), json!("name")),
        ("%C3%A4", body(VALUE), json!("name")),
        (&format!("{longest}a"), body(VALUE), json!("name")),
        ("a%00b", body(VALUE), json!("secret-name")),
        ("arn:aws:s3:::a%00b", body(VALUE), json!("secret-name")),
        ("a%FF", body(VALUE), Value::Null),
    ] {
        let reply = api.call("PUT", &path(name), &sent).await;
        assert_silent(&reply);
        let refused = (reply.status.as_u16(), reply.json()["errorAttribute"].clone());
        assert_eq!(refused, (400, attribute), "{name} {sent:.80}: {reply:?}");
    }
    for method in ["GET", "DELETE"] {
        for (name, status) in [("a%00b", 400), ("a%20b", 400), ("b", 404)] {
            let reply = api.call(method, &path(name), "").await;
            assert_eq!(reply.status, status, "{method} {name}: {reply:?}");
        }
    }
    api.stop().await;
}

#[tokio::test]
async fn an_account_has_so_many_secrets_in_a_region() {
    let api = TestApi::start().await;
    for n in 0..1000 {
        put(&api, &format!("n-{n}"), "x").await;
    }
    let refused = api.call("PUT", &path("one-more"), &body(VALUE)).await;
    assert_silent(&refused);
    let told = "The account has reached the maximum number of secrets in this region. Delete one and retry the request.";
    assert_eq!(refused.refusal(), (400, "BadRequestException".to_owned(), told.to_owned()));
    put(&api, "n-7", "y").await;
    assert_eq!(api.call("DELETE", &path("n-7"), "").await.status, 204);
    put(&api, "one-more", "x").await;
    api.stop().await;
}

#[tokio::test]
async fn secrets_belong_to_an_account_and_a_region() {
    let api = TestApi::start().await;
    let kept = put(&api, "mine", VALUE).await;
    api.add_key("AKIABOB", "bob-secret", "111111111111").await;
    for stranger in [
        Client::new("AKIABOB", "bob-secret", "us-east-1"),
        Client::new("AKIAALICE", "alice-secret", "eu-west-1"),
    ] {
        for named in ["mine", kept["arn"].as_str().expect("an ARN")] {
            for method in ["GET", "DELETE"] {
                let reply = api.call_as(&stranger, method, &path(named), "").await;
                assert_eq!(reply.status, 404, "{method} {named}: {reply:?}");
            }
        }
        let listed = api.call_as(&stranger, "GET", SECRETS, "").await.json();
        assert_eq!(listed, json!({ "secrets": [] }));
        let twin = api.call_as(&stranger, "PUT", &path("mine"), &body("theirs")).await.json();
        assert_ne!(twin["arn"], kept["arn"]);
    }
    for (method, target) in [("GET", SECRETS), ("GET", &path("mine")), ("PUT", &path("mine"))] {
        assert_eq!(api.unsigned(method, target).await.status, 403, "{method} {target}");
    }
    assert_eq!(api.call("GET", &path("mine"), "").await.json(), kept);
    api.stop().await;
}
