//! Leases, owners and when a broker is due.

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use brokerd_domain::{EngineType, EngineVersion, HostInstanceType, Lane, Next, RunningEngine};

use super::{capacity::host, record::done};
use crate::{
    subject::{NOW, Subject, TTL, lost},
    support::{allocation, report},
};

const HOUR: Duration = Duration::from_hours(1);

pub(crate) async fn each_due_broker_is_claimed_once(subject: &dyn Subject) {
    let mut created = BTreeSet::new();
    for _ in 0..3 {
        created.insert(subject.create().await);
    }
    let first = subject.store().claim_due(subject.worker(), None, TTL, 2).await.expect("claimed");
    assert_eq!(first.len(), 2);
    let second = subject.store().claim_due(subject.worker(), None, TTL, 2).await.expect("claimed");
    assert_eq!(second.len(), 1);
    assert!(first.iter().chain(&second).all(|lease| (lease.epoch, lease.attempt) == (1, 0)));
    let claimed: BTreeSet<_> = first.iter().chain(&second).map(|lease| lease.broker).collect();
    assert_eq!(claimed, created);
    assert!(subject.nothing_is_due(subject.worker()).await);
}

pub(crate) async fn each_lane_is_claimed_by_itself(subject: &dyn Subject) {
    let me = subject.worker();
    let urgent = subject.create().await;
    let lease = subject.claim(me).await;
    subject.store().release(&lease, Next::Now, true).await.expect("released");
    let normal = subject.create().await;
    for (lane, broker) in [(Lane::Urgent, urgent), (Lane::Normal, normal)] {
        let due = subject.store().next_due(me, Some(lane)).await.expect("asked");
        assert_eq!(due, Some(Duration::ZERO));
        let leases = subject.store().claim_due(me, Some(lane), TTL, 10).await.expect("claimed");
        assert_eq!(leases.iter().map(|lease| lease.broker).collect::<Vec<_>>(), [broker]);
    }
}

pub(crate) async fn what_another_provisioner_owns_is_claimed_by_it_alone_while_it_lives(
    subject: &dyn Subject,
) {
    let (owner, other) = (subject.worker(), subject.worker());
    subject.create().await;
    subject.store().heartbeat(owner, 3 * TTL).await.expect("alive");
    let lease = subject.claim(owner).await;
    subject.pass(TTL + Duration::from_secs(1)).await;
    assert!(subject.nothing_is_due(other).await, "its owner lives");
    let again = subject.claim(owner).await;
    assert_eq!((again.epoch, again.broker), (lease.epoch + 1, lease.broker));
    subject.pass(2 * TTL).await;
    let taken = subject.claim(other).await;
    assert_eq!((taken.epoch, taken.holder), (again.epoch + 1, other));
}

pub(crate) async fn a_watched_broker_is_claimed_by_its_owner_unless_somebody_has_claimed_it_since(
    subject: &dyn Subject,
) {
    let (me, other) = (subject.worker(), subject.worker());
    let broker = subject.create().await;
    let lease = subject.claim(me).await;
    let claim = async |worker, epoch| {
        subject.store().claim_watched(worker, broker, epoch, TTL).await.expect("claimed")
    };
    assert_eq!(claim(me, lease.epoch).await, None, "it is held");
    subject.store().release(&lease, Next::After(HOUR), false).await.expect("released");
    assert_eq!(claim(other, lease.epoch).await, None, "it is somebody else's");
    assert_eq!(claim(me, lease.epoch - 1).await, None, "it was claimed since");
    let again = claim(me, lease.epoch).await.expect("it is watched");
    assert_eq!((again.epoch, again.wakes), (lease.epoch + 1, lease.wakes));
    subject.pass(TTL + Duration::from_secs(1)).await;
    assert_eq!(subject.claim(me).await.epoch, again.epoch + 1, "it is due when the lease runs out");
}

