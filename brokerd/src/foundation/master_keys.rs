//! The master keys, which seal secrets in the database.

use std::{
    path::PathBuf,
    sync::atomic::{AtomicBool, Ordering},
};

use anyhow::Context as _;
use brokerd_domain::Entropy;
use brokerd_store::MasterKeys;

use crate::{
    config::Configuration,
    data_dir::{self, DataDir},
};

/// The configured keys. With `entropy`, one is generated where there is none yet.
///
/// # Errors
/// When there is none, or what is there is no key.
pub(crate) fn load(
    configuration: &Configuration,
    entropy: Option<&dyn Entropy>,
) -> anyhow::Result<MasterKeys> {
    if let Some(text) = &configuration.secrets.master_key {
        return data_dir::parse_master_keys(text.expose())
            .and_then(MasterKeys::of)
            .context("secrets.master_key is not 64 hexadecimal digits, or several such keys separated by commas");
    }
    let directory = DataDir::at(&configuration.data_dir);
    if let (None, Some(entropy)) = (&configuration.secrets.master_key_file, entropy) {
        directory.ensure_master_key(entropy)?;
    }
    let path = path(configuration).unwrap_or_default();
    data_dir::master_keys_in(&path)?;
    MasterKeys::read_by(reading(path.clone()))
        .with_context(|| format!("there is no master key in {}", path.display()))
}

/// The file of the keys; none: they are in the configuration itself.
pub(crate) fn path(configuration: &Configuration) -> Option<PathBuf> {
    let secrets = &configuration.secrets;
    if secrets.master_key.is_some() {
        return None;
    }
    let directory = DataDir::at(&configuration.data_dir);
    Some(secrets.master_key_file.clone().unwrap_or_else(|| directory.master_key_path()))
}

/// Reads the file again when asked. That it can't be read is logged once.
fn reading(path: PathBuf) -> Box<brokerd_store::ReadKeys> {
    let logged = AtomicBool::new(false);
    Box::new(move || match data_dir::master_keys_in(&path) {
        Ok(keys) => {
            logged.store(false, Ordering::Relaxed);
            Some(keys)
        }
        Err(error) => {
            if !logged.swap(true, Ordering::Relaxed) {
                let error = &error as &dyn std::error::Error;
                tracing::error!(error, "master keys not read again; the former ones stay in use");
            }
            None
        }
    })
}
