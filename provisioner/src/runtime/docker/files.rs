//! Files on their way into a container: one tar archive for each upload root.
//!
//! The engine refuses an upload to `/` when the root file system is read-only, even if every file
//! lies in a volume; an upload to a volume's mount point it takes.

use std::collections::{BTreeMap, BTreeSet};

use brokerd_domain::{Timestamp, instance::InjectedFile};
use tar::{Builder, EntryType, Header};

use crate::runtime::directories::{directories, directory_mode};

/// How far ahead files are dated. ActiveMQ reads its users again only if the file is younger than
/// its last look in milliseconds, and the archive's whole seconds would make a fresh file older.
const AHEAD: u64 = 2;

/// The archives, by the path they are unpacked in.
pub(super) fn archives(
    files: &[InjectedFile],
    owner: (u32, u32),
    now: Timestamp,
) -> std::io::Result<BTreeMap<String, Vec<u8>>> {
    let mtime = u64::try_from(now.as_seconds()).unwrap_or(0).saturating_add(AHEAD);
    let mut by_root: BTreeMap<&str, Vec<&InjectedFile>> = BTreeMap::new();
    for file in files {
        by_root.entry(&file.root).or_default().push(file);
    }
    let mut archives = BTreeMap::new();
    for (root, files) in by_root {
        archives.insert(root.to_owned(), archive(&files, owner, mtime)?);
    }
    Ok(archives)
}

fn archive(files: &[&InjectedFile], owner: (u32, u32), mtime: u64) -> std::io::Result<Vec<u8>> {
    let mut builder = Builder::new(Vec::new());
    let mut made = BTreeSet::new();
    for file in files {
        for directory in directories(&file.path) {
            if made.insert(directory) {
                let mode = directory_mode(directory, files);
                let mut header = header(EntryType::Directory, owner, mode, mtime);
                builder.append_data(&mut header, format!("{directory}/"), std::io::empty())?;
            }
        }
        let mut header = header(EntryType::Regular, owner, file.mode, mtime);
        header.set_size(file.content.len() as u64);
        builder.append_data(&mut header, &file.path, file.content.as_slice())?;
    }
    builder.into_inner()
}

/// An archive of nothing but a directory that is its owner's alone to write.
pub(super) fn directory(name: &str, owner: (u32, u32), now: Timestamp) -> std::io::Result<Vec<u8>> {
    let mtime = u64::try_from(now.as_seconds()).unwrap_or(0);
    let mut builder = Builder::new(Vec::new());
    let mut header = header(EntryType::Directory, owner, 0o755, mtime);
    builder.append_data(&mut header, format!("{name}/"), std::io::empty())?;
    builder.into_inner()
}

fn header(kind: EntryType, owner: (u32, u32), mode: u32, mtime: u64) -> Header {
    let mut header = Header::new_gnu();
    header.set_entry_type(kind);
    header.set_uid(owner.0.into());
    header.set_gid(owner.1.into());
    header.set_mode(mode);
    header.set_mtime(mtime);
    header.set_size(0);
    header
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    fn file(root: &str, path: &str, mode: u32) -> InjectedFile {
        InjectedFile {
            root: root.to_owned(),
            path: path.to_owned(),
            mode,
            content: path.as_bytes().to_vec(),
        }
    }

    #[test]
    fn each_root_gets_one_archive_with_owners_modes_and_directories() {
        let long = format!("deep/{}/x", "n".repeat(120));
        let files = [
            file("/etc/e", "plain.conf", 0o640),
            file("/etc/e", "tls/server.key", 0o400),
            file("/etc/e", "tls/server.pem", 0o600),
            file("/etc/e", "shown/banner", 0o644),
            file("/etc/e", &long, 0o600),
            file("/var/d", ".cookie", 0o400),
        ];
        let now = Timestamp::from_micros(1_700_000_000_900_000);
        let archives = archives(&files, (999, 998), now).expect("archives");
        assert_eq!(archives.keys().collect::<Vec<_>>(), ["/etc/e", "/var/d"]);
        let mut seen = BTreeMap::new();
        for entry in tar::Archive::new(archives["/etc/e"].as_slice()).entries().expect("entries") {
            let mut entry = entry.expect("entry");
            let header = entry.header().clone();
            assert_eq!(header.uid().expect("uid"), 999);
            assert_eq!(header.gid().expect("gid"), 998);
            assert_eq!(header.mtime().expect("mtime"), 1_700_000_002);
            let path = entry.path().expect("path").to_string_lossy().into_owned();
            let mut content = String::new();
            entry.read_to_string(&mut content).expect("content");
            assert!(content.is_empty() || content == path);
            seen.insert(path.trim_end_matches('/').to_owned(), header.mode().expect("mode"));
        }
        let of = |path: &str| seen.get(path).copied();
        assert_eq!(of("plain.conf"), Some(0o640));
        assert_eq!(of("tls"), Some(0o750));
        assert_eq!(of("tls/server.key"), Some(0o400));
        assert_eq!(of("shown"), Some(0o755));
        assert_eq!(of(&long), Some(0o600));
        assert_eq!(seen.len(), 5 + 4);
    }
}
