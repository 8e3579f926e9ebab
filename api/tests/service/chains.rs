//! Chains of roles: what a session hands on to the sessions that are begun in it.

use serde_json::json;

use crate::{
    query::{Answer, IAM, STS, Who, session},
    support::TestApi,
};

/// A role that anybody may assume for whom these actions are trusted, with a tag, and what its sessions may do.
async fn role(api: &TestApi, name: &str, actions: &[&str], tag: (&str, &str)) {
    let trust = json!({"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Principal": {"AWS": "*"}, "Action": actions}]});
    let named = ("RoleName", name);
    let asked = [
        named,
        ("AssumeRolePolicyDocument", &*trust.to_string()),
        ("Tags.member.1.Key", tag.0),
        ("Tags.member.1.Value", tag.1),
    ];
    api.iam("CreateRole", &asked).await.ok();
    let may = json!({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": "iam:ListUsers", "Resource": "*",
         "Condition": {"StringEquals": {"aws:SourceIdentity": "bob"}}},
        {"Effect": "Allow", "Action": "iam:ListRoles", "Resource": "*",
         "Condition": {"StringEquals": {
            "aws:PrincipalTag/Star": "1", "aws:PrincipalTag/Heart": "1", "aws:PrincipalTag/Sun": "2"}}},
        {"Effect": "Allow", "Action": "iam:ListGroups", "Resource": "*",
         "Condition": {"Null": {"aws:PrincipalTag/Cloud": "false"}}},
    ]});
    let may = may.to_string();
    api.iam("PutRolePolicy", &[named, ("PolicyName", "may"), ("PolicyDocument", &may)]).await.ok();
}

async fn assume(api: &TestApi, who: &Who, name: &str, more: &[(&str, &str)]) -> Answer {
    let arn = format!("arn:aws:iam::000000000000:role/{name}");
    let asked = [("RoleArn", &*arn), ("RoleSessionName", name)];
    api.ask(STS, who, "AssumeRole", &[&asked[..], more].concat()).await
}

const ALL: &[&str] = &["sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"];

#[tokio::test]
async fn a_source_identity_stays_through_a_chain_and_where_it_is_not_trusted_the_chain_ends() {
    let api = TestApi::start().await;
    role(&api, "first", ALL, ("Sun", "1")).await;
    role(&api, "second", ALL, ("Sun", "2")).await;
    role(&api, "closed", &["sts:AssumeRole"], ("Sun", "3")).await;
    let bob = api.caller_named("bob", None).await;
    let source = ("SourceIdentity", "bob");
    let (_, code, message) = assume(&api, &bob, "closed", &[source]).await.error();
    assert_eq!(code, "AccessDenied");
    assert!(message.contains("to perform: sts:SetSourceIdentity on resource"), "{message}");

    let assumed = assume(&api, &bob, "first", &[source]).await.ok();
    assert_eq!(assumed.text("AssumeRoleResult/SourceIdentity"), "bob");
    let first = session(&assumed);
    assert_eq!(api.ask(IAM, &first, "ListUsers", &[]).await.code(), "OK");
    let plain = assume(&api, &bob, "first", &[]).await.ok();
    assert_eq!(plain.all("SourceIdentity"), Vec::<String>::new());
    assert_eq!(api.ask(IAM, &session(&plain), "ListUsers", &[]).await.code(), "AccessDenied");

    let refused = assume(&api, &first, "second", &[("SourceIdentity", "carol")]).await.error();
    let set = "The source identity is already set for this assume role session".to_owned();
    assert_eq!(refused, (400, "ValidationError".to_owned(), set));
    assert_eq!(assume(&api, &first, "closed", &[]).await.code(), "AccessDenied");
    assert_eq!(assume(&api, &session(&plain), "closed", &[]).await.code(), "OK");
    let assumed = assume(&api, &first, "second", &[]).await.ok();
    assert_eq!(assumed.text("AssumeRoleResult/SourceIdentity"), "bob");
    let second = session(&assumed);
    assert_eq!(api.ask(IAM, &second, "ListUsers", &[]).await.code(), "OK");

    let records = api.records().await;
    let told = records.iter().filter(|record| record["eventName"] == "ListUsers");
    let told: Vec<_> = told
        .map(|record| record["userIdentity"]["sessionContext"]["sourceIdentity"].clone())
        .collect();
    assert_eq!(told.iter().filter(|source| **source == json!("bob")).count(), 2, "{told:?}");
    let chained = records.iter().find(|record| {
        record["responseElements"]["sourceIdentity"] == "bob"
            && record["requestParameters"]["roleSessionName"] == "second"
    });
    assert!(chained.is_some(), "{records:?}");
    api.stop().await;
}

