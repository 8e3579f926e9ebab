//! A spec as the container Docker should create, from the image that it should be made from.

use std::{collections::HashMap, net::IpAddr};

use bollard::{
    errors::Error as DockerError,
    models::{
        ContainerCreateBody, EndpointSettings, HealthConfig, HostConfig, HostConfigLogConfig,
        Mount, MountType, MountVolumeOptions, MountVolumeOptionsDriverConfig, NetworkingConfig,
        PortBinding, ResourcesUlimits, RestartPolicy, RestartPolicyNameEnum,
    },
    query_parameters::CreateContainerOptions,
};

use super::{
    DockerRuntime,
    disk_volume::{Disk, MOUNT},
    error::{LONG, missing_image, request},
    labels, network,
};
use brokerd_domain::instance::{FormerImage, InstanceSpec, Limits, SpecDigest, VolumeSpec};

impl DockerRuntime {
    /// The new container, and the image it was made from.
    pub(super) async fn create<'a>(
        &self,
        spec: &'a InstanceSpec,
        digest: &SpecDigest,
        name: &str,
    ) -> Result<(String, &'a str), DockerError> {
        let (image, otherwise) = match &spec.former_image {
            None => (&spec.image, None),
            Some(FormerImage::First(former)) => (former, Some(&spec.image)),
            Some(FormerImage::Last(former)) => (&spec.image, Some(former)),
        };
        match (self.create_from(image, spec, digest, name).await, otherwise) {
            (Err(cause), Some(otherwise)) if missing_image(&cause) => {
                Ok((self.create_from(otherwise, spec, digest, name).await?, otherwise))
            }
            (made, _) => Ok((made?, image)),
        }
    }

    async fn create_from(
        &self,
        image: &str,
        spec: &InstanceSpec,
        digest: &SpecDigest,
        name: &str,
    ) -> Result<String, DockerError> {
        let publish = self.reach.publishes().then_some(self.options.publish_address);
        let body = body(spec, image, digest, publish, self.cpus, self.options.set_ulimits);
        let options = CreateContainerOptions {
            name: Some(name.to_owned()),
            ..CreateContainerOptions::default()
        };
        Ok(request(LONG, self.docker.create_container(Some(options), body)).await?.id)
    }
}

/// A number as Docker takes it.
pub(super) fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// What the host can give: Docker refuses more processors than there are.
pub(super) fn at_most(limits: Limits, cpus: u32) -> Limits {
    Limits {
        nano_cpus: limits.nano_cpus.min(u64::from(cpus).saturating_mul(1_000_000_000)),
        ..limits
    }
}

/// The container, made from that image. Its volumes come to be with it, labelled, which saves a request for each; its
/// network need not exist before it is started. Its ports are published on an address of the host if there is
/// one to `publish` them on.
pub(super) fn body(
    spec: &InstanceSpec,
    image: &str,
    digest: &SpecDigest,
    publish: Option<IpAddr>,
    cpus: u32,
    set_ulimits: bool,
) -> ContainerCreateBody {
    let ports: Vec<String> = spec.ports.iter().map(|port| format!("{port}/tcp")).collect();
    let network = network::name(&spec.name.installation, spec.name.broker);
    let endpoint = EndpointSettings {
        aliases: Some(vec![spec.hostname.clone()]),
        ..EndpointSettings::default()
    };
    ContainerCreateBody {
        hostname: Some(spec.hostname.clone()),
        user: Some(format!("{}:{}", spec.user.0, spec.user.1)),
        image: Some(image.to_owned()),
        cmd: Some(spec.command.clone()).filter(|command| !command.is_empty()),
        env: Some(spec.environment.clone()),
        exposed_ports: Some(ports.clone()),
        labels: Some(labels::of_container(spec, digest)),
        // brokerd asks the engine itself; a check of the image's would only cost processor time.
        healthcheck: Some(HealthConfig {
            test: Some(vec!["NONE".to_owned()]),
            ..HealthConfig::default()
        }),
        host_config: Some(HostConfig {
            network_mode: Some(network.clone()),
            port_bindings: publish.map(|address| bindings(ports, address)),
            ..host_config(spec, cpus, set_ulimits)
        }),
        networking_config: Some(NetworkingConfig {
            endpoints_config: Some(HashMap::from([(network, endpoint)])),
        }),
        ..ContainerCreateBody::default()
    }
}

