//! The operations that take more than one request.

use std::{
    collections::{BTreeSet, HashMap},
    time::Duration,
};

use bollard::{
    errors::Error as DockerError,
    models::{ContainerUpdateBody, Volume},
    query_parameters::{
        KillContainerOptions, ListContainersOptions, ListNetworksOptions, ListVolumesOptions,
        RemoveContainerOptions, RemoveVolumeOptions, StartContainerOptions, StopContainerOptions,
        UploadToContainerOptions,
    },
};
use brokerd_domain::{
    BrokerId,
    instance::{InstanceName, InstanceSpec, Limits, RuntimeId, SpecDigest, Volumes},
};
use bytes::Bytes;
use futures_util::{
    future::{join_all, try_join_all},
    stream,
};

use super::{
    DockerRuntime, create, disk,
    disk_volume::Disk,
    error::{
        self, LONG, SHORT, error, missing_image, missing_network, named, odd, request, unless_gone,
    },
    files,
    inspect::{self, Found, Phase},
    labels, network,
};
use crate::runtime::{Ensured, RuntimeError, RuntimeErrorClass, RuntimeObject};

const APPLY: &str = "apply an instance";
const START: &str = "start an instance";
const RESTART: &str = "restart an instance";
const STOP: &str = "stop an instance";
const LIMITS: &str = "change an instance's limits";
const REMOVE: &str = "remove an instance";
const LIST: &str = "list what the engine has";

/// How far the container of a spec is.
enum Made {
    /// It has its files and must be started.
    Ready { id: String },
    /// It is of this spec and has ended.
    Ended(Box<Found>),
    /// It is of this spec and not to be touched.
    Right,
}

impl DockerRuntime {
    /// Six requests when nothing is there: three, of which one is for each upload root, run beside
    /// the two that look for and make the network, and the start comes last. A disk of its own takes
    /// a helper's run more.
    pub(super) async fn ensure_instance(
        &self,
        spec: &InstanceSpec,
    ) -> Result<Ensured, RuntimeError> {
        let name = &spec.name;
        let network = async {
            self.networks.ensure(&self.docker, &name.installation, name.broker).await?;
            match self.reach.joiner() {
                Some(joiner) => {
                    joiner.join(&network::name(&name.installation, name.broker)).await.map(drop)
                }
                None => Ok(()),
            }
        };
        let (network, made) = tokio::join!(network, self.make(spec));
        let made = made?;
        network?;
        match made {
            Made::Right => Ok(Ensured::AlreadyRight),
            Made::Ready { id } => {
                self.launch(APPLY, &id, name, &spec.hostname).await?;
                Ok(Ensured::Created)
            }
            Made::Ended(found) => {
                self.relaunch(APPLY, &found).await?;
                Ok(Ensured::Updated)
            }
        }
    }

    /// Creates the container and gives it its files; completes or judges one that is there.
    async fn make(&self, spec: &InstanceSpec) -> Result<Made, RuntimeError> {
        let digest = spec.digest();
        let name = spec.name.to_string();
        if spec.disk_bytes.is_some() {
            self.has_helper(APPLY).await?;
        }
        // The second round is for a container that went away between two requests, or that the
        // engine failed to remove.
        for _ in 0..2 {
            match self.create(spec, &digest, &name).await {
                Ok((id, image)) => {
                    self.ensure_disks(APPLY, spec).await?;
                    self.hand_over(APPLY, spec, image).await?;
                    self.upload(&id, spec).await?;
                    return Ok(Made::Ready { id });
                }
                Err(cause) if missing_image(&cause) => return Err(no_image(&spec.image)),
                Err(cause) if error::status(&cause) != Some(409) => {
                    return Err(named(APPLY)(cause));
                }
                Err(_name_taken) => {}
            }
            let Some(found) = inspect::container(&self.docker, APPLY, &name).await? else {
                continue;
            };
            compare(&found, spec, &digest)?;
            match found.phase {
                Phase::Created => {
                    self.ensure_disks(APPLY, spec).await?;
                    let image = found.image_id.ok_or_else(|| odd(APPLY, "image"))?;
                    self.hand_over(APPLY, spec, &image).await?;
                    self.upload(&found.id, spec).await?;
                    return Ok(Made::Ready { id: found.id });
                }
                Phase::Running(_) | Phase::Paused => return Ok(Made::Right),
                Phase::Exited { .. } => return Ok(Made::Ended(Box::new(found))),
                Phase::Removing => {
                    self.remove_container(&found.id).await?;
                }
            }
        }
        Err(error(RuntimeErrorClass::Transient, APPLY, "the container comes and goes"))
    }

