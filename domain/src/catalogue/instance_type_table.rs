//! The tiers: one row for each instance type, with everything that the service promises of it.
//!
//! Source: "Broker instance types", "Resource limits", "Default policies" and "Broker storage" of the developer guide.

use super::engine::DeploymentMode;

/// The largest message of any RabbitMQ broker, in bytes.
pub(super) const MAX_MESSAGE_BYTES: u32 = 134_217_728;

/// The largest message of a RabbitMQ 4 that nobody has configured otherwise, in bytes.
pub(super) const DEFAULT_MESSAGE: u32 = 524_288;

/// A family of instance types.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Family {
    T3,
    M5,
    M7g,
}

/// An instance type.
pub(super) struct Tier {
    /// `mq.<family>.<size>`.
    pub(super) name: &'static str,
    pub(super) family: Family,
    pub(super) vcpus: u32,
    pub(super) memory_gib: u32,
    /// How much a broker may store, where the nodes of its cluster have no disks of another size.
    pub(super) store_gib: u32,
    pub(super) activemq: ActiveMqTier,
    /// None: RabbitMQ does not run on it.
    pub(super) rabbitmq: Option<RabbitMqTier>,
}

/// The limits of ActiveMQ on an instance type.
pub(super) struct ActiveMqTier {
    /// Connections of each protocol.
    pub(super) wire_connections: u32,
    /// How much a broker may spill to its temporary store.
    pub(super) temp_store_gib: u32,
}

/// The limits of RabbitMQ on an instance type.
pub(super) struct RabbitMqTier {
    /// How much memory RabbitMQ may use before it blocks publishers; none: 0.4 of the memory.
    pub(super) watermark_gib_x100: Option<u32>,
    pub(super) disk_free_limit_gib: DiskFreeLimit,
    /// The limits of RabbitMQ 4 when nothing is configured; none: RabbitMQ 4 does not run on it.
    pub(super) defaults: Option<ByMode<QueueLimits>>,
    /// The most that RabbitMQ 4 can be set to. RabbitMQ 3 has this limit, and none on exchanges.
    pub(super) maxima: ByMode<QueueLimits>,
    /// Of virtual host `/` of a single instance of RabbitMQ 3.
    pub(super) default_vhost: VhostLimits,
    pub(super) cluster: ClusterLimits,
    /// None: the disk of a cluster's node is that of a single instance.
    pub(super) cluster_storage: Option<StorageRange>,
}

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

/// The limits of virtual host `/`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VhostLimits {
    /// Queues.
    pub queues: u32,
    /// Connections.
    pub connections: u32,
}

/// The limits of the default policy and of virtual host `/` of a RabbitMQ cluster.
///
/// Source: "Default policies" of the developer guide.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClusterLimits {
    /// Messages in a queue, by the default policy.
    pub queue_length: u32,
    /// Queues of virtual host `/`, RabbitMQ 3 only.
    pub queues: u32,
    /// Connections to virtual host `/`, RabbitMQ 3 only.
    pub connections: u32,
}

/// A limit of a single instance and of a cluster.
pub(super) struct ByMode<T> {
    single: T,
    cluster: T,
}

/// How much free disk RabbitMQ keeps, in GiB.
pub(super) type DiskFreeLimit = ByMode<u32>;

impl<T: Copy> ByMode<T> {
    /// The limit in that deployment mode.
    pub(super) fn of(&self, mode: DeploymentMode) -> T {
        if mode == DeploymentMode::ClusterMultiAz { self.cluster } else { self.single }
    }
}

/// How many gigabytes the disk of a cluster's node has: the least, which is the default, and the most.
pub(super) struct StorageRange {
    pub(super) least_gb: u32,
    pub(super) most_gb: u32,
}

const STANDARD_ACTIVEMQ: ActiveMqTier = ActiveMqTier { wire_connections: 2000, temp_store_gib: 50 };

