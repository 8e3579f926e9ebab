//! STS: who calls, and credentials that end.

use crate::{
    query::{IAM, STS, Who, allow, session, trust},
    support::{Client, TestApi},
};

const ROLE: (&str, &str) = ("RoleArn", "arn:aws:iam::000000000000:role/deploy");
const SESSION: (&str, &str) = ("RoleSessionName", "run-17");

/// A role that lists users and roles, for whom a trust policy names.
async fn role(api: &TestApi, trusted: &str) {
    let name = ("RoleName", "deploy");
    api.iam(
        "CreateRole",
        &[name, ("AssumeRolePolicyDocument", trusted), ("MaxSessionDuration", "7200")],
    )
    .await
    .ok();
    let document = allow("iam:List*");
    api.iam("PutRolePolicy", &[name, ("PolicyName", "p"), ("PolicyDocument", &document)])
        .await
        .ok();
}

#[tokio::test]
async fn everybody_may_ask_who_they_are() {
    let api = TestApi::start().await;
    let root = api.ask(STS, &Who::from(&api.alice), "GetCallerIdentity", &[]).await.ok();
    assert_eq!(root.text("Arn"), "arn:aws:iam::000000000000:root");
    assert_eq!(
        (root.text("UserId"), root.text("Account")),
        ("000000000000".into(), "000000000000".into())
    );
    let deny = allow("*").replace("Allow", "Deny");
    let bob = api.caller_named("bob", Some(&deny)).await;
    let user = api.ask(STS, &bob, "GetCallerIdentity", &[]).await.ok();
    assert_eq!(user.text("Arn"), "arn:aws:iam::000000000000:user/bob");
    assert!(user.text("UserId").starts_with("AIDA"));
    let id = ("AccessKeyId", "AKIAALICE");
    let info = api.ask(STS, &Who::from(&api.alice), "GetAccessKeyInfo", &[id]).await.ok();
    assert_eq!(info.text("Account"), "000000000000");
    assert_eq!(api.ask(STS, &bob, "GetAccessKeyInfo", &[id]).await.code(), "AccessDenied");
    api.stop().await;
}

#[tokio::test]
async fn a_trusted_user_assumes_a_role_for_a_while() {
    let api = TestApi::start().await;
    role(&api, &trust("arn:aws:iam::000000000000:user/bob")).await;
    let bob = api.caller_named("bob", None).await;
    let assumed =
        api.ask(STS, &bob, "AssumeRole", &[ROLE, SESSION, ("DurationSeconds", "900")]).await.ok();
    assert_eq!(
        assumed.text("AssumedRoleUser/Arn"),
        "arn:aws:sts::000000000000:assumed-role/deploy/run-17"
    );
    assert!(assumed.text("AssumedRoleUser/AssumedRoleId").ends_with(":run-17"));
    let pipeline = session(&assumed);
    assert!(pipeline.client.credentials.access_key_id.starts_with("ASIA"));
    let who = api.ask(STS, &pipeline, "GetCallerIdentity", &[]).await.ok();
    assert_eq!(who.text("Arn"), "arn:aws:sts::000000000000:assumed-role/deploy/run-17");
    assert_eq!(who.text("UserId"), assumed.text("AssumedRoleUser/AssumedRoleId"));
    assert_eq!(api.ask(IAM, &pipeline, "ListUsers", &[]).await.code(), "OK");
    let (_, code, message) =
        api.ask(IAM, &pipeline, "CreateUser", &[("UserName", "x")]).await.error();
    assert_eq!(code, "AccessDenied");
    assert!(
        message.starts_with(
            "User: arn:aws:sts::000000000000:assumed-role/deploy/run-17 is not authorized"
        ),
        "{message}"
    );
    assert_eq!(api.ask(IAM, &pipeline, "GetUser", &[]).await.code(), "ValidationError");

    let without = Who { token: None, ..pipeline.clone() };
    assert_eq!(
        api.ask(STS, &without, "GetCallerIdentity", &[]).await.code(),
        "InvalidClientTokenId"
    );
    let another = Who { token: Some("AAAA".to_owned()), ..pipeline.clone() };
    assert_eq!(
        api.ask(STS, &another, "GetCallerIdentity", &[]).await.code(),
        "InvalidClientTokenId"
    );
    api.clock.advance_seconds(901);
    let (status, code, message) = api.ask(STS, &pipeline, "GetCallerIdentity", &[]).await.error();
    assert_eq!((status, code.as_str()), (403, "ExpiredToken"));
    assert_eq!(message, "The security token included in the request is expired");
    api.stop().await;
}