/// Source: "Chaining roles with session tags" of the IAM user guide, whose example this is.
#[tokio::test]
async fn transitive_tags_go_through_a_chain_and_win_over_those_of_roles() {
    let api = TestApi::start().await;
    role(&api, "role1", ALL, ("Heart", "1")).await;
    role(&api, "role2", ALL, ("Sun", "2")).await;
    role(&api, "role3", ALL, ("star", "3")).await;
    role(&api, "closed", &["sts:AssumeRole"], ("Sun", "2")).await;
    let bob = api.caller_named("bob", None).await;
    let tags = [
        ("Tags.member.1.Key", "Star"),
        ("Tags.member.1.Value", "1"),
        ("Tags.member.2.Key", "Heart"),
        ("Tags.member.2.Value", "1"),
        ("Tags.member.3.Key", "Cloud"),
        ("Tags.member.3.Value", "1"),
    ];
    let transitive =
        [("TransitiveTagKeys.member.1", "Star"), ("TransitiveTagKeys.member.2", "Heart")];
    let unknown = [("TransitiveTagKeys.member.1", "Moon")];
    let (_, code, message) =
        assume(&api, &bob, "role1", &[&tags[..], &unknown].concat()).await.error();
    assert_eq!(code, "InvalidParameterValue");
    assert_eq!(message, "The specified transitive tag key must be included in the requested tags.");
    let first =
        session(&assume(&api, &bob, "role1", &[&tags[..], &transitive].concat()).await.ok());
    assert_eq!(api.ask(IAM, &first, "ListGroups", &[]).await.code(), "OK");
    // What is handed on has to be allowed as what is set.
    let (_, code, message) = assume(&api, &first, "closed", &[]).await.error();
    assert_eq!(code, "AccessDenied");
    assert!(message.contains("sts:TagSession"), "{message}");

    let second = session(&assume(&api, &first, "role2", &[]).await.ok());
    assert_eq!(api.ask(IAM, &second, "ListRoles", &[]).await.code(), "OK");
    assert_eq!(
        api.ask(IAM, &second, "ListGroups", &[]).await.code(),
        "AccessDenied",
        "not transitive"
    );
    let over = [("Tags.member.1.Key", "heart"), ("Tags.member.1.Value", "3")];
    let (_, code, message) = assume(&api, &second, "role3", &over).await.error();
    assert_eq!(code, "InvalidParameterValue");
    assert!(message.contains("conflicts with a transitive tag key from the calling session"));
    let more = [("Tags.member.1.Key", "Sun"), ("Tags.member.1.Value", "2")];
    let third = session(&assume(&api, &second, "role3", &more).await.ok());
    assert_eq!(api.ask(IAM, &third, "ListRoles", &[]).await.code(), "OK", "still transitive");

    let records = api.records().await;
    let chained = records.iter().find(|record| {
        record["requestParameters"]["roleSessionName"] == "role2" && record["errorCode"].is_null()
    });
    let incoming = &chained.expect("an event")["requestParameters"]["incomingTransitiveTags"];
    assert_eq!(*incoming, json!({"Heart": "1", "Star": "1"}));
    api.stop().await;
}

/// Source: the example of "Permissions required to add session tags" of the IAM user guide.
#[tokio::test]
async fn trust_policies_bound_what_callers_set() {
    let api = TestApi::start().await;
    let trust = json!({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"},
        {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:SetSourceIdentity",
         "Condition": {"StringEquals": {"sts:SourceIdentity": "${aws:username}"}}},
        {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:TagSession", "Condition": {
            "StringEquals": {"aws:RequestTag/Department": ["Engineering", "Marketing"]},
            "ForAllValues:StringEquals": {"sts:TransitiveTagKeys": ["Department"]}}},
    ]});
    let trust = trust.to_string();
    let asked = [("RoleName", "bounded"), ("AssumeRolePolicyDocument", trust.as_str())];
    api.iam("CreateRole", &asked).await.ok();
    let bob = api.caller_named("bob", None).await;
    let department = |value| [("Tags.member.1.Key", "Department"), ("Tags.member.1.Value", value)];
    let project = [("Tags.member.2.Key", "Project"), ("Tags.member.2.Value", "x")];
    let key = |key| [("TransitiveTagKeys.member.1", key)];
    for (more, expected) in [
        ([("SourceIdentity", "bob")].to_vec(), "OK"),
        ([("SourceIdentity", "carol")].to_vec(), "AccessDenied"),
        (department("Marketing").to_vec(), "OK"),
        (department("Sales").to_vec(), "AccessDenied"),
        ([&department("Marketing")[..], &key("Department")].concat(), "OK"),
        ([&department("Marketing")[..], &project, &key("Project")].concat(), "AccessDenied"),
    ] {
        assert_eq!(assume(&api, &bob, "bounded", &more).await.code(), expected, "{more:?}");
    }
    api.stop().await;
}
