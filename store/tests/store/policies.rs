//! Managed policies, their versions, and who has which policies.

use brokerd_domain::{
    AccountId, Tags,
    identity::{
        IamArn, ManagedPolicy, Path, PolicyDocument, PolicyId, PolicyName, PolicyOwner,
        PolicyVersionId,
    },
};
use brokerd_store::{
    AttachOutcome, DeletePolicyOutcome, DeleteVersionOutcome, IamPageQuery, IdentityName,
    NewPolicyOutcome, NewVersionOutcome, PgStore, PolicyUse, PutInlinePolicyOutcome,
};
use tokio::task::JoinSet;

use crate::{
    identities::{ALL, READ_ONLY, arn, in_account, inline, role, tags, with_group, with_user},
    support::{NOW, OsEntropy, with_store},
};

fn policy(account: &AccountId, name: &str) -> ManagedPolicy {
    ManagedPolicy {
        id: PolicyId::generate(&OsEntropy),
        owner: PolicyOwner::Account(account.clone()),
        path: Path::default(),
        name: PolicyName::parse(name).expect("a name"),
        description: "what it is for".to_owned(),
        created: NOW,
        updated: NOW,
        default_version: PolicyVersionId(1),
        attachments: 0,
        bounded: 0,
        tags: Tags::default(),
    }
}

fn document(text: &str) -> PolicyDocument {
    PolicyDocument::parse(text).expect("a document")
}

pub(crate) async fn with_policy(
    store: &PgStore,
    account: &AccountId,
    name: &str,
    text: &str,
) -> IamArn {
    let policy = policy(account, name);
    let made = store.create_managed_policy(account, &policy, &document(text)).await;
    assert_eq!(made.expect("asked"), NewPolicyOutcome::Created);
    policy.arn()
}

#[tokio::test]
async fn the_services_own_policies_can_be_read_and_attached_and_not_changed() {
    with_store(|f| async move {
        let (red, blue) =
            (in_account(&f, "100000000001").await, in_account(&f, "100000000002").await);
        let page = f.store.managed_policies(&red, &[PolicyOwner::Aws], false, ALL).await;
        let names: Vec<_> =
            page.expect("read").items.into_iter().map(|policy| policy.name.to_string()).collect();
        assert_eq!(
            names,
            [
                "AdministratorAccess",
                "AmazonMQApiFullAccess",
                "AmazonMQApiReadOnlyAccess",
                "AmazonMQFullAccess",
                "AmazonMQReadOnlyAccess"
            ]
        );
        for name in &names {
            let arn = arn(&format!("arn:aws:iam::aws:policy/{name}"));
            let policy = f.store.managed_policy(&red, &arn).await.expect("read").expect("there");
            let versions = f.store.policy_versions(&red, &arn).await.expect("read");
            let versions = versions.expect("there");
            assert_eq!(versions.len(), 1);
            assert_eq!(versions[0].id, policy.default_version);
            let read: serde_json::Value =
                serde_json::from_str(versions[0].document.as_str()).expect("JSON");
            assert_eq!(read["Version"], "2012-10-17");
        }
        let read_only = arn(READ_ONLY);
        let added =
            f.store.create_policy_version(&red, &read_only, &document("{}"), true, NOW).await;
        assert_eq!(added.expect("asked"), NewVersionOutcome::NotFound);
        let deleted = f.store.delete_managed_policy(&red, &read_only).await.expect("asked");
        assert_eq!(deleted, DeletePolicyOutcome::NotFound);
        let none = Tags::default();
        let tagged = f.store.set_policy_tags(&red, &read_only, &none, &tags(&[("a", "b")])).await;
        assert!(!tagged.expect("asked"));

        // What others do with it is not told.
        for account in [&red, &blue] {
            let user = with_user(&f.store, account, "alice").await;
            let name = IdentityName::User(user.name);
            let attached = f.store.attach_policy(account, &name, &read_only).await;
            assert_eq!(attached.expect("asked"), AttachOutcome::Done);
            let seen = f.store.managed_policy(account, &read_only).await.expect("read");
            assert_eq!(seen.expect("there").attachments, 1);
            assert_eq!(f.store.policy_entities(account, &read_only).await.expect("read").len(), 1);
        }
    })
    .await;
}

