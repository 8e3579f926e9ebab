//! Maintenance windows: everything that waits, and newer builds of the engine, in the owner's own time.
//!
//! Source: "Amazon MQ broker maintenance window" of the developer guide. The reboot may happen anywhere in
//! the window; here it happens when the window begins, or when the provisioner is back.

use std::{sync::Arc, time::Duration};

use brokerd_domain::{Broker, Clock, due_in_window};
use brokerd_store::StoreError;

use crate::{reconcile::ReconcileStore, tasks::repeat::Rounds};

/// How often to look which windows have begun.
const INTERVAL: Duration = Duration::from_secs(30);

/// Reboots what is due in its maintenance window, until cancelled.
pub(crate) async fn run(store: Arc<dyn ReconcileStore>, rounds: Rounds) {
    let (store, clock) = (&*store, &*rounds.clock);
    let work = || async move { maintain(store, clock).await.map(|_| INTERVAL) };
    rounds.repeat("brokers in their maintenance window not found", work).await;
}

/// Asks for a reboot of every broker that is due in its window, once per window. Gives back how many.
///
/// # Errors
/// What the store says; what was asked for before stands.
pub async fn maintain(store: &dyn ReconcileStore, clock: &dyn Clock) -> Result<usize, StoreError> {
    let mut asked = 0;
    for (broker, maintained) in store.maintenance_candidates().await? {
        let now = clock.now();
        // What could not be applied once is not tried again every week, at the cost of an interruption each time.
        let waits = broker.has_pending() && broker.not_applied.is_none();
        let newer = broker.status.maintenance.is_some();
        let window = &broker.spec.maintenance_window;
        if broker.check_reboot().is_err() || !due_in_window(window, now, maintained, waits, newer) {
            continue;
        }
        // A broker that has changed since is looked at again before the window ends.
        if store.request_maintenance(&broker, &reason(&broker, waits), now).await? {
            tracing::info!(broker.id = %broker.id, "rebooted in its maintenance window");
            asked += 1;
        }
    }
    Ok(asked)
}

fn reason(broker: &Broker, waits: bool) -> String {
    let mut reasons = Vec::new();
    if waits {
        reasons.push("changes wait".to_owned());
    }
    reasons.extend(broker.status.maintenance.clone());
    format!("the maintenance window began: {}", reasons.join(", "))
}
