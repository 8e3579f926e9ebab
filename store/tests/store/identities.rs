//! Users, groups and roles.

use std::collections::BTreeMap;

use brokerd_domain::{
    AccountId, Tags,
    identity::{
        AccessKeyId, Group, GroupId, GroupName, IamArn, InlinePolicy, Path, PolicyDocument,
        PolicyName, Role, RoleId, RoleName, SessionDuration, User, UserId, UserName,
    },
};
use brokerd_store::{
    AttachOutcome, DeleteIdentityOutcome, GroupMemberOutcome, IamPageQuery, IdentityName,
    IdentityUse, KeyHolderName, NewIdentityOutcome, NewKeyOutcome, PgStore, PutInlinePolicyOutcome,
    UpdateIdentityOutcome,
};
use tokio::task::JoinSet;

use crate::{
    accounts::account,
    support::{Fixture, NOW, OsEntropy, with_store},
};

pub(crate) const READ_ONLY: &str = "arn:aws:iam::aws:policy/AmazonMQReadOnlyAccess";
pub(crate) const ALL: IamPageQuery<'_> = IamPageQuery { path_prefix: "/", after: None, most: 100 };

pub(crate) fn user_name(text: &str) -> UserName {
    UserName::parse(text).expect("a name")
}

fn group_name(text: &str) -> GroupName {
    GroupName::parse(text).expect("a name")
}

pub(crate) fn user(account: &AccountId, name: &str) -> User {
    User {
        id: UserId::generate(&OsEntropy),
        account: account.clone(),
        path: Path::default(),
        name: user_name(name),
        created: NOW,
        boundary: None,
        tags: Tags::default(),
    }
}

pub(crate) fn group(account: &AccountId, name: &str) -> Group {
    Group {
        id: GroupId::generate(&OsEntropy),
        account: account.clone(),
        path: Path::default(),
        name: group_name(name),
        created: NOW,
    }
}

