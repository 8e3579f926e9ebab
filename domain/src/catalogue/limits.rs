//! Limits that an instance type sets RabbitMQ.

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
