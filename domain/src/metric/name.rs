//! Names of metrics.

use crate::kernel::wire_enum::wire_enum;

wire_enum!(
    /// The name of a metric of the service.
    MetricName, "MetricName", {
        /// Acknowledged messages in a second, AMQP 0-9-1.
        AckRate = "AckRate",
        /// The most connections by AMQP.
        AmqpMaximumConnections = "AmqpMaximumConnections",
        /// Credits of the volume.
        BurstBalance = "BurstBalance",
        /// Channels.
        ChannelCount = "ChannelCount",
        /// Confirmed messages in a second, AMQP 0-9-1.
        ConfirmRate = "ConfirmRate",
        /// Connections.
        ConnectionCount = "ConnectionCount",
        /// Consumers.
        ConsumerCount = "ConsumerCount",
        /// Credits of the processor.
        CpuCreditBalance = "CpuCreditBalance",
        /// Used share of the processors.
        CpuUtilization = "CpuUtilization",
        /// Connections.
        CurrentConnectionsCount = "CurrentConnectionsCount",
        /// Messages acknowledged in the minute.
        DequeueCount = "DequeueCount",
        /// Messages sent to consumers in the minute.
        DispatchCount = "DispatchCount",
        /// Messages sent to the destination in the minute.
        EnqueueCount = "EnqueueCount",
        /// Time from the arrival of a message to its delivery.
        EnqueueTime = "EnqueueTime",
        /// Connections since the start of the broker.
        EstablishedConnectionsCount = "EstablishedConnectionsCount",
        /// Exchanges.
        ExchangeCount = "ExchangeCount",
        /// Messages that expired in the minute.
        ExpiredCount = "ExpiredCount",
        /// Used share of the heap.
        HeapUsage = "HeapUsage",
        /// Durable subscribers that are not connected.
        InactiveDurableTopicSubscribersCount = "InactiveDurableTopicSubscribersCount",
        /// Messages that consumers have and have not acknowledged.
        InFlightCount = "InFlightCount",
        /// Used share of the store of the job scheduler.
        JobSchedulerStorePercentUsage = "JobSchedulerStorePercentUsage",
        /// Files of the journal that are read after a clean stop.
        JournalFilesForFastRecovery = "JournalFilesForFastRecovery",
        /// Files of the journal that are read after a crash.
        JournalFilesForFullRecovery = "JournalFilesForFullRecovery",
        /// Used share of the memory limit of the destination.
        MemoryUsage = "MemoryUsage",
        /// Messages, ready and unacknowledged.
        MessageCount = "MessageCount",
        /// Messages that wait for consumers.
        MessageReadyCount = "MessageReadyCount",
        /// Messages that consumers have and have not acknowledged.
        MessageUnacknowledgedCount = "MessageUnacknowledgedCount",
        /// The most connections by MQTT.
        MqttMaximumConnections = "MqttMaximumConnections",
        /// Brokers connected by network connectors.
        NetworkConnectorConnectionCount = "NetworkConnectorConnectionCount",
        /// Bytes received in the minute.
        NetworkIn = "NetworkIn",
        /// Bytes sent in the minute.
        NetworkOut = "NetworkOut",
        /// Transactions under way.
        OpenTransactionCount = "OpenTransactionCount",
        /// The most connections by OpenWire.
        OpenwireMaximumConnections = "OpenwireMaximumConnections",
        /// Time that replication makes the primary wait.
        PrimaryWaitTime = "PrimaryWaitTime",
        /// Producers.
        ProducerCount = "ProducerCount",
        /// Published messages in a second, AMQP 0-9-1.
        PublishRate = "PublishRate",
        /// Queues.
        QueueCount = "QueueCount",
        /// Messages of the queue that are not acknowledged.
        QueueSize = "QueueSize",
        /// Free space of the volume.
        RabbitMqDiskFree = "RabbitMQDiskFree",
        /// Free space at which publishers are blocked.
        RabbitMqDiskFreeLimit = "RabbitMQDiskFreeLimit",
        /// Open file descriptors.
        RabbitMqFdUsed = "RabbitMQFdUsed",
        /// Average time of a read from the volume.
        RabbitMqIoReadAverageTime = "RabbitMQIOReadAverageTime",
        /// Average time of a write to the volume.
        RabbitMqIoWriteAverageTime = "RabbitMQIOWriteAverageTime",
        /// Memory at which publishers are blocked.
        RabbitMqMemLimit = "RabbitMQMemLimit",
        /// Used memory.
        RabbitMqMemUsed = "RabbitMQMemUsed",
        /// Messages received by a duplex network connector in the minute.
        ReceiveCount = "ReceiveCount",
        /// Time that replication makes the replica wait.
        ReplicaWaitTime = "ReplicaWaitTime",
        /// Delay of the replica.
        ReplicationLag = "ReplicationLag",
        /// The most connections by STOMP.
        StompMaximumConnections = "StompMaximumConnections",
        /// Used share of the store.
        StorePercentUsage = "StorePercentUsage",
        /// Used share of the processors.
        SystemCpuUtilization = "SystemCpuUtilization",
        /// Used share of the temporary store.
        TempPercentUsage = "TempPercentUsage",
        /// Consumers.
        TotalConsumerCount = "TotalConsumerCount",
        /// Messages acknowledged since the start of the broker, advisories included.
        TotalDequeueCount = "TotalDequeueCount",
        /// Messages sent since the start of the broker, advisories included.
        TotalEnqueueCount = "TotalEnqueueCount",
        /// Messages in the store.
        TotalMessageCount = "TotalMessageCount",
        /// Producers.
        TotalProducerCount = "TotalProducerCount",
        /// Delay of the replica, all messages included.
        TotalReplicationLag = "TotalReplicationLag",
        /// Reads from the volume in the minute.
        VolumeReadOps = "VolumeReadOps",
        /// Writes to the volume in the minute.
        VolumeWriteOps = "VolumeWriteOps",
        /// The most connections by WebSocket.
        WsMaximumConnections = "WsMaximumConnections",
    }
);

impl MetricName {
    /// Whether it counts objects of a RabbitMQ broker, such as queues and messages.
    pub const fn is_count_of_objects(self) -> bool {
        matches!(
            self,
            Self::ExchangeCount
                | Self::QueueCount
                | Self::ConnectionCount
                | Self::ChannelCount
                | Self::ConsumerCount
                | Self::MessageCount
                | Self::MessageReadyCount
                | Self::MessageUnacknowledgedCount
        )
    }
}
