//! The metrics of ActiveMQ brokers.

use super::{
    definition::MetricLevel::{Broker, Destination},
    definition::{Metric, MetricLevel, MetricSource},
    name::MetricName,
    name::MetricName::{
        AmqpMaximumConnections, BurstBalance, ConsumerCount, CpuCreditBalance, CpuUtilization,
        CurrentConnectionsCount, DequeueCount, DispatchCount, EnqueueCount, EnqueueTime,
        EstablishedConnectionsCount, ExpiredCount, HeapUsage, InFlightCount,
        InactiveDurableTopicSubscribersCount, JobSchedulerStorePercentUsage,
        JournalFilesForFastRecovery, JournalFilesForFullRecovery, MemoryUsage,
        MqttMaximumConnections, NetworkConnectorConnectionCount, NetworkIn, NetworkOut,
        OpenTransactionCount, OpenwireMaximumConnections, PrimaryWaitTime, ProducerCount,
        QueueSize, ReceiveCount, ReplicaWaitTime, ReplicationLag, StompMaximumConnections,
        StorePercentUsage, TempPercentUsage, TotalConsumerCount, TotalDequeueCount,
        TotalEnqueueCount, TotalMessageCount, TotalProducerCount, TotalReplicationLag,
        VolumeReadOps, VolumeWriteOps, WsMaximumConnections,
    },
    unit::Unit,
    unit::Unit::{Bytes, Count, Milliseconds, Percent},
};
use crate::catalogue::EngineType;

const fn had(level: MetricLevel, name: MetricName, unit: Unit, source: &'static str) -> Metric {
    let source = MetricSource::Collected(source);
    Metric { name, engine: EngineType::ActiveMq, level, unit, source }
}

const fn not(level: MetricLevel, name: MetricName, unit: Unit, reason: &'static str) -> Metric {
    let source = MetricSource::Unavailable(reason);
    Metric { name, engine: EngineType::ActiveMq, level, unit, source }
}

const LIMIT: &str = "the instance type's limit of connections";
const REPLICATION: &str = "brokerd does not replicate data to other regions";

pub(super) const METRICS: &[Metric] = &[
    had(Broker, AmqpMaximumConnections, Count, LIMIT),
    had(Broker, MqttMaximumConnections, Count, LIMIT),
    had(Broker, OpenwireMaximumConnections, Count, LIMIT),
    had(Broker, StompMaximumConnections, Count, LIMIT),
    had(Broker, WsMaximumConnections, Count, LIMIT),
    not(Broker, BurstBalance, Percent, "volumes here have no credits"),
    not(Broker, CpuCreditBalance, Count, "only `mq.t2.micro` has credits; it is not offered"),
    had(Broker, CpuUtilization, Percent, "processor time of the container, of what its type has"),
    had(Broker, CurrentConnectionsCount, Count, "`activemq_broker_connections`"),
    had(
        Broker,
        EstablishedConnectionsCount,
        Count,
        "`activemq_broker_connections_established_total`",
    ),
    had(Broker, HeapUsage, Percent, "`activemq_heap_used_bytes` of `activemq_heap_limit_bytes`"),
    had(
        Broker,
        InactiveDurableTopicSubscribersCount,
        Count,
        "`activemq_broker_inactive_durable_subscribers`",
    ),
    had(
        Broker,
        JobSchedulerStorePercentUsage,
        Percent,
        "`activemq_broker_job_scheduler_store_percent_usage`",
    ),
    had(
        Broker,
        JournalFilesForFastRecovery,
        Count,
        "`activemq_broker_journal_files_fast_recovery`",
    ),
    had(
        Broker,
        JournalFilesForFullRecovery,
        Count,
        "`activemq_broker_journal_files_full_recovery`",
    ),
    had(
        Broker,
        NetworkConnectorConnectionCount,
        Count,
        "`activemq_broker_network_connector_connections`",
    ),
    had(Broker, NetworkIn, Bytes, "network of the container"),
    had(Broker, NetworkOut, Bytes, "network of the container"),
    had(Broker, OpenTransactionCount, Count, "`activemq_broker_open_transactions`"),
    had(Broker, StorePercentUsage, Percent, "`activemq_broker_store_percent_usage`"),
    had(Broker, TempPercentUsage, Percent, "`activemq_broker_temp_percent_usage`"),
    had(Broker, TotalConsumerCount, Count, "`activemq_broker_consumers`"),
    had(Broker, TotalMessageCount, Count, "`activemq_broker_messages`"),
    had(Broker, TotalProducerCount, Count, "`activemq_broker_producers`"),
    had(Broker, TotalEnqueueCount, Count, "`activemq_broker_enqueues_total`"),
    had(Broker, TotalDequeueCount, Count, "`activemq_broker_dequeues_total`"),
    had(Broker, VolumeReadOps, Count, "block devices of the container"),
    had(Broker, VolumeWriteOps, Count, "block devices of the container"),
    not(Broker, TotalReplicationLag, Milliseconds, REPLICATION),
    not(Broker, ReplicationLag, Milliseconds, REPLICATION),
    not(Broker, PrimaryWaitTime, Milliseconds, REPLICATION),
    not(Broker, ReplicaWaitTime, Milliseconds, REPLICATION),
    had(Destination, ConsumerCount, Count, "`activemq_destination_consumers`"),
    had(Destination, ProducerCount, Count, "`activemq_destination_producers`"),
    had(Destination, QueueSize, Count, "`activemq_destination_messages`, of queues"),
    had(Destination, EnqueueCount, Count, "growth of `activemq_destination_enqueues_total`"),
    had(Destination, DequeueCount, Count, "growth of `activemq_destination_dequeues_total`"),
    had(Destination, DispatchCount, Count, "growth of `activemq_destination_dispatches_total`"),
    had(Destination, ExpiredCount, Count, "growth of `activemq_destination_expired_total`"),
    had(Destination, InFlightCount, Count, "`activemq_destination_in_flight`"),
    had(Destination, EnqueueTime, Milliseconds, "`activemq_destination_enqueue_time_milliseconds`"),
    had(Destination, MemoryUsage, Percent, "`activemq_destination_memory_percent_usage`"),
    not(Destination, ReceiveCount, Count, "ActiveMQ counts them for no destination"),
];
