//! Roles and permissions boundaries.

use crate::{
    query::{IAM, allow, trust},
    support::TestApi,
};

#[tokio::test]
async fn a_role_is_created_shown_changed_and_deleted() {
    let api = TestApi::start().await;
    let trusted = trust("arn:aws:iam::000000000000:root");
    let name = ("RoleName", "deploy");
    let call = [
        name,
        ("Path", "/ci/"),
        ("AssumeRolePolicyDocument", &trusted),
        ("Description", "of the pipeline"),
        ("MaxSessionDuration", "7200"),
        ("Tags.member.1.Key", "team"),
        ("Tags.member.1.Value", "red"),
    ];
    let created = api.iam("CreateRole", &call).await.ok();
    assert_eq!(created.text("Role/Arn"), "arn:aws:iam::000000000000:role/ci/deploy");
    let shown = api.iam("GetRole", &[name]).await.ok();
    let decode = |text: String| percent_decoded(&text);
    assert_eq!(decode(shown.text("Role/AssumeRolePolicyDocument")), trusted);
    assert_eq!(shown.text("Role/Description"), "of the pipeline");
    assert_eq!(shown.text("Role/MaxSessionDuration"), "7200");
    assert_eq!(shown.text("Tags/member/Value"), "red");

    let answer = api
        .iam("UpdateRole", &[name, ("Description", "new"), ("MaxSessionDuration", "3600")])
        .await
        .ok();
    assert!(answer.reply.text.contains("<UpdateRoleResult></UpdateRoleResult>"), "{answer:?}");
    let other = trust("111111111111");
    api.iam("UpdateAssumeRolePolicy", &[name, ("PolicyDocument", &other)]).await.ok();
    let shown = api.iam("GetRole", &[name]).await.ok();
    assert_eq!(
        (shown.text("Role/Description"), shown.text("Role/MaxSessionDuration")),
        ("new".into(), "3600".into())
    );
    assert_eq!(decode(shown.text("Role/AssumeRolePolicyDocument")), other);
    let updated = api.iam("UpdateRoleDescription", &[name, ("Description", "")]).await.ok();
    assert_eq!(updated.all("Role/Description"), Vec::<String>::new());
    assert_eq!(api.iam("ListRoles", &[]).await.ok().all("Roles/member/RoleName"), ["deploy"]);
    assert_eq!(
        api.iam("ListInstanceProfilesForRole", &[name]).await.ok().text("IsTruncated"),
        "false"
    );

    for (wrong, code) in [
        (("AssumeRolePolicyDocument", "{}"), "MalformedPolicyDocument"),
        (("AssumeRolePolicyDocument", "x"), "MalformedPolicyDocument"),
        (("MaxSessionDuration", "60"), "ValidationError"),
    ] {
        let mut call =
            vec![("RoleName", "other"), ("AssumeRolePolicyDocument", trusted.as_str()), wrong];
        call.retain(|(key, value)| *key != wrong.0 || *value == wrong.1);
        assert_eq!(api.iam("CreateRole", &call).await.code(), code, "{wrong:?}");
    }
    api.iam("DeleteRole", &[name]).await.ok();
    assert_eq!(api.iam("GetRole", &[name]).await.code(), "NoSuchEntity");
    api.stop().await;
}

pub(crate) fn percent_decoded(text: &str) -> String {
    let form = format!("x={}", text.replace('+', "%2B"));
    form_urlencoded::parse(form.as_bytes()).map(|(_, value)| value.into_owned()).collect()
}

#[tokio::test]
async fn a_boundary_limits_what_policies_give() {
    let api = TestApi::start().await;
    let document = allow("iam:ListUsers");
    let policy = api
        .iam("CreatePolicy", &[("PolicyName", "limit"), ("PolicyDocument", &document)])
        .await
        .ok();
    let arn = policy.text("Policy/Arn");
    let alice = api.caller_named("alice", Some(&allow("iam:List*"))).await;
    let may = async |action: &str| api.ask(IAM, &alice, action, &[]).await.code();
    assert_eq!((may("ListUsers").await, may("ListRoles").await), ("OK".into(), "OK".into()));
    let name = ("UserName", "alice");
    api.iam("PutUserPermissionsBoundary", &[name, ("PermissionsBoundary", &arn)]).await.ok();
    assert_eq!(
        (may("ListUsers").await, may("ListRoles").await),
        ("OK".into(), "AccessDenied".into())
    );
    let shown = api.iam("GetUser", &[name]).await.ok();
    assert_eq!(shown.text("PermissionsBoundary/PermissionsBoundaryArn"), arn);
    let entities = api.iam("ListEntitiesForPolicy", &[("PolicyArn", &arn)]).await.ok();
    assert_eq!(entities.all("PolicyUsers/member/UserName"), ["alice"]);
    let below = [("PolicyArn", arn.as_str()), ("PathPrefix", "/other/")];
    let entities = api.iam("ListEntitiesForPolicy", &below).await.ok();
    assert_eq!(entities.all("PolicyUsers/member"), Vec::<String>::new());
    assert_eq!(api.iam("DeletePolicy", &[("PolicyArn", &arn)]).await.code(), "DeleteConflict");
    api.iam("DeleteUserPermissionsBoundary", &[name]).await.ok();
    assert_eq!(may("ListRoles").await, "OK");
    let unknown = ("PermissionsBoundary", "arn:aws:iam::000000000000:policy/none");
    assert_eq!(
        api.iam("PutUserPermissionsBoundary", &[name, unknown]).await.code(),
        "NoSuchEntity"
    );
    assert_eq!(api.iam("CreateUser", &[("UserName", "bob"), unknown]).await.code(), "NoSuchEntity");
    api.stop().await;
}

