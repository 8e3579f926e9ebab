//! Inline and managed policies.

use crate::{
    iam::roles::percent_decoded,
    query::{IAM, allow, trust},
    support::TestApi,
};

#[tokio::test]
async fn inline_policies_are_put_shown_listed_and_deleted_for_users_groups_and_roles() {
    let api = TestApi::start().await;
    let trusted = trust("*");
    api.iam("CreateUser", &[("UserName", "u")]).await.ok();
    api.iam("CreateGroup", &[("GroupName", "g")]).await.ok();
    api.iam("CreateRole", &[("RoleName", "r"), ("AssumeRolePolicyDocument", &trusted)]).await.ok();
    for (kind, holder, noun) in [
        ("User", ("UserName", "u"), "user"),
        ("Group", ("GroupName", "g"), "group"),
        ("Role", ("RoleName", "r"), "role"),
    ] {
        let document = allow("mq:Describe*").replace("\"Action\"", "\n  \"Action\"");
        let policy = ("PolicyName", "read");
        let put = [holder, policy, ("PolicyDocument", document.as_str())];
        api.iam(&format!("Put{kind}Policy"), &put).await.ok();
        let shown = api.iam(&format!("Get{kind}Policy"), &[holder, policy]).await.ok();
        assert_eq!(percent_decoded(&shown.text("PolicyDocument")), document);
        let listed = api.iam(&format!("List{kind}Policies"), &[holder]).await.ok();
        assert_eq!(listed.all("PolicyNames/member"), ["read"]);
        api.iam(&format!("Delete{kind}Policy"), &[holder, policy]).await.ok();
        let (status, code, message) =
            api.iam(&format!("Get{kind}Policy"), &[holder, policy]).await.error();
        assert_eq!((status, code.as_str()), (404, "NoSuchEntity"));
        assert_eq!(message, format!("The {noun} policy with name read cannot be found."));
    }
    let (status, code, message) = api
        .iam(
            "PutUserPolicy",
            &[
                ("UserName", "u"),
                ("PolicyName", "p"),
                ("PolicyDocument", r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow"}]}"#),
            ],
        )
        .await
        .error();
    assert_eq!((status, code.as_str()), (400, "MalformedPolicyDocument"));
    assert!(!message.is_empty());
    let long = allow(&format!("mq:{}*", "x".repeat(2048)));
    let put = [("UserName", "u"), ("PolicyName", "p"), ("PolicyDocument", long.as_str())];
    assert_eq!(api.iam("PutUserPolicy", &put).await.error().1, "LimitExceeded");
    api.stop().await;
}

#[tokio::test]
async fn a_managed_policy_has_five_versions_of_which_one_is_in_force() {
    let api = TestApi::start().await;
    let alice = api.caller_named("alice", None).await;
    let list = async || api.ask(IAM, &alice, "ListUsers", &[]).await.code();
    let (nothing, lists) = (allow("mq:ListBrokers"), allow("iam:ListUsers"));
    let create = [
        ("PolicyName", "own"),
        ("Path", "/red/"),
        ("PolicyDocument", nothing.as_str()),
        ("Description", "x"),
    ];
    let created = api.iam("CreatePolicy", &create).await.ok();
    let text = created.text("Policy/Arn");
    assert_eq!(text, "arn:aws:iam::000000000000:policy/red/own");
    let arn = ("PolicyArn", text.as_str());
    assert_eq!(api.iam("CreatePolicy", &create).await.code(), "EntityAlreadyExists");
    api.iam("AttachUserPolicy", &[("UserName", "alice"), arn]).await.ok();
    assert_eq!(list().await, "AccessDenied");
    let version = [arn, ("PolicyDocument", lists.as_str()), ("SetAsDefault", "true")];
    let second = api.iam("CreatePolicyVersion", &version).await.ok();
    assert_eq!(
        (second.text("VersionId"), second.text("IsDefaultVersion")),
        ("v2".into(), "true".into())
    );
    assert_eq!(list().await, "OK");
    api.iam("SetDefaultPolicyVersion", &[arn, ("VersionId", "v1")]).await.ok();
    assert_eq!(list().await, "AccessDenied");
    for _ in 3..=5 {
        api.iam("CreatePolicyVersion", &version[..2]).await.ok();
    }
    let (status, code, _) = api.iam("CreatePolicyVersion", &version).await.error();
    assert_eq!((status, code.as_str()), (409, "LimitExceeded"));
    let versions = api.iam("ListPolicyVersions", &[arn]).await.ok();
    assert_eq!(versions.all("Versions/member/VersionId"), ["v5", "v4", "v3", "v2", "v1"]);
    let shown = api.iam("GetPolicyVersion", &[arn, ("VersionId", "v2")]).await.ok();
    assert_eq!(percent_decoded(&shown.text("Document")), lists);
    assert_eq!(
        api.iam("DeletePolicyVersion", &[arn, ("VersionId", "v1")]).await.code(),
        "DeleteConflict"
    );
    assert_eq!(
        api.iam("GetPolicyVersion", &[arn, ("VersionId", "v9")]).await.code(),
        "NoSuchEntity"
    );
    let shown = api.iam("GetPolicy", &[arn]).await.ok();
    assert_eq!(
        (shown.text("DefaultVersionId"), shown.text("AttachmentCount")),
        ("v1".into(), "1".into())
    );
    api.iam("DetachUserPolicy", &[("UserName", "alice"), arn]).await.ok();
    assert_eq!(api.iam("DeletePolicy", &[arn]).await.code(), "DeleteConflict");
    for version in ["v2", "v3", "v4", "v5"] {
        api.iam("DeletePolicyVersion", &[arn, ("VersionId", version)]).await.ok();
    }
    api.iam("DeletePolicy", &[arn]).await.ok();
    assert_eq!(api.iam("GetPolicy", &[arn]).await.code(), "NoSuchEntity");
    api.stop().await;
}

#[tokio::test]
async fn policies_of_the_service_are_attached_and_listed_but_not_changed() {
    let api = TestApi::start().await;
    let text = "arn:aws:iam::aws:policy/AmazonMQReadOnlyAccess";
    let arn = ("PolicyArn", text);
    api.iam("CreateRole", &[("RoleName", "r"), ("AssumeRolePolicyDocument", &trust("*"))])
        .await
        .ok();
    api.iam("AttachRolePolicy", &[("RoleName", "r"), arn]).await.ok();
    api.iam("AttachRolePolicy", &[("RoleName", "r"), arn]).await.ok();
    let attached = api.iam("ListAttachedRolePolicies", &[("RoleName", "r")]).await.ok();
    assert_eq!(attached.all("AttachedPolicies/member/PolicyArn"), [text]);
    assert_eq!(attached.all("AttachedPolicies/member/PolicyName"), ["AmazonMQReadOnlyAccess"]);
    let used = api.iam("ListPolicies", &[("OnlyAttached", "true")]).await.ok();
    assert_eq!(used.all("Policies/member/Arn"), [text]);
    let aws = api.iam("ListPolicies", &[("Scope", "AWS")]).await.ok();
    assert!(aws.all("Policies/member/PolicyName").contains(&"AdministratorAccess".to_owned()));
    let local = api.iam("ListPolicies", &[("Scope", "Local")]).await.ok();
    assert_eq!(local.all("Policies/member"), Vec::<String>::new());
    assert_eq!(api.iam("DeletePolicy", &[arn]).await.code(), "NoSuchEntity");
    let version = [arn, ("PolicyDocument", &allow("*"))];
    assert_eq!(api.iam("CreatePolicyVersion", &version).await.code(), "NoSuchEntity");
    let tag = [arn, ("Tags.member.1.Key", "a"), ("Tags.member.1.Value", "b")];
    assert_eq!(api.iam("TagPolicy", &tag).await.code(), "NoSuchEntity");
    api.iam("DetachRolePolicy", &[("RoleName", "r"), arn]).await.ok();
    assert_eq!(api.iam("DetachRolePolicy", &[("RoleName", "r"), arn]).await.code(), "NoSuchEntity");
    let none = ("PolicyArn", "arn:aws:iam::000000000000:policy/none");
    let (_, code, message) = api.iam("AttachRolePolicy", &[("RoleName", "r"), none]).await.error();
    assert_eq!(code, "NoSuchEntity");
    assert_eq!(
        message,
        "Policy arn:aws:iam::000000000000:policy/none does not exist or is not attachable."
    );
    assert_eq!(api.iam("GetPolicy", &[("PolicyArn", "x")]).await.code(), "InvalidInput");
    api.stop().await;
}
