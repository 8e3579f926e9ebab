//! Deletes from the database what is older than anybody needs.

use std::time::Duration;

use brokerd_store::{PgStore, StoreError};

use super::repeat::Rounds;

/// How often.
const INTERVAL: Duration = Duration::from_hours(1);
/// How many rows of a table one statement deletes, so that none takes long.
const BATCH: u32 = 1000;

/// Deletes now and then, until cancelled.
pub(crate) async fn keep_pruned(store: PgStore, rounds: Rounds) {
    let prune = || async {
        let rows = prune(&store, &rounds).await?;
        if rows > 0 {
            tracing::info!(rows, "records past their retention deleted");
        }
        Ok::<_, StoreError>(INTERVAL)
    };
    rounds.repeat("records past their retention not deleted", prune).await;
}

/// Deletes all of it, a batch at a time; how many rows that was.
async fn prune(store: &PgStore, rounds: &Rounds) -> Result<u64, StoreError> {
    let batch = || async {
        let now = rounds.clock.now();
        let of_each = [
            store.prune_forgotten_brokers(BATCH).await?,
            store.prune_faults(now, BATCH).await?,
            store.prune_route_changes(BATCH).await?,
            store.prune_alarm_history(now, BATCH).await?,
            store.prune_removed_brokers(BATCH).await?,
            store.prune_reports(now, BATCH).await?,
        ];
        Ok::<_, StoreError>((of_each.iter().sum::<u64>(), of_each.into_iter().max().unwrap_or(0)))
    };
    Ok(rounds.in_batches(BATCH, batch).await?.into_iter().sum())
}
