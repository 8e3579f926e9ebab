//! The directories of files that are put into a container.

use brokerd_domain::instance::InjectedFile;

/// The directories above a file, outermost first.
pub(super) fn directories(path: &str) -> impl Iterator<Item = &str> {
    path.match_indices('/').map(|(end, _)| &path[..end]).filter(|directory| !directory.is_empty())
}

/// A directory is closed to others unless something in it is meant for them.
pub(super) fn directory_mode(directory: &str, files: &[&InjectedFile]) -> u32 {
    let open = files.iter().any(|file| {
        file.mode & 0o004 != 0
            && file.path.strip_prefix(directory).is_some_and(|rest| rest.starts_with('/'))
    });
    if open { 0o755 } else { 0o750 }
}
