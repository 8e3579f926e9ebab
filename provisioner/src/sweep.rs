//! Removes what is left in the runtime of brokers that do not exist any more.
//!
//! The runtime is listed first and the store asked second. Only what belongs to a broker that this store
//! deleted is an orphan: a worker that slept through its lease may have made it. What the store never knew
//! stays, because the store may be an older backup or an empty one. An orphan goes when it was seen twice,
//! a grace period apart.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use brokerd_domain::{BrokerId, Timestamp};

use crate::{
    pass::Context,
    runtime::{InstanceName, RuntimeObject, Volumes},
};

/// How long an object must have been an orphan.
const GRACE: Duration = Duration::from_secs(60);

/// What was seen orphaned, and since when.
#[derive(Debug, Default)]
pub struct Sweeper {
    seen: BTreeMap<RuntimeObject, Timestamp>,
}

impl Sweeper {
    /// Looks once, and removes what has been an orphan for long enough. Gives back how many objects
    /// it removed.
    ///
    /// # Errors
    /// The sentence of the first failure; nothing is removed when the world can't be seen whole. What can't be removed
    /// keeps nothing else from being removed.
    pub async fn sweep(&mut self, context: &Context) -> Result<usize, String> {
        let objects = context.runtime.list().await.map_err(|error| error.to_string())?;
        let mut brokers: Vec<BrokerId> = objects.iter().map(|o| o.broker).collect();
        brokers.sort_unstable();
        brokers.dedup();
        let forgotten = context.store.forgotten(&brokers).await;
        let forgotten: BTreeSet<BrokerId> =
            forgotten.map_err(|error| error.to_string())?.into_iter().collect();
        let now = context.clock.now();
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
                installation: context.installation.clone(),
                broker: object.broker,
                ordinal: object.ordinal.unwrap_or(1),
            };
            tracing::warn!(%name, "removing an orphan: no broker has this object");
            if let Err(error) = context.runtime.remove(&name, Volumes::Delete).await {
                failure.get_or_insert_with(|| error.to_string());
                continue;
            }
            context.metrics.orphans_removed.inc();
            self.seen.remove(&object);
            removed += 1;
        }
        failure.map_or(Ok(removed), Err)
    }
}
