//! The upkeep of what brokers have measured.

use std::time::Duration;

use brokerd_store::{MetricRetention, PgStore, StoreError};

use crate::tasks::repeat::Rounds;

/// How often.
const INTERVAL: Duration = Duration::from_secs(60);
/// How long to wait where there is more to do, so that others get their turn.
const BATCH_PAUSE: Duration = Duration::from_millis(200);

/// The operator's settings of brokers' metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MetricSettings {
    /// Whether brokers are measured.
    pub collect: bool,
    /// How long it is kept what they measured.
    pub retention: MetricRetention,
}

/// Rolls up and drops, until cancelled.
pub(crate) async fn maintain(store: PgStore, retention: MetricRetention, rounds: Rounds) {
    let maintain = || async {
        let done = store.maintain_metrics(rounds.clock.now(), &retention).await?;
        if done.dropped > 0 || done.series > 0 {
            let (partitions, series) = (done.dropped, done.series);
            tracing::info!(partitions, series, "metrics past their retention dropped");
        }
        Ok::<_, StoreError>(if done.more { BATCH_PAUSE } else { INTERVAL })
    };
    rounds.repeat("metrics not rolled up", maintain).await;
}
