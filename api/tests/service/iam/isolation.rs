//! What one account has, another one neither sees nor changes.

use brokerd_domain::policy::OperationPermissions;

use crate::{
    isolation::headers,
    query::{IAM, Who, allow, trust},
    statements::Statements,
    support::{Client, TestApi},
};

#[tokio::test]
async fn accounts_share_no_names_and_see_nothing_of_one_another() {
    let api = TestApi::start().await;
    api.add_key("AKIAEVE", "eve-secret", "111111111111").await;
    let eve = Who::from(&Client::new("AKIAEVE", "eve-secret", "us-east-1"));
    let (trusted, document) = (trust("*"), allow("mq:*"));
    let user = api.caller_named("shared", None).await;
    let key = user.client.credentials.access_key_id;
    api.iam("CreateGroup", &[("GroupName", "shared")]).await.ok();
    api.iam("CreateRole", &[("RoleName", "shared"), ("AssumeRolePolicyDocument", &trusted)])
        .await
        .ok();
    api.iam("CreatePolicy", &[("PolicyName", "shared"), ("PolicyDocument", &document)]).await.ok();
    let before = api.iam("GetAccountAuthorizationDetails", &[]).await.ok();

    let parameters = [
        ("UserName", "shared"),
        ("GroupName", "shared"),
        ("RoleName", "shared"),
        ("PolicyName", "x"),
        ("PolicyArn", "arn:aws:iam::000000000000:policy/shared"),
        ("PermissionsBoundary", "arn:aws:iam::000000000000:policy/shared"),
        ("PolicySourceArn", "arn:aws:iam::000000000000:user/shared"),
        ("ActionNames.member.1", "mq:ListBrokers"),
        ("VersionId", "v1"),
        ("Status", "Active"),
        ("Description", ""),
        ("TagKeys.member.1", "x"),
        ("Tags.member.1.Key", "x"),
        ("Tags.member.1.Value", "y"),
        ("AccessKeyId", &key),
        ("PolicyDocument", &document),
    ];
    // Of the same length, so that answers are, too.
    let none = key.replace(|letter: char| letter.is_ascii_digit(), "7");
    let none = format!("{}{}", &none[..none.len() - 4], "NONE");
    let statements = Statements::watch();
    for permissions in OperationPermissions::all_of_iam() {
        let operation = permissions.operation;
        if operation.starts_with("Create")
            || operation.starts_with("Simulate") && operation.ends_with("CustomPolicy")
        {
            continue;
        }
        let mut parameters = parameters.to_vec();
        if operation == "UpdateAssumeRolePolicy" {
            parameters.retain(|(name, _)| *name != "PolicyDocument");
            parameters.push(("PolicyDocument", &trusted));
        }
        let absent: Vec<(&str, String)> = parameters
            .iter()
            .map(|(name, value)| (*name, value.replace("shared", "absent").replace(&key, &none)))
            .collect();
        let absent: Vec<_> = absent.iter().map(|(name, value)| (*name, value.as_str())).collect();
        // What is remembered for a while is then remembered for both.
        api.ask(IAM, &eve, operation, &absent).await;
        statements.take();
        let answer = api.ask(IAM, &eve, operation, &parameters).await;
        let of_theirs = statements.take();
        let other = api.ask(IAM, &eve, operation, &absent).await;
        assert_eq!(of_theirs, statements.take(), "{operation} takes other statements");
        assert_eq!(headers(&answer.reply), headers(&other.reply), "{operation}");
        let text = |text: &str| {
            let text = text.split("<RequestId>").next().unwrap_or_default();
            text.replace("absent", "shared").replace(&none, &key)
        };
        assert_eq!(text(&answer.reply.text), text(&other.reply.text), "{operation}");
        let is_about_the_account = permissions.actions[0].resource
            == brokerd_domain::policy::ResourceType::Any
            || matches!(operation, "ListUsers" | "ListGroups" | "ListRoles");
        if is_about_the_account {
            assert!(!answer.reply.text.contains("shared"), "{operation}: {answer:?}");
        } else {
            assert_eq!(answer.code(), "NoSuchEntity", "{operation}: {answer:?}");
        }
    }
    drop(statements);
    // The same names are free there.
    api.ask(IAM, &eve, "CreateUser", &[("UserName", "shared")]).await.ok();
    api.ask(IAM, &eve, "CreatePolicy", &[("PolicyName", "shared"), ("PolicyDocument", &document)])
        .await
        .ok();
    let foreign =
        [("UserName", "shared"), ("PolicyArn", "arn:aws:iam::000000000000:policy/shared")];
    assert_eq!(api.ask(IAM, &eve, "AttachUserPolicy", &foreign).await.code(), "NoSuchEntity");
    let after = api.iam("GetAccountAuthorizationDetails", &[]).await.ok();
    let details = |text: &str| text.split("<ResponseMetadata>").next().map(str::to_owned);
    assert_eq!(details(&before.reply.text), details(&after.reply.text));
    api.stop().await;
}
