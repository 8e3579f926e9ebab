//! The heartbeat of this provisioner, one statement for all of its brokers.

use std::{sync::Arc, time::Duration};

use brokerd_domain::WorkerId;
use tokio_util::sync::CancellationToken;

use crate::{
    monitor::Monitor,
    pause::pause_or_stop,
    queue::Queue,
    reconcile::{ReconcileStore, background_steps::Operations},
};

/// Heartbeats per lifetime of one. Four in five may fail or be late.
const RENEWALS: u32 = 5;
/// The pause after a heartbeat that was not stored.
const RETRY: Duration = Duration::from_secs(1);

/// Renews the heartbeat of a provisioner for `ttl`, and releases the brokers of expired ones.
pub(crate) struct Heartbeat {
    pub(crate) me: WorkerId,
    /// How long it counts as alive after a heartbeat.
    pub(crate) ttl: Duration,
    pub(crate) store: Arc<dyn ReconcileStore>,
    pub(crate) queue: Arc<Queue>,
    pub(crate) monitor: Arc<Monitor>,
    pub(crate) operations: Arc<Operations>,
}

impl Heartbeat {
    /// Sends the first heartbeat as soon as the store answers; `false` if shutdown comes first.
    pub(crate) async fn begin(&self, shutdown: &CancellationToken) -> bool {
        while !shutdown.is_cancelled() {
            match self.store.heartbeat(self.me, self.ttl).await {
                Ok(_) => return true,
                Err(error) => tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "heartbeat of this provisioner not stored"
                ),
            }
            pause_or_stop(RETRY, shutdown).await;
        }
        false
    }

    /// Sends heartbeats until shutdown.
    pub(crate) async fn keep(self: Arc<Self>, shutdown: CancellationToken) {
        let mut pause = self.ttl / RENEWALS;
        loop {
            pause_or_stop(pause, &shutdown).await;
            if shutdown.is_cancelled() {
                return;
            }
            pause = match self.store.heartbeat(self.me, self.ttl).await {
                Ok(term) => {
                    if !term.continued {
                        self.start_over();
                    }
                    if term.freed > 0 {
                        tracing::info!(
                            brokers = term.freed,
                            "provisioner died; its brokers are released"
                        );
                        self.queue.wake();
                    }
                    self.ttl / RENEWALS
                }
                Err(error) => {
                    tracing::debug!(
                        error = &error as &dyn std::error::Error,
                        "heartbeat of this provisioner not stored"
                    );
                    RETRY.min(self.ttl / RENEWALS)
                }
            };
        }
    }

    /// Forgets all brokers after the heartbeat expired, because other provisioners may own them.
    fn start_over(&self) {
        let lost = self.monitor.forget_all();
        tracing::warn!(
            brokers = lost.len(),
            "this provisioner's heartbeat expired because it did not reach the database; restarted"
        );
        for broker in lost {
            self.operations.end(broker);
        }
        self.queue.wake();
    }
}
