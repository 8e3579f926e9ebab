//! What both engines' instances have in common.

use brokerd_domain::{
    BrokerSpec, DeploymentMode, EngineType,
    instance::{InjectedFile, InstanceName, InstanceSpec, Limits, VolumeSpec},
    instance_memory,
};

use super::blueprint::{Blueprint, Sizing, Unsupported};
use crate::plan::InstanceIdentity;
use crate::runtime::Capacity;

pub(super) const MIB: u64 = 1 << 20;
pub(super) const GIB: u64 = 1 << 30;

/// With less, a boot takes longer than its deadline on a busy host.
const MIN_NANO_CPUS: u64 = 500_000_000;

/// What an instance of the tier may use on this host: memory and processors of the tier, scaled.
///
/// The processors are never more than the host has, because the container engine refuses that;
/// too little memory is the owner's problem and said so.
pub(super) fn limits(
    spec: &BrokerSpec,
    sizing: Sizing,
    capacity: Capacity,
    pids: u32,
) -> Result<Limits, Unsupported> {
    let (tier, scale) = (spec.host_instance_type, sizing.scale);
    let memory_bytes = instance_memory(tier, scale);
    let have = capacity.memory_bytes;
    if memory_bytes > have {
        return Err(Unsupported(format!(
            "not enough memory: {tier} needs {} GiB, this host has {} GiB; a smaller \
             sizing.scale (now {scale}) makes instances smaller than their type",
            gib(memory_bytes),
            gib(have),
        )));
    }
    let host = u64::from(capacity.cpus.max(1)) * 1_000_000_000;
    let nano_cpus =
        scaled(u64::from(tier.vcpus()) * 1_000_000_000, scale).max(MIN_NANO_CPUS).min(host);
    Ok(Limits { memory_bytes, nano_cpus, cpu_shares: Limits::SERVING_SHARES, pids })
}

/// `amount` times `factor`, rounded down.
pub(super) fn scaled(amount: u64, factor: f64) -> u64 {
    (amount as f64 * factor) as u64
}

fn gib(bytes: u64) -> String {
    format!("{:.1}", bytes as f64 / GIB as f64)
}

/// One instance with everything that does not depend on the engine.
pub(super) fn instance(
    blueprint: &Blueprint<'_>,
    identity: InstanceIdentity,
    limits: Limits,
    files: Vec<InjectedFile>,
) -> InstanceSpec {
    let InstanceIdentity { ordinal, hostname, ports, stop_grace } = identity;
    let (broker, image) = (blueprint.broker, blueprint.image);
    let volume = |role, mount: &str, keep| {
        // The instances of a pair have one store, whose lock decides which of them serves.
        let shared = keep && broker.spec.deployment_mode == DeploymentMode::ActiveStandbyMultiAz;
        VolumeSpec { role, mount: mount.to_owned(), keep, shared }
    };
    InstanceSpec {
        name: InstanceName {
            installation: blueprint.installation.clone(),
            broker: broker.id,
            ordinal,
        },
        generation: broker.generation,
        reboot: broker.reboots_requested,
        instances: broker.spec.deployment_mode.instances(),
        hostname,
        image: image.reference(),
        former_image: None,
        user: (image.uid, image.gid),
        owns_data: image.owns_data,
        command: image.command.clone(),
        environment: image.env.clone(),
        ports,
        volumes: vec![
            volume("conf", &image.config_root, false),
            volume("data", &image.data_root, true),
        ],
        disk_bytes: blueprint.materials.own_disk.then(|| disk_bytes(&broker.spec)),
        tmpfs: image.tmpfs.iter().map(|t| (t.path.clone(), t.options.clone())).collect(),
        files,
        limits,
        open_files: blueprint.sizing.open_files,
        stop_grace,
    }
}

/// How large a disk of the broker's own is. What the file system needs for itself comes on top where the engine
/// may use all the rest: ActiveMQ, for messages and for its temporary store.
fn disk_bytes(spec: &BrokerSpec) -> u64 {
    let tier = spec.host_instance_type;
    match spec.engine_type {
        EngineType::ActiveMq => (tier.store_bytes() + tier.temp_store_bytes()) / 100 * 102,
        EngineType::RabbitMq => spec.storage_bytes(),
    }
}

/// A file below `root`.
pub(super) fn file(root: &str, path: &str, mode: u32, content: impl Into<Vec<u8>>) -> InjectedFile {
    InjectedFile { root: root.to_owned(), path: path.to_owned(), mode, content: content.into() }
}

/// The stored form of a user's password.
pub(super) fn stored_password<'a>(
    blueprint: &Blueprint<'a>,
    username: &str,
) -> Result<&'a str, Unsupported> {
    let passwords = &blueprint.materials.passwords;
    passwords.get(username).map(|prepared| prepared.stored.as_str()).ok_or_else(|| {
        Unsupported(format!(
            "no password was prepared for user {username}; this is a bug in brokerd"
        ))
    })
}

/// The password of the broker's keystore.
pub(super) fn keystore_password<'a>(blueprint: &Blueprint<'a>) -> Result<&'a str, Unsupported> {
    let password = blueprint.materials.keystore_password.as_deref();
    password
        .ok_or_else(|| Unsupported("the password of the broker's keystore is missing".to_owned()))
}