#[tokio::test]
async fn an_account_that_is_trusted_has_to_permit_it_to_its_users() {
    let api = TestApi::start().await;
    api.add_key("AKIAEVE", "eve-secret", "111111111111").await;
    let eve = Who::from(&Client::new("AKIAEVE", "eve-secret", "us-east-1"));
    role(&api, &trust("arn:aws:iam::111111111111:root")).await;
    let bob = api.caller_named("bob", Some(&allow("sts:*"))).await;
    let mine = api.ask(STS, &bob, "AssumeRole", &[ROLE, SESSION]).await.error();
    assert_eq!((mine.0, mine.1.as_str()), (403, "AccessDenied"));
    assert_eq!(
        mine.2,
        "User: arn:aws:iam::000000000000:user/bob is not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::000000000000:role/deploy"
    );
    // Nobody is told whether a role is there.
    let absent = ("RoleArn", "arn:aws:iam::000000000000:role/absent");
    let (_, _, message) = api.ask(STS, &bob, "AssumeRole", &[absent, SESSION]).await.error();
    assert_eq!(message, mine.2.replace("deploy", "absent"));

    api.ask(IAM, &eve, "CreateUser", &[("UserName", "carol")]).await.ok();
    let carol = api.key_of(&eve, "carol").await;
    assert_eq!(api.ask(STS, &carol, "AssumeRole", &[ROLE, SESSION]).await.code(), "AccessDenied");
    let document = allow("sts:AssumeRole");
    let policy =
        [("UserName", "carol"), ("PolicyName", "p"), ("PolicyDocument", document.as_str())];
    api.ask(IAM, &eve, "PutUserPolicy", &policy).await.ok();
    let assumed = api.ask(STS, &carol, "AssumeRole", &[ROLE, SESSION]).await.ok();
    let users = api.ask(IAM, &session(&assumed), "ListUsers", &[]).await.ok();
    assert_eq!(users.all("Users/member/UserName"), ["bob"]);
    // Neither a root nor a root's session assumes roles.
    let (_, code, message) = api.ask(STS, &eve, "AssumeRole", &[ROLE, SESSION]).await.error();
    assert_eq!(
        (code.as_str(), message.as_str()),
        ("AccessDenied", "Roles may not be assumed by root accounts.")
    );
    api.stop().await;
}

#[tokio::test]
async fn external_ids_durations_and_chains_are_bounded() {
    let api = TestApi::start().await;
    let condition = r#""Condition":{"StringEquals":{"sts:ExternalId":"secret-17"}},"Action""#;
    role(&api, &trust("*").replacen("\"Action\"", condition, 1)).await;
    let bob = api.caller_named("bob", None).await;
    let assume = async |who: &Who, more: &[(&str, &str)]| {
        api.ask(STS, who, "AssumeRole", &[&[ROLE, SESSION], more].concat()).await
    };
    assert_eq!(assume(&bob, &[]).await.code(), "AccessDenied");
    assert_eq!(assume(&bob, &[("ExternalId", "other")]).await.code(), "AccessDenied");
    let id = ("ExternalId", "secret-17");
    assert_eq!(assume(&bob, &[id]).await.code(), "OK");
    let (_, code, message) = assume(&bob, &[id, ("DurationSeconds", "7201")]).await.error();
    assert_eq!(code, "ValidationError");
    assert_eq!(
        message,
        "The requested DurationSeconds exceeds the MaxSessionDuration set for this role."
    );
    assert_eq!(assume(&bob, &[id, ("DurationSeconds", "899")]).await.code(), "ValidationError");
    let first = session(&assume(&bob, &[id, ("DurationSeconds", "7200")]).await.ok());
    let (_, code, message) = assume(&first, &[id, ("DurationSeconds", "3601")]).await.error();
    assert_eq!(code, "ValidationError");
    assert!(
        message.contains("1 hour session limit for roles assumed by role chaining"),
        "{message}"
    );
    assert_eq!(assume(&first, &[id]).await.code(), "OK");
    assert_eq!(
        assume(&bob, &[id, ("SerialNumber", "arn:x"), ("TokenCode", "123456")]).await.code(),
        "AccessDenied"
    );
    api.stop().await;
}

