//! Instance types: their sizes and limits, and the engines that run on them.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{
    engine::{DeploymentMode, EngineType, EngineVersion, StorageType},
    instance_type_table::{
        ClusterLimits, DEFAULT_MESSAGE, Family, QueueLimits, RabbitMqTier, StorageRange, TIERS,
        Tier, VhostLimits,
    },
};
use crate::kernel::Error;

const GIB: u64 = 1 << 30;

/// A host instance type the service offers.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct HostInstanceType(usize);

/// Every instance type, smallest first within its family.
pub fn instance_types() -> impl Iterator<Item = HostInstanceType> {
    (0..TIERS.len()).map(HostInstanceType)
}

impl HostInstanceType {
    fn tier(self) -> &'static Tier {
        &TIERS[self.0]
    }

    fn rabbitmq(self) -> Option<&'static RabbitMqTier> {
        self.tier().rabbitmq.as_ref()
    }

    /// Finds a type by its exact name.
    pub fn from_name(name: &str) -> Option<Self> {
        TIERS.iter().position(|tier| tier.name == name).map(Self)
    }

    /// Reads a caller's value.
    ///
    /// # Errors
    /// A 400 on `hostInstanceType` when no engine has such a type.
    pub fn parse(engine: EngineType, name: &str) -> Result<Self, Error> {
        Self::from_name(name).ok_or_else(|| unsupported(engine, name))
    }

    /// `mq.<family>.<size>`.
    pub fn name(self) -> &'static str {
        self.tier().name
    }

    /// Virtual processors.
    pub fn vcpus(self) -> u32 {
        self.tier().vcpus
    }

    /// Memory in bytes.
    pub fn memory_bytes(self) -> u64 {
        u64::from(self.tier().memory_gib) * GIB
    }

    /// How much memory RabbitMQ may use before it blocks publishers, in bytes.
    pub fn memory_watermark_bytes(self) -> u64 {
        match self.rabbitmq().and_then(|rabbitmq| rabbitmq.watermark_gib_x100) {
            None => self.memory_bytes() * 2 / 5,
            Some(hundredths) => u64::from(hundredths) * GIB / 100,
        }
    }

    /// How much free disk RabbitMQ keeps, in bytes. The disks of a cluster's nodes are smaller on mq.m7g.
    pub fn disk_free_limit_bytes(self, mode: DeploymentMode) -> u64 {
        let gib = self.rabbitmq().map_or(0, |rabbitmq| rabbitmq.disk_free_limit_gib.of(mode));
        u64::from(gib) * GIB
    }

    /// How much a broker may store, in bytes, where its nodes have no disks of another size.
    pub fn store_bytes(self) -> u64 {
        u64::from(self.tier().store_gib) * GIB
    }

    /// How much an ActiveMQ broker may spill to its temporary store, in bytes.
    pub fn temp_store_bytes(self) -> u64 {
        u64::from(self.tier().activemq.temp_store_gib) * GIB
    }

    /// How many connections an ActiveMQ broker takes per protocol.
    pub fn wire_connections(self) -> u32 {
        self.tier().activemq.wire_connections
    }

    /// How large the disk of a cluster's node may be; none: there is no choice.
    pub(super) fn cluster_storage(self) -> Option<&'static StorageRange> {
        self.rabbitmq()?.cluster_storage.as_ref()
    }

    /// Whether it is the smallest type, on which much does not run.
    pub(crate) fn is_micro(self) -> bool {
        self.tier().family == Family::T3
    }

    /// RabbitMQ's limits on this type when nothing else is configured, if RabbitMQ of this version
    /// runs on it.
    pub fn queue_limits(self, version: EngineVersion, mode: DeploymentMode) -> Option<QueueLimits> {
        let rabbitmq = self.rabbitmq()?;
        if version.major >= 4 {
            let defaults = rabbitmq.defaults.as_ref()?.of(mode);
            return Some(QueueLimits { message_bytes: DEFAULT_MESSAGE, ..defaults });
        }
        Some(QueueLimits { exchanges: None, ..rabbitmq.maxima.of(mode) })
    }

    /// The most that RabbitMQ's limits can be set to on this type; none where they can't be set.
    pub fn queue_limit_maxima(
        self,
        version: EngineVersion,
        mode: DeploymentMode,
    ) -> Option<QueueLimits> {
        let rabbitmq = self.rabbitmq()?;
        let is_configurable = version.major >= 4 && rabbitmq.defaults.is_some();
        is_configurable.then(|| rabbitmq.maxima.of(mode))
    }

    /// The limits of virtual host `/` of a single instance of RabbitMQ 3; none: RabbitMQ does not run on this type.
    pub fn vhost_limits(self) -> Option<VhostLimits> {
        Some(self.rabbitmq()?.default_vhost)
    }

    /// The default limits of a cluster on this type; none: there are no such clusters.
    pub fn cluster_limits(self) -> Option<ClusterLimits> {
        Some(self.rabbitmq()?.cluster)
    }

    /// The deployment modes in which the service runs this engine version on this type with this
    /// storage; empty when it does not.
    ///
    /// Source: the matrix of DescribeBrokerInstanceOptions.
    pub fn deployment_modes(
        self,
        engine: EngineType,
        version: EngineVersion,
        storage: StorageType,
    ) -> &'static [DeploymentMode] {
        use DeploymentMode::{ActiveStandbyMultiAz, ClusterMultiAz, SingleInstance};
        match (engine, storage, self.tier().family) {
            (EngineType::ActiveMq, StorageType::Efs, Family::T3 | Family::M5) => {
                &[SingleInstance, ActiveStandbyMultiAz]
            }
            (EngineType::ActiveMq, StorageType::Ebs, Family::M5) => &[SingleInstance],
            (EngineType::RabbitMq, StorageType::Ebs, Family::M7g) => {
                &[SingleInstance, ClusterMultiAz]
            }
            (EngineType::RabbitMq, StorageType::Ebs, Family::M5) if version.major < 4 => {
                &[SingleInstance, ClusterMultiAz]
            }
            _ => &[],
        }
    }
}

