//! Questions about what somebody may do, and about everything that is in an account.

use crate::{
    iam::roles::percent_decoded,
    query::{IAM, allow, trust},
    support::TestApi,
};

const DENY: &str = r#"{
  "Version": "2012-10-17",
  "Statement": [
    {"Effect": "Allow", "Action": "mq:*", "Resource": "*"},
    {"Sid": "NoDelete", "Effect": "Deny", "Action": "mq:Delete*", "Resource": "*"}
  ]
}"#;

#[tokio::test]
async fn a_simulation_tells_the_decision_and_the_statement() {
    let api = TestApi::start().await;
    api.caller_named("alice", Some(DENY)).await;
    let source = ("PolicySourceArn", "arn:aws:iam::000000000000:user/alice");
    let broker = "arn:aws:mq:us-east-1:000000000000:broker:orders:b-1";
    let asked = [
        source,
        ("ActionNames.member.1", "mq:DescribeBroker"),
        ("ActionNames.member.2", "mq:DeleteBroker"),
        ("ActionNames.member.3", "iam:ListUsers"),
        ("ResourceArns.member.1", broker),
    ];
    let answer = api.iam("SimulatePrincipalPolicy", &asked).await.ok();
    let results = "EvaluationResults/member";
    assert_eq!(
        answer.all(&format!("{results}/EvalDecision")),
        ["allowed", "explicitDeny", "implicitDeny"]
    );
    assert_eq!(answer.all(&format!("{results}/EvalResourceName")), [broker; 3]);
    let matched = format!("{results}/MatchedStatements/member");
    assert_eq!(answer.all(&format!("{matched}/SourcePolicyId")), ["user_alice_may"; 2]);
    assert_eq!(answer.all(&format!("{matched}/StartPosition/Line")), ["4", "5"]);
    assert_eq!(answer.all(&format!("{matched}/StartPosition/Column")), ["5", "5"]);
    assert_eq!(answer.all(&format!("{matched}/EndPosition/Column")), ["58", "82"]);

    let paged =
        api.iam("SimulatePrincipalPolicy", &[&asked[..], &[("MaxItems", "2")]].concat()).await.ok();
    assert_eq!(
        (paged.all(&format!("{results}/EvalDecision")).len(), paged.text("IsTruncated")),
        (2, "true".into())
    );
    let marker = paged.text("SimulatePrincipalPolicyResult/Marker");
    let rest = api
        .iam("SimulatePrincipalPolicy", &[&asked[..], &[("Marker", &marker)]].concat())
        .await
        .ok();
    assert_eq!(rest.all(&format!("{results}/EvalActionName")), ["iam:ListUsers"]);
    api.stop().await;
}

