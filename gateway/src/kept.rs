//! The last good table, on disk, for a gateway that starts while the database is away.

use std::{
    fs,
    io::{self, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use brokerd_domain::Entropy;
use brokerd_store::Route;
use serde::{Deserialize, Serialize};

/// The form of the file. Another one is not read: the database has the truth.
const VERSION: u32 = 1;

/// How the extension begins of files that are being written.
const FRESH: &str = "new-";
/// How old such a file is that nobody writes any more.
const ABANDONED: Duration = Duration::from_mins(1);

#[derive(Serialize, Deserialize)]
struct Content<R> {
    version: u32,
    routes: R,
}

/// The file cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum KeptError {
    #[error("can't read it")]
    Read(#[source] io::Error),
    #[error("can't write it")]
    Write(#[source] io::Error),
    #[error("its content makes no sense")]
    Content(#[source] serde_json::Error),
    #[error("it has the form {0}, not {VERSION}")]
    Version(u32),
}

/// Where the last good table is kept.
pub(crate) struct KeptTable {
    path: PathBuf,
    entropy: Arc<dyn Entropy>,
    /// What the file holds, as far as this process knows.
    known: Option<Vec<Route>>,
}

impl KeptTable {
    pub(crate) const fn at(path: PathBuf, entropy: Arc<dyn Entropy>) -> Self {
        Self { path, entropy, known: None }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The table in the file; none: there is no file.
    pub(crate) async fn load(&mut self) -> Result<Option<Vec<Route>>, KeptError> {
        let path = self.path.clone();
        let read = blocking(move || {
            remove_abandoned(&path);
            fs::read(path)
        })
        .await;
        let bytes = match read {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(KeptError::Read(error)),
        };
        // The version first: another one may have another content.
        let content: Content<serde_json::Value> =
            serde_json::from_slice(&bytes).map_err(KeptError::Content)?;
        if content.version != VERSION {
            return Err(KeptError::Version(content.version));
        }
        let routes: Vec<Route> =
            serde_json::from_value(content.routes).map_err(KeptError::Content)?;
        self.known = Some(routes.clone());
        Ok(Some(routes))
    }

    /// Keeps a table. The file is there completely or as it was before.
    pub(crate) async fn save(&mut self, routes: Vec<Route>) -> Result<(), KeptError> {
        if self.known.as_ref() == Some(&routes) {
            return Ok(());
        }
        let mut bytes = serde_json::to_vec(&Content { version: VERSION, routes: &routes })
            .map_err(KeptError::Content)?;
        bytes.push(b'\n');
        let path = self.path.clone();
        // Not by the process's id: gateways in containers that share a directory may have the same.
        let fresh = path.with_extension(format!("{FRESH}{}", self.entropy.uuid()));
        blocking(move || replace(&path, &fresh, &bytes)).await.map_err(KeptError::Write)?;
        self.known = Some(routes);
        Ok(())
    }
}

/// Removes what gateways that were killed while they wrote have left. Best effort: it takes room and nothing else.
fn remove_abandoned(path: &Path) {
    let (Some(directory), Some(stem)) = (path.parent(), path.file_stem()) else { return };
    let Ok(entries) = fs::read_dir(directory) else { return };
    for file in entries.flatten().map(|entry| entry.path()) {
        let is_fresh =
            file.extension().is_some_and(|e| e.as_encoded_bytes().starts_with(FRESH.as_bytes()));
        let is_ours = is_fresh && file.file_stem() == Some(stem);
        let modified = file.metadata().and_then(|metadata| metadata.modified());
        // Another gateway may be writing.
        let is_old = modified.is_ok_and(|at| at.elapsed().is_ok_and(|age| age >= ABANDONED));
        if is_ours && is_old {
            let _ = fs::remove_file(file);
        }
    }
}

fn replace(path: &Path, fresh: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file =
        fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(fresh)?;
    let written = file.write_all(bytes).and_then(|()| file.sync_all());
    written.and_then(|()| fs::rename(fresh, path)).inspect_err(|_| {
        // Best effort: what is left takes room and nothing else.
        let _ = fs::remove_file(fresh);
    })
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(io::Error::other)?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_writers_that_were_killed_have_left_is_removed_and_nothing_else() {
        let directory = std::env::temp_dir().join(format!("brokerd-kept-{}", std::process::id()));
        fs::create_dir_all(&directory).expect("a directory");
        let old = std::time::UNIX_EPOCH + Duration::from_hours(24);
        for (name, is_old) in [
            ("routes.json", true),
            ("routes.new-abandoned", true),
            ("routes.new-being-written", false),
            ("others.new-abandoned", true),
        ] {
            let file = fs::File::create(directory.join(name)).expect("a file");
            if is_old {
                file.set_modified(old).expect("its time");
            }
        }
        remove_abandoned(&directory.join("routes.json"));
        let left = fs::read_dir(&directory).expect("the directory").flatten();
        let mut left: Vec<_> = left.map(|entry| entry.file_name()).collect();
        left.sort();
        assert_eq!(left, ["others.new-abandoned", "routes.json", "routes.new-being-written"]);
        fs::remove_dir_all(directory).expect("removed");
    }
}
