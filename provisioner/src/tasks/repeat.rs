//! Background tasks that do the same work again and again. How each round ended is told in one place, so that no task
//! fails without being counted.

use std::{error::Error, future::Future, sync::Arc, time::Duration};

use brokerd_domain::Clock;
use tokio_util::sync::CancellationToken;

use crate::{metrics::Metrics, pause::pause_or_stop};

/// How long to wait after a round that failed. It is much less than what [`TaskHealth`] takes for two failures
/// that have nothing to do with each other, so that it is known within a minute of every task that it stays down.
///
/// [`TaskHealth`]: crate::metrics::TaskHealth
pub(super) const AGAIN: Duration = Duration::from_secs(5);
/// How long to wait between two batches, so that others get their turn.
const BATCH_PAUSE: Duration = Duration::from_millis(100);

/// The rounds of one task.
#[derive(Clone)]
pub(crate) struct Rounds {
    /// The name of the task in metrics and in the readiness of the process.
    pub(crate) task: &'static str,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) metrics: Metrics,
    pub(crate) shutdown: CancellationToken,
}

impl Rounds {
    /// Does `work` until `shutdown`. It gives back how long to wait before it is done again; after an error that is
    /// [`AGAIN`]. `failed` is what the log says of an error.
    pub(crate) async fn repeat<E, F>(&self, failed: &'static str, mut work: impl FnMut() -> F)
    where
        E: Into<Box<dyn Error + Send + Sync>>,
        F: Future<Output = Result<Duration, E>>,
    {
        while !self.shutdown.is_cancelled() {
            let ended = work().await;
            let pause = self.tell(failed, ended).unwrap_or(AGAIN);
            pause_or_stop(pause, &self.shutdown).await;
        }
    }

    /// Tells how a round ended. Gives back what it came to; none: it failed.
    pub(crate) fn tell<T, E>(&self, failed: &'static str, ended: Result<T, E>) -> Option<T>
    where
        E: Into<Box<dyn Error + Send + Sync>>,
    {
        match ended {
            Ok(done) => {
                self.metrics.task_succeeded(self.task, self.clock.now());
                Some(done)
            }
            Err(error) => {
                self.metrics.task_failed(self.task);
                let error: Box<dyn Error + Send + Sync> = error.into();
                tracing::warn!(error = &*error as &dyn Error, "{failed}");
                None
            }
        }
    }

    /// Calls `batch`, which deletes up to `most` rows of each table, until it deletes fewer of every table, or until
    /// `shutdown`. `batch` returns what it deleted and the most that was of one table; this returns what each batch deleted.
    ///
    /// # Errors
    /// That of the first batch that fails. What was deleted before stays deleted.
    pub(crate) async fn in_batches<T, E, F>(
        &self,
        most: u32,
        mut batch: impl FnMut() -> F,
    ) -> Result<Vec<T>, E>
    where
        F: Future<Output = Result<(T, u64), E>>,
    {
        let mut batches = Vec::new();
        loop {
            let (deleted, of_one_table) = batch().await?;
            batches.push(deleted);
            if of_one_table < u64::from(most) || self.shutdown.is_cancelled() {
                return Ok(batches);
            }
            pause_or_stop(BATCH_PAUSE, &self.shutdown).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use brokerd_domain::Timestamp;
    use prometheus_client::registry::Registry;

    use super::*;
    use crate::metrics::TaskLabels;

    struct Stopped;

    impl Clock for Stopped {
        fn now(&self) -> Timestamp {
            Timestamp::from_micros(7_000_000)
        }
    }

    fn rounds() -> Rounds {
        Rounds {
            task: "test",
            clock: Arc::new(Stopped),
            metrics: Metrics::register(&mut Registry::default()),
            shutdown: CancellationToken::new(),
        }
    }

    fn last_success(rounds: &Rounds) -> i64 {
        rounds.metrics.task_success.get_or_create(&TaskLabels { task: rounds.task }).get()
    }

    #[tokio::test]
    async fn rounds_follow_each_other_until_shutdown_and_only_those_that_succeed_are_told_of() {
        let failing = rounds();
        let fail = || async {
            failing.shutdown.cancel();
            Err("arranged by the test")
        };
        failing.repeat("work of the test not done", fail).await;
        assert_eq!(last_success(&failing), 0);

        let rounds = rounds();
        let left = &AtomicU64::new(3);
        let work = || async {
            if left.fetch_sub(1, Ordering::Relaxed) == 1 {
                rounds.shutdown.cancel();
            }
            Ok::<_, String>(Duration::ZERO)
        };
        rounds.repeat("work of the test not done", work).await;
        assert_eq!((left.load(Ordering::Relaxed), last_success(&rounds)), (0, 7));
    }

    #[tokio::test]
    async fn batches_follow_as_long_as_one_is_full() {
        let rounds = rounds();
        let left = AtomicU64::new(25);
        let left = &left;
        let batch = || async {
            let deleted = left.load(Ordering::Relaxed).min(10);
            left.fetch_sub(deleted, Ordering::Relaxed);
            Ok::<_, String>((deleted, deleted))
        };
        assert_eq!(rounds.in_batches(10, batch).await, Ok(vec![10, 10, 5]));
    }
}
