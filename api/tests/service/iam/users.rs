//! Users, their keys and groups.

use crate::{
    query::{Answer, IAM, STS, Who, allow, form},
    support::TestApi,
};

#[tokio::test]
async fn a_user_is_created_shown_renamed_and_deleted() {
    let api = TestApi::start().await;
    let tags = [
        ("UserName", "alice"),
        ("Path", "/red/"),
        ("Tags.member.1.Key", "team"),
        ("Tags.member.1.Value", "red"),
    ];
    let created = api.iam("CreateUser", &tags).await.ok();
    assert_eq!(created.text("User/Arn"), "arn:aws:iam::000000000000:user/red/alice");
    assert!(created.text("User/UserId").starts_with("AIDA"));
    let (status, code, message) = api.iam("CreateUser", &[("UserName", "ALICE")]).await.error();
    assert_eq!((status, code.as_str()), (409, "EntityAlreadyExists"));
    assert_eq!(message, "User with name ALICE already exists.");

    let shown = api.iam("GetUser", &[("UserName", "alice")]).await.ok();
    assert_eq!(shown.text("User/UserId"), created.text("User/UserId"));
    assert_eq!(
        (shown.text("Tags/member/Key"), shown.text("Tags/member/Value")),
        ("team".into(), "red".into())
    );

    let rename = [("UserName", "alice"), ("NewUserName", "alicia"), ("NewPath", "/blue/")];
    api.iam("UpdateUser", &rename).await.ok();
    let shown = api.iam("GetUser", &[("UserName", "alicia")]).await.ok();
    assert_eq!(shown.text("User/Arn"), "arn:aws:iam::000000000000:user/blue/alicia");
    assert_eq!(shown.text("User/UserId"), created.text("User/UserId"));
    assert_eq!(api.iam("GetUser", &[("UserName", "alice")]).await.code(), "NoSuchEntity");

    // What Terraform and the console ask before they delete a user.
    let alicia = [("UserName", "alicia")];
    for list in [
        "ListMFADevices",
        "ListSigningCertificates",
        "ListSSHPublicKeys",
        "ListServiceSpecificCredentials",
        "ListGroupsForUser",
        "ListAccessKeys",
        "ListUserPolicies",
        "ListAttachedUserPolicies",
    ] {
        let answer = api.iam(list, &alicia).await.ok();
        assert_eq!(answer.all("member"), Vec::<String>::new(), "{list}");
        assert_eq!(answer.text("IsTruncated"), "false", "{list}");
    }
    let profile = api.iam("GetLoginProfile", &alicia).await.error();
    assert_eq!(
        profile,
        (404, "NoSuchEntity".into(), "Login Profile for User alicia cannot be found.".into())
    );
    api.iam("DeleteUser", &alicia).await.ok();
    assert_eq!(api.iam("DeleteUser", &alicia).await.code(), "NoSuchEntity");
    api.stop().await;
}

#[tokio::test]
async fn what_a_user_has_keeps_it_from_being_deleted() {
    let api = TestApi::start().await;
    let alice = api.caller_named("alice", Some(&allow("mq:*"))).await;
    let name = ("UserName", "alice");
    let key = alice.client.credentials.access_key_id.clone();
    let policy = ("PolicyArn", "arn:aws:iam::aws:policy/AmazonMQReadOnlyAccess");
    api.iam("CreateGroup", &[("GroupName", "ops")]).await.ok();
    api.iam("AddUserToGroup", &[("GroupName", "ops"), name]).await.ok();
    api.iam("AttachUserPolicy", &[name, policy]).await.ok();
    let removals: [(&str, Vec<(&str, &str)>); 4] = [
        ("DeleteAccessKey", vec![name, ("AccessKeyId", &key)]),
        ("DeleteUserPolicy", vec![name, ("PolicyName", "may")]),
        ("DetachUserPolicy", vec![name, policy]),
        ("RemoveUserFromGroup", vec![name, ("GroupName", "ops")]),
    ];
    for (removal, parameters) in removals {
        let (status, code, message) = api.iam("DeleteUser", &[name]).await.error();
        assert_eq!((status, code.as_str()), (409, "DeleteConflict"));
        assert!(message.starts_with("Cannot delete entity, must "), "{message}");
        api.iam(removal, &parameters).await.ok();
    }
    api.iam("DeleteUser", &[name]).await.ok();
    api.iam("DeleteGroup", &[("GroupName", "ops")]).await.ok();
    api.stop().await;
}

