//! Whose a broker is: one provisioner's, as long as that one lives.

use std::{collections::BTreeSet, time::Duration};

use brokerd_domain::{BrokerId, Lane, Lease, Next, WorkerId};
use brokerd_store::{HeartbeatOutcome, PgStore};
use sqlx::PgPool;

use crate::support::{create, create_for, with_store, worker};

const TTL: Duration = Duration::from_secs(30);
const HOUR: Next = Next::After(Duration::from_hours(1));

async fn lives(store: &PgStore, worker: WorkerId) -> HeartbeatOutcome {
    store.heartbeat(worker, TTL).await.expect("it lives")
}

async fn dies(pool: &PgPool, worker: WorkerId) {
    let dead =
        sqlx::query("update provisioner set expires_at = now() - interval '1 s' where id = $1");
    assert_eq!(dead.bind(worker.uuid()).execute(pool).await.expect("done").rows_affected(), 1);
}

async fn claim(store: &PgStore, worker: WorkerId) -> Option<Lease> {
    store.claim_due(worker, None, TTL, 1).await.expect("asked").pop()
}

#[tokio::test]
async fn a_broker_stays_with_its_owner_until_that_one_is_dead() {
    with_store(|f| async move {
        let (owner, other) = (worker(), worker());
        assert_eq!(lives(&f.store, owner).await, HeartbeatOutcome { continued: false, freed: 0 });
        assert_eq!(lives(&f.store, owner).await, HeartbeatOutcome { continued: true, freed: 0 });
        lives(&f.store, other).await;
        let id = create(&f.store, "orders").await;
        let lease = claim(&f.store, owner).await.expect("due");
        assert!(!f.store.release(&lease, HOUR, false).await.expect("released"));

        f.store.wake(id).await.expect("woken");
        assert!(claim(&f.store, other).await.is_none(), "its owner lives");
        let lease = claim(&f.store, owner).await.expect("its own");
        f.store.release(&lease, HOUR, false).await.expect("released");

        dies(&f.pool, owner).await;
        assert_eq!(lives(&f.store, other).await, HeartbeatOutcome { continued: true, freed: 1 });
        let lease = claim(&f.store, other).await.expect("free, and due at once");
        f.store.release(&lease, HOUR, false).await.expect("released");
        // It comes back, and learns that it owns nothing.
        assert_eq!(lives(&f.store, owner).await, HeartbeatOutcome { continued: false, freed: 0 });
        f.store.wake(id).await.expect("woken");
        assert!(claim(&f.store, owner).await.is_none());
    })
    .await;
}

#[tokio::test]
async fn a_watched_broker_is_claimed_by_its_owner_once_and_not_since_another_claim() {
    with_store(|f| async move {
        let (owner, other) = (worker(), worker());
        lives(&f.store, owner).await;
        let id = create(&f.store, "orders").await;
        let first = claim(&f.store, owner).await.expect("due");
        let watched = async |worker, epoch| {
            f.store.claim_watched(worker, id, epoch, TTL).await.expect("asked")
        };
        assert!(watched(owner, first.epoch).await.is_none(), "it is worked on");
        f.store.release(&first, HOUR, false).await.expect("released");
        assert!(watched(other, first.epoch).await.is_none(), "it is not the other one's");
        let second = watched(owner, first.epoch).await.expect("its own, though not due");
        assert_eq!(second.epoch, first.epoch + 1);
        f.store.release(&second, HOUR, false).await.expect("released");
        assert!(watched(owner, first.epoch).await.is_none(), "it was claimed since");

        // Whoever dies with it leaves it due.
        let third = watched(owner, second.epoch).await.expect("its own");
        assert_eq!(f.store.release_worker(owner).await.expect("released"), 1);
        assert!(f.store.release(&third, HOUR, false).await.is_err());
        assert!(claim(&f.store, other).await.is_some());
    })
    .await;
}

#[tokio::test]
async fn a_lease_of_a_watched_broker_that_runs_out_leaves_it_due() {
    with_store(|f| async move {
        let owner = worker();
        lives(&f.store, owner).await;
        let id = create(&f.store, "orders").await;
        let lease = claim(&f.store, owner).await.expect("due");
        f.store.release(&lease, HOUR, false).await.expect("released");
        let short = Duration::from_millis(1);
        f.store
            .claim_watched(owner, id, lease.epoch, short)
            .await
            .expect("asked")
            .expect("claimed");
        tokio::time::sleep(Duration::from_millis(20)).await;
        assert_eq!(claim(&f.store, owner).await.expect("due").broker, id);
    })
    .await;
}

#[tokio::test]
async fn accounts_take_turns_whatever_one_of_them_has_asked_for() {
    with_store(|f| async move {
        for n in 0..30 {
            create_for(&f.store, "111111111111", &format!("broker-{n}")).await;
        }
        let other = create_for(&f.store, "222222222222", "orders").await;
        let worker = worker();
        let mut claimed = f.store.claim_due(worker, None, TTL, 2).await.expect("claimed");
        let brokers: BTreeSet<BrokerId> = claimed.iter().map(|lease| lease.broker).collect();
        assert!(brokers.contains(&other), "thirty came before it");
        // What is worked on counts, too.
        let late = create_for(&f.store, "333333333333", "late").await;
        claimed = f.store.claim_due(worker, None, TTL, 1).await.expect("claimed");
        assert_eq!(claimed[0].broker, late);
    })
    .await;
}

#[tokio::test]
async fn each_lane_claims_its_own() {
    with_store(|f| async move {
        let worker = worker();
        let urgent = create(&f.store, "pair").await;
        let lease = claim(&f.store, worker).await.expect("due");
        f.store.release(&lease, Next::Now, true).await.expect("released");
        let normal = create(&f.store, "single").await;
        for (lane, expected) in [(Lane::Urgent, urgent), (Lane::Normal, normal)] {
            let next = f.store.next_due(worker, Some(lane)).await.expect("asked");
            assert_eq!(next, Some(Duration::ZERO), "{lane:?}");
            let claimed = f.store.claim_due(worker, Some(lane), TTL, 10).await.expect("claimed");
            assert_eq!(claimed.iter().map(|l| l.broker).collect::<Vec<_>>(), [expected]);
            assert_eq!(f.store.next_due(worker, Some(lane)).await.expect("asked"), None);
        }
    })
    .await;
}

#[tokio::test]
async fn a_back_off_ends_when_its_owner_says_so_and_nothing_else_does() {
    with_store(|f| async move {
        let owner = worker();
        lives(&f.store, owner).await;
        let (failed, quiet) = (create(&f.store, "failed").await, create(&f.store, "quiet").await);
        for lease in f.store.claim_due(owner, None, TTL, 2).await.expect("claimed") {
            let next = if lease.broker == failed { Next::BackOff } else { HOUR };
            f.store.release(&lease, next, false).await.expect("released");
        }
        assert_eq!(f.store.end_back_off(owner, Some(quiet)).await.expect("asked"), 0);
        assert_eq!(f.store.end_back_off(worker(), None).await.expect("asked"), 0);
        assert!(claim(&f.store, owner).await.is_none());
        assert_eq!(f.store.end_back_off(owner, None).await.expect("asked"), 1);
        assert_eq!(claim(&f.store, owner).await.expect("due").broker, failed);
        assert!(claim(&f.store, owner).await.is_none());
    })
    .await;
}
