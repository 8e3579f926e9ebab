//! What is billed of brokers, and from when to when.

use std::time::Duration;

use brokerd_domain::{
    AccountId, Broker, BrokerId, PassReport, Scope, Timestamp, VerdictKind,
    price::MeteredInterval,
    report::{Period, ReportedBroker},
};
use brokerd_store::{PgStore, UpdateOutcome};

use crate::{
    changes::update,
    support::{
        NOW, broker, command, complete, create, create_for, ids, leased, report, running, scope,
        with_store,
    },
};

fn later(minutes: u64) -> Timestamp {
    NOW.plus(Duration::from_mins(minutes))
}

fn always() -> Period {
    Period { from: Timestamp::from_micros(0), to: later(1_000_000) }
}

async fn intervals(store: &PgStore, id: BrokerId) -> Vec<(Timestamp, Option<Timestamp>, String)> {
    let found = store.metered_broker(&scope(), id, always()).await.expect("read");
    let shown = |i: MeteredInterval| (i.began, i.ended, i.host_instance_type);
    found.expect("there").intervals.into_iter().map(shown).collect()
}

async fn reported(store: &PgStore, id: BrokerId) -> ReportedBroker {
    store.reported_broker(&scope(), id).await.expect("read").expect("there")
}

/// Another instance type that is applied by a reboot.
async fn change_type(store: &PgStore, seen: &Broker, to: &str) {
    let change = update(seen, |input| input.host_instance_type = Some(to.to_owned()));
    let outcome = store.update_broker(seen, &change, later(5)).await.expect("stored");
    assert_eq!(outcome, UpdateOutcome::Updated);
    let seen = broker(store, seen.id).await;
    assert!(store.request_reboot(&seen, later(6)).await.expect("asked"));
}

#[tokio::test]
async fn a_broker_is_billed_from_its_creation_to_its_deletion_and_reports_outlive_it() {
    with_store(|f| async move {
        let id = ids();
        let command = command("orders", |_| {});
        f.store.create_broker(&scope(), &command, id, NOW).await.expect("stored");
        let id = id.broker;
        assert_eq!(intervals(&f.store, id).await, [(NOW, None, "mq.t3.micro".to_owned())]);
        let there = reported(&f.store, id).await;
        assert_eq!((there.name.as_str(), there.deleted), ("orders", None));
        assert_eq!(there.arn(), broker(&f.store, id).await.arn());
        let lease = leased(&f.store).await;
        complete(&f.store, &lease).await;
        f.store.request_delete(&scope(), id, later(60)).await.expect("asked");
        f.store.request_delete(&scope(), id, later(90)).await.expect("asked again");
        let billed = [(NOW, Some(later(60)), "mq.t3.micro".to_owned())];
        assert_eq!(intervals(&f.store, id).await, billed);
        f.store.delete_broker_record(&lease).await.expect("forgotten");
        assert_eq!(f.store.broker(&scope(), id).await.expect("read"), None);
        assert_eq!(intervals(&f.store, id).await, billed);
        let gone = reported(&f.store, id).await;
        assert_eq!(gone.deleted, Some(later(60)));
        assert_eq!(gone.tags.as_map().get("team").map(String::as_str), Some("red"));
        // Another one may have its name.
        let next = create(&f.store, "orders").await;
        assert_eq!(reported(&f.store, next).await.deleted, None);
    })
    .await;
}

#[tokio::test]
async fn another_instance_type_is_billed_from_when_it_is_applied() {
    with_store(|f| async move {
        let (seen, lease) = running(&f.store, "orders").await;
        change_type(&f.store, &seen, "mq.m5.large").await;
        assert_eq!(intervals(&f.store, seen.id).await.len(), 1, "it waits");
        let done = PassReport {
            at: later(10),
            kind: VerdictKind::Converged,
            reboots_done: Some(1),
            ..report("every endpoint answers")
        };
        f.store.record(&lease, &done).await.expect("recorded");
        let billed = [
            (NOW, Some(later(10)), "mq.t3.micro".to_owned()),
            (later(10), None, "mq.m5.large".to_owned()),
        ];
        assert_eq!(intervals(&f.store, seen.id).await, billed);
        f.store.record(&lease, &PassReport { at: later(11), ..done }).await.expect("recorded");
        assert_eq!(intervals(&f.store, seen.id).await, billed, "nothing has changed");
        // A type that is given up was never there.
        let seen = broker(&f.store, seen.id).await;
        change_type(&f.store, &seen, "mq.m5.2xlarge").await;
        f.store
            .give_up_pending(&lease, "it does not boot.", &[], later(20))
            .await
            .expect("released");
        let given_up = PassReport {
            at: later(21),
            kind: VerdictKind::Converged,
            reboots_done: Some(3),
            ..report("runs as before")
        };
        f.store.record(&lease, &given_up).await.expect("recorded");
        assert_eq!(intervals(&f.store, seen.id).await, billed);
    })
    .await;
}

#[tokio::test]
async fn a_broker_that_could_not_be_created_is_not_billed() {
    with_store(|f| async move {
        let id = create(&f.store, "orders").await;
        let lease = leased(&f.store).await;
        let failed =
            PassReport { at: later(30), failure: Some("no image".to_owned()), ..report("failed") };
        f.store.record(&lease, &failed).await.expect("recorded");
        f.store.request_delete(&scope(), id, later(60)).await.expect("asked");
        let nothing = [(NOW, Some(NOW), "mq.t3.micro".to_owned())];
        assert_eq!(intervals(&f.store, id).await, nothing);
        assert_eq!(reported(&f.store, id).await.deleted, Some(later(60)));
    })
    .await;
}

#[tokio::test]
async fn an_account_is_told_the_brokers_that_it_had_in_a_period_and_no_others() {
    with_store(|f| async move {
        let first = create(&f.store, "first").await;
        let ids = ids();
        let command = command("second", |_| {});
        f.store.create_broker(&scope(), &command, ids, later(100)).await.expect("stored");
        create_for(&f.store, "111111111111", "others").await;
        f.store.request_delete(&scope(), first, later(50)).await.expect("asked");
        let of = async |account: &AccountId, from: u64, to: u64, most: u32| {
            let period = Period { from: later(from), to: later(to) };
            let found = f.store.metered_brokers(account, period, most).await.expect("read");
            assert!(found.iter().all(|metered| metered.intervals.len() == 1), "{found:?}");
            found.iter().map(|metered| metered.broker.name.to_string()).collect::<Vec<_>>()
        };
        let own = scope().account;
        assert_eq!(of(&own, 0, 200, 10).await, ["first", "second"]);
        assert_eq!(of(&own, 0, 200, 1).await, ["first"]);
        assert_eq!(of(&own, 0, 100, 10).await, ["first"]);
        assert_eq!(of(&own, 49, 60, 10).await, ["first"]);
        assert!(of(&own, 50, 60, 10).await.is_empty());
        assert_eq!(of(&own, 101, 102, 10).await, ["second"]);
        let other = "222222222222".parse().expect("an account");
        assert!(of(&other, 0, 200, 10).await.is_empty());
        let elsewhere = Scope { region: "eu-west-1".parse().expect("a region"), ..scope() };
        let found = f.store.reported_broker(&elsewhere, ids.broker).await.expect("read");
        assert_eq!(found, None);
    })
    .await;
}
