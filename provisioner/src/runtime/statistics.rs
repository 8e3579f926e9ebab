//! What containers use.

/// What a container has used since it was started.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ContainerStatistics {
    /// Processor time in nanoseconds.
    pub cpu_nanos: u64,
    /// Memory in bytes, now, without what the host keeps of files.
    pub memory_bytes: u64,
    /// Its network; none: it has none of its own, or the runtime does not tell.
    pub network: Option<NetworkBytes>,
    /// Operations of block devices; none: the host does not count them.
    pub block_operations: Option<BlockOperations>,
}

/// Bytes of a container's network.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct NetworkBytes {
    /// Received.
    pub received: u64,
    /// Sent.
    pub sent: u64,
}

/// Operations of block devices for a container.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct BlockOperations {
    /// Reads.
    pub reads: u64,
    /// Writes.
    pub writes: u64,
}
