//! Provisioners of this data directory: this one is registered, and the brokers of those that have died are freed.

use std::{io, time::Duration};

use brokerd_domain::WorkerId;
use brokerd_store::PgStore;
use tokio_util::sync::CancellationToken;

use super::worker_registry::{Registration, WorkerRegistry};
use crate::pause::pause_or_stop;

/// How often to look whether another provisioner has died.
const INTERVAL: Duration = Duration::from_secs(1);

/// Registers this provisioner. Without its file nobody notices its end before its leases end.
pub(crate) async fn register(registry: &WorkerRegistry, me: WorkerId) -> Option<Registration> {
    let registry = registry.clone();
    match blocking(move || registry.register(me)).await {
        Ok(registration) => Some(registration),
        Err(error) => {
            tracing::warn!(%error, "no lock in the data directory: if this process is killed, its brokers wait until its leases expire");
            None
        }
    }
}

/// Removes what registered it.
pub(crate) async fn deregister(registration: Option<Registration>) {
    let Some(registration) = registration else { return };
    if let Err(error) = blocking(move || registration.remove()).await {
        tracing::warn!(%error, "lock not removed from the data directory");
    }
}

/// Frees the brokers of dead provisioners of this data directory.
pub(crate) async fn expire(registry: &WorkerRegistry, store: &PgStore) {
    let registry = registry.clone();
    let expired = match blocking(move || registry.expired()).await {
        Ok(expired) => expired,
        Err(error) => {
            tracing::debug!(%error, "dead provisioners not found");
            return;
        }
    };
    for worker in expired {
        match store.release_worker(worker.id).await {
            Ok(brokers) => {
                tracing::info!(worker = %worker.id, brokers, "provisioner died; its brokers are released");
                if let Err(error) = blocking(move || worker.forget()).await {
                    tracing::warn!(%error, "lock of a dead provisioner not removed from the data directory");
                }
            }
            // Its file is still there.
            Err(error) => tracing::warn!(
                error = &error as &dyn std::error::Error,
                "brokers of a dead provisioner not released"
            ),
        }
    }
}

/// Does so again and again, until cancelled.
pub(crate) async fn keep_expiring(
    registry: WorkerRegistry,
    store: PgStore,
    shutdown: CancellationToken,
) {
    while !shutdown.is_cancelled() {
        expire(&registry, &store).await;
        pause_or_stop(INTERVAL, &shutdown).await;
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(io::Error::other)?
}
