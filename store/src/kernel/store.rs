//! The store itself: its connections, its keys, its notifications.

use std::{sync::Arc, time::Duration};

use brokerd_domain::Entropy;
use secrecy::{ExposeSecret as _, SecretString};
use sqlx::{Connection as _, PgConnection, postgres::PgConnectOptions};
use tokio::time::{sleep, timeout};

use super::{
    batching::Batcher,
    broker_row::BrokerRowQuery,
    database_health::{DatabaseHealth, answers},
    error::StoreError,
    key_uses::KeyUses,
    metric_sources::SourceCache,
    notify::{Channel, Listener, Notifier},
    pool::{Limits, Pool, silence},
    seal::MasterKeys,
    sealed_column::Place,
    skipped::SkippedRows,
};

/// How long the first connection may take to be made.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// The store. Clones share one pool of connections.
///
/// # Errors
/// Every method fails with
/// * [`StoreError::Unavailable`] when the database does not answer in time,
/// * [`StoreError::Inconsistent`] when a row contradicts the rules of the domain,
/// * [`StoreError::Seal`] when it opens a value that another master key has sealed,
/// * [`StoreError::AccountDeleted`] when it writes for an account that was deleted meanwhile, and
/// * [`StoreError::Text`] or [`StoreError::Other`] when the database refuses.
///
/// Methods that fail in other ways say so.
#[derive(Clone)]
pub struct PgStore {
    pub(crate) pool: Pool,
    pub(crate) key: MasterKeys,
    pub(crate) entropy: Arc<dyn Entropy>,
    pub(crate) notifier: Notifier,
    pub(crate) skipped: Arc<SkippedRows>,
    pub(crate) key_uses: Arc<KeyUses>,
    pub(crate) broker_batcher: Batcher<BrokerRowQuery>,
    pub(crate) sources: Arc<SourceCache>,
}

impl std::fmt::Debug for PgStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PgStore").field("key", &self.key).finish_non_exhaustive()
    }
}

impl PgStore {
    /// Connects and migrates. Several processes may do so at once: migrations take a lock.
    ///
    /// For requests: a call without an answer after four seconds is [`StoreError::Unavailable`], and so is every call,
    /// at once, while the database counts as silent.
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
        let pool = Pool::new(max_connections, Limits::REQUEST, DatabaseHealth::of(options));
        let notifier = Notifier::start(pool.clone());
        let store = Self {
            pool,
            key: key.into(),
            entropy,
            notifier,
            skipped: Arc::default(),
            key_uses: Arc::default(),
            broker_batcher: Batcher::default(),
            sources: Arc::default(),
        };
        store.ping().await?;
        Ok(store)
    }

    /// The same store with a pool of its own, whose connections are made on demand. For background work: a call may
    /// take 15 seconds, if the database is never silent for five.
    #[must_use]
    pub fn with_own_connections(&self, most: u32) -> Self {
        let pool = self.pool.another(most, Limits::BACKGROUND);
        Self { pool, broker_batcher: Batcher::default(), ..self.clone() }
    }

    /// The same store for audited calls: the event of the task's [`AuditedCall`] is written in the transaction of each
    /// write. Without a call its writes fail.
    ///
    /// [`AuditedCall`]: crate::AuditedCall
    #[must_use]
    pub fn audited(&self) -> Self {
        Self { pool: self.pool.audited(), ..self.clone() }
    }

    /// Whether the database answers and is migrated.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when it does not answer.
    pub async fn ping(&self) -> Result<(), StoreError> {
        sqlx::query!("select count(*) as n from installation").fetch_one(&self.pool).await?;
        Ok(())
    }

    /// Starts listening. Earlier changes are not notified: listen first, then query.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when the database can't be reached.
    pub async fn listen(&self, channel: Channel) -> Result<Listener, StoreError> {
        Listener::start(&self.pool, channel).await
    }

    /// How many times rows of each table were skipped since the start, because they can't be read.
    pub fn skipped_rows(&self) -> Vec<(&'static str, u64)> {
        self.skipped.counts()
    }

    /// Seals a text for its place.
    pub(crate) fn seal_text(
        &self,
        place: &Place,
        text: &SecretString,
    ) -> Result<Vec<u8>, StoreError> {
        self.key.seal(&*self.entropy, place, text.expose_secret().as_bytes())
    }
}

/// Migrates over a connection of its own, because a migration has no time limit while the database answers.
async fn migrate(options: &PgConnectOptions) -> Result<(), StoreError> {
    let connecting = timeout(CONNECT_TIMEOUT, PgConnection::connect_with(options));
    let mut connection = connecting.await.map_err(|_| silence())??;
    let migrator = sqlx::migrate!("../migrations");
    let unanswered = async {
        loop {
            sleep(CONNECT_TIMEOUT).await;
            if !answers(options, CONNECT_TIMEOUT).await {
                return;
            }
        }
    };
    tokio::select! {
        migrated = migrator.run_direct(None, &mut connection, false) => migrated?,
        () = unanswered => return Err(silence().into()),
    }
    // If the close is lost, the server notices by itself.
    drop(timeout(CONNECT_TIMEOUT, connection.close()).await);
    Ok(())
}
