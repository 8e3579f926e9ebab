//! What the runtime tells is followed, whatever happens to it or to the store.

use std::{sync::Arc, time::Duration};

use crate::world::{
    driver::Simulation,
    fault::{Fault, Faults},
};
use brokerd_domain::{WorkerId, instance::Disturbance};
use brokerd_provisioner::{
    monitor::{Monitor, follow},
    reconcile::{ObservationOutcome, ReconcileStore},
};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

#[tokio::test]
async fn brokers_that_could_not_be_woken_when_the_runtime_was_back_are_woken_later() {
    // After a restart of the host the database may come later than the runtime.
    let faults = Faults::striking(0, Fault::Refused);
    let sim = Simulation::with_faults(faults.clone());
    let shutdown = CancellationToken::new();
    let me = WorkerId::from(uuid::Uuid::from_u128(1));
    let monitor = Arc::new(Monitor::default());
    let watching = {
        let process = sim.process();
        follow(process.runtime, process.store, monitor, me, shutdown.clone())
    };
    let woken = async {
        while faults.effects() < 2 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        shutdown.cancel();
    };
    timeout(Duration::from_secs(20), async { tokio::join!(watching, woken) })
        .await
        .expect("woken in time");
    assert_eq!(faults.names(), ["end back-off", "end back-off"]);
}

/// Whether the active instance of a pair that was seen paused, and runs again, is left alone by a pass that begins so
/// much later.
async fn is_left_alone_by_a_pass_after(pause: Duration) -> bool {
    let sim = Simulation::new();
    let id = sim.create_pair();
    sim.settle().await;
    // Its former provisioner is gone, and it is due.
    sim.clock.advance(Duration::from_hours(2));
    let (context, me) = (sim.process(), WorkerId::from(uuid::Uuid::from_u128(9)));
    sim.store.heartbeat(me, Duration::from_hours(1)).await.expect("it lives");
    let ttl = Duration::from_mins(10);
    let claimed = sim.store.claim_due(me, None, ttl, 1).await.expect("claimed");
    let lease = claimed.first().expect("it is due");
    let watched = context.pass(lease, None).await.expect("passed").watched.expect("it is watched");
    let active = sim.active(id).expect("one serves");
    let state = || {
        let world = sim.world.lock().expect("not poisoned");
        world.containers[&active].status.state.clone()
    };
    let before = state();
    sim.in_the_world(|world| world.pause_only(id, &[active.ordinal]));
    let ObservationOutcome::Changed(seen) = context.observe_watched(&Arc::new(watched)).await
    else {
        panic!("a pause is seen");
    };
    sim.in_the_world(|world| {
        world.undisturb(&active, Disturbance::Paused).expect("never refused");
    });
    tokio::time::sleep(pause).await;
    context.pass(lease, Some(*seen)).await.expect("passed");
    state() == before
}

#[tokio::test]
async fn what_was_seen_a_while_ago_is_seen_again_before_anything_is_done() {
    assert!(!is_left_alone_by_a_pass_after(Duration::ZERO).await);
    assert!(is_left_alone_by_a_pass_after(Duration::from_millis(1500)).await);
}
