//! Server-sent events, as a page of the console reads them.

use std::time::Duration;

use axum::{Router, body::Body};
use brokerd_domain::{BrokerId, identity::AccessKeyState};
use brokerd_store::KeyHolderName;
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use tokio::time::{Instant, timeout_at};
use tower::ServiceExt as _;

use super::Browser;
use crate::{
    identities::{ACCOUNT, allowing},
    isolation::OTHER,
    support::{Client, TestApi, rabbitmq},
};

/// How long what has to come may take.
const TIMEOUT: Duration = Duration::from_secs(30);

/// A stream that is open.
struct Stream {
    body: Body,
    text: String,
}

impl Stream {
    async fn open(router: &Router, browser: &Browser, target: &str) -> Self {
        let request = browser.request("GET", target, "");
        let response = router.clone().oneshot(request).await.expect("infallible");
        assert_eq!(response.status(), 200);
        let headers = response.headers();
        assert_eq!(headers["content-type"], "text/event-stream");
        assert_eq!(headers["cache-control"], "no-store");
        let mut stream = Self { body: response.into_body(), text: String::new() };
        let (name, data) = stream.next().await.expect("a greeting");
        assert_eq!(name, "hello");
        assert!(data["version"].is_string(), "{data}");
        stream
    }

    /// The next event; none: the stream is over.
    async fn next(&mut self) -> Option<(String, Value)> {
        let deadline = Instant::now() + TIMEOUT;
        loop {
            if let Some((event, rest)) = self.text.split_once("\n\n") {
                let (event, rest) = (event.to_owned(), rest.to_owned());
                self.text = rest;
                let line = |name: &str| event.lines().find_map(|line| line.strip_prefix(name));
                // Comments show that the stream is there.
                let Some(name) = line("event: ") else { continue };
                let data = line("data: ").unwrap_or("null");
                return Some((name.to_owned(), serde_json::from_str(data).expect("JSON")));
            }
            let frame = timeout_at(deadline, self.body.frame()).await.expect("in time")?;
            let bytes = frame.expect("a frame").into_data().expect("data");
            self.text.push_str(std::str::from_utf8(&bytes).expect("UTF-8"));
        }
    }

    /// Waits for a change of that broker; no other broker may be told of before.
    async fn change(&mut self, broker: &str, change: &str) {
        loop {
            let (name, data) = self.next().await.expect("goes on");
            assert_eq!((name.as_str(), &data["brokerId"]), ("broker", &json!(broker)));
            if data["change"] == json!(change) {
                return;
            }
        }
    }
}

#[tokio::test]
async fn a_page_is_told_of_changes_in_its_account_and_region_at_whichever_process() {
    let api = TestApi::start().await;
    let other = api.another_process().await;
    api.add_key("AKIAOTHER", "other-secret", OTHER).await;
    let stranger = Client::new("AKIAOTHER", "other-secret", "us-east-1");
    let browser = api.signed_in(&api.alice).await;
    let frankfurt = browser.with("x-brokerd-region", "eu-central-1");
    let target = "/console/events?region=us-east-1";
    let mut here = Stream::open(&api.router, &browser, target).await;
    let mut there = Stream::open(&other, &browser, target).await;
    let mut elsewhere = Stream::open(&api.router, &frankfurt, "/console/events").await;
    let theirs = api.call_as(&stranger, "POST", "/v1/brokers", &rabbitmq("theirs", "")).await;
    assert_eq!(theirs.status, 200, "{theirs:?}");
    let made = api.browse(&frankfurt, "POST", "/v1/brokers", &rabbitmq("far", "")).await;
    let far = made.json()["brokerId"].as_str().expect("an identifier").to_owned();
    let id = api.create("orders").await;
    here.change(&id, "CHANGED").await;
    there.change(&id, "CHANGED").await;
    elsewhere.change(&far, "CHANGED").await;

    // What a provisioner records, and that the broker is gone.
    api.converge(&id).await;
    here.change(&id, "CHANGED").await;
    assert_eq!(api.call("DELETE", &format!("/v1/brokers/{id}"), "").await.status, 200);
    there.change(&id, "CHANGED").await;
    let broker: BrokerId = id.parse().expect("an identifier");
    let mut database = api.connection().await;
    sqlx::query("delete from broker where id = $1")
        .bind(broker.uuid())
        .execute(&mut database)
        .await
        .expect("deleted");
    // Nobody told of this one.
    here.change(&id, "REMOVED").await;
    there.change(&id, "REMOVED").await;
    api.stop().await;
}

