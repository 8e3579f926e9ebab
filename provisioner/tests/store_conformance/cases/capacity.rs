//! Memory of the host.

use std::time::Duration;

use brokerd_domain::{
    GrantDecision, HostCapacity, HostInstanceType, Lease, PassReport, Reservation, Timestamp,
};

use crate::{
    subject::{NOW, Subject},
    support::report,
};

const GIB: u64 = 1 << 30;
/// An instance of it has a gibibyte.
const MICRO: &str = "mq.t3.micro";

/// A host with so much memory for instances.
pub(crate) fn host(gib: u64) -> HostCapacity {
    HostCapacity { memory_bytes: gib * GIB, scale: 1.0, wait_limit: Duration::from_mins(15) }
}

fn after(seconds: u64) -> Timestamp {
    NOW.plus(Duration::from_secs(seconds))
}

fn granted(tier: &str) -> Option<Reservation> {
    Some(Reservation::Granted(HostInstanceType::from_name(tier).expect("known")))
}

fn waits(seconds: u64) -> Option<Reservation> {
    Some(Reservation::Waiting { since: after(seconds), missing_bytes: GIB })
}

/// Leases on so many new brokers, in the order of their creation.
async fn claimed(subject: &dyn Subject, brokers: usize) -> Vec<Lease> {
    let mut leases = Vec::new();
    for _ in 0..brokers {
        leases.push(subject.claimed().await);
    }
    leases
}

async fn reserved(subject: &dyn Subject, lease: &Lease) -> Option<Reservation> {
    subject.work(lease).await.reservation
}

pub(crate) async fn memory_is_granted_in_the_order_of_those_who_ask(subject: &dyn Subject) {
    let store = subject.store();
    store.report_capacity(&host(1), NOW).await.expect("told");
    let leases = claimed(subject, 3).await;
    assert_eq!(reserved(subject, &leases[0]).await, None, "it has not asked");
    for (lease, seconds) in leases.iter().zip(0..) {
        store.reserve(lease, 1, after(seconds)).await.expect("asked");
        // Asking again costs nobody their place.
        store.reserve(lease, 1, after(100)).await.expect("asked");
    }
    assert_eq!(reserved(subject, &leases[0]).await, granted(MICRO));
    assert_eq!(reserved(subject, &leases[1]).await, waits(1));
    assert_eq!(reserved(subject, &leases[2]).await, waits(2));
    let used = store.report_capacity(&host(1), after(101)).await.expect("told");
    assert_eq!((used.granted_bytes, used.waiting, used.waiting_bytes), (GIB, 2, 2 * GIB));

    subject.delete(leases[0].broker).await;
    store.delete_broker_record(&leases[0]).await.expect("forgotten");
    store.grant_waiting(after(102)).await.expect("granted");
    assert_eq!(reserved(subject, &leases[1]).await, granted(MICRO));
    assert_eq!(reserved(subject, &leases[2]).await, waits(2));
    let woken = store.release(&leases[1], brokerd_domain::Next::Now, false).await;
    assert!(woken.expect("released"), "who is granted memory is woken");
    // Nobody who is being deleted is granted any.
    subject.delete(leases[2].broker).await;
    let used = store.report_capacity(&host(5), after(103)).await.expect("told");
    assert_eq!((used.granted_bytes, used.waiting), (GIB, 0));
}

pub(crate) async fn more_memory_is_granted_if_there_is_enough(subject: &dyn Subject) {
    let store = subject.store();
    let medium = HostInstanceType::from_name("mq.m7g.medium").expect("known");
    let needed = host(0).of_instances(medium, 1);
    store.report_capacity(&host(1), NOW).await.expect("told");
    let lease = subject.claimed().await;
    store.reserve(&lease, 1, NOW).await.expect("asked");
    let decision = store.reserve_more(&lease, 1, medium, NOW).await.expect("asked");
    assert_eq!(decision, GrantDecision::Waits { missing_bytes: needed - GIB });
    assert_eq!(reserved(subject, &lease).await, granted(MICRO), "it keeps what it has");
    store.report_capacity(&host(64), NOW).await.expect("told");
    let decision = store.reserve_more(&lease, 1, medium, NOW).await.expect("asked");
    assert_eq!(decision, GrantDecision::Granted);
    assert_eq!(reserved(subject, &lease).await, granted("mq.m7g.medium"));
}

pub(crate) async fn a_failed_creation_gives_its_memory_back(subject: &dyn Subject) {
    let store = subject.store();
    store.report_capacity(&host(1), NOW).await.expect("told");
    let lease = subject.claimed().await;
    store.reserve(&lease, 1, NOW).await.expect("asked");
    assert_eq!(reserved(subject, &lease).await, granted(MICRO));
    let failed = PassReport { failure: Some("no image".to_owned()), ..report("failed") };
    store.record(&lease, &failed).await.expect("recorded");
    assert_eq!(reserved(subject, &lease).await, None);
}
