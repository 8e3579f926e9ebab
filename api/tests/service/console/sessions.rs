//! What a session is good for, and when it ends.

use axum::http::HeaderValue;
use brokerd_domain::{Clock as _, identity::AccessKeyState};
use brokerd_store::KeyHolderName;
use serde_json::json;

use super::{Browser, key_of};
use crate::{
    identities::ACCOUNT,
    isolation::OTHER,
    support::{Client, TestApi, rabbitmq},
};

const HOUR: i64 = 3600;

async fn status(api: &TestApi, browser: &Browser) -> u16 {
    api.browse(browser, "GET", "/v1/brokers", "").await.status.as_u16()
}

#[tokio::test]
async fn a_browser_without_a_session_is_asked_to_sign_in() {
    let api = TestApi::start().await;
    let expected = (
        401,
        "UnauthorizedException".to_owned(),
        "There is no session, or it has ended. Sign in.".to_owned(),
    );
    let stranger = Browser::default();
    for cookie in [
        None,
        Some("brokerd-8642=".to_owned()),
        Some("brokerd-8642=garbage".to_owned()),
        Some(format!("brokerd-8642={}", "A".repeat(43))),
        Some(format!("brokerd-8642={}", "A".repeat(9000))),
    ] {
        let browser = Browser { cookie, ..stranger.clone() };
        for (method, target) in [
            ("GET", "/console/session"),
            ("DELETE", "/console/session"),
            ("DELETE", "/console/sessions"),
            ("GET", "/v1/brokers"),
            ("GET", "/brokerd/v1/capacity"),
        ] {
            let reply = api.browse(&browser, method, target, "").await;
            assert_eq!(reply.refusal(), expected, "{method} {target}");
        }
        api.clock.advance_seconds(60);
    }
    // Made-up cookies are throttled by their sender, as made-up keys are.
    let made_up = Browser { cookie: Some(format!("brokerd-8642={}", "A".repeat(43))), ..stranger };
    let mut last = 0;
    for _ in 0..21 {
        last = status(&api, &made_up).await;
    }
    assert_eq!(last, 429);
    api.stop().await;
}

#[tokio::test]
async fn a_session_ends_when_it_is_not_used_and_after_a_day_anyway() {
    let api = TestApi::start().await;
    let idle = api.signed_in(&api.alice).await;
    api.clock.advance_seconds(8 * HOUR - 60);
    assert_eq!(status(&api, &idle).await, 200);
    let view = api.browse(&idle, "GET", "/console/session", "").await.json();
    assert!(view["idleExpiresAt"].as_str() < view["expiresAt"].as_str(), "{view}");
    api.clock.advance_seconds(8 * HOUR - 60);
    assert_eq!(status(&api, &idle).await, 200, "it was used meanwhile");
    api.clock.advance_seconds(8 * HOUR);
    assert_eq!(status(&api, &idle).await, 401);

    let busy = api.signed_in(&api.alice).await;
    for _ in 0..4 {
        api.clock.advance_seconds(6 * HOUR - 10);
        assert_eq!(status(&api, &busy).await, 200);
    }
    let view = api.browse(&busy, "GET", "/console/session", "").await.json();
    assert_eq!(view["idleExpiresAt"], view["expiresAt"], "not later than the end");
    api.clock.advance_seconds(40);
    assert_eq!(status(&api, &busy).await, 401);
    // What has ended is cleared away by the next sign-in.
    api.signed_in(&api.alice).await;
    let mut database = api.connection().await;
    let left: i64 = sqlx::query_scalar("select count(*) from console_session")
        .fetch_one(&mut database)
        .await
        .expect("counted");
    assert_eq!(left, 1);
    api.stop().await;
}

#[tokio::test]
async fn sessions_count_at_every_process_and_end_at_all_of_them() {
    let api = TestApi::start().await;
    let other = api.another_process().await;
    let at_other = async |browser: &Browser| {
        api.send_to(&other, browser.request("GET", "/v1/brokers", "")).await.status.as_u16()
    };
    let [here, there] = [api.signed_in(&api.alice).await, api.signed_in(&api.alice).await];
    let bob = api.user("bob").await;
    let bobs = api.signed_in(&bob.client).await;
    assert_eq!((at_other(&here).await, at_other(&there).await), (200, 200));
    let out = here.request("DELETE", "/console/session", "");
    let out = api.send_to(&other, out).await;
    assert_eq!(out.status, 200, "{out:?}");
    assert!(out.header("set-cookie").starts_with("brokerd-8642=; "), "{out:?}");
    assert_eq!((status(&api, &here).await, at_other(&here).await), (401, 401));
    assert_eq!((status(&api, &there).await, at_other(&there).await), (200, 200));
    let third = api.signed_in(&api.alice).await;
    let out = api.browse(&there, "DELETE", "/console/sessions", "").await;
    assert_eq!(out.status, 200, "{out:?}");
    for browser in [&there, &third] {
        assert_eq!((status(&api, browser).await, at_other(browser).await), (401, 401));
    }
    assert_eq!(api.browse(&bobs, "GET", "/console/session", "").await.status, 200, "somebody else");
    api.stop().await;
}

