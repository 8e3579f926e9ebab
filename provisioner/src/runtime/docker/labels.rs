//! The labels by which the world is read back.

use std::collections::HashMap;

use brokerd_domain::{
    BrokerId, InstallationId,
    instance::{InstanceName, InstanceSpec, SpecDigest, VolumeSpec},
};

pub(super) use crate::runtime::made_from::{
    BROKER, GENERATION, INSTALLATION, MadeFrom, ORDINAL, REBOOT, SPEC,
};
use crate::runtime::{RuntimeObject, made_from};

/// What a volume is for; what a container of brokerd's own does.
pub(super) const ROLE: &str = "brokerd.role";
/// The role of a volume that holds the file of a disk.
pub(super) const DISK: &str = "disk";
/// Of a helper: which volume, or its disk, it works on.
pub(super) const DISK_OF: &str = "brokerd.disk";
/// Of a helper: whose rules it puts in force. It has no other label, so that it counts as nothing of the installation's.
pub(super) const FIREWALL_OF: &str = "brokerd.firewall";
/// The role of a container that has to reach every engine.
pub(super) const GATEWAY: &str = "gateway";
/// Whether a volume outlives its container.
pub(super) const KEEP: &str = "brokerd.keep";
/// On an image: the full version of the engine in it.
pub(super) const ENGINE_VERSION: &str = "brokerd.engine.version";
/// On images: the modules of the engine, `module=version,…`.
pub(super) const ENGINE_MODULES: &str = "brokerd.engine.modules";

/// Labels as Docker has them.
pub(super) type Labels = HashMap<String, String>;

fn labels<const N: usize>(pairs: [(&str, String); N]) -> Labels {
    pairs.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// The labels of a container.
pub(super) fn of_container(spec: &InstanceSpec, digest: &SpecDigest) -> Labels {
    labels([
        (INSTALLATION, spec.name.installation.to_string()),
        (BROKER, spec.name.broker.to_string()),
        (ORDINAL, spec.name.ordinal.to_string()),
        (GENERATION, spec.generation.0.to_string()),
        (REBOOT, spec.reboot.to_string()),
        (SPEC, digest.0.clone()),
    ])
}

/// The labels of a volume. It outlives containers and its labels can't be changed, so nothing that
/// changes with a container is in them.
pub(super) fn of_volume(name: &InstanceName, volume: &VolumeSpec) -> Labels {
    let mut labels = labels([
        (INSTALLATION, name.installation.to_string()),
        (BROKER, name.broker.to_string()),
        (ROLE, volume.role.to_owned()),
        (KEEP, volume.keep.to_string()),
    ]);
    if !volume.shared {
        labels.insert(ORDINAL.to_owned(), name.ordinal.to_string());
    }
    labels
}

/// The labels of the volume that holds the file of a disk, from those of the volume that the disk is mounted as.
pub(super) fn of_disk(mut volume: Labels) -> Labels {
    volume.insert(ROLE.to_owned(), DISK.to_owned());
    volume
}

/// The labels of a helper: without the broker label, so that lists of brokers' objects skip it.
pub(super) fn of_helper(installation: &InstallationId, volume: &str) -> Labels {
    labels([(INSTALLATION, installation.to_string()), (DISK_OF, volume.to_owned())])
}

/// The labels of a helper that puts an installation's rules in force.
pub(super) fn of_firewall(installation: &InstallationId) -> Labels {
    labels([(FIREWALL_OF, installation.to_string())])
}

/// The labels of a broker's network.
pub(super) fn of_network(installation: &InstallationId, broker: BrokerId) -> Labels {
    labels([(INSTALLATION, installation.to_string()), (BROKER, broker.to_string())])
}

/// A filter for Docker's lists and events: everything that has all of these labels.
pub(super) fn filter(wanted: &[(&str, String)]) -> HashMap<String, Vec<String>> {
    let labels = wanted.iter().map(|(name, value)| format!("{name}={value}")).collect();
    HashMap::from([("label".to_owned(), labels)])
}

/// The filter for what belongs to an installation.
pub(super) fn of_installation(installation: &InstallationId) -> HashMap<String, Vec<String>> {
    filter(&[(INSTALLATION, installation.to_string())])
}

/// The filter for what belongs to a broker.
pub(super) fn of_broker(
    installation: &InstallationId,
    broker: BrokerId,
) -> HashMap<String, Vec<String>> {
    filter(&[(INSTALLATION, installation.to_string()), (BROKER, broker.to_string())])
}

/// The filter for what belongs to an instance.
pub(super) fn of_instance(name: &InstanceName) -> HashMap<String, Vec<String>> {
    filter(&[
        (INSTALLATION, name.installation.to_string()),
        (BROKER, name.broker.to_string()),
        (ORDINAL, name.ordinal.to_string()),
    ])
}

/// What the labels say it is; nothing, if they were not written by us.
pub(super) fn object(labels: &Labels) -> Option<RuntimeObject> {
    made_from::object(|name| labels.get(name))
}

/// What a container was made from; nothing, if the labels were not written by us.
pub(super) fn made_from(labels: &Labels) -> Option<MadeFrom> {
    MadeFrom::read(|name| labels.get(name), |name| labels.get(name))
}

/// The name of a volume: of the instance's, or of the broker's that its instances share.
pub(super) fn volume_name(name: &InstanceName, volume: &VolumeSpec) -> String {
    if volume.shared {
        format!("brokerd-{}-{}-{}", name.installation, name.broker, volume.role)
    } else {
        format!("{name}-{}", volume.role)
    }
}
