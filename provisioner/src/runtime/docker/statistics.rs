//! What containers have used, as Docker tells it.

use bollard::{
    Docker,
    models::{ContainerBlkioStatEntry, ContainerMemoryStats, ContainerStatsResponse},
    query_parameters::StatsOptions,
};
use futures_util::TryStreamExt as _;

use super::error::{SHORT, error, named, odd, request};
use brokerd_domain::instance::RuntimeId;

use crate::runtime::{
    BlockOperations, ContainerStatistics, NetworkBytes, RuntimeError, RuntimeErrorClass,
};

const OPERATION: &str = "read the statistics of an instance";

/// Reads them once, without waiting for a second reading as Docker does to tell a percentage.
pub(super) async fn read(
    docker: &Docker,
    id: &RuntimeId,
) -> Result<ContainerStatistics, RuntimeError> {
    let options = StatsOptions { stream: false, one_shot: true };
    let mut told = docker.stats(&id.0, Some(options));
    let told = request(SHORT, told.try_next()).await.map_err(named(OPERATION))?;
    let told = told.ok_or_else(|| odd(OPERATION, "statistics"))?;
    parse(&told)
        .ok_or_else(|| error(RuntimeErrorClass::Transient, OPERATION, "the container does not run"))
}

/// None: Docker has nothing to tell of it, which it tells as zeros.
fn parse(told: &ContainerStatsResponse) -> Option<ContainerStatistics> {
    let cpu = told.cpu_stats.as_ref()?.cpu_usage.as_ref()?.total_usage.filter(|n| *n > 0)?;
    let network = told.networks.as_ref().map(|networks| {
        networks.values().fold(NetworkBytes::default(), |sum, one| NetworkBytes {
            received: sum.received.saturating_add(one.rx_bytes.unwrap_or(0)),
            sent: sum.sent.saturating_add(one.tx_bytes.unwrap_or(0)),
        })
    });
    let operations =
        told.blkio_stats.as_ref().and_then(|blkio| blkio.io_serviced_recursive.as_deref());
    Some(ContainerStatistics {
        cpu_nanos: cpu,
        memory_bytes: told.memory_stats.as_ref().map_or(0, memory),
        network,
        block_operations: operations.and_then(block_operations),
    })
}

/// As `docker stats` tells it: without files that are in memory and not in use. The name is that of the second version of
/// control groups, or of the first.
fn memory(told: &ContainerMemoryStats) -> u64 {
    let usage = told.usage.unwrap_or(0);
    let files = ["inactive_file", "total_inactive_file"]
        .iter()
        .find_map(|name| told.stats.as_ref()?.get(*name).copied())
        .unwrap_or(0);
    usage.saturating_sub(files)
}

/// None: the host counts none.
fn block_operations(entries: &[ContainerBlkioStatEntry]) -> Option<BlockOperations> {
    let sum = |operation: &str| {
        let of = entries.iter().filter(|entry| {
            entry.op.as_deref().is_some_and(|op| op.eq_ignore_ascii_case(operation))
        });
        of.filter_map(|entry| entry.value).fold(0, u64::saturating_add)
    };
    (!entries.is_empty()).then(|| BlockOperations { reads: sum("read"), writes: sum("write") })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(json: &str) -> Option<ContainerStatistics> {
        parse(&serde_json::from_str(json).expect("JSON"))
    }

    #[test]
    fn statistics_of_both_versions_of_control_groups_are_read() {
        let first = r#"{"cpu_stats": {"cpu_usage": {"total_usage": 5000000000}},
            "memory_stats": {"usage": 1000, "stats": {"total_inactive_file": 300, "cache": 400}},
            "networks": {"eth0": {"rx_bytes": 10, "tx_bytes": 20}, "eth1": {"rx_bytes": 1}},
            "blkio_stats": {"io_serviced_recursive": [
                {"major": 8, "minor": 0, "op": "Read", "value": 3},
                {"major": 8, "minor": 0, "op": "Write", "value": 4},
                {"major": 8, "minor": 16, "op": "Write", "value": 5},
                {"major": 8, "minor": 0, "op": "Total", "value": 7}]}}"#;
        assert_eq!(
            parsed(first),
            Some(ContainerStatistics {
                cpu_nanos: 5_000_000_000,
                memory_bytes: 700,
                network: Some(NetworkBytes { received: 11, sent: 20 }),
                block_operations: Some(BlockOperations { reads: 3, writes: 9 }),
            })
        );
        let second = r#"{"cpu_stats": {"cpu_usage": {"total_usage": 7}},
            "memory_stats": {"usage": 1000, "stats": {"inactive_file": 100}},
            "blkio_stats": {"io_service_bytes_recursive": null, "io_serviced_recursive": null}}"#;
        assert_eq!(
            parsed(second),
            Some(ContainerStatistics {
                cpu_nanos: 7,
                memory_bytes: 900,
                network: None,
                block_operations: None,
            })
        );
    }

    #[test]
    fn zeros_of_what_does_not_run_are_no_statistics() {
        for nothing in [
            "{}",
            r#"{"cpu_stats": {"cpu_usage": {"total_usage": 0}}, "memory_stats": {}}"#,
            r#"{"cpu_stats": {}}"#,
        ] {
            assert_eq!(parsed(nothing), None, "{nothing}");
        }
    }
}