#[tokio::test]
async fn a_policy_has_five_versions_at_most_however_many_are_made_at_once() {
    with_store(|f| async move {
        let red = in_account(&f, "100000000001").await;
        let arn = with_policy(&f.store, &red, "deploy", "{}").await;
        let mut tasks = JoinSet::new();
        for _ in 0..8 {
            let (store, red, arn) = (f.store.clone(), red.clone(), arn.clone());
            tasks.spawn(async move {
                let text = document(r#"{"Statement":[]}"#);
                store.create_policy_version(&red, &arn, &text, false, NOW).await.expect("asked")
            });
        }
        let mut outcomes = tasks.join_all().await;
        outcomes.retain(|outcome| *outcome != NewVersionOutcome::TooMany);
        let mut made: Vec<_> = outcomes
            .into_iter()
            .map(|outcome| match outcome {
                NewVersionOutcome::Created(version) => version.0,
                other => panic!("{other:?}"),
            })
            .collect();
        made.sort_unstable();
        assert_eq!(made, [2, 3, 4, 5]);
        let versions = f.store.policy_versions(&red, &arn).await.expect("read").expect("there");
        let told: Vec<_> = versions.iter().map(|v| (v.id.0, v.is_default)).collect();
        assert_eq!(told, [(5, false), (4, false), (3, false), (2, false), (1, true)]);

        let version = PolicyVersionId;
        let set = async |number| {
            let set = f.store.set_default_policy_version(&red, &arn, version(number)).await;
            set.expect("asked")
        };
        let delete = async |number| {
            let deleted = f.store.delete_policy_version(&red, &arn, version(number)).await;
            deleted.expect("asked")
        };
        assert!(set(4).await && !set(6).await && !set(u32::MAX).await);
        assert_eq!(delete(4).await, DeleteVersionOutcome::IsDefault);
        assert_eq!(delete(5).await, DeleteVersionOutcome::Deleted);
        assert_eq!(delete(5).await, DeleteVersionOutcome::NotFound);
        let deleted = f.store.delete_managed_policy(&red, &arn).await.expect("asked");
        assert_eq!(deleted, DeletePolicyOutcome::HasVersions);
        let made = f.store.create_policy_version(&red, &arn, &document("{}"), true, NOW).await;
        let made = made.expect("asked");
        assert_eq!(made, NewVersionOutcome::Created(version(6)), "no number comes twice");
        let policy = f.store.managed_policy(&red, &arn).await.expect("read").expect("there");
        assert_eq!(policy.default_version, version(6));
        for number in 1..=4 {
            assert_eq!(delete(number).await, DeleteVersionOutcome::Deleted);
        }
        let deleted = f.store.delete_managed_policy(&red, &arn).await.expect("asked");
        assert_eq!(deleted, DeletePolicyOutcome::Deleted);
        assert_eq!(f.store.policy_versions(&red, &arn).await.expect("read"), None);
    })
    .await;
}

#[tokio::test]
async fn a_version_is_never_deleted_while_it_is_put_in_force() {
    with_store(|f| async move {
        let red = in_account(&f, "100000000001").await;
        let arn = with_policy(&f.store, &red, "deploy", "{}").await;
        for _ in 0..15 {
            let made = f.store.create_policy_version(&red, &arn, &document("{}"), false, NOW).await;
            let NewVersionOutcome::Created(version) = made.expect("asked") else {
                panic!("too many")
            };
            let deleting = {
                let (store, red, arn) = (f.store.clone(), red.clone(), arn.clone());
                tokio::spawn(async move {
                    store.delete_policy_version(&red, &arn, version).await.expect("asked")
                })
            };
            let set = f.store.set_default_policy_version(&red, &arn, version).await;
            let both = (set.expect("asked"), deleting.await.expect("ended"));
            let versions = f.store.policy_versions(&red, &arn).await.expect("read").expect("there");
            assert_eq!(versions.iter().filter(|v| v.is_default).count(), 1, "{both:?}");
            match both {
                (true, DeleteVersionOutcome::IsDefault) => {
                    let old = versions.iter().find(|v| !v.is_default).expect("the former one");
                    let deleted = f.store.delete_policy_version(&red, &arn, old.id).await;
                    assert_eq!(deleted.expect("asked"), DeleteVersionOutcome::Deleted);
                }
                (false, DeleteVersionOutcome::Deleted) => {}
                other => panic!("{other:?}"),
            }
        }
    })
    .await;
}

#[tokio::test]
async fn policies_are_seen_used_and_deleted_only_in_their_account() {
    with_store(|f| async move {
        let (red, blue) =
            (in_account(&f, "100000000001").await, in_account(&f, "100000000002").await);
        let arn = with_policy(&f.store, &red, "deploy", "{}").await;
        let twin = policy(&red, "DEPLOY");
        let made = f.store.create_managed_policy(&red, &twin, &document("{}")).await;
        assert_eq!(made.expect("asked"), NewPolicyOutcome::NameTaken);
        with_policy(&f.store, &blue, "deploy", "{}").await;
        // A name of the service's is no account's.
        with_policy(&f.store, &blue, "AmazonMQReadOnlyAccess", "{}").await;

        let mine = PolicyOwner::Account(blue.clone());
        let owners = [PolicyOwner::Aws, mine];
        let mut seen = Vec::new();
        let mut after: Option<String> = None;
        loop {
            let query = IamPageQuery { path_prefix: "/", after: after.as_deref(), most: 1 };
            let page = f.store.managed_policies(&blue, &owners, false, query).await.expect("read");
            seen.extend(page.items.iter().map(|policy| policy.arn().to_string()));
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        let aws = |name: &str| format!("arn:aws:iam::aws:policy/{name}");
        let expected = [
            aws("AdministratorAccess"),
            aws("AmazonMQApiFullAccess"),
            aws("AmazonMQApiReadOnlyAccess"),
            aws("AmazonMQFullAccess"),
            aws("AmazonMQReadOnlyAccess"),
            "arn:aws:iam::100000000002:policy/AmazonMQReadOnlyAccess".to_owned(),
            "arn:aws:iam::100000000002:policy/deploy".to_owned(),
        ];
        assert_eq!(seen, expected);

        assert_eq!(f.store.managed_policy(&blue, &arn).await.expect("read"), None);
        assert_eq!(f.store.policy_versions(&blue, &arn).await.expect("read"), None);
        let user = with_user(&f.store, &blue, "alice").await;
        let name = IdentityName::User(user.name);
        let refused = f.store.attach_policy(&blue, &name, &arn).await.expect("asked");
        assert_eq!(refused, AttachOutcome::NoPolicy);
        let deleted = f.store.delete_managed_policy(&blue, &arn).await.expect("asked");
        assert_eq!(deleted, DeletePolicyOutcome::NotFound);

        // Attached to one, and bounding another one.
        let (user, group) =
            (with_user(&f.store, &red, "alice").await, with_group(&f.store, &red, "ops").await);
        let (user, group) = (IdentityName::User(user.name), IdentityName::Group(group.name));
        let role = role(&red, "deploy");
        f.store.create_iam_role(&role).await.expect("created");
        let role = IdentityName::Role(role.name);
        f.store.attach_policy(&red, &group, &arn).await.expect("attached");
        f.store.attach_policy(&red, &role, &arn).await.expect("attached");
        f.store.set_boundary(&red, &user, Some(&arn)).await.expect("bounded");
        let entities = f.store.policy_entities(&red, &arn).await.expect("read");
        let told: Vec<_> = entities.into_iter().map(|e| (e.name, e.usage)).collect();
        let expected = [
            (group.clone(), PolicyUse::Attached),
            (role.clone(), PolicyUse::Attached),
            (user.clone(), PolicyUse::Boundary),
        ];
        assert_eq!(told, expected);
        let policy = f.store.managed_policy(&red, &arn).await.expect("read").expect("there");
        assert_eq!((policy.attachments, policy.bounded), (2, 1));
        let attached = f.store.managed_policies(&red, &owners, true, ALL).await.expect("read");
        assert_eq!(attached.items, [], "red's own were not asked for");
        let delete = async || f.store.delete_managed_policy(&red, &arn).await.expect("asked");
        assert_eq!(delete().await, DeletePolicyOutcome::InUse);
        f.store.detach_policy(&red, &group, &arn).await.expect("detached");
        f.store.detach_policy(&red, &role, &arn).await.expect("detached");
        let again = f.store.detach_policy(&red, &role, &arn).await.expect("asked");
        assert_eq!(again, AttachOutcome::NoPolicy);
        assert_eq!(delete().await, DeletePolicyOutcome::InUse, "it bounds somebody");
        f.store.set_boundary(&red, &user, None).await.expect("freed");
        assert_eq!(delete().await, DeletePolicyOutcome::Deleted);
    })
    .await;
}

#[tokio::test]
async fn ten_policies_are_attached_at_most_however_many_are_asked_for_at_once() {
    with_store(|f| async move {
        let red = in_account(&f, "100000000001").await;
        let user = with_user(&f.store, &red, "alice").await;
        let name = IdentityName::User(user.name);
        let mut arns = Vec::new();
        for n in 0..14 {
            arns.push(with_policy(&f.store, &red, &format!("p-{n:02}"), "{}").await);
        }
        let mut tasks = JoinSet::new();
        for arn in arns.clone() {
            let (store, red, name) = (f.store.clone(), red.clone(), name.clone());
            tasks
                .spawn(async move { store.attach_policy(&red, &name, &arn).await.expect("asked") });
        }
        let outcomes = tasks.join_all().await;
        let of = |outcome| outcomes.iter().filter(|o| **o == outcome).count();
        assert_eq!((of(AttachOutcome::Done), of(AttachOutcome::TooMany)), (10, 4));
        let attached = f.store.attached_policies(&red, &name).await.expect("read").expect("there");
        assert_eq!(attached.len(), 10);
        let again = f.store.attach_policy(&red, &name, &attached[0]).await.expect("asked");
        assert_eq!(again, AttachOutcome::Done, "it is attached already");
        let nobody = IdentityName::User("nobody".to_owned().try_into().expect("a name"));
        assert_eq!(f.store.attached_policies(&red, &nobody).await.expect("read"), None);
        let refused = f.store.attach_policy(&red, &nobody, &attached[0]).await.expect("asked");
        assert_eq!(refused, AttachOutcome::NoIdentity);
    })
    .await;
}

#[tokio::test]
async fn a_policy_that_is_deleted_and_attached_at_the_same_time_is_one_of_both() {
    with_store(|f| async move {
        let red = in_account(&f, "100000000001").await;
        let user = with_user(&f.store, &red, "alice").await;
        let name = IdentityName::User(user.name);
        for n in 0..20 {
            let arn = with_policy(&f.store, &red, &format!("p-{n}"), "{}").await;
            let deleting = {
                let (store, red, arn) = (f.store.clone(), red.clone(), arn.clone());
                tokio::spawn(async move {
                    store.delete_managed_policy(&red, &arn).await.expect("asked")
                })
            };
            let attached = f.store.attach_policy(&red, &name, &arn).await.expect("asked");
            match (attached, deleting.await.expect("ended")) {
                (AttachOutcome::Done, DeletePolicyOutcome::InUse) => {
                    let detached = f.store.detach_policy(&red, &name, &arn).await;
                    assert_eq!(detached.expect("asked"), AttachOutcome::Done);
                }
                (AttachOutcome::NoPolicy, DeletePolicyOutcome::Deleted) => {}
                other => panic!("{other:?}"),
            }
        }
    })
    .await;
}

#[tokio::test]
async fn inline_policies_share_an_allowance_however_many_are_put_at_once() {
    with_store(|f| async move {
        let red = in_account(&f, "100000000001").await;
        let user = with_user(&f.store, &red, "alice").await;
        let name = IdentityName::User(user.name);
        // 500 characters that count, and white space, which does not.
        let text = format!("{{ \"Sid\" : \n \"{}\" }}", "x".repeat(490));
        let sized = inline("size", &text);
        assert_eq!(sized.document.size(), 500);
        let mut tasks = JoinSet::new();
        for n in 0..7 {
            let (store, red, name) = (f.store.clone(), red.clone(), name.clone());
            let policy = inline(&format!("p-{n}"), &text);
            tasks.spawn(async move {
                store.put_inline_policy(&red, &name, &policy).await.expect("asked")
            });
        }
        let outcomes = tasks.join_all().await;
        let of = |outcome| outcomes.iter().filter(|o| **o == outcome).count();
        let made = (of(PutInlinePolicyOutcome::Done), of(PutInlinePolicyOutcome::TooLong(2048)));
        assert_eq!(made, (4, 3));
        let kept = f.store.inline_policies(&red, &name).await.expect("read").expect("there");
        assert_eq!(kept.len(), 4);

        // Another document for one that is there.
        let other = inline(kept[0].name.as_str(), "{}");
        let put = f.store.put_inline_policy(&red, &name, &other).await.expect("asked");
        assert_eq!(put, PutInlinePolicyOutcome::Done);
        let put = f.store.put_inline_policy(&red, &name, &sized).await.expect("asked");
        assert_eq!(put, PutInlinePolicyOutcome::Done, "there is room again");
        let kept = f.store.inline_policies(&red, &name).await.expect("read").expect("there");
        assert!(kept.contains(&other) && kept.contains(&sized));
        assert!(f.store.delete_inline_policy(&red, &name, &other.name).await.expect("deleted"));
        assert!(!f.store.delete_inline_policy(&red, &name, &other.name).await.expect("asked"));
        let nobody = IdentityName::User("nobody".to_owned().try_into().expect("a name"));
        let put = f.store.put_inline_policy(&red, &nobody, &other).await.expect("asked");
        assert_eq!(put, PutInlinePolicyOutcome::NoIdentity);
        assert_eq!(f.store.inline_policies(&red, &nobody).await.expect("read"), None);
    })
    .await;
}
