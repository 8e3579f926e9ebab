//! Users of a broker, from request to reboot.

use brokerd_domain::{
    Broker, BrokerUser, EngineType, Group, Lease, ManagedUser, PendingChange, UserUpdate,
};
use brokerd_store::{PgStore, UserOutcome};
use secrecy::{ExposeSecret, SecretString};

use crate::support::{NOW, broker, complete, running, user, with_store};

fn new(name: &str) -> BrokerUser {
    BrokerUser::parse(EngineType::ActiveMq, user(name)).expect("valid")
}

fn change(password: Option<&str>, groups: Option<&[&str]>) -> UserUpdate {
    let groups: Option<Vec<String>> = groups.map(|g| g.iter().map(|g| (*g).to_owned()).collect());
    let password = password.map(|text| SecretString::from(text.to_owned()));
    UserUpdate::parse(password.as_ref(), None, groups.as_deref(), None).expect("valid")
}

async fn seen(store: &PgStore, of: &Broker) -> Broker {
    broker(store, of.id).await
}

async fn shown(store: &PgStore, of: &Broker, name: &str) -> Option<ManagedUser> {
    store.user(of.id, name).await.expect("read")
}

/// Name and password of everybody an instance would be made with.
async fn effective(store: &PgStore, lease: &Lease) -> Vec<(String, String, usize)> {
    let work = store.load(lease).await.expect("loaded").expect("there");
    work.users
        .iter()
        .map(|u| {
            let password = u.password.expose_secret().to_owned();
            (u.username.to_string(), password, u.groups.len())
        })
        .collect()
}

fn row(name: &str, password: &str, groups: usize) -> (String, String, usize) {
    (name.to_owned(), password.to_owned(), groups)
}

const OLD: &str = "correct-horse-battery";
const NEW: &str = "another-password-2";

#[tokio::test]
async fn users_change_with_the_reboot_and_not_before() {
    with_store(|f| async move {
        let (b, lease) = running(&f.store, "orders").await;
        let carol = new("carol");
        let outcome = f.store.create_user(&b, &carol, NOW).await.expect("stored");
        assert_eq!(outcome, UserOutcome::Done);
        let update = change(Some(NEW), Some(&[]));
        let now = seen(&f.store, &b).await;
        let outcome = f.store.update_user(&now, "alice", &update, NOW).await.expect("stored");
        assert_eq!(outcome, Ok(UserOutcome::Done));
        let now = seen(&f.store, &b).await;
        let outcome = f.store.delete_user(&now, "bob", NOW).await.expect("stored");
        assert_eq!(outcome, UserOutcome::Done);

        let before = [row("alice", OLD, 1), row("bob", OLD, 1)];
        assert_eq!(effective(&f.store, &lease).await, before);
        let alice = shown(&f.store, &b, "alice").await.expect("there");
        assert_eq!(alice.attributes.groups.len(), 1, "in force");
        let (kind, after) = alice.pending.expect("waits");
        assert_eq!((kind, after.groups.len()), (PendingChange::Update, 0));
        let pending: Vec<_> = seen(&f.store, &b).await.users.iter().map(|(_, p)| *p).collect();
        let wanted = [PendingChange::Update, PendingChange::Delete, PendingChange::Create];
        assert_eq!(pending, wanted.map(Some));

        let now = seen(&f.store, &b).await;
        assert!(f.store.request_reboot(&now, NOW).await.expect("asked"));
        let after = [row("alice", NEW, 0), row("carol", OLD, 1)];
        assert_eq!(effective(&f.store, &lease).await, after);
        complete(&f.store, &lease).await;
        assert_eq!(effective(&f.store, &lease).await, after);
        assert!(!seen(&f.store, &b).await.has_pending());
        assert_eq!(shown(&f.store, &b, "bob").await, None);
    })
    .await;
}

