//! What is wrong with a configuration.

use std::{io, path::PathBuf};

/// The configuration can't be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConfigError {
    #[error("can't read the configuration file {}", .0.display())]
    Read(PathBuf, #[source] io::Error),
    #[error("the configuration file {} is wrong: {reason}", .path.display())]
    File { path: PathBuf, reason: String },
    #[error("{place}: {reason}")]
    Value { place: String, reason: String },
    #[error("no setting is called {0}: see `brokerd config` for those there are")]
    UnknownVariable(String),
    #[error("--set {0}: expected key=value with a key that `brokerd config` shows")]
    UnknownKey(String),
    #[error("the configuration is wrong: {0}")]
    Wrong(String),
    #[error(
        "no database is configured: set DATABASE_URL or database.url_file, or start brokerd with `make run`, which brings its own PostgreSQL"
    )]
    NoDatabase,
    #[error("the database URL file {} is empty", .0.display())]
    EmptyUrlFile(PathBuf),
}
