//! Disks of brokers' own: a kept volume that is an ext4 file system of its tier's size, in a sparse file.
//!
//! The file is in a volume beside the one that the file system is mounted as. Both come to be with the container,
//! so that whatever a crash leaves is found by its labels. A helper, which is there for a moment, makes the file
//! and attaches it to a loop device. Docker mounts not that device, whose number is another one after a restart of
//! the host, but a link to it, which is gone after a restart: then the start of the container fails, the file is
//! attached again, and the start is repeated.

use bollard::{
    models::{Mount, MountType},
    query_parameters::{ContainerArchiveInfoOptions, ListContainersOptions},
};

use super::{
    DockerRuntime,
    disk_volume::{Disk, MOUNT},
    error::{self, SHORT, error, named, request},
    helper::Helper,
    inspect::Found,
    labels,
};
use brokerd_domain::instance::InstanceSpec;

use crate::runtime::{RuntimeError, RuntimeErrorClass};

/// The image of the helper.
const HELPER: &str = "brokerd/disk:trixie";

/// Where the helper has the file system itself.
const DATA: &str = "/data";

/// What fills a disk, in its root.
const BALLAST: &str = ".brokerd-ballast";

impl Disk {
    /// Has the disk's file and the host's devices.
    fn attaching(&self, arguments: &[&str]) -> Work {
        let [action, rest @ ..] = arguments else { return Work::default() };
        let mut command = vec![(*action).to_owned(), self.link.clone()];
        command.extend(rest.iter().map(|argument| (*argument).to_owned()));
        let devices = Mount {
            typ: Some(MountType::BIND),
            source: Some("/dev".to_owned()),
            target: Some("/dev".to_owned()),
            ..Mount::default()
        };
        Work {
            command,
            user: None,
            mounts: vec![devices, mount(self.file_volume(), MOUNT)],
            // Loop devices, and what makes them.
            devices: Some(vec!["b 7:* rwm".to_owned(), "c 10:237 rwm".to_owned()]),
        }
    }

    /// Has the file system, as the engine does.
    fn inside(&self, command: Vec<String>, user: &str) -> Work {
        Work {
            command,
            user: Some(user.to_owned()),
            mounts: vec![mount(self.volume.clone(), DATA)],
            devices: None,
        }
    }
}

/// What the helper does, and what it has for it.
#[derive(Debug, Clone, Default)]
struct Work {
    command: Vec<String>,
    user: Option<String>,
    mounts: Vec<Mount>,
    devices: Option<Vec<String>>,
}

fn mount(volume: String, target: &str) -> Mount {
    Mount {
        typ: Some(MountType::VOLUME),
        source: Some(volume),
        target: Some(target.to_owned()),
        ..Mount::default()
    }
}

/// Whether a disk could not be mounted because it is not attached.
pub(super) fn is_detached(message: &str) -> bool {
    message.contains("failed to mount local volume")
}

impl DockerRuntime {
    /// Sees that there is a helper, without which nothing should be begun that needs it.
    pub(super) async fn has_helper(&self, operation: &'static str) -> Result<(), RuntimeError> {
        match request(SHORT, self.docker.inspect_image(HELPER)).await {
            Ok(_) => Ok(()),
            Err(cause) if error::status(&cause) == Some(404) => Err(no_helper(operation)),
            Err(cause) => Err(named(operation)(cause)),
        }
    }

    /// Makes the disks of a container that was never started be there, large enough and attached.
    pub(super) async fn ensure_disks(
        &self,
        operation: &'static str,
        spec: &InstanceSpec,
    ) -> Result<(), RuntimeError> {
        let Some(bytes) = spec.disk_bytes else { return Ok(()) };
        let (bytes, uid, gid) =
            (bytes.to_string(), spec.user.0.to_string(), spec.user.1.to_string());
        for volume in spec.volumes.iter().filter(|volume| volume.keep) {
            let name = labels::volume_name(&spec.name, volume);
            let disk = Disk::of(&spec.name.installation, name);
            let helper = disk.attaching(&["ensure", &bytes, &uid, &gid]);
            self.run(operation, &disk, helper).await?;
        }
        Ok(())
    }

