//! Roles, supervised: one that ends, fails or panics is counted, told, and begun again, and takes no other one along. What
//! can't be right, such as a configuration that makes no sense or a port that is taken, is found before any role runs and
//! ends the process.

use std::{future::Future, time::Duration};

use anyhow::{Context as _, anyhow};
use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family},
    registry::Registry,
};
use tokio::{
    task::JoinSet,
    time::{Instant, sleep, timeout_at},
};
use tokio_util::{sync::CancellationToken, task::AbortOnDropHandle};

use crate::cli::Role;

/// How long roles may take to stop.
const STOPPING_TIME: Duration = Duration::from_secs(20);
/// How long to wait before a role is begun again; doubled each time.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
/// The longest such wait, and how long a role must have lasted to begin with the first one again.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RoleLabels {
    role: &'static str,
}

/// How often roles had to be begun again.
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

/// The roles of this process, running.
#[derive(Default)]
pub(crate) struct Running {
    tasks: JoinSet<(Role, anyhow::Result<()>)>,
    metrics: Metrics,
}

impl Running {
    /// Nothing yet.
    pub(crate) fn new(metrics: Metrics) -> Self {
        Self { tasks: JoinSet::new(), metrics }
    }

    /// Keeps going until `shutdown` what `begin` begins, which is to end then and not before.
    pub(crate) fn keep<F: Future<Output = anyhow::Result<()>> + Send + 'static>(
        &mut self,
        role: Role,
        shutdown: &CancellationToken,
        begin: impl Fn() -> F + Send + 'static,
    ) {
        let (restarts, shutdown) = (self.metrics.of(role), shutdown.clone());
        self.tasks.spawn(async move {
            let mut pause = FIRST_PAUSE;
            loop {
                let began = Instant::now();
                // A task of its own, so that its panics end here.
                let ended = match AbortOnDropHandle::new(tokio::spawn(begin())).await {
                    Ok(ended) => ended,
                    Err(error) => Err(anyhow::Error::new(error).context("it panicked")),
                };
                if shutdown.is_cancelled() {
                    return (role, ended);
                }
                if began.elapsed() > LONGEST_PAUSE {
                    pause = FIRST_PAUSE;
                }
                let error = ended.err().unwrap_or_else(|| anyhow!("it ended by itself"));
                tracing::error!(
                    role = role.name(),
                    error = format!("{error:#}"),
                    again_in = ?pause,
                    "a role failed; it is begun again, and the others go on"
                );
                restarts.inc();
                tokio::select! {
                    () = shutdown.cancelled() => return (role, Ok(())),
                    () = sleep(pause) => {}
                }
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
        });
    }

    /// Stops what was started though the rest could not be.
    pub(crate) async fn give_up(mut self, shutdown: &CancellationToken) {
        shutdown.cancel();
        // Why it is given up matters more than how it went.
        drop(self.stop(Instant::now() + STOPPING_TIME).await);
    }

    /// Waits for `shutdown`, and then until all have stopped.
    pub(crate) async fn until_stopped(mut self, shutdown: CancellationToken) -> anyhow::Result<()> {
        shutdown.cancelled().await;
        self.stop(Instant::now() + STOPPING_TIME).await
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
                    // What was not finished is done again after the next start.
                    tracing::warn!("some roles did not stop in time and are abandoned");
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
    async fn a_role_that_fails_ends_or_panics_is_begun_again_and_the_others_go_on() {
        let shutdown = CancellationToken::new();
        let mut running = Running::default();
        let gateway = Arc::new(AtomicUsize::new(0));
        let (begun, stop) = (gateway.clone(), shutdown.clone());
        running.keep(Role::Gateway, &shutdown, move || {
            begun.fetch_add(1, Ordering::SeqCst);
            let stop = stop.clone();
            async move {
                stop.cancelled().await;
                Ok(())
            }
        });
        let (told, mut times) = tokio::sync::mpsc::unbounded_channel();
        let (count, stop) = (AtomicUsize::new(0), shutdown.clone());
        running.keep(Role::Provisioner, &shutdown, move || {
            let (time, stop) = (count.fetch_add(1, Ordering::SeqCst), stop.clone());
            told.send(time).expect("the test listens");
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
        tokio::time::timeout(Duration::from_secs(30), last).await.expect("it was begun again");
        assert_eq!(running.metrics.of(Role::Provisioner).get(), 3);
        assert_eq!(running.metrics.of(Role::Gateway).get(), 0);
        shutdown.cancel();
        running.until_stopped(shutdown).await.expect("no failure");
        assert_eq!(gateway.load(Ordering::SeqCst), 1, "the gateway was disturbed");
    }

    #[tokio::test]
    async fn a_role_that_fails_to_stop_in_an_orderly_way_is_named() {
        let shutdown = CancellationToken::new();
        let mut running = Running::default();
        let stop = shutdown.clone();
        running.keep(Role::Api, &shutdown, move || {
            let stop = stop.clone();
            async move {
                stop.cancelled().await;
                Err(anyhow!("the reason"))
            }
        });
        shutdown.cancel();
        let error = running.until_stopped(shutdown).await.expect_err("a failure");
        assert_eq!(format!("{error:#}"), "the role api failed: the reason");
    }
}
