//! Every combination of arguments of CreateBroker that the service refuses, and its words where they are known.

use brokerd_domain::EngineType;
use serde_json::{Map, Value, json};

use crate::support::TestApi;

/// The member at fault, what was asked for beside or instead of what is valid, and what is said; nothing where the
/// service's words are not known.
type Row = (&'static str, Value, Option<&'static str>);

fn users(names: &[&str]) -> Value {
    let user = |name: &&str| json!({"username": name, "password": "correct-horse-battery"});
    names.iter().map(user).collect()
}

fn single(engine: &str, host: &str) -> Value {
    json!({
        "brokerName": "orders", "engineType": engine, "deploymentMode": "SINGLE_INSTANCE",
        "hostInstanceType": host, "publiclyAccessible": false, "users": users(&["alice"]),
    })
}

/// The same with some members changed; null removes one.
fn with(value: &Value, changes: &Value) -> Value {
    let mut members: Map<String, Value> = value.as_object().cloned().unwrap_or_default();
    for (name, change) in changes.as_object().into_iter().flatten() {
        match change {
            Value::Null => members.remove(name),
            change => members.insert(name.clone(), change.clone()),
        };
    }
    Value::Object(members)
}

fn ldap() -> Value {
    json!({
        "hosts": ["directory.example.com"], "roleBase": "ou=groups", "roleSearchMatching": "(member={0})",
        "serviceAccountUsername": "cn=mq", "serviceAccountPassword": "secret", "userBase": "ou=people",
        "userSearchMatching": "(uid={0})",
    })
}

const GROUPS_OF_PUBLIC: &str =
    "Broker with [publiclyAccessible] set to true does not support specifying [securityGroups]";
const NO_AUDIT: &str = "Audit logging is not supported for RabbitMQ brokers.";
const ONE_USER: &str = "Specify exactly one user for engine type [RABBITMQ].";
const SHORT: &str = "Password is invalid. Enter a password 12 to 250 characters long.";

/// What both engines refuse.
fn of_both() -> Vec<Row> {
    let key = "arn:aws:kms:us-east-1:000000000000:key/1";
    vec![
        ("brokerName", json!({"brokerName": null}), None),
        (
            "brokerName",
            json!({"brokerName": "a.b"}),
            Some("Make sure your Broker name only contains valid characters."),
        ),
        ("brokerName", json!({"brokerName": "x".repeat(51)}), None),
        ("engineType", json!({"engineType": "KAFKA"}), None),
        ("engineVersion", json!({"engineVersion": "1.0"}), None),
        ("deploymentMode", json!({"deploymentMode": "TRIPLE"}), None),
        ("hostInstanceType", json!({"hostInstanceType": "mq.huge"}), None),
        ("publiclyAccessible", json!({"publiclyAccessible": null}), None),
        ("storageType", json!({"storageType": "TAPE"}), None),
        ("autoMinorVersionUpgrade", json!({"autoMinorVersionUpgrade": false}), None),
        ("authenticationStrategy", json!({"authenticationStrategy": "MAGIC"}), None),
        ("authenticationStrategy", json!({"authenticationStrategy": "CONFIG_MANAGED"}), None),
        ("ldapServerMetadata", json!({"ldapServerMetadata": ldap()}), None),
        ("encryptionOptions.useAwsOwnedKey", json!({"encryptionOptions": {"kmsKeyId": key}}), None),
        (
            "encryptionOptions.kmsKeyId",
            json!({"encryptionOptions": {"useAwsOwnedKey": true, "kmsKeyId": key}}),
            None,
        ),
        (
            "encryptionOptions.kmsKeyId",
            json!({"encryptionOptions": {"useAwsOwnedKey": false, "kmsKeyId": "k".repeat(2049)}}),
            None,
        ),
        ("creatorRequestId", json!({"creatorRequestId": "t".repeat(129)}), None),
        (
            "maintenanceWindowStartTime.dayOfWeek",
            json!({"maintenanceWindowStartTime": {"timeOfDay": "02:00"}}),
            None,
        ),
        (
            "maintenanceWindowStartTime.timeOfDay",
            json!({"maintenanceWindowStartTime": {"dayOfWeek": "MONDAY"}}),
            None,
        ),
        (
            "maintenanceWindowStartTime.timeOfDay",
            json!({"maintenanceWindowStartTime": {"dayOfWeek": "MONDAY", "timeOfDay": "25:00"}}),
            Some(
                "Time [25:00] is invalid. Specify time in 24-hour format and use only numbers separated by a colon. Example: 13:05.",
            ),
        ),
        (
            "maintenanceWindowStartTime.timeZone",
            json!({"maintenanceWindowStartTime": {"dayOfWeek": "MONDAY", "timeOfDay": "02:00", "timeZone": "Mars/Olympus"}}),
            None,
        ),
        ("subnetIds", json!({"subnetIds": ["vpc-1"]}), None),
        ("subnetIds", json!({"subnetIds": ["subnet-1", "subnet-2"]}), None),
        ("securityGroups", json!({"securityGroups": ["subnet-1"]}), None),
        (
            "securityGroups",
            json!({"securityGroups": ["sg-1", "sg-2", "sg-3", "sg-4", "sg-5", "sg-6"]}),
            None,
        ),
        ("tags", json!({"tags": {"aws:x": "y"}}), None),
        ("configuration.id", json!({"configuration": {"revision": 1}}), None),
        (
            "configuration",
            json!({"configuration": {"id": "c-00000000-0000-4000-8000-000000000000"}}),
            Some(
                "Configuration ID [c-00000000-0000-4000-8000-000000000000] can't be found. Make sure it exists.",
            ),
        ),
        ("username", json!({"users": users(&["a"])}), None),
        ("username", json!({"users": [{"password": "correct-horse-battery"}]}), None),
        ("password", json!({"users": [{"username": "alice"}]}), None),
        ("password", json!({"users": [{"username": "alice", "password": "short"}]}), Some(SHORT)),
        (
            "password",
            json!({"users": [{"username": "alice", "password": "correct:horse:battery"}]}),
            Some("Make sure your password doesn't contain invalid characters [, :=]."),
        ),
        (
            "dataReplicationPrimaryBrokerArn",
            json!({"dataReplicationPrimaryBrokerArn": "arn:aws:mq:us-west-2:000000000000:broker:a:b-1"}),
            None,
        ),
        ("dataReplicationMode", json!({"dataReplicationMode": "BOTH"}), None),
        ("dataReplicationMode", json!({"dataReplicationMode": "CRDR"}), None),
        ("storageSize", json!({"storageSize": 10}), None),
    ]
}