    /// Attaches the disk of a container that could not be started for want of it.
    pub(super) async fn attach(
        &self,
        operation: &'static str,
        disk: &Disk,
    ) -> Result<(), RuntimeError> {
        tracing::info!(disk = %disk.volume, "attaching a disk");
        self.run(operation, disk, disk.attaching(&["attach"])).await
    }

    /// Takes a disk off its device, so that its volumes can be removed.
    pub(super) async fn detach(
        &self,
        operation: &'static str,
        disk: &Disk,
    ) -> Result<(), RuntimeError> {
        self.run(operation, disk, disk.attaching(&["detach"])).await
    }

    /// Leaves so many bytes free on a container's disk, or undoes that; whether there was something to do.
    pub(super) async fn fill(
        &self,
        operation: &'static str,
        found: &Found,
        leave: Option<u64>,
    ) -> Result<bool, RuntimeError> {
        let Some((disk, _)) = &found.disk else {
            let message = "its data is on the disk of the host, which others need too";
            return Err(error(RuntimeErrorClass::Rejected, operation, message));
        };
        // Not known while the disk is not attached. A half-filled disk is emptied, too.
        let was = matches!(self.has_ballast(operation, found).await, Ok(true));
        if was && leave.is_some() {
            return Ok(false);
        }
        let command = match leave {
            Some(bytes) => vec!["fill".to_owned(), bytes.to_string()],
            None => vec!["drain".to_owned()],
        };
        let helper = disk.inside(command, &found.user);
        match self.run(operation, disk, helper.clone()).await {
            Err(cause) if is_detached(&cause.message) => {
                self.attach(operation, disk).await?;
                self.run(operation, disk, helper).await?;
            }
            ran => ran?,
        }
        Ok(was != leave.is_some())
    }

    /// Whether a container's disk is filled.
    pub(super) async fn has_ballast(
        &self,
        operation: &'static str,
        found: &Found,
    ) -> Result<bool, RuntimeError> {
        let Some((_, mount)) = &found.disk else { return Ok(false) };
        let options = ContainerArchiveInfoOptions { path: format!("{mount}/{BALLAST}") };
        let asked = self.docker.get_container_archive_info(&found.id, Some(options));
        match request(SHORT, asked).await {
            Ok(_) => Ok(true),
            Err(cause) if error::status(&cause) == Some(404) => Ok(false),
            Err(cause) => Err(named(operation)(cause)),
        }
    }

    /// Runs the helper to its end. One that somebody did not get to remove goes first.
    async fn run(
        &self,
        operation: &'static str,
        disk: &Disk,
        work: Work,
    ) -> Result<(), RuntimeError> {
        self.remove_helpers(&disk.volume).await?;
        let helper = Helper {
            image: HELPER,
            command: work.command,
            labels: labels::of_helper(&self.options.installation, &disk.volume),
            user: work.user,
            network: "none",
            capabilities: Vec::new(),
            mounts: work.mounts,
            devices: work.devices,
        };
        let purpose = ("the disk of the broker", NO_HELPER);
        helper.run(&self.docker, operation, purpose, &[]).await.map(drop)
    }

    /// Removes the helpers that work on a volume, those that run, too: whatever they do is done again.
    pub(super) async fn remove_helpers(&self, volume: &str) -> Result<(), RuntimeError> {
        let of = labels::of_helper(&self.options.installation, volume);
        let wanted: Vec<_> =
            of.iter().map(|(name, value)| (name.as_str(), value.clone())).collect();
        let options = ListContainersOptions {
            all: true,
            filters: Some(labels::filter(&wanted)),
            ..ListContainersOptions::default()
        };
        let listed = request(SHORT, self.docker.list_containers(Some(options)))
            .await
            .map_err(named("look for helpers"))?;
        for id in listed.into_iter().filter_map(|container| container.id) {
            self.remove_container(&id).await?;
        }
        Ok(())
    }
}

fn no_helper(operation: &'static str) -> RuntimeError {
    error(RuntimeErrorClass::Blocked, operation, NO_HELPER)
}

/// Without the helper's image.
const NO_HELPER: &str = "the image brokerd/disk:trixie is not there, which sized volumes need: build it with `make images`, or set runtime.sized_volumes to false";
