//! Which brokers have changed.

use std::{collections::BTreeSet, time::Duration};

use brokerd_domain::{BrokerId, Scope};
use brokerd_store::{BrokerChange, BrokerChangeCursor, Channel, Heard};
use tokio::time::{Instant, timeout};

use crate::support::{
    Fixture, NOW, broker, create, create_for, leased, running, scope, with_store,
};

const TIMEOUT: Duration = Duration::from_secs(20);

async fn now(f: &Fixture) -> BrokerChangeCursor {
    let (changes, moment) = f.store.broker_changes(None).await.expect("read");
    assert_eq!(changes, [], "nothing has changed since no moment");
    moment
}

/// What has changed since a moment. A transaction of another database of the server may have held the moment back.
async fn changed(f: &Fixture, since: &BrokerChangeCursor) -> Vec<BrokerChange> {
    f.store.broker_changes(Some(since)).await.expect("read").0
}

fn ids(changes: &[BrokerChange]) -> BTreeSet<(BrokerId, bool)> {
    changes.iter().map(|change| (change.broker, change.is_removed)).collect()
}

/// A moment since which nothing has changed.
async fn settled(f: &Fixture) -> BrokerChangeCursor {
    let deadline = Instant::now() + TIMEOUT;
    loop {
        let moment = now(f).await;
        if changed(f, &moment).await.is_empty() {
            return moment;
        }
        assert!(Instant::now() < deadline, "what has changed is told again and again");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn whatever_changes_a_broker_is_told_with_whose_it_is() {
    with_store(|f| async move {
        let other = create_for(&f.store, "111111111111", "theirs").await;
        let moment = settled(&f).await;
        let id = create(&f.store, "orders").await;
        let changes = changed(&f, &moment).await;
        assert_eq!(ids(&changes), [(id, false)].into());
        assert_eq!(changes[0].scope, scope());

        let moment = settled(&f).await;
        sqlx::query("update broker set tags = '{}' where id = $1")
            .bind(other.uuid())
            .execute(&f.pool)
            .await
            .expect("changed");
        let changes = changed(&f, &moment).await;
        assert_eq!(ids(&changes), [(other, false)].into());
        let theirs = Scope { account: "111111111111".parse().expect("an account"), ..scope() };
        assert_eq!(changes[0].scope, theirs);

        // A fault changes no row of the broker.
        let moment = settled(&f).await;
        sqlx::query(
            "insert into fault (id, broker_id, spec, starts, ends)
             values (gen_random_uuid(), $1, '{}', 0, 0)",
        )
        .bind(id.uuid())
        .execute(&f.pool)
        .await
        .expect("stored");
        assert_eq!(ids(&changed(&f, &moment).await), [(id, false)].into());
    })
    .await;
}

#[tokio::test]
async fn a_broker_that_is_gone_is_told_to_be_removed() {
    with_store(|f| async move {
        let (seen, lease) = running(&f.store, "orders").await;
        let deleted = f.store.request_delete(&scope(), seen.id, NOW).await;
        assert!(deleted.expect("asked"));
        let moment = settled(&f).await;
        f.store.delete_broker_record(&lease).await.expect("forgotten");
        let changes = changed(&f, &moment).await;
        assert_eq!(ids(&changes), [(seen.id, true)].into());
        assert_eq!(changes[0].scope, scope());
        let kept: i64 = sqlx::query_scalar("select count(*) from removed_broker")
            .fetch_one(&f.pool)
            .await
            .expect("counted");
        assert_eq!(kept, 1);
        sqlx::query("update removed_broker set at = now() - interval '25 hours'")
            .execute(&f.pool)
            .await
            .expect("aged");
        assert_eq!(f.store.prune_removed_brokers(10).await.expect("pruned"), 1);
    })
    .await;
}

#[tokio::test]
async fn what_was_under_way_in_one_reading_is_in_the_next() {
    with_store(|f| async move {
        let id = create(&f.store, "orders").await;
        let quick = create(&f.store, "quick").await;
        let moment = settled(&f).await;
        let mut slow = f.pool.begin().await.expect("begun");
        let update = |id: BrokerId| {
            sqlx::query("update broker set tags = '{}' where id = $1").bind(id.uuid())
        };
        update(id).execute(&mut *slow).await.expect("changed");
        update(quick).execute(&f.pool).await.expect("changed");
        let (changes, between) = f.store.broker_changes(Some(&moment)).await.expect("read");
        assert_eq!(ids(&changes), [(quick, false)].into());
        let again = changed(&f, &between).await;
        assert_eq!(again, changes, "the same change by the same number");
        slow.commit().await.expect("committed");
        assert!(ids(&changed(&f, &between).await).contains(&(id, false)));
    })
    .await;
}

#[tokio::test]
async fn numbers_of_another_server_are_no_changes() {
    with_store(|f| async move {
        let id = create(&f.store, "orders").await;
        let moment = settled(&f).await;
        sqlx::raw_sql("alter table broker disable trigger note_change")
            .execute(&f.pool)
            .await
            .expect("off");
        sqlx::query("update broker set changed = '4000000000000'::xid8 where id = $1")
            .bind(id.uuid())
            .execute(&f.pool)
            .await
            .expect("restored");
        assert_eq!(changed(&f, &moment).await, []);
        assert!(!now(&f).await.is_before(&moment));
        assert!(moment.is_before(&now(&f).await) || moment == now(&f).await);
    })
    .await;
}

#[tokio::test]
async fn listeners_are_told_of_changes_of_every_kind() {
    with_store(|f| async move {
        let id = create(&f.store, "orders").await;
        let lease = leased(&f.store).await;
        let mut listener = f.store.listen(Channel::Brokers).await.expect("listens");
        crate::support::complete(&f.store, &lease).await;
        let heard = timeout(TIMEOUT, listener.wait()).await.expect("in time");
        assert_eq!(heard, Heard::Notification, "a pass");
        let seen = broker(&f.store, id).await;
        assert!(f.store.request_delete(&scope(), seen.id, NOW).await.expect("asked"));
        let heard = timeout(TIMEOUT, listener.wait()).await.expect("in time");
        assert_eq!(heard, Heard::Notification, "a request");
    })
    .await;
}

#[tokio::test]
async fn faults_and_brokers_change_at_once_without_waiting_for_one_another() {
    with_store(|f| async move {
        let id = create(&f.store, "orders").await;
        let (mut one, mut other) =
            (f.pool.begin().await.expect("begun"), f.pool.begin().await.expect("begun"));
        let fault = || {
            sqlx::query(
                "insert into fault (id, broker_id, spec, starts, ends, ended)
                 values (gen_random_uuid(), $1, '{}', 0, 0, 1)",
            )
            .bind(id.uuid())
        };
        // What notes a fault for the gateways locks a row of theirs; this one is over, and is noted for people only.
        sqlx::raw_sql("alter table fault disable trigger note_route_change")
            .execute(&mut *one)
            .await
            .expect("off");
        one.commit().await.expect("committed");
        let mut one = f.pool.begin().await.expect("begun");
        fault().execute(&mut *other).await.expect("stored");
        sqlx::query("update broker set status = '{}' where id = $1")
            .bind(id.uuid())
            .execute(&mut *one)
            .await
            .expect("changed");
        timeout(TIMEOUT, fault().execute(&mut *one)).await.expect("does not wait").expect("stored");
        one.commit().await.expect("committed");
        other.commit().await.expect("committed");
    })
    .await;
}
