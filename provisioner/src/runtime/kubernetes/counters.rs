//! The counters of instances: as their nodes tell them, or as the kernel does inside.
//!
//! Source: the kubelet's "Summary API"; control-group v1 and v2 and `proc(5)` of Linux.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use serde::Deserialize;
use tokio::time::Instant;

use super::render::ENGINE;
use crate::runtime::{ContainerStatistics, NetworkBytes};

/// How long what a node has told is good for: it tells of all of its instances at once.
const CACHE_TTL: Duration = Duration::from_secs(5);

/// What of the kernel's counters is printed, and a line between them.
pub(super) const COUNTERS: &str = "cd /sys/fs/cgroup; for f in cpu.stat memory.current memory.stat \
cpuacct/cpuacct.usage memory/memory.usage_in_bytes memory/memory.stat /proc/net/dev; \
do if [ -r $f ]; then echo \"== $f\"; cat $f; fi; done";

/// What nodes have told lately.
#[derive(Debug, Default)]
pub(super) struct Told(Mutex<HashMap<String, (Instant, Arc<Summary>)>>);

impl Told {
    /// What a node has told, if that is not long ago.
    pub(super) fn lately(&self, node: &str) -> Option<Arc<Summary>> {
        let mut told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        told.retain(|_, (at, _)| at.elapsed() < CACHE_TTL);
        told.get(node).map(|(_, summary)| Arc::clone(summary))
    }

    /// Notes what a node tells now.
    pub(super) fn now(&self, node: &str, summary: Arc<Summary>) {
        let mut told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        told.insert(node.to_owned(), (Instant::now(), summary));
    }
}

/// What a node tells.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Summary {
    #[serde(default)]
    pods: Vec<PodStats>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct PodStats {
    pod_ref: PodRef,
    #[serde(default)]
    containers: Vec<ContainerStats>,
    network: Option<NetworkStats>,
}

#[derive(Debug, Deserialize)]
struct PodRef {
    uid: String,
}