#[tokio::test]
async fn a_key_that_is_withdrawn_ends_its_sessions_for_good() {
    let api = TestApi::start().await;
    let other = api.another_process().await;
    let account = ACCOUNT.parse().expect("an account");
    let bob = api.user("bob").await;
    let id = bob.client.credentials.access_key_id.parse().expect("an identifier");
    let browser = api.signed_in(&bob.client).await;
    let view = async |router: &axum::Router| {
        let request = browser.request("GET", "/console/session", "");
        api.send_to(router, request).await.status.as_u16()
    };
    assert_eq!((view(&api.router).await, view(&other).await), (200, 200));
    for state in [AccessKeyState::Inactive, AccessKeyState::Active] {
        let holder = KeyHolderName::User(&bob.name);
        api.store.set_access_key_state(&account, holder, &id, state).await.expect("set");
        // At once, also where the key is remembered.
        assert_eq!((view(&api.router).await, view(&other).await), (401, 401), "{state:?}");
    }
    api.clock.advance_seconds(5);
    let browser = api.signed_in(&bob.client).await;
    let holder = KeyHolderName::User(&bob.name);
    api.store.delete_access_key(&account, holder, &id).await.expect("deleted");
    assert_eq!(api.browse(&browser, "GET", "/console/session", "").await.status, 401);

    // One that expires.
    let holder = KeyHolderName::Root;
    let fresh = brokerd_domain::identity::AccessKeyId::generate(&crate::identities::entropy());
    let expires = api.clock.now().plus(std::time::Duration::from_mins(10));
    let secret = "fresh-secret".into();
    api.store
        .create_access_key(&account, holder, &fresh, &secret, Some(expires), api.clock.now())
        .await
        .expect("made");
    let client = Client::new(fresh.as_str(), "fresh-secret", "us-east-1");
    let browser = api.signed_in(&client).await;
    assert_eq!(status(&api, &browser).await, 200);
    api.clock.advance_seconds(600);
    assert_eq!(status(&api, &browser).await, 401);
    api.stop().await;
}

#[tokio::test]
async fn a_session_sees_its_own_account_and_the_region_that_it_names() {
    let api = TestApi::start().await;
    api.add_key("AKIAOTHER", "other-secret", OTHER).await;
    let id = api.create("orders").await;
    let other = Client::new("AKIAOTHER", "other-secret", "us-east-1");
    let [mine, theirs] = [api.signed_in(&api.alice).await, api.signed_in(&other).await];
    let region = |browser: &Browser, name: &str| browser.with("x-brokerd-region", name);
    let target = format!("/v1/brokers/{id}");
    let read = async |browser: Browser| api.browse(&browser, "GET", &target, "").await;
    assert_eq!(read(region(&mine, "us-east-1")).await.status, 200);
    assert_eq!(read(region(&mine, "eu-central-1")).await.status, 404);
    assert_eq!(read(region(&theirs, "us-east-1")).await.status, 404);
    for odd in ["mars-north-1", "x", "us-east-1,eu-central-1"] {
        let told = read(region(&mine, odd)).await.refusal();
        assert_eq!((told.0, told.2.contains("x-brokerd-region")), (400, true), "{odd}");
    }
    let made = api
        .browse(&region(&theirs, "eu-central-1"), "POST", "/v1/brokers", &rabbitmq("theirs", ""))
        .await;
    assert_eq!(made.status, 200, "{made:?}");
    let arn = made.json()["brokerArn"].as_str().expect("an ARN").to_owned();
    assert!(arn.starts_with(&format!("arn:aws:mq:eu-central-1:{OTHER}:")), "{arn}");
    // The event tells who it was as if it had been signed.
    let records = api.records().await;
    let created = records.iter().filter(|record| record["eventName"] == json!("CreateBroker"));
    let created: Vec<_> = created.filter(|record| record["recipientAccountId"] == OTHER).collect();
    let [record] = &created[..] else { panic!("{records:?}") };
    assert_eq!(record["userIdentity"]["accessKeyId"], json!("AKIAOTHER"));
    assert_eq!(record["awsRegion"], json!("eu-central-1"));
    api.stop().await;
}

