//! Removes what is left in the runtime of brokers that do not exist any more.
//!
//! The runtime is listed first and the store asked second. Only what belongs to a broker that this store
//! deleted is an orphan: a worker that slept through its lease may have made it. What the store never knew
//! stays, because the store may be an older backup or an empty one. An orphan goes when it was seen twice,
//! a grace period apart.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use brokerd_domain::{
    BrokerId, Clock, InstallationId, Timestamp,
    instance::{InstanceName, Volumes},
};
use brokerd_store::StoreError;

use crate::{
    metrics::Metrics,
    pause::pause_or_stop,
    reconcile::ReconcileStore,
    runtime::{Runtime, RuntimeError, RuntimeObject},
    tasks::repeat::{AGAIN, Rounds},
};

/// How long an object must have been an orphan.
const GRACE: Duration = Duration::from_secs(60);

/// How often to look.
const INTERVAL: Duration = Duration::from_secs(60);

/// What a sweep uses.
#[derive(Clone)]
pub struct SweepContext {
    /// What may have orphans.
    pub runtime: Arc<dyn Runtime>,
    /// Which brokers were deleted.
    pub store: Arc<dyn ReconcileStore>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Whose objects these are.
    pub installation: InstallationId,
    /// What is counted.
    pub metrics: Metrics,
}

/// Why a sweep did not do all it should.
#[derive(Debug, thiserror::Error)]
pub enum SweepError {
    /// The runtime did not list what it has, or did not remove all that it should.
    #[error(transparent)]
    Runtime(RuntimeError),
    /// The store did not say what it has deleted.
    #[error(transparent)]
    Store(StoreError),
}

/// The orphans, and since when each is one.
pub struct Sweeper {
    shared: SweepContext,
    seen: BTreeMap<RuntimeObject, Timestamp>,
}

/// Removes orphans until cancelled.
pub(crate) async fn run(shared: SweepContext, rounds: Rounds) {
    let mut sweeper = Sweeper::new(shared);
    while !rounds.shutdown.is_cancelled() {
        let pause = match sweeper.sweep().await {
            // A runtime that is away does not make the process unready. When it last succeeded is told all the same.
            Err(SweepError::Runtime(error)) => {
                tracing::warn!(%error, "orphans not listed, or not all removed");
                INTERVAL
            }
            swept => rounds.tell("orphans not looked for", swept).map_or(AGAIN, |_| INTERVAL),
        };
        pause_or_stop(pause, &rounds.shutdown).await;
    }
}

impl Sweeper {
    /// Has seen nothing yet.
    pub const fn new(shared: SweepContext) -> Self {
        Self { shared, seen: BTreeMap::new() }
    }

    /// Looks once, and removes what has been an orphan for long enough. Gives back how many objects
    /// it removed.
    ///
    /// # Errors
    /// The first failure; nothing is removed when the world can't be seen whole. What can't be removed
    /// keeps nothing else from being removed.
    pub async fn sweep(&mut self) -> Result<usize, SweepError> {
        let objects = self.shared.runtime.list().await.map_err(SweepError::Runtime)?;
        let mut brokers: Vec<BrokerId> = objects.iter().map(|o| o.broker).collect();
        brokers.sort_unstable();
        brokers.dedup();
        let forgotten = self.shared.store.forgotten(&brokers).await;
        let forgotten: BTreeSet<BrokerId> =
            forgotten.map_err(SweepError::Store)?.into_iter().collect();
        let now = self.shared.clock.now();
        let orphans: Vec<RuntimeObject> =
            objects.into_iter().filter(|o| forgotten.contains(&o.broker)).collect();
        self.seen.retain(|object, _| orphans.contains(object));
        let (mut removed, mut failure) = (0, None);
        for object in orphans {
            let since = *self.seen.entry(object.clone()).or_insert(now);
            if now.since(since) < GRACE {
                continue;
            }
            let name = InstanceName {
                installation: self.shared.installation.clone(),
                broker: object.broker,
                ordinal: object.ordinal.unwrap_or(1),
            };
            tracing::warn!(%name, "removing an orphan: no broker has this object");
            if let Err(error) = self.shared.runtime.remove(&name, Volumes::Delete).await {
                failure.get_or_insert(SweepError::Runtime(error));
                continue;
            }
            self.shared.metrics.orphans_removed.inc();
            self.seen.remove(&object);
            removed += 1;
        }
        failure.map_or(Ok(removed), Err)
    }
}
