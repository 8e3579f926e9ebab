//! Which volumes and which link on the host a disk is.

use std::collections::HashMap;

use brokerd_domain::InstallationId;

use super::labels;

/// Where the volume with a disk's file is mounted, in the helper and in the broker's container.
pub(super) const MOUNT: &str = "/disk";

/// A disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Disk {
    /// The volume that its file system is mounted as.
    pub(super) volume: String,
    /// The link to the loop device that it is attached to.
    pub(super) link: String,
}

impl Disk {
    /// The disk of that volume.
    pub(super) fn of(installation: &InstallationId, volume: String) -> Self {
        let link = format!("/dev/brokerd-{installation}/{volume}");
        Self { volume, link }
    }

    /// The disk whose file is in that volume.
    pub(super) fn in_file(installation: &InstallationId, file_volume: &str) -> Option<Self> {
        let volume = file_volume.strip_suffix(&format!("-{}", labels::DISK))?;
        Some(Self::of(installation, volume.to_owned()))
    }

    /// The volume that holds its file.
    pub(super) fn file_volume(&self) -> String {
        format!("{}-{}", self.volume, labels::DISK)
    }

    /// How Docker mounts it. What is deleted in it is given back to the host.
    pub(super) fn driver_options(&self) -> HashMap<String, String> {
        [("type", "ext4"), ("device", self.link.as_str()), ("o", "discard,nodev,nosuid")]
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .into()
    }
}
