//! The last good table of routes in a file, for a gateway that starts while the database is away.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use brokerd_store::Route;
use serde::{Deserialize, Serialize};

use crate::atomic_file;

/// The format of the file. A file of another version is not read: the database has the truth.
const VERSION: u32 = 1;

#[derive(Serialize, Deserialize)]
struct Content<R> {
    version: u32,
    routes: R,
}

/// The file can't be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TableCacheError {
    #[error("can't read it")]
    Read(#[source] io::Error),
    #[error("can't write it")]
    Write(#[source] io::Error),
    #[error("it is damaged")]
    Content(#[source] serde_json::Error),
    #[error("its format is version {0}, not {VERSION}")]
    Version(u32),
}

/// The file of the last good table.
pub(crate) struct TableCache {
    path: PathBuf,
    /// The content of the file, as far as this process knows.
    content: Option<Vec<Route>>,
}

impl TableCache {
    pub(crate) const fn at(path: PathBuf) -> Self {
        Self { path, content: None }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The table in the file; none: there is no file.
    ///
    /// # Errors
    /// When the file can't be read, is damaged or has another version.
    pub(crate) async fn load(&mut self) -> Result<Option<Vec<Route>>, TableCacheError> {
        let path = self.path.clone();
        let bytes = match blocking(move || fs::read(path)).await {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(TableCacheError::Read(error)),
        };
        // The version first: another one may have another content.
        let content: Content<serde_json::Value> =
            serde_json::from_slice(&bytes).map_err(TableCacheError::Content)?;
        if content.version != VERSION {
            return Err(TableCacheError::Version(content.version));
        }
        let routes: Vec<Route> =
            serde_json::from_value(content.routes).map_err(TableCacheError::Content)?;
        self.content = Some(routes.clone());
        Ok(Some(routes))
    }

    /// Writes a table to the file, unless it is there already. A crash leaves the former table.
    ///
    /// # Errors
    /// When the file can't be written.
    pub(crate) async fn save(&mut self, routes: Vec<Route>) -> Result<(), TableCacheError> {
        if self.content.as_ref() == Some(&routes) {
            return Ok(());
        }
        let mut bytes = serde_json::to_vec(&Content { version: VERSION, routes: &routes })
            .map_err(TableCacheError::Content)?;
        bytes.push(b'\n');
        let path = self.path.clone();
        let written = blocking(move || atomic_file::replace(&path, &bytes, 0o600));
        written.await.map_err(TableCacheError::Write)?;
        self.content = Some(routes);
        Ok(())
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(io::Error::other)?
}