    async fn upload(&self, id: &str, spec: &InstanceSpec) -> Result<(), RuntimeError> {
        let archives =
            files::archives(&spec.files, spec.user, self.clock.now()).map_err(|cause| {
                error(RuntimeErrorClass::Rejected, APPLY, format!("can't pack the files: {cause}"))
            })?;
        let uploads = archives.into_iter().map(|(root, archive)| async move {
            let options =
                UploadToContainerOptions { path: root, ..UploadToContainerOptions::default() };
            // As a stream, because the client traces bodies that it has as a whole.
            let archive = bollard::body_stream(stream::iter([Bytes::from(archive)]));
            let upload = self.docker.upload_to_container(id, Some(options), archive);
            request(LONG, upload).await
        });
        try_join_all(uploads).await.map_err(named(APPLY))?;
        Ok(())
    }

    /// Starts a container that has been there. One that was cut off its network is led back to it.
    async fn relaunch(&self, operation: &'static str, found: &Found) -> Result<(), RuntimeError> {
        let name = &found.made_from.name;
        if found.is_connected {
            self.launch(operation, &found.id, name, &found.hostname).await
        } else {
            self.join_and_begin(operation, &found.id, name, &found.hostname).await
        }
    }

    /// Starts a container. One whose network was removed and made again still knows the old one by
    /// its id; it is led to the new one.
    async fn launch(
        &self,
        operation: &'static str,
        id: &str,
        name: &InstanceName,
        hostname: &str,
    ) -> Result<(), RuntimeError> {
        match self.begin(operation, id, name.broker).await? {
            Ok(()) => Ok(()),
            Err(cause) if missing_network(&cause) => {
                self.join_and_begin(operation, id, name, hostname).await
            }
            Err(cause) => Err(named(operation)(cause)),
        }
    }

    async fn join_and_begin(
        &self,
        operation: &'static str,
        id: &str,
        name: &InstanceName,
        hostname: &str,
    ) -> Result<(), RuntimeError> {
        self.networks.ensure(&self.docker, &name.installation, name.broker).await?;
        let network = network::name(&name.installation, name.broker);
        network::connect_under(&self.docker, &network, id, hostname)
            .await
            .map_err(named(operation))?;
        self.begin(operation, id, name.broker).await?.map_err(named(operation))
    }

    /// Starts a container, and attaches its disk first where that is what keeps it from starting: nothing is
    /// attached after a restart of the host. What the engine says of the start may be cured by the caller.
    async fn begin(
        &self,
        operation: &'static str,
        id: &str,
        broker: BrokerId,
    ) -> Result<Result<(), DockerError>, RuntimeError> {
        if let Some(firewall) = &self.firewall {
            firewall.ready(broker).await?;
        }
        let start = async || {
            let start = self.docker.start_container(id, None::<StartContainerOptions>);
            request(LONG, start).await
        };
        let started = start().await;
        let Err(cause) = &started else { return Ok(started) };
        if !disk::is_detached(&error::message(cause)) {
            return Ok(started);
        }
        let found = self.seen(operation, &RuntimeId(id.to_owned())).await?;
        match &found.disk {
            None => Ok(started),
            Some((disk, _)) => {
                self.attach(operation, disk).await?;
                Ok(start().await)
            }
        }
    }

    pub(super) async fn kill(
        &self,
        operation: &'static str,
        id: &str,
    ) -> Result<bool, RuntimeError> {
        let kill = self.docker.kill_container(id, None::<KillContainerOptions>);
        match request(LONG, kill).await {
            Ok(()) => Ok(true),
            Err(cause) if error::status(&cause) == Some(409) => Ok(false),
            Err(cause) => Err(named(operation)(cause)),
        }
    }

    pub(super) async fn seen(
        &self,
        operation: &'static str,
        id: &RuntimeId,
    ) -> Result<Found, RuntimeError> {
        let found = inspect::container(&self.docker, operation, &id.0).await?;
        found.ok_or_else(|| {
            error(RuntimeErrorClass::Gone, operation, "the container is not there any more")
        })
    }

    pub(super) async fn start_container(&self, id: &RuntimeId) -> Result<Ensured, RuntimeError> {
        let found = self.seen(START, id).await?;
        if let Phase::Running(_) = found.phase {
            return Ok(Ensured::AlreadyRight);
        }
        self.relaunch(START, &found).await?;
        Ok(Ensured::Updated)
    }

