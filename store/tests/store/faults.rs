//! Faults, from the request to the end.

use std::time::Duration;

use brokerd_domain::{
    AffectedInstance, Broker, Fault, FaultId, FaultInput, FaultSpec, FaultState, Lease, MAX_FAULTS,
    NetworkDefaults, Next, Scope, Timestamp,
};
use brokerd_store::{FaultOutcome, PgStore, StoreError};

use crate::support::{Fixture, NOW, OsEntropy, allocation, running, scope, with_store, worker};

fn fault(broker: &Broker, kind: &str, now: Timestamp) -> Fault {
    let mut input = FaultInput { kind: Some(kind.to_owned()), ..FaultInput::default() };
    if kind != "KILL" {
        input.duration_seconds = Some(30);
    }
    if kind == "LATENCY" {
        input.latency_milliseconds = Some(200);
        input.jitter_milliseconds = Some(10);
    }
    let spec = FaultSpec::parse(&input, broker, &NetworkDefaults::default(), true).expect("valid");
    Fault::new(FaultId::generate(&OsEntropy), spec, now)
}

async fn created(store: &PgStore, broker: &Broker, kind: &str) -> Fault {
    let fault = fault(broker, kind, NOW);
    let outcome = store.create_fault(broker.id, &fault).await.expect("stored");
    assert_eq!(outcome, FaultOutcome::Created);
    fault
}

fn struck() -> Vec<AffectedInstance> {
    vec![AffectedInstance { ordinal: 1, container: "c".to_owned(), since: Some(NOW) }]
}

async fn messages(f: &Fixture, broker: &Broker) -> Vec<String> {
    let events =
        f.store.events(&scope(), broker.id, None, 100).await.expect("read").expect("there").events;
    events.into_iter().map(|event| event.message).collect()
}

async fn release(f: &Fixture, lease: &Lease) {
    let hour = Next::After(Duration::from_hours(1));
    f.store.release(lease, hour, false).await.expect("released");
}

#[tokio::test]
async fn a_fault_makes_its_broker_due_starts_once_and_ends_once() {
    with_store(|f| async move {
        let (broker, lease) = running(&f.store, "orders").await;
        release(&f, &lease).await;
        let fault = created(&f.store, &broker, "PAUSE").await;
        let ttl = Duration::from_secs(30);
        let lease = f.store.claim_due(worker(), None, ttl, 1).await.expect("claimed").remove(0);
        let work = f.store.load(&lease).await.expect("loaded").expect("there");
        assert_eq!(work.faults, std::slice::from_ref(&fault));

        let other =
            vec![AffectedInstance { container: "another".to_owned(), ..struck().remove(0) }];
        f.store.start_fault(&lease, &fault, &struck(), NOW).await.expect("struck");
        f.store.start_fault(&lease, &fault, &other, NOW).await.expect("nothing happens");
        let seen = f.store.fault(&scope(), broker.id, fault.id).await.expect("read");
        let seen = seen.expect("there");
        assert_eq!(seen.affected, Some(struck()), "what was struck first is what is undone");
        assert_eq!(seen.state(NOW), FaultState::Active);

        let later = NOW.plus(Duration::from_secs(31));
        f.store.end_fault(&lease, &fault, "healed", later).await.expect("ended");
        f.store.end_fault(&lease, &fault, "healed again", later).await.expect("nothing happens");
        let work = f.store.load(&lease).await.expect("loaded").expect("there");
        assert_eq!(work.faults, []);
        let listed = f.store.faults(&scope(), broker.id, 20).await.expect("read").expect("there");
        assert_eq!(listed.len(), 1);
        assert_eq!(listed[0].ended, Some(later));
        assert_eq!(listed[0].reason.as_deref(), Some("healed"), "as it ended first");
        let one = f.store.fault(&scope(), broker.id, fault.id).await.expect("read");
        assert_eq!(one.as_ref(), Some(&listed[0]));
        let told = messages(&f, &broker).await;
        let expected = [
            format!("fault {} ended: healed", fault.id),
            format!("fault {} started: PAUSE for 30 s", fault.id),
            format!("fault {} accepted: PAUSE for 30 s", fault.id),
        ];
        assert_eq!(told[..3], expected);
    })
    .await;
}

