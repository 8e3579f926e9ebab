//! Why the data directory can't be used.

use std::{io, path::PathBuf};

/// The data directory can't be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DataDirError {
    #[error("can't make the data directory {}: make it writable for this user or set BROKERD_DATA_DIR", .0.display())]
    Directory(PathBuf, #[source] io::Error),
    #[error("can't read {}", .0.display())]
    Read(PathBuf, #[source] io::Error),
    #[error("can't write {}", .0.display())]
    Write(PathBuf, #[source] io::Error),
    #[error(
        "the master key {0} is not a line of 64 hexadecimal digits, or several: restore the one this database was made with"
    )]
    MasterKey(String),
    #[error("{} has a token that is shorter than 16 characters or has other characters than letters, digits and signs of ASCII", .0.display())]
    Token(PathBuf),
    #[error("{} has no [default] profile with aws_access_key_id and aws_secret_access_key: restore it, or remove it to get the key that is in the database", .0.display())]
    Credentials(PathBuf),
}