#[tokio::test]
async fn session_policies_and_tags_limit_a_session() {
    let api = TestApi::start().await;
    role(&api, &trust("*")).await;
    let bob = api.caller_named("bob", None).await;
    let limited = allow("iam:ListUsers");
    let call = [ROLE, SESSION, ("Policy", limited.as_str())];
    let assumed = api.ask(STS, &bob, "AssumeRole", &call).await.ok();
    assert!(!assumed.text("PackedPolicySize").is_empty());
    let who = session(&assumed);
    let may = async |who: &Who, action: &str| api.ask(IAM, who, action, &[]).await.code();
    assert_eq!(
        (may(&who, "ListUsers").await, may(&who, "ListRoles").await),
        ("OK".into(), "AccessDenied".into())
    );
    let arn = ("PolicyArns.member.1.arn", "arn:aws:iam::aws:policy/AmazonMQReadOnlyAccess");
    let read = session(&api.ask(STS, &bob, "AssumeRole", &[ROLE, SESSION, arn]).await.ok());
    assert_eq!(may(&read, "ListUsers").await, "AccessDenied");
    let none = ("PolicyArns.member.1.arn", "arn:aws:iam::aws:policy/None");
    assert_eq!(
        api.ask(STS, &bob, "AssumeRole", &[ROLE, SESSION, none]).await.code(),
        "MalformedPolicyDocument"
    );

    let tagged = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"iam:ListGroups","Resource":"*",
        "Condition":{"StringEquals":{"aws:PrincipalTag/team":"red"}}}}"#;
    let policy = [("RoleName", "deploy"), ("PolicyName", "p"), ("PolicyDocument", tagged)];
    api.iam("PutRolePolicy", &policy).await.ok();
    let tag = [("Tags.member.1.Key", "team"), ("Tags.member.1.Value", "red")];
    let red = session(
        &api.ask(STS, &bob, "AssumeRole", &[&[ROLE, SESSION], &tag[..]].concat()).await.ok(),
    );
    let plain = session(&api.ask(STS, &bob, "AssumeRole", &[ROLE, SESSION]).await.ok());
    assert_eq!(
        (may(&red, "ListGroups").await, may(&plain, "ListGroups").await),
        ("OK".into(), "AccessDenied".into())
    );
    let no_tags = trust("*").replace(",\"sts:TagSession\"", "");
    api.iam("UpdateAssumeRolePolicy", &[("RoleName", "deploy"), ("PolicyDocument", &no_tags)])
        .await
        .ok();
    let (_, code, message) =
        api.ask(STS, &bob, "AssumeRole", &[&[ROLE, SESSION], &tag[..]].concat()).await.error();
    assert_eq!(code, "AccessDenied");
    assert!(message.contains("sts:TagSession"), "{message}");
    api.stop().await;
}

#[tokio::test]
async fn a_session_token_acts_as_its_user_until_it_ends_or_the_user_is_gone() {
    let api = TestApi::start().await;
    let bob = api.caller_named("bob", Some(&allow("iam:ListUsers"))).await;
    let answer = api.ask(STS, &bob, "GetSessionToken", &[("DurationSeconds", "900")]).await.ok();
    let temporary = session(&answer);
    assert_eq!(api.ask(IAM, &temporary, "ListUsers", &[]).await.code(), "OK");
    let who = api.ask(STS, &temporary, "GetCallerIdentity", &[]).await.ok();
    assert_eq!(who.text("Arn"), "arn:aws:iam::000000000000:user/bob");
    let again = api.ask(STS, &temporary, "GetSessionToken", &[]).await.error();
    assert_eq!((again.0, again.1.as_str()), (403, "AccessDenied"));
    api.iam("DeleteUserPolicy", &[("UserName", "bob"), ("PolicyName", "may")]).await.ok();
    assert_eq!(api.ask(IAM, &temporary, "ListUsers", &[]).await.code(), "AccessDenied");
    let key = bob.client.credentials.access_key_id.clone();
    api.iam("DeleteAccessKey", &[("UserName", "bob"), ("AccessKeyId", &key)]).await.ok();
    api.iam("DeleteUser", &[("UserName", "bob")]).await.ok();
    assert_eq!(
        api.ask(STS, &temporary, "GetCallerIdentity", &[]).await.code(),
        "InvalidClientTokenId"
    );

    let root = Who::from(&api.alice);
    let session = session(&api.ask(STS, &root, "GetSessionToken", &[]).await.ok());
    assert_eq!(api.ask(IAM, &session, "ListUsers", &[]).await.code(), "OK");
    api.clock.advance_seconds(3601);
    assert_eq!(api.ask(IAM, &session, "ListUsers", &[]).await.code(), "ExpiredToken");
    assert_eq!(
        api.ask(STS, &root, "GetSessionToken", &[("DurationSeconds", "129601")]).await.code(),
        "ValidationError"
    );
    api.stop().await;
}

#[tokio::test]
async fn the_global_endpoint_is_signed_for_whatever_the_regions_of_brokerd_are() {
    let api = TestApi::start_in("eu-central-1").await;
    let in_region = |region: &str| {
        let mut who = Who::from(&api.alice);
        who.client.credentials.region = region.to_owned();
        who
    };
    for region in ["us-east-1", "eu-central-1"] {
        api.ask(STS, &in_region(region), "GetCallerIdentity", &[]).await.ok();
        api.ask(IAM, &in_region(region), "ListUsers", &[]).await.ok();
    }
    let elsewhere = in_region("us-west-2");
    let refused = api.ask(STS, &elsewhere, "GetCallerIdentity", &[]).await;
    assert_eq!(refused.code(), "SignatureDoesNotMatch");
    let global = in_region("us-east-1").client;
    assert_eq!(api.call_as(&global, "GET", "/v1/brokers", "").await.status, 403);
    api.stop().await;
}