#[derive(Debug, Deserialize)]
struct ContainerStats {
    name: String,
    cpu: Option<CpuStats>,
    memory: Option<MemoryStats>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct CpuStats {
    usage_core_nano_seconds: Option<u64>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct MemoryStats {
    working_set_bytes: Option<u64>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct NetworkStats {
    rx_bytes: Option<u64>,
    tx_bytes: Option<u64>,
}

/// What the kernel has counted; none: not all of it. The names are those of the second version of control groups, or of
/// the first.
pub(super) fn counted(printed: &str) -> Option<ContainerStatistics> {
    let mut files: HashMap<&str, Vec<&str>> = HashMap::new();
    let mut file = "";
    for line in printed.lines() {
        match line.strip_prefix("== ") {
            Some(name) => file = name,
            None => files.entry(file).or_default().push(line),
        }
    }
    let number = |file: &str| files.get(file)?.first()?.trim().parse::<u64>().ok();
    let named = |file: &str, name: &str| {
        let lines = files.get(file)?.iter();
        lines
            .filter_map(|line| line.split_once(' '))
            .find(|(n, _)| *n == name)?
            .1
            .parse::<u64>()
            .ok()
    };
    let cpu_nanos = named("cpu.stat", "usage_usec")
        .map(|micros| micros.saturating_mul(1000))
        .or_else(|| number("cpuacct/cpuacct.usage"))?;
    let (usage, files_in_memory) = match number("memory.current") {
        Some(usage) => (usage, named("memory.stat", "inactive_file")),
        None => (
            number("memory/memory.usage_in_bytes")?,
            named("memory/memory.stat", "total_inactive_file"),
        ),
    };
    let network = files.get("/proc/net/dev").map(|lines| {
        let devices = lines.iter().filter_map(|line| line.split_once(':'));
        let devices = devices.filter(|(name, _)| name.trim() != "lo");
        devices.fold(NetworkBytes::default(), |sum, (_, numbers)| {
            let numbers: Vec<u64> =
                numbers.split_whitespace().filter_map(|number| number.parse().ok()).collect();
            let of = |index: usize| numbers.get(index).copied().unwrap_or(0);
            NetworkBytes {
                received: sum.received.saturating_add(of(0)),
                sent: sum.sent.saturating_add(of(8)),
            }
        })
    });
    Some(ContainerStatistics {
        cpu_nanos,
        memory_bytes: usage.saturating_sub(files_in_memory.unwrap_or(0)),
        network,
        block_operations: None,
    })
}

/// What is told of a pod's engine; none: not all of it.
pub(super) fn told(summary: &Summary, uid: &str) -> Option<ContainerStatistics> {
    let pod = summary.pods.iter().find(|pod| pod.pod_ref.uid == uid)?;
    let engine = pod.containers.iter().find(|container| container.name == ENGINE)?;
    let network = pod.network.as_ref().and_then(|network| {
        Some(NetworkBytes { received: network.rx_bytes?, sent: network.tx_bytes? })
    });
    Some(ContainerStatistics {
        cpu_nanos: engine.cpu.as_ref()?.usage_core_nano_seconds.filter(|nanos| *nanos > 0)?,
        memory_bytes: engine.memory.as_ref()?.working_set_bytes?,
        network,
        // The summary does not count them.
        block_operations: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_node_tells_is_read_and_what_it_does_not_is_not_made_up() {
        let summary: Summary = serde_json::from_str(
            r#"{"node": {"nodeName": "k1"}, "pods": [
                {"podRef": {"name": "b-1-1", "namespace": "n", "uid": "u1"}, "containers": [
                    {"name": "engine", "cpu": {"time": "…", "usageCoreNanoSeconds": 5000},
                     "memory": {"usageBytes": 9, "workingSetBytes": 7}}],
                 "network": {"name": "eth0", "rxBytes": 3, "txBytes": 4}},
                {"podRef": {"name": "b-1-2", "namespace": "n", "uid": "u2"}, "containers": [
                    {"name": "engine", "cpu": {"usageCoreNanoSeconds": 1}, "memory": {"workingSetBytes": 2}}]},
                {"podRef": {"name": "b-1-3", "namespace": "n", "uid": "u3"}, "containers": [
                    {"name": "engine", "cpu": {"usageCoreNanoSeconds": 0}, "memory": {}}]}]}"#,
        )
        .expect("JSON");
        let first = told(&summary, "u1").expect("statistics");
        assert_eq!((first.cpu_nanos, first.memory_bytes), (5000, 7));
        assert_eq!(first.network, Some(NetworkBytes { received: 3, sent: 4 }));
        assert_eq!(told(&summary, "u2").and_then(|second| second.network), None);
        assert_eq!(told(&summary, "u3"), None);
        assert_eq!(told(&summary, "u4"), None);
    }

    #[test]
    fn counters_of_both_versions_of_control_groups_are_read() {
        let network = "== /proc/net/dev\nInter-|   Receive   |  Transmit\n face |bytes packets|bytes packets\n    lo: 9 9 0 0 0 0 0 0 9 9 0 0 0 0 0 0\n  eth0: 30 1 0 0 0 0 0 0 40 2 0 0 0 0 0 0\n";
        let second = format!(
            "== cpu.stat\nusage_usec 5000\nuser_usec 1\n== memory.current\n1000\n== memory.stat\nanon 1\ninactive_file 300\n{network}"
        );
        let first = format!(
            "== cpuacct/cpuacct.usage\n5000000\n== memory/memory.usage_in_bytes\n1000\n== memory/memory.stat\ncache 400\ntotal_inactive_file 300\n{network}"
        );
        for printed in [first, second] {
            let told = counted(&printed).expect("statistics");
            assert_eq!((told.cpu_nanos, told.memory_bytes), (5_000_000, 700));
            assert_eq!(told.network, Some(NetworkBytes { received: 30, sent: 40 }));
        }
        for less in ["", "== cpu.stat\nusage_usec x\n", "== memory.current\n1\n"] {
            assert_eq!(counted(less), None, "{less}");
        }
    }
}
