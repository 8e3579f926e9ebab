//! Samples on their way to the store: together, and again when it does not answer.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use brokerd_domain::{Clock, Timestamp};
use brokerd_store::{PgStore, Sample, StoreError};
use tokio::{
    sync::mpsc::Receiver,
    time::{Instant, sleep, timeout, timeout_at},
};

use crate::metrics::{Metrics, SampleOutcome};

/// How long samples wait for others.
const TOGETHER: Duration = Duration::from_secs(2);
/// How many are stored in one call.
const MAX_BATCH: usize = 500;
/// How many wait at most.
const MAX_WAITING: usize = 20_000;
/// After how long without samples the task is said to be well. Brokers measure once a minute.
const IDLE: Duration = Duration::from_mins(2);
/// How soon storing is tried again.
const AGAIN: Duration = Duration::from_secs(3);
/// How old a sample may get: what is older has been rolled up without it.
const OLDEST: Duration = Duration::from_secs(150);

/// Stores what comes, until no more can come.
pub(super) async fn store(
    mut samples: Receiver<Sample>,
    store: PgStore,
    clock: Arc<dyn Clock>,
    metrics: Metrics,
) {
    let mut waiting: VecDeque<Sample> = VecDeque::new();
    loop {
        let first = match timeout(IDLE, samples.recv()).await {
            Ok(Some(sample)) => sample,
            Ok(None) => return,
            // Without brokers there is nothing to store, which is no failure.
            Err(_) => {
                metrics.task_succeeded("metrics", clock.now());
                continue;
            }
        };
        waiting.push_back(first);
        let end = Instant::now() + TOGETHER;
        while waiting.len() < MAX_BATCH {
            match timeout_at(end, samples.recv()).await {
                Ok(Some(sample)) => waiting.push_back(sample),
                Ok(None) | Err(_) => break,
            }
        }
        while !waiting.is_empty() {
            match store_some(&store, &mut waiting).await {
                Ok(refused) => {
                    metrics.task_succeeded("metrics", clock.now());
                    if refused > 0 {
                        tracing::warn!(
                            refused,
                            "brokers have more series than are kept; values left out"
                        );
                    }
                }
                Err(error) => {
                    metrics.task_failed("metrics");
                    let lost = drop_old(&mut waiting, clock.now());
                    metrics.count_samples(SampleOutcome::Lost, lost);
                    tracing::warn!(
                        error = &error as &dyn std::error::Error,
                        lost,
                        "samples of brokers not stored; retried"
                    );
                    sleep(AGAIN).await;
                    while let Ok(sample) = samples.try_recv() {
                        waiting.push_back(sample);
                    }
                }
            }
        }
    }
}

/// Stores the first of them; they stay if they can't be stored. How many values were refused.
async fn store_some(store: &PgStore, waiting: &mut VecDeque<Sample>) -> Result<u64, StoreError> {
    let count = waiting.len().min(MAX_BATCH);
    let some: Vec<Sample> = waiting.iter().take(count).cloned().collect();
    let recorded = store.record_samples(some).await?;
    waiting.drain(..count);
    Ok(recorded.refused)
}

/// Drops samples that are too old, and the oldest of too many; returns how many.
fn drop_old(waiting: &mut VecDeque<Sample>, now: Timestamp) -> u64 {
    let before = waiting.len();
    waiting.retain(|sample| now.since(sample.at) < OLDEST);
    let excess = waiting.len().saturating_sub(MAX_WAITING);
    waiting.drain(..excess);
    u64::try_from(before - waiting.len()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use brokerd_domain::BrokerId;

    use super::*;

    fn sample(at: u64) -> Sample {
        let at = Timestamp::from_micros(0).plus(Duration::from_secs(at));
        Sample { broker: BrokerId::from(uuid::Uuid::nil()), at, values: Vec::new() }
    }

    #[test]
    fn what_is_too_old_or_too_much_is_dropped_the_oldest_first() {
        let now = Timestamp::from_micros(0).plus(Duration::from_secs(1000));
        let mut waiting: VecDeque<Sample> = [849, 850, 851, 1000].map(sample).into();
        assert_eq!(drop_old(&mut waiting, now), 2);
        assert_eq!(waiting, [851, 1000].map(sample));
        let mut many: VecDeque<Sample> =
            std::iter::once(900).chain([999; MAX_WAITING]).map(sample).collect();
        assert_eq!(drop_old(&mut many, now), 1);
        assert_eq!((many.len(), &many[0]), (MAX_WAITING, &sample(999)));
    }
}