/// Limits, each with its name.
macro_rules! limits {
    ($connections:literal connections, $channels:literal channels, $consumers:literal consumers, $queues:literal queues,
     $vhosts:literal vhosts, $shovels:literal shovels $(, $exchanges:literal exchanges)?) => {
        QueueLimits {
            connections: $connections,
            channels: $channels,
            consumers_per_channel: $consumers,
            queues: $queues,
            vhosts: $vhosts,
            shovels: $shovels,
            exchanges: limits!(@optional $($exchanges)?),
            message_bytes: MAX_MESSAGE_BYTES,
        }
    };
    (@optional $exchanges:literal) => { Some($exchanges) };
    (@optional) => { None };
}

/// Every instance type, smallest first within its family.
pub(super) static TIERS: &[Tier] = &[
    Tier {
        name: "mq.t3.micro",
        family: Family::T3,
        vcpus: 2,
        memory_gib: 1,
        activemq: ActiveMqTier { wire_connections: 300, temp_store_gib: 5 },
        store_gib: 20,
        rabbitmq: None,
    },
    Tier {
        name: "mq.m5.large",
        family: Family::M5,
        vcpus: 2,
        memory_gib: 8,
        activemq: STANDARD_ACTIVEMQ,
        store_gib: 200,
        rabbitmq: Some(RabbitMqTier {
            watermark_gib_x100: None,
            disk_free_limit_gib: DiskFreeLimit { single: 12, cluster: 12 },
            defaults: None,
            maxima: ByMode {
                single: limits!(5000 connections, 15000 channels, 1000 consumers, 30000 queues, 1500 vhosts, 250 shovels),
                cluster: limits!(5000 connections, 15000 channels, 1000 consumers, 30000 queues, 1500 vhosts, 250 shovels),
            },
            default_vhost: VhostLimits { queues: 20000, connections: 4000 },
            cluster: ClusterLimits { queue_length: 8_000_000, queues: 4000, connections: 15000 },
            cluster_storage: None,
        }),
    },
    Tier {
        name: "mq.m5.xlarge",
        family: Family::M5,
        vcpus: 4,
        memory_gib: 16,
        activemq: STANDARD_ACTIVEMQ,
        store_gib: 200,
        rabbitmq: Some(RabbitMqTier {
            watermark_gib_x100: None,
            disk_free_limit_gib: DiskFreeLimit { single: 20, cluster: 20 },
            defaults: None,
            maxima: ByMode {
                single: limits!(10000 connections, 30000 channels, 1000 consumers, 60000 queues, 1500 vhosts, 500 shovels),
                cluster: limits!(10000 connections, 30000 channels, 1000 consumers, 60000 queues, 1500 vhosts, 500 shovels),
            },
            default_vhost: VhostLimits { queues: 30000, connections: 8000 },
            cluster: ClusterLimits { queue_length: 9_000_000, queues: 5000, connections: 20000 },
            cluster_storage: None,
        }),
    },
    Tier {
        name: "mq.m5.2xlarge",
        family: Family::M5,
        vcpus: 8,
        memory_gib: 32,
        activemq: STANDARD_ACTIVEMQ,
        store_gib: 200,
        rabbitmq: Some(RabbitMqTier {
            watermark_gib_x100: None,
            disk_free_limit_gib: DiskFreeLimit { single: 36, cluster: 36 },
            defaults: None,
            maxima: ByMode {
                single: limits!(20000 connections, 60000 channels, 1000 consumers, 120_000 queues, 1500 vhosts, 1000 shovels),
                cluster: limits!(20000 connections, 60000 channels, 1000 consumers, 120_000 queues, 1500 vhosts, 1000 shovels),
            },
            default_vhost: VhostLimits { queues: 60000, connections: 15000 },
            cluster: ClusterLimits { queue_length: 10_000_000, queues: 6000, connections: 40000 },
            cluster_storage: None,
        }),
    },
    Tier {
        name: "mq.m5.4xlarge",
        family: Family::M5,
        vcpus: 16,
        memory_gib: 64,
        activemq: STANDARD_ACTIVEMQ,
        store_gib: 200,
        rabbitmq: Some(RabbitMqTier {
            watermark_gib_x100: None,
            disk_free_limit_gib: DiskFreeLimit { single: 69, cluster: 69 },
            defaults: None,
            maxima: ByMode {
                single: limits!(40000 connections, 120_000 channels, 1000 consumers, 240_000 queues, 1000 vhosts, 2000 shovels),
                cluster: limits!(40000 connections, 120_000 channels, 1000 consumers, 240_000 queues, 1000 vhosts, 2000 shovels),
            },
            default_vhost: VhostLimits { queues: 150_000, connections: 30000 },
            cluster: ClusterLimits {
                queue_length: 12_000_000,
                queues: 10000,
                connections: 100_000,
            },
            cluster_storage: None,
        }),
    },
    Tier {
        name: "mq.m7g.medium",
        family: Family::M7g,
        vcpus: 1,
        memory_gib: 4,
        activemq: STANDARD_ACTIVEMQ,
        store_gib: 200,
        rabbitmq: Some(RabbitMqTier {
            watermark_gib_x100: Some(180),
            disk_free_limit_gib: DiskFreeLimit { single: 10, cluster: 2 },
            defaults: Some(ByMode {
                single: limits!(100 connections, 500 channels, 10 consumers, 500 queues, 10 vhosts, 30 shovels, 500 exchanges),
                cluster: limits!(100 connections, 300 channels, 10 consumers, 100 queues, 10 vhosts, 10 shovels, 100 exchanges),
            }),
            maxima: ByMode {
                single: limits!(300 connections, 900 channels, 1000 consumers, 2500 queues, 10 vhosts, 150 shovels, 12500 exchanges),
                cluster: limits!(300 connections, 900 channels, 1000 consumers, 500 queues, 10 vhosts, 50 shovels, 500 exchanges),
            },
            default_vhost: VhostLimits { queues: 100, connections: 100 },
            cluster: ClusterLimits { queue_length: 500_000, queues: 100, connections: 100 },
            cluster_storage: Some(StorageRange { least_gb: 5, most_gb: 25 }),
        }),
    },
    Tier {
        name: "mq.m7g.large",
        family: Family::M7g,
        vcpus: 2,
        memory_gib: 8,
        activemq: STANDARD_ACTIVEMQ,
        store_gib: 200,
        rabbitmq: Some(RabbitMqTier {
            watermark_gib_x100: Some(430),
            disk_free_limit_gib: DiskFreeLimit { single: 10, cluster: 2 },
            defaults: Some(ByMode {
                single: limits!(1500 connections, 4500 channels, 10 consumers, 1000 queues, 50 vhosts, 50 shovels, 1000 exchanges),
                cluster: limits!(500 connections, 1500 channels, 10 consumers, 1000 queues, 50 vhosts, 30 shovels, 1000 exchanges),
            }),
            maxima: ByMode {
                single: limits!(5000 connections, 15000 channels, 1000 consumers, 20000 queues, 1500 vhosts, 250 shovels, 100_000 exchanges),
                cluster: limits!(5000 connections, 15000 channels, 1000 consumers, 10000 queues, 1500 vhosts, 150 shovels, 50000 exchanges),
            },
            default_vhost: VhostLimits { queues: 20000, connections: 4000 },
            cluster: ClusterLimits { queue_length: 8_000_000, queues: 4000, connections: 15000 },
            cluster_storage: Some(StorageRange { least_gb: 15, most_gb: 75 }),
        }),
    },
    Tier {
        name: "mq.m7g.xlarge",
        family: Family::M7g,
        vcpus: 4,
        memory_gib: 16,
        activemq: STANDARD_ACTIVEMQ,
        store_gib: 200,
        rabbitmq: Some(RabbitMqTier {
            watermark_gib_x100: Some(930),
            disk_free_limit_gib: DiskFreeLimit { single: 10, cluster: 2 },
            defaults: Some(ByMode {
                single: limits!(3000 connections, 9000 channels, 10 consumers, 2000 queues, 100 vhosts, 100 shovels, 2000 exchanges),
                cluster: limits!(1000 connections, 3000 channels, 10 consumers, 2000 queues, 100 vhosts, 60 shovels, 2000 exchanges),
            }),
            maxima: ByMode {
                single: limits!(10000 connections, 30000 channels, 1000 consumers, 30000 queues, 1500 vhosts, 500 shovels, 150_000 exchanges),
                cluster: limits!(10000 connections, 30000 channels, 1000 consumers, 15000 queues, 1500 vhosts, 300 shovels, 75000 exchanges),
            },
            default_vhost: VhostLimits { queues: 30000, connections: 8000 },
            cluster: ClusterLimits { queue_length: 9_000_000, queues: 5000, connections: 20000 },
            cluster_storage: Some(StorageRange { least_gb: 25, most_gb: 125 }),
        }),
    },
    Tier {
        name: "mq.m7g.2xlarge",
        family: Family::M7g,
        vcpus: 8,
        memory_gib: 32,
        activemq: STANDARD_ACTIVEMQ,
        store_gib: 200,
        rabbitmq: Some(RabbitMqTier {
            watermark_gib_x100: Some(1930),
            disk_free_limit_gib: DiskFreeLimit { single: 10, cluster: 2 },
            defaults: Some(ByMode {
                single: limits!(6000 connections, 18000 channels, 10 consumers, 4000 queues, 150 vhosts, 200 shovels, 4000 exchanges),
                cluster: limits!(2000 connections, 6000 channels, 10 consumers, 4000 queues, 150 vhosts, 120 shovels, 4000 exchanges),
            }),
            maxima: ByMode {
                single: limits!(20000 connections, 60000 channels, 1000 consumers, 40000 queues, 1500 vhosts, 1000 shovels, 200_000 exchanges),
                cluster: limits!(20000 connections, 60000 channels, 1000 consumers, 20000 queues, 1500 vhosts, 600 shovels, 100_000 exchanges),
            },
            default_vhost: VhostLimits { queues: 60000, connections: 15000 },
            cluster: ClusterLimits { queue_length: 10_000_000, queues: 6000, connections: 40000 },
            cluster_storage: Some(StorageRange { least_gb: 45, most_gb: 180 }),
        }),
    },
    Tier {
        name: "mq.m7g.4xlarge",
        family: Family::M7g,
        vcpus: 16,
        memory_gib: 64,
        activemq: STANDARD_ACTIVEMQ,
        store_gib: 200,
        rabbitmq: Some(RabbitMqTier {
            watermark_gib_x100: Some(3940),
            disk_free_limit_gib: DiskFreeLimit { single: 10, cluster: 2 },
            defaults: Some(ByMode {
                single: limits!(12000 connections, 36000 channels, 10 consumers, 8000 queues, 200 vhosts, 400 shovels, 8000 exchanges),
                cluster: limits!(4000 connections, 12000 channels, 10 consumers, 8000 queues, 200 vhosts, 240 shovels, 8000 exchanges),
            }),
            maxima: ByMode {
                single: limits!(40000 connections, 120_000 channels, 1000 consumers, 60000 queues, 1500 vhosts, 2000 shovels, 300_000 exchanges),
                cluster: limits!(40000 connections, 120_000 channels, 1000 consumers, 30000 queues, 1500 vhosts, 1200 shovels, 150_000 exchanges),
            },
            default_vhost: VhostLimits { queues: 150_000, connections: 30000 },
            cluster: ClusterLimits {
                queue_length: 12_000_000,
                queues: 10000,
                connections: 100_000,
            },
            cluster_storage: Some(StorageRange { least_gb: 90, most_gb: 250 }),
        }),
    },
    Tier {
        name: "mq.m7g.8xlarge",
        family: Family::M7g,
        vcpus: 32,
        memory_gib: 128,
        activemq: STANDARD_ACTIVEMQ,
        store_gib: 200,
        rabbitmq: Some(RabbitMqTier {
            watermark_gib_x100: Some(7970),
            disk_free_limit_gib: DiskFreeLimit { single: 10, cluster: 2 },
            defaults: Some(ByMode {
                single: limits!(24000 connections, 72000 channels, 10 consumers, 16000 queues, 250 vhosts, 800 shovels, 16000 exchanges),
                cluster: limits!(8000 connections, 24000 channels, 10 consumers, 16000 queues, 250 vhosts, 480 shovels, 16000 exchanges),
            }),
            maxima: ByMode {
                single: limits!(80000 connections, 240_000 channels, 1000 consumers, 80000 queues, 1500 vhosts, 4000 shovels, 400_000 exchanges),
                cluster: limits!(80000 connections, 240_000 channels, 1000 consumers, 40000 queues, 1500 vhosts, 2400 shovels, 200_000 exchanges),
            },
            default_vhost: VhostLimits { queues: 260_000, connections: 60000 },
            cluster: ClusterLimits {
                queue_length: 20_000_000,
                queues: 20000,
                connections: 200_000,
            },
            cluster_storage: Some(StorageRange { least_gb: 175, most_gb: 400 }),
        }),
    },
    Tier {
        name: "mq.m7g.12xlarge",
        family: Family::M7g,
        vcpus: 48,
        memory_gib: 192,
        activemq: STANDARD_ACTIVEMQ,
        store_gib: 200,
        rabbitmq: Some(RabbitMqTier {
            watermark_gib_x100: Some(11980),
            disk_free_limit_gib: DiskFreeLimit { single: 10, cluster: 2 },
            defaults: Some(ByMode {
                single: limits!(36000 connections, 108_000 channels, 10 consumers, 24000 queues, 300 vhosts, 1200 shovels, 24000 exchanges),
                cluster: limits!(12000 connections, 36000 channels, 10 consumers, 24000 queues, 300 vhosts, 720 shovels, 24000 exchanges),
            }),
            maxima: ByMode {
                single: limits!(120_000 connections, 360_000 channels, 1000 consumers, 100_000 queues, 1500 vhosts, 6000 shovels, 500_000 exchanges),
                cluster: limits!(120_000 connections, 360_000 channels, 1000 consumers, 50000 queues, 1500 vhosts, 3600 shovels, 250_000 exchanges),
            },
            default_vhost: VhostLimits { queues: 280_000, connections: 90000 },
            cluster: ClusterLimits {
                queue_length: 30_000_000,
                queues: 30000,
                connections: 300_000,
            },
            cluster_storage: Some(StorageRange { least_gb: 260, most_gb: 500 }),
        }),
    },
    Tier {
        name: "mq.m7g.16xlarge",
        family: Family::M7g,
        vcpus: 64,
        memory_gib: 256,
        activemq: STANDARD_ACTIVEMQ,
        store_gib: 200,
        rabbitmq: Some(RabbitMqTier {
            watermark_gib_x100: Some(16010),
            disk_free_limit_gib: DiskFreeLimit { single: 10, cluster: 2 },
            defaults: Some(ByMode {
                single: limits!(48000 connections, 144_000 channels, 10 consumers, 32000 queues, 350 vhosts, 1600 shovels, 32000 exchanges),
                cluster: limits!(16000 connections, 48000 channels, 10 consumers, 32000 queues, 350 vhosts, 960 shovels, 32000 exchanges),
            }),
            maxima: ByMode {
                single: limits!(160_000 connections, 480_000 channels, 1000 consumers, 120_000 queues, 1500 vhosts, 8000 shovels, 600_000 exchanges),
                cluster: limits!(160_000 connections, 480_000 channels, 1000 consumers, 60000 queues, 1500 vhosts, 4800 shovels, 300_000 exchanges),
            },
            default_vhost: VhostLimits { queues: 300_000, connections: 120_000 },
            cluster: ClusterLimits {
                queue_length: 40_000_000,
                queues: 40000,
                connections: 400_000,
            },
            cluster_storage: Some(StorageRange { least_gb: 345, most_gb: 500 }),
        }),
    },
];
