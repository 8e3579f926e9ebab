//! Background tasks, supervised: one that ends or panics is counted, logged, and started again.

use std::{future::Future, panic::AssertUnwindSafe, time::Duration};

use futures_util::FutureExt as _;
use tokio::{task::JoinSet, time::Instant};
use tokio_util::sync::CancellationToken;

use crate::{
    metrics::{Metrics, TaskLabels},
    pause::pause_or_stop,
    tasks::repeat::Rounds,
};

/// How long to wait before something is started again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BackOff {
    /// The first time; doubled each time.
    pub first: Duration,
    /// At most, and how long it must have lasted to begin with the first pause again.
    pub longest: Duration,
}

/// The task panicked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it panicked")]
pub struct Panicked;

/// Runs what `begin` begins, and starts it again whenever it is over, until `shutdown`. Each time `over` is told how it
/// ended and after which pause it is started again. Gives back how it ended after `shutdown`; none: `shutdown` came while
/// it waited to be started again.
pub async fn keep_running<T, F: Future<Output = T> + Send>(
    back_off: BackOff,
    shutdown: &CancellationToken,
    begin: impl Fn() -> F + Send,
    over: impl Fn(Result<T, Panicked>, Duration) + Send,
) -> Option<Result<T, Panicked>> {
    let mut pause = back_off.first;
    loop {
        let began = Instant::now();
        let ended = AssertUnwindSafe(begin()).catch_unwind().await.map_err(|_| Panicked);
        if shutdown.is_cancelled() {
            return Some(ended);
        }
        if began.elapsed() > back_off.longest {
            pause = back_off.first;
        }
        over(ended, pause);
        pause_or_stop(pause, shutdown).await;
        if shutdown.is_cancelled() {
            return None;
        }
        pause = (pause * 2).min(back_off.longest);
    }
}

/// How long background tasks wait.
const BACK_OFF: BackOff =
    BackOff { first: Duration::from_secs(1), longest: Duration::from_mins(1) };

/// Keeps background tasks running.
#[derive(Debug)]
pub(crate) struct Supervisor {
    tasks: JoinSet<()>,
    metrics: Metrics,
    shutdown: CancellationToken,
}

impl Supervisor {
    /// Keeps tasks going until `shutdown`.
    pub(crate) fn new(metrics: Metrics, shutdown: CancellationToken) -> Self {
        Self { tasks: JoinSet::new(), metrics, shutdown }
    }

    /// Keeps a task going that `begin` begins.
    pub(crate) fn keep<F: Future<Output = ()> + Send + 'static>(
        &mut self,
        task: &'static str,
        begin: impl Fn() -> F + Send + 'static,
    ) {
        let (metrics, shutdown) = (self.metrics.clone(), self.shutdown.clone());
        let _ = metrics.task_restarts.get_or_create(&TaskLabels { task });
        self.tasks.spawn(async move {
            let over = |ended: Result<(), Panicked>, _| {
                let how = if ended.is_err() { "panicked" } else { "ended" };
                tracing::error!(task, how, "background task ended; restarted");
                metrics.task_restarted(task, how);
            };
            keep_running(BACK_OFF, &shutdown, begin, over).await;
        });
    }

    /// Keeps a task going that does the same again and again.
    pub(crate) fn repeat<F: Future<Output = ()> + Send + 'static>(
        &mut self,
        rounds: Rounds,
        begin: impl Fn(Rounds) -> F + Send + 'static,
    ) {
        self.keep(rounds.task, move || begin(rounds.clone()));
    }

    /// Ends all of them, after `shutdown`.
    pub(crate) async fn end(mut self) {
        self.tasks.shutdown().await;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    };

    use prometheus_client::registry::Registry;

    use super::*;

    #[tokio::test]
    async fn a_task_that_panics_or_ends_is_started_again_and_one_that_is_told_to_stop_is_not() {
        let shutdown = CancellationToken::new();
        let metrics = Metrics::register(&mut Registry::default());
        let mut supervisor = Supervisor::new(metrics.clone(), shutdown.clone());
        let begun = Arc::new(AtomicUsize::new(0));
        let (count, stop) = (begun.clone(), shutdown.clone());
        supervisor.keep("test", move || {
            let (count, stop) = (count.clone(), stop.clone());
            async move {
                match count.fetch_add(1, Ordering::SeqCst) {
                    0 => panic!("arranged by the test"),
                    1 => {}
                    _ => stop.cancelled().await,
                }
            }
        });
        let deadline = Instant::now() + Duration::from_secs(20);
        while begun.load(Ordering::SeqCst) < 3 {
            assert!(Instant::now() < deadline, "it was not started again");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        shutdown.cancel();
        supervisor.end().await;
        assert_eq!(begun.load(Ordering::SeqCst), 3);
        assert_eq!(metrics.task_restarts.get_or_create(&TaskLabels { task: "test" }).get(), 2);
    }
}
