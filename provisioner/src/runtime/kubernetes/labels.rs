//! The labels and annotations by which the world is read back, and the names of objects.
//!
//! Labels are what is asked for; their values end at 63 characters. What is longer, or changes, is an annotation.

use std::collections::BTreeMap;

use brokerd_domain::{
    BrokerId, InstallationId,
    instance::{InstanceName, InstanceSpec, Limits, SpecDigest, VolumeSpec, host_name},
};

pub(super) use crate::runtime::made_from::{
    BROKER, GENERATION, INSTALLATION, MadeFrom, ORDINAL, REBOOT, SPEC,
};
use crate::runtime::{RuntimeObject, made_from};

/// Who made it.
///
/// Source: "Recommended Labels" of Kubernetes.
pub(super) const MANAGED_BY: &str = "app.kubernetes.io/managed-by";
/// What it is part of; brokerd's own pods have it with the value [`BROKERD`].
pub(super) const NAME: &str = "app.kubernetes.io/name";
/// The value of both for what is brokerd's.
pub(super) const BROKERD: &str = "brokerd";
/// On a pod: it is cut off the network.
pub(super) const ISOLATED: &str = "brokerd.isolated";

/// Annotation: the limits as they were given, of which Kubernetes knows only a part.
pub(super) const LIMITS: &str = "brokerd.limits";
/// Annotation of a secret: the image that the instance is to be made from.
pub(super) const IMAGE: &str = "brokerd.image";
/// Annotation of a pod: its processes stand still.
pub(super) const PAUSED: &str = "brokerd.frozen";
/// Annotation of a pod: its data is on a disk that has the size of its tier.
pub(super) const DISK: &str = "brokerd.disk";

/// Labels, and annotations.
pub(super) type Labels = BTreeMap<String, String>;

fn pairs<const N: usize>(pairs: [(&str, String); N]) -> Labels {
    pairs.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// The labels of what belongs to the whole broker.
pub(super) fn of_broker(installation: &InstallationId, broker: BrokerId) -> Labels {
    pairs([
        (MANAGED_BY, BROKERD.to_owned()),
        (INSTALLATION, installation.to_string()),
        (BROKER, broker.to_string()),
    ])
}

/// The labels of what belongs to an instance.
pub(super) fn of_instance(name: &InstanceName) -> Labels {
    let mut labels = of_broker(&name.installation, name.broker);
    labels.insert(ORDINAL.to_owned(), name.ordinal.to_string());
    labels
}

/// The labels of a volume.
pub(super) fn of_volume(name: &InstanceName, volume: &VolumeSpec) -> Labels {
    if volume.shared { of_broker(&name.installation, name.broker) } else { of_instance(name) }
}

/// What an instance was made from, as annotations.
pub(super) fn annotations(spec: &InstanceSpec, digest: &SpecDigest) -> Labels {
    pairs([
        (GENERATION, spec.generation.0.to_string()),
        (REBOOT, spec.reboot.to_string()),
        (SPEC, digest.0.clone()),
    ])
}

/// The limits as an annotation has them.
pub(super) fn limits_text(limits: Limits) -> String {
    let Limits { memory_bytes, nano_cpus, cpu_shares, pids } = limits;
    format!("{memory_bytes} {nano_cpus} {cpu_shares} {pids}")
}

/// The limits that an annotation has.
pub(super) fn limits_of(annotations: &Labels) -> Option<Limits> {
    let mut numbers = annotations.get(LIMITS)?.split(' ');
    let limits = Limits {
        memory_bytes: numbers.next()?.parse().ok()?,
        nano_cpus: numbers.next()?.parse().ok()?,
        cpu_shares: numbers.next()?.parse().ok()?,
        pids: numbers.next()?.parse().ok()?,
    };
    numbers.next().is_none().then_some(limits)
}

/// The selector of what belongs to an installation.
pub(super) fn selector(installation: &InstallationId) -> String {
    format!("{INSTALLATION}={installation}")
}

/// The selector of what belongs to a broker.
pub(super) fn selector_of(installation: &InstallationId, broker: BrokerId) -> String {
    format!("{INSTALLATION}={installation},{BROKER}={broker}")
}

/// The selector of what belongs to an instance.
pub(super) fn selector_of_instance(name: &InstanceName) -> String {
    let broker = selector_of(&name.installation, name.broker);
    format!("{broker},{ORDINAL}={}", name.ordinal)
}

/// What the labels say it is; nothing, if they were not written by us.
pub(super) fn object(labels: &Labels) -> Option<RuntimeObject> {
    made_from::object(|name| labels.get(name))
}

/// What labels and annotations say an instance was made from; nothing, if they were not written by us.
pub(super) fn made_from(labels: &Labels, annotations: &Labels) -> Option<MadeFrom> {
    MadeFrom::read(|name| labels.get(name), |name| annotations.get(name))
}

/// The name of an instance's pod and of its secret.
pub(super) fn instance_name(name: &InstanceName) -> String {
    host_name(name.broker, name.ordinal)
}

/// The name of what belongs to the whole broker: its service, its policy, its budget.
pub(super) fn broker_name(broker: BrokerId) -> String {
    broker.to_string()
}

/// The name of the policy for what is cut off.
pub(super) fn isolation_name(broker: BrokerId) -> String {
    format!("{broker}-isolated")
}

/// The name of the claim of a volume.
pub(super) fn claim_name(name: &InstanceName, volume: &VolumeSpec) -> String {
    if volume.shared {
        format!("{}-{}", name.broker, volume.role)
    } else {
        format!("{}-{}", instance_name(name), volume.role)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_read_as_they_are_written() {
        let limits =
            Limits { memory_bytes: 1 << 30, nano_cpus: 333_333_333, cpu_shares: 128, pids: 99 };
        let of = |text: &str| limits_of(&pairs([(LIMITS, text.to_owned())]));
        assert_eq!(of(&limits_text(limits)), Some(limits));
        for odd in ["", "1 2 3", "1 2 3 4 5", "a b c d", "-1 2 3 4"] {
            assert_eq!(of(odd), None, "{odd}");
        }
    }

    #[test]
    fn names_and_values_fit_what_kubernetes_permits() {
        let name = InstanceName {
            installation: "i".repeat(20).parse().expect("valid"),
            broker: BrokerId::from(uuid::Uuid::from_u128(u128::MAX)),
            ordinal: 255,
        };
        assert!(instance_name(&name).len() <= 63 && isolation_name(name.broker).len() <= 63);
        assert!(of_instance(&name).values().all(|value| value.len() <= 63));
    }
}
