//! The master keys, and `brokerd master-key`, which replaces them while brokerd serves.

use std::{
    path::{Path, PathBuf},
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use anyhow::{Context as _, bail, ensure};
use brokerd_domain::Entropy;
use brokerd_store::{MasterKey, MasterKeys, PgStore, Resealing};
use clap::Subcommand;
use tokio::time::{Instant, sleep};

use crate::{
    cli::print,
    config::Configuration,
    home::{self, Home, KeyFile},
    serve,
    system::OsEntropy,
};

/// For how long a value may still be sealed with the former key: others read the keys again within two seconds,
/// and what they had begun by then may wait for the database.
const SETTLES: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_millis(500);
const TELL_EVERY: Duration = Duration::from_secs(1);

#[derive(Debug, Clone, Copy, Subcommand)]
pub(crate) enum MasterKeyCommand {
    /// Print the ids of the master keys, and how many values each has sealed
    Show,
    /// Make another master key and seal every value with it; goes on with a rotation that was ended
    Rotate,
    /// Remove the master keys that no value is sealed with
    Retire,
}

/// The configured keys. With `entropy`, one is made where there is none yet.
pub(crate) fn load(
    configuration: &Configuration,
    entropy: Option<&dyn Entropy>,
) -> anyhow::Result<MasterKeys> {
    if let Some(text) = &configuration.secrets.master_key {
        return home::parse_master_keys(text.expose())
            .and_then(MasterKeys::of)
            .context("secrets.master_key is not 64 hexadecimal digits, or several such keys separated by commas");
    }
    let home = Home::at(&configuration.data_dir);
    if let (None, Some(entropy)) = (&configuration.secrets.master_key_file, entropy) {
        home.ensure_master_key(entropy)?;
    }
    let path = path(configuration).unwrap_or_default();
    home::master_keys_in(&path)?;
    MasterKeys::read_by(reading(path.clone()))
        .with_context(|| format!("there is no master key in {}", path.display()))
}

/// The file that the keys are in; none: they are in the configuration itself.
fn path(configuration: &Configuration) -> Option<PathBuf> {
    let secrets = &configuration.secrets;
    if secrets.master_key.is_some() {
        return None;
    }
    let home = Home::at(&configuration.data_dir);
    Some(secrets.master_key_file.clone().unwrap_or_else(|| home.master_key_path()))
}

/// Reads the file, and tells once that it can't be read.
fn reading(path: PathBuf) -> Box<brokerd_store::ReadKeys> {
    let told = AtomicBool::new(false);
    Box::new(move || match home::master_keys_in(&path) {
        Ok(keys) => {
            told.store(false, Ordering::Relaxed);
            Some(keys)
        }
        Err(error) => {
            if !told.swap(true, Ordering::Relaxed) {
                let error = &error as &dyn std::error::Error;
                tracing::error!(
                    error,
                    "the master keys can't be read again; they stay as they were"
                );
            }
            None
        }
    })
}

/// Does what was asked for.
pub(crate) async fn run(
    command: MasterKeyCommand,
    configuration: &Configuration,
) -> anyhow::Result<()> {
    let path = path(configuration);
    match command {
        MasterKeyCommand::Show => show(configuration).await,
        MasterKeyCommand::Rotate => rotate(configuration, path.as_deref()).await,
        MasterKeyCommand::Retire => {
            let path = path.context("secrets.master_key is not in a file: remove the former keys there by hand, once `brokerd master-key show` says that they have sealed nothing")?;
            retire(configuration, &path).await
        }
    }
}

async fn connect(configuration: &Configuration) -> anyhow::Result<(MasterKeys, PgStore)> {
    let keys = load(configuration, None)?;
    Ok((keys.clone(), serve::connect_once(configuration, &keys).await?))
}

async fn show(configuration: &Configuration) -> anyhow::Result<()> {
    let (keys, store) = connect(configuration).await?;
    let mut counts = store.sealed_values().await?;
    for (at, key) in keys.all().iter().enumerate() {
        let count = counts.remove(&key.id()).unwrap_or(0);
        let role = if at == 0 { "seals and opens" } else { "opens" };
        print(&format!("{} {role}, has sealed {count} values\n", key.id()))?;
    }
    for (id, count) in counts {
        print(&format!("{id} is missing, has sealed {count} values\n"))?;
    }
    Ok(())
}

async fn rotate(configuration: &Configuration, path: Option<&Path>) -> anyhow::Result<()> {
    let (keys, store) = connect(configuration).await?;
    let counts = store.sealed_values().await?;
    let all = keys.all();
    let is_known = |id: &String| all.iter().any(|key| key.id() == *id);
    ensure!(
        counts.is_empty() || counts.keys().any(is_known),
        "the master key is not the one this database was made with: restore that key"
    );
    let has_sealed = |key: &MasterKey| counts.contains_key(&key.id());
    if all.iter().skip(1).any(has_sealed) {
        print("going on: not every value is sealed with the first key\n")?;
    } else {
        let path = path.context("secrets.master_key is not in a file: put another key in front of the others there, for every process of this installation, start these again, and then call this")?;
        KeyFile::lock(path)?.add_first(&OsEntropy)?;
        print(&format!("{} has another key, the first one\n", path.display()))?;
    }
    // This process, too, is one of those that read the file again.
    let (keys, store) = connect(configuration).await?;
    let first = keys.first();
    let settled = Instant::now() + SETTLES;
    loop {
        let mut told = Instant::now();
        let done = store
            .reseal(|state| {
                if told.elapsed() >= TELL_EVERY {
                    told = Instant::now();
                    tell(state);
                }
            })
            .await?;
        if done.found > done.unopened {
            tell(done);
        } else if Instant::now() >= settled {
            break;
        }
        sleep(PAUSE).await;
    }
    let counts = store.sealed_values().await?;
    let others: Vec<&String> = counts.keys().filter(|id| **id != first.id()).collect();
    ensure!(
        others.is_empty(),
        "values are left that no master key here opens, sealed with {others:?}: put those keys behind the others and call this again"
    );
    let count = counts.get(&first.id()).copied().unwrap_or(0);
    print(&format!(
        "all {count} values are sealed with the key {}; `brokerd master-key retire` removes the former ones, which backups of before need\n",
        first.id()
    ))
}

fn tell(state: Resealing) {
    let Resealing { found, sealed, overtaken, unopened } = state;
    let done = sealed + overtaken;
    let left = if unopened > 0 { format!(", {unopened} can't be opened") } else { String::new() };
    // How far it is matters less than that it goes on.
    let _ = print(&format!("sealed {done} of {found} values anew{left}\n"));
}

async fn retire(configuration: &Configuration, path: &Path) -> anyhow::Result<()> {
    let file = KeyFile::lock(path)?;
    let (keys, store) = connect(configuration).await?;
    let counts = store.sealed_values().await?;
    let all = keys.all();
    for key in all.iter().skip(1) {
        if let Some(count) = counts.get(&key.id()) {
            bail!(
                "{count} values are still sealed with {}: `brokerd master-key rotate` seals them anew",
                key.id()
            );
        }
    }
    file.keep_first()?;
    print(&format!("{} keys are removed\n", all.len().saturating_sub(1)))
}
