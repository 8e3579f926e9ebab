//! Kept volumes whose directory in the image does not belong to the engine's user: they begin empty, and are given to
//! it.
//!
//! Docker gives an empty volume the owner that its directory has in the image, and leaves a volume's own directory
//! alone whatever is uploaded into it. An upload into the directory above changes it, but the engine's container, whose
//! root file system is read-only, takes none there. So the volume is in another container for a moment, which is
//! never started.

use bollard::{
    models::{ContainerCreateBody, HostConfig, Mount, MountType, MountVolumeOptions},
    query_parameters::{CreateContainerOptions, UploadToContainerOptions},
};
use bytes::Bytes;
use futures_util::stream;

use super::{
    DockerRuntime,
    error::{LONG, error, missing_image, named, request},
    files, labels,
};
use brokerd_domain::instance::{InstanceSpec, VolumeSpec};

use crate::runtime::{RuntimeError, RuntimeErrorClass};

impl DockerRuntime {
    /// Makes the kept volumes of a container that was never started belong to its user, if the image does not.
    /// Disks of brokers' own do from the beginning.
    pub(super) async fn hand_over(
        &self,
        operation: &'static str,
        spec: &InstanceSpec,
        image: &str,
    ) -> Result<(), RuntimeError> {
        if spec.owns_data || spec.disk_bytes.is_some() {
            return Ok(());
        }
        for volume in spec.volumes.iter().filter(|volume| volume.keep) {
            let name = labels::volume_name(&spec.name, volume);
            // What a crash may have left.
            self.remove_helpers(&name).await?;
            let body = self.holding(&name, volume, image);
            let create = self.docker.create_container(None::<CreateContainerOptions>, body);
            let id = match request(LONG, create).await {
                Ok(created) => created.id,
                Err(cause) if missing_image(&cause) => {
                    let message = format!("the image {image} is not there any more");
                    return Err(error(RuntimeErrorClass::Blocked, operation, message));
                }
                Err(cause) => return Err(named(operation)(cause)),
            };
            let given = self.give(operation, &id, &volume.mount, spec.user).await;
            let removed = self.remove_container(&id).await;
            given.and(removed.map(drop))?;
        }
        Ok(())
    }

    fn holding(&self, name: &str, volume: &VolumeSpec, image: &str) -> ContainerCreateBody {
        ContainerCreateBody {
            image: Some(image.to_owned()),
            cmd: Some(vec!["true".to_owned()]),
            labels: Some(labels::of_helper(&self.options.installation, name)),
            host_config: Some(HostConfig {
                network_mode: Some("none".to_owned()),
                mounts: Some(vec![Mount {
                    typ: Some(MountType::VOLUME),
                    source: Some(name.to_owned()),
                    target: Some(volume.mount.clone()),
                    volume_options: Some(MountVolumeOptions {
                        no_copy: Some(true),
                        ..MountVolumeOptions::default()
                    }),
                    ..Mount::default()
                }]),
                ..HostConfig::default()
            }),
            ..ContainerCreateBody::default()
        }
    }

    async fn give(
        &self,
        operation: &'static str,
        id: &str,
        mount: &str,
        user: (u32, u32),
    ) -> Result<(), RuntimeError> {
        let (above, directory) = mount.rsplit_once('/').unwrap_or(("", mount));
        let archive = files::directory(directory, user, self.clock.now()).map_err(|cause| {
            error(RuntimeErrorClass::Rejected, operation, format!("can't pack {mount}: {cause}"))
        })?;
        let path = if above.is_empty() { "/" } else { above };
        let options = UploadToContainerOptions {
            path: path.to_owned(),
            ..UploadToContainerOptions::default()
        };
        let archive = bollard::body_stream(stream::iter([Bytes::from(archive)]));
        let upload = self.docker.upload_to_container(id, Some(options), archive);
        request(LONG, upload).await.map_err(named(operation))
    }
}