pub(crate) fn role(account: &AccountId, name: &str) -> Role {
    Role {
        id: RoleId::generate(&OsEntropy),
        account: account.clone(),
        path: Path::parse(Some("/service/")).expect("a path"),
        name: RoleName::parse(name).expect("a name"),
        created: NOW,
        description: "what it is for".to_owned(),
        trust_policy: PolicyDocument::parse(r#"{ "Statement": [] }"#).expect("a document"),
        longest_session: SessionDuration::DEFAULT,
        boundary: None,
        tags: tags(&[("team", "red")]),
    }
}

pub(crate) fn tags(pairs: &[(&str, &str)]) -> Tags {
    let map: BTreeMap<_, _> =
        pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    Tags::parse(map).expect("valid")
}

pub(crate) fn arn(text: &str) -> IamArn {
    text.parse().expect("an ARN")
}

pub(crate) fn inline(name: &str, document: &str) -> InlinePolicy {
    InlinePolicy {
        name: PolicyName::parse(name).expect("a name"),
        document: PolicyDocument::parse(document).expect("a document"),
    }
}

/// An account of that number.
pub(crate) async fn in_account(f: &Fixture, id: &str) -> AccountId {
    f.store.create_account(&account(id, id)).await.expect("created");
    id.parse().expect("an account")
}

pub(crate) async fn with_user(store: &PgStore, account: &AccountId, name: &str) -> User {
    let user = user(account, name);
    let outcome = store.create_iam_user(&user).await.expect("asked");
    assert_eq!(outcome, NewIdentityOutcome::Created);
    user
}

pub(crate) async fn with_group(store: &PgStore, account: &AccountId, name: &str) -> Group {
    let group = group(account, name);
    let outcome = store.create_iam_group(&group).await.expect("asked");
    assert_eq!(outcome, NewIdentityOutcome::Created);
    group
}

#[tokio::test]
async fn names_are_taken_once_in_an_account_whatever_their_letter_case() {
    with_store(|f| async move {
        let (red, blue) =
            (in_account(&f, "100000000001").await, in_account(&f, "100000000002").await);
        let alice = with_user(&f.store, &red, "Alice").await;
        let taken = f.store.create_iam_user(&user(&red, "alice")).await.expect("asked");
        assert_eq!(taken, NewIdentityOutcome::NameTaken);
        with_group(&f.store, &red, "Alice").await;
        let operator = role(&red, "Alice");
        let created = f.store.create_iam_role(&operator).await.expect("asked");
        assert_eq!(created, NewIdentityOutcome::Created, "kinds have names of their own");
        let elsewhere = with_user(&f.store, &blue, "alice").await;
        let nowhere = "100000000009".parse().expect("an account");
        let created = f.store.create_iam_user(&user(&nowhere, "alice")).await.expect("asked");
        assert_eq!(created, NewIdentityOutcome::NoAccount);

        let read = f.store.iam_user(&red, &alice.name).await.expect("read");
        assert_eq!(read, Some(alice.clone()));
        assert_eq!(f.store.iam_user(&red, &user_name("alice")).await.expect("read"), None);
        let read = f.store.iam_role(&red, &operator.name).await.expect("read");
        assert_eq!(read, Some(operator));
        assert_eq!(f.store.iam_users(&blue, ALL).await.expect("read").items, [elsewhere]);

        with_user(&f.store, &red, "bob").await;
        let rename = async |to: &str| {
            let name = IdentityName::User(alice.name.clone());
            f.store.rename_identity(&red, &name, Some(to), None).await.expect("asked")
        };
        assert_eq!(rename("BOB").await, UpdateIdentityOutcome::NameTaken);
        assert_eq!(rename("ALICE").await, UpdateIdentityOutcome::Updated);
        assert_eq!(rename("carol").await, UpdateIdentityOutcome::NotFound);
        let renamed = f.store.iam_user(&red, &user_name("ALICE")).await.expect("read");
        assert_eq!(renamed.expect("there").id, alice.id);
    })
    .await;
}

#[tokio::test]
async fn lists_come_in_pages_by_name_below_a_path() {
    with_store(|f| async move {
        let red = in_account(&f, "100000000001").await;
        for name in ["d", "B", "a", "C", "e"] {
            let path = if name == "e" { "/other/" } else { "/team/" };
            let path = Path::parse(Some(path)).expect("a path");
            let user = User { path, ..user(&red, name) };
            f.store.create_iam_user(&user).await.expect("created");
        }
        let mut seen = Vec::new();
        let mut after: Option<String> = None;
        loop {
            let query = IamPageQuery { path_prefix: "/te", after: after.as_deref(), most: 2 };
            let page = f.store.iam_users(&red, query).await.expect("read");
            assert!(page.items.len() <= 2);
            seen.extend(page.items.into_iter().map(|user| user.name.to_string()));
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        assert_eq!(seen, ["a", "B", "C", "d"]);
    })
    .await;
}

#[tokio::test]
async fn roles_and_tags_change_and_what_is_not_said_stays() {
    with_store(|f| async move {
        let red = in_account(&f, "100000000001").await;
        let before = role(&red, "deploy");
        f.store.create_iam_role(&before).await.expect("created");
        let trust = PolicyDocument::parse(r#"{"Statement":[{}]}"#).expect("a document");
        let updated = f.store.update_iam_role(&red, &before.name, None, Some(&trust), None).await;
        assert!(updated.expect("stored"));
        let long = SessionDuration::parse_longest_of_role(Some(7200)).expect("valid");
        let updated = f.store.update_iam_role(&red, &before.name, Some(""), None, Some(long)).await;
        assert!(updated.expect("stored"));
        let name = IdentityName::Role(before.name.clone());
        let blue = tags(&[("team", "blue")]);
        let set = async |seen: &Tags, tags: &Tags| {
            f.store.set_identity_tags(&red, &name, seen, tags).await.expect("asked")
        };
        assert!(set(&before.tags, &blue).await);
        assert!(!set(&before.tags, &tags(&[])).await, "they are others by now");
        let after = f.store.iam_role(&red, &before.name).await.expect("read").expect("there");
        let expected = Role {
            description: String::new(),
            trust_policy: trust,
            longest_session: long,
            tags: blue,
            ..before.clone()
        };
        assert_eq!(after, expected);
        let nobody = RoleName::parse("nobody").expect("a name");
        let updated = f.store.update_iam_role(&red, &nobody, Some(""), None, None).await;
        assert!(!updated.expect("asked"));
    })
    .await;
}

#[tokio::test]
async fn a_boundary_is_a_policy_of_the_account_or_of_the_service() {
    with_store(|f| async move {
        let red = in_account(&f, "100000000001").await;
        let bounded = User { boundary: Some(arn(READ_ONLY)), ..user(&red, "alice") };
        let outcome = f.store.create_iam_user(&bounded).await.expect("asked");
        assert_eq!(outcome, NewIdentityOutcome::Created);
        assert_eq!(f.store.iam_user(&red, &bounded.name).await.expect("read"), Some(bounded));
        for wrong in [
            "arn:aws:iam::aws:policy/Nothing",
            "arn:aws:iam::100000000001:policy/AmazonMQReadOnlyAccess",
            "arn:aws:iam::100000000002:policy/x",
            "arn:aws:iam::100000000001:user/alice",
        ] {
            let user = User { boundary: Some(arn(wrong)), ..user(&red, "bob") };
            let outcome = f.store.create_iam_user(&user).await.expect("asked");
            assert_eq!(outcome, NewIdentityOutcome::NoBoundary, "{wrong}");
        }
        let name = IdentityName::User(user_name("alice"));
        let set = async |arn: Option<&IamArn>| {
            f.store.set_boundary(&red, &name, arn).await.expect("asked")
        };
        assert_eq!(set(Some(&arn("arn:aws:iam::aws:policy/No"))).await, AttachOutcome::NoPolicy);
        assert_eq!(set(None).await, AttachOutcome::Done);
        let read = f.store.iam_user(&red, &user_name("alice")).await.expect("read");
        assert_eq!(read.expect("there").boundary, None);
        let group = with_group(&f.store, &red, "ops").await;
        let name = IdentityName::Group(group.name);
        let set = f.store.set_boundary(&red, &name, Some(&arn(READ_ONLY))).await.expect("asked");
        assert_eq!(set, AttachOutcome::NoIdentity, "groups are not bounded");
    })
    .await;
}

#[tokio::test]
async fn who_has_something_is_not_deleted() {
    with_store(|f| async move {
        let red = in_account(&f, "100000000001").await;
        let alice = with_user(&f.store, &red, "alice").await;
        let ops = with_group(&f.store, &red, "ops").await;
        let name = IdentityName::User(alice.name.clone());
        let group = IdentityName::Group(ops.name.clone());
        let delete =
            async |name: &IdentityName| f.store.delete_identity(&red, name).await.expect("asked");

        let key = AccessKeyId::generate(&OsEntropy);
        let holder = KeyHolderName::User(&alice.name);
        let made = f.store.create_access_key(&red, holder, &key, &"s".into(), None, NOW).await;
        assert_eq!(made.expect("asked"), NewKeyOutcome::Created);
        assert_eq!(delete(&name).await, DeleteIdentityOutcome::InUse(IdentityUse::AccessKeys));
        assert!(f.store.delete_access_key(&red, holder, &key).await.expect("deleted"));

        let joined = f.store.add_group_member(&red, &ops.name, &alice.name).await;
        assert_eq!(joined.expect("asked"), GroupMemberOutcome::Done);
        assert_eq!(delete(&name).await, DeleteIdentityOutcome::InUse(IdentityUse::Groups));
        assert_eq!(delete(&group).await, DeleteIdentityOutcome::InUse(IdentityUse::Users));
        let left = f.store.remove_group_member(&red, &ops.name, &alice.name).await;
        assert_eq!(left.expect("asked"), GroupMemberOutcome::Done);

        let attached = f.store.attach_policy(&red, &name, &arn(READ_ONLY)).await;
        assert_eq!(attached.expect("asked"), AttachOutcome::Done);
        assert_eq!(
            delete(&name).await,
            DeleteIdentityOutcome::InUse(IdentityUse::AttachedPolicies)
        );
        let detached = f.store.detach_policy(&red, &name, &arn(READ_ONLY)).await;
        assert_eq!(detached.expect("asked"), AttachOutcome::Done);

        let policy = inline("own", "{}");
        let put = f.store.put_inline_policy(&red, &name, &policy).await.expect("asked");
        assert_eq!(put, PutInlinePolicyOutcome::Done);
        assert_eq!(delete(&name).await, DeleteIdentityOutcome::InUse(IdentityUse::InlinePolicies));
        assert!(f.store.delete_inline_policy(&red, &name, &policy.name).await.expect("deleted"));

        assert_eq!(delete(&name).await, DeleteIdentityOutcome::Deleted);
        assert_eq!(delete(&name).await, DeleteIdentityOutcome::NotFound);
        assert_eq!(delete(&group).await, DeleteIdentityOutcome::Deleted);
        let again = with_user(&f.store, &red, "alice").await;
        assert_ne!(again.id, alice.id, "it is another one");
    })
    .await;
}

#[tokio::test]
async fn of_a_deletion_and_a_gift_at_the_same_time_one_is_refused() {
    with_store(|f| async move {
        let red = in_account(&f, "100000000001").await;
        for n in 0..20 {
            let alice = with_user(&f.store, &red, &format!("alice-{n}")).await;
            let deleting = {
                let (store, red, name) = (f.store.clone(), red.clone(), alice.name.clone());
                tokio::spawn(async move {
                    store.delete_identity(&red, &IdentityName::User(name)).await.expect("asked")
                })
            };
            let giving = {
                let (store, red, name) = (f.store.clone(), red.clone(), alice.name.clone());
                tokio::spawn(async move {
                    let key = AccessKeyId::generate(&OsEntropy);
                    let holder = KeyHolderName::User(&name);
                    let secret = "s".into();
                    let made = store.create_access_key(&red, holder, &key, &secret, None, NOW);
                    made.await.expect("asked")
                })
            };
            let both = (deleting.await.expect("ended"), giving.await.expect("ended"));
            let is_there = f.store.iam_user(&red, &alice.name).await.expect("read").is_some();
            match both {
                (DeleteIdentityOutcome::Deleted, NewKeyOutcome::NoHolder) => assert!(!is_there),
                (DeleteIdentityOutcome::InUse(IdentityUse::AccessKeys), NewKeyOutcome::Created) => {
                    assert!(is_there);
                }
                other => panic!("{other:?}"),
            }
        }
    })
    .await;
}

#[tokio::test]
async fn a_user_is_in_ten_groups_at_most_however_many_are_asked_for_at_once() {
    with_store(|f| async move {
        let red = in_account(&f, "100000000001").await;
        let alice = with_user(&f.store, &red, "alice").await;
        for n in 0..14 {
            with_group(&f.store, &red, &format!("g-{n:02}")).await;
        }
        let mut tasks = JoinSet::new();
        for n in 0..14 {
            let (store, red, alice) = (f.store.clone(), red.clone(), alice.name.clone());
            tasks.spawn(async move {
                let group = group_name(&format!("g-{n:02}"));
                store.add_group_member(&red, &group, &alice).await.expect("asked")
            });
        }
        let outcomes = tasks.join_all().await;
        let done = outcomes.iter().filter(|o| **o == GroupMemberOutcome::Done).count();
        assert_eq!((done, outcomes.len()), (10, 14));
        let groups = f.store.groups_of_user(&alice).await.expect("read");
        assert_eq!(groups.len(), 10);
        let again = f.store.add_group_member(&red, &groups[0].name, &alice.name).await;
        assert_eq!(again.expect("asked"), GroupMemberOutcome::Done, "it is in it already");
        let members = f.store.group_members(&groups[0], ALL).await.expect("read");
        assert_eq!((members.items, members.next), (vec![alice.clone()], None));
        let nobody = user_name("nobody");
        let refused = f.store.add_group_member(&red, &groups[0].name, &nobody).await;
        assert_eq!(refused.expect("asked"), GroupMemberOutcome::NoUser);
        let refused = f.store.add_group_member(&red, &group_name("none"), &alice.name).await;
        assert_eq!(refused.expect("asked"), GroupMemberOutcome::NoGroup);
        let refused = f.store.remove_group_member(&red, &group_name("none"), &alice.name).await;
        assert_eq!(refused.expect("asked"), GroupMemberOutcome::NoGroup);
    })
    .await;
}