#[tokio::test]
async fn a_simulation_takes_boundaries_more_policies_and_condition_keys() {
    let api = TestApi::start().await;
    api.caller_named("alice", None).await;
    let limit = allow("mq:List*");
    let conditional = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"mq:*","Resource":"*",
        "Condition":{"IpAddress":{"aws:SourceIp":"10.0.0.0/8"}}}}"#;
    let asked = [
        ("PolicySourceArn", "arn:aws:iam::000000000000:user/alice"),
        ("ActionNames.member.1", "mq:ListBrokers"),
        ("ActionNames.member.2", "mq:DeleteBroker"),
        ("PolicyInputList.member.1", conditional),
        ("PermissionsBoundaryPolicyInputList.member.1", &limit),
    ];
    let entry = |value| {
        [
            ("ContextEntries.member.1.ContextKeyName", "aws:SourceIp"),
            ("ContextEntries.member.1.ContextKeyType", "ip"),
            ("ContextEntries.member.1.ContextKeyValues.member.1", value),
        ]
    };
    let decisions = async |more: &[(&str, &str)]| {
        let answer = api.iam("SimulatePrincipalPolicy", &[&asked[..], more].concat()).await.ok();
        (
            answer.all("EvalDecision"),
            answer.all("MissingContextValues/member"),
            answer.all("AllowedByPermissionsBoundary"),
        )
    };
    let boundary = vec!["true".to_owned(), "false".to_owned()];
    let texts = |all: [&str; 2]| all.map(str::to_owned).to_vec();
    assert_eq!(
        decisions(&entry("10.1.2.3")).await,
        (texts(["allowed", "implicitDeny"]), Vec::new(), boundary.clone())
    );
    assert_eq!(
        decisions(&entry("192.0.2.1")).await,
        (texts(["implicitDeny"; 2]), Vec::new(), boundary.clone())
    );
    assert_eq!(
        decisions(&[]).await,
        (texts(["implicitDeny"; 2]), texts(["aws:SourceIp"; 2]), boundary)
    );
    let custom =
        [("ActionNames.member.1", "mq:ListBrokers"), ("PolicyInputList.member.1", limit.as_str())];
    let answer = api.iam("SimulateCustomPolicy", &custom).await.ok();
    assert_eq!(
        (answer.text("EvalDecision"), answer.text("SourcePolicyId")),
        ("allowed".into(), "PolicyInputList.1".into())
    );
    let keys = api
        .iam("GetContextKeysForCustomPolicy", &[("PolicyInputList.member.1", conditional)])
        .await
        .ok();
    assert_eq!(keys.all("ContextKeyNames/member"), ["aws:SourceIp"]);
    let malformed =
        [("ActionNames.member.1", "mq:ListBrokers"), ("PolicyInputList.member.1", "{}")];
    assert_eq!(api.iam("SimulateCustomPolicy", &malformed).await.code(), "InvalidInput");
    let wildcard = [("ActionNames.member.1", "mq:*"), ("PolicyInputList.member.1", limit.as_str())];
    assert_eq!(api.iam("SimulateCustomPolicy", &wildcard).await.code(), "InvalidInput");
    api.stop().await;
}

#[tokio::test]
async fn groups_and_roles_are_simulated_too() {
    let api = TestApi::start().await;
    api.iam("CreateGroup", &[("GroupName", "ops")]).await.ok();
    let document = allow("mq:*");
    api.iam(
        "PutGroupPolicy",
        &[("GroupName", "ops"), ("PolicyName", "p"), ("PolicyDocument", &document)],
    )
    .await
    .ok();
    api.iam("CreateRole", &[("RoleName", "r"), ("AssumeRolePolicyDocument", &trust("*"))])
        .await
        .ok();
    let read = ("PolicyArn", "arn:aws:iam::aws:policy/AmazonMQReadOnlyAccess");
    api.iam("AttachRolePolicy", &[("RoleName", "r"), read]).await.ok();
    api.iam("AttachGroupPolicy", &[("GroupName", "ops"), read]).await.ok();
    for (arn, decisions, policy) in [
        ("arn:aws:iam::000000000000:group/ops", ["allowed", "allowed"], "group_ops_p"),
        ("arn:aws:iam::000000000000:role/r", ["allowed", "implicitDeny"], "AmazonMQReadOnlyAccess"),
    ] {
        let asked = [
            ("PolicySourceArn", arn),
            ("ActionNames.member.1", "mq:ListBrokers"),
            ("ActionNames.member.2", "mq:RebootBroker"),
        ];
        let answer = api.iam("SimulatePrincipalPolicy", &asked).await.ok();
        assert_eq!(answer.all("EvalDecision"), decisions);
        assert_eq!(answer.text("SourcePolicyId"), policy);
        assert!(!answer.all("StartPosition/Line").is_empty());
    }
    let absent = [
        ("PolicySourceArn", "arn:aws:iam::000000000000:group/none"),
        ("ActionNames.member.1", "mq:ListBrokers"),
    ];
    assert_eq!(api.iam("SimulatePrincipalPolicy", &absent).await.code(), "NoSuchEntity");
    api.stop().await;
}