#[tokio::test]
async fn a_stream_ends_with_its_session_wherever_that_ends() {
    let api = TestApi::start().await;
    let other = api.another_process().await;
    let bob = api.user("bob").await;
    api.set_policy(&bob, &allowing([("mq:ListBrokers", "*")])).await;
    let ended = async |stream: &mut Stream| {
        assert_eq!(stream.next().await, Some(("signed-out".to_owned(), json!({}))));
        assert_eq!(stream.next().await, None);
    };
    // By signing out, at the same process and at another one.
    for router in [&api.router, &other] {
        let browser = api.signed_in(&bob.client).await;
        let mut stream = Stream::open(router, &browser, "/console/events").await;
        let out = api.browse(&browser, "DELETE", "/console/session", "").await;
        assert_eq!(out.status, 200, "{out:?}");
        ended(&mut stream).await;
    }
    // By time.
    let browser = api.signed_in(&bob.client).await;
    let mut stream = Stream::open(&api.router, &browser, "/console/events").await;
    api.clock.advance_seconds(8 * 3600);
    ended(&mut stream).await;
    // With the key.
    let browser = api.signed_in(&bob.client).await;
    let mut stream = Stream::open(&other, &browser, "/console/events").await;
    let account = ACCOUNT.parse().expect("an account");
    let id = bob.client.credentials.access_key_id.parse().expect("an identifier");
    let (holder, state) = (KeyHolderName::User(&bob.name), AccessKeyState::Inactive);
    api.store.set_access_key_state(&account, holder, &id, state).await.expect("set");
    ended(&mut stream).await;
    api.stop().await;
}

#[tokio::test]
async fn who_may_not_list_brokers_is_told_of_none() {
    let api = TestApi::start().await;
    let bob = api.user("bob").await;
    let browser = api.signed_in(&bob.client).await;
    let alices = api.signed_in(&api.alice).await;
    let mut bobs = Stream::open(&api.router, &browser, "/console/events?region=us-east-1").await;
    let mut hers = Stream::open(&api.router, &alices, "/console/events?region=us-east-1").await;
    let id = api.create("orders").await;
    hers.change(&id, "CHANGED").await;
    assert_eq!(api.browse(&browser, "DELETE", "/console/session", "").await.status, 200);
    let told = bobs.next().await.expect("an end");
    assert_eq!(told.0, "signed-out", "the first that bob is told");
    api.stop().await;
}

#[tokio::test]
async fn a_session_has_so_many_streams_and_nobody_else_any() {
    let api = TestApi::start().await;
    let browser = api.signed_in(&api.alice).await;
    let open = async || api.browse(&browser, "GET", "/console/events", "").await;
    let mut streams = Vec::new();
    for _ in 0..8 {
        streams.push(Stream::open(&api.router, &browser, "/console/events").await);
    }
    assert_eq!(open().await.refusal().1, "TooManyRequestsException");
    let second = api.signed_in(&api.alice).await;
    drop(Stream::open(&api.router, &second, "/console/events").await);
    streams.pop();
    streams.push(Stream::open(&api.router, &browser, "/console/events").await);
    let stranger = Browser::default();
    assert_eq!(api.browse(&stranger, "GET", "/console/events", "").await.status, 401);
    let elsewhere = browser.with("sec-fetch-site", "cross-site");
    assert_eq!(api.browse(&elsewhere, "GET", "/console/events", "").await.status, 403);
    let odd = api.browse(&browser, "GET", "/console/events?region=mars", "").await;
    assert_eq!(odd.status, 400);
    api.stop().await;
}
