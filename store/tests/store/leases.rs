//! The lease protocol: work is done once, stale work is harmless, no wake-up is lost.

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use brokerd_domain::{BrokerId, Lease, Next};
use brokerd_store::{Channel, PgStore, StoreError};
use sqlx::PgPool;
use uuid::Uuid;

use crate::support::{create, with_store, worker};

const TTL: Duration = Duration::from_secs(30);

async fn claim(store: &PgStore) -> Option<Lease> {
    store.claim_due(worker(), None, TTL, 1).await.expect("claimed").pop()
}

async fn expire(pool: &PgPool) {
    sqlx::raw_sql("update reconcile set lease_expires_at = now() - interval '1 second'")
        .execute(pool)
        .await
        .expect("expired");
}

async fn due_in_seconds(pool: &PgPool) -> f64 {
    sqlx::query_scalar("select extract(epoch from due_at - now())::float8 from reconcile")
        .fetch_one(pool)
        .await
        .expect("a row")
}

async fn due_now(pool: &PgPool) {
    sqlx::raw_sql("update reconcile set due_at = now()").execute(pool).await.expect("due");
}

#[tokio::test]
async fn concurrent_claims_take_each_broker_exactly_once() {
    with_store(|f| async move {
        let mut expected = BTreeSet::new();
        for n in 0..100 {
            expected.insert(create(&f.store, &format!("broker-{n}")).await);
        }
        let claimers = (0..8).map(|_| {
            let store = f.store.clone();
            tokio::spawn(async move {
                let me = worker();
                let mut claimed: Vec<BrokerId> = Vec::new();
                loop {
                    let leases = store.claim_due(me, None, TTL, 5).await.expect("claimed");
                    if leases.is_empty() {
                        return claimed;
                    }
                    claimed.extend(leases.iter().map(|lease| lease.broker));
                }
            })
        });
        let mut claimed = Vec::new();
        for claimer in claimers.collect::<Vec<_>>() {
            claimed.extend(claimer.await.expect("no panic"));
        }
        assert_eq!(claimed.len(), expected.len(), "some were claimed twice, or not at all");
        assert_eq!(claimed.into_iter().collect::<BTreeSet<_>>(), expected);
    })
    .await;
}

#[tokio::test]
async fn a_leased_broker_is_not_claimed_until_its_lease_ends() {
    with_store(|f| async move {
        create(&f.store, "orders").await;
        let first = claim(&f.store).await.expect("due");
        assert!(claim(&f.store).await.is_none());
        expire(&f.pool).await;
        let second = claim(&f.store).await.expect("the lease has ended");
        assert_eq!(second.epoch, first.epoch + 1);
    })
    .await;
}

#[tokio::test]
async fn whoever_slept_through_the_lease_can_do_nothing_with_it() {
    with_store(|f| async move {
        create(&f.store, "orders").await;
        let stale = claim(&f.store).await.expect("due");
        expire(&f.pool).await;
        let lost = |result: Result<(), StoreError>| {
            assert!(matches!(result, Err(StoreError::LeaseLost)), "{result:?}");
        };
        for taken_over in [false, true] {
            if taken_over {
                claim(&f.store).await.expect("the lease has ended");
            }
            lost(f.store.renew(&stale, TTL).await);
            lost(f.store.save_materials(&stale, b"x").await);
            lost(f.store.set_targets(&stale, &[]).await);
            lost(f.store.record(&stale, &crate::support::report("stale")).await);
            lost(f.store.delete_broker_record(&stale).await);
            lost(f.store.release(&stale, Next::Now, false).await.map(drop));
            let allocation = crate::support::allocation(20_000..=20_100);
            let allocated = f.store.allocate_endpoints(&stale, &allocation, &|_| true).await;
            lost(allocated.map(|_| ()));
        }
    })
    .await;
}

#[tokio::test]
async fn leases_of_a_dead_worker_are_released_at_once_and_no_others() {
    with_store(|f| async move {
        for name in ["first", "second", "third"] {
            create(&f.store, name).await;
        }
        let (dead, living) = (worker(), worker());
        let held = f.store.claim_due(dead, None, TTL, 2).await.expect("claimed");
        let other = f.store.claim_due(living, None, TTL, 1).await.expect("claimed").remove(0);
        assert!(claim(&f.store).await.is_none());
        let mut listener = f.store.listen(Channel::Reconcile).await.expect("listening");

        assert_eq!(f.store.release_worker(dead).await.expect("released"), 2);
        listener.wait().await;
        assert_eq!(f.store.release_worker(dead).await.expect("nothing left"), 0);

        // Should it live after all, it can work with what it claims anew, but not with what it held.
        let again = f.store.claim_due(dead, None, TTL, 1).await.expect("claimed").remove(0);
        for stale in &held {
            assert!(matches!(f.store.renew(stale, TTL).await, Err(StoreError::LeaseLost)));
            assert!(matches!(
                f.store.release(stale, Next::Now, false).await,
                Err(StoreError::LeaseLost)
            ));
        }
        f.store.renew(&again, TTL).await.expect("claimed in the ordinary way");
        let last = claim(&f.store).await.expect("due");
        let free: BTreeSet<_> = [again.broker, last.broker].into();
        assert_eq!(free, held.iter().map(|lease| lease.broker).collect());
        f.store.renew(&other, TTL).await.expect("another worker's");
    })
    .await;
}

