//! The connection to the database.

use std::{sync::Arc, time::Duration};

use brokerd_domain::Entropy;
use brokerd_store::{MasterKeys, PgStore, StoreError};
use tokio::time::{Instant, sleep};

use crate::{
    config::{Configuration, DatabaseUrl},
    system::OsEntropy,
};

/// The pause before another attempt to connect.
pub(super) const RETRY: Duration = Duration::from_millis(500);
const COMMAND_CONNECTIONS: u32 = 2;
const PROGRESS_INTERVAL: Duration = Duration::from_secs(5);

/// The store for a command, which does not wait for the database.
///
/// # Errors
/// An error whose text is shown to the user.
pub(crate) async fn connect_once(
    configuration: &Configuration,
    keys: &MasterKeys,
) -> anyhow::Result<PgStore> {
    let entropy: Arc<dyn Entropy> = Arc::new(OsEntropy);
    let url = configuration.database_url()?;
    let store = connect(configuration, &url, keys, &entropy, Some(Duration::ZERO)).await?;
    // A command may read whole tables: its statements have no deadline.
    Ok(store.with_own_connections(COMMAND_CONNECTIONS))
}

/// Connects, waiting for a database that is away up to `time_limit`, without end if that is none.
///
/// # Errors
/// An error whose text is shown to the user.
pub(super) async fn connect(
    configuration: &Configuration,
    url: &DatabaseUrl,
    keys: &MasterKeys,
    entropy: &Arc<dyn Entropy>,
    time_limit: Option<Duration>,
) -> anyhow::Result<PgStore> {
    let deadline = time_limit.map(|time_limit| Instant::now() + time_limit);
    let mut next_progress = Instant::now();
    loop {
        let most = configuration.database.max_connections;
        let error =
            match PgStore::connect(url.expose(), most, keys.clone(), Arc::clone(entropy)).await {
                Ok(store) => return Ok(store),
                Err(error @ StoreError::Unavailable(_))
                    if deadline.is_none_or(|deadline| Instant::now() < deadline) =>
                {
                    error
                }
                Err(error) => return Err(explain(error, url)),
            };
        if Instant::now() >= next_progress {
            next_progress = Instant::now() + PROGRESS_INTERVAL;
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                database = url.redacted(),
                "waiting for the database"
            );
        }
        sleep(RETRY).await;
    }
}

/// The error with advice for the user.
pub(crate) fn explain(error: StoreError, url: &DatabaseUrl) -> anyhow::Error {
    let url = url.redacted();
    let advice = match &error {
        StoreError::Unavailable(_) => {
            format!("can't reach {url}: start that PostgreSQL or correct DATABASE_URL")
        }
        StoreError::Seal(_) => {
            format!("the master key is not the one {url} was made with: restore that key")
        }
        StoreError::Other(_) => format!(
            "can't use {url}: see that its user, password and database are right and that the user may create tables"
        ),
        StoreError::Newer(_) => format!(
            "{url} was used by a later version of brokerd: start that version, or one after it"
        ),
        StoreError::LeaseLost
        | StoreError::NoPorts(..)
        | StoreError::Inconsistent { .. }
        | StoreError::Text(_)
        | StoreError::AccountDeleted => {
            format!("can't use {url}")
        }
    };
    anyhow::Error::new(error).context(advice)
}
