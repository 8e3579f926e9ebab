//! Readiness of the process.
//!
//! Anybody may ask as often as they like, so the answer is remembered for a second, and one query to the database
//! serves all requests that wait for it.

use std::{sync::Arc, time::Duration};

use brokerd_store::{PgStore, StoreError};
use tokio::{sync::Mutex, time::Instant};

use crate::http::error::ApiError;

/// How old the answer may be.
const CACHE_TTL: Duration = Duration::from_secs(1);
/// The same while nothing was ever offered, so that a first start is noticed soon.
const FIRST_CACHE_TTL: Duration = Duration::from_millis(200);

/// A part of the process that must be well for the process to be ready. The error is the reason, which anybody can
/// read.
pub type ReadyCheck = Box<dyn Fn() -> Result<(), String> + Send + Sync>;

/// The state of the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Database {
    Ready,
    NothingOffered,
    Unavailable,
    Unusable,
}

/// Checks readiness, and remembers the state of the database.
pub(crate) struct Readiness {
    store: PgStore,
    checks: Vec<ReadyCheck>,
    database: Arc<Mutex<Remembered>>,
}

#[derive(Debug, Default)]
struct Remembered {
    last: Option<(Instant, Database)>,
    was_ready: bool,
}

impl Remembered {
    fn fresh(&self) -> Option<Database> {
        let age = if self.was_ready { CACHE_TTL } else { FIRST_CACHE_TTL };
        self.last.filter(|(at, _)| at.elapsed() < age).map(|(_, database)| database)
    }
}

impl Readiness {
    /// `checks` are made in that order, before the database.
    pub(crate) fn new(store: PgStore, checks: Vec<ReadyCheck>) -> Self {
        Self { store, checks, database: Arc::default() }
    }

    /// Checks whether the process is ready.
    ///
    /// # Errors
    /// A 503 with the reason.
    pub(crate) async fn check(&self) -> Result<(), ApiError> {
        for check in &self.checks {
            check().map_err(ApiError::not_ready)?;
        }
        let reason = match self.database().await {
            Database::Ready => return Ok(()),
            Database::NothingOffered => {
                "No engine version is offered: either no provisioner has started yet, or no image is there."
            }
            Database::Unavailable => "The database does not answer.",
            Database::Unusable => "The database refuses what it is asked; the log says why.",
        };
        Err(ApiError::not_ready(reason))
    }

    /// The state of the database. Requests that come during the query wait for its answer.
    async fn database(&self) -> Database {
        let mut remembered = Arc::clone(&self.database).lock_owned().await;
        if let Some(fresh) = remembered.fresh() {
            return fresh;
        }
        let store = self.store.clone();
        // A task of its own, because the request may end first, and the next one would query the database again.
        let asking = tokio::spawn(async move {
            let found = match store.offerings().await {
                Ok(offerings) if offerings.is_empty() => Database::NothingOffered,
                Ok(_) => Database::Ready,
                Err(StoreError::Unavailable(_)) => Database::Unavailable,
                Err(error) => {
                    tracing::error!(
                        error = &error as &dyn std::error::Error,
                        "not ready: the database refused a query"
                    );
                    Database::Unusable
                }
            };
            remembered.was_ready |= found == Database::Ready;
            remembered.last = Some((Instant::now(), found));
            found
        });
        asking.await.unwrap_or(Database::Unusable)
    }
}
