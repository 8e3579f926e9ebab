//! Changes of one broker that are asked for at the same time.
//!
//! A change looks at the broker, decides and stores what it decided, which the store refuses if the broker has changed
//! in between. Those of one process queue up, so that none of them is in vain; one of another process may still come in
//! between, and then the change begins again.

use std::time::Duration;

use brokerd_domain::{Broker, Scope};
use tokio::{
    sync::{Mutex, MutexGuard},
    time::{Instant, timeout_at},
};

use crate::{ApiState, error::ApiError, extract::PathParams};

/// How long a change is tried: less than a request may take.
const PATIENCE: Duration = Duration::from_secs(20);
/// How many queues there are. Brokers that share one wait for each other, and for no longer than a few statements take.
const QUEUES: usize = 64;

/// Where changes wait for those of the same broker.
#[derive(Debug)]
pub(crate) struct Queues([Mutex<()>; QUEUES]);

impl Default for Queues {
    fn default() -> Self {
        Self(std::array::from_fn(|_| Mutex::new(())))
    }
}

/// The right to change a broker before all others of this process.
pub(crate) struct Turn<'a> {
    api: &'a ApiState,
    path: &'a PathParams,
    scope: &'a Scope,
    until: Instant,
    _held: MutexGuard<'a, ()>,
}

impl PathParams {
    /// Waits until it is this request's turn to change the broker of its path.
    ///
    /// # Errors
    /// The 404 of what is no broker's identifier; a 503 when others take too long.
    pub(crate) async fn turn<'a>(
        &'a self,
        api: &'a ApiState,
        scope: &'a Scope,
    ) -> Result<Turn<'a>, ApiError> {
        let id = self.broker_id()?.uuid().as_u128();
        let queue = usize::try_from(id % QUEUES as u128).unwrap_or_default();
        let until = Instant::now() + PATIENCE;
        let held = timeout_at(until, api.queues.0[queue].lock());
        let held = held.await.map_err(|_| ApiError::busy())?;
        Ok(Turn { api, path: self, scope, until, _held: held })
    }
}

impl Turn<'_> {
    /// The broker as it is now; again when the store says that it has changed since.
    ///
    /// # Errors
    /// The 404 of this broker; a 503 when it has changed each time for too long.
    pub(crate) async fn broker(&self) -> Result<Broker, ApiError> {
        if Instant::now() >= self.until {
            return Err(ApiError::busy());
        }
        self.path.broker(self.api, self.scope).await
    }
}
