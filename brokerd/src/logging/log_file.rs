//! A log file of limited size.
//!
//! A full file is copied to `<file>.1`, the former `.1` is renamed to `.2` and so on, and the file is truncated. It stays
//! the same file, because others append to it (the shell that redirects standard error, for panics) or follow it.

use std::{
    ffi::OsString,
    fs::{self, File, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use tracing_subscriber::fmt::MakeWriter;

/// A log file and its rotated copies. Clones write to the same file.
#[derive(Debug, Clone)]
pub(crate) struct LogFile(Arc<Mutex<Rotating>>);

impl LogFile {
    /// Opens the file, or makes it. It is kept below `limit` bytes, but for a longer line, and so is each of its `kept`
    /// predecessors.
    pub(crate) fn open(path: &Path, limit: u64, kept: u32) -> io::Result<Self> {
        let file = OpenOptions::new().create(true).append(true).open(path)?;
        Ok(Self(Arc::new(Mutex::new(Rotating { path: path.to_path_buf(), file, limit, kept }))))
    }
}

impl<'a> MakeWriter<'a> for LogFile {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

impl Write for LogFile {
    /// Writes a whole event, which is how they come.
    fn write(&mut self, event: &[u8]) -> io::Result<usize> {
        // The state of a thread that panicked is valid.
        let mut rotating = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        rotating.rotate_if_full(event.len())?;
        rotating.file.write_all(event)?;
        Ok(event.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[derive(Debug)]
struct Rotating {
    path: PathBuf,
    file: File,
    limit: u64,
    kept: u32,
}

impl Rotating {
    fn rotate_if_full(&mut self, bytes: usize) -> io::Result<()> {
        // Asked every time, because others append to it, too.
        let size = self.file.metadata()?.len();
        if size == 0 || size.saturating_add(u64::try_from(bytes).unwrap_or(u64::MAX)) <= self.limit
        {
            return Ok(());
        }
        // Truncated though the copy failed: a full disk must not get fuller.
        let copied = self.copy();
        self.file.set_len(0)?;
        if let Err(error) = copied {
            writeln!(self.file, "brokerd: what was here could not be kept: {error}")?;
        }
        Ok(())
    }

    fn copy(&self) -> io::Result<()> {
        if self.kept == 0 {
            return Ok(());
        }
        let fresh = self.beside("new");
        fs::copy(&self.path, &fresh)?;
        for number in (1..self.kept).rev() {
            match fs::rename(self.beside(number), self.beside(number + 1)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                Ok(()) | Err(_) => {}
            }
        }
        fs::rename(fresh, self.beside(1))
    }

    fn beside(&self, suffix: impl std::fmt::Display) -> PathBuf {
        let mut name = OsString::from(&self.path);
        name.push(format!(".{suffix}"));
        PathBuf::from(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Directory(PathBuf);

    impl Directory {
        fn new(name: &str) -> Self {
            let path =
                std::env::temp_dir().join(format!("brokerd-log-{}-{name}", std::process::id()));
            fs::create_dir_all(&path).expect("a directory");
            Self(path)
        }

        fn files(&self) -> Vec<(String, String)> {
            let mut all: Vec<_> = fs::read_dir(&self.0)
                .expect("readable")
                .map(|entry| {
                    let path = entry.expect("an entry").path();
                    let name = path.file_name().expect("a name").to_string_lossy().into_owned();
                    (name, fs::read_to_string(path).expect("text"))
                })
                .collect();
            all.sort();
            all
        }
    }

    impl Drop for Directory {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn a_full_log_file_becomes_its_predecessor_and_the_oldest_one_goes() {
        let directory = Directory::new("full");
        let path = directory.0.join("log");
        let mut log = LogFile::open(&path, 10, 2).expect("opened");
        for line in ["one\n", "two\n", "three\n", "four\n", "five\n", "six\n", "seven\n"] {
            log.write_all(line.as_bytes()).expect("written");
        }
        let files = directory.files();
        let files: Vec<_> =
            files.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
        assert_eq!(
            files,
            [("log", "six\nseven\n"), ("log.1", "four\nfive\n"), ("log.2", "three\n")]
        );
    }

    #[test]
    fn who_else_appends_to_the_file_goes_on_and_is_counted() {
        let directory = Directory::new("else");
        let path = directory.0.join("log");
        let mut other = OpenOptions::new().create(true).append(true).open(&path).expect("opened");
        let mut log = LogFile::open(&path, 10, 5).expect("opened");
        other.write_all(b"a panic, at length\n").expect("written");
        log.write_all(b"one\n").expect("written");
        other.write_all(b"two\n").expect("written");
        let files = directory.files();
        let files: Vec<_> =
            files.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
        assert_eq!(files, [("log", "one\ntwo\n"), ("log.1", "a panic, at length\n")]);
    }

    #[test]
    fn what_can_not_be_kept_does_not_fill_the_disk() {
        let directory = Directory::new("kept");
        let path = directory.0.join("log");
        // A directory that is not empty can't be replaced.
        fs::create_dir_all(directory.0.join("log.1/in")).expect("a directory");
        let mut log = LogFile::open(&path, 10, 1).expect("opened");
        for _ in 0..9 {
            log.write_all(b"12345678\n").expect("written");
        }
        let text = fs::read_to_string(&path).expect("text");
        assert!(text.contains("could not be kept") && text.len() < 200, "{text}");
    }
}
