//! Signing in: by access key, by session token, by link; and what is refused.

use std::net::SocketAddr;

use axum::extract::ConnectInfo;
use brokerd_domain::{
    Clock as _,
    identity::{AccessKeyState, SessionHolder},
};
use brokerd_store::{ConsoleToken, KeyHolderName};
use serde_json::{Value, json};

use super::{Browser, key_of};
use crate::{
    identities::{ACCOUNT, allowing, entropy, tags},
    isolation::OTHER,
    support::{Client, Reply, TestApi},
};

const WRONG: &str = "The access key and its secret can't be used to sign in.";

fn refused() -> (u16, String, String) {
    (401, "UnauthorizedException".to_owned(), WRONG.to_owned())
}

async fn sign_in(api: &TestApi, browser: &Browser, form: &Value) -> Reply {
    api.browse(browser, "POST", "/console/session", &form.to_string()).await
}

#[tokio::test]
async fn whoever_has_the_secret_of_an_access_key_is_signed_in_and_told_who_it_is() {
    let api = TestApi::start().await;
    let mut browser = Browser::default();
    let form = key_of(&api.alice);
    let reply = api.sign_in_at(&api.router, &mut browser, &form).await;
    assert_eq!(reply.status, 200, "{reply:?}");
    let cookie = reply.header("set-cookie");
    assert!(cookie.starts_with("brokerd-8642="), "{cookie}");
    assert!(cookie.ends_with("; Path=/; HttpOnly; SameSite=Strict"), "{cookie}");
    let view = reply.json();
    let regions = view["regions"].as_array().expect("regions");
    assert!(regions.contains(&json!("eu-central-1")) && regions.contains(&view["region"]));
    for (member, value) in [
        ("accountId", json!(ACCOUNT)),
        ("arn", json!(format!("arn:aws:iam::{ACCOUNT}:root"))),
        ("kind", json!("ROOT")),
        ("name", json!("root")),
        ("accessKeyId", json!("AKIAALICE")),
        ("isOperator", json!(true)),
        ("apiUrl", json!("http://127.0.0.1:8642")),
        ("settings", json!({})),
    ] {
        assert_eq!(view[member], value, "{member}");
    }
    let again = api.browse(&browser, "GET", "/console/session", "").await;
    assert_eq!(again.json(), view, "the same as at the sign-in");
    let secret = form["secretAccessKey"].as_str().expect("a text");
    assert!(!reply.text.contains(secret), "{}", reply.text);
    let listed = api.browse(&browser, "GET", "/v1/brokers", "").await;
    assert_eq!(listed.status, 200, "{listed:?}");

    // Over TLS, by another name.
    let mut request = Browser::default().with("host", "mq.example").request(
        "POST",
        "/console/session",
        &form.to_string(),
    );
    request.extensions_mut().insert(brokerd_api::SecureTransport);
    let reply = api.send(request).await;
    let cookie = reply.header("set-cookie");
    assert!(cookie.starts_with("__Host-brokerd="), "{cookie}");
    assert!(cookie.ends_with("; Path=/; HttpOnly; SameSite=Strict; Secure"), "{cookie}");
    api.stop().await;
}

#[tokio::test]
async fn users_and_roles_are_signed_in_as_themselves_and_may_do_what_they_may_do() {
    let api = TestApi::start().await;
    let bob = api.user("bob").await;
    api.set_policy(&bob, &allowing([("mq:ListBrokers", "*")])).await;
    let browser = api.signed_in(&bob.client).await;
    let view = api.browse(&browser, "GET", "/console/session", "").await.json();
    assert_eq!((&view["kind"], &view["name"]), (&json!("USER"), &json!("bob")));
    assert_eq!(api.browse(&browser, "GET", "/v1/brokers", "").await.status, 200);
    let by_signature = api.call_as(&bob.client, "GET", "/v1/configurations", "").await;
    let by_cookie = api.browse(&browser, "GET", "/v1/configurations", "").await;
    assert_eq!(by_cookie.status, 403);
    assert_eq!(by_cookie.refusal(), by_signature.refusal().clone());

    let role = api.role("deploy", tags(&[]), &allowing([("mq:ListBrokers", "*")])).await;
    let client = api.issued(&api.role_session(&role));
    for token in [None, Some("garbage".to_owned()), api.issued(&api.role_session(&role)).token] {
        let wrong = Client { token, ..client.clone() };
        let reply = sign_in(&api, &Browser::default(), &key_of(&wrong)).await;
        assert_eq!(reply.refusal(), refused());
    }
    let browser = api.signed_in(&client).await;
    let view = api.browse(&browser, "GET", "/console/session", "").await.json();
    assert_eq!((&view["kind"], &view["name"]), (&json!("ROLE"), &json!("deploy/run-17")));
    assert_eq!(api.browse(&browser, "GET", "/v1/brokers", "").await.status, 200);
    assert_eq!(api.browse(&browser, "GET", "/v1/configurations", "").await.status, 403);
    // A session lasts no longer than its credentials.
    api.clock.advance_seconds(3600);
    assert_eq!(api.browse(&browser, "GET", "/v1/brokers", "").await.status, 401);
    api.stop().await;
}

