//! The brokers that measure and the places of their series, as far as this process records them.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use brokerd_domain::{BrokerId, Scope, metric::SeriesKey};
use uuid::Uuid;

/// After how many minutes without a sample a broker is forgotten here.
const FORGOTTEN_AFTER: i32 = 60;

/// A series in its broker's rows.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Slot {
    pub(crate) slot: i32,
    /// The stored time of its last sample.
    pub(crate) last_at: i32,
}

/// A broker that measures.
#[derive(Debug)]
pub(crate) struct Source {
    pub(crate) id: i32,
    pub(crate) scope: Scope,
    pub(crate) slots: HashMap<SeriesKey, Slot>,
    /// The last minute in which it was recorded.
    pub(crate) used: i32,
}

/// A cache of the brokers and their series. All of it is in the database, too.
#[derive(Debug, Default)]
pub(crate) struct SourceCache(Mutex<HashMap<BrokerId, Source>>);

impl SourceCache {
    pub(crate) fn lock(&self) -> MutexGuard<'_, HashMap<BrokerId, Source>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Forgets brokers that have not been recorded for long.
    pub(crate) fn forget_before(&self, now: i32) {
        self.lock().retain(|_, source| now.saturating_sub(source.used) <= FORGOTTEN_AFTER);
    }

    /// Forgets these brokers, because they differ from the database.
    pub(crate) fn forget_these(&self, sources: &[i32]) {
        self.lock().retain(|_, source| !sources.contains(&source.id));
    }

    /// Which of these brokers are not known.
    pub(crate) fn unknown(&self, brokers: &[BrokerId]) -> Vec<Uuid> {
        let known = self.lock();
        brokers.iter().filter(|id| !known.contains_key(id)).map(|id| id.uuid()).collect()
    }
}
