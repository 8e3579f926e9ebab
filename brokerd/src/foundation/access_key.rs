//! The first access key: in the database and in the data directory.

use brokerd_domain::{Clock, Entropy};
use brokerd_store::PgStore;

use crate::{
    config::Configuration,
    data_dir::{DataDir, generate_access_key},
};

/// Stores the access key of the data directory in the database. Without one, takes the first one of the account's root in the database; without
/// that, generates one.
///
/// # Errors
/// When the data directory or the database can't be read or written.
pub(super) async fn ensure(
    configuration: &Configuration,
    data_dir: &DataDir,
    store: &PgStore,
    clock: &dyn Clock,
    entropy: &dyn Entropy,
) -> anyhow::Result<()> {
    let key = match data_dir.access_key(&configuration.account)? {
        Some(key) => key,
        None => match store.first_access_key(&configuration.account).await? {
            Some(key) => data_dir.store_access_key(&key)?,
            None => {
                let fresh = generate_access_key(&configuration.account, entropy);
                data_dir.store_access_key(&fresh)?
            }
        },
    };
    store.add_access_key(&key, clock.now()).await?;
    Ok(())
}
