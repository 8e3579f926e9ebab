//! Whether this process can serve, for whoever asks.
//!
//! Strangers may ask as often as they like: what they get is at most a second old, and one question to the database
//! answers all who ask meanwhile.

use std::{sync::Arc, time::Duration};

use brokerd_store::{PgStore, StoreError};
use tokio::{sync::Mutex, time::Instant};

use crate::error::ApiError;

/// How old the answer may be.
const FRESH: Duration = Duration::from_secs(1);
/// The same while nothing was ever offered, so that a first start is noticed soon.
const FRESH_AT_FIRST: Duration = Duration::from_millis(200);

/// Something of this process that has to be well for it to be ready; an error is the reason why it is not, which
/// strangers read.
pub type ReadyCheck = Box<dyn Fn() -> Result<(), String> + Send + Sync>;

/// What the database had to say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Database {
    Ready,
    NothingOffered,
    Unavailable,
    Unusable,
}

/// Remembers how it is.
#[derive(Default)]
pub(crate) struct Readiness {
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
        let age = if self.was_ready { FRESH } else { FRESH_AT_FIRST };
        self.last.filter(|(at, _)| at.elapsed() < age).map(|(_, database)| database)
    }
}

impl Readiness {
    pub(crate) fn of(checks: Vec<ReadyCheck>) -> Self {
        Self { checks, ..Self::default() }
    }

    /// Nothing, or why this process is not ready.
    ///
    /// # Errors
    /// A 503 with the reason.
    pub(crate) async fn check(&self, store: &PgStore) -> Result<(), ApiError> {
        for check in &self.checks {
            check().map_err(ApiError::not_ready)?;
        }
        let reason = match self.database(store).await {
            Database::Ready => return Ok(()),
            Database::NothingOffered => {
                "No engine version is offered: either no provisioner has started yet, or no image is there."
            }
            Database::Unavailable => "The database does not answer.",
            Database::Unusable => "The database refuses what it is asked; the log says why.",
        };
        Err(ApiError::not_ready(reason))
    }

    /// How the database is. Those who ask while it is asked wait for the same answer.
    async fn database(&self, store: &PgStore) -> Database {
        let mut remembered = Arc::clone(&self.database).lock_owned().await;
        if let Some(fresh) = remembered.fresh() {
            return fresh;
        }
        let store = store.clone();
        // A task of its own, because who has asked may go away, and the next one would ask the database again.
        let asking = tokio::spawn(async move {
            let found = match store.offerings().await {
                Ok(offerings) if offerings.is_empty() => Database::NothingOffered,
                Ok(_) => Database::Ready,
                Err(StoreError::Unavailable(_)) => Database::Unavailable,
                Err(error) => {
                    tracing::error!(error = &error as &dyn std::error::Error, "not ready");
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
