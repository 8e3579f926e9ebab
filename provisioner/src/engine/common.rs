//! What both engines' instances have in common.

use std::time::Duration;

use brokerd_domain::{BrokerSpec, DeploymentMode, EngineType, Protocol};

use super::{Blueprint, Unsupported};
use crate::{
    materials,
    runtime::{InjectedFile, InstanceName, InstanceSpec, Limits, VolumeSpec},
};

pub(super) const MIB: u64 = 1 << 20;
pub(super) const GIB: u64 = 1 << 30;

/// Neither engine starts reliably with less memory: RabbitMQ blocks its publishers at once.
const LEAST_MEMORY: u64 = 512 * MIB;

/// With less, a boot takes longer than its deadline on a busy host.
const LEAST_NANO_CPUS: u64 = 500_000_000;

/// What an instance of the tier may use on this host: memory and processors of the tier, scaled.
///
/// The processors are never more than the host has, because the container engine refuses that;
/// too little memory is the owner's problem and said so.
pub(super) fn limits(blueprint: &Blueprint<'_>, pids: u32) -> Result<Limits, Unsupported> {
    let tier = blueprint.broker.spec.host_instance_type;
    let scale = blueprint.sizing.scale;
    let memory_bytes = (scaled(tier.memory_bytes(), scale) / MIB * MIB).max(LEAST_MEMORY);
    let have = blueprint.capacity.memory_bytes;
    if memory_bytes > have {
        return Err(Unsupported(format!(
            "not enough room: {tier} needs {} GiB of memory, this host has {} GiB; a smaller \
             sizing.scale (now {scale}) makes instances smaller than their type",
            gib(memory_bytes),
            gib(have),
        )));
    }
    let host = u64::from(blueprint.capacity.cpus.max(1)) * 1_000_000_000;
    let nano_cpus =
        scaled(u64::from(tier.vcpus()) * 1_000_000_000, scale).max(LEAST_NANO_CPUS).min(host);
    Ok(Limits { memory_bytes, nano_cpus, pids })
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
    ordinal: u8,
    limits: Limits,
    files: Vec<InjectedFile>,
    stop_grace: Duration,
) -> InstanceSpec {
    let (broker, image) = (blueprint.broker, blueprint.image);
    let volume = |role, mount: &str, keep| {
        // The instances of a pair have one store, whose lock decides which of them serves.
        let shared = keep && broker.spec.deployment_mode == DeploymentMode::ActiveStandbyMultiAz;
        VolumeSpec { role, mount: mount.to_owned(), keep, shared }
    };
    let engine = broker.spec.engine_type;
    InstanceSpec {
        name: InstanceName {
            installation: blueprint.installation.clone(),
            broker: broker.id,
            ordinal,
        },
        generation: broker.generation,
        reboot: broker.reboots_requested,
        hostname: materials::host_name(broker, ordinal),
        image: image.reference(),
        former_image: None,
        user: (image.uid, image.gid),
        owns_data: image.owns_data,
        command: image.command.clone(),
        environment: image.env.clone(),
        ports: Protocol::of(engine).iter().map(|protocol| protocol.engine_port(engine)).collect(),
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
