//! Every operation is asked about before it does anything.

use brokerd_domain::policy::OperationPermissions;

use crate::{
    query::{IAM, Who, allow, trust},
    support::TestApi,
};

/// Parameters with which every operation is about something that is there.
const EVERYTHING: &[(&str, &str)] = &[
    ("UserName", "target"),
    ("GroupName", "target"),
    ("RoleName", "target"),
    ("PolicyName", "target"),
    ("PolicyArn", "arn:aws:iam::000000000000:policy/target"),
    ("PermissionsBoundary", "arn:aws:iam::000000000000:policy/target"),
    ("PolicySourceArn", "arn:aws:iam::000000000000:user/target"),
    ("ActionNames.member.1", "mq:ListBrokers"),
    ("VersionId", "v1"),
    ("Status", "Active"),
    ("Description", ""),
    ("TagKeys.member.1", "x"),
];

/// What operations with tags need, which others must not get: it would need a permission more.
fn parameters<'a>(
    operation: &str,
    key: &'a str,
    document: &'a str,
    trust: &'a str,
) -> Vec<(&'a str, &'a str)> {
    let mut all = EVERYTHING.to_vec();
    let policy = if operation == "UpdateAssumeRolePolicy" { trust } else { document };
    all.extend([
        ("AccessKeyId", key),
        ("PolicyDocument", policy),
        ("PolicyInputList.member.1", document),
        ("AssumeRolePolicyDocument", trust),
    ]);
    if operation.starts_with("Tag") {
        all.extend([("Tags.member.1.Key", "x"), ("Tags.member.1.Value", "y")]);
    }
    all
}

/// A user, group, role and policy, and a key of the user.
async fn target(api: &TestApi, trusted: &str, document: &str) -> String {
    let user = api.caller_named("target", None).await;
    api.iam("CreateGroup", &[("GroupName", "target")]).await.ok();
    api.iam("CreateRole", &[("RoleName", "target"), ("AssumeRolePolicyDocument", trusted)])
        .await
        .ok();
    api.iam("CreatePolicy", &[("PolicyName", "target"), ("PolicyDocument", document)]).await.ok();
    user.client.credentials.access_key_id
}

#[tokio::test]
async fn nobody_may_do_anything_without_a_policy_that_allows_it() {
    let api = TestApi::start().await;
    let (trusted, document) = (trust("*"), allow("mq:*"));
    let key = target(&api, &trusted, &document).await;
    let nobody = api.caller_named("nobody", None).await;
    for permissions in OperationPermissions::all_of_iam() {
        let operation = permissions.operation;
        let parameters = parameters(operation, &key, &document, &trusted);
        let (status, code, message) = api.ask(IAM, &nobody, operation, &parameters).await.error();
        assert_eq!((status, code.as_str()), (403, "AccessDenied"), "{operation}: {message}");
        let expected = format!(
            "User: arn:aws:iam::000000000000:user/nobody is not authorized to perform: iam:{operation} on resource: "
        );
        assert!(message.starts_with(&expected), "{message}");
        // Nor is anybody told whether something is there.
        let absent: Vec<_> = parameters
            .iter()
            .map(|(name, value)| {
                (*name, value.replace("target", "absent").replace(&key, "AKIAABSENT"))
            })
            .collect();
        let absent: Vec<_> = absent.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let (status, _, other) = api.ask(IAM, &nobody, operation, &absent).await.error();
        assert_eq!((status, other.replace("absent", "target")), (403, message), "{operation}");
    }
    api.stop().await;
}

#[tokio::test]
async fn the_action_of_its_name_allows_an_operation() {
    let api = TestApi::start().await;
    let (trusted, document) = (trust("*"), allow("mq:*"));
    let key = target(&api, &trusted, &document).await;
    let somebody = api.caller_named("somebody", None).await;
    for permissions in OperationPermissions::all_of_iam() {
        let operation = permissions.operation;
        let policy = allow(&format!("iam:{operation}"));
        let put =
            [("UserName", "somebody"), ("PolicyName", "may"), ("PolicyDocument", policy.as_str())];
        api.iam("PutUserPolicy", &put).await.ok();
        let parameters = parameters(operation, &key, &document, &trusted);
        let answer = api.ask(IAM, &somebody, operation, &parameters).await;
        let code = answer.code();
        // What can't be done because of what is there, or is not, was permitted.
        let permitted =
            ["OK", "NoSuchEntity", "EntityAlreadyExists", "DeleteConflict", "LimitExceeded"];
        assert!(permitted.contains(&code.as_str()), "{operation}: {answer:?}");
    }
    api.stop().await;
}

#[tokio::test]
async fn tagging_what_is_created_needs_a_permission_of_its_own() {
    let api = TestApi::start().await;
    let tagged =
        [("UserName", "new"), ("Tags.member.1.Key", "team"), ("Tags.member.1.Value", "red")];
    let creator = api.caller_named("creator", Some(&allow("iam:CreateUser"))).await;
    let (_, code, message) = api.ask(IAM, &creator, "CreateUser", &tagged).await.error();
    assert_eq!(code, "AccessDenied");
    assert!(
        message.contains("iam:TagUser on resource: arn:aws:iam::000000000000:user/new"),
        "{message}"
    );
    let red = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":["iam:CreateUser","iam:TagUser"],"Resource":"*",
        "Condition":{"StringEquals":{"aws:RequestTag/team":"red"}}}}"#;
    let of_red = api.caller_named("of-red", Some(red)).await;
    assert_eq!(api.ask(IAM, &of_red, "CreateUser", &tagged[..1]).await.code(), "AccessDenied");
    assert_eq!(api.ask(IAM, &of_red, "CreateUser", &tagged).await.code(), "OK");
    api.stop().await;
}

#[tokio::test]
async fn a_change_is_in_force_at_once() {
    let api = TestApi::start().await;
    let alice: Who = api.caller_named("alice", Some(&allow("iam:ListUsers"))).await;
    let list = async || api.ask(IAM, &alice, "ListUsers", &[]).await.code();
    let policy = [("UserName", "alice"), ("PolicyName", "may")];
    for _ in 0..3 {
        assert_eq!(list().await, "OK");
        api.iam("DeleteUserPolicy", &policy).await.ok();
        assert_eq!(list().await, "AccessDenied");
        let put = [policy[0], policy[1], ("PolicyDocument", &allow("iam:ListUsers"))];
        api.iam("PutUserPolicy", &put).await.ok();
    }
    api.stop().await;
}
