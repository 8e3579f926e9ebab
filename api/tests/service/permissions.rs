//! What callers may do: every operation asks for permission, for the right one, and by the tags that things have.

use std::collections::BTreeSet;

use brokerd_domain::policy::{OperationPermissions, RequiredAction, ResourceType, When};
use serde_json::{Value, json};

use crate::{
    identities::{ACCOUNT, allowing},
    support::{Reply, TestApi, activemq, rabbitmq},
};

const DOCUMENT: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../openapi/mq.json"));
const ROLE: &str = "arn:aws:iam::000000000000:role/MqRole";

/// An operation of the API document that has to be signed.
pub(crate) struct Operation {
    pub(crate) name: String,
    pub(crate) method: String,
    pub(crate) path: String,
}

/// Every operation that has to be signed.
pub(crate) fn operations() -> Vec<Operation> {
    let document: Value = serde_json::from_str(DOCUMENT).expect("JSON");
    let mut found = Vec::new();
    for (path, item) in document["paths"].as_object().expect("paths") {
        for (method, operation) in item.as_object().expect("operations") {
            if operation["security"] == json!([{"sigv4": []}]) {
                let name = operation["operationId"].as_str().expect("a name").to_owned();
                found.push(Operation { name, method: method.to_uppercase(), path: path.clone() });
            }
        }
    }
    found
}

/// Something of everything, for one operation.
struct World {
    number: usize,
    broker: String,
    rabbitmq: String,
    configuration: String,
    group: String,
    secret: String,
    secret_arn: String,
    fault: String,
    account: String,
}

