//! How much the default policy and virtual host `/` of a RabbitMQ cluster hold.

use crate::HostInstanceType;

/// What a cluster's defaults allow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClusterLimits {
    /// Messages in a queue, by the default policy.
    pub queue_length: u32,
    /// Queues of virtual host `/`, RabbitMQ 3 only.
    pub queues: u32,
    /// Connections to virtual host `/`, RabbitMQ 3 only.
    pub connections: u32,
}

/// By the size of the type, the same for every family: messages, queues, connections.
///
/// Source: "Default policies" of the developer guide.
const LIMITS: &[(&str, [u32; 3])] = &[
    ("medium", [500_000, 100, 100]),
    ("large", [8_000_000, 4000, 15_000]),
    ("xlarge", [9_000_000, 5000, 20_000]),
    ("2xlarge", [10_000_000, 6000, 40_000]),
    ("4xlarge", [12_000_000, 10_000, 100_000]),
    ("8xlarge", [20_000_000, 20_000, 200_000]),
    ("12xlarge", [30_000_000, 30_000, 300_000]),
    ("16xlarge", [40_000_000, 40_000, 400_000]),
];

impl HostInstanceType {
    /// What the defaults of a cluster on this type allow; none: there are no such clusters.
    pub fn cluster_limits(self) -> Option<ClusterLimits> {
        let size = self.name().rsplit('.').next()?;
        let (_, [queue_length, queues, connections]) =
            LIMITS.iter().copied().find(|(name, _)| *name == size)?;
        Some(ClusterLimits { queue_length, queues, connections })
    }
}

#[cfg(test)]
mod tests {
    use crate::{DeploymentMode, EngineType, EngineVersion, StorageType, instance_types};

    #[test]
    fn every_type_that_clusters_run_on_has_limits() {
        let versions = [EngineVersion::new(3, 13), EngineVersion::new(4, 3)];
        for host in instance_types() {
            let clusters = versions.iter().any(|version| {
                host.deployment_modes(EngineType::RabbitMq, *version, StorageType::Ebs)
                    .contains(&DeploymentMode::ClusterMultiAz)
            });
            assert_eq!(clusters, host.cluster_limits().is_some(), "{host}");
        }
    }
}