#[tokio::test]
async fn whoever_must_set_a_boundary_can_create_no_user_without_it() {
    let api = TestApi::start().await;
    let limit = allow("mq:Describe*");
    let policy =
        api.iam("CreatePolicy", &[("PolicyName", "limit"), ("PolicyDocument", &limit)]).await.ok();
    let arn = policy.text("Policy/Arn");
    let delegated = format!(
        r#"{{"Version":"2012-10-17","Statement":{{"Effect":"Allow","Action":["iam:CreateUser","iam:PutUserPolicy","iam:AttachUserPolicy"],
            "Resource":"*","Condition":{{"StringEquals":{{"iam:PermissionsBoundary":"{arn}"}}}}}}}}"#
    );
    let admin = api.caller_named("admin", Some(&delegated)).await;
    let create =
        async |call: &[(&str, &str)]| api.ask(IAM, &admin, "CreateUser", call).await.code();
    assert_eq!(create(&[("UserName", "free")]).await, "AccessDenied");
    assert_eq!(create(&[("UserName", "bound"), ("PermissionsBoundary", &arn)]).await, "OK");
    api.iam("CreateUser", &[("UserName", "free")]).await.ok();
    let attach = |name: &'static str| {
        [("UserName", name), ("PolicyArn", "arn:aws:iam::aws:policy/AdministratorAccess")]
    };
    assert_eq!(
        api.ask(IAM, &admin, "AttachUserPolicy", &attach("free")).await.code(),
        "AccessDenied"
    );
    assert_eq!(api.ask(IAM, &admin, "AttachUserPolicy", &attach("bound")).await.code(), "OK");
    let [name, policy] = attach("free");
    let claimed = [name, policy, ("PermissionsBoundary", arn.as_str())];
    assert_eq!(
        api.ask(IAM, &admin, "AttachUserPolicy", &claimed).await.code(),
        "AccessDenied",
        "the boundary that counts is the one that the user has"
    );
    api.stop().await;
}

#[tokio::test]
async fn the_keys_of_tags_that_count_are_those_that_the_call_sets() {
    let api = TestApi::start().await;
    let only_cost = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":["iam:TagUser","iam:UntagUser"],"Resource":"*",
        "Condition":{"ForAllValues:StringEquals":{"aws:TagKeys":["cost"]}}}}"#;
    let tagger = api.caller_named("tagger", Some(only_cost)).await;
    api.iam("CreateUser", &[("UserName", "bob")]).await.ok();
    let set = |key: &'static str| {
        [("UserName", "bob"), ("Tags.member.1.Key", key), ("Tags.member.1.Value", "1")]
    };
    let tag = async |call: &[(&str, &str)]| api.ask(IAM, &tagger, "TagUser", call).await.code();
    assert_eq!(tag(&set("cost")).await, "OK");
    assert_eq!(tag(&set("admin")).await, "AccessDenied");
    for claim in [("TagKeys.member.1", "cost"), ("TagKeys.member.1.x", "")] {
        let claimed: Vec<_> = set("admin").into_iter().chain([claim]).collect();
        assert_eq!(tag(&claimed).await, "AccessDenied", "{claim:?}");
    }
    let untag = [("UserName", "bob"), ("TagKeys.member.1", "admin")];
    let untag =
        untag.into_iter().chain([("Tags.member.1.Key", "cost"), ("Tags.member.1.Value", "1")]);
    let untag: Vec<_> = untag.collect();
    assert_eq!(api.ask(IAM, &tagger, "UntagUser", &untag).await.code(), "AccessDenied");
    api.stop().await;
}
