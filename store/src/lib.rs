//! PostgreSQL: the only place that knows of tables.
//!
//! One method is one transaction. "Not found" is `Ok(None)`. Secrets are sealed before they leave
//! the process. Lease times are the database's; every other time comes in as an argument.

mod access;
mod address;
mod authorities;
mod availability;
mod batching;
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
mod pool;
mod pulled_images;
mod retention;
mod room;
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
use sqlx::{Connection as _, PgConnection, postgres::PgConnectOptions};
use tokio::time::{sleep, timeout};

use crate::{
    availability::{Availability, answers},
    pool::{Limits, Pool, silence},
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

/// How long the first connection may take to be made.
const CONNECT_PATIENCE: Duration = Duration::from_secs(5);

/// The store. Clones share one pool of connections.
#[derive(Clone)]
pub struct PgStore {
    pool: Pool,
    key: MasterKeys,
    entropy: Arc<dyn Entropy>,
    notifier: notify::Notifier,
    skipped: Arc<skipped::SkippedRows>,
    broker_batcher: batching::Batcher<brokers::RowOf>,
}

impl std::fmt::Debug for PgStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PgStore").field("key", &self.key).finish_non_exhaustive()
    }
}

impl PgStore {
    /// Connects and migrates. Several processes may do so at once: migrations take a lock.
    ///
    /// Requests wait for the connections of this store: a call that has no answer after four seconds is
    /// [`StoreError::Unavailable`], and while the database answers nobody every call is, at once.
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
        migrate(&options).await?;
        let pool = Pool::new(max_connections, Limits::REQUEST, Availability::of(options));
        let notifier = notify::Notifier::start(pool.clone());
        let store = Self {
            pool,
            key: key.into(),
            entropy,
            notifier,
            skipped: Arc::default(),
            broker_batcher: batching::Batcher::default(),
        };
        store.ping().await?;
        Ok(store)
    }

    /// The same store over connections of its own, which are made when they are needed: whatever waits for those of
    /// others does not wait for these. Nobody waits for its calls: they may take 15 seconds as a whole, if the database
    /// is never silent for five.
    #[must_use]
    pub fn with_own_connections(&self, most: u32) -> Self {
        let pool = self.pool.another(most, Limits::BACKGROUND);
        Self { pool, broker_batcher: batching::Batcher::default(), ..self.clone() }
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

/// Migrates, by a connection of its own: a migration may take as long as it takes, while the database answers.
async fn migrate(options: &PgConnectOptions) -> Result<(), StoreError> {
    let connecting = timeout(CONNECT_PATIENCE, PgConnection::connect_with(options));
    let mut connection = connecting.await.map_err(|_| silence())??;
    let migrator = sqlx::migrate!("../migrations");
    let unanswered = async {
        loop {
            sleep(CONNECT_PATIENCE).await;
            if !answers(options, CONNECT_PATIENCE).await {
                return;
            }
        }
    };
    tokio::select! {
        migrated = migrator.run_direct(None, &mut connection, false) => migrated?,
        () = unanswered => return Err(silence().into()),
    }
    // The server notices by itself, should it not be told.
    drop(timeout(CONNECT_PATIENCE, connection.close()).await);
    Ok(())
}
