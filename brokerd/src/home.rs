//! The data directory: what this machine keeps between starts.
//!
//! | file | mode | content |
//! | --- | --- | --- |
//! | `master.key` | 0600 | the keys that open secrets in the database, a line of 64 hexadecimal digits each; the first one seals |
//! | `credentials` | 0600 | the access key, as AWS tools read it |
//! | `ca.pem` | 0644 | the certificate that clients have to trust |
//! | `api.url` | 0644 | where the API was last served |
//! | `routes.json` | 0600 | the gateway's last good table |
//! | `provisioners/` | 0700 | a file for each provisioner that lives, which it locks |
//! | `brokerd.toml` | | the operator's configuration, if there is any |

use std::{
    fs,
    io::{self, Write as _},
    os::unix::fs::{
        DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _,
    },
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
        "the master key {0} is not a line of 64 hexadecimal digits, or several: restore the one this database was made with"
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

    pub(crate) fn master_key_path(&self) -> PathBuf {
        self.0.join("master.key")
    }

    /// Makes a master key in the directory if there is none.
    pub(crate) fn ensure_master_key(&self, entropy: &dyn Entropy) -> Result<(), HomeError> {
        let path = self.master_key_path();
        if !path.exists() && write_new(&path, new_master_key(entropy).as_bytes())? {
            tracing::info!(path = %path.display(), "made a master key: keep a copy, without it the database's secrets are lost");
        }
        Ok(())
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

fn new_master_key(entropy: &dyn Entropy) -> String {
    let mut bytes = [0; 32];
    entropy.fill(&mut bytes);
    let mut text: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    text.push('\n');
    text
}

/// The master keys in a file.
pub(crate) fn master_keys_in(path: &Path) -> Result<Vec<MasterKey>, HomeError> {
    let text =
        fs::read_to_string(path).map_err(|error| HomeError::Read(path.to_path_buf(), error))?;
    parse_master_keys(&text).ok_or_else(|| HomeError::MasterKey(format!("in {}", path.display())))
}

/// Keys of 64 hexadecimal digits, at least one, in lines or separated by commas. Lines that begin with `#` are remarks.
pub(crate) fn parse_master_keys(text: &str) -> Option<Vec<MasterKey>> {
    let lines = text.lines().filter(|line| !line.trim_start().starts_with('#'));
    let words = lines.flat_map(|line| line.split([',', ' ', '\t'])).filter(|word| !word.is_empty());
    let mut keys: Vec<MasterKey> = Vec::new();
    for word in words {
        let key = parse_master_key(word)?;
        if !keys.contains(&key) {
            keys.push(key);
        }
    }
    (!keys.is_empty()).then_some(keys)
}

fn parse_master_key(digits: &str) -> Option<MasterKey> {
    let digits = digits.as_bytes();
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

/// A file of master keys that nobody else changes meanwhile.
pub(crate) struct KeyFile {
    path: PathBuf,
    directory: fs::File,
}

impl KeyFile {
    /// Waits until nobody else changes it.
    pub(crate) fn lock(path: &Path) -> Result<Self, HomeError> {
        let failed = |error| HomeError::Write(path.to_path_buf(), error);
        let path = fs::canonicalize(path).map_err(failed)?;
        let parent = path.parent().unwrap_or(Path::new("/"));
        // The file itself is replaced, so that a lock on it would be on the former one.
        let directory = fs::File::open(parent).map_err(failed)?;
        directory.lock().map_err(failed)?;
        Ok(Self { path, directory })
    }

    /// Makes another key, which seals from now on.
    pub(crate) fn add_first(&self, entropy: &dyn Entropy) -> Result<(), HomeError> {
        master_keys_in(&self.path)?;
        let text = self.read()?;
        self.write(&format!("{}{text}", new_master_key(entropy)))
    }

    /// Removes all keys but the one that seals.
    pub(crate) fn keep_first(&self) -> Result<(), HomeError> {
        let keys = master_keys_in(&self.path)?;
        let text = self.read()?;
        let is_first = |word: &&str| parse_master_key(word).as_ref() == keys.first();
        let first = text.split([',', ' ', '\t', '\n', '\r']).find(is_first).unwrap_or_default();
        self.write(&format!("{first}\n"))
    }

    fn read(&self) -> Result<String, HomeError> {
        fs::read_to_string(&self.path).map_err(|error| HomeError::Read(self.path.clone(), error))
    }

    /// Replaces the file by one that has its owner and mode, at once and for good.
    fn write(&self, text: &str) -> Result<(), HomeError> {
        let replace = || {
            let former = fs::metadata(&self.path)?;
            let fresh = write_beside(&self.path, text.as_bytes(), PRIVATE)?;
            let replaced = std::os::unix::fs::chown(&fresh, Some(former.uid()), Some(former.gid()))
                .and_then(|()| fs::set_permissions(&fresh, former.permissions()))
                .and_then(|()| fs::rename(&fresh, &self.path));
            if replaced.is_err() {
                let _ = fs::remove_file(&fresh);
            }
            replaced.and_then(|()| self.directory.sync_all())
        };
        replace().map_err(|error| HomeError::Write(self.path.clone(), error))
    }
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

        home.ensure_master_key(&OsEntropy).expect("made");
        let path = home.master_key_path();
        let first = fs::read_to_string(&path).expect("present");
        home.ensure_master_key(&OsEntropy).expect("there already");
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
    fn master_keys_are_64_hexadecimal_digits_each() {
        let count = |text: &str| parse_master_keys(text).map_or(0, |keys| keys.len());
        let (a, b) = ("0F".repeat(32), "a0".repeat(32));
        assert_eq!(count(&a), 1);
        assert_eq!(count(&format!("{a}\n")), 1);
        for several in
            [format!("{a}\n{b}\n"), format!("{a},{b}"), format!("# new\r\n{a}\r\n\n {b}")]
        {
            let keys = parse_master_keys(&several).expect("keys");
            let single = |text: &str| parse_master_keys(text).expect("a key").remove(0);
            assert_eq!(keys, [single(&a), single(&b)], "{several}");
        }
        assert_eq!(count(&format!("{a}\n{a}")), 1, "twice the same");
        let (short, long) = ("0f".repeat(31), "0f".repeat(33));
        let one_is_wrong = format!("{a}\n{short}");
        for wrong in ["", "#", &short, &long, &"0g".repeat(32), &"+1".repeat(32), &one_is_wrong] {
            assert!(parse_master_keys(wrong).is_none(), "{wrong}");
        }
    }

    #[test]
    fn a_key_file_gets_another_first_key_and_loses_the_former_ones() {
        let directory = Directory::new("keys");
        let home = Home::at(&directory.0);
        home.ensure().expect("made");
        home.ensure_master_key(&OsEntropy).expect("made");
        let path = home.master_key_path();
        let old = master_keys_in(&path).expect("a key");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).expect("changed");
        let file = KeyFile::lock(&path).expect("locked");
        file.add_first(&OsEntropy).expect("written");
        let both = master_keys_in(&path).expect("keys");
        assert_eq!((both.len(), both.last()), (2, old.first()));
        file.keep_first().expect("written");
        assert_eq!(master_keys_in(&path).expect("keys"), both[..1]);
        assert_eq!(mode(&path), 0o640, "the mode is the operator's");
        assert_eq!(
            fs::read_dir(&directory.0).expect("readable").count(),
            1,
            "nothing is left over"
        );
    }
}
