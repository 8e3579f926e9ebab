//! Users of ActiveMQ brokers, from request to reboot.

use serde_json::json;

use crate::support::TestApi;

const NEW: &str =
    r#"{"password": "another-password-2", "groups": ["admins"], "consoleAccess": true}"#;

#[tokio::test]
async fn users_wait_for_the_reboot_and_are_shown_as_waiting() {
    let api = TestApi::start().await;
    let id = api.running_activemq("orders").await;
    let users = format!("/v1/brokers/{id}/users");
    for (method, name, body) in
        [("POST", "bob", NEW), ("PUT", "alice", r#"{"groups": ["ab"]}"#), ("POST", "carol", NEW)]
    {
        let reply = api.call(method, &format!("{users}/{name}"), body).await;
        assert_eq!((reply.status.as_u16(), reply.text.as_str()), (200, "{}"), "{name}");
    }
    let listed = api.call("GET", &users, "").await.json();
    assert_eq!(
        listed,
        json!({"brokerId": id, "maxResults": 20, "users": [
            {"pendingChange": "UPDATE", "username": "alice"},
            {"pendingChange": "CREATE", "username": "bob"},
            {"pendingChange": "CREATE", "username": "carol"},
        ]})
    );
    assert_eq!(api.describe(&id).await["users"], listed["users"]);
    let alice = api.call("GET", &format!("{users}/alice"), "").await.json();
    assert_eq!(
        alice,
        json!({
            "brokerId": id, "username": "alice", "consoleAccess": false, "groups": [],
            "replicationUser": false,
            "pending": {"pendingChange": "UPDATE", "consoleAccess": false, "groups": ["ab"]},
        })
    );
    // A user that is not there yet is shown as it will be, and goes at once.
    let bob = api.call("GET", &format!("{users}/bob"), "").await.json();
    assert_eq!(
        (&bob["consoleAccess"], &bob["pending"]["pendingChange"]),
        (&json!(true), &json!("CREATE"))
    );
    assert_eq!(api.call("DELETE", &format!("{users}/bob"), "").await.status, 200);
    assert_eq!(api.call("GET", &format!("{users}/bob"), "").await.status, 404);

    api.reboot(&id).await;
    let settled = api.call("GET", &format!("{users}/alice"), "").await.json();
    assert_eq!((settled["groups"].clone(), settled.get("pending")), (json!(["ab"]), None));
    assert_eq!(api.call("DELETE", &format!("{users}/carol"), "").await.status, 200);
    let shown = api.describe(&id).await["users"].clone();
    assert_eq!(shown[1], json!({"pendingChange": "DELETE", "username": "carol"}));
    api.reboot(&id).await;
    assert_eq!(api.describe(&id).await["users"], json!([{"username": "alice"}]));
    api.stop().await;
}

#[tokio::test]
async fn users_that_can_not_be_are_refused_by_their_member() {
    let api = TestApi::start().await;
    let id = api.running_activemq("orders").await;
    let users = format!("/v1/brokers/{id}/users");
    let both =
        r#"{"password": "another-password-2", "consoleAccess": true, "replicationUser": true}"#;
    for (method, name, body, status, attribute) in [
        ("POST", "alice", NEW, 409, Some("username")),
        ("POST", "bob", "{}", 400, Some("password")),
        ("POST", "bob", r#"{"password": "short"}"#, 400, Some("password")),
        ("POST", "b%20b", NEW, 400, Some("username")),
        ("POST", "bob", r#"{"password": 1}"#, 400, Some("password")),
        (
            "POST",
            "bob",
            r#"{"password": "another-password-2", "groups": ["!"]}"#,
            400,
            Some("groups"),
        ),
        ("POST", "bob", both, 400, None),
        ("PUT", "alice", r#"{"consoleAccess": true, "replicationUser": true}"#, 400, None),
        ("PUT", "bob", NEW, 404, Some("username")),
        ("DELETE", "bob", "", 404, Some("username")),
        ("GET", "bob", "", 404, Some("username")),
    ] {
        let reply = api.call(method, &format!("{users}/{name}"), body).await;
        assert_eq!(reply.status, status, "{method} {name} {body}: {reply:?}");
        let shown = reply.json();
        assert_eq!(
            shown["errorAttribute"].as_str(),
            attribute,
            "{method} {name} {body}: {reply:?}"
        );
        assert!(!reply.text.contains("another-password"), "{reply:?}");
    }
    let reply = api.call("GET", &format!("{users}/bob"), "").await;
    assert_eq!(reply.refusal().2, "Can't find requested user [bob]. Make sure your user exists.");
    assert_eq!(api.describe(&id).await["users"], json!([{"username": "alice"}]));
    api.stop().await;
}

#[tokio::test]
async fn what_waits_is_frozen_while_a_reboot_is_outstanding() {
    let api = TestApi::start().await;
    let id = api.running_activemq("orders").await;
    let users = format!("/v1/brokers/{id}/users");
    assert_eq!(api.call("POST", &format!("/v1/brokers/{id}/reboot"), "").await.status, 200);
    // DeleteUser has no ConflictException in the service model.
    for (method, name, status) in
        [("POST", "bob", 409), ("PUT", "alice", 409), ("DELETE", "alice", 400)]
    {
        let reply = api.call(method, &format!("{users}/{name}"), NEW).await;
        assert_eq!(reply.status, status, "{method}: {reply:?}");
    }
    api.converge(&id).await;
    assert_eq!(api.call("POST", &format!("{users}/bob"), NEW).await.status, 200);
    api.stop().await;
}

#[tokio::test]
async fn rabbitmq_looks_after_its_own_users() {
    let api = TestApi::start().await;
    let id = api.create("orders").await;
    api.converge(&id).await;
    let users = format!("/v1/brokers/{id}/users");
    for method in ["POST", "PUT", "DELETE"] {
        let reply = api.call(method, &format!("{users}/admin"), NEW).await;
        let message =
            "To manage broker users, please use the RabbitMQ web console, or the management API";
        assert_eq!(reply.refusal(), (400, "BadRequestException".to_owned(), message.to_owned()));
    }
    assert_eq!(api.call("GET", &format!("{users}/admin"), "").await.status, 404);
    let listed = api.call("GET", &users, "").await.json();
    assert_eq!(listed, json!({"brokerId": id, "maxResults": 20, "users": []}));
    let shared = api.call("GET", &format!("/v1/brokers/{id}/shared-resources"), "").await.json();
    assert_eq!(shared, json!({"sharedResources": []}));
    api.stop().await;
}

#[tokio::test]
async fn pages_of_users_have_neither_gaps_nor_repetitions_when_some_go_in_between() {
    let api = TestApi::start().await;
    let id = api.running_activemq("orders").await;
    let users = format!("/v1/brokers/{id}/users");
    for n in 10..20 {
        assert_eq!(api.call("POST", &format!("{users}/user-{n}"), NEW).await.status, 200);
    }
    let first = api.call("GET", &format!("{users}?maxResults=5"), "").await.json();
    let token = first["nextToken"].as_str().expect("more").to_owned();
    let last = first["users"][4]["username"].as_str().expect("a name").to_owned();
    assert_eq!(api.call("DELETE", &format!("{users}/{last}"), "").await.status, 200);
    let token = token.replace('=', "%3D").replace('+', "%2B").replace('/', "%2F");
    let target = format!("{users}?maxResults=100&nextToken={token}");
    let rest = api.call("GET", &target, "").await.json();
    assert_eq!(rest["users"].as_array().map(Vec::len), Some(6), "{rest}");
    assert_eq!(rest.get("nextToken"), None);
    api.stop().await;
}
