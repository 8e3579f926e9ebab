//! Deletes from the database what is older than anybody needs.

use std::{sync::Arc, time::Duration};

use brokerd_domain::Clock;
use brokerd_store::{PgStore, StoreError};
use tokio_util::sync::CancellationToken;

use crate::{metrics::Metrics, pause::pause_or_stop};

/// How often.
const EVERY: Duration = Duration::from_hours(1);
/// How many rows of a table one statement deletes, so that none takes long.
const BATCH: u32 = 1000;
/// How long to wait between two statements, so that others get their turn.
const BETWEEN: Duration = Duration::from_millis(100);

/// Deletes now and then, until cancelled.
pub(crate) async fn keep_pruned(
    store: PgStore,
    clock: Arc<dyn Clock>,
    metrics: Metrics,
    shutdown: CancellationToken,
) {
    while !shutdown.is_cancelled() {
        match prune(&store, &*clock, &shutdown).await {
            Ok(0) => metrics.task_succeeded("retention", clock.now()),
            Ok(rows) => {
                tracing::info!(rows, "records past their retention deleted");
                metrics.task_succeeded("retention", clock.now());
            }
            Err(error) => tracing::warn!(
                error = &error as &dyn std::error::Error,
                "records past their retention not deleted"
            ),
        }
        pause_or_stop(EVERY, &shutdown).await;
    }
}

/// Deletes all of it, a batch at a time; how many rows that was.
async fn prune(
    store: &PgStore,
    clock: &dyn Clock,
    shutdown: &CancellationToken,
) -> Result<u64, StoreError> {
    let mut rows = 0;
    loop {
        let pruned = store.prune(clock.now(), BATCH).await?;
        let reports = store.prune_reports(clock.now(), BATCH).await?;
        rows += pruned.forgotten_brokers + pruned.faults + pruned.route_changes;
        rows += pruned.alarm_history + reports;
        if pruned.most().max(reports) < u64::from(BATCH) || shutdown.is_cancelled() {
            return Ok(rows);
        }
        pause_or_stop(BETWEEN, shutdown).await;
    }
}
