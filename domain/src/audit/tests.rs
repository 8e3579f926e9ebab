//! Events, compared with the examples of the documentation.

use serde_json::{Value, json};
use uuid::Uuid;

use super::*;
use crate::{
    Tags,
    kernel::{BrokerId, Timestamp},
    policy::{Principal, PrincipalKind},
};

/// 2018-06-28T22:23:46Z and some.
const AT: Timestamp = Timestamp::from_micros(1_530_224_626_123_456);

fn principal(kind: PrincipalKind, token_issued: Option<Timestamp>) -> Principal {
    Principal {
        account: "111122223333".parse().expect("an account"),
        kind,
        tags: Tags::default(),
        token_issued,
    }
}

fn console() -> CallerIdentity {
    let kind = PrincipalKind::User {
        path: "/".to_owned(),
        name: "AmazonMqConsole".to_owned(),
        id: "AIDAIOSFODNN7EXAMPLE".to_owned(),
    };
    CallerIdentity::new(principal(kind, None), "AKIAI44QH8DHBEXAMPLE")
}

fn event(call: ApiCall) -> AuditEvent {
    AuditEvent {
        id: Uuid::from_u128(0xa1b2),
        at: AT,
        account: "111122223333".parse().expect("an account"),
        region: "us-west-2".parse().expect("a region"),
        what: What::ApiCall(Box::new(call)),
    }
}

fn call(name: &str, parameters: RequestParameters, outcome: Outcome) -> ApiCall {
    ApiCall {
        source: EventSource::AmazonMq,
        name: name.to_owned(),
        read_only: EventSource::AmazonMq.is_read_only(name),
        request_id: Uuid::from_u128(0xfeed),
        caller: console(),
        on_host: None,
        source_ip: "203.0.113.0".to_owned(),
        user_agent: Some("PostmanRuntime/7.1.5".to_owned()),
        request_parameters: parameters.into_element(),
        outcome,
    }
}

fn record(event: &AuditEvent) -> Value {
    serde_json::from_str(&event.record()).expect("JSON")
}

/// The members of the body of CreateBroker in "Example Amazon MQ log file entry" of the developer guide.
fn create_broker(password: &str) -> Value {
    json!({
        "engineVersion": "5.15.9",
        "deploymentMode": "ACTIVE_STANDBY_MULTI_AZ",
        "maintenanceWindowStartTime": {
            "dayOfWeek": "THURSDAY", "timeOfDay": "22:45", "timeZone": "America/Los_Angeles"
        },
        "engineType": "ActiveMQ",
        "hostInstanceType": "mq.m5.large",
        "users": [
            {
                "username": "MyUsername123", "password": password, "consoleAccess": true,
                "groups": ["admins", "support"]
            },
            {"username": "MyUsername456", "password": password, "groups": ["admins"]}
        ],
        "creatorRequestId": "1",
        "publiclyAccessible": true,
        "securityGroups": ["sg-a1b234cd"],
        "brokerName": "MyBroker",
        "autoMinorVersionUpgrade": false,
        "subnetIds": ["subnet-12a3b45c", "subnet-67d89e0f"]
    })
}

#[test]
fn identifiers_of_events_are_random_and_tell_the_millisecond() {
    let random = Uuid::from_u128(0x0123_4567_89ab_4cde_9f01_2345_6789_abcd);
    let id = AuditEvent::id_at(AT, random);
    assert_eq!(id.to_string(), "0164487e-c9cb-7cde-9f01-23456789abcd");
    let (from, to) = AuditEvent::millisecond_of(id).expect("it tells");
    assert_eq!((from.as_micros(), to.as_micros()), (1_530_224_626_123_000, 1_530_224_626_124_000));
    assert!(id < AuditEvent::id_at(Timestamp::from_micros(AT.as_micros() + 1000), Uuid::nil()));
    assert_eq!(AuditEvent::millisecond_of(random), None);
    let before = Timestamp::from_micros(-1);
    assert_eq!(
        AuditEvent::id_at(before, random),
        AuditEvent::id_at(Timestamp::from_micros(0), random)
    );
}

