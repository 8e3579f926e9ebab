//! The data directory: what this machine keeps between starts.
//!
//! | file | mode | content |
//! | --- | --- | --- |
//! | `master.key` | 0600 | the key that seals secrets in the database, 64 hexadecimal digits |
//! | `credentials` | 0600 | the access key, as AWS tools read it |
//! | `ca.pem` | 0644 | the certificate that clients have to trust |
//! | `api.url` | 0644 | where the API was last served |
//! | `routes.json` | 0600 | the gateway's last good table |
//! | `provisioners/` | 0700 | a file for each provisioner that lives, which it locks |
//! | `brokerd.toml` | | the operator's configuration, if there is any |

use std::{
    fs,
    io::{self, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};

use brokerd_domain::{AccountId, Entropy};
use brokerd_store::{AccessKey, MasterKey};
use secrecy::{ExposeSecret as _, SecretString};

use crate::system::OsEntropy;

const PRIVATE: u32 = 0o600;
const PUBLIC: u32 = 0o644;

/// The data directory can't be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum HomeError {
    #[error("can't make the data directory {}: make it writable for this user or set BROKERD_DATA_DIR", .0.display())]
    Directory(PathBuf, #[source] io::Error),
    #[error("can't read {}", .0.display())]
    Read(PathBuf, #[source] io::Error),
    #[error("can't write {}", .0.display())]
    Write(PathBuf, #[source] io::Error),
    #[error(
        "the master key {0} is not 64 hexadecimal digits: restore the one this database was made with"
    )]
    MasterKey(String),
    #[error("{} has no [default] profile with aws_access_key_id and aws_secret_access_key: restore it, or remove it to get the key that is in the database", .0.display())]
    Credentials(PathBuf),
}

/// The data directory.
#[derive(Debug, Clone)]
pub(crate) struct Home(PathBuf);

impl Home {
    /// Names the directory, without touching it.
    pub(crate) fn at(path: &Path) -> Self {
        Self(path.to_path_buf())
    }

    /// Makes the directory, for nobody but this user, if it is not there.
    pub(crate) fn ensure(&self) -> Result<(), HomeError> {
        let failed = |error| HomeError::Directory(self.0.clone(), error);
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&self.0).map_err(failed)?;
        let mode = fs::metadata(&self.0).map_err(failed)?.permissions().mode();
        if mode & 0o077 != 0 {
            // Not changed here: it may be a directory that the operator shares with others on purpose.
            tracing::warn!(
                path = %self.0.display(), mode = format!("{:o}", mode & 0o777),
                "other users can look into the data directory; chmod 700 would stop them"
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

    /// The master key in the directory, made now if there is none.
    pub(crate) fn master_key(&self, entropy: &dyn Entropy) -> Result<MasterKey, HomeError> {
        let path = self.0.join("master.key");
        if !path.exists() {
            let mut bytes = [0; 32];
            entropy.fill(&mut bytes);
            let mut text: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
            text.push('\n');
            if write_new(&path, text.as_bytes())? {
                tracing::info!(path = %path.display(), "made a master key: keep a copy, without it the database's secrets are lost");
            }
        }
        master_key_in(&path)
    }

    /// The access key in the directory, if there is one.
    pub(crate) fn access_key(&self, account: &AccountId) -> Result<Option<AccessKey>, HomeError> {
        let path = self.credentials_path();
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(HomeError::Read(path, error)),
        };
        parse_credentials(&text, account).map(Some).ok_or(HomeError::Credentials(path))
    }

    /// Keeps an access key, unless another process just kept one; gives back the one that is kept.
    pub(crate) fn keep_access_key(&self, key: &AccessKey) -> Result<AccessKey, HomeError> {
        let text = format!(
            "[default]\naws_access_key_id = {}\naws_secret_access_key = {}\n",
            key.id,
            key.secret.expose_secret()
        );
        write_new(&self.credentials_path(), text.as_bytes())?;
        let kept = self.access_key(&key.account)?;
        kept.ok_or_else(|| HomeError::Credentials(self.credentials_path()))
    }

    /// Writes the certificate that clients have to trust.
    pub(crate) fn write_ca(&self, pem: &str) -> Result<(), HomeError> {
        replace(&self.ca_path(), pem.as_bytes())
    }

    /// Writes where the API is served.
    pub(crate) fn write_api_url(&self, url: &str) -> Result<(), HomeError> {
        replace(&self.0.join("api.url"), format!("{url}\n").as_bytes())
    }

    /// Where the gateway keeps its last good table.
    pub(crate) fn routes_path(&self) -> PathBuf {
        self.0.join("routes.json")
    }

    /// Where provisioners find out which of them have died.
    pub(crate) fn provisioners_path(&self) -> PathBuf {
        self.0.join("provisioners")
    }

    /// Where the API was last served.
    pub(crate) fn api_url(&self) -> Option<String> {
        Some(fs::read_to_string(self.0.join("api.url")).ok()?.trim().to_owned())
    }
}

/// The master key in a file.
pub(crate) fn master_key_in(path: &Path) -> Result<MasterKey, HomeError> {
    let text =
        fs::read_to_string(path).map_err(|error| HomeError::Read(path.to_path_buf(), error))?;
    parse_master_key(&text).ok_or_else(|| HomeError::MasterKey(format!("in {}", path.display())))
}

/// A key from 64 hexadecimal digits.
pub(crate) fn parse_master_key(text: &str) -> Option<MasterKey> {
    let digits = text.trim().as_bytes();
    if digits.len() != 64 {
        return None;
    }
    let mut bytes = [0; 32];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        let value = |digit: u8| char::from(digit).to_digit(16).and_then(|d| u8::try_from(d).ok());
        *byte = value(pair[0])? << 4 | value(pair[1])?;
    }
    Some(MasterKey::new(bytes))
}

/// A fresh access key in the form of the service's own.
pub(crate) fn generate_access_key(account: &AccountId, entropy: &dyn Entropy) -> AccessKey {
    const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut bytes = [0; 15 + 40];
    entropy.fill(&mut bytes);
    let (id, secret) = bytes.split_at(15);
    // Both alphabets divide 256, so no letter is likelier than another.
    let letters = |bytes: &[u8], alphabet: &[u8]| -> String {
        bytes.iter().map(|byte| char::from(alphabet[usize::from(*byte) % alphabet.len()])).collect()
    };
    AccessKey {
        id: format!("AKIAB{}", letters(id, BASE32)),
        secret: SecretString::from(letters(secret, BASE64)),
        account: account.clone(),
    }
}

fn parse_credentials(text: &str, account: &AccountId) -> Option<AccessKey> {
    let mut in_default = false;
    let (mut id, mut secret) = (None, None);
    for line in text.lines().map(str::trim) {
        if line.starts_with('[') {
            in_default = line == "[default]";
        } else if let Some((name, value)) = line.split_once('=').filter(|_| in_default) {
            match name.trim() {
                "aws_access_key_id" => id = Some(value.trim().to_owned()),
                "aws_secret_access_key" => secret = Some(SecretString::from(value.trim())),
                _ => {}
            }
        }
    }
    let (id, secret) = (id?, secret?);
    let complete = !id.is_empty() && !secret.expose_secret().is_empty();
    complete.then(|| AccessKey { id, secret, account: account.clone() })
}

/// Writes a file that is there completely or not at all. False: somebody else was first.
fn write_new(path: &Path, content: &[u8]) -> Result<bool, HomeError> {
    let failed = |error| HomeError::Write(path.to_path_buf(), error);
    let fresh = write_beside(path, content, PRIVATE).map_err(failed)?;
    // A link fails where a rename would replace what is there.
    let linked = fs::hard_link(&fresh, path);
    fs::remove_file(&fresh).map_err(failed)?;
    match linked {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(failed(error)),
    }
}

fn replace(path: &Path, content: &[u8]) -> Result<(), HomeError> {
    if fs::read(path).is_ok_and(|present| present == content) {
        return Ok(());
    }
    write_beside(path, content, PUBLIC)
        .and_then(|fresh| fs::rename(fresh, path))
        .map_err(|error| HomeError::Write(path.to_path_buf(), error))
}

fn write_beside(path: &Path, content: &[u8], mode: u32) -> io::Result<PathBuf> {
    // Not by the process's id: those in containers that share a directory may have the same.
    let fresh = path.with_extension(format!("new-{}", OsEntropy.uuid()));
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(mode).open(&fresh)?;
    file.write_all(content)?;
    file.sync_all()?;
    Ok(fresh)
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Directory(PathBuf);

    impl Directory {
        fn new(name: &str) -> Self {
            Self(std::env::temp_dir().join(format!("brokerd-home-{}-{name}", std::process::id())))
        }
    }

    impl Drop for Directory {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).expect("present").permissions().mode() & 0o777
    }

    fn account() -> AccountId {
        "000000000000".parse().expect("an account")
    }

    #[test]
    fn keys_are_made_once_and_readable_for_nobody_else() {
        let directory = Directory::new("once");
        let home = Home::at(&directory.0);
        home.ensure().expect("made");
        home.ensure().expect("there already");
        assert_eq!(mode(&directory.0), 0o700);

        home.master_key(&OsEntropy).expect("made");
        let path = directory.0.join("master.key");
        let first = fs::read_to_string(&path).expect("present");
        home.master_key(&OsEntropy).expect("read");
        assert_eq!(fs::read_to_string(&path).expect("present"), first);
        assert_eq!((first.trim().len(), mode(&path)), (64, 0o600));

        assert!(home.access_key(&account()).expect("readable").is_none());
        let mine = generate_access_key(&account(), &OsEntropy);
        let kept = home.keep_access_key(&mine).expect("written");
        assert_eq!(kept.id, mine.id);
        assert_eq!(kept.secret.expose_secret(), mine.secret.expose_secret());
        let late = generate_access_key(&account(), &OsEntropy);
        assert_eq!(home.keep_access_key(&late).expect("kept").id, mine.id);
        assert_eq!(mode(&home.credentials_path()), 0o600);

        home.write_ca("one").expect("written");
        home.write_ca("two").expect("replaced");
        assert_eq!(fs::read_to_string(home.ca_path()).expect("present"), "two");
        assert_eq!(mode(&home.ca_path()), 0o644);
        assert_eq!(fs::read_dir(&directory.0).expect("readable").count(), 3);
    }

    #[test]
    fn access_keys_look_like_the_services_own() {
        let key = generate_access_key(&account(), &OsEntropy);
        assert!(key.id.starts_with("AKIAB") && key.id.len() == 20, "{}", key.id);
        assert!(key.id.chars().all(|c| c.is_ascii_uppercase() || ('2'..='7').contains(&c)));
        assert_eq!(key.secret.expose_secret().len(), 40);
    }

    #[test]
    fn credentials_are_read_from_the_default_profile_only() {
        let text = "# ours\n[other]\naws_access_key_id = X\naws_secret_access_key = Y\n\
                    [default]\nregion = r\naws_access_key_id=A\naws_secret_access_key = b=c\n";
        let key = parse_credentials(text, &account()).expect("a key");
        assert_eq!((key.id.as_str(), key.secret.expose_secret()), ("A", "b=c"));
        for broken in ["", "[default]\naws_access_key_id = A\n", "[other]\naws_access_key_id = A"] {
            assert!(parse_credentials(broken, &account()).is_none());
        }
    }

    #[test]
    fn master_keys_are_64_hexadecimal_digits() {
        assert!(parse_master_key(&"0F".repeat(32)).is_some());
        assert!(parse_master_key(&format!("{}\n", "0f".repeat(32))).is_some());
        for wrong in ["", &"0f".repeat(31), &"0f".repeat(33), &"0g".repeat(32), &"+1".repeat(32)] {
            assert!(parse_master_key(wrong).is_none(), "{wrong}");
        }
    }
}