#[tokio::test]
async fn everything_in_an_account_is_listed_and_counted() {
    let api = TestApi::start().await;
    for name in ["a", "b", "c"] {
        api.iam("CreateUser", &[("UserName", name)]).await.ok();
    }
    let document = allow("mq:*");
    api.iam(
        "PutUserPolicy",
        &[("UserName", "a"), ("PolicyName", "p"), ("PolicyDocument", &document)],
    )
    .await
    .ok();
    api.iam("CreateGroup", &[("GroupName", "g")]).await.ok();
    api.iam("AddUserToGroup", &[("GroupName", "g"), ("UserName", "b")]).await.ok();
    api.iam("CreateRole", &[("RoleName", "r"), ("AssumeRolePolicyDocument", &trust("*"))])
        .await
        .ok();
    api.iam("CreatePolicy", &[("PolicyName", "m"), ("PolicyDocument", &document)]).await.ok();
    let admin = "arn:aws:iam::aws:policy/AdministratorAccess";
    api.iam("AttachRolePolicy", &[("RoleName", "r"), ("PolicyArn", admin)]).await.ok();

    let all = api.iam("GetAccountAuthorizationDetails", &[]).await.ok();
    assert_eq!(all.all("UserDetailList/member/UserName"), ["a", "b", "c"]);
    assert_eq!(percent_decoded(&all.text("UserPolicyList/member/PolicyDocument")), document);
    assert_eq!(all.all("GroupList/member"), ["g"]);
    assert_eq!(all.all("RoleDetailList/member/AttachedManagedPolicies/member/PolicyArn"), [admin]);
    assert_eq!(all.all("Policies/member/PolicyName"), ["m", "AdministratorAccess"]);
    let (mut seen, mut marker, mut calls) = (Vec::new(), None::<String>, 0);
    loop {
        let mut parameters = vec![("MaxItems", "2")];
        if let Some(marker) = &marker {
            parameters.push(("Marker", marker));
        }
        let page = api.iam("GetAccountAuthorizationDetails", &parameters).await.ok();
        for list in [
            "UserDetailList/member/UserName",
            "GroupDetailList/member/GroupName",
            "RoleDetailList/member/RoleName",
            "Policies/member/PolicyName",
        ] {
            seen.extend(page.all(list));
        }
        calls += 1;
        if page.text("IsTruncated") == "false" {
            break;
        }
        marker = Some(page.text("GetAccountAuthorizationDetailsResult/Marker"));
    }
    assert_eq!(seen, ["a", "b", "c", "g", "r", "m", "AdministratorAccess"]);
    assert!(calls >= 4, "{calls}");
    let roles =
        api.iam("GetAccountAuthorizationDetails", &[("Filter.member.1", "Role")]).await.ok();
    assert_eq!((roles.all("RoleName"), roles.all("UserName").len()), (vec!["r".to_owned()], 0));

    let summary = api.iam("GetAccountSummary", &[]).await.ok();
    let (keys, values) = (summary.all("entry/key"), summary.all("entry/value"));
    let of = |key: &str| keys.iter().position(|one| one == key).map(|at| values[at].as_str());
    assert_eq!(
        (of("Users"), of("Groups"), of("Roles"), of("Policies")),
        (Some("3"), Some("1"), Some("1"), Some("1"))
    );
    assert_eq!(
        (of("AccountAccessKeysPresent"), of("AccessKeysPerUserQuota")),
        (Some("1"), Some("2"))
    );
    let aliases = api.iam("ListAccountAliases", &[]).await.ok();
    assert_eq!(aliases.all("AccountAliases/member"), Vec::<String>::new());
    assert_eq!(
        api.ask(IAM, &(&api.alice).into(), "GetAccountPasswordPolicy", &[]).await.code(),
        "NoSuchEntity"
    );
    api.stop().await;
}