pub(crate) async fn whoever_lost_the_lease_can_do_nothing_with_it(subject: &dyn Subject) {
    let stale = subject.claimed().await;
    subject.store().record(&stale, &done(1, 0)).await.expect("recorded");
    subject.store().report_capacity(&host(64), NOW).await.expect("told");
    let fault = subject.fault(stale.broker).await;
    let before = subject.work(&stale).await;
    subject.pass(TTL + Duration::from_secs(1)).await;
    let store = subject.store();
    let larger = HostInstanceType::from_name("mq.m5.large").expect("known");
    let runs = running_engine();
    for is_taken_over in [false, true] {
        if is_taken_over {
            subject.claim(subject.worker()).await;
        }
        lost(&store.renew(&stale, TTL).await);
        lost(&store.save_materials(&stale, b"x").await);
        lost(&store.allocate_endpoints(&stale, &allocation(20_000..=20_100), &|_| true).await);
        lost(&store.reserve(&stale, 1, NOW).await);
        lost(&store.reserve_more(&stale, 1, larger, NOW).await);
        lost(&store.set_targets(&stale, &[]).await);
        lost(&store.save_running_engine(&stale, EngineType::ActiveMq, &runs).await);
        lost(&store.record(&stale, &report("stale")).await);
        lost(&store.give_up_pending(&stale, "stale", &[], NOW).await);
        lost(&store.start_fault(&stale, &fault, &[], NOW).await);
        lost(&store.end_fault(&stale, &fault, "stale", NOW).await);
        lost(&store.delete_broker_record(&stale).await);
        lost(&store.release(&stale, Next::Now, false).await);
    }
    let after = subject.work(&stale).await;
    assert_eq!((after.broker, after.faults), (before.broker, before.faults));
    assert!(after.materials.is_none() && after.running.is_none() && after.reservation.is_none());
    assert_eq!(subject.messages(stale.broker).await, ["every endpoint answers"]);
}

pub(crate) async fn a_renewed_lease_lasts(subject: &dyn Subject) {
    let lease = subject.claimed().await;
    subject.pass(TTL / 2).await;
    subject.store().renew(&lease, TTL).await.expect("held");
    subject.pass(TTL / 2 + Duration::from_secs(1)).await;
    assert!(subject.nothing_is_due(subject.worker()).await);
    subject.store().release(&lease, Next::Now, false).await.expect("held");
}

pub(crate) async fn what_was_woken_during_a_pass_is_due_at_once(subject: &dyn Subject) {
    let me = subject.worker();
    let broker = subject.create().await;
    let lease = subject.claim(me).await;
    assert_eq!(subject.store().next_due(me, None).await.expect("asked"), None, "it is held");
    let woken = subject.store().release(&lease, Next::After(HOUR), false).await;
    assert!(!woken.expect("released"));
    let due = subject.store().next_due(me, None).await.expect("asked").expect("some time");
    assert!(due > HOUR - Duration::from_mins(1) && due <= HOUR, "{due:?}");
    assert!(subject.nothing_is_due(me).await);

    subject.store().wake(broker).await.expect("woken");
    let lease = subject.claim(me).await;
    subject.store().wake(broker).await.expect("woken");
    let woken = subject.store().release(&lease, Next::BackOff, false).await;
    assert!(woken.expect("released"));
    // The pass that failed had not seen why it was woken.
    assert_eq!(subject.claim(me).await.attempt, 0);
}

pub(crate) async fn failed_passes_are_tried_again_after_longer_and_longer_pauses(
    subject: &dyn Subject,
) {
    let me = subject.worker();
    subject.create().await;
    for (attempt, seconds) in [5, 10, 20, 40, 80, 160, 300, 300].into_iter().enumerate() {
        let lease = subject.claim(me).await;
        assert_eq!(lease.attempt as usize, attempt);
        let asked = Instant::now();
        subject.store().release(&lease, Next::BackOff, false).await.expect("released");
        let due = subject.store().next_due(me, None).await.expect("asked").expect("some time");
        let usual = Duration::from_secs(seconds);
        // The pause began between the two questions.
        let most = due + asked.elapsed();
        assert!(most > usual.mul_f64(0.75) && due <= usual.mul_f64(1.25), "{seconds}: {due:?}");
        subject.pass(due + Duration::from_millis(1)).await;
    }
    let lease = subject.claim(me).await;
    subject.store().release(&lease, Next::Now, false).await.expect("released");
    assert_eq!(subject.claim(me).await.attempt, 0, "it succeeded");
}

