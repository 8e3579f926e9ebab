//! The tiers: what an instance type promises.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{DeploymentMode, EngineType, EngineVersion, Error, StorageType};

const GIB: u64 = 1 << 30;

/// A host instance type the service offers.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct HostInstanceType(usize);

/// The limits of a RabbitMQ broker, per configuration-parameter name of RabbitMQ 4.
///
/// Source: "Resource limits" of the RabbitMQ pages of the developer guide. For RabbitMQ 3 they are
/// fixed, for 4 there are defaults and maxima.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QueueLimits {
    /// `connection_max`, per node.
    pub connections: u32,
    /// `channel_max_per_node`.
    pub channels: u32,
    /// `consumer_max_per_channel`.
    pub consumers_per_channel: u32,
    /// `cluster_queue_limit`.
    pub queues: u32,
    /// `vhost_max`.
    pub vhosts: u32,
    /// `runtime_parameters.limits.shovel`, per node.
    pub shovels: u32,
    /// `cluster_exchange_limit`; none on RabbitMQ 3.
    pub exchanges: Option<u32>,
    /// `max_message_size` in bytes.
    pub message_bytes: u32,
}

impl QueueLimits {
    const fn of_4(limits: [u32; 7], message_bytes: u32) -> Self {
        let [connections, channels, consumers_per_channel, queues, vhosts, shovels, exchanges] =
            limits;
        Self {
            connections,
            channels,
            consumers_per_channel,
            queues,
            vhosts,
            shovels,
            exchanges: Some(exchanges),
            message_bytes,
        }
    }
}

/// The largest message of any RabbitMQ broker, in bytes.
const LARGEST_MESSAGE: u32 = 134_217_728;

/// Where a mode's limits stand in a row.
fn column(mode: DeploymentMode) -> usize {
    usize::from(mode == DeploymentMode::ClusterMultiAz)
}

struct Row {
    name: &'static str,
    vcpus: u32,
    memory_gib: u32,
    /// Hundredths of GiB; zero: 0.4 of the memory.
    watermark_gib_x100: u32,
    disk_free_limit_gib: u32,
    /// The defaults of RabbitMQ 4 for single instances and for clusters.
    limits4: Option<[[u32; 7]; 2]>,
    /// The most that RabbitMQ 4 can be set to.
    maxima4: Option<[[u32; 7]; 2]>,
    /// What RabbitMQ 3 enforces.
    limits3: Option<[[u32; 6]; 2]>,
    /// RabbitMQ 3, single: the limits of virtual host `/` on queues and connections.
    vhost_limits3: Option<[u32; 2]>,
}

const fn m7g(
    name: &'static str,
    vcpus: u32,
    memory_gib: u32,
    watermark_gib_x100: u32,
    limits4: [[u32; 7]; 2],
    maxima4: [[u32; 7]; 2],
    vhost_limits3: [u32; 2],
) -> Row {
    Row {
        name,
        vcpus,
        memory_gib,
        watermark_gib_x100,
        disk_free_limit_gib: 10,
        limits4: Some(limits4),
        maxima4: Some(maxima4),
        limits3: Some([without_exchanges(maxima4[0]), without_exchanges(maxima4[1])]),
        vhost_limits3: Some(vhost_limits3),
    }
}

/// RabbitMQ 3 enforces what RabbitMQ 4 can be set to, and does not limit exchanges.
const fn without_exchanges([a, b, c, d, e, f, _]: [u32; 7]) -> [u32; 6] {
    [a, b, c, d, e, f]
}

const fn m5(
    name: &'static str,
    vcpus: u32,
    memory_gib: u32,
    disk_free_limit_gib: u32,
    limits3: [u32; 6],
    vhost_limits3: [u32; 2],
) -> Row {
    Row {
        name,
        vcpus,
        memory_gib,
        watermark_gib_x100: 0,
        disk_free_limit_gib,
        limits4: None,
        maxima4: None,
        limits3: Some([limits3, limits3]),
        vhost_limits3: Some(vhost_limits3),
    }
}