    pub(super) async fn restart_container(&self, id: &RuntimeId) -> Result<Ensured, RuntimeError> {
        let found = self.seen(RESTART, id).await?;
        // The engine answers once the container has ended, a paused one too.
        self.kill(RESTART, &found.id).await?;
        self.relaunch(RESTART, &found).await?;
        Ok(Ensured::Updated)
    }

    pub(super) async fn stop_container(
        &self,
        id: &RuntimeId,
        grace: Duration,
    ) -> Result<Ensured, RuntimeError> {
        let found = self.seen(STOP, id).await?;
        match found.phase {
            Phase::Created | Phase::Exited { .. } | Phase::Removing => Ok(Ensured::AlreadyRight),
            // Paused, it could not end in an orderly way.
            Phase::Paused => {
                self.kill(STOP, &found.id).await?;
                Ok(Ensured::Updated)
            }
            Phase::Running(_) if grace.is_zero() => {
                self.kill(STOP, &found.id).await?;
                Ok(Ensured::Updated)
            }
            Phase::Running(_) => {
                let seconds = i32::try_from(grace.as_secs()).unwrap_or(i32::MAX);
                let options = StopContainerOptions { t: Some(seconds), signal: None };
                let stop = self.docker.stop_container(&found.id, Some(options));
                request(grace.saturating_add(LONG), stop).await.map_err(named(STOP))?;
                Ok(Ensured::Updated)
            }
        }
    }

    pub(super) async fn change_limits(
        &self,
        id: &RuntimeId,
        limits: Limits,
    ) -> Result<Ensured, RuntimeError> {
        let limits = create::at_most(limits, self.cpus);
        if self.seen(LIMITS, id).await?.limits == limits {
            return Ok(Ensured::AlreadyRight);
        }
        let memory = Some(create::signed(limits.memory_bytes));
        let body = ContainerUpdateBody {
            memory,
            memory_swap: memory,
            nano_cpus: Some(create::signed(limits.nano_cpus)),
            cpu_shares: Some(i64::from(limits.cpu_shares)),
            pids_limit: Some(i64::from(limits.pids)),
            ..ContainerUpdateBody::default()
        };
        request(SHORT, self.docker.update_container(&id.0, body)).await.map_err(named(LIMITS))?;
        Ok(Ensured::Updated)
    }

    pub(super) async fn remove_instance(
        &self,
        name: &InstanceName,
        volumes: Volumes,
    ) -> Result<Ensured, RuntimeError> {
        let mut any = self.remove_container(&name.to_string()).await?;
        any |= self.remove_volumes(name, volumes).await?;
        if volumes == Volumes::Delete && !self.has_instances(name).await? {
            any |= self.remove_shared_volumes(name).await?;
            let network = network::name(&name.installation, name.broker);
            network::leave(&self.docker, self.reach.joiner(), &name.installation, &network).await?;
            any |= network::remove(&self.docker, &name.installation, name.broker).await?;
        }
        Ok(if any { Ensured::Updated } else { Ensured::AlreadyRight })
    }

    pub(super) async fn remove_container(&self, container: &str) -> Result<bool, RuntimeError> {
        let options =
            RemoveContainerOptions { force: true, v: true, ..RemoveContainerOptions::default() };
        let removal = self.docker.remove_container(container, Some(options));
        unless_gone(request(LONG, removal).await).map_err(named(REMOVE))
    }

    async fn remove_volumes(
        &self,
        name: &InstanceName,
        volumes: Volumes,
    ) -> Result<bool, RuntimeError> {
        let doomed = |volume: &Volume| {
            // A volume that does not say is kept: it may hold somebody's messages.
            volumes == Volumes::Delete
                || volume.labels.get(labels::KEEP).is_some_and(|keep| keep == "false")
        };
        self.remove_volumes_of(labels::of_instance(name), doomed).await
    }

    /// Removes what the instances of a broker had together, once none of them is left. The engine
    /// refuses it while a container of whatever state has the volume.
    async fn remove_shared_volumes(&self, name: &InstanceName) -> Result<bool, RuntimeError> {
        let of_broker = labels::of_broker(&name.installation, name.broker);
        let shared = |volume: &Volume| !volume.labels.contains_key(labels::ORDINAL);
        self.remove_volumes_of(of_broker, shared).await
    }

