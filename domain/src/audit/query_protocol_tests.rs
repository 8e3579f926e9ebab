//! Calls of the query protocol, compared with the examples of the documentation.

use serde_json::{Value, json};

use super::*;

#[test]
fn calls_of_the_query_protocol_are_told_as_their_documentation_has_them() {
    let parameters = form_parameters([
        ("Action", "CreateUser"),
        ("Version", "2010-05-08"),
        ("UserName", "alice"),
        ("Tags.member.2.Key", "stage"),
        ("Tags.member.1.Key", "team"),
        ("Tags.member.1.Value", "red"),
        ("PolicyArns.member.1.arn", "arn:aws:iam::aws:policy/ReadOnly"),
        ("ActionNames.member.1", "mq:ListBrokers"),
    ]);
    assert_eq!(
        Value::Object(parameters),
        json!({
            "userName": "alice",
            "tags": [{"key": "team", "value": "red"}, {"key": "stage"}],
            "policyArns": [{"arn": "arn:aws:iam::aws:policy/ReadOnly"}],
            "actionNames": ["mq:ListBrokers"]
        })
    );
}

#[test]
fn forms_that_would_cost_much_are_not_followed() {
    let deep = vec!["a"; 5000].join(".");
    let parameters = form_parameters([
        (deep.as_str(), "x"),
        ("Tags.member.4000000000", "x"),
        ("Tags.member.1001", "y"),
        ("Tags.member.0", "z"),
        ("", "e"),
        ("Tags..", "e"),
    ]);
    assert!(Value::Object(parameters).to_string().len() < 200);
}

#[test]
fn answers_of_the_query_protocol_are_read() {
    let xml = r#"<CreateAccessKeyResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/">
        <CreateAccessKeyResult><AccessKey>
        <UserName>alice</UserName><AccessKeyId>AKIAEXAMPLE</AccessKeyId><Status>Active</Status>
        <SecretAccessKey>hush</SecretAccessKey></AccessKey></CreateAccessKeyResult>
        <ResponseMetadata><RequestId>1</RequestId></ResponseMetadata></CreateAccessKeyResponse>"#;
    let members = answer_of_query(xml).expect("an answer");
    let outcome = Outcome::answered_with(members);
    let expected = json!({"accessKey": {
        "userName": "alice", "accessKeyId": "AKIAEXAMPLE", "status": "Active", "secretAccessKey": "***"
    }});
    assert_eq!(outcome, Outcome::Answered(Some(expected.clone())));
    let found = AuditedResource::of_call(EventSource::Iam, None, Some(&expected));
    let found: Vec<_> = found.iter().map(|found| (found.kind, found.name.as_str())).collect();
    assert_eq!(found, [("AWS::IAM::User", "alice"), ("AWS::IAM::AccessKey", "AKIAEXAMPLE")]);

    let nothing = "<DeleteUserResponse><ResponseMetadata/></DeleteUserResponse>";
    assert_eq!(answer_of_query(nothing), Some(serde_json::Map::new()));
    assert_eq!(answer_of_query("{}"), None);
    assert_eq!(answer_of_query("<html/>"), None);
}
