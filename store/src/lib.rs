//! PostgreSQL: the only place that knows of tables.
//!
//! One method is one transaction. "Not found" is `Ok(None)`. Secrets are sealed before they leave
//! the process. Lease times are the database's; every other time comes in as an argument.

mod access;
mod address;
mod authorities;
mod brokers;
mod changes;
mod configurations;
mod create;
mod endpoints;
mod error;
mod faults;
mod installation;
mod leases;
mod notify;
mod offerings;
mod ownership;
mod passes;
mod pulled_images;
mod retention;
mod routes;
mod rows;
mod running_engines;
mod seal;
mod sealed;
mod secrets;
mod security_groups;
mod skipped;
mod tags;
mod types;
mod users;

use std::{sync::Arc, time::Duration};

use brokerd_domain::Entropy;
use sqlx::{
    Connection as _, PgPool,
    postgres::{PgConnectOptions, PgPoolOptions},
};

pub use address::ServerAddress;
pub use brokers::BrokerPage;
pub use error::StoreError;
pub use notify::{Channel, Heard, Listener};
pub use ownership::Term;
pub use retention::Pruned;
pub use routes::{RouteMoment, RouteReader};
pub use seal::{MasterKey, MasterKeys, ReadKeys};
pub use sealed::{Resealing, sealed_columns};
pub use types::{
    AccessKey, AddRevision, Allocation, CertificateAuthority, CreateOutcome, DeleteConfiguration,
    DeleteGroupOutcome, Entrance, FaultOutcome, Names, NewGroupOutcome, NewIds, Offering,
    RevisionLookup, Route, RouteChanges, RouteTable, StoredAuthority, UnreadableRoute,
    UpdateOutcome, UserOutcome, Work,
};

/// How long a call waits for a free connection before the database counts as unavailable.
const ACQUIRE_PATIENCE: Duration = Duration::from_secs(5);
/// How long a statement, a wait for a lock, and a transaction in which nothing happens may take, for the server.
const STATEMENT_LIMIT: &str = "15s";
const LOCK_LIMIT: &str = "5s";
const TRANSACTION_LIMIT: &str = "30s";
/// For how long an idle connection is taken to be what it was.
const IDLE_TRUSTED: Duration = Duration::from_secs(30);
/// How long an idle connection may take to answer before another one is made.
const IDLE_PATIENCE: Duration = Duration::from_secs(1);

/// The store. Clones share one pool of connections.
#[derive(Clone)]
pub struct PgStore {
    pool: PgPool,
    key: MasterKeys,
    entropy: Arc<dyn Entropy>,
    notifier: notify::Notifier,
    skipped: Arc<skipped::SkippedRows>,
}

impl std::fmt::Debug for PgStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PgStore").field("key", &self.key).finish_non_exhaustive()
    }
}

impl PgStore {
    /// Connects and migrates. Several processes may do so at once: migrations take a lock.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when the database can't be reached, [`StoreError::Newer`] when a later
    /// version has migrated it, [`StoreError::Other`] when it can't be migrated.
    pub async fn connect(
        database_url: &str,
        max_connections: u32,
        key: impl Into<MasterKeys>,
        entropy: Arc<dyn Entropy>,
    ) -> Result<Self, StoreError> {
        let options: PgConnectOptions = database_url.parse()?;
        // By a connection of its own: a migration may take as long as it takes.
        let single = PgPoolOptions::new().max_connections(1).connect_with(options.clone()).await?;
        sqlx::migrate!("../migrations").run(&single).await?;
        single.close().await;
        let pool = pool_options(max_connections).connect_with(limited(options)).await?;
        let notifier = notify::Notifier::start(pool.clone());
        Ok(Self { pool, key: key.into(), entropy, notifier, skipped: Arc::default() })
    }

    /// The same store over connections of its own, which are made when they are needed: whatever waits for those of
    /// others does not wait for these.
    #[must_use]
    pub fn with_own_connections(&self, most: u32) -> Self {
        let options = self.pool.connect_options().as_ref().clone();
        let pool = pool_options(most).connect_lazy_with(options);
        Self { pool, ..self.clone() }
    }

    /// Whether the database answers and is migrated.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when it does not answer.
    pub async fn ping(&self) -> Result<(), StoreError> {
        sqlx::query!("select count(*) as n from installation").fetch_one(&self.pool).await?;
        Ok(())
    }
}

/// With time limits that the server keeps, so that no statement and no lock holds a connection for ever.
fn limited(options: PgConnectOptions) -> PgConnectOptions {
    options.options([
        ("statement_timeout", STATEMENT_LIMIT),
        ("lock_timeout", LOCK_LIMIT),
        ("idle_in_transaction_session_timeout", TRANSACTION_LIMIT),
        // Of a client that is gone without a word, so that what it locked is free.
        ("tcp_keepalives_idle", "15"),
        ("tcp_keepalives_interval", "5"),
        ("tcp_keepalives_count", "3"),
    ])
}

fn pool_options(max_connections: u32) -> PgPoolOptions {
    PgPoolOptions::new()
        .max_connections(max_connections)
        .acquire_timeout(ACQUIRE_PATIENCE)
        // Asking each connection before its use would double the round trips of every call. One that has been idle
        // may have been cut off since, and is asked first.
        .test_before_acquire(false)
        .before_acquire(|connection, meta| {
            Box::pin(async move {
                if meta.idle_for < IDLE_TRUSTED {
                    return Ok(true);
                }
                let asked = tokio::time::timeout(IDLE_PATIENCE, connection.ping()).await;
                Ok(matches!(asked, Ok(Ok(()))))
            })
        })
}
