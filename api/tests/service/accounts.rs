//! Accounts: the operator administers them, others see their own and nothing of another one.

use serde_json::{Value, json};

use crate::{
    identities::{ACCOUNT, allowing},
    support::{Client, Reply, TestApi, activemq},
};

const ACCOUNTS: &str = "/brokerd/v1/accounts";
const RED: &str = "100000000001";

fn of(id: &str) -> String {
    format!("{ACCOUNTS}/{id}")
}

/// An account that the operator has made, and its root.
async fn red(api: &TestApi, quotas: &Value) -> Client {
    let body = json!({ "name": "red", "accountId": RED, "quotas": quotas }).to_string();
    let created = api.call("POST", ACCOUNTS, &body).await;
    assert_eq!(created.status, 200, "{created:?}");
    api.add_key("AKIARED", "red-secret", RED).await;
    Client::new("AKIARED", "red-secret", "us-east-1")
}

#[tokio::test]
async fn the_operator_makes_lists_changes_and_deletes_accounts() {
    let api = TestApi::start().await;
    let body = r#"{"name": "Team Red", "quotas": {"brokers": 3, "apiRate": 5}}"#;
    let created = api.call("POST", ACCOUNTS, body).await;
    assert_eq!(created.status, 200, "{created:?}");
    let id = created.json()["accountId"].as_str().expect("a number").to_owned();
    let mut expected = json!({
        "accountId": id, "arn": format!("arn:aws:account::{id}:account"), "name": "Team Red",
        "state": "ACTIVE", "quotas": {"brokers": 3, "apiRate": 5},
        "created": created.json()["created"],
    });
    assert_eq!(created.json(), expected);
    assert_eq!(api.call("GET", &of(&id), "").await.json(), expected);
    let own = api.call("GET", &of(ACCOUNT), "").await.json();
    let listed = api.call("GET", ACCOUNTS, "").await.json();
    assert_eq!(listed, json!({ "accounts": [own, expected] }));
    let others = ["a", "B", "c", "D", "e"].map(|name| json!({ "name": name }).to_string());
    let mut numbers = Vec::new();
    for body in &others {
        let made = api.call("POST", ACCOUNTS, body).await.json();
        numbers.push(made["accountId"].as_str().expect("a number").to_owned());
    }
    let first = api.call("GET", &format!("{ACCOUNTS}?maxResults=5"), "").await.json();
    let names = |page: &Value| -> Vec<String> {
        let accounts = page["accounts"].as_array().expect("a list");
        accounts.iter().map(|one| one["name"].as_str().expect("a name").to_owned()).collect()
    };
    assert_eq!(names(&first), [ACCOUNT, "a", "B", "c", "D"]);
    let token = first["nextToken"].as_str().expect("there are more").replace('=', "%3D");
    let next = format!("{ACCOUNTS}?maxResults=5&nextToken={token}");
    let last = api.call("GET", &next, "").await.json();
    assert_eq!(
        (names(&last), &last["nextToken"]),
        (vec!["e".into(), "Team Red".into()], &Value::Null)
    );
    assert_eq!(api.call("GET", &format!("{ACCOUNTS}?nextToken=x"), "").await.status, 400);
    for number in numbers {
        assert_eq!(api.call("DELETE", &of(&number), "").await.status, 204);
    }

    // What is not named stays; quotas are replaced as a whole.
    let body = r#"{"quotas": {"memoryMib": 4096, "storageGib": 0}}"#;
    expected["quotas"] = json!({"memoryMib": 4096, "storageGib": 0});
    assert_eq!(api.call("PUT", &of(&id), body).await.json(), expected);
    expected["state"] = "SUSPENDED".into();
    assert_eq!(api.call("PUT", &of(&id), r#"{"state": "suspended"}"#).await.json(), expected);
    expected["name"] = "rot".into();
    assert_eq!(api.call("PUT", &of(&id), r#"{"name": "rot"}"#).await.json(), expected);
    for (given, told) in
        [(json!(["10.1.2.3/8"]), json!(["10.0.0.0/8"])), (json!(["none"]), json!(["none"]))]
    {
        expected["outgoing"] = told;
        let body = json!({ "outgoing": given }).to_string();
        assert_eq!(api.call("PUT", &of(&id), &body).await.json(), expected);
    }
    let authority = rcgen::generate_simple_self_signed(Vec::new()).expect("a certificate");
    expected["directoryAuthorities"] = authority.cert.pem().into();
    let body = json!({ "directoryAuthorities": authority.cert.pem() }).to_string();
    assert_eq!(api.call("PUT", &of(&id), &body).await.json(), expected);
    for member in ["outgoing", "directoryAuthorities"] {
        expected.as_object_mut().expect("an object").remove(member);
    }
    let free = r#"{"outgoing": ["all"], "directoryAuthorities": ""}"#;
    assert_eq!(api.call("PUT", &of(&id), free).await.json(), expected);
    let usage = api.call("GET", &format!("{}/usage", of(&id)), "").await.json();
    let nothing = json!({
        "accountId": id, "brokers": {"used": 0}, "memoryMib": {"used": 0, "quota": 4096},
        "storageGib": {"used": 0, "quota": 0},
    });
    assert_eq!(usage, nothing);

    assert_eq!(api.call("DELETE", &of(&id), "").await.status, 204);
    for (method, body) in [("GET", ""), ("PUT", "{}"), ("DELETE", "")] {
        let (status, code, message) = api.call(method, &of(&id), body).await.refusal();
        assert_eq!((status, code.as_str()), (404, "NotFoundException"));
        assert_eq!(message, format!("Account ID [{id}] can't be found. Make sure it exists."));
    }
    api.stop().await;
}

#[tokio::test]
async fn what_no_account_can_be_is_refused_by_name() {
    let api = TestApi::start().await;
    red(&api, &json!({})).await;
    for (body, status, at_fault) in [
        (r#"{}"#, 400, "name"),
        (r#"{"name": ""}"#, 400, "name"),
        (r#"{"name": " red"}"#, 400, "name"),
        (r#"{"name": "RED"}"#, 409, "name"),
        (r#"{"name": "x", "accountId": "1"}"#, 400, "accountId"),
        (r#"{"name": "x", "accountId": "100000000001"}"#, 409, "accountId"),
        (r#"{"name": "x", "quotas": {"brokers": -1}}"#, 400, "brokers"),
        (r#"{"name": "x", "quotas": {"memoryMib": 2147483648}}"#, 400, "memoryMib"),
        (r#"{"name": "x", "quotas": {"apiRate": 0}}"#, 400, "apiRate"),
        (r#"{"name": "x", "quotas": {"storageGib": "1"}}"#, 400, "quotas.storageGib"),
    ] {
        let reply = api.call("POST", ACCOUNTS, body).await;
        assert_eq!(reply.status, status, "{body}: {reply:?}");
        assert_eq!(reply.json()["errorAttribute"], at_fault, "{body}: {reply:?}");
    }
    for (body, status, at_fault) in [
        (r#"{"state": "CLOSED"}"#, 400, "state"),
        (r#"{"name": "000000000000"}"#, 409, "name"),
        (r#"{"quotas": {"brokers": 4294967296}}"#, 400, "brokers"),
        (r#"{"outgoing": []}"#, 400, "outgoing"),
        (r#"{"outgoing": ["10.0.0.0/8", "none"]}"#, 400, "outgoing"),
        (r#"{"outgoing": "none"}"#, 400, "outgoing"),
        (r#"{"directoryAuthorities": "x"}"#, 400, "directoryAuthorities"),
        (
            r#"{"directoryAuthorities": "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"}"#,
            400,
            "directoryAuthorities",
        ),
    ] {
        let reply = api.call("PUT", &of(RED), body).await;
        assert_eq!(reply.status, status, "{body}: {reply:?}");
        assert_eq!(reply.json()["errorAttribute"], at_fault, "{body}: {reply:?}");
    }
    // Nobody could undo either.
    for (method, body) in [("PUT", r#"{"state": "SUSPENDED"}"#), ("DELETE", "")] {
        let (status, code, _) = api.call(method, &of(ACCOUNT), body).await.refusal();
        assert_eq!((status, code.as_str()), (409, "ConflictException"), "{method}");
    }
    assert_eq!(api.call("GET", &of(RED), "").await.json()["quotas"], json!({}));
    api.stop().await;
}

#[tokio::test]
async fn others_see_their_own_account_and_of_another_one_not_even_whether_it_exists() {
    let api = TestApi::start().await;
    let red = red(&api, &json!({})).await;
    for rest in ["", "/usage"] {
        let shown = api.call_as(&red, "GET", &format!("{}{rest}", of(RED)), "").await;
        assert_eq!((shown.status.as_u16(), &shown.json()["accountId"]), (200, &json!(RED)));
    }
    let requests: [(&str, &str, &str, u16); 4] = [
        ("GET", "", "", 404),
        ("GET", "/usage", "", 404),
        ("PUT", "", r#"{"name": "mine"}"#, 403),
        ("DELETE", "", "", 403),
    ];
    for (method, rest, body, status) in requests {
        let told = async |id: &str| {
            let target = format!("{}{rest}", of(id));
            let (status, code, message) = api.call_as(&red, method, &target, body).await.refusal();
            (status, code, message.replace(id, "ACCOUNT"))
        };
        let of_operator = told(ACCOUNT).await;
        assert_eq!(of_operator.0, status, "{of_operator:?}");
        for absent in ["999999999999", "nothing", "%20"] {
            let absent = told(absent).await;
            assert_eq!(of_operator.0, absent.0, "{absent:?}");
        }
        assert_eq!(of_operator, told("999999999999").await, "{method} {rest}");
    }
    for (method, target, action, resource) in [
        ("GET", ACCOUNTS.to_owned(), "ListAccounts", "*".to_owned()),
        ("POST", ACCOUNTS.to_owned(), "CreateAccount", "*".to_owned()),
        ("PUT", of(RED), "UpdateAccount", format!("arn:aws:account::{RED}:account")),
        ("DELETE", of(RED), "DeleteAccount", format!("arn:aws:account::{RED}:account")),
    ] {
        let body = if method == "PUT" { "{}" } else { "" };
        let refused = api.call_as(&red, method, &target, body).await.refusal();
        let message = format!(
            "User: arn:aws:iam::{RED}:root is not authorized to perform: brokerd:{action} on resource: {resource} because only the operator's account may"
        );
        assert_eq!(refused, (403, "AccessDeniedException".to_owned(), message));
    }
    api.stop().await;
}

#[tokio::test]
async fn a_user_of_the_operators_account_administers_the_accounts_that_its_policy_names() {
    let api = TestApi::start().await;
    red(&api, &json!({})).await;
    let user = api.user("somebody").await;
    let arn = format!("arn:aws:account::{RED}:account");
    let allowed = allowing([("brokerd:UpdateAccount", arn.as_str()), ("brokerd:List*", "*")]);
    api.set_policy(&user, &allowed).await;
    let put = async |id| api.call_as(&user.client, "PUT", &of(id), r#"{"quotas": {}}"#).await;
    assert_eq!(put(RED).await.status, 200);
    for other in [ACCOUNT, "999999999999"] {
        assert_eq!(put(other).await.status, 403, "{other}");
    }
    assert_eq!(api.call_as(&user.client, "GET", ACCOUNTS, "").await.status, 200);
    assert_eq!(api.call_as(&user.client, "DELETE", &of(RED), "").await.status, 403);
    api.stop().await;
}

#[tokio::test]
async fn a_suspended_account_is_refused_from_the_next_request_on_and_its_brokers_stay() {
    let api = TestApi::start().await;
    let red = red(&api, &json!({})).await;
    let created = api.call_as(&red, "POST", "/v1/brokers", &activemq("orders", "")).await;
    assert_eq!(created.status, 200, "{created:?}");
    let set = async |state: &str| {
        let body = json!({ "state": state }).to_string();
        assert_eq!(api.call("PUT", &of(RED), &body).await.status, 200);
    };
    set("SUSPENDED").await;
    let refused = api.call_as(&red, "GET", "/v1/brokers", "").await.refusal();
    let message = format!("Account {RED} is suspended.");
    assert_eq!(refused, (403, "AccessDeniedException".to_owned(), message));
    set("ACTIVE").await;
    let listed = api.call_as(&red, "GET", "/v1/brokers", "").await;
    assert!(listed.status == 200 && listed.text.contains("orders"), "{listed:?}");
    let (status, code, message) = api.call("DELETE", &of(RED), "").await.refusal();
    assert_eq!((status, code.as_str()), (409, "ConflictException"));
    let expected =
        format!("Account ID [{RED}] still has brokers. Delete them and retry the request.");
    assert_eq!(message, expected);
    api.stop().await;
}

#[tokio::test]
async fn the_keys_of_a_deleted_account_sign_no_more() {
    let api = TestApi::start().await;
    let red = red(&api, &json!({})).await;
    assert_eq!(api.call_as(&red, "GET", "/v1/brokers", "").await.status, 200);
    let other_process = api.another_process().await;
    let ask = |body: &str| {
        let method = if body.is_empty() { "GET" } else { "POST" };
        api.signed(&red, method, "/v1/brokers", body.as_bytes())
    };
    assert_eq!(api.send_to(&other_process, ask("")).await.status, 200);
    assert_eq!(api.call("DELETE", &of(RED), "").await.status, 204);
    let unknown = (
        403,
        "UnrecognizedClientException".to_owned(),
        "The security token included in the request is invalid.".to_owned(),
    );
    assert_eq!(api.send(ask("")).await.refusal(), unknown);
    // Another process remembers the key for a moment, and can make nothing with it.
    let late = api.send_to(&other_process, ask(&activemq("orders", ""))).await;
    assert_eq!(late.refusal(), unknown);
    let usage = api.call("GET", ACCOUNTS, "").await;
    assert!(!usage.text.contains(RED), "{usage:?}");
    api.stop().await;
}

async fn create(api: &TestApi, client: &Client, name: &str) -> Reply {
    api.call_as(client, "POST", "/v1/brokers", &activemq(name, "")).await
}

#[tokio::test]
async fn quotas_are_refused_as_the_service_refuses_too_many_brokers_and_usage_tells_them() {
    let api = TestApi::start().await;
    let quotas = |quotas: Value| {
        let body = json!({ "quotas": quotas }).to_string();
        let api = &api;
        async move { assert_eq!(api.call("PUT", &of(RED), &body).await.status, 200) }
    };
    let red = red(&api, &json!({"memoryMib": 2048})).await;
    for name in ["one", "two"] {
        assert_eq!(create(&api, &red, name).await.status, 200);
    }
    let bad = |message: &str| (400, "BadRequestException".to_owned(), message.to_owned());
    let memory = bad(
        "The account's quota for memory of brokers does not permit this. Choose a smaller instance type or delete a broker, and retry the request.",
    );
    let storage = bad(
        "The account's quota for storage of brokers does not permit this. Choose a smaller instance type or delete a broker, and retry the request.",
    );
    let brokers = bad(
        "The account has as many brokers as its quota permits. Delete a broker and retry the request.",
    );
    assert_eq!(create(&api, &red, "three").await.refusal(), memory);
    quotas(json!({"storageGib": 59})).await;
    assert_eq!(create(&api, &red, "three").await.refusal(), storage);
    quotas(json!({"brokers": 2, "memoryMib": 1, "storageGib": 1})).await;
    assert_eq!(create(&api, &red, "three").await.refusal(), brokers);
    let taken = create(&api, &red, "two").await;
    assert_eq!(taken.status, 409, "the name explains it better: {taken:?}");
    let usage = api.call_as(&red, "GET", &format!("{}/usage", of(RED)), "").await.json();
    let expected = json!({
        "accountId": RED, "brokers": {"used": 2, "quota": 2},
        "memoryMib": {"used": 2048, "quota": 1}, "storageGib": {"used": 40, "quota": 1},
    });
    assert_eq!(usage, expected);

    // UpdateBroker: only what takes more is refused.
    quotas(json!({})).await;
    let large = activemq("large", "").replace("mq.t3.micro", "mq.m5.large");
    let reply = api.call_as(&red, "POST", "/v1/brokers", &large).await;
    let id = reply.json()["brokerId"].as_str().expect("an identifier").to_owned();
    api.converge(&id).await;
    quotas(json!({"memoryMib": 1})).await;
    let target = format!("/v1/brokers/{id}");
    let put = async |body: &str| api.call_as(&red, "PUT", &target, body).await;
    assert_eq!(put(r#"{"hostInstanceType": "mq.m5.xlarge"}"#).await.refusal(), memory);
    let other = put(r#"{"logs": {"general": true}}"#).await;
    assert_eq!(other.status, 200, "{other:?}");
    let shown = api.call_as(&red, "GET", &target, "").await.json();
    assert_eq!(shown["pendingHostInstanceType"], Value::Null, "{shown}");
    quotas(json!({"memoryMib": 18432})).await;
    assert_eq!(put(r#"{"hostInstanceType": "mq.m5.xlarge"}"#).await.status, 200);
    let usage = api.call("GET", &format!("{}/usage", of(RED)), "").await.json();
    assert_eq!(usage["memoryMib"], json!({"used": 18432, "quota": 18432}));
    api.stop().await;
}

#[tokio::test]
async fn an_account_has_a_rate_of_its_own() {
    let api = TestApi::start_throttled(10, 5).await;
    let red = red(&api, &json!({"apiRate": 1})).await;
    let admitted = async |client: &Client| {
        let mut admitted = 0;
        while api.call_as(client, "GET", "/v1/brokers", "").await.status == 200 {
            admitted += 1;
        }
        admitted
    };
    assert_eq!((admitted(&red).await, admitted(&api.alice).await), (10, 10), "at once");
    api.clock.advance_seconds(2);
    assert_eq!((admitted(&red).await, admitted(&api.alice).await), (2, 10));
    api.stop().await;
}
