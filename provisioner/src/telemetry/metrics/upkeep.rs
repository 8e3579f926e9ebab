//! The upkeep of what brokers have measured.

use std::{sync::Arc, time::Duration};

use brokerd_domain::Clock;
use brokerd_store::{MetricRetention, PgStore};
use tokio_util::sync::CancellationToken;

use crate::{metrics::Metrics, pause::pause_or_stop};

/// How often.
const EVERY: Duration = Duration::from_secs(60);
/// How long to wait where there is more to do, so that others get their turn.
const BETWEEN: Duration = Duration::from_millis(200);

/// The operator's settings of brokers' metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MetricSettings {
    /// Whether brokers are measured.
    pub collect: bool,
    /// How long it is kept what they measured.
    pub retention: MetricRetention,
}

/// Rolls up and drops, until cancelled.
pub(crate) async fn maintain(
    store: PgStore,
    clock: Arc<dyn Clock>,
    metrics: Metrics,
    retention: MetricRetention,
    shutdown: CancellationToken,
) {
    while !shutdown.is_cancelled() {
        let mut pause = EVERY;
        match store.maintain_metrics(clock.now(), &retention).await {
            Ok(done) => {
                metrics.task_succeeded("metrics-upkeep", clock.now());
                if done.dropped > 0 || done.series > 0 {
                    let (partitions, series) = (done.dropped, done.series);
                    tracing::info!(partitions, series, "metrics past their retention dropped");
                }
                if done.more {
                    pause = BETWEEN;
                }
            }
            Err(error) => {
                metrics.task_failed("metrics-upkeep");
                let error = &error as &dyn std::error::Error;
                tracing::warn!(error, "metrics not rolled up");
            }
        }
        pause_or_stop(pause, &shutdown).await;
    }
}
