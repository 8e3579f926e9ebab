//! Follows the runtime's events. They are hints: an event causes an observation, and observations happen
//! without events, too.

use std::{sync::Arc, time::Duration};

use brokerd_domain::{BrokerId, WorkerId};
use brokerd_store::StoreError;
use futures_util::{StreamExt, stream::BoxStream};
use tokio_util::sync::CancellationToken;

use super::Monitor;
use crate::{pause::pause_or_stop, reconcile::ReconcileStore, runtime::Runtime};

/// The pause before a runtime is watched again after its watch failed.
const PAUSE: Duration = Duration::from_secs(2);

/// Makes the monitor look at brokers with events in the runtime, and ends the back-off of those of this provisioner
/// that wait after a failed pass, until cancelled.
pub async fn follow(
    runtime: Arc<dyn Runtime>,
    store: Arc<dyn ReconcileStore>,
    monitor: Arc<Monitor>,
    me: WorkerId,
    shutdown: CancellationToken,
) {
    while !shutdown.is_cancelled() {
        match runtime.watch().await {
            Ok(events) => {
                let passed_on = tokio::select! {
                    () = shutdown.cancelled() => return,
                    ended = pass_on(&*store, &monitor, me, events) => ended,
                };
                if let Err(error) = passed_on {
                    tracing::debug!(
                        error = &error as &dyn std::error::Error,
                        "back-off of brokers not ended; watch restarted"
                    );
                }
            }
            Err(error) => tracing::warn!(%error, "runtime not watched; polling goes on"),
        }
        pause_or_stop(PAUSE, &shutdown).await;
    }
}

/// Follows events until the runtime ends them. A new watch begins with a hint about all brokers, because events were
/// missed in between, so that no broker stays in a long pause.
async fn pass_on(
    store: &dyn ReconcileStore,
    monitor: &Monitor,
    me: WorkerId,
    mut events: BoxStream<'static, BrokerId>,
) -> Result<(), StoreError> {
    monitor.hint_all();
    store.end_back_off(me, None).await?;
    while let Some(broker) = events.next().await {
        if !monitor.hint(broker) {
            store.end_back_off(me, Some(broker)).await?;
        }
    }
    Ok(())
}