#[tokio::test]
async fn a_renewed_lease_holds() {
    with_store(|f| async move {
        create(&f.store, "orders").await;
        let lease = f
            .store
            .claim_due(worker(), None, Duration::from_secs(20), 1)
            .await
            .expect("claimed")
            .remove(0);
        f.store.renew(&lease, Duration::from_secs(60)).await.expect("renewed");
        let seconds: f64 = sqlx::query_scalar(
            "select extract(epoch from lease_expires_at - now())::float8 from reconcile",
        )
        .fetch_one(&f.pool)
        .await
        .expect("a row");
        assert!(seconds > 50.0, "{seconds}");
    })
    .await;
}

#[tokio::test]
async fn a_wake_up_during_a_pass_is_not_swallowed_by_its_end() {
    with_store(|f| async move {
        let id = create(&f.store, "orders").await;
        let lease = claim(&f.store).await.expect("due");
        f.store.wake(id).await.expect("woken");
        f.store
            .release(&lease, Next::After(Duration::from_secs(3600)), false)
            .await
            .expect("released");
        assert!(claim(&f.store).await.is_some(), "due at once");
    })
    .await;
}

#[tokio::test]
async fn a_released_broker_is_due_when_the_pass_said() {
    with_store(|f| async move {
        create(&f.store, "orders").await;
        let lease = claim(&f.store).await.expect("due");
        f.store
            .release(&lease, Next::After(Duration::from_secs(600)), false)
            .await
            .expect("released");
        assert!(claim(&f.store).await.is_none());
        let due = f.store.next_due(lease.holder, None).await.expect("asked").expect("a broker");
        assert!(due > Duration::from_secs(590) && due <= Duration::from_secs(600), "{due:?}");
    })
    .await;
}

#[tokio::test]
async fn pauses_after_failures_grow_to_five_minutes_and_a_wake_up_ends_them() {
    with_store(|f| async move {
        let id = create(&f.store, "orders").await;
        let mut pauses = Vec::new();
        for attempt in 0..9 {
            let lease = claim(&f.store).await.expect("due");
            assert_eq!(lease.attempt, attempt);
            let asked = Instant::now();
            f.store.release(&lease, Next::BackOff, false).await.expect("released");
            // It began between the question and this look.
            let left = due_in_seconds(&f.pool).await;
            pauses.push((left, left + asked.elapsed().as_secs_f64()));
            due_now(&f.pool).await;
        }
        for (attempt, least, most) in [(0, 3.9, 6.1), (1, 7.9, 12.1), (8, 239.0, 361.0)] {
            let (left, since_asked) = pauses[attempt];
            assert!(since_asked >= least && left <= most, "{attempt}: {pauses:?}");
        }
        let lease = claim(&f.store).await.expect("due");
        f.store.wake(id).await.expect("woken");
        f.store.release(&lease, Next::BackOff, false).await.expect("released");
        assert_eq!(claim(&f.store).await.expect("at once").attempt, 0, "it starts anew");
    })
    .await;
}

#[tokio::test]
async fn a_request_ends_the_pause_after_failures() {
    with_store(|f| async move {
        let id = create(&f.store, "orders").await;
        let lease = claim(&f.store).await.expect("due");
        f.store.release(&lease, Next::BackOff, false).await.expect("released");
        assert!(claim(&f.store).await.is_none());
        f.store
            .request_delete(&crate::support::scope(), id, crate::support::NOW)
            .await
            .expect("asked");
        assert_eq!(claim(&f.store).await.expect("due at once").attempt, 0);
    })
    .await;
}

#[tokio::test]
async fn only_brokers_that_were_deleted_here_are_said_to_be_gone_for_good() {
    with_store(|f| async move {
        let id = create(&f.store, "orders").await;
        let stranger = BrokerId::from(Uuid::from_u128(1));
        f.store.wake(stranger).await.expect("ignored");
        assert!(f.store.forgotten(&[stranger, id]).await.expect("asked").is_empty());
        f.store
            .request_delete(&crate::support::scope(), id, crate::support::NOW)
            .await
            .expect("asked");
        let lease = claim(&f.store).await.expect("due");
        f.store.delete_broker_record(&lease).await.expect("forgotten");
        assert_eq!(f.store.forgotten(&[stranger, id]).await.expect("asked"), [id]);
    })
    .await;
}
