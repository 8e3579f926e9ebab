//! Which provisioners of a data directory are alive.
//!
//! Each has a file there, by its name, and locks it. The lock goes with the process, whatever ends it, so a
//! file that can be locked was left by one that is dead: its brokers need not wait for their leases' end. A
//! name is never used twice, and leases are taken from it only in the database, which fences: even one that
//! was thought dead by mistake loses no more than the pass it is in.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read as _, Write as _},
    os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

use brokerd_domain::WorkerId;

/// How often a file is made anew that somebody took for a dead one's before it was locked.
const ATTEMPTS: usize = 10;

/// Where the files are.
#[derive(Debug, Clone)]
pub(crate) struct WorkerRegistry(PathBuf);

/// A provisioner that counts as alive as long as this is kept.
#[derive(Debug)]
pub(crate) struct Registration {
    path: PathBuf,
    /// Holds the lock.
    _file: File,
}

/// A dead provisioner. No other process finds it as long as this is kept.
#[derive(Debug)]
pub(crate) struct ExpiredWorker {
    /// What it was called.
    pub(crate) id: WorkerId,
    registration: Registration,
}

impl WorkerRegistry {
    /// Names the directory, without touching it.
    pub(crate) const fn at(directory: PathBuf) -> Self {
        Self(directory)
    }

    /// Registers a provisioner.
    ///
    /// # Errors
    /// When the file can't be written, or the file system can't lock.
    pub(crate) fn register(&self, worker: WorkerId) -> io::Result<Registration> {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&self.0)?;
        let path = self.0.join(worker.to_string());
        for _ in 0..ATTEMPTS {
            let mut file = OpenOptions::new()
                .read(true)
                .write(true)
                .create(true)
                .truncate(false)
                .mode(0o600)
                .open(&path)?;
            file.lock()?;
            // Before it was locked it looked like a dead one's, which are removed.
            if is_at(&file, &path)? {
                file.write_all(place(&file)?.as_bytes())?;
                return Ok(Registration { path, _file: file });
            }
        }
        Err(io::Error::new(io::ErrorKind::ResourceBusy, "somebody removes it again and again"))
    }

    /// Those who died and whose files are still there. What is a copy of a file, as in a data directory that
    /// was copied, tells nothing of who wrote the original, and is removed.
    ///
    /// # Errors
    /// When the directory can't be read.
    pub(crate) fn expired(&self) -> io::Result<Vec<ExpiredWorker>> {
        let entries = match fs::read_dir(&self.0) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        let mut found = Vec::new();
        for entry in entries {
            let path = entry?.path();
            let name = path.file_name().and_then(|name| name.to_str());
            let Some(Ok(worker)) = name.map(str::parse::<WorkerId>) else { continue };
            // Another process may have been faster.
            let Ok(mut file) = File::open(&path) else { continue };
            if file.try_lock().is_err() {
                continue;
            }
            let mut written = String::new();
            let original = file.read_to_string(&mut written).is_ok() && written == place(&file)?;
            let registration = Registration { path, _file: file };
            if original {
                found.push(ExpiredWorker { id: worker, registration });
            } else {
                registration.remove()?;
            }
        }
        Ok(found)
    }
}

impl Registration {
    /// Removes its lock.
    ///
    /// # Errors
    /// When it can't be removed.
    pub(crate) fn remove(self) -> io::Result<()> {
        match fs::remove_file(&self.path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }
}

impl ExpiredWorker {
    /// Forgets it: it holds nothing any more.
    ///
    /// # Errors
    /// When its file can't be removed.
    pub(crate) fn forget(self) -> io::Result<()> {
        self.registration.remove()
    }
}

/// What no copy of the file has.
fn place(file: &File) -> io::Result<String> {
    let is = file.metadata()?;
    Ok(format!("{}:{}\n", is.dev(), is.ino()))
}

fn is_at(file: &File, path: &Path) -> io::Result<bool> {
    let is = file.metadata()?;
    match fs::metadata(path) {
        Ok(there) => Ok((there.dev(), there.ino()) == (is.dev(), is.ino())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    struct Directory(PathBuf);

    impl Directory {
        fn new(name: &str) -> Self {
            Self(
                std::env::temp_dir().join(format!("brokerd-workers-{}-{name}", std::process::id())),
            )
        }

        fn files(&self) -> usize {
            fs::read_dir(&self.0).expect("readable").count()
        }
    }

    impl Drop for Directory {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    fn worker(number: u128) -> WorkerId {
        WorkerId::from(Uuid::from_u128(number))
    }

    fn names(ended: &[ExpiredWorker]) -> Vec<WorkerId> {
        ended.iter().map(|ended| ended.id).collect()
    }

    #[test]
    fn who_lives_is_not_dead_and_who_is_dead_is_found_until_forgotten() {
        let directory = Directory::new("dead");
        let registry = WorkerRegistry::at(directory.0.clone());
        assert!(registry.expired().expect("no directory").is_empty());
        let first = registry.register(worker(1)).expect("begun");
        let second = registry.register(worker(2)).expect("begun");
        assert!(registry.expired().expect("read").is_empty());

        // As when the process is killed: the lock is gone, the file is not.
        drop(first);
        let ended = registry.expired().expect("read");
        assert_eq!(names(&ended), [worker(1)]);
        assert!(registry.expired().expect("read").is_empty(), "told twice at the same time");
        drop(ended);
        let ended = registry.expired().expect("read");
        assert_eq!(names(&ended), [worker(1)], "not forgotten, so told again");
        for ended in ended {
            ended.forget().expect("removed");
        }
        assert!(registry.expired().expect("read").is_empty());

        second.remove().expect("removed");
        assert_eq!(directory.files(), 0);
    }

    #[test]
    fn a_copied_directory_tells_nothing_of_those_who_live_in_the_original() {
        let (original, copy) = (Directory::new("original"), Directory::new("copy"));
        let registry = WorkerRegistry::at(original.0.clone());
        let _alive = registry.register(worker(1)).expect("begun");
        fs::create_dir(&copy.0).expect("made");
        let name = worker(1).to_string();
        fs::copy(original.0.join(&name), copy.0.join(&name)).expect("copied");
        fs::write(copy.0.join(worker(2).to_string()), "").expect("killed before it was written");
        fs::write(copy.0.join("notes"), "1:2").expect("somebody else's");
        assert!(WorkerRegistry::at(copy.0.clone()).expired().expect("read").is_empty());
        assert_eq!(copy.files(), 1, "copies are removed, and nothing else is");
        assert!(registry.expired().expect("read").is_empty());
    }

    #[test]
    fn a_life_that_begins_while_others_look_for_dead_ones_is_kept() {
        let directory = Directory::new("race");
        let registry = WorkerRegistry::at(directory.0.clone());
        std::thread::scope(|scope| {
            let beginnings = scope.spawn(|| {
                (0..300).map(|n| registry.register(worker(n)).expect("begun")).collect::<Vec<_>>()
            });
            while !beginnings.is_finished() {
                assert!(registry.expired().expect("read").is_empty(), "a living one was told dead");
            }
            let alive = beginnings.join().expect("no panic");
            assert_eq!(directory.files(), alive.len());
        });
    }
}