#[tokio::test]
async fn sign_ins_that_fail_tell_nothing_of_keys_and_are_throttled_by_sender() {
    let api = TestApi::start().await;
    let bob = api.user("bob").await;
    let account = ACCOUNT.parse().expect("an account");
    let id = bob.client.credentials.access_key_id.parse().expect("an identifier");
    let holder = KeyHolderName::User(&bob.name);
    let state = AccessKeyState::Inactive;
    api.store.set_access_key_state(&account, holder, &id, state).await.expect("set");
    let root = SessionHolder::Root(account);
    let wrong_secret = json!({"accessKeyId": "AKIAALICE", "secretAccessKey": "alice-secreT"});
    for form in [
        wrong_secret.clone(),
        json!({"accessKeyId": "AKIAALICE", "secretAccessKey": ""}),
        json!({"accessKeyId": "AKIANOBODY", "secretAccessKey": "alice-secret"}),
        json!({"accessKeyId": "AKIAALICE", "secretAccessKey": "alice-secret", "sessionToken": "x"}),
        key_of(&bob.client),
        key_of(&Client { token: None, ..api.issued(&api.session(root)) }),
    ] {
        let reply = sign_in(&api, &Browser::default(), &form).await;
        assert_eq!(reply.refusal(), refused(), "{form}");
        assert!(reply.header("set-cookie").is_empty());
    }
    let from = |ip: &str| {
        let text = wrong_secret.to_string();
        let mut request = Browser::default().request("POST", "/console/session", &text);
        let peer: SocketAddr = format!("{ip}:1").parse().expect("an address");
        request.extensions_mut().insert(ConnectInfo(peer));
        request
    };
    for _ in 0..10 {
        assert_eq!(api.send(from("192.0.2.1")).await.status, 401);
    }
    let reply = api.send(from("192.0.2.1")).await;
    assert_eq!((reply.status.as_u16(), reply.header("retry-after")), (429, "1"));
    assert_eq!(api.send(from("192.0.2.2")).await.status, 401, "others are not kept out");
    api.clock.advance_seconds(1);
    assert_eq!(api.send(from("192.0.2.1")).await.status, 401);
    assert_eq!(api.send(from("192.0.2.1")).await.status, 429);
    // Who succeeds may go on.
    for _ in 0..30 {
        api.signed_in(&api.alice).await;
    }
    let metrics = api.metrics();
    assert!(metrics.contains(r#"rejections_total{reason="sign-in"}"#), "{metrics}");
    assert!(api.records().await.iter().all(|record| record["errorCode"].is_null()));
    api.stop().await;
}

#[tokio::test]
async fn what_is_no_sign_in_is_refused_by_its_name() {
    let api = TestApi::start().await;
    let browser = Browser::default();
    let form = key_of(&api.alice).to_string();
    let post = async |browser: &Browser, body: &str| {
        api.browse(browser, "POST", "/console/session", body).await.refusal()
    };
    for (body, message) in [
        ("{}", "Specify [accessKeyId] and [secretAccessKey], or [link]."),
        (
            r#"{"accessKeyId": "AKIAALICE"}"#,
            "Specify [accessKeyId] and [secretAccessKey], or [link].",
        ),
        (
            r#"{"accessKeyId": "A", "secretAccessKey": "b", "link": "c"}"#,
            "Specify [accessKeyId] and [secretAccessKey], or [link].",
        ),
        (r#"{"link": "c"}"#, "[link] is not a valid sign-in link."),
        ("nonsense", "Request body is not a valid JSON object."),
    ] {
        let (status, _, told) = post(&browser, body).await;
        assert_eq!((status, told.as_str()), (400, message), "{body}");
    }
    let (status, _, told) = post(&browser.with("content-type", "text/plain"), &form).await;
    assert_eq!((status, told.as_str()), (400, "The header content-type must be application/json."));
    assert_eq!(post(&browser, &"x".repeat(20_000)).await.0, 413);
    for elsewhere in [
        browser.with("sec-fetch-site", "cross-site"),
        browser.with("sec-fetch-site", "same-site"),
        browser.with("sec-fetch-site", ""),
        browser.with("sec-fetch-site", "").with("origin", "http://evil.example"),
        browser.with("host", "evil.example"),
    ] {
        assert_eq!(post(&elsewhere, &form).await.0, 403, "{:?}", elsewhere.headers);
    }
    let origin = browser.with("sec-fetch-site", "").with("origin", "http://127.0.0.1:8642");
    let reply = api.browse(&origin, "POST", "/console/session", &form).await;
    assert_eq!(reply.status, 200, "a browser without fetch metadata");
    api.stop().await;
}

#[tokio::test]
async fn a_link_signs_in_once_within_a_minute_at_whichever_process() {
    let api = TestApi::start().await;
    let bob = api.user("bob").await;
    let key = &bob.client.credentials.access_key_id;
    let link = async || {
        let token = ConsoleToken::generate(&entropy());
        let expires = api.clock.now().plus(std::time::Duration::from_mins(1));
        assert!(api.store.create_console_link(&token, key, expires).await.expect("made"));
        json!({"link": token.expose()})
    };
    let used = "The link was used before, or it has ended. Links last a minute.";
    let form = link().await;
    let mut browser = Browser::default();
    let reply = api.sign_in_at(&api.router, &mut browser, &form).await;
    assert_eq!(reply.json()["name"], json!("bob"), "{reply:?}");
    assert_eq!(sign_in(&api, &Browser::default(), &form).await.refusal().2, used);
    let form = link().await;
    api.clock.advance_seconds(60);
    assert_eq!(sign_in(&api, &Browser::default(), &form).await.refusal().2, used);

    // Whoever comes first, however many processes there are.
    let form = link().await;
    let other = api.another_process().await;
    let (mut one, mut two) = (Browser::default(), Browser::default());
    let both = tokio::join!(
        api.sign_in_at(&api.router, &mut one, &form),
        api.sign_in_at(&other, &mut two, &form)
    );
    let mut statuses = [both.0.status.as_u16(), both.1.status.as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 401], "{both:?}");

    // With the key the links of it end.
    let form = link().await;
    let (account, holder) = (ACCOUNT.parse().expect("an account"), KeyHolderName::User(&bob.name));
    let id = key.parse().expect("an identifier");
    assert!(api.store.delete_access_key(&account, holder, &id).await.expect("deleted"));
    assert_eq!(sign_in(&api, &Browser::default(), &form).await.refusal().2, used);
    api.stop().await;
}

#[tokio::test]
async fn a_suspended_account_is_refused_as_by_signature_and_signing_in_and_out_are_events() {
    let api = TestApi::start().await;
    api.add_key("AKIAOTHER", "other-secret", OTHER).await;
    let other = Client::new("AKIAOTHER", "other-secret", "us-east-1");
    let browser = api.signed_in(&other).await;
    assert_eq!(api.browse(&browser, "DELETE", "/console/session", "").await.status, 200);
    let browser = api.signed_in(&other).await;
    let update = r#"{"state": "SUSPENDED"}"#;
    let target = format!("/brokerd/v1/accounts/{OTHER}");
    let suspended = api.call("PUT", &target, update).await;
    assert_eq!(suspended.status, 200, "{suspended:?}");
    api.clock.advance_seconds(5);
    let message = format!("Account {OTHER} is suspended.");
    let expected = (403, "AccessDeniedException".to_owned(), message);
    for (method, target) in [("GET", "/v1/brokers"), ("GET", "/console/session")] {
        assert_eq!(api.browse(&browser, method, target, "").await.refusal(), expected, "{target}");
    }
    let reply = sign_in(&api, &Browser::default(), &key_of(&other)).await;
    assert_eq!(reply.refusal(), expected);
    assert_eq!(api.call_as(&other, "GET", "/v1/brokers", "").await.refusal(), expected);

    let records = api.records().await;
    let told: Vec<_> = records
        .iter()
        .filter(|record| record["eventSource"] == json!("signin.amazonaws.com"))
        .map(|record| {
            assert_eq!(record["eventType"], json!("AwsConsoleSignIn"));
            assert_eq!(record["requestParameters"], Value::Null, "no secret is told");
            assert_eq!(record["userIdentity"]["accessKeyId"], json!("AKIAOTHER"));
            assert_eq!(record["recipientAccountId"], json!(OTHER));
            let name = record["eventName"].as_str().expect("a name");
            (name, record["responseElements"]["ConsoleLogin"].as_str())
        })
        .collect();
    let mut sorted = told.clone();
    sorted.sort_unstable();
    let expected = [
        ("ConsoleLogin", Some("Failure")),
        ("ConsoleLogin", Some("Success")),
        ("ConsoleLogin", Some("Success")),
        ("ConsoleLogout", None),
    ];
    assert_eq!(sorted, expected, "{told:?}");
    api.stop().await;
}
