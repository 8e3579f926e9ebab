//! What a broker counts against the quotas of its account.

use super::{pending::PendingChanges, spec::BrokerSpec};

/// The memory and the storage that a broker counts against the quotas of its account: those of its instance type, whatever
/// the operator's scale makes of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct BrokerResources {
    /// The memory of all instances together, in MiB.
    pub memory_mib: u32,
    /// The disks of all instances together, in GiB. A pair has one.
    pub storage_gib: u32,
}

impl BrokerResources {
    /// Of each the larger one of what is in force and of what waits for a reboot.
    pub fn of(spec: &BrokerSpec, pending: &PendingChanges) -> Self {
        let (now, later) = (Self::in_force(spec), Self::in_force(&pending.applied_to(spec)));
        Self {
            memory_mib: now.memory_mib.max(later.memory_mib),
            storage_gib: now.storage_gib.max(later.storage_gib),
        }
    }

    fn in_force(spec: &BrokerSpec) -> Self {
        let mode = spec.deployment_mode;
        let memory = spec.host_instance_type.memory_bytes() * u64::from(mode.instances());
        let storage = spec.storage_bytes() * u64::from(mode.disks());
        Self {
            memory_mib: u32::try_from(memory >> 20).unwrap_or(u32::MAX),
            storage_gib: u32::try_from(storage >> 30).unwrap_or(u32::MAX),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        broker::tests::broker,
        catalogue::{DeploymentMode, HostInstanceType},
    };

    fn host(name: &str) -> HostInstanceType {
        HostInstanceType::from_name(name).expect(name)
    }

    #[test]
    fn every_instance_has_memory_and_every_node_of_a_cluster_a_disk() {
        use DeploymentMode::{ActiveStandbyMultiAz, ClusterMultiAz, SingleInstance};
        let nothing = PendingChanges::default();
        for (name, mode, size, memory_gib, storage_gib) in [
            ("mq.t3.micro", SingleInstance, None, 1, 20),
            ("mq.m5.large", ActiveStandbyMultiAz, None, 16, 200),
            ("mq.m5.large", ClusterMultiAz, None, 24, 600),
            ("mq.m7g.medium", ClusterMultiAz, None, 12, 15),
            ("mq.m7g.medium", ClusterMultiAz, Some(25), 12, 75),
            ("mq.m7g.medium", SingleInstance, None, 4, 200),
        ] {
            let spec = BrokerSpec {
                host_instance_type: host(name),
                deployment_mode: mode,
                storage_size: size,
                ..broker().spec
            };
            let expected = BrokerResources { memory_mib: memory_gib * 1024, storage_gib };
            assert_eq!(BrokerResources::of(&spec, &nothing), expected, "{name} {mode}");
        }
    }

    #[test]
    fn what_waits_counts_where_it_is_more_and_what_is_in_force_until_it_is_left() {
        let spec = BrokerSpec {
            host_instance_type: host("mq.m7g.large"),
            deployment_mode: DeploymentMode::ClusterMultiAz,
            storage_size: Some(75),
            ..broker().spec
        };
        let pending = |name, size| PendingChanges {
            host_instance_type: Some(host(name)),
            storage_size: Some(size),
            ..PendingChanges::default()
        };
        let of = |pending: &PendingChanges| {
            let counted = BrokerResources::of(&spec, pending);
            (counted.memory_mib / 1024, counted.storage_gib)
        };
        assert_eq!(of(&pending("mq.m7g.xlarge", Some(25))), (48, 225));
        assert_eq!(of(&pending("mq.m7g.medium", None)), (24, 225));
        assert_eq!(of(&pending("mq.m7g.xlarge", Some(125))), (48, 375));
    }
}
