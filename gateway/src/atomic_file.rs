//! Files that are replaced as a whole: a reader sees the former content or the new one, also after a crash.
//!
//! The new content goes to one file beside the target, `<target>.new`, which is then renamed. A crash leaves at most that
//! one file, and the next write reuses it. Its lock keeps processes apart that share the directory.

use std::{
    ffi::OsString,
    fs::{self, File, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};

/// Replaces the file at `path`, or creates it, with these bytes and this mode. On disk when it returns.
///
/// # Errors
/// When the directory is missing or not writable, or the disk is full. The former content stays.
pub fn replace(path: &Path, content: &[u8], mode: u32) -> io::Result<()> {
    Fresh::write(path, content, mode)?.rename()
}

/// Replaces the file at `path`, which keeps its owner and mode. On disk when it returns, the directory's entry too.
///
/// # Errors
/// When there is no file, or as with [`replace`].
pub fn replace_like(path: &Path, content: &[u8]) -> io::Result<()> {
    let former = fs::metadata(path)?;
    let fresh = Fresh::write(path, content, 0o600)?;
    std::os::unix::fs::fchown(&fresh.file, Some(former.uid()), Some(former.gid()))
        .and_then(|()| fresh.file.set_permissions(former.permissions()))
        .inspect_err(|_| fresh.discard())?;
    fresh.rename()?;
    File::open(path.parent().unwrap_or(Path::new("/")))?.sync_all()
}

/// Creates the file at `path` with these bytes and this mode. False if there is a file already; it stays as it is.
///
/// # Errors
/// As with [`replace`].
pub fn create(path: &Path, content: &[u8], mode: u32) -> io::Result<bool> {
    let fresh = Fresh::write(path, content, mode)?;
    // Safe from a race with other processes that call this: the lock is held until the rename is done.
    if fs::symlink_metadata(path).is_ok() {
        fresh.discard();
        return Ok(false);
    }
    fresh.rename().map(|()| true)
}

/// The written and locked `<target>.new`.
struct Fresh<'a> {
    target: &'a Path,
    path: PathBuf,
    file: File,
}

impl<'a> Fresh<'a> {
    fn write(target: &'a Path, content: &[u8], mode: u32) -> io::Result<Self> {
        let mut path = OsString::from(target);
        path.push(".new");
        let path = PathBuf::from(path);
        let file = locked(&path, mode)?;
        let fresh = Self { target, path, file };
        // A file that a crash left may have another mode.
        let written = fresh
            .file
            .set_permissions(fs::Permissions::from_mode(mode))
            .and_then(|()| fresh.file.set_len(0))
            .and_then(|()| (&fresh.file).write_all(content))
            .and_then(|()| fresh.file.sync_all());
        written.inspect_err(|_| fresh.discard())?;
        Ok(fresh)
    }

    fn rename(self) -> io::Result<()> {
        fs::rename(&self.path, self.target).inspect_err(|_| self.discard())
    }

    /// Best effort: a file that stays is reused.
    fn discard(&self) {
        let _ = fs::remove_file(&self.path);
    }
}

/// Opens the file at `path` with its lock held. A file that another process has renamed meanwhile is opened anew.
fn locked(path: &Path, mode: u32) -> io::Result<File> {
    loop {
        let mut options = OpenOptions::new();
        let file = options.write(true).create(true).truncate(false).mode(mode).open(path)?;
        file.lock()?;
        let (opened, present) = (file.metadata()?, fs::symlink_metadata(path));
        let is_same = |m: &fs::Metadata| (m.dev(), m.ino()) == (opened.dev(), opened.ino());
        if present.is_ok_and(|present| is_same(&present)) {
            return Ok(file);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Directory(PathBuf);

    impl Directory {
        fn new(name: &str) -> Self {
            let path =
                std::env::temp_dir().join(format!("brokerd-atomic-{}-{name}", std::process::id()));
            fs::create_dir_all(&path).expect("a directory");
            Self(path)
        }

        fn names(&self) -> Vec<String> {
            let entries = fs::read_dir(&self.0)
                .expect("readable")
                .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned());
            let mut names: Vec<_> = entries.collect();
            names.sort();
            names
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

    #[test]
    fn leftovers_of_a_crash_are_reused_and_no_temporary_file_stays() {
        let directory = Directory::new("crash");
        let path = directory.0.join("file.json");
        for write in
            [replace, |path: &Path, content: &[u8], mode| create(path, content, mode).map(drop)]
        {
            let _ = fs::remove_file(&path);
            fs::write(directory.0.join("file.json.new"), "half of a longer te").expect("written");
            write(&path, b"text", 0o600).expect("written");
            assert_eq!(fs::read(&path).expect("present"), b"text");
            assert_eq!(mode(&path), 0o600);
            assert_eq!(directory.names(), ["file.json"]);
        }
    }

    #[test]
    fn a_file_that_is_there_is_not_created_again() {
        let directory = Directory::new("create");
        let path = directory.0.join("key");
        assert!(create(&path, b"first", 0o600).expect("written"));
        assert!(!create(&path, b"second", 0o600).expect("no error"));
        assert_eq!(fs::read(&path).expect("present"), b"first");
        assert_eq!(directory.names(), ["key"]);
    }

    #[test]
    fn a_replaced_file_keeps_its_mode() {
        let directory = Directory::new("like");
        let path = directory.0.join("key");
        replace(&path, b"first", 0o640).expect("written");
        replace_like(&path, b"second").expect("written");
        assert_eq!((fs::read(&path).expect("present"), mode(&path)), (b"second".to_vec(), 0o640));
        assert!(replace_like(&directory.0.join("none"), b"").is_err());
        assert_eq!(directory.names(), ["key"]);
    }

    #[test]
    fn writers_at_the_same_time_never_mix_their_content_and_one_of_them_creates() {
        let directory = Directory::new("many");
        let (path, new) = (directory.0.join("file"), directory.0.join("new-file"));
        let contents: Vec<Vec<u8>> = (0..8_u8).map(|n| vec![n; 10_000 + usize::from(n)]).collect();
        let created = std::thread::scope(|scope| {
            let writers: Vec<_> = contents
                .iter()
                .map(|content| {
                    let (path, new) = (&path, &new);
                    scope.spawn(move || {
                        for _ in 0..20 {
                            replace(path, content, 0o600).expect("written");
                        }
                        create(new, content, 0o600).expect("no error")
                    })
                })
                .collect();
            writers
                .into_iter()
                .map(|writer| writer.join().expect("no panic"))
                .filter(|new| *new)
                .count()
        });
        assert_eq!(created, 1);
        for path in [path, new] {
            assert!(contents.contains(&fs::read(path).expect("present")));
        }
        assert_eq!(directory.names(), ["file", "new-file"]);
    }

    #[test]
    fn a_directory_that_is_missing_is_an_error() {
        let directory = Directory::new("missing");
        let path = directory.0.join("no/such");
        assert!(replace(&path, b"", 0o600).is_err());
        assert!(create(&path, b"", 0o600).is_err());
    }
}
