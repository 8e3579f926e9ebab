//! The metrics of RabbitMQ brokers.

use super::{
    definition::MetricLevel::{Broker, Node, Queue},
    definition::{Metric, MetricLevel, MetricSource},
    name::MetricName,
    name::MetricName::{
        AckRate, ChannelCount, ConfirmRate, ConnectionCount, ConsumerCount, ExchangeCount,
        MessageCount, MessageReadyCount, MessageUnacknowledgedCount, NetworkIn, NetworkOut,
        PublishRate, QueueCount, RabbitMqDiskFree, RabbitMqDiskFreeLimit, RabbitMqFdUsed,
        RabbitMqIoReadAverageTime, RabbitMqIoWriteAverageTime, RabbitMqMemLimit, RabbitMqMemUsed,
        SystemCpuUtilization,
    },
    unit::Unit,
    unit::Unit::{Bytes, Count, Milliseconds, Percent},
};
use crate::catalogue::EngineType;

const fn had(level: MetricLevel, name: MetricName, unit: Unit, source: &'static str) -> Metric {
    let source = MetricSource::Collected(source);
    Metric { name, engine: EngineType::RabbitMq, level, unit, source }
}

const CPU: &str = "processor time of the container, of what its type has";
const MEM_USED: &str = "`rabbitmq_process_resident_memory_bytes`";
const MEM_LIMIT: &str = "`rabbitmq_resident_memory_limit_bytes`";
const DISK_FREE: &str = "`rabbitmq_disk_space_available_bytes`";
const DISK_LIMIT: &str = "`rabbitmq_disk_space_available_limit_bytes`";
const FDS: &str = "`rabbitmq_process_open_fds`";
const EXCHANGES: &str = "management API: `/api/overview`, `object_totals`";
const QUEUES: &str = "`rabbitmq_queues`";
const CONNECTIONS: &str = "`rabbitmq_connections`";
const CHANNELS: &str = "`rabbitmq_channels`";
const CONSUMERS: &str = "`rabbitmq_consumers`";
const MESSAGES: &str = "`rabbitmq_queue_messages`";
const READY: &str = "`rabbitmq_queue_messages_ready`";
const UNACKED: &str = "`rabbitmq_queue_messages_unacked`";
const DETAILED: &str = "`/metrics/detailed`, `queue_coarse_metrics`";

pub(super) const METRICS: &[Metric] = &[
    had(Broker, ExchangeCount, Count, EXCHANGES),
    had(Broker, QueueCount, Count, QUEUES),
    had(Broker, ConnectionCount, Count, CONNECTIONS),
    had(Broker, ChannelCount, Count, CHANNELS),
    had(Broker, ConsumerCount, Count, CONSUMERS),
    had(Broker, MessageCount, Count, MESSAGES),
    had(Broker, MessageReadyCount, Count, READY),
    had(Broker, MessageUnacknowledgedCount, Count, UNACKED),
    had(
        Broker,
        PublishRate,
        Count,
        "growth of `rabbitmq_global_messages_received_total` in a second",
    ),
    had(
        Broker,
        ConfirmRate,
        Count,
        "growth of `rabbitmq_global_messages_confirmed_total` in a second",
    ),
    had(
        Broker,
        AckRate,
        Count,
        "growth of `rabbitmq_global_messages_acknowledged_total` in a second",
    ),
    had(Broker, SystemCpuUtilization, Percent, CPU),
    had(Broker, RabbitMqMemLimit, Bytes, MEM_LIMIT),
    had(Broker, RabbitMqMemUsed, Bytes, MEM_USED),
    had(Broker, RabbitMqDiskFreeLimit, Bytes, DISK_LIMIT),
    had(Broker, RabbitMqDiskFree, Bytes, DISK_FREE),
    had(Broker, RabbitMqFdUsed, Count, FDS),
    had(
        Broker,
        RabbitMqIoReadAverageTime,
        Milliseconds,
        "`rabbitmq_io_read_time_seconds_total` by `…_ops_total`",
    ),
    had(
        Broker,
        RabbitMqIoWriteAverageTime,
        Milliseconds,
        "`rabbitmq_io_write_time_seconds_total` by `…_ops_total`",
    ),
    had(Broker, NetworkIn, Bytes, "network of the container"),
    had(Broker, NetworkOut, Bytes, "network of the container"),
    had(Node, SystemCpuUtilization, Percent, CPU),
    had(Node, RabbitMqMemLimit, Bytes, MEM_LIMIT),
    had(Node, RabbitMqMemUsed, Bytes, MEM_USED),
    had(Node, RabbitMqDiskFreeLimit, Bytes, DISK_LIMIT),
    had(Node, RabbitMqDiskFree, Bytes, DISK_FREE),
    had(Node, RabbitMqFdUsed, Count, FDS),
    had(Node, ExchangeCount, Count, EXCHANGES),
    had(Node, QueueCount, Count, QUEUES),
    had(Node, ConnectionCount, Count, CONNECTIONS),
    had(Node, ChannelCount, Count, CHANNELS),
    had(Node, ConsumerCount, Count, CONSUMERS),
    had(Node, MessageCount, Count, MESSAGES),
    had(Node, MessageReadyCount, Count, READY),
    had(Node, MessageUnacknowledgedCount, Count, UNACKED),
    had(Queue, ConsumerCount, Count, "`/metrics/detailed`, `queue_consumer_count`"),
    had(Queue, MessageReadyCount, Count, DETAILED),
    had(Queue, MessageUnacknowledgedCount, Count, DETAILED),
    had(Queue, MessageCount, Count, DETAILED),
];