fn bindings(
    ports: Vec<String>,
    publish_address: IpAddr,
) -> HashMap<String, Option<Vec<PortBinding>>> {
    let anywhere =
        PortBinding { host_ip: Some(publish_address.to_string()), host_port: Some(String::new()) };
    ports.into_iter().map(|port| (port, Some(vec![anywhere.clone()]))).collect()
}

fn host_config(spec: &InstanceSpec, cpus: u32, set_ulimits: bool) -> HostConfig {
    let limits = at_most(spec.limits, cpus);
    let open_files = ResourcesUlimits {
        name: Some("nofile".to_owned()),
        soft: Some(signed(spec.open_files)),
        hard: Some(signed(spec.open_files)),
    };
    let log_size = [("max-size", "10m"), ("max-file", "2")];
    HostConfig {
        cap_drop: Some(vec!["ALL".to_owned()]),
        security_opt: Some(vec!["no-new-privileges".to_owned()]),
        readonly_rootfs: Some(true),
        tmpfs: Some(spec.tmpfs.iter().cloned().collect()),
        mounts: Some(spec.volumes.iter().flat_map(|volume| mounts(spec, volume)).collect()),
        memory: Some(signed(limits.memory_bytes)),
        memory_swap: Some(signed(limits.memory_bytes)),
        nano_cpus: Some(signed(limits.nano_cpus)),
        cpu_shares: Some(i64::from(limits.cpu_shares)),
        pids_limit: Some(i64::from(limits.pids)),
        ulimits: set_ulimits.then(|| vec![open_files]),
        restart_policy: Some(RestartPolicy {
            name: Some(RestartPolicyNameEnum::NO),
            maximum_retry_count: None,
        }),
        log_config: Some(HostConfigLogConfig {
            typ: Some("json-file".to_owned()),
            config: Some(log_size.map(|(name, value)| (name.to_owned(), value.to_owned())).into()),
        }),
        ..HostConfig::default()
    }
}

/// The mount of a volume; of one that is on a disk of its own, also that of the volume with the disk's file. The
/// engine can't read it there. It keeps the container engine from taking it for unused.
fn mounts(spec: &InstanceSpec, volume: &VolumeSpec) -> Vec<Mount> {
    let name = labels::volume_name(&spec.name, volume);
    let labels = labels::of_volume(&spec.name, volume);
    let mount = |source: String, target: &str, options: MountVolumeOptions| Mount {
        typ: Some(MountType::VOLUME),
        source: Some(source),
        target: Some(target.to_owned()),
        volume_options: Some(options),
        ..Mount::default()
    };
    if !(volume.keep && spec.disk_bytes.is_some()) {
        let options = MountVolumeOptions {
            no_copy: (volume.keep && !spec.owns_data).then_some(true),
            labels: Some(labels),
            ..MountVolumeOptions::default()
        };
        return vec![mount(name, &volume.mount, options)];
    }
    let disk = Disk::of(&spec.name.installation, name);
    let data = MountVolumeOptions {
        // The disk can't be mounted yet.
        no_copy: Some(true),
        driver_config: Some(MountVolumeOptionsDriverConfig {
            name: Some("local".to_owned()),
            options: Some(disk.driver_options()),
        }),
        labels: Some(labels.clone()),
        ..MountVolumeOptions::default()
    };
    let file = MountVolumeOptions {
        no_copy: Some(true),
        labels: Some(labels::of_disk(labels)),
        ..MountVolumeOptions::default()
    };
    let file = mount(disk.file_volume(), MOUNT, file);
    vec![mount(disk.volume.clone(), &volume.mount, data), Mount { read_only: Some(true), ..file }]
}
