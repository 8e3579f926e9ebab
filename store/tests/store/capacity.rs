//! Memory of the host: never more is granted than there is, whoever asks at the same time, and nobody is forgotten.

use std::time::Duration;

use brokerd_domain::{
    BrokerId, GrantDecision, HostCapacity, HostInstanceType, Lease, PassReport, Reservation,
    Timestamp,
};
use brokerd_store::{PgStore, StoreError};
use sqlx::PgPool;

use crate::support::{NOW, complete, create, scope, with_store, worker};

const GIB: u64 = 1 << 30;
const TTL: Duration = Duration::from_secs(30);

fn room(gib: u64) -> HostCapacity {
    HostCapacity { memory_bytes: gib * GIB, scale: 1.0, wait_limit: Duration::from_secs(900) }
}

fn after(seconds: i64) -> Timestamp {
    Timestamp::from_micros(NOW.as_micros() + seconds * 1_000_000)
}

fn tier(name: &str) -> HostInstanceType {
    HostInstanceType::from_name(name).expect("known")
}

const MICRO: &str = "mq.t3.micro";

async fn leases(store: &PgStore, n: u32) -> Vec<Lease> {
    let mut leases = store.claim_due(worker(), None, TTL, n).await.expect("claimed");
    leases.sort_by_key(|lease| lease.broker);
    leases
}

async fn reservation(store: &PgStore, lease: &Lease) -> Option<Reservation> {
    store.load(lease).await.expect("loaded").expect("there").reservation
}

async fn delete(store: &PgStore, pool: &PgPool, lease: &Lease) {
    sqlx::query("update broker set deleting = true where id = $1")
        .bind(lease.broker.uuid())
        .execute(pool)
        .await
        .expect("deleting");
    store.delete_broker_record(lease).await.expect("forgotten");
}

async fn wakes(pool: &PgPool, id: BrokerId) -> i64 {
    sqlx::query_scalar("select wakes from reconcile where broker_id = $1")
        .bind(id.uuid())
        .fetch_one(pool)
        .await
        .expect("a row")
}

#[tokio::test]
async fn concurrent_creations_get_memory_as_far_as_it_suffices() {
    with_store(|f| async move {
        f.store.report_capacity(&room(7), NOW).await.expect("told");
        for n in 0..20 {
            create(&f.store, &format!("broker-{n}")).await;
        }
        let leases = leases(&f.store, 20).await;
        let asking = leases.clone().into_iter().map(|lease| {
            let store = f.store.clone();
            tokio::spawn(async move { store.reserve(&lease, 1, NOW).await })
        });
        for asked in asking.collect::<Vec<_>>() {
            asked.await.expect("no panic").expect("asked");
        }
        let (_, used) = f.store.capacity().await.expect("read").expect("told");
        assert_eq!((used.granted_bytes, used.waiting, used.waiting_bytes), (7 * GIB, 13, 13 * GIB));
        // Meanwhile some grow, some are given back and some ask again, all at once; never is too much granted.
        let busy = leases.clone().into_iter().enumerate().map(|(n, lease)| {
            let (store, pool) = (f.store.clone(), f.pool.clone());
            tokio::spawn(async move {
                match n % 3 {
                    0 => drop(store.reserve_more(&lease, 1, tier("mq.m7g.medium"), NOW).await),
                    1 => delete(&store, &pool, &lease).await,
                    _ => store.reserve(&lease, 1, after(1)).await.expect("asked again"),
                }
                store.grant_waiting(after(2)).await.expect("shared out");
                let (room, used) = store.capacity().await.expect("read").expect("told");
                assert!(used.granted_bytes <= room.memory_bytes, "{used:?}");
            })
        });
        for done in busy.collect::<Vec<_>>() {
            done.await.expect("no deadlock, never too much");
        }
        let (_, used) = f.store.capacity().await.expect("read").expect("told");
        assert_eq!(used.granted_bytes, 7 * GIB, "{used:?}");
    })
    .await;
}