    async fn remove_volumes_of(
        &self,
        filters: HashMap<String, Vec<String>>,
        doomed: impl Fn(&Volume) -> bool,
    ) -> Result<bool, RuntimeError> {
        let options = ListVolumesOptions { filters: Some(filters) };
        let listed =
            request(SHORT, self.docker.list_volumes(Some(options))).await.map_err(named(REMOVE))?;
        let doomed = listed.volumes.unwrap_or_default().into_iter().filter(|v| doomed(v));
        let (files, volumes): (Vec<Volume>, Vec<Volume>) = doomed.partition(|volume| {
            volume.labels.get(labels::ROLE).is_some_and(|role| role == labels::DISK)
        });
        let files: Vec<(Volume, Option<Disk>)> = files
            .into_iter()
            .map(|file| {
                let disk = Disk::in_file(&self.options.installation, &file.name);
                (file, disk)
            })
            .collect();
        for disk in files.iter().filter_map(|(_, disk)| disk.as_ref()) {
            self.remove_helpers(&disk.volume).await?;
        }
        let mut any = false;
        for result in join_all(volumes.iter().map(|volume| self.remove_volume(volume))).await {
            any |= result?;
        }
        // What tells of a disk goes last: until then it is found and done again.
        for (file, disk) in &files {
            if let Some(disk) = disk {
                self.detach(REMOVE, disk).await?;
            }
            any |= self.remove_volume(file).await?;
        }
        Ok(any)
    }

    async fn remove_volume(&self, volume: &Volume) -> Result<bool, RuntimeError> {
        let remove = || self.docker.remove_volume(&volume.name, None::<RemoveVolumeOptions>);
        let mut removed = request(LONG, remove()).await;
        if removed.as_ref().is_err_and(|cause| error::status(cause) == Some(409)) {
            // A helper may have it that a crash has left.
            self.remove_helpers(&volume.name).await?;
            removed = request(LONG, remove()).await;
        }
        unless_gone(removed).map_err(named(REMOVE))
    }

    /// Whether the broker has containers, in whatever state: one that has ended still needs its
    /// network when it is started again.
    async fn has_instances(&self, name: &InstanceName) -> Result<bool, RuntimeError> {
        let options = ListContainersOptions {
            all: true,
            filters: Some(labels::of_broker(&name.installation, name.broker)),
            ..ListContainersOptions::default()
        };
        let listed = request(SHORT, self.docker.list_containers(Some(options)))
            .await
            .map_err(named(REMOVE))?;
        Ok(!listed.is_empty())
    }

    /// Everything of this installation, or of one of its brokers.
    pub(super) async fn list_objects(
        &self,
        of: Option<BrokerId>,
    ) -> Result<Vec<RuntimeObject>, RuntimeError> {
        let ours = || {
            let installation = &self.options.installation;
            Some(match of {
                Some(broker) => labels::of_broker(installation, broker),
                None => labels::of_installation(installation),
            })
        };
        let containers = ListContainersOptions {
            all: true,
            filters: ours(),
            ..ListContainersOptions::default()
        };
        let (containers, volumes, networks) = tokio::try_join!(
            request(SHORT, self.docker.list_containers(Some(containers))),
            request(SHORT, self.docker.list_volumes(Some(ListVolumesOptions { filters: ours() }))),
            request(
                SHORT,
                self.docker.list_networks(Some(ListNetworksOptions { filters: ours() }))
            ),
        )
        .map_err(named(LIST))?;
        let labels = containers
            .into_iter()
            .filter_map(|container| container.labels)
            .chain(volumes.volumes.unwrap_or_default().into_iter().map(|volume| volume.labels))
            .chain(networks.into_iter().filter_map(|network| network.labels));
        let objects: BTreeSet<_> = labels.filter_map(|labels| labels::object(&labels)).collect();
        Ok(objects.into_iter().collect())
    }
}

/// Whether the container that is there may stand for the spec.
fn compare(found: &Found, spec: &InstanceSpec, digest: &SpecDigest) -> Result<(), RuntimeError> {
    if found.made_from.name != spec.name {
        let message = "the container of this name belongs to something else";
        return Err(error(RuntimeErrorClass::Rejected, APPLY, message));
    }
    if found.made_from.generation > spec.generation {
        let message = format!(
            "the container was made for generation {}, this is {}",
            found.made_from.generation.0, spec.generation.0
        );
        return Err(error(RuntimeErrorClass::Stale, APPLY, message));
    }
    if found.made_from.digest != *digest {
        let message = "the container was made from another spec and must be replaced first";
        return Err(error(RuntimeErrorClass::Rejected, APPLY, message));
    }
    Ok(())
}

fn no_image(image: &str) -> RuntimeError {
    let message = format!(
        "the image {image} is not there: build it with `make images`, or pull it with `docker pull {image}`"
    );
    error(RuntimeErrorClass::Blocked, APPLY, message)
}
