//! What the runtime tells is followed, whatever happens to it or to the store.

use std::{sync::Arc, time::Duration};

use crate::world::{
    driver::Simulation,
    fault::{Fault, Faults},
};
use brokerd_domain::WorkerId;
use brokerd_provisioner::monitor::{Monitor, follow};
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