#[tokio::test]
async fn a_user_has_two_keys_whose_secrets_are_shown_once_and_which_can_be_withdrawn_at_once() {
    let api = TestApi::start().await;
    let alice = api.caller_named("alice", None).await;
    let name = ("UserName", "alice");
    let second = api.key_of(&Who::from(&api.alice), "alice").await;
    let (status, code, message) = api.iam("CreateAccessKey", &[name]).await.error();
    assert_eq!((status, code.as_str()), (409, "LimitExceeded"));
    assert_eq!(message, "Cannot exceed quota for AccessKeysPerUser: 2");
    let listed = api.iam("ListAccessKeys", &[name]).await.ok();
    assert_eq!(listed.all("AccessKeyMetadata/member/Status"), ["Active", "Active"]);
    assert!(!listed.reply.text.contains("Secret"));

    let who = async |who: &Who| api.ask(STS, who, "GetCallerIdentity", &[]).await.code();
    assert_eq!((who(&alice).await.as_str(), who(&second).await.as_str()), ("OK", "OK"));
    let id = alice.client.credentials.access_key_id.clone();
    let key = ("AccessKeyId", id.as_str());
    api.iam("UpdateAccessKey", &[name, key, ("Status", "Inactive")]).await.ok();
    assert_eq!(who(&alice).await, "InvalidClientTokenId");
    api.iam("UpdateAccessKey", &[name, key, ("Status", "Active")]).await.ok();
    assert_eq!(who(&alice).await, "OK");
    let used = api.iam("GetAccessKeyLastUsed", &[key]).await.ok();
    let last = ["ServiceName", "Region"].map(|of| used.text(&format!("AccessKeyLastUsed/{of}")));
    assert_eq!((used.text("UserName"), last), ("alice".into(), ["sts".into(), "us-east-1".into()]));
    let at = used.text("AccessKeyLastUsed/LastUsedDate");
    assert!(at.starts_with("2026-09-") && at.ends_with('Z'), "{at}");
    // What another process knows of it is what is written.
    let elsewhere = api.another_process().await;
    let asked = form(&[("Action", "GetAccessKeyLastUsed"), ("Version", "2010-05-08"), key]);
    let asked = || api.query(IAM, &Who::from(&api.alice), &asked);
    let answer = Answer { reply: api.send_to(&elsewhere, asked()).await };
    assert_eq!(answer.text("AccessKeyLastUsed/ServiceName"), "N/A");
    assert!(api.store.write_key_uses().await.expect("written") >= 2);
    let answer = Answer { reply: api.send_to(&elsewhere, asked()).await };
    assert_eq!(answer.text("AccessKeyLastUsed/LastUsedDate"), at);
    api.iam("DeleteAccessKey", &[name, key]).await.ok();
    assert_eq!(
        (who(&alice).await.as_str(), who(&second).await.as_str()),
        ("InvalidClientTokenId", "OK")
    );
    assert_eq!(api.iam("DeleteAccessKey", &[name, key]).await.code(), "NoSuchEntity");
    assert_eq!(api.iam("GetAccessKeyLastUsed", &[key]).await.code(), "NoSuchEntity");
    api.stop().await;
}