#[tokio::test]
async fn changes_of_what_is_not_there_yet_change_what_will_be() {
    with_store(|f| async move {
        let (b, _) = running(&f.store, "orders").await;
        f.store.create_user(&b, &new("carol"), NOW).await.expect("stored");
        let now = seen(&f.store, &b).await;
        let update = change(None, Some(&["first", "second"]));
        let outcome = f.store.update_user(&now, "carol", &update, NOW).await.expect("stored");
        assert_eq!(outcome, Ok(UserOutcome::Done));
        let carol = shown(&f.store, &b, "carol").await.expect("there");
        assert!(carol.attributes.groups.contains(&Group::parse("second").expect("valid")));
        assert_eq!(carol.pending.map(|p| p.0), Some(PendingChange::Create));
        let now = seen(&f.store, &b).await;
        f.store.delete_user(&now, "carol", NOW).await.expect("stored");
        assert_eq!(shown(&f.store, &b, "carol").await, None);
    })
    .await;
}

#[tokio::test]
async fn a_user_that_was_to_be_deleted_is_kept_by_an_update() {
    with_store(|f| async move {
        let (b, _) = running(&f.store, "orders").await;
        f.store.delete_user(&b, "bob", NOW).await.expect("stored");
        let now = seen(&f.store, &b).await;
        let update = change(None, None);
        let outcome = f.store.update_user(&now, "bob", &update, NOW).await.expect("stored");
        assert_eq!(outcome, Ok(UserOutcome::Done));
        let bob = shown(&f.store, &b, "bob").await.expect("there");
        assert_eq!(bob.pending, None);
    })
    .await;
}

#[tokio::test]
async fn a_user_that_is_again_as_it_is_waits_for_nothing() {
    with_store(|f| async move {
        let (b, _) = running(&f.store, "orders").await;
        let before = shown(&f.store, &b, "bob").await.expect("there");
        let groups: Vec<_> = before.attributes.groups.iter().map(Group::as_str).collect();
        let update = async |update: &UserUpdate| {
            let now = seen(&f.store, &b).await;
            let outcome = f.store.update_user(&now, "bob", update, NOW).await.expect("stored");
            assert_eq!(outcome, Ok(UserOutcome::Done));
            shown(&f.store, &b, "bob").await.expect("there").pending.map(|pending| pending.0)
        };
        let (there, back) = (change(None, Some(&["elsewhere"])), change(None, Some(&groups)));
        assert_eq!(update(&there).await, Some(PendingChange::Update));
        assert_eq!(update(&back).await, None);
        assert_eq!(shown(&f.store, &b, "bob").await, Some(before));
        // A password that waits goes on waiting.
        let renewed = change(Some("another-good-password"), None);
        assert_eq!(update(&renewed).await, Some(PendingChange::Update));
        assert_eq!(update(&back).await, Some(PendingChange::Update));
    })
    .await;
}

#[tokio::test]
async fn there_is_one_user_of_a_name_and_at_most_250_of_all() {
    with_store(|f| async move {
        let (b, _) = running(&f.store, "orders").await;
        let outcome = f.store.create_user(&b, &new("alice"), NOW).await.expect("no error");
        assert_eq!(outcome, UserOutcome::Exists);
        let nobody = f.store.delete_user(&b, "nobody", NOW).await.expect("no error");
        assert_eq!(nobody, UserOutcome::NotFound);
        assert_eq!(seen(&f.store, &b).await.generation, b.generation, "nothing was changed");
        for n in 0..248 {
            let now = seen(&f.store, &b).await;
            let user = new(&format!("user-{n}"));
            let outcome = f.store.create_user(&now, &user, NOW).await.expect("stored");
            assert_eq!(outcome, UserOutcome::Done);
        }
        let now = seen(&f.store, &b).await;
        let outcome = f.store.create_user(&now, &new("one-more"), NOW).await.expect("no error");
        assert_eq!(outcome, UserOutcome::TooMany);
        let late = f.store.create_user(&b, &new("late"), NOW).await.expect("no error");
        assert_eq!(late, UserOutcome::Changed);
    })
    .await;
}