#[tokio::test]
async fn a_cookie_counts_for_requests_of_our_own_page_and_never_beside_a_signature() {
    let api = TestApi::start().await;
    let browser = api.signed_in(&api.alice).await;
    let body = rabbitmq("orders", "");
    let post =
        async |browser: &Browser| api.browse(browser, "POST", "/v1/brokers", &body).await.refusal();
    for elsewhere in [
        browser.with("sec-fetch-site", "cross-site"),
        browser.with("sec-fetch-site", "same-site"),
        browser.with("sec-fetch-site", "none"),
        browser.with("sec-fetch-site", ""),
        browser.with("sec-fetch-site", "").with("origin", "http://127.0.0.1:9999"),
        browser.with("host", "evil.example:8642"),
    ] {
        let (status, code, _) = post(&elsewhere).await;
        assert_eq!((status, code.as_str()), (403, "ForbiddenException"), "{:?}", elsewhere.headers);
    }
    let untyped = browser.with("content-type", "");
    assert_eq!(post(&untyped).await.2, "The header content-type is missing.");
    assert_eq!(api.browse(&browser, "POST", "/v1/brokers", &body).await.status, 200);

    // A signature decides alone.
    let cookie = HeaderValue::from_str(browser.cookie.as_deref().expect("a cookie"));
    let cookie = cookie.expect("a header");
    let mut wrong = api.alice.clone();
    wrong.credentials.secret = "guessed".into();
    let mut request = api.signed(&wrong, "GET", "/v1/brokers", b"");
    request.headers_mut().insert("cookie", cookie.clone());
    request.headers_mut().insert("sec-fetch-site", HeaderValue::from_static("same-origin"));
    assert_eq!(api.send(request).await.refusal().1, "InvalidSignatureException");
    let mut request = browser.request("GET", "/v1/brokers", "");
    request.headers_mut().insert("authorization", HeaderValue::from_static("Basic eDp5"));
    assert_eq!(api.send(request).await.status, 403);
    let bob = api.user("bob").await;
    let mut request = api.signed(&bob.client, "GET", "/v1/brokers", b"");
    request.headers_mut().insert("cookie", cookie);
    assert_eq!(api.send(request).await.status, 403, "bob, whatever the browser keeps");
    api.stop().await;
}

#[tokio::test]
async fn services_without_paths_are_named_by_a_header() {
    let api = TestApi::start().await;
    let browser = api.signed_in(&api.alice).await;
    let form = "application/x-www-form-urlencoded";
    let json11 = "application/x-amz-json-1.1";
    let trail = "com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101.LookupEvents";
    for (service, media, target, body, expected) in [
        ("iam", form, "", "Action=ListUsers&Version=2010-05-08", "<ListUsersResponse"),
        ("sts", form, "", "Action=GetCallerIdentity&Version=2011-06-15", ":root</Arn>"),
        ("cloudtrail", json11, trail, "{}", "\"Events\""),
        ("logs", json11, "Logs_20140328.DescribeLogGroups", "{}", "\"logGroups\""),
        (
            "monitoring",
            "application/x-amz-json-1.0",
            "GraniteServiceVersion20100801.ListMetrics",
            "{}",
            "\"Metrics\"",
        ),
    ] {
        let called = browser
            .with("x-brokerd-service", service)
            .with("content-type", media)
            .with("x-amz-target", target);
        let reply = api.browse(&called, "POST", "/", body).await;
        assert_eq!(reply.status, 200, "{service}: {reply:?}");
        assert!(reply.text.contains(expected), "{service}: {reply:?}");
        let signed_out = Browser { cookie: None, ..called };
        assert_eq!(api.browse(&signed_out, "POST", "/", body).await.status, 401, "{service}");
    }
    for odd in ["", "mq", "sqs"] {
        let called = browser.with("x-brokerd-service", odd).with("content-type", form);
        let reply = api.browse(&called, "POST", "/", "Action=ListUsers").await;
        assert_eq!(reply.status, 400, "{odd}: {reply:?}");
    }
    api.stop().await;
}

#[tokio::test]
async fn nothing_in_the_database_signs_in() {
    let api = TestApi::start().await;
    let browser = api.signed_in(&api.alice).await;
    let cookie = browser.cookie.clone().expect("a cookie");
    let token = cookie.split_once('=').expect("a pair").1.to_owned();
    let mut database = api.connection().await;
    let rows: Vec<String> = sqlx::query_scalar("select s::text from console_session s")
        .fetch_all(&mut database)
        .await
        .expect("read");
    let [row] = &rows[..] else { panic!("{rows:?}") };
    let secret = key_of(&api.alice)["secretAccessKey"].as_str().expect("a secret").to_owned();
    assert!(!row.contains(&token) && !row.contains(&secret), "{row}");
    let hash = row.trim_start_matches('(').split(',').next().expect("a hash");
    let thief = Browser { cookie: Some(format!("brokerd-8642={hash}")), ..Browser::default() };
    assert_eq!(status(&api, &thief).await, 401);
    api.stop().await;
}