/// Source: "Broker instance types", "Resource limits" and "Default policies" of the developer guide.
static ROWS: &[Row] = &[
    Row {
        name: "mq.t3.micro",
        vcpus: 2,
        memory_gib: 1,
        watermark_gib_x100: 0,
        disk_free_limit_gib: 0,
        limits4: None,
        maxima4: None,
        limits3: None,
        vhost_limits3: None,
    },
    m5("mq.m5.large", 2, 8, 12, [5000, 15000, 1000, 30000, 1500, 250], [20000, 4000]),
    m5("mq.m5.xlarge", 4, 16, 20, [10000, 30000, 1000, 60000, 1500, 500], [30000, 8000]),
    m5("mq.m5.2xlarge", 8, 32, 36, [20000, 60000, 1000, 120_000, 1500, 1000], [60000, 15000]),
    m5("mq.m5.4xlarge", 16, 64, 69, [40000, 120_000, 1000, 240_000, 1000, 2000], [150_000, 30000]),
    m7g(
        "mq.m7g.medium",
        1,
        4,
        180,
        [[100, 500, 10, 500, 10, 30, 500], [100, 300, 10, 100, 10, 10, 100]],
        [[300, 900, 1000, 2500, 10, 150, 12500], [300, 900, 1000, 500, 10, 50, 500]],
        [100, 100],
    ),
    m7g(
        "mq.m7g.large",
        2,
        8,
        430,
        [[1500, 4500, 10, 1000, 50, 50, 1000], [500, 1500, 10, 1000, 50, 30, 1000]],
        [
            [5000, 15000, 1000, 20000, 1500, 250, 100_000],
            [5000, 15000, 1000, 10000, 1500, 150, 50000],
        ],
        [20000, 4000],
    ),
    m7g(
        "mq.m7g.xlarge",
        4,
        16,
        930,
        [[3000, 9000, 10, 2000, 100, 100, 2000], [1000, 3000, 10, 2000, 100, 60, 2000]],
        [
            [10000, 30000, 1000, 30000, 1500, 500, 150_000],
            [10000, 30000, 1000, 15000, 1500, 300, 75000],
        ],
        [30000, 8000],
    ),
    m7g(
        "mq.m7g.2xlarge",
        8,
        32,
        1930,
        [[6000, 18000, 10, 4000, 150, 200, 4000], [2000, 6000, 10, 4000, 150, 120, 4000]],
        [
            [20000, 60000, 1000, 40000, 1500, 1000, 200_000],
            [20000, 60000, 1000, 20000, 1500, 600, 100_000],
        ],
        [60000, 15000],
    ),
    m7g(
        "mq.m7g.4xlarge",
        16,
        64,
        3940,
        [[12000, 36000, 10, 8000, 200, 400, 8000], [4000, 12000, 10, 8000, 200, 240, 8000]],
        [
            [40000, 120_000, 1000, 60000, 1500, 2000, 300_000],
            [40000, 120_000, 1000, 30000, 1500, 1200, 150_000],
        ],
        [150_000, 30000],
    ),
    m7g(
        "mq.m7g.8xlarge",
        32,
        128,
        7970,
        [[24000, 72000, 10, 16000, 250, 800, 16000], [8000, 24000, 10, 16000, 250, 480, 16000]],
        [
            [80000, 240_000, 1000, 80000, 1500, 4000, 400_000],
            [80000, 240_000, 1000, 40000, 1500, 2400, 200_000],
        ],
        [260_000, 60000],
    ),
    m7g(
        "mq.m7g.12xlarge",
        48,
        192,
        11980,
        [[36000, 108_000, 10, 24000, 300, 1200, 24000], [12000, 36000, 10, 24000, 300, 720, 24000]],
        [
            [120_000, 360_000, 1000, 100_000, 1500, 6000, 500_000],
            [120_000, 360_000, 1000, 50000, 1500, 3600, 250_000],
        ],
        [280_000, 90000],
    ),
    m7g(
        "mq.m7g.16xlarge",
        64,
        256,
        16010,
        [[48000, 144_000, 10, 32000, 350, 1600, 32000], [16000, 48000, 10, 32000, 350, 960, 32000]],
        [
            [160_000, 480_000, 1000, 120_000, 1500, 8000, 600_000],
            [160_000, 480_000, 1000, 60000, 1500, 4800, 300_000],
        ],
        [300_000, 120_000],
    ),
];

/// Every instance type, smallest first within its family.
pub fn instance_types() -> impl Iterator<Item = HostInstanceType> {
    (0..ROWS.len()).map(HostInstanceType)
}

