//! Background tasks, supervised: one that ends or panics is counted, told, and started again.

use std::{future::Future, panic::AssertUnwindSafe, time::Duration};

use futures_util::FutureExt as _;
use tokio::{task::JoinSet, time::Instant};
use tokio_util::sync::CancellationToken;

use crate::{
    metrics::{Metrics, TaskLabels},
    provisioner::pause_or_stop,
};

/// How long to wait before a task is started again; doubled each time.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// The longest such wait, and how long a task must have lasted to begin with the first one again.
const LONGEST_PAUSE: Duration = Duration::from_mins(1);

/// Whoever keeps tasks going.
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
    pub(crate) fn keep<F: Future<Output = ()> + Send>(
        &mut self,
        task: &'static str,
        begin: impl Fn() -> F + Send + Sync + 'static,
    ) {
        let (metrics, shutdown) = (self.metrics.clone(), self.shutdown.clone());
        let _ = metrics.task_restarts.get_or_create(&TaskLabels { task });
        self.tasks.spawn(async move {
            let mut pause = FIRST_PAUSE;
            loop {
                let began = Instant::now();
                let ended = AssertUnwindSafe(begin()).catch_unwind().await;
                if shutdown.is_cancelled() {
                    return;
                }
                let how = if ended.is_err() { "panicked" } else { "ended" };
                tracing::error!(task, how, "a background task is over; starting it again");
                metrics.task_restarted(task, how);
                if began.elapsed() > LONGEST_PAUSE {
                    pause = FIRST_PAUSE;
                }
                pause_or_stop(pause, &shutdown).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
        });
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
