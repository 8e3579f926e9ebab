//! Deletes what is not kept any more.

use std::time::Duration;

use brokerd_domain::Clock;
use brokerd_store::{PgStore, StoreError};
use tokio_util::sync::CancellationToken;

use crate::pause::pause_or_stop;

/// How often.
const EVERY: Duration = Duration::from_mins(30);
/// How many events one statement deletes, and how long to wait between two.
const BATCH: u32 = 5000;
const BETWEEN: Duration = Duration::from_millis(100);

/// Deletes now and then, until cancelled.
pub(crate) async fn keep_pruned(
    store: PgStore,
    clock: std::sync::Arc<dyn Clock>,
    keep_days: u32,
    shutdown: CancellationToken,
) {
    while !shutdown.is_cancelled() {
        if let Err(error) = prune(&store, &*clock, keep_days, &shutdown).await {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "old log events of brokers not deleted; tried again later"
            );
        }
        pause_or_stop(EVERY, &shutdown).await;
    }
}

async fn prune(
    store: &PgStore,
    clock: &dyn Clock,
    keep_days: u32,
    shutdown: &CancellationToken,
) -> Result<(), StoreError> {
    let (mut days, mut events) = (0, 0);
    loop {
        let pruned = store.prune_logs(clock.now(), keep_days, BATCH).await?;
        (days, events) = (days + pruned.days, events + pruned.events);
        if pruned.events < u64::from(BATCH) || shutdown.is_cancelled() {
            break;
        }
        pause_or_stop(BETWEEN, shutdown).await;
    }
    if days > 0 || events > 0 {
        tracing::info!(days, events, "old log events of brokers deleted");
    }
    Ok(())
}
