//! Supervises the parts of roles: one that ends, fails or panics is counted, logged and restarted; the others go on.
//!
//! What no restart can mend, such as a wrong configuration or a taken port, is found before any role runs and ends the
//! process.

use std::{future::Future, time::Duration};

use anyhow::{Context as _, anyhow};
use brokerd_provisioner::tasks::supervise::{BackOff, Panicked, keep_running};
use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family},
    registry::Registry,
};
use tokio::{
    task::JoinSet,
    time::{Instant, timeout_at},
};
use tokio_util::{sync::CancellationToken, task::AbortOnDropHandle};

use crate::role::Role;

/// How long roles may take to stop.
const STOP_TIMEOUT: Duration = Duration::from_secs(20);
/// How long a part waits to be restarted.
const BACK_OFF: BackOff =
    BackOff { first: Duration::from_millis(500), longest: Duration::from_secs(30) };

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RoleLabels {
    role: &'static str,
}

/// How often parts of roles were restarted.
#[derive(Debug, Clone, Default)]
pub(crate) struct Metrics {
    restarts: Family<RoleLabels, Counter>,
}

impl Metrics {
    /// Metrics under `brokerd_role_` of `registry`.
    pub(crate) fn register(registry: &mut Registry) -> Self {
        let metrics = Self::default();
        registry.sub_registry_with_prefix("brokerd_role").register(
            "restarts",
            "How often a part of a role ended, failed or panicked and was begun again, by role",
            metrics.restarts.clone(),
        );
        metrics
    }

    fn of(&self, role: Role) -> Counter {
        self.restarts.get_or_create(&RoleLabels { role: role.name() }).clone()
    }
}

/// The running parts of this process's roles.
#[derive(Default)]
pub(crate) struct Supervisor {
    tasks: JoinSet<(Role, anyhow::Result<()>)>,
    metrics: Metrics,
}

impl Supervisor {
    /// A supervisor of nothing yet.
    pub(crate) fn new(metrics: Metrics) -> Self {
        Self { tasks: JoinSet::new(), metrics }
    }