#[test]
fn a_created_broker_is_told_as_in_the_example_of_the_documentation() {
    let mut parameters = RequestParameters::default();
    parameters.add_body(create_broker("a secret of twelve").to_string().as_bytes());
    let arn =
        "arn:aws:mq:us-west-2:111122223333:broker:MyBroker:b-1234a5b6-78cd-901e-2fgh-3i45j6k178l9";
    let answer = json!({"brokerId": "b-1234a5b6-78cd-901e-2fgh-3i45j6k178l9", "brokerArn": arn});
    let outcome = Outcome::answered(answer.to_string().as_bytes());
    let event = event(call("CreateBroker", parameters, outcome));
    assert_eq!(
        record(&event),
        json!({
            "eventVersion": "1.11",
            "userIdentity": {
                "type": "IAMUser",
                "principalId": "AIDAIOSFODNN7EXAMPLE",
                "arn": "arn:aws:iam::111122223333:user/AmazonMqConsole",
                "accountId": "111122223333",
                "accessKeyId": "AKIAI44QH8DHBEXAMPLE",
                "userName": "AmazonMqConsole"
            },
            "eventTime": "2018-06-28T22:23:46Z",
            "eventSource": "amazonmq.amazonaws.com",
            "eventName": "CreateBroker",
            "awsRegion": "us-west-2",
            "sourceIPAddress": "203.0.113.0",
            "userAgent": "PostmanRuntime/7.1.5",
            "requestParameters": create_broker("***"),
            "responseElements": answer,
            "requestID": "00000000-0000-0000-0000-00000000feed",
            "eventID": "00000000-0000-0000-0000-00000000a1b2",
            "readOnly": false,
            "resources": [
                {"accountId": "111122223333", "type": "AWS::AmazonMQ::Broker", "ARN": arn}
            ],
            "eventType": "AwsApiCall",
            "managementEvent": true,
            "recipientAccountId": "111122223333",
            "eventCategory": "Management"
        })
    );
    let names: Vec<_> = event.resources().into_iter().map(|resource| resource.name).collect();
    assert_eq!(names, ["MyBroker", "b-1234a5b6-78cd-901e-2fgh-3i45j6k178l9", arn]);
    assert!(!event.record().contains("a secret of twelve"));
}

#[test]
fn the_members_of_a_record_come_in_the_order_of_the_documentation() {
    let refused =
        Outcome::Refused { code: "NotFoundException".to_owned(), message: "No".to_owned() };
    let text = event(call("DescribeBroker", RequestParameters::default(), refused)).record();
    let members = [
        "eventVersion",
        "userIdentity",
        "eventTime",
        "eventSource",
        "eventName",
        "awsRegion",
        "sourceIPAddress",
        "userAgent",
        "errorCode",
        "errorMessage",
        "requestParameters",
        "responseElements",
        "requestID",
        "eventID",
        "readOnly",
        "eventType",
        "managementEvent",
        "recipientAccountId",
        "eventCategory",
    ];
    let places: Vec<_> =
        members.iter().map(|name| text.find(&format!("\"{name}\":")).expect(name)).collect();
    assert!(places.is_sorted(), "{text}");
}

#[test]
fn a_read_tells_what_was_asked_and_nothing_of_the_answer() {
    let mut parameters = RequestParameters::default();
    parameters.add("broker-id", "b-1");
    let outcome = Outcome::Answered(None);
    let event = event(call("DescribeBroker", parameters, outcome));
    let record = record(&event);
    assert_eq!(record["requestParameters"], json!({"broker-id": "b-1"}));
    assert_eq!(record["responseElements"], Value::Null);
    assert_eq!(record["readOnly"], true);
    assert!(record.get("errorCode").is_none() && !event.tells_answer());
    assert_eq!(event.resources(), [AuditedResource::broker("b-1")]);
}

#[test]
fn a_refused_call_tells_why() {
    let message = "User: arn:aws:iam::111122223333:user/AmazonMqConsole is not authorized to perform: mq:DeleteBroker on resource: arn:aws:mq:us-west-2:111122223333:broker:orders:b-1";
    let code = "AccessDeniedException";
    let refused = Outcome::Refused { code: code.to_owned(), message: message.to_owned() };
    let record = record(&event(call("DeleteBroker", RequestParameters::default(), refused)));
    assert_eq!((&record["errorCode"], &record["errorMessage"]), (&json!(code), &json!(message)));
    assert_eq!(record["requestParameters"], Value::Null);
    assert_eq!(record["responseElements"], Value::Null);
}

#[test]
fn a_change_whose_answer_nobody_knows_says_so() {
    let event = event(call("DeleteBroker", RequestParameters::default(), Outcome::Open));
    assert_eq!(record(&event)["additionalEventData"], json!({"answered": false}));
}

#[test]
fn what_a_command_on_the_host_did_says_so_and_who_typed_it() {
    let call = call("CreateAccessKey", RequestParameters::default(), Outcome::Answered(None));
    let event = event(ApiCall { on_host: Some("root".to_owned()), ..call });
    let written = record(&event);
    assert_eq!(written["additionalEventData"], json!({"madeOn": "host"}));
    assert_eq!(
        written["userIdentity"],
        json!({"type": "Unknown", "accountId": "111122223333", "userName": "root"})
    );
    assert_eq!((event.username(), event.access_key_id()), (Some("root"), None));
}

