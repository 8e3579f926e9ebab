//! The data directory: the files that this machine keeps between starts.
//!
//! | file | mode | content |
//! | --- | --- | --- |
//! | `master.key` | 0600 | the keys that open secrets in the database, a line of 64 hexadecimal digits each; the first one seals |
//! | `credentials` | 0600 | the access key, as AWS tools read it |
//! | `ca.pem` | 0644 | the certificates that clients have to trust |
//! | `prometheus-token` | 0600 | the token with which Prometheus reads the metrics of all brokers |
//! | `api.url` | 0644 | where the API was last served |
//! | `routes.json` | 0600 | the gateway's table cache |
//! | `provisioners/` | 0700 | a file for each running provisioner, which it locks |
//! | `brokerd.toml` | | the operator's configuration, if there is any |
//! | `<file>.new` | | what a crash in the middle of a write leaves; the next write reuses it |

mod credentials;
mod error;
mod master_key_file;
mod token_file;

use std::{
    fs, io,
    os::unix::fs::{DirBuilderExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};

use brokerd_domain::{AccountId, Entropy};
use brokerd_gateway::atomic_file;
use brokerd_store::AccessKey;

pub(crate) use self::{
    credentials::generate_access_key,
    error::DataDirError,
    master_key_file::{MasterKeyFile, master_keys_in, parse_master_keys},
    token_file::tokens_in,
};

const PRIVATE: u32 = 0o600;
const PUBLIC: u32 = 0o644;

/// The data directory.
#[derive(Debug, Clone)]
pub(crate) struct DataDir(PathBuf);

impl DataDir {
    /// Names the directory, without touching it.
    pub(crate) fn at(path: &Path) -> Self {
        Self(path.to_path_buf())
    }

    /// Creates the directory if it is missing, for this user only.
    ///
    /// # Errors
    /// When it can't be created.
    pub(crate) fn ensure(&self) -> Result<(), DataDirError> {
        let failed = |error| DataDirError::Directory(self.0.clone(), error);
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&self.0).map_err(failed)?;
        let mode = fs::metadata(&self.0).map_err(failed)?.permissions().mode();
        if mode & 0o077 != 0 {
            // Not changed here: the operator may share the directory on purpose.
            tracing::warn!(
                path = %self.0.display(), mode = format!("{:o}", mode & 0o777),
                "data directory open to other users; chmod 700 closes it"
            );
        }
        Ok(())
    }

    pub(crate) fn credentials_path(&self) -> PathBuf {
        self.0.join("credentials")
    }

    pub(crate) fn ca_path(&self) -> PathBuf {
        self.0.join("ca.pem")
    }

    pub(crate) fn master_key_path(&self) -> PathBuf {
        self.0.join("master.key")
    }

    /// Generates a master key if there is none.
    ///
    /// # Errors
    /// When it can't be written.
    pub(crate) fn ensure_master_key(&self, entropy: &dyn Entropy) -> Result<(), DataDirError> {
        let path = self.master_key_path();
        let created = || create(&path, master_key_file::new_master_key(entropy).as_bytes());
        if !path.exists() && created()? {
            tracing::info!(path = %path.display(), "made a master key: keep a copy, without it the database's secrets are lost");
        }
        Ok(())
    }

    /// The access key in the directory, if there is one.
    ///
    /// # Errors
    /// When the file can't be read or holds no key.
    pub(crate) fn access_key(
        &self,
        account: &AccountId,
    ) -> Result<Option<AccessKey>, DataDirError> {
        let path = self.credentials_path();
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(DataDirError::Read(path, error)),
        };
        credentials::parse(&text, account).map(Some).ok_or(DataDirError::Credentials(path))
    }

    /// Stores an access key, unless another process was first; returns the stored one.
    ///
    /// # Errors
    /// When it can't be written or read.
    pub(crate) fn store_access_key(&self, key: &AccessKey) -> Result<AccessKey, DataDirError> {
        create(&self.credentials_path(), credentials::text(key).as_bytes())?;
        let stored = self.access_key(&key.account)?;
        stored.ok_or_else(|| DataDirError::Credentials(self.credentials_path()))
    }

    /// Where the token is with which the metrics of all brokers are read, unless the operator has another file.
    pub(crate) fn metrics_token_path(&self) -> PathBuf {
        self.0.join("prometheus-token")
    }

    /// Makes the token with which the metrics of all brokers are read, if there is none.
    ///
    /// # Errors
    /// When it can't be written.
    pub(crate) fn ensure_metrics_token(&self, entropy: &dyn Entropy) -> Result<(), DataDirError> {
        let path = self.metrics_token_path();
        if !path.exists() {
            let mut bytes = [0; 32];
            entropy.fill(&mut bytes);
            create(&path, format!("{}\n", hex::encode(bytes)).as_bytes())?;
        }
        Ok(())
    }

    /// Writes the certificates that clients have to trust.
    ///
    /// # Errors
    /// When they can't be written.
    pub(crate) fn write_ca(&self, pem: &str) -> Result<(), DataDirError> {
        replace(&self.ca_path(), pem.as_bytes())
    }

    /// Writes where the API is served.
    ///
    /// # Errors
    /// When it can't be written.
    pub(crate) fn write_api_url(&self, url: &str) -> Result<(), DataDirError> {
        replace(&self.0.join("api.url"), format!("{url}\n").as_bytes())
    }

    /// The gateway's table cache.
    pub(crate) fn routes_path(&self) -> PathBuf {
        self.0.join("routes.json")
    }

    /// The directory of the lock files by which provisioners see which of them runs.
    pub(crate) fn provisioners_path(&self) -> PathBuf {
        self.0.join("provisioners")
    }

    /// Where the API was last served.
    pub(crate) fn api_url(&self) -> Option<String> {
        Some(fs::read_to_string(self.0.join("api.url")).ok()?.trim().to_owned())
    }
}

