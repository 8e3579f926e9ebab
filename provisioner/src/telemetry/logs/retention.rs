//! Deletes what is not kept any more.

use std::time::Duration;

use brokerd_store::{PgStore, StoreError};

use crate::tasks::repeat::Rounds;

/// How often.
const INTERVAL: Duration = Duration::from_mins(30);
/// How many events one statement deletes.
const BATCH: u32 = 5000;

/// Deletes now and then, until cancelled.
pub(crate) async fn keep_pruned(store: PgStore, keep_days: u32, rounds: Rounds) {
    let prune = || prune(&store, keep_days, &rounds);
    rounds.repeat("old log events of brokers not deleted; tried again later", prune).await;
}

async fn prune(store: &PgStore, keep_days: u32, rounds: &Rounds) -> Result<Duration, StoreError> {
    let batch = || async {
        let pruned = store.prune_logs(rounds.clock.now(), keep_days, BATCH).await?;
        Ok::<_, StoreError>(((pruned.days, pruned.events), pruned.events))
    };
    let (mut days, mut events) = (0, 0);
    for pruned in rounds.in_batches(BATCH, batch).await? {
        (days, events) = (days + pruned.0, events + pruned.1);
    }
    if days > 0 || events > 0 {
        tracing::info!(days, events, "old log events of brokers deleted");
    }
    Ok(INTERVAL)
}