#[test]
fn secrets_are_masked_wherever_they_are() {
    for secret in ["data", "password", "secretString", "secretAccessKey", "SessionToken"] {
        let mut parameters = RequestParameters::default();
        let body = json!({"a": [{"b": {secret: "hush"}}], secret: {"deep": "hush"}, "kept": 1});
        parameters.add_body(body.to_string().as_bytes());
        let element = parameters.into_element().expect("members");
        assert_eq!(element["a"][0]["b"][secret], "***");
        assert_eq!((&element[secret], &element["kept"]), (&json!("***"), &json!(1)));
    }
    let mut directory = RequestParameters::default();
    directory.add_body(
        br#"{"ldapServerMetadata": {"serviceAccountUsername": "cn=a", "serviceAccountPassword": "hush"}, "password": null}"#,
    );
    assert_eq!(
        directory.into_element(),
        Some(json!({
            "ldapServerMetadata": {"serviceAccountUsername": "cn=a", "serviceAccountPassword": "***"},
            "password": null
        }))
    );
    let answer = Outcome::answered(br#"{"credentials": {"sessionToken": "hush"}}"#);
    assert_eq!(answer, Outcome::Answered(Some(json!({"credentials": {"sessionToken": "***"}}))));
}

#[test]
fn elements_that_are_too_long_are_omitted() {
    let mut parameters = RequestParameters::default();
    parameters.add("description", &"x".repeat(100_000));
    let outcome = Outcome::Answered(None);
    let record = record(&event(call("CreateConfiguration", parameters, outcome)));
    assert_eq!(
        record["requestParameters"],
        json!({"omitted": true, "originalSize": 100_018, "reason": "too long"})
    );
}

#[test]
fn parameters_of_a_query_with_one_name_are_all_told() {
    let mut parameters = RequestParameters::default();
    for key in ["team", "stage", "cost"] {
        parameters.add("tagKeys", key);
    }
    assert_eq!(parameters.into_element(), Some(json!({"tagKeys": ["team", "stage", "cost"]})));
}

#[test]
fn root_is_told_as_in_the_documentation() {
    let root = CallerIdentity::new(principal(PrincipalKind::Root, None), "AKIAEXAMPLE");
    assert_eq!(root.username(), "root");
    assert_eq!(
        root.record(),
        json!({
            "type": "Root",
            "principalId": "111122223333",
            "arn": "arn:aws:iam::111122223333:root",
            "accountId": "111122223333",
            "accessKeyId": "AKIAEXAMPLE"
        })
    );
}

/// Source: "userIdentity element", "Examples", of the CloudTrail user guide: a role assumed with temporary credentials.
#[test]
fn a_session_of_a_role_is_told_with_its_issuer() {
    let kind = PrincipalKind::RoleSession {
        path: "/".to_owned(),
        role: "RoleToBeAssumed".to_owned(),
        role_id: "AROAIDPPEZS35WEXAMPLE".to_owned(),
        session: "AssumedRoleSessionName".to_owned(),
        transitive_tag_keys: Vec::new(),
        source_identity: Some("DevUser".to_owned()),
    };
    let caller = CallerIdentity::new(principal(kind, Some(AT)), "ASIAEXAMPLE");
    assert_eq!(caller.username(), "AssumedRoleSessionName");
    assert_eq!(
        caller.record(),
        json!({
            "type": "AssumedRole",
            "principalId": "AROAIDPPEZS35WEXAMPLE:AssumedRoleSessionName",
            "arn": "arn:aws:sts::111122223333:assumed-role/RoleToBeAssumed/AssumedRoleSessionName",
            "accountId": "111122223333",
            "accessKeyId": "ASIAEXAMPLE",
            "sessionContext": {
                "sessionIssuer": {
                    "type": "Role",
                    "principalId": "AROAIDPPEZS35WEXAMPLE",
                    "arn": "arn:aws:iam::111122223333:role/RoleToBeAssumed",
                    "accountId": "111122223333",
                    "userName": "RoleToBeAssumed"
                },
                "attributes": {"creationDate": "2018-06-28T22:23:46Z", "mfaAuthenticated": "false"},
                "sourceIdentity": "DevUser"
            }
        })
    );
}

#[test]
fn a_user_with_temporary_credentials_is_told_with_their_date() {
    let kind = PrincipalKind::User {
        path: "/ops/".to_owned(),
        name: "alice".to_owned(),
        id: "AIDAEXAMPLE".to_owned(),
    };
    let record = CallerIdentity::new(principal(kind, Some(AT)), "ASIAEXAMPLE").record();
    assert_eq!(record["arn"], "arn:aws:iam::111122223333:user/ops/alice");
    assert_eq!(
        record["sessionContext"],
        json!({"attributes": {"creationDate": "2018-06-28T22:23:46Z", "mfaAuthenticated": "false"}})
    );
}

#[test]
fn what_brokerd_did_on_its_own_is_an_event_of_the_service() {
    let broker: BrokerId = "b-1234a5b6-78cd-401e-af00-314506001789".parse().expect("an id");
    let arn = format!("arn:aws:mq:us-west-2:111122223333:broker:orders:{broker}");
    let event = AuditEvent {
        what: What::ServiceEvent(ServiceEvent {
            name: ServiceEventName::Maintenance,
            broker,
            broker_arn: arn.clone(),
            message: "the maintenance window began: changes wait".to_owned(),
        }),
        ..event(call("Nothing", RequestParameters::default(), Outcome::Open))
    };
    let expected = json!({
        "eventVersion": "1.11",
        "userIdentity": {"accountId": "111122223333", "invokedBy": "mq.amazonaws.com"},
        "eventTime": "2018-06-28T22:23:46Z",
        "eventSource": "amazonmq.amazonaws.com",
        "eventName": "BrokerMaintenance",
        "awsRegion": "us-west-2",
        "sourceIPAddress": "mq.amazonaws.com",
        "userAgent": "mq.amazonaws.com",
        "requestParameters": null,
        "responseElements": null,
        "eventID": "00000000-0000-0000-0000-00000000a1b2",
        "readOnly": false,
        "resources": [{"accountId": "111122223333", "type": "AWS::AmazonMQ::Broker", "ARN": arn}],
        "eventType": "AwsServiceEvent",
        "managementEvent": true,
        "recipientAccountId": "111122223333",
        "serviceEventDetails": {
            "brokerArn": arn,
            "brokerId": broker.to_string(),
            "message": "the maintenance window began: changes wait"
        },
        "eventCategory": "Management"
    });
    assert_eq!(record(&event), expected);
}

#[test]
fn resources_are_found_by_the_names_that_callers_know() {
    let arn = "arn:aws:mq:us-west-2:111122223333:configuration:c-1";
    for (source, parameters, answer, expected) in [
        (
            EventSource::AmazonMq,
            json!({"name": "mine"}),
            json!({"arn": arn, "id": "c-1", "name": "mine"}),
            vec![
                ("AWS::AmazonMQ::Configuration", arn),
                ("AWS::AmazonMQ::Configuration", "c-1"),
                ("AWS::AmazonMQ::Configuration", "mine"),
            ],
        ),
        (
            EventSource::AmazonMq,
            json!({"resource-arn": arn, "tags": {"a": "b"}}),
            Value::Null,
            vec![("AWS::AmazonMQ::Configuration", arn), ("AWS::AmazonMQ::Configuration", "c-1")],
        ),
        (
            EventSource::Brokerd,
            json!({"secret-name": "a\0b"}),
            Value::Null,
            vec![("AWS::SecretsManager::Secret", "ab")],
        ),
        (
            EventSource::Sts,
            json!({"roleArn": "arn:aws:iam::111122223333:role/deploy", "roleSessionName": "ci"}),
            Value::Null,
            vec![("AWS::IAM::Role", "arn:aws:iam::111122223333:role/deploy")],
        ),
    ] {
        let found = AuditedResource::of_call(source, Some(&parameters), Some(&answer));
        let found: Vec<_> = found.iter().map(|found| (found.kind, found.name.as_str())).collect();
        assert_eq!(found, expected);
    }
}

#[test]
fn calls_that_hand_out_keys_tell_whose_they_are() {
    for (source, name, tells) in [
        (EventSource::Sts, "AssumeRole", true),
        (EventSource::Sts, "GetCallerIdentity", false),
        (EventSource::Iam, "CreateAccessKey", true),
        (EventSource::Iam, "ListAccessKeys", false),
    ] {
        let call = call(name, RequestParameters::default(), Outcome::Open);
        let call = ApiCall { source, read_only: source.is_read_only(name), ..call };
        assert_eq!(event(call).tells_answer(), tells, "{name}");
    }
}

#[test]
fn reads_of_services_without_paths_are_known_by_their_name() {
    for (source, operation, is_read) in [
        (EventSource::Iam, "ListUsers", true),
        (EventSource::Iam, "GetAccountAuthorizationDetails", true),
        (EventSource::Iam, "SimulatePrincipalPolicy", true),
        (EventSource::Iam, "CreateUser", false),
        (EventSource::Iam, "AttachUserPolicy", false),
        (EventSource::Sts, "AssumeRole", true),
        (EventSource::CloudTrail, "LookupEvents", true),
    ] {
        assert_eq!(source.is_read_only(operation), is_read, "{operation}");
    }
}