impl HostInstanceType {
    fn row(self) -> &'static Row {
        &ROWS[self.0]
    }

    /// Finds a type by its exact name.
    pub fn from_name(name: &str) -> Option<Self> {
        ROWS.iter().position(|row| row.name == name).map(Self)
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
        self.row().name
    }

    /// Virtual processors.
    pub fn vcpus(self) -> u32 {
        self.row().vcpus
    }

    /// Memory in bytes.
    pub fn memory_bytes(self) -> u64 {
        u64::from(self.row().memory_gib) * GIB
    }

    /// How much memory RabbitMQ may use before it blocks publishers, in bytes.
    pub fn memory_watermark_bytes(self) -> u64 {
        match self.row().watermark_gib_x100 {
            0 => self.memory_bytes() * 2 / 5,
            hundredths => u64::from(hundredths) * GIB / 100,
        }
    }

    /// How much free disk RabbitMQ keeps, in bytes. The disks of a cluster's nodes are smaller on mq.m7g.
    pub fn disk_free_limit_bytes(self, mode: DeploymentMode) -> u64 {
        let is_small = mode == DeploymentMode::ClusterMultiAz && self.row().limits4.is_some();
        if is_small { 2 * GIB } else { u64::from(self.row().disk_free_limit_gib) * GIB }
    }

    /// How much a broker may store, in bytes, where its nodes have no disks of another size.
    pub fn store_bytes(self) -> u64 {
        if self.is_micro() { 20 * GIB } else { 200 * GIB }
    }

    /// How much an ActiveMQ broker may spill to its temporary store, in bytes.
    pub fn temp_store_bytes(self) -> u64 {
        if self.is_micro() { 5 * GIB } else { 50 * GIB }
    }

    /// How many connections an ActiveMQ broker takes per protocol.
    pub fn wire_connections(self) -> u32 {
        if self.is_micro() { 300 } else { 2000 }
    }

    fn is_micro(self) -> bool {
        self.name() == "mq.t3.micro"
    }

    /// RabbitMQ's limits on this type when nothing else is configured, if RabbitMQ of this version
    /// runs on it.
    pub fn queue_limits(self, version: EngineVersion, mode: DeploymentMode) -> Option<QueueLimits> {
        let column = column(mode);
        if version.major >= 4 {
            return Some(QueueLimits::of_4(self.row().limits4?[column], 524_288));
        }
        let [connections, channels, consumers_per_channel, queues, vhosts, shovels] =
            self.row().limits3?[column];
        Some(QueueLimits {
            connections,
            channels,
            consumers_per_channel,
            queues,
            vhosts,
            shovels,
            exchanges: None,
            message_bytes: LARGEST_MESSAGE,
        })
    }

    /// The most that RabbitMQ's limits can be set to on this type; none where they can't be set.
    pub fn queue_limit_maxima(
        self,
        version: EngineVersion,
        mode: DeploymentMode,
    ) -> Option<QueueLimits> {
        let maxima = self.row().maxima4.filter(|_| version.major >= 4)?;
        Some(QueueLimits::of_4(maxima[column(mode)], LARGEST_MESSAGE))
    }

    /// RabbitMQ 3, single instance: how many queues and connections virtual host `/` may have.
    pub fn vhost_limits(self) -> Option<(u32, u32)> {
        self.row().vhost_limits3.map(|[queues, connections]| (queues, connections))
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
        let family = self.name().split('.').nth(1).unwrap_or_default();
        match (engine, storage, family) {
            (EngineType::ActiveMq, StorageType::Efs, "t3" | "m5") => {
                &[SingleInstance, ActiveStandbyMultiAz]
            }
            (EngineType::ActiveMq, StorageType::Ebs, "m5") => &[SingleInstance],
            (EngineType::RabbitMq, StorageType::Ebs, "m7g") => &[SingleInstance, ClusterMultiAz],
            (EngineType::RabbitMq, StorageType::Ebs, "m5") if version.major < 4 => {
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
        assert_eq!(large.vhost_limits(), Some((20000, 4000)));
        assert_eq!(
            host("mq.t3.micro")
                .queue_limits(EngineVersion::new(3, 10), DeploymentMode::SingleInstance),
            None
        );
    }
}
