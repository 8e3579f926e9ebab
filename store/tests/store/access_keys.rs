//! Access keys of users and of accounts' roots.

use std::time::Duration;

use brokerd_domain::identity::{AccessKeyId, AccessKeyState};
use brokerd_store::{KeyHolderName, NewKeyOutcome};
use tokio::task::JoinSet;

use crate::{
    identities::{in_account, user_name, with_user},
    support::{NOW, OsEntropy, with_store},
};

#[tokio::test]
async fn a_third_key_is_refused_however_many_are_asked_for_at_once() {
    with_store(|f| async move {
        let red = in_account(&f, "100000000001").await;
        let alice = with_user(&f.store, &red, "alice").await;
        let mut tasks = JoinSet::new();
        for n in 0..12 {
            let (store, red, alice) = (f.store.clone(), red.clone(), alice.name.clone());
            tasks.spawn(async move {
                let holder =
                    if n % 2 == 0 { KeyHolderName::Root } else { KeyHolderName::User(&alice) };
                let key = AccessKeyId::generate(&OsEntropy);
                let secret = "s".into();
                let made = store.create_access_key(&red, holder, &key, &secret, None, NOW);
                (n % 2, made.await.expect("asked"))
            });
        }
        let outcomes = tasks.join_all().await;
        for holder in [0, 1] {
            let of = |outcome| outcomes.iter().filter(|made| **made == (holder, outcome)).count();
            assert_eq!((of(NewKeyOutcome::Created), of(NewKeyOutcome::TooMany)), (2, 4));
        }
        let keys = f.store.access_keys(&red, KeyHolderName::User(&alice.name)).await;
        let keys = keys.expect("read");
        assert_eq!(keys.len(), 2);
        assert!(keys.iter().all(|key| key.holder.as_str() == alice.id.as_str()));

        // Who deletes one has room for another one.
        let holder = KeyHolderName::User(&alice.name);
        assert!(f.store.delete_access_key(&red, holder, &keys[0].id).await.expect("deleted"));
        let id = &keys[1].id;
        let taken = f.store.create_access_key(&red, holder, id, &"s".into(), None, NOW).await;
        assert_eq!(taken.expect("asked"), NewKeyOutcome::IdTaken);
        let id = AccessKeyId::generate(&OsEntropy);
        let made = f.store.create_access_key(&red, holder, &id, &"s".into(), None, NOW).await;
        assert_eq!(made.expect("asked"), NewKeyOutcome::Created);
    })
    .await;
}

#[tokio::test]
async fn a_key_is_changed_only_by_way_of_its_holder() {
    with_store(|f| async move {
        let (red, blue) =
            (in_account(&f, "100000000001").await, in_account(&f, "100000000002").await);
        let alice = with_user(&f.store, &red, "alice").await;
        with_user(&f.store, &red, "bob").await;
        with_user(&f.store, &blue, "alice").await;
        let id = AccessKeyId::generate(&OsEntropy);
        let holder = KeyHolderName::User(&alice.name);
        let expires = Some(NOW.plus(Duration::from_secs(60)));
        let made = f.store.create_access_key(&red, holder, &id, &"s".into(), expires, NOW).await;
        assert_eq!(made.expect("asked"), NewKeyOutcome::Created);

        let bob = user_name("bob");
        for (account, other) in
            [(&red, KeyHolderName::User(&bob)), (&red, KeyHolderName::Root), (&blue, holder)]
        {
            let set = f.store.set_access_key_state(account, other, &id, AccessKeyState::Inactive);
            assert!(!set.await.expect("asked"));
            assert!(!f.store.delete_access_key(account, other, &id).await.expect("asked"));
            assert_eq!(f.store.access_keys(account, other).await.expect("read"), []);
        }
        let caller =
            async || f.store.principal_of(id.as_str()).await.expect("read").expect("there");
        let usable =
            async |seconds| caller().await.is_usable(NOW.plus(Duration::from_secs(seconds)));
        assert!(usable(59).await && !usable(60).await);
        let set = f.store.set_access_key_state(&red, holder, &id, AccessKeyState::Inactive).await;
        assert!(set.expect("stored"));
        assert!(!usable(0).await);
        let keys = f.store.access_keys(&red, holder).await.expect("read");
        assert_eq!((keys[0].state, keys[0].expires), (AccessKeyState::Inactive, expires));
        let set = f.store.set_access_key_state(&red, holder, &id, AccessKeyState::Active).await;
        assert!(set.expect("stored"));
        assert!(usable(0).await);
        assert!(f.store.delete_access_key(&red, holder, &id).await.expect("deleted"));
        assert!(f.store.principal_of(id.as_str()).await.expect("read").is_none());
        let made = f
            .store
            .create_access_key(&blue, KeyHolderName::User(&bob), &id, &"s".into(), None, NOW)
            .await;
        assert_eq!(made.expect("asked"), NewKeyOutcome::NoHolder);
    })
    .await;
}