#[tokio::test]
async fn without_a_name_a_call_is_about_the_caller() {
    let api = TestApi::start().await;
    let root = api.iam("GetUser", &[]).await.ok();
    assert_eq!(root.text("User/Arn"), "arn:aws:iam::000000000000:root");
    assert_eq!(root.all("User/UserName"), Vec::<String>::new());
    let keys = api.iam("ListAccessKeys", &[]).await.ok();
    assert_eq!(keys.all("AccessKeyMetadata/member/AccessKeyId"), ["AKIAALICE"]);
    let own = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":["iam:GetUser","iam:*AccessKey*"],
        "Resource":"arn:aws:iam::*:user/${aws:username}"}}"#;
    let bob = api.caller_named("bob", Some(own)).await;
    let shown = api.ask(IAM, &bob, "GetUser", &[]).await.ok();
    assert_eq!(shown.text("User/UserName"), "bob");
    let second = api.ask(IAM, &bob, "CreateAccessKey", &[]).await.ok();
    assert_eq!(second.text("AccessKey/UserName"), "bob");
    api.iam("CreateUser", &[("UserName", "carol")]).await.ok();
    assert_eq!(
        api.ask(IAM, &bob, "CreateAccessKey", &[("UserName", "carol")]).await.code(),
        "AccessDenied"
    );
    api.stop().await;
}

#[tokio::test]
async fn members_of_a_group_may_do_what_the_group_may() {
    let api = TestApi::start().await;
    let alice = api.caller_named("alice", None).await;
    let list = async || api.ask(IAM, &alice, "ListUsers", &[]).await.code();
    assert_eq!(list().await, "AccessDenied");
    let group = ("GroupName", "ops");
    let created = api.iam("CreateGroup", &[group, ("Path", "/it/")]).await.ok();
    assert_eq!(created.text("Group/Arn"), "arn:aws:iam::000000000000:group/it/ops");
    let policy = allow("iam:ListUsers");
    api.iam("PutGroupPolicy", &[group, ("PolicyName", "p"), ("PolicyDocument", &policy)])
        .await
        .ok();
    let member = [group, ("UserName", "alice")];
    api.iam("AddUserToGroup", &member).await.ok();
    assert_eq!(list().await, "OK");
    let shown = api.iam("GetGroup", &[group]).await.ok();
    assert_eq!(shown.all("Users/member/UserName"), ["alice"]);
    let of_alice = api.iam("ListGroupsForUser", &[("UserName", "alice")]).await.ok();
    assert_eq!(of_alice.all("Groups/member/GroupName"), ["ops"]);
    assert_eq!(api.iam("ListGroups", &[]).await.ok().all("Groups/member/GroupName"), ["ops"]);
    api.iam("UpdateGroup", &[group, ("NewGroupName", "sre")]).await.ok();
    assert_eq!(list().await, "OK");
    api.iam("RemoveUserFromGroup", &[("GroupName", "sre"), ("UserName", "alice")]).await.ok();
    assert_eq!(list().await, "AccessDenied");
    assert_eq!(api.iam("AddUserToGroup", &member).await.code(), "NoSuchEntity");
    api.stop().await;
}

#[tokio::test]
async fn tags_are_set_replaced_and_removed() {
    let api = TestApi::start().await;
    api.iam("CreateUser", &[("UserName", "alice")]).await.ok();
    let name = ("UserName", "alice");
    let tag = |key: &'static str, value: &'static str| {
        [name, ("Tags.member.1.Key", key), ("Tags.member.1.Value", value)]
    };
    api.iam("TagUser", &tag("Team", "red")).await.ok();
    api.iam("TagUser", &tag("team", "blue")).await.ok();
    api.iam("TagUser", &tag("stage", "")).await.ok();
    let tags = api.iam("ListUserTags", &[name]).await.ok();
    assert_eq!(tags.all("Tags/member/Key"), ["stage", "team"]);
    assert_eq!(tags.all("Tags/member/Value"), ["", "blue"]);
    api.iam("UntagUser", &[name, ("TagKeys.member.1", "TEAM")]).await.ok();
    let tags = api.iam("ListUserTags", &[name]).await.ok();
    assert_eq!(tags.all("Tags/member/Key"), ["stage"]);
    assert_eq!(api.iam("TagUser", &tag("aws:x", "")).await.code(), "InvalidInput");
    assert_eq!(api.iam("TagUser", &[name]).await.code(), "ValidationError");
    api.stop().await;
}
