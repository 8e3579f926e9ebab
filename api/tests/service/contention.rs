//! Many who change one broker at the same time.

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::support::TestApi;

const MANY: usize = 64;

/// The statuses of requests that are sent at once to two processes in turn.
async fn at_once(
    api: &TestApi,
    other: &axum::Router,
    requests: impl Iterator<Item = (&'static str, String, Value)>,
) -> Vec<u16> {
    let calls = requests.enumerate().map(|(n, (method, target, body))| {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let request = api.signed(&api.alice, method, &target, body.as_bytes());
        let router = if n % 2 == 0 { &api.router } else { other };
        async move { api.send_to(router, request).await.status.as_u16() }
    });
    join_all(calls).await
}

#[tokio::test]
async fn everybody_who_changes_a_broker_at_once_is_done() {
    let api = TestApi::start().await;
    let other = api.another_process().await;
    let id = api.running_activemq("orders").await;
    let broker = format!("/v1/brokers/{id}");
    let user = |n: usize| format!("{broker}/users/user-{n}");
    let password = json!({"password": "another-password-2"});

    let created = (0..MANY).map(|n| ("POST", user(n), password.clone()));
    assert_eq!(at_once(&api, &other, created).await, [200; MANY]);
    let listed = api.call("GET", &format!("{broker}/users?maxResults=100"), "").await.json();
    assert_eq!(listed["users"].as_array().map(Vec::len), Some(MANY + 1));

    // Users and the broker itself, each in another way.
    let mixed = (0..MANY).map(|n| match n % 4 {
        0 => ("DELETE", user(n), Value::Null),
        1 => ("PUT", user(n), json!({"groups": ["admins"]})),
        2 => ("PUT", broker.clone(), json!({"logs": {"general": n % 8 == 2}})),
        _ => ("POST", user(MANY + n), password.clone()),
    });
    assert_eq!(at_once(&api, &other, mixed).await, [200; MANY]);
    let listed = api.call("GET", &format!("{broker}/users?maxResults=100"), "").await.json();
    assert_eq!(listed["users"].as_array().map(Vec::len), Some(MANY + 1));

    // Only one reboot can be under way.
    let reboots = (0..MANY).map(|_| ("POST", format!("{broker}/reboot"), Value::Null));
    let mut statuses = at_once(&api, &other, reboots).await;
    statuses.sort_unstable();
    assert_eq!((statuses[0], &statuses[1..]), (200, &[400; MANY - 1][..]));
    api.stop().await;
}
