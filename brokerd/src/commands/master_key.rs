//! `brokerd master-key`: shows and replaces the master keys while brokerd serves.

use std::{path::Path, time::Duration};

use anyhow::{Context as _, bail, ensure};
use brokerd_store::{MasterKey, MasterKeys, PgStore, Resealing};
use clap::Subcommand;
use tokio::time::{Instant, sleep};

use super::print;
use crate::{
    config::Configuration,
    data_dir::MasterKeyFile,
    foundation::{connect_once, master_keys},
    system::OsEntropy,
};

/// How long values may still be sealed with the former key: other processes read the keys again within two seconds, and
/// their open transactions may wait for the database.
const SETTLE_TIME: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_millis(500);
const PROGRESS_INTERVAL: Duration = Duration::from_secs(1);

#[derive(Debug, Clone, Copy, Subcommand)]
pub(crate) enum MasterKeyCommand {
    /// Print the ids of the master keys, and how many values each has sealed
    Show,
    /// Create a new master key and reseal every value with it; resumes an interrupted rotation
    Rotate,
    /// Remove the master keys that no value is sealed with
    Retire,
}

/// Runs `brokerd master-key`.
///
/// # Errors
/// An error whose text is shown to the user.
pub(crate) async fn run(
    command: MasterKeyCommand,
    configuration: &Configuration,
) -> anyhow::Result<()> {
    let path = master_keys::path(configuration);
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
    let keys = master_keys::load(configuration, None)?;
    Ok((keys.clone(), connect_once(configuration, &keys).await?))
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
        print("resuming: not every value is sealed with the first key\n")?;
    } else {
        let path = path.context("secrets.master_key is not in a file: put another key in front of the others there, for every process of this installation, restart these, and then run this")?;
        MasterKeyFile::lock(path)?.add_first(&OsEntropy)?;
        print(&format!("a new first key was added to {}\n", path.display()))?;
    }
    // This process has to read the file again, too.
    let (keys, store) = connect(configuration).await?;
    let first = keys.first();
    let settled = Instant::now() + SETTLE_TIME;
    loop {
        let mut printed = Instant::now();
        let done = store
            .reseal(|state| {
                if printed.elapsed() >= PROGRESS_INTERVAL {
                    printed = Instant::now();
                    print_progress(state);
                }
            })
            .await?;
        if done.found > done.unopened {
            print_progress(done);
        } else if Instant::now() >= settled {
            break;
        }
        sleep(PAUSE).await;
    }
    let counts = store.sealed_values().await?;
    let others: Vec<&String> = counts.keys().filter(|id| **id != first.id()).collect();
    ensure!(
        others.is_empty(),
        "some values are sealed with keys that are not here, {others:?}: append those keys and run this again"
    );
    let count = counts.get(&first.id()).copied().unwrap_or(0);
    print(&format!(
        "all {count} values are sealed with the key {}; keep the former keys for older backups; `brokerd master-key retire` removes them here\n",
        first.id()
    ))
}

fn print_progress(state: Resealing) {
    let Resealing { found, sealed, overtaken, unopened } = state;
    let done = sealed + overtaken;
    let left = if unopened > 0 { format!(", {unopened} can't be opened") } else { String::new() };
    // A closed standard output does not stop the rotation.
    let _ = print(&format!("resealed {done} of {found} values{left}\n"));
}

async fn retire(configuration: &Configuration, path: &Path) -> anyhow::Result<()> {
    let file = MasterKeyFile::lock(path)?;
    let (keys, store) = connect(configuration).await?;
    let counts = store.sealed_values().await?;
    let all = keys.all();
    for key in all.iter().skip(1) {
        if let Some(count) = counts.get(&key.id()) {
            bail!(
                "{count} values are still sealed with {}: `brokerd master-key rotate` reseals them",
                key.id()
            );
        }
    }
    file.keep_first()?;
    print(&format!("removed {} keys\n", all.len().saturating_sub(1)))
}
