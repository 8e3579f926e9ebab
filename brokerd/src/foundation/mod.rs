//! What every role is built on: the database, the master keys, the certificate authorities, the access key.

mod access_key;
mod authorities;
mod database;
pub(crate) mod master_keys;

use std::{net::SocketAddr, sync::Arc, time::Duration};

use anyhow::bail;
use brokerd_domain::{Clock, Entropy};
use brokerd_provisioner::pki::authorities::Authorities;
use brokerd_store::{PgStore, StoreError};
use tokio::time::{Instant, sleep};

pub(crate) use self::database::{connect_once, explain};
use crate::{
    config::{Configuration, DatabaseUrl},
    data_dir::DataDir,
    system::SystemClock,
    urls,
};

/// What every role is built on.
pub(crate) struct Foundation {
    pub(crate) configuration: Configuration,
    pub(crate) store: PgStore,
    pub(crate) authorities: Arc<Authorities>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) entropy: Arc<dyn Entropy>,
}

impl Foundation {
    /// Connects to the database and sets up what is missing in it and in the data directory. A database that is away is
    /// waited for up to `time_limit`, without end if that is none. `api` is where the API listens, if this process serves
    /// it.
    ///
    /// # Errors
    /// An error whose text is shown to the user.
    pub(crate) async fn set_up(
        configuration: &Configuration,
        api: Option<SocketAddr>,
        url: &DatabaseUrl,
        time_limit: Option<Duration>,
        entropy: &Arc<dyn Entropy>,
    ) -> anyhow::Result<Self> {
        let began = Instant::now();
        loop {
            let left = time_limit.map(|time_limit| time_limit.saturating_sub(began.elapsed()));
            let error = match Self::try_set_up(configuration, api, url, left, entropy).await {
                Ok(foundation) => return Ok(foundation),
                Err(error) => error,
            };
            // A database that goes away in the middle is waited for like one that is not there yet.
            let is_transient = error.chain().any(|cause| {
                matches!(cause.downcast_ref::<StoreError>(), Some(StoreError::Unavailable(_)))
            });
            if !is_transient || left.is_some_and(|left| left.is_zero()) {
                return Err(error);
            }
            tracing::warn!(error = format!("{error:#}"), "database lost during the start; retried");
            sleep(database::RETRY).await;
        }
    }

    async fn try_set_up(
        configuration: &Configuration,
        api: Option<SocketAddr>,
        url: &DatabaseUrl,
        time_limit: Option<Duration>,
        entropy: &Arc<dyn Entropy>,
    ) -> anyhow::Result<Self> {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let data_dir = DataDir::at(&configuration.data_dir);
        let keys = master_keys::load(configuration, Some(&**entropy))?;
        let store = database::connect(configuration, url, &keys, entropy, time_limit).await?;

        let wanted = &configuration.installation;
        let stored = store.installation(wanted).await.map_err(|error| explain(error, url))?;
        if stored != *wanted {
            bail!(
                "this database belongs to the installation {stored}, not {wanted}: set BROKERD_INSTALLATION={stored} or use another database"
            );
        }
        let authorities = authorities::ensure(configuration, &store, &*clock, &**entropy)
            .await?
            .map_err(|error| explain(error, url))?;
        let authorities = Arc::new(authorities);
        data_dir.write_ca(&authorities.status(clock.now()).trusted_pem())?;
        access_key::ensure(configuration, &data_dir, &store, &*clock, &**entropy)
            .await
            .map_err(|error| error.context("can't set up the access key"))?;
        if let Some(address) = api {
            data_dir.write_api_url(&urls::api_url(configuration, address))?;
        }
        Ok(Self {
            configuration: configuration.clone(),
            store,
            authorities,
            clock,
            entropy: Arc::clone(entropy),
        })
    }
}