/// Creates a private file; false if there is one.
fn create(path: &Path, content: &[u8]) -> Result<bool, DataDirError> {
    atomic_file::create(path, content, PRIVATE)
        .map_err(|error| DataDirError::Write(path.to_path_buf(), error))
}

/// Writes a public file, unless it has this content already.
fn replace(path: &Path, content: &[u8]) -> Result<(), DataDirError> {
    if fs::read(path).is_ok_and(|present| present == content) {
        return Ok(());
    }
    atomic_file::replace(path, content, PUBLIC)
        .map_err(|error| DataDirError::Write(path.to_path_buf(), error))
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret as _;

    use super::*;
    use crate::system::OsEntropy;

    pub(super) struct Directory(pub(super) PathBuf);

    impl Directory {
        pub(super) fn new(name: &str) -> Self {
            Self(std::env::temp_dir().join(format!("brokerd-data-{}-{name}", std::process::id())))
        }
    }

    impl Drop for Directory {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    pub(super) fn mode(path: &Path) -> u32 {
        fs::metadata(path).expect("present").permissions().mode() & 0o777
    }

    pub(super) fn account() -> AccountId {
        "000000000000".parse().expect("an account")
    }

    #[test]
    fn keys_are_made_once_and_readable_by_their_owner_only() {
        let directory = Directory::new("once");
        let data_dir = DataDir::at(&directory.0);
        data_dir.ensure().expect("made");
        data_dir.ensure().expect("there already");
        assert_eq!(mode(&directory.0), 0o700);

        data_dir.ensure_master_key(&OsEntropy).expect("made");
        let path = data_dir.master_key_path();
        let first = fs::read_to_string(&path).expect("present");
        data_dir.ensure_master_key(&OsEntropy).expect("there already");
        assert_eq!(fs::read_to_string(&path).expect("present"), first);
        assert_eq!((first.trim().len(), mode(&path)), (64, 0o600));

        assert!(data_dir.access_key(&account()).expect("readable").is_none());
        let mine = generate_access_key(&account(), &OsEntropy);
        let stored = data_dir.store_access_key(&mine).expect("written");
        assert_eq!(stored.id, mine.id);
        assert_eq!(stored.secret.expose_secret(), mine.secret.expose_secret());
        let late = generate_access_key(&account(), &OsEntropy);
        assert_eq!(data_dir.store_access_key(&late).expect("stored").id, mine.id);
        assert_eq!(mode(&data_dir.credentials_path()), 0o600);

        // What crashes in the middle of writes leave.
        for name in ["ca.pem.new", "credentials.new"] {
            fs::write(directory.0.join(name), "half of").expect("written");
        }
        data_dir.write_ca("one").expect("written");
        data_dir.write_ca("two").expect("replaced");
        assert_eq!(fs::read_to_string(data_dir.ca_path()).expect("present"), "two");
        assert_eq!(mode(&data_dir.ca_path()), 0o644);
        fs::remove_file(data_dir.credentials_path()).expect("removed");
        data_dir.store_access_key(&mine).expect("written");
        assert_eq!(
            fs::read_dir(&directory.0).expect("readable").count(),
            3,
            "nothing is left over"
        );
    }
}