#[tokio::test]
async fn healing_early_ends_the_time_of_a_fault_and_wakes_its_broker() {
    with_store(|f| async move {
        let (broker, lease) = running(&f.store, "orders").await;
        let fault = created(&f.store, &broker, "ISOLATE").await;
        f.store.start_fault(&lease, &fault, &struck(), NOW).await.expect("struck");
        release(&f, &lease).await;
        let lease =
            f.store.claim_due(worker(), None, Duration::from_secs(30), 1).await.expect("claims");
        release(&f, &lease[0]).await;

        let soon = NOW.plus(Duration::from_secs(2));
        let stranger = Scope { account: "111111111111".parse().expect("account"), ..scope() };
        let heal = async |scope: &Scope, id, at| {
            f.store.request_heal(scope, broker.id, id, at).await.expect("asked")
        };
        assert!(!heal(&stranger, fault.id, soon).await, "another account's is nothing");
        assert!(!heal(&scope(), FaultId::generate(&OsEntropy), soon).await, "no such fault");
        assert!(heal(&scope(), fault.id, soon).await);
        let seen = f.store.fault(&scope(), broker.id, fault.id).await.expect("read");
        let seen = seen.expect("there");
        assert_eq!((seen.ends, seen.state(soon)), (soon, FaultState::Healing));
        let due =
            f.store.claim_due(worker(), None, Duration::from_secs(30), 1).await.expect("claims");
        assert_eq!(due.len(), 1, "the broker is due");

        f.store.end_fault(&due[0], &fault, "healed", soon).await.expect("ended");
        let told = messages(&f, &broker).await.len();
        assert!(heal(&scope(), fault.id, soon).await, "healing what is over is fine");
        assert_eq!(messages(&f, &broker).await.len(), told, "and no news");
    })
    .await;
}

#[tokio::test]
async fn a_broker_has_a_bounded_number_of_faults_and_a_bounded_memory_of_them() {
    with_store(|f| async move {
        let (broker, lease) = running(&f.store, "orders").await;
        for _ in 0..MAX_FAULTS {
            created(&f.store, &broker, "PAUSE").await;
        }
        let more = fault(&broker, "KILL", NOW);
        let refused = f.store.create_fault(broker.id, &more).await.expect("asked");
        assert_eq!(refused, FaultOutcome::TooMany);
        for _ in 0..11 {
            let work = f.store.load(&lease).await.expect("loaded").expect("there");
            for fault in &work.faults {
                f.store.end_fault(&lease, fault, "healed", NOW).await.expect("ended");
            }
            for _ in 0..MAX_FAULTS {
                created(&f.store, &broker, "PAUSE").await;
            }
        }
        let listed = f.store.faults(&scope(), broker.id, 1000).await.expect("read").expect("there");
        assert_eq!(listed.len(), 110, "a hundred that are over, ten that are not");
    })
    .await;
}

#[tokio::test]
async fn latency_is_in_the_gateways_table_from_the_start_of_the_fault_to_its_end() {
    with_store(|f| async move {
        let (broker, lease) = running(&f.store, "orders").await;
        let allocation = allocation(20_000..=20_100);
        f.store.allocate_endpoints(&lease, &allocation, &|_| true).await.expect("allocated");
        let latencies = async || {
            let routes = f.store.routes().await.expect("read").routes;
            let all: Vec<u32> =
                routes.iter().map(|r| r.latency.map_or(0, |l| l.milliseconds)).collect();
            assert!(all.iter().all(|l| *l == all[0]), "of every endpoint: {all:?}");
            all[0]
        };
        // The database's clock counts, by which the tests' NOW may be long ago.
        let age = "update fault set ends = (extract(epoch from now()) * 1000000)::bigint + $1";
        let ends_in = async |micros: i64| {
            sqlx::query(age).bind(micros).execute(&f.pool).await.expect("set");
        };
        let fault = created(&f.store, &broker, "LATENCY").await;
        ends_in(60_000_000).await;
        assert_eq!(latencies().await, 0, "it has not struck");
        f.store.start_fault(&lease, &fault, &[], NOW).await.expect("struck");
        assert_eq!(latencies().await, 200);
        ends_in(-1).await;
        assert_eq!(latencies().await, 0, "its time is over, though nobody has ended it");
        ends_in(60_000_000).await;
        f.store.end_fault(&lease, &fault, "healed", NOW).await.expect("ended");
        assert_eq!(latencies().await, 0);
    })
    .await;
}

#[tokio::test]
async fn faults_go_with_their_broker_and_stale_workers_record_nothing() {
    with_store(|f| async move {
        let (broker, lease) = running(&f.store, "orders").await;
        let fault = created(&f.store, &broker, "PAUSE").await;
        let stale = Lease { epoch: lease.epoch - 1, ..lease.clone() };
        let struck = f.store.start_fault(&stale, &fault, &struck(), NOW).await;
        assert!(matches!(struck, Err(StoreError::LeaseLost)), "{struck:?}");
        let ended = f.store.end_fault(&stale, &fault, "healed", NOW).await;
        assert!(matches!(ended, Err(StoreError::LeaseLost)), "{ended:?}");

        assert!(f.store.request_delete(&scope(), broker.id, NOW).await.expect("asked"));
        let outcome = f.store.create_fault(broker.id, &fault).await.expect("asked");
        assert_eq!(outcome, FaultOutcome::BrokerNotFound, "nobody disturbs what is going");
        f.store.delete_broker_record(&lease).await.expect("forgotten");
        let left: i64 = sqlx::query_scalar("select count(*) from fault")
            .fetch_one(&f.pool)
            .await
            .expect("read");
        assert_eq!(left, 0);
        assert_eq!(f.store.faults(&scope(), broker.id, 20).await.expect("read"), None);
    })
    .await;
}