    /// Runs what `start` starts, and starts it again whenever it ends before `shutdown`.
    pub(crate) fn supervise<F: Future<Output = anyhow::Result<()>> + Send + 'static>(
        &mut self,
        role: Role,
        shutdown: &CancellationToken,
        start: impl Fn() -> F + Send + 'static,
    ) {
        let (restarts, shutdown) = (self.metrics.of(role), shutdown.clone());
        self.tasks.spawn(async move {
            // A task of its own, so that its panics end here.
            let start = move || {
                let part = AbortOnDropHandle::new(tokio::spawn(start()));
                async move {
                    let ended = part.await;
                    ended.unwrap_or_else(|error| {
                        Err(anyhow::Error::new(error).context("it panicked"))
                    })
                }
            };
            let over = |ended: Result<anyhow::Result<()>, Panicked>, pause| {
                let ended = ended.unwrap_or_else(|panicked| Err(panicked.into()));
                let error = ended.err().unwrap_or_else(|| anyhow!("it ended by itself"));
                tracing::error!(
                    role = role.name(),
                    error = format!("{error:#}"),
                    restart_in = ?pause,
                    "role failed; restarted"
                );
                restarts.inc();
            };
            match keep_running(BACK_OFF, &shutdown, start, over).await {
                Some(Ok(ended)) => (role, ended),
                Some(Err(panicked)) => (role, Err(panicked.into())),
                // It was waiting to be restarted.
                None => (role, Ok(())),
            }
        });
    }

    /// [`Self::supervise`] for work that can't fail.
    pub(crate) fn supervise_infallible<F: Future<Output = ()> + Send + 'static>(
        &mut self,
        role: Role,
        shutdown: &CancellationToken,
        start: impl Fn() -> F + Send + 'static,
    ) {
        self.supervise(role, shutdown, move || {
            let work = start();
            async move {
                work.await;
                Ok(())
            }
        });
    }

    /// Stops what was started, after the start of the rest failed.
    pub(crate) async fn abort(mut self, shutdown: &CancellationToken) {
        shutdown.cancel();
        // The caller reports why the start failed.
        drop(self.stop(Instant::now() + STOP_TIMEOUT).await);
    }

    /// Waits for `shutdown`, and then until all have stopped.
    ///
    /// # Errors
    /// The failure of a part that did not stop in an orderly way.
    pub(crate) async fn until_stopped(mut self, shutdown: CancellationToken) -> anyhow::Result<()> {
        shutdown.cancelled().await;
        self.stop(Instant::now() + STOP_TIMEOUT).await
    }

    async fn stop(&mut self, deadline: Instant) -> anyhow::Result<()> {
        let mut failure = Ok(());
        loop {
            let ended = timeout_at(deadline, self.tasks.join_next()).await;
            match ended {
                Ok(None) => return failure,
                Ok(Some(Ok((role, Ok(()))))) => tracing::info!(role = role.name(), "stopped"),
                Ok(Some(Ok((role, Err(error))))) => {
                    failure =
                        Err(error).with_context(|| format!("the role {} failed", role.name()));
                }
                Ok(Some(Err(error))) => {
                    failure = Err(anyhow::Error::new(error).context("a role panicked"));
                }
                Err(_) => {
                    // Unfinished work is done again after the next start.
                    tracing::warn!("not all roles stopped in time; abandoned");
                    return failure;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    };

    use super::*;

    #[tokio::test]
    async fn a_role_that_fails_ends_or_panics_is_restarted_and_the_others_go_on() {
        let shutdown = CancellationToken::new();
        let mut supervisor = Supervisor::default();
        let gateway = Arc::new(AtomicUsize::new(0));
        let (begun, stop) = (gateway.clone(), shutdown.clone());
        supervisor.supervise(Role::Gateway, &shutdown, move || {
            begun.fetch_add(1, Ordering::SeqCst);
            let stop = stop.clone();
            async move {
                stop.cancelled().await;
                Ok(())
            }
        });
        let (sender, mut times) = tokio::sync::mpsc::unbounded_channel();
        let (count, stop) = (AtomicUsize::new(0), shutdown.clone());
        supervisor.supervise(Role::Provisioner, &shutdown, move || {
            let (time, stop) = (count.fetch_add(1, Ordering::SeqCst), stop.clone());
            sender.send(time).expect("the test listens");
            async move {
                match time {
                    0 => Err(anyhow!("arranged by the test")),
                    1 => Ok(()),
                    2 => panic!("arranged by the test"),
                    _ => {
                        stop.cancelled().await;
                        Ok(())
                    }
                }
            }
        });
        let last = async { while times.recv().await.expect("it goes on") < 3 {} };
        tokio::time::timeout(Duration::from_secs(30), last).await.expect("it was restarted");
        assert_eq!(supervisor.metrics.of(Role::Provisioner).get(), 3);
        assert_eq!(supervisor.metrics.of(Role::Gateway).get(), 0);
        shutdown.cancel();
        supervisor.until_stopped(shutdown).await.expect("no failure");
        assert_eq!(gateway.load(Ordering::SeqCst), 1, "the gateway was disturbed");
    }

    #[tokio::test]
    async fn a_role_that_fails_to_stop_in_an_orderly_way_is_named() {
        let shutdown = CancellationToken::new();
        let mut supervisor = Supervisor::default();
        let stop = shutdown.clone();
        supervisor.supervise(Role::Api, &shutdown, move || {
            let stop = stop.clone();
            async move {
                stop.cancelled().await;
                Err(anyhow!("the reason"))
            }
        });
        shutdown.cancel();
        let error = supervisor.until_stopped(shutdown).await.expect_err("a failure");
        assert_eq!(format!("{error:#}"), "the role api failed: the reason");
    }
}
