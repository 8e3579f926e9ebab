//! Every operation in every state that a broker can be in.

use brokerd_domain::{ActionCode, ActionRequired};

use crate::support::{TestApi, activemq, rabbitmq};

/// How a broker comes to be in a state.
const STATES: [&str; 6] = [
    "CREATION_IN_PROGRESS",
    "CREATION_FAILED",
    "RUNNING",
    "REBOOT_IN_PROGRESS",
    "CRITICAL_ACTION_REQUIRED",
    "DELETION_IN_PROGRESS",
];

const PASSWORD: &str = r#"{"password": "another-password-2"}"#;

/// An operation, what it is called with, and what it is answered in each state: a status, and for refusals by the state
/// the word for what can't be done.
struct Row {
    operation: &'static str,
    method: &'static str,
    path: &'static str,
    body: &'static str,
    verb: &'static str,
    /// In the order of [`STATES`].
    statuses: [u16; 6],
}

const fn row(
    operation: &'static str,
    (method, path, body): (&'static str, &'static str, &'static str),
    verb: &'static str,
    statuses: [u16; 6],
) -> Row {
    Row { operation, method, path, body, verb, statuses }
}

const LOGS: &str = r#"{"logs": {"general": true}}"#;
const KILL: &str = r#"{"kind": "KILL"}"#;
const MODE: &str = r#"{"mode": "FAILOVER"}"#;
const TAGS: &str = r#"{"tags": {"team": "blue"}}"#;

/// Every operation on a broker. `{b}` stands for its path, `{t}` for that of its tags, `{o}` for our own.
const TABLE: &[Row] = &[
    row("DescribeBroker", ("GET", "{b}", ""), "", [200; 6]),
    row("ListUsers", ("GET", "{b}/users", ""), "", [200; 6]),
    // A broker that is deleted shows no users any more.
    row("DescribeUser", ("GET", "{b}/users/alice", ""), "", [200, 200, 200, 200, 200, 404]),
    row("DescribeSharedResources", ("GET", "{b}/shared-resources", ""), "", [200; 6]),
    row("ListTags", ("GET", "{t}", ""), "", [200; 6]),
    row("CreateTags", ("POST", "{t}", TAGS), "", [204; 6]),
    row("DeleteTags", ("DELETE", "{t}?tagKeys=team", ""), "", [204; 6]),
    row("ListBrokerEvents", ("GET", "{o}/events", ""), "", [200; 6]),
    row("ListFaults", ("GET", "{o}/faults", ""), "", [200; 6]),
    row("UpdateBroker", ("PUT", "{b}", LOGS), "updated", [409, 409, 200, 409, 200, 409]),
    row("RebootBroker", ("POST", "{b}/reboot", ""), "rebooted", [400, 400, 200, 400, 200, 400]),
    row("DeleteBroker", ("DELETE", "{b}", ""), "deleted", [200; 6]),
    // No broker is a replica.
    row("Promote", ("POST", "{b}/promote", MODE), "promoted", [400; 6]),
    row(
        "CreateUser",
        ("POST", "{b}/users/bob", PASSWORD),
        "changed",
        [409, 409, 200, 409, 200, 409],
    ),
    row(
        "UpdateUser",
        ("PUT", "{b}/users/alice", PASSWORD),
        "changed",
        [409, 409, 200, 409, 200, 409],
    ),
    row("DeleteUser", ("DELETE", "{b}/users/alice", ""), "changed", [400, 400, 200, 400, 200, 400]),
    row("CreateFault", ("POST", "{o}/faults", KILL), "disturbed", [400, 400, 201, 400, 201, 400]),
];

impl TestApi {
    /// A new broker of ActiveMQ in that state.
    async fn in_state(&self, name: &str, state: &str) -> String {
        let reply = self.call("POST", "/v1/brokers", &activemq(name, "")).await;
        assert_eq!(reply.status, 200, "{reply:?}");
        let id = reply.json()["brokerId"].as_str().expect("an identifier").to_owned();
        let path = format!("/v1/brokers/{id}");
        match state {
            "CREATION_IN_PROGRESS" => {}
            "CREATION_FAILED" => {
                self.found(&id, |report| {
                    report.observed_generation = None;
                    report.failure = Some("no image".to_owned());
                })
                .await;
            }
            "RUNNING" => self.found(&id, |_| {}).await,
            "CRITICAL_ACTION_REQUIRED" => {
                self.found(&id, |report| {
                    let code = ActionCode::BrokerOom;
                    report.actions_required.push(ActionRequired { code, info: String::new() });
                })
                .await;
            }
            "REBOOT_IN_PROGRESS" => {
                self.found(&id, |_| {}).await;
                assert_eq!(self.call("POST", &format!("{path}/reboot"), "").await.status, 200);
            }
            _ => assert_eq!(self.call("DELETE", &path, "").await.status, 200),
        }
        assert_eq!(self.describe(&id).await["brokerState"], state);
        id
    }

    /// Calls the operation of a row on a broker; its status, and the text of a refusal.
    async fn play(&self, row: &Row, id: &str, name: &str) -> (u16, String) {
        let arn = format!("arn%3Aaws%3Amq%3Aus-east-1%3A000000000000%3Abroker%3A{name}%3A{id}");
        let target = row
            .path
            .replace("{b}", &format!("/v1/brokers/{id}"))
            .replace("{o}", &format!("/brokerd/v1/brokers/{id}"))
            .replace("{t}", &format!("/v1/tags/{arn}"));
        let reply = self.call(row.method, &target, row.body).await;
        let message = match reply.status.is_success() {
            true => String::new(),
            false => reply.json()["message"].as_str().unwrap_or_default().to_owned(),
        };
        (reply.status.as_u16(), message)
    }
}

#[tokio::test]
async fn every_operation_answers_in_every_state_as_the_table_says() {
    let api = TestApi::start_with_faults().await;
    for (o, row) in TABLE.iter().enumerate() {
        for (s, (state, status)) in STATES.into_iter().zip(row.statuses).enumerate() {
            let name = format!("orders-{o}-{s}");
            let id = api.in_state(&name, state).await;
            let (answered, message) = api.play(row, &id, &name).await;
            let place = format!("{} in {state}: {message}", row.operation);
            assert_eq!(answered, status, "{place}");
            if [400, 409].contains(&status) {
                let verb = row.verb;
                let expected = format!("Broker [{name}] can't be {verb} while in state [{state}]");
                assert_eq!(message, expected, "{place}");
            }
        }
    }
    api.stop().await;
}

#[tokio::test]
async fn what_the_service_refuses_to_delete_is_refused_where_that_is_configured() {
    let api = TestApi::start_strict().await;
    let row = row("DeleteBroker", ("DELETE", "{b}", ""), "deleted", [400, 200, 200, 400, 200, 400]);
    for (s, (state, status)) in STATES.into_iter().zip(row.statuses).enumerate() {
        let name = format!("orders-{s}");
        // A broker that runs can be deleted; once it is, no more.
        let id = match state {
            "DELETION_IN_PROGRESS" => {
                let id = api.in_state(&name, "RUNNING").await;
                assert_eq!(api.call("DELETE", &format!("/v1/brokers/{id}"), "").await.status, 200);
                id
            }
            state => api.in_state(&name, state).await,
        };
        let (answered, message) = api.play(&row, &id, &name).await;
        assert_eq!(answered, status, "{state}: {message}");
        if status == 400 {
            let expected = format!("Broker [{name}] can't be deleted while in state [{state}]");
            assert_eq!(message, expected);
        }
    }
    api.stop().await;
}

#[tokio::test]
async fn a_reboot_is_no_cure_for_an_alarm() {
    let api = TestApi::start().await;
    for (code, status) in [
        (ActionCode::RabbitmqMemoryAlarm, 400),
        (ActionCode::RabbitmqDiskAlarm, 400),
        (ActionCode::RabbitmqInvalidArnLdap, 200),
    ] {
        let name = code.as_str().to_lowercase();
        let reply = api.call("POST", "/v1/brokers", &rabbitmq(&name, "")).await;
        let id = reply.json()["brokerId"].as_str().expect("an identifier").to_owned();
        api.found(&id, |report| {
            let action = ActionRequired { code: code.clone(), info: String::new() };
            report.actions_required.push(action);
        })
        .await;
        let reply = api.call("POST", &format!("/v1/brokers/{id}/reboot"), "").await;
        assert_eq!(reply.status, status, "{code}: {reply:?}");
        if status == 400 {
            let state = "CRITICAL_ACTION_REQUIRED";
            let expected = format!("Broker [{name}] can't be rebooted while in state [{state}]");
            assert_eq!(reply.refusal().2, expected);
        }
    }
    api.stop().await;
}
