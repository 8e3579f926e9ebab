//! Changes of one broker by requests at the same time.
//!
//! A change reads the broker, decides, and stores the decision, which the store refuses if the broker has changed
//! since. The changes of one process take turns, so that they don't make each other fail. After a change by another
//! process the decision is made again.

use std::{future::Future, time::Duration};

use brokerd_domain::Broker;
use brokerd_store::PgStore;
use tokio::{
    sync::{Mutex, MutexGuard},
    time::{Instant, timeout_at},
};

use crate::{
    auth::Signed,
    http::{error::ApiError, path::PathParams},
};

/// How long a change is tried: less than a request may take.
const TIMEOUT: Duration = Duration::from_secs(20);
/// The number of locks. Brokers that share one wait for each other for a few statements.
const LOCKS: usize = 64;

/// Locks by which the changes of a broker take turns.
#[derive(Debug)]
pub(crate) struct BrokerLocks([Mutex<()>; LOCKS]);

impl Default for BrokerLocks {
    fn default() -> Self {
        Self(std::array::from_fn(|_| Mutex::new(())))
    }
}

/// The right to change the broker of a path, while no other request of this process has it.
pub(crate) struct LockedBroker<'a> {
    store: &'a PgStore,
    path: &'a PathParams,
    signed: &'a Signed,
    until: Instant,
    _lock: MutexGuard<'a, ()>,
}

impl BrokerLocks {
    /// Waits until no other request of this process changes the broker of the path.
    ///
    /// # Errors
    /// A 503 if other changes take too long.
    pub(crate) async fn lock<'a>(
        &'a self,
        store: &'a PgStore,
        path: &'a PathParams,
        signed: &'a Signed,
    ) -> Result<LockedBroker<'a>, ApiError> {
        // What is no identifier takes any lock: it is refused when it is read, after the caller was found to be allowed.
        let id = path.broker_id().map_or(0, |id| id.uuid().as_u128());
        let lock = usize::try_from(id % LOCKS as u128).unwrap_or_default();
        let until = Instant::now() + TIMEOUT;
        let lock = timeout_at(until, self.0[lock].lock()).await.map_err(|_| ApiError::busy())?;
        Ok(LockedBroker { store, path, signed, until, _lock: lock })
    }
}

impl LockedBroker<'_> {
    /// The broker as it is now. Whether the caller may change it is decided by the tags that it has now.
    ///
    /// # Errors
    /// The 403 of a caller who may not; the 404 of this broker; a 503 when the time for the change is over.
    pub(crate) async fn read(&self) -> Result<Broker, ApiError> {
        if Instant::now() >= self.until {
            return Err(ApiError::busy());
        }
        self.path.broker(self.store, self.signed).await
    }

    /// Runs `change` with the broker as it is now, and again as long as it returns none, which means that the store
    /// refused it because the broker had changed since it was read.
    ///
    /// # Errors
    /// As [`Self::read`]; the error of `change`.
    pub(crate) async fn retry_on_conflict<T, F>(
        &self,
        mut change: impl FnMut(Broker) -> F,
    ) -> Result<T, ApiError>
    where
        F: Future<Output = Result<Option<T>, ApiError>>,
    {
        loop {
            if let Some(done) = change(self.read().await?).await? {
                return Ok(done);
            }
        }
    }
}
