//! Warm connections: those whose last statement ended well are handed on as they are.
//!
//! The pool of sqlx asks a connection for an answer each time it is given back, which is one more round trip for every
//! call. A connection that has just answered need not be asked, so it stays here, and goes back to that pool only every
//! [`RETENTION`], to be asked and to be closed when it is old.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use sqlx::{Error, Postgres, pool::PoolConnection};
use tokio::{
    runtime::Handle,
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{Instant, sleep, timeout},
};

use super::database_health::DatabaseHealth;

/// How long a connection is reused, or is idle, before it is given back.
const RETENTION: Duration = Duration::from_secs(10);
/// How long a connection that is given back may take to answer.
const RETURN_TIMEOUT: Duration = Duration::from_secs(3);

/// A connection that is closed when it is dropped, and never goes back by itself.
pub(super) struct Live(Option<PoolConnection<Postgres>>);

impl Live {
    pub(super) const fn new(live: PoolConnection<Postgres>) -> Self {
        Self(Some(live))
    }

    pub(super) fn connection(&mut self) -> Option<&mut PoolConnection<Postgres>> {
        self.0.as_mut()
    }

    /// Gives it back to the pool of sqlx, which asks the server for an answer.
    pub(super) async fn give_back(mut self) {
        if let Some(mut live) = self.0.take() {
            live.return_to_pool().await;
        }
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        if let Some(live) = self.0.take() {
            // Closes the socket, and frees the place in the pool, without waiting for anything.
            drop(live.detach());
        }
    }
}

/// The warm connections of a pool, and the permits for connections.
pub(super) struct Warm {
    places: Arc<Semaphore>,
    idle: Mutex<Idle>,
    database_health: Arc<DatabaseHealth>,
}

#[derive(Default)]
struct Idle {
    /// The one that was used last is the last.
    connections: Vec<IdleConnection>,
    /// Whether the task that gives back idle connections runs.
    is_swept: bool,
}

struct IdleConnection {
    live: Live,
    taken: Instant,
    since: Instant,
}

impl Warm {
    /// For a pool of so many connections.
    pub(super) fn new(most: u32, database_health: Arc<DatabaseHealth>) -> Arc<Self> {
        let most = usize::try_from(most).unwrap_or(usize::MAX).min(Semaphore::MAX_PERMITS);
        let places = Arc::new(Semaphore::new(most));
        Arc::new(Self { places, idle: Mutex::default(), database_health })
    }

    /// A permit for a connection: its holder finds one here, or a free place in the pool of sqlx.
    pub(super) async fn place(&self, time_limit: Duration) -> Result<OwnedSemaphorePermit, Error> {
        let place = timeout(time_limit, Arc::clone(&self.places).acquire_owned()).await;
        place.map_err(|_| Error::PoolTimedOut)?.map_err(|_| Error::PoolClosed)
    }

    /// The connection that was used last, with when it was taken from the pool of sqlx. Connections that may be dead
    /// are closed.
    pub(super) fn take(&self) -> Option<(Live, Instant)> {
        loop {
            let idle = self.idle().connections.pop()?;
            if !self.database_health.was_in_doubt_since(idle.since.elapsed()) {
                return Some((idle.live, idle.taken));
            }
        }
    }

    /// Keeps a connection whose last statement has ended well; returns it as an error if it has been kept for long.
    pub(super) fn keep(self: &Arc<Self>, live: Live, taken: Instant) -> Result<(), Live> {
        let now = Instant::now();
        if now - taken >= RETENTION {
            return Err(live);
        }
        let Ok(runtime) = Handle::try_current() else { return Err(live) };
        let mut idle = self.idle();
        idle.connections.push(IdleConnection { live, taken, since: now });
        if !std::mem::replace(&mut idle.is_swept, true) {
            drop(idle);
            let warm = Arc::downgrade(self);
            runtime.spawn(async move {
                loop {
                    sleep(RETENTION).await;
                    let Some(warm) = warm.upgrade() else { return };
                    if !warm.sweep().await {
                        return;
                    }
                }
            });
        }
        Ok(())
    }

    /// Gives back connections that are idle for long; returns whether any are left.
    async fn sweep(&self) -> bool {
        loop {
            // With a permit, so that no other task waits for the place that it takes in the pool of sqlx.
            let Ok(_place) = Arc::clone(&self.places).try_acquire_owned() else { return true };
            let live = {
                let mut idle = self.idle();
                if idle.connections.is_empty() {
                    idle.is_swept = false;
                    return false;
                }
                let is_old = |idle: &IdleConnection| idle.since.elapsed() >= RETENTION;
                let Some(old) = idle.connections.iter().position(is_old) else { return true };
                idle.connections.remove(old).live
            };
            // One that does not answer is closed.
            let _ = timeout(RETURN_TIMEOUT, live.give_back()).await;
        }
    }

    fn idle(&self) -> MutexGuard<'_, Idle> {
        // The state of a thread that panicked is valid.
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