pub(crate) async fn a_back_off_is_ended_for_brokers_of_that_provisioner_only(
    subject: &dyn Subject,
) {
    let (me, other) = (subject.worker(), subject.worker());
    let store = subject.store();
    let mut brokers = Vec::new();
    for (worker, next) in
        [(me, Next::BackOff), (me, Next::BackOff), (me, Next::After(HOUR)), (other, Next::BackOff)]
    {
        brokers.push(subject.create().await);
        let lease = subject.claim(worker).await;
        store.release(&lease, next, false).await.expect("released");
    }
    assert_eq!(store.end_back_off(me, Some(brokers[3])).await.expect("ended"), 0);
    assert_eq!(store.end_back_off(me, Some(brokers[2])).await.expect("ended"), 0);
    assert_eq!(store.end_back_off(me, Some(brokers[0])).await.expect("ended"), 1);
    assert_eq!(subject.claim(me).await.broker, brokers[0]);
    assert_eq!(store.end_back_off(me, None).await.expect("ended"), 2);
    assert_eq!(subject.claim(me).await.broker, brokers[1]);
}

pub(crate) async fn a_heartbeat_releases_the_brokers_of_those_that_are_dead(subject: &dyn Subject) {
    let (dead, living) = (subject.worker(), subject.worker());
    let store = subject.store();
    let first = store.heartbeat(dead, TTL).await.expect("alive");
    assert_eq!((first.continued, first.freed), (false, 0));
    let second = store.heartbeat(dead, TTL).await.expect("alive");
    assert_eq!((second.continued, second.freed), (true, 0));
    subject.create().await;
    let lease = subject.claim(dead).await;
    store.release(&lease, Next::After(HOUR), false).await.expect("released");

    store.heartbeat(living, 3 * TTL).await.expect("alive");
    subject.pass(TTL + Duration::from_secs(1)).await;
    let beat = store.heartbeat(living, TTL).await.expect("alive");
    assert_eq!((beat.continued, beat.freed), (true, 1));
    assert_eq!(subject.claim(living).await.epoch, lease.epoch + 1, "it is due at once");
    let claimed = store.claim_watched(dead, lease.broker, lease.epoch, TTL).await;
    assert_eq!(claimed.expect("asked"), None);
    assert!(!store.heartbeat(dead, TTL).await.expect("alive").continued);
}

pub(crate) async fn a_broker_is_forgotten_once_and_only_if_it_is_to_be_deleted(
    subject: &dyn Subject,
) {
    let lease = subject.claimed().await;
    let store = subject.store();
    lost(&store.delete_broker_record(&lease).await);
    assert!(subject.broker(lease.broker).await.is_some());
    assert_eq!(store.forgotten(&[lease.broker]).await.expect("read"), []);

    subject.delete(lease.broker).await;
    for _ in 0..2 {
        store.delete_broker_record(&lease).await.expect("forgotten");
    }
    assert!(subject.broker(lease.broker).await.is_none());
    assert!(store.load(&lease).await.expect("read").is_none());
    let other = subject.create().await;
    let forgotten = store.forgotten(&[other, lease.broker]).await.expect("read");
    assert_eq!(forgotten, [lease.broker]);
    lost(&store.record(&lease, &report("gone")).await);
}

/// A running engine as a pass finds it.
pub(crate) fn running_engine() -> RunningEngine {
    RunningEngine {
        asked: EngineVersion::new(5, 19),
        version: EngineVersion::new(5, 19),
        true_version: "5.19.2".to_owned(),
        image: "brokerd/activemq:5.19".to_owned(),
        image_id: "sha256:0".to_owned(),
        since: NOW,
    }
}