#[tokio::test]
async fn who_asked_first_is_granted_what_is_given_back_and_is_woken() {
    with_store(|f| async move {
        f.store.report_capacity(&room(1), NOW).await.expect("told");
        for name in ["a", "b", "c"] {
            create(&f.store, name).await;
        }
        let leases = leases(&f.store, 3).await;
        for (lease, seconds) in leases.iter().zip(0..) {
            f.store.reserve(lease, 1, after(seconds)).await.expect("asked");
            // Asking again costs nobody his place.
            f.store.reserve(lease, 1, after(100)).await.expect("asked");
        }
        let granted = Some(Reservation::Granted(tier(MICRO)));
        let waits =
            |seconds| Some(Reservation::Waiting { since: after(seconds), missing_bytes: GIB });
        assert_eq!(reservation(&f.store, &leases[0]).await, granted);
        assert_eq!(reservation(&f.store, &leases[1]).await, waits(1));
        assert_eq!(reservation(&f.store, &leases[2]).await, waits(2));
        let before = wakes(&f.pool, leases[1].broker).await;
        delete(&f.store, &f.pool, &leases[0]).await;
        f.store.grant_waiting(after(200)).await.expect("shared out");
        assert_eq!(reservation(&f.store, &leases[1]).await, granted);
        assert_eq!(reservation(&f.store, &leases[2]).await, waits(2));
        assert_eq!(wakes(&f.pool, leases[1].broker).await, before + 1);
        // Nobody who is being deleted keeps another one waiting.
        sqlx::raw_sql("update broker set deleting = true").execute(&f.pool).await.expect("done");
        f.store.report_capacity(&room(5), after(201)).await.expect("told");
        assert_eq!(reservation(&f.store, &leases[2]).await, waits(2));
    })
    .await;
}

#[tokio::test]
async fn a_failed_creation_releases_its_memory_and_a_failed_growth_keeps_the_former_amount() {
    with_store(|f| async move {
        f.store.report_capacity(&room(4), NOW).await.expect("told");
        for name in ["a", "b"] {
            create(&f.store, name).await;
        }
        let leases = leases(&f.store, 2).await;
        for lease in &leases {
            f.store.reserve(lease, 1, NOW).await.expect("asked");
        }
        complete(&f.store, &leases[0]).await;
        let (medium, large) = (tier("mq.m7g.medium"), tier("mq.m7g.large"));
        let more = |tier| f.store.reserve_more(&leases[0], 1, tier, NOW);
        assert_eq!(more(medium).await.expect("asked"), GrantDecision::Waits { missing_bytes: GIB });
        assert_eq!(
            more(large).await.expect("asked"),
            GrantDecision::Waits { missing_bytes: 5 * GIB }
        );
        let has = Some(Reservation::Granted(tier(MICRO)));
        assert_eq!(reservation(&f.store, &leases[0]).await, has);
        let failed = PassReport {
            at: NOW,
            kind: brokerd_domain::VerdictKind::Failed,
            sentence: "no image".to_owned(),
            reason: "no image".to_owned(),
            reported: Default::default(),
            observed_generation: None,
            reboots_done: None,
            failure: Some("no image".to_owned()),
            conditions: Vec::new(),
            actions_required: Vec::new(),
            links_down: Vec::new(),
            maintenance: None,
            change: None,
            events: Vec::new(),
        };
        f.store.record(&leases[1], &failed).await.expect("recorded");
        assert_eq!(reservation(&f.store, &leases[1]).await, None);
        assert_eq!(more(medium).await.expect("asked"), GrantDecision::Granted);
        assert_eq!(reservation(&f.store, &leases[0]).await, Some(Reservation::Granted(medium)));
        // What was given up again is given back with the reboot that undoes it.
        sqlx::raw_sql("update broker set reboots_requested = 1")
            .execute(&f.pool)
            .await
            .expect("done");
        complete(&f.store, &leases[0]).await;
        assert_eq!(reservation(&f.store, &leases[0]).await, has);
    })
    .await;
}

#[tokio::test]
async fn who_has_lost_the_lease_reserves_nothing() {
    with_store(|f| async move {
        f.store.report_capacity(&room(9), NOW).await.expect("told");
        create(&f.store, "a").await;
        let lease = leases(&f.store, 1).await.remove(0);
        let stale = Lease { epoch: lease.epoch - 1, ..lease };
        let reserved = f.store.reserve(&stale, 1, NOW).await;
        assert!(matches!(reserved, Err(StoreError::LeaseLost)), "{reserved:?}");
        let more = f.store.reserve_more(&stale, 1, tier(MICRO), NOW).await;
        assert!(matches!(more, Err(StoreError::LeaseLost)), "{more:?}");
        assert_eq!(reservation(&f.store, &lease).await, None);
        assert!(f.store.broker(&scope(), lease.broker).await.expect("read").is_some());
    })
    .await;
}