pub(crate) fn unsupported(engine: EngineType, name: &str) -> Error {
    Error::bad_request(
        "hostInstanceType",
        format!(
            "Broker engine type [{}] does not support host instance type [{name}].",
            engine.display_name()
        ),
    )
}

impl fmt::Debug for HostInstanceType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Display for HostInstanceType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The name belongs to no instance type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no such host instance type")]
pub struct UnknownInstanceType;

impl TryFrom<String> for HostInstanceType {
    type Error = UnknownInstanceType;
    fn try_from(name: String) -> Result<Self, UnknownInstanceType> {
        Self::from_name(&name).ok_or(UnknownInstanceType)
    }
}

impl From<HostInstanceType> for String {
    fn from(host: HostInstanceType) -> String {
        host.name().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(name: &str) -> HostInstanceType {
        HostInstanceType::from_name(name).expect(name)
    }

    #[test]
    fn tiers_have_the_published_sizes() {
        assert_eq!(host("mq.t3.micro").memory_bytes(), GIB);
        assert_eq!(host("mq.m5.4xlarge").vcpus(), 16);
        assert_eq!(host("mq.m7g.medium").memory_watermark_bytes(), 180 * GIB / 100);
        assert_eq!(host("mq.m5.large").memory_watermark_bytes(), 8 * GIB * 2 / 5);
        assert_eq!(host("mq.t3.micro").wire_connections(), 300);
        assert_eq!(host("mq.m5.large").store_bytes(), 200 * GIB);
        let (single, cluster) = (DeploymentMode::SingleInstance, DeploymentMode::ClusterMultiAz);
        let free = |name, mode| host(name).disk_free_limit_bytes(mode) / GIB;
        assert_eq!((free("mq.m7g.medium", single), free("mq.m7g.medium", cluster)), (10, 2));
        assert_eq!(free("mq.m5.4xlarge", cluster), 69);
    }

    #[test]
    fn the_matrix_says_what_runs_where() {
        use DeploymentMode::{ActiveStandbyMultiAz, ClusterMultiAz, SingleInstance};
        let amq = EngineVersion::new(5, 19);
        let (r3, r4) = (EngineVersion::new(3, 10), EngineVersion::new(4, 3));
        let modes = |h: &str, e, v, s| host(h).deployment_modes(e, v, s);
        assert_eq!(
            modes("mq.t3.micro", EngineType::ActiveMq, amq, StorageType::Efs),
            [SingleInstance, ActiveStandbyMultiAz]
        );
        assert!(modes("mq.t3.micro", EngineType::ActiveMq, amq, StorageType::Ebs).is_empty());
        assert_eq!(
            modes("mq.m5.large", EngineType::ActiveMq, amq, StorageType::Ebs),
            [SingleInstance]
        );
        assert_eq!(
            modes("mq.m5.large", EngineType::RabbitMq, r3, StorageType::Ebs),
            [SingleInstance, ClusterMultiAz]
        );
        assert!(modes("mq.m5.large", EngineType::RabbitMq, r4, StorageType::Ebs).is_empty());
        assert_eq!(
            modes("mq.m7g.medium", EngineType::RabbitMq, r4, StorageType::Ebs),
            [SingleInstance, ClusterMultiAz]
        );
        assert!(modes("mq.t3.micro", EngineType::RabbitMq, r3, StorageType::Ebs).is_empty());
        assert!(modes("mq.m7g.large", EngineType::ActiveMq, amq, StorageType::Efs).is_empty());
    }

    #[test]
    fn rabbitmq_limits_depend_on_version_and_mode() {
        let large = host("mq.m7g.large");
        let four = large
            .queue_limits(EngineVersion::new(4, 0), DeploymentMode::SingleInstance)
            .expect("m7g");
        assert_eq!(
            (four.connections, four.exchanges, four.message_bytes),
            (1500, Some(1000), 524_288)
        );
        let three = large
            .queue_limits(EngineVersion::new(3, 10), DeploymentMode::SingleInstance)
            .expect("m7g");
        assert_eq!((three.connections, three.exchanges), (5000, None));
        let most = |h: &str, mode| host(h).queue_limit_maxima(EngineVersion::new(4, 3), mode);
        let single = most("mq.m7g.large", DeploymentMode::SingleInstance).expect("m7g");
        assert_eq!((single.queues, single.exchanges), (20000, Some(100_000)));
        let cluster = most("mq.m7g.16xlarge", DeploymentMode::ClusterMultiAz).expect("m7g");
        assert_eq!((cluster.queues, cluster.exchanges), (60000, Some(300_000)));
        assert_eq!(most("mq.m5.large", DeploymentMode::SingleInstance), None);
        assert_eq!(
            large.queue_limit_maxima(EngineVersion::new(3, 10), DeploymentMode::SingleInstance),
            None
        );
        let vhost = large.vhost_limits().expect("m7g");
        assert_eq!((vhost.queues, vhost.connections), (20000, 4000));
        assert_eq!(
            host("mq.t3.micro")
                .queue_limits(EngineVersion::new(3, 10), DeploymentMode::SingleInstance),
            None
        );
    }

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