impl World {
    async fn of(api: &TestApi, number: usize) -> Self {
        let member = |reply: Reply, name: &str| {
            assert!(reply.status.is_success(), "{reply:?}");
            reply.json()[name].as_str().expect("a member").to_owned()
        };
        let broker = api.running_activemq(&format!("orders-{number}")).await;
        let rabbitmq = api.create(&format!("rabbit-{number}")).await;
        api.converge(&rabbitmq).await;
        let body = r#"{"name": "c", "engineType": "RABBITMQ", "engineVersion": "4.3"}"#;
        let configuration = member(api.call("POST", "/v1/configurations", body).await, "id");
        // Its second revision names a role and how clients log in.
        let data = format!("auth_backends.1 = internal\naws.arns.assume_role_arn = {ROLE}\n");
        let data = json!({ "data": base64(&data) }).to_string();
        let updated = api.call("PUT", &format!("/v1/configurations/{configuration}"), &data).await;
        assert_eq!(updated.status, 200, "{updated:?}");
        let body = json!({ "name": format!("g-{number}"), "rules": [] }).to_string();
        let group = api.call("POST", "/brokerd/v1/security-groups", &body).await;
        let group = member(group, "securityGroupId");
        let secret = format!("secret-{number}");
        let put = format!("/brokerd/v1/secrets/{secret}");
        let secret_arn = member(api.call("PUT", &put, r#"{"secretString": "s"}"#).await, "arn");
        let faults = format!("/brokerd/v1/brokers/{broker}/faults");
        let fault = member(api.call("POST", &faults, FAULT).await, "id");
        let body = json!({ "name": format!("account-{number}") }).to_string();
        let account = member(api.call("POST", "/brokerd/v1/accounts", &body).await, "accountId");
        Self { number, broker, rabbitmq, configuration, group, secret, secret_arn, fault, account }
    }

    fn arn(&self, resource: &str) -> String {
        format!("arn:aws:mq:us-east-1:{ACCOUNT}:{resource}")
    }

    fn broker_arn(&self) -> String {
        self.arn(&format!("broker:orders-{}:{}", self.number, self.broker))
    }

    /// The resource of an action, as policies name it.
    fn resource(&self, action: &RequiredAction, operation: &str) -> String {
        match (action.resource, operation) {
            (ResourceType::Any, _) => "*".to_owned(),
            // The identifier of what is created is drawn afterwards.
            (ResourceType::Broker, "CreateBroker") => {
                self.arn(&format!("broker:new-{}:*", self.number))
            }
            (ResourceType::Configuration, "CreateConfiguration") => self.arn("configuration:*"),
            (ResourceType::Broker, "UpdateBroker") if action.when != When::Always => {
                self.arn(&format!("broker:rabbit-{}:{}", self.number, self.rabbitmq))
            }
            (ResourceType::Broker | ResourceType::BrokerOrConfiguration, _) => self.broker_arn(),
            (ResourceType::PrimaryBroker, _) => primary(),
            (ResourceType::Configuration, _) => {
                self.arn(&format!("configuration:{}", self.configuration))
            }
            (ResourceType::SecurityGroup, _) => {
                format!("arn:aws:ec2:us-east-1:{ACCOUNT}:security-group/{}", self.group)
            }
            (ResourceType::Secret, _) => self.secret_arn.clone(),
            (ResourceType::Role, _) => ROLE.to_owned(),
            (ResourceType::Account, _) => format!("arn:aws:account::{}:account", self.account),
            (other, _) => unreachable!("{operation} is of a service without paths: {other:?}"),
        }
    }

    /// The path of an operation with its parameters.
    fn target(&self, operation: &Operation) -> String {
        let user = if operation.name == "CreateUser" { "carol" } else { "alice" };
        let path = operation
            .path
            .replace("{broker-id}", &self.broker)
            .replace("{configuration-id}", &self.configuration)
            .replace("{configuration-revision}", "1")
            .replace("{username}", user)
            .replace("{resource-arn}", &self.broker_arn().replace(':', "%3A"))
            .replace("{security-group-id}", &self.group)
            .replace("{secret-name}", &self.secret)
            .replace("{fault-id}", &self.fault)
            .replace("{account-id}", &self.account);
        match operation.name.as_str() {
            "DeleteTags" => format!("{path}?tagKeys=team"),
            "GetCostEstimate" => format!(
                "{path}?engineType=ACTIVEMQ&deploymentMode=SINGLE_INSTANCE&hostInstanceType=mq.m5.large"
            ),
            _ => path,
        }
    }

    /// A body with which the operation succeeds.
    fn body(&self, operation: &str) -> String {
        let number = self.number;
        match operation {
            "CreateBroker" | "ValidateBroker" => activemq(&format!("new-{number}"), ""),
            "CreateConfiguration" => {
                r#"{"name": "new", "engineType": "ACTIVEMQ", "engineVersion": "5.19"}"#.to_owned()
            }
            "CreateTags" => r#"{"tags": {"team": "red"}}"#.to_owned(),
            "CreateUser" => r#"{"password": "correct-horse-battery"}"#.to_owned(),
            "UpdateUser" => r#"{"consoleAccess": true}"#.to_owned(),
            "UpdateBroker" => r#"{"autoMinorVersionUpgrade": true}"#.to_owned(),
            "UpdateConfiguration" => json!({ "data": base64("heartbeat = 60\n") }).to_string(),
            "Promote" => r#"{"mode": "SWITCHOVER"}"#.to_owned(),
            "CreateFault" => FAULT.to_owned(),
            "PutSecret" => r#"{"secretString": "other"}"#.to_owned(),
            "CreateSecurityGroup" => {
                json!({ "name": format!("n-{number}"), "rules": [] }).to_string()
            }
            "CreateAccount" => json!({ "name": format!("new-{number}") }).to_string(),
            "UpdateAccount" => r#"{"state": "SUSPENDED"}"#.to_owned(),
            "UpdateSecurityGroup" => r#"{"description": "d"}"#.to_owned(),
            "BrowseDestination" | "PurgeDestination" | "DeleteDestination" => {
                r#"{"kind": "QUEUE", "name": "orders"}"#.to_owned()
            }
            "PublishToDestination" => {
                r#"{"kind": "QUEUE", "name": "orders", "body": "hello"}"#.to_owned()
            }
            "SendTestMessage" => "{}".to_owned(),
            _ => String::new(),
        }
    }

    /// The path and the body of a request that needs more than the operation alone does.
    fn request_with(&self, operation: &Operation, when: When) -> (String, String) {
        let number = self.number;
        let named = format!(r#"{{"id": "{}", "revision": 2}}"#, self.configuration);
        match (operation.name.as_str(), when) {
            ("CreateBroker", When::WithTags) => {
                let name = format!("new-{number}");
                (self.target(operation), activemq(&name, r#", "tags": {"team": "red"}"#))
            }
            ("CreateBroker", When::WithPrimaryBroker) => {
                let primary = primary();
                let more = format!(
                    r#", "dataReplicationMode": "CRDR", "dataReplicationPrimaryBrokerArn": "{primary}""#
                );
                (self.target(operation), activemq(&format!("new-{number}"), &more))
            }
            ("CreateBroker", When::WithRole) => {
                let more = format!(r#", "configuration": {named}"#);
                (self.target(operation), rabbitmq(&format!("new-{number}"), &more))
            }
            ("CreateConfiguration", When::WithTags) => {
                let body = r#"{"name": "new", "engineType": "ACTIVEMQ", "engineVersion": "5.19", "tags": {"team": "red"}}"#;
                (self.target(operation), body.to_owned())
            }
            ("UpdateBroker", When::WithAuthentication | When::WithRole) => {
                let target = format!("/v1/brokers/{}", self.rabbitmq);
                (target, format!(r#"{{"configuration": {named}}}"#))
            }
            (name, when) => panic!("there is no request for {name} {when:?}"),
        }
    }
}

const FAULT: &str = r#"{"kind": "KILL", "instance": 1}"#;

/// A broker of the account in another region.
fn primary() -> String {
    format!("arn:aws:mq:eu-west-1:{ACCOUNT}:broker:primary:b-00000000-0000-4000-8000-000000000001")
}

fn base64(text: &str) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(text)
}

/// The refusal of a user without a policy for the action.
fn refusal(user: &str, action: &str, resource: &str) -> (u16, String, String) {
    let message = format!(
        "User: arn:aws:iam::{ACCOUNT}:user/{user} is not authorized to perform: {action} on resource: {resource} because no identity-based policy allows the {action} action"
    );
    (403, "AccessDeniedException".to_owned(), message)
}

#[test]
fn every_signed_operation_and_no_other_needs_permissions() {
    let signed: BTreeSet<String> = operations().into_iter().map(|o| o.name).collect();
    let known: BTreeSet<String> =
        OperationPermissions::all().map(|known| known.operation.to_owned()).collect();
    assert_eq!(signed, known);
    assert!(
        OperationPermissions::all()
            .all(|known| { known.actions.iter().any(|action| action.when == When::Always) })
    );
}

#[test]
fn the_guide_names_every_action() {
    let guide = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/permissions.md"));
    let actions = OperationPermissions::all().flat_map(|known| known.actions);
    let missing: BTreeSet<_> = actions
        .map(|action| action.action)
        .filter(|action| !guide.contains(&format!("`{action}`")))
        .collect();
    assert!(missing.is_empty(), "docs/permissions.md does not name {missing:?}");
}

#[tokio::test]
async fn every_operation_is_refused_without_its_permission_and_needs_no_more_than_that() {
    let api = TestApi::start_without_provisioner().await;
    let (nobody, somebody) = (api.user("nobody").await, api.user("somebody").await);
    for (number, operation) in operations().iter().enumerate() {
        let world = World::of(&api, number).await;
        let (name, method) = (operation.name.as_str(), operation.method.as_str());
        let permissions = OperationPermissions::of(name).expect("in the table");
        let (target, body) = (world.target(operation), world.body(name));
        let always: Vec<_> =
            permissions.actions.iter().filter(|a| a.when == When::Always).collect();
        for action in &always {
            let refused = api.call_as(&nobody.client, method, &target, &body).await;
            let resource = world.resource(action, name);
            assert_eq!(refused.refusal(), refusal("nobody", action.action, &resource), "{name}");
        }
        let needed: Vec<_> =
            always.iter().map(|action| (action.action, world.resource(action, name))).collect();
        let needed = needed.iter().map(|(action, resource)| (*action, resource.as_str()));
        api.set_policy(&somebody, &allowing(needed)).await;
        let reply = api.call_as(&somebody.client, method, &target, &body).await;
        let is_done = match name {
            // Nothing can be promoted, and no provisioner runs.
            "Promote" => reply.status == 400,
            "DescribeCapacity"
            | "ListDestinations"
            | "BrowseDestination"
            | "PublishToDestination"
            | "PurgeDestination"
            | "DeleteDestination"
            | "SendTestMessage" => reply.status == 503,
            _ => reply.status.is_success(),
        };
        assert!(is_done, "{name}: {reply:?}");
    }
    api.stop().await;
}

#[tokio::test]
async fn what_a_request_asks_for_beside_needs_a_permission_of_its_own() {
    let api = TestApi::start_with_faults().await;
    let user = api.user("somebody").await;
    let mut number = 0;
    for operation in operations() {
        let permissions = OperationPermissions::of(&operation.name).expect("in the table");
        for also in permissions.actions.iter().filter(|action| action.when != When::Always) {
            number += 1;
            let world = World::of(&api, number).await;
            let name = operation.name.as_str();
            let (target, body) = world.request_with(&operation, also.when);
            // Everything else that this operation may need.
            let others = permissions.actions.iter().filter(|action| action.action != also.action);
            let mut needed: Vec<_> = others
                .map(|action| {
                    let resource = match (action.when, also.when, name) {
                        (
                            When::Always,
                            When::WithAuthentication | When::WithRole,
                            "UpdateBroker",
                        ) => world.arn(&format!("broker:rabbit-{number}:{}", world.rabbitmq)),
                        _ => world.resource(action, name),
                    };
                    (action.action, resource)
                })
                .collect();
            let policy = |pairs: &[(&'static str, String)]| {
                allowing(pairs.iter().map(|(action, resource)| (*action, resource.as_str())))
            };
            api.set_policy(&user, &policy(&needed)).await;
            let refused = api.call_as(&user.client, &operation.method, &target, &body).await;
            let (status, code, message) = refused.refusal();
            assert_eq!((status, code.as_str()), (403, "AccessDeniedException"), "{refused:?}");
            let asked = format!("is not authorized to perform: {} on resource: ", also.action);
            assert!(message.contains(&asked), "{name} {:?}: {message}", also.when);

            needed.push((also.action, world.resource(also, name)));
            api.set_policy(&user, &policy(&needed)).await;
            let reply = api.call_as(&user.client, &operation.method, &target, &body).await;
            // Data replication is not implemented, which is told only to those who may ask for it.
            let is_done = match also.when {
                When::WithPrimaryBroker => reply.status == 400,
                _ => reply.status.is_success(),
            };
            assert!(is_done, "{name} {:?}: {reply:?}", also.when);
        }
    }
    assert_eq!(number, 6, "requests that need more");
    api.stop().await;
}

#[tokio::test]
async fn a_role_is_passed_to_the_service_and_nobody_else() {
    let api = TestApi::start_with_faults().await;
    let world = World::of(&api, 0).await;
    let user = api.user("somebody").await;
    let target = format!("/v1/brokers/{}", world.rabbitmq);
    let body =
        format!(r#"{{"configuration": {{"id": "{}", "revision": 2}}}}"#, world.configuration);
    for (service, status) in [("ec2.amazonaws.com", 403), ("mq.amazonaws.com", 200)] {
        let policy = json!({"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Action": "mq:*", "Resource": "*"},
            {"Effect": "Allow", "Action": "iam:PassRole", "Resource": "arn:aws:iam::*:role/Mq*",
             "Condition": {"StringEquals": {"iam:PassedToService": service}}},
        ]});
        api.set_policy(&user, &policy).await;
        let reply = api.call_as(&user.client, "PUT", &target, &body).await;
        assert_eq!(reply.status, status, "{reply:?}");
    }
    api.stop().await;
}

#[tokio::test]
async fn who_administers_the_account_is_told_which_statement_denies() {
    let api = TestApi::start().await;
    let user = api.user("alice").await;
    let statements = |more: Value| {
        json!({"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Action": "mq:*", "Resource": "*"},
            {"Sid": "NoLists", "Effect": "Deny", "Action": "mq:List*", "Resource": "*"},
            more,
        ]})
    };
    let sentence = format!(
        "User: arn:aws:iam::{ACCOUNT}:user/alice is not authorized to perform: mq:ListBrokers on resource: * with an explicit deny in an identity-based policy"
    );
    let nothing = json!({"Effect": "Allow", "Action": "mq:None", "Resource": "*"});
    api.set_policy(&user, &statements(nothing)).await;
    let told = api.call_as(&user.client, "GET", "/v1/brokers", "").await.refusal();
    assert_eq!(told, (403, "AccessDeniedException".to_owned(), sentence.clone()));
    let own = format!("arn:aws:iam::{ACCOUNT}:user/alice");
    let administers =
        json!({"Effect": "Allow", "Action": "iam:SimulatePrincipalPolicy", "Resource": own});
    api.set_policy(&user, &statements(administers)).await;
    let (_, _, message) = api.call_as(&user.client, "GET", "/v1/brokers", "").await.refusal();
    assert_eq!(message, format!("{sentence}: own of {own}, statement 2 (NoLists)"));
    api.stop().await;
}
