//! Reading and changing brokers.

use std::time::Duration;

use brokerd_domain::{BrokerState, Intent, Scope};
use brokerd_store::{Channel, MasterKey, PgStore, StoreError};

use crate::support::{NOW, OsEntropy, create, scope, with_store, worker};

#[tokio::test]
async fn a_broker_is_seen_only_in_its_account_and_region() {
    with_store(|f| async move {
        let id = create(&f.store, "orders").await;
        let elsewhere = Scope { region: "eu-west-1".parse().expect("region"), ..scope() };
        let other = Scope { account: "111111111111".parse().expect("account"), ..scope() };
        for foreign in [elsewhere, other] {
            assert!(f.store.broker(&foreign, id).await.expect("read").is_none());
            assert!(f.store.brokers(&foreign, None, 100).await.expect("read").is_empty());
            assert!(f.store.events(&foreign, id, 10).await.expect("read").is_none());
            assert!(!f.store.request_delete(&foreign, id, NOW).await.expect("asked"));
        }
        let broker = f.store.broker(&scope(), id).await.expect("read").expect("there");
        assert_eq!(broker.intent, Intent::Run);
    })
    .await;
}

#[tokio::test]
async fn pages_do_not_repeat_or_skip_when_brokers_come_and_go() {
    with_store(|f| async move {
        let mut created = Vec::new();
        for n in 0..7 {
            created.push(create(&f.store, &format!("broker-{n}")).await);
        }
        let first = f.store.brokers(&scope(), None, 3).await.expect("read");
        let last = first.last().expect("three");
        create(&f.store, "newcomer").await;
        let after = Some((last.created, last.id));
        let rest = f.store.brokers(&scope(), after, 100).await.expect("read");
        let mut seen: Vec<_> = first.iter().chain(&rest).map(|b| b.id).collect();
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen.len(), first.len() + rest.len(), "a broker came twice");
        for id in created {
            assert!(seen.contains(&id) || first.iter().any(|b| b.id == id), "{id} was skipped");
        }
    })
    .await;
}

#[tokio::test]
async fn a_reboot_is_counted_only_for_the_broker_that_was_seen() {
    with_store(|f| async move {
        let id = create(&f.store, "orders").await;
        let seen = f.store.broker(&scope(), id).await.expect("read").expect("there");
        assert!(f.store.request_reboot(&seen, NOW).await.expect("asked"));
        assert!(!f.store.request_reboot(&seen, NOW).await.expect("asked"), "it has changed since");
        let seen = f.store.broker(&scope(), id).await.expect("read").expect("there");
        assert_eq!(seen.reboots_requested, 1);
        f.store.request_delete(&scope(), id, NOW).await.expect("asked");
        assert!(!f.store.request_reboot(&seen, NOW).await.expect("asked"), "it is being deleted");
    })
    .await;
}

#[tokio::test]
async fn deleting_twice_is_deleting_once() {
    with_store(|f| async move {
        let id = create(&f.store, "orders").await;
        assert!(f.store.request_delete(&scope(), id, NOW).await.expect("asked"));
        let once = f.store.broker(&scope(), id).await.expect("read").expect("there");
        assert_eq!(once.state(), BrokerState::DeletionInProgress);
        assert!(f.store.request_delete(&scope(), id, NOW).await.expect("asked"));
        let twice = f.store.broker(&scope(), id).await.expect("read").expect("there");
        assert_eq!(once, twice);
        let events = f.store.events(&scope(), id, 10).await.expect("read").expect("there");
        assert_eq!(events.len(), 2, "created and deleted: {events:?}");
        assert_eq!(events[0].message, "DeleteBroker accepted", "the newest comes first");
    })
    .await;
}

#[tokio::test]
async fn a_creation_wakes_whoever_listens() {
    with_store(|f| async move {
        let mut listener = f.store.listen(Channel::Reconcile).await.expect("listens");
        create(&f.store, "orders").await;
        tokio::time::timeout(Duration::from_secs(5), listener.wait()).await.expect("woken");
    })
    .await;
}

#[tokio::test]
async fn connecting_again_finds_everything_migrated() {
    with_store(|f| async move {
        let id = create(&f.store, "orders").await;
        let again =
            PgStore::connect(&f.url, 2, MasterKey::new([7; 32]), std::sync::Arc::new(OsEntropy))
                .await
                .expect("connects");
        again.ping().await.expect("answers");
        assert!(again.broker(&scope(), id).await.expect("read").is_some());
    })
    .await;
}

#[tokio::test]
async fn a_row_that_contradicts_the_rules_is_an_error_and_no_panic() {
    with_store(|f| async move {
        let id = create(&f.store, "orders").await;
        for damage in [
            "update broker set spec = '{}'",
            "update broker set spec = '[]', status = '7'",
            "update broker set name = 'a b'",
        ] {
            sqlx::raw_sql(damage).execute(&f.pool).await.expect("damaged");
            let read = f.store.broker(&scope(), id).await;
            assert!(matches!(read, Err(StoreError::Inconsistent { .. })), "{damage}: {read:?}");
        }
        // The broker can still be claimed: whoever works on it meets the same error.
        let lease = f
            .store
            .claim_due(worker(), None, Duration::from_secs(30), 1)
            .await
            .expect("claimed")
            .remove(0);
        assert!(f.store.load(&lease).await.is_err());
    })
    .await;
}

#[tokio::test]
async fn a_database_that_is_gone_is_unavailable() {
    with_store(|f| async move {
        let (server, _) = f.url.rsplit_once('/').expect("a URL");
        let nowhere = server.rsplit_once(':').map_or(server, |(host, _)| host);
        let url = format!("{nowhere}:1/none");
        let connected =
            PgStore::connect(&url, 1, MasterKey::new([7; 32]), std::sync::Arc::new(OsEntropy))
                .await;
        assert!(matches!(connected, Err(StoreError::Unavailable(_))), "{connected:?}");
    })
    .await;
}
