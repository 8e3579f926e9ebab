//! The file of the master keys.

use std::{
    fs,
    path::{Path, PathBuf},
};

use brokerd_domain::Entropy;
use brokerd_gateway::atomic_file;
use brokerd_store::MasterKey;

use super::error::DataDirError;

/// A generated key, as a line of the file.
pub(super) fn new_master_key(entropy: &dyn Entropy) -> String {
    let mut bytes = [0; 32];
    entropy.fill(&mut bytes);
    format!("{}\n", hex::encode(bytes))
}

/// The master keys in a file.
pub(crate) fn master_keys_in(path: &Path) -> Result<Vec<MasterKey>, DataDirError> {
    let text =
        fs::read_to_string(path).map_err(|error| DataDirError::Read(path.to_path_buf(), error))?;
    parse_master_keys(&text)
        .ok_or_else(|| DataDirError::MasterKey(format!("in {}", path.display())))
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
    let mut bytes = [0; 32];
    hex::decode_to_slice(digits, &mut bytes).ok()?;
    Some(MasterKey::new(bytes))
}

/// A file of master keys, locked against other changes.
pub(crate) struct MasterKeyFile {
    path: PathBuf,
    /// Holds the lock.
    _directory: fs::File,
}

impl MasterKeyFile {
    /// Locks the file, waiting for another change to end.
    ///
    /// # Errors
    /// When there is no such file.
    pub(crate) fn lock(path: &Path) -> Result<Self, DataDirError> {
        let failed = |error| DataDirError::Write(path.to_path_buf(), error);
        let path = fs::canonicalize(path).map_err(failed)?;
        let parent = path.parent().unwrap_or(Path::new("/"));
        // The directory, because the file itself is replaced.
        let directory = fs::File::open(parent).map_err(failed)?;
        directory.lock().map_err(failed)?;
        Ok(Self { path, _directory: directory })
    }

    /// Generates another key, which seals from now on.
    ///
    /// # Errors
    /// When the file can't be read or written, or holds no key.
    pub(crate) fn add_first(&self, entropy: &dyn Entropy) -> Result<(), DataDirError> {
        master_keys_in(&self.path)?;
        let text = self.read()?;
        self.write(&format!("{}{text}", new_master_key(entropy)))
    }

    /// Removes all keys but the one that seals.
    ///
    /// # Errors
    /// As with [`Self::add_first`].
    pub(crate) fn keep_first(&self) -> Result<(), DataDirError> {
        let keys = master_keys_in(&self.path)?;
        let text = self.read()?;
        let is_first = |word: &&str| parse_master_key(word).as_ref() == keys.first();
        let first = text.split([',', ' ', '\t', '\n', '\r']).find(is_first).unwrap_or_default();
        self.write(&format!("{first}\n"))
    }

    fn read(&self) -> Result<String, DataDirError> {
        fs::read_to_string(&self.path).map_err(|error| DataDirError::Read(self.path.clone(), error))
    }

    /// Replaces the file, which keeps its owner and mode.
    fn write(&self, text: &str) -> Result<(), DataDirError> {
        atomic_file::replace_like(&self.path, text.as_bytes())
            .map_err(|error| DataDirError::Write(self.path.clone(), error))
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::{
        super::{
            DataDir,
            tests::{Directory, mode},
        },
        *,
    };
    use crate::system::OsEntropy;

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
        let data_dir = DataDir::at(&directory.0);
        data_dir.ensure().expect("made");
        data_dir.ensure_master_key(&OsEntropy).expect("made");
        let path = data_dir.master_key_path();
        let old = master_keys_in(&path).expect("a key");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).expect("changed");
        let file = MasterKeyFile::lock(&path).expect("locked");
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