fn of_activemq() -> Vec<Row> {
    let (pair, cluster) = ("ACTIVE_STANDBY_MULTI_AZ", "CLUSTER_MULTI_AZ");
    let many: Vec<String> = (0..251).map(|n| format!("user-{n}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let groups: Vec<String> = (10..31).map(|n| format!("group-{n}")).collect();
    let user = |more: Value| json!({"users": [with(&users(&["alice"])[0], &more)]});
    vec![
        (
            "engineVersion",
            json!({"engineVersion": "5.18.7"}),
            Some(
                "Broker engine version [5.18.7] is invalid for broker engine type [ACTIVEMQ]. Valid values: [5.19, 5.18].",
            ),
        ),
        (
            "autoMinorVersionUpgrade",
            json!({"autoMinorVersionUpgrade": false, "engineVersion": "5.18"}),
            Some(
                "Brokers on [ActiveMQ] version [5.18] must have [autoMinorVersionUpgrade] set to [true].",
            ),
        ),
        ("deploymentMode", json!({"deploymentMode": cluster}), None),
        ("deploymentMode", json!({"deploymentMode": pair, "storageType": "EBS"}), None),
        ("storageType", json!({"hostInstanceType": "mq.t3.micro", "storageType": "EBS"}), None),
        (
            "hostInstanceType",
            json!({"hostInstanceType": "mq.m7g.large"}),
            Some(
                "Broker engine type [ActiveMQ] does not support host instance type [mq.m7g.large].",
            ),
        ),
        ("subnetIds", json!({"deploymentMode": pair, "subnetIds": ["subnet-1"]}), None),
        ("subnetIds", json!({"deploymentMode": pair, "subnetIds": ["subnet-1", "subnet-1"]}), None),
        (
            "subnetIds",
            json!({"deploymentMode": pair, "subnetIds": ["subnet-1", "subnet-2", "subnet-3"]}),
            None,
        ),
        ("ldapServerMetadata", json!({"authenticationStrategy": "LDAP"}), None),
        (
            "ldapServerMetadata.hosts",
            json!({"authenticationStrategy": "LDAP", "ldapServerMetadata": with(&ldap(), &json!({"hosts": []}))}),
            None,
        ),
        (
            "ldapServerMetadata.roleName",
            json!({"authenticationStrategy": "LDAP", "ldapServerMetadata": with(&ldap(), &json!({"roleName": "r".repeat(1025)}))}),
            None,
        ),
        ("users", json!({"users": []}), None),
        ("users", json!({"users": null}), None),
        ("users", json!({"users": users(&["alice", "alice"])}), None),
        ("users", json!({"users": users(&many)}), None),
        ("groups", user(json!({"groups": ["!"]})), None),
        ("groups", user(json!({"groups": groups})), None),
        (
            "",
            user(json!({"consoleAccess": true, "replicationUser": true})),
            Some(
                "Replication user couldn't have console access. [replicationUser] and [consoleAccess] are mutually exclusive parameters.",
            ),
        ),
        (
            "dataReplicationMode",
            json!({"dataReplicationMode": "CRDR", "hostInstanceType": "mq.t3.micro", "deploymentMode": pair}),
            None,
        ),
        (
            "dataReplicationPrimaryBrokerArn",
            json!({"dataReplicationMode": "CRDR", "deploymentMode": pair}),
            None,
        ),
    ]
}

fn of_rabbitmq() -> Vec<Row> {
    let (cluster, seven) = ("CLUSTER_MULTI_AZ", ["1", "2", "3", "4", "5", "6", "7"]);
    let seven = seven.map(|n| format!("subnet-{n}"));
    vec![
        (
            "engineVersion",
            json!({"engineVersion": "3.13.7"}),
            Some(
                "Broker engine version [3.13.7] is invalid for broker engine type [RABBITMQ]. Valid values: [4.3, 4.2, 3.13].",
            ),
        ),
        (
            "autoMinorVersionUpgrade",
            json!({"autoMinorVersionUpgrade": false, "engineVersion": "3.13"}),
            Some(
                "Brokers on [RabbitMQ] version [3.13] must have [autoMinorVersionUpgrade] set to [true].",
            ),
        ),
        ("deploymentMode", json!({"deploymentMode": "ACTIVE_STANDBY_MULTI_AZ"}), None),
        (
            "hostInstanceType",
            json!({"hostInstanceType": "mq.t3.micro"}),
            Some(
                "Broker engine type [RabbitMQ] does not support host instance type [mq.t3.micro].",
            ),
        ),
        (
            "hostInstanceType",
            json!({"hostInstanceType": "mq.m5.large", "engineVersion": "4.2"}),
            None,
        ),
        ("storageType", json!({"storageType": "EFS"}), None),
        ("storageSize", json!({"deploymentMode": cluster, "storageSize": 7}), None),
        ("storageSize", json!({"deploymentMode": cluster, "storageSize": 30}), None),
        (
            "storageSize",
            json!({"deploymentMode": cluster, "storageSize": 15, "engineVersion": "3.13"}),
            None,
        ),
        ("subnetIds", json!({"deploymentMode": cluster, "subnetIds": seven}), None),
        (
            "subnetIds",
            json!({"deploymentMode": cluster, "subnetIds": ["subnet-1", "subnet-1"]}),
            None,
        ),
        (
            "securityGroups",
            json!({"publiclyAccessible": true, "securityGroups": ["sg-1"]}),
            Some(GROUPS_OF_PUBLIC),
        ),
        (
            "securityGroups",
            json!({"publiclyAccessible": true, "securityGroups": ["sg-1"], "deploymentMode": cluster}),
            Some(GROUPS_OF_PUBLIC),
        ),
        ("logs.audit", json!({"logs": {"audit": true}}), Some(NO_AUDIT)),
        ("logs.audit", json!({"logs": {"general": true, "audit": false}}), Some(NO_AUDIT)),
        (
            "authenticationStrategy",
            json!({"authenticationStrategy": "LDAP", "ldapServerMetadata": ldap()}),
            None,
        ),
        ("users", json!({"users": []}), Some(ONE_USER)),
        ("users", json!({"users": null}), Some(ONE_USER)),
        ("users", json!({"users": users(&["alice", "bob"])}), Some(ONE_USER)),
        ("username", json!({"users": users(&["guest"])}), None),
        ("username", json!({"users": users(&["al~ice"])}), None),
    ]
}

async fn offering_everything() -> TestApi {
    let api = TestApi::start().await;
    let (amq, rabbit) = (EngineType::ActiveMq, EngineType::RabbitMq);
    api.offer(&[(amq, 5, 19), (amq, 5, 18), (rabbit, 4, 3), (rabbit, 4, 2), (rabbit, 3, 13)]).await;
    api
}

#[tokio::test]
async fn every_combination_that_the_service_refuses_is_refused_by_its_member() {
    let api = offering_everything().await;
    let (activemq, rabbitmq) =
        (single("ActiveMQ", "mq.m5.large"), single("RabbitMQ", "mq.m7g.medium"));
    for (valid, rows) in [
        (&activemq, of_both()),
        (&rabbitmq, of_both()),
        (&activemq, of_activemq()),
        (&rabbitmq, of_rabbitmq()),
    ] {
        for (attribute, changes, message) in rows {
            let asked = with(valid, &changes);
            let reply = api.call("POST", "/v1/brokers", &asked.to_string()).await;
            let place = format!("{changes} of {}", valid["engineType"]);
            let (status, code, said) = reply.refusal();
            assert_eq!((status, code.as_str()), (400, "BadRequestException"), "{place}: {reply:?}");
            let named = reply.json()["errorAttribute"].as_str().unwrap_or_default().to_owned();
            assert_eq!(named, attribute, "{place}: {said}");
            assert!(message.is_none_or(|message| message == said), "{place}: {said}");
            assert!(!reply.text.contains("horse"), "a password is never told: {}", reply.text);
        }
    }
    assert_eq!(api.call("GET", "/v1/brokers", "").await.json()["brokerSummaries"], json!([]));
    api.stop().await;
}

/// What looks like one of the refused combinations and is none.
#[tokio::test]
async fn what_the_service_takes_is_taken() {
    let api = offering_everything().await;
    let rabbitmq = single("RabbitMQ", "mq.m7g.medium");
    let activemq = single("ActiveMQ", "mq.m5.large");
    let token = "t".repeat(79);
    let subnets = ["1", "2", "3", "4"].map(|n| format!("subnet-{n}"));
    for (n, (valid, changes)) in [
        (&rabbitmq, json!({"publiclyAccessible": true})),
        (&rabbitmq, json!({"publiclyAccessible": true, "securityGroups": []})),
        (&rabbitmq, json!({"securityGroups": ["sg-1"]})),
        (&rabbitmq, json!({"deploymentMode": "CLUSTER_MULTI_AZ", "subnetIds": subnets})),
        (&rabbitmq, json!({"deploymentMode": "CLUSTER_MULTI_AZ", "subnetIds": ["subnet-1"]})),
        (&rabbitmq, json!({"engineVersion": "3.13", "hostInstanceType": "mq.m5.large"})),
        (&rabbitmq, json!({"logs": {"general": true}})),
        (&rabbitmq, json!({"users": [{"username": "al", "password": "correct-horse-battery", "consoleAccess": true, "groups": ["!"]}]})),
        (&activemq, json!({"publiclyAccessible": true, "securityGroups": ["sg-1"]})),
        (&activemq, json!({"storageType": "ebs"})),
        (&activemq, json!({"logs": {"general": true, "audit": true}})),
        (&activemq, json!({"authenticationStrategy": "ldap", "ldapServerMetadata": ldap(), "users": []})),
        (&activemq, json!({"creatorRequestId": token})),
        (&activemq, json!({"encryptionOptions": {"useAwsOwnedKey": false, "kmsKeyId": "k".repeat(2048)}})),
        (&activemq, json!({"dataReplicationMode": "NONE"})),
    ]
    .into_iter()
    .enumerate()
    {
        let asked = with(valid, &with(&changes, &json!({"brokerName": format!("orders-{n}")})));
        let reply = api.call("POST", "/v1/brokers", &asked.to_string()).await;
        assert_eq!(reply.status, 200, "{changes}: {}", reply.text);
    }
    api.stop().await;
}

/// Where the service has different words for the same in two operations, so have we.
#[tokio::test]
async fn no_two_operations_share_a_text_that_the_service_has_in_two() {
    let api = offering_everything().await;
    let rabbitmq = with(&single("RabbitMQ", "mq.m7g.medium"), &json!({"publiclyAccessible": true}));
    let reply = api.call("POST", "/v1/brokers", &rabbitmq.to_string()).await;
    let id = reply.json()["brokerId"].as_str().expect("an identifier").to_owned();
    api.converge(&id).await;
    for (member, changes, created, updated) in [
        (
            "logs.audit",
            json!({"logs": {"audit": false}}),
            NO_AUDIT,
            "Audit logs are not supported for RabbitMQ brokers.",
        ),
        (
            "securityGroups",
            json!({"securityGroups": ["sg-1"]}),
            GROUPS_OF_PUBLIC,
            "Changing security groups is not supported for RabbitMQ brokers.",
        ),
    ] {
        let other = with(&with(&rabbitmq, &changes), &json!({"brokerName": "other"})).to_string();
        let target = format!("/v1/brokers/{id}");
        for (method, target, body, message) in [
            ("POST", "/v1/brokers", other, created),
            ("PUT", &*target, changes.to_string(), updated),
        ] {
            let reply = api.call(method, target, &body).await;
            assert_eq!(reply.refusal().2, message, "{method}");
            assert_eq!(reply.json()["errorAttribute"], member, "{method}");
        }
    }
    api.stop().await;
}
