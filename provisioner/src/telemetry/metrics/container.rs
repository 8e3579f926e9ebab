//! Figures of containers.

use brokerd_domain::metric::MetricName;

use super::{
    counters::{Counters, rounded},
    readings::InstanceReading,
};
use crate::runtime::ContainerStatistics;

/// What an instance used.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Used {
    /// Of its processors, in percent.
    pub(super) cpu_percent: Option<f64>,
    /// Bytes received.
    pub(super) network_in: Option<f64>,
    /// Bytes sent.
    pub(super) network_out: Option<f64>,
    /// Reads from its volume.
    pub(super) reads: Option<f64>,
    /// Writes to its volume.
    pub(super) writes: Option<f64>,
}

impl Used {
    /// Since the last reading.
    pub(super) fn since_last(counters: &mut Counters, of: &InstanceReading) -> Self {
        let Some(now) = of.container else { return Self::default() };
        let ContainerStatistics { cpu_nanos, network, block_operations, .. } = now;
        let mut grew = |name: &str, value: u64| counters.read(of.ordinal, name, value as f64);
        let cpu = grew("cpu", cpu_nanos);
        let cpus = of.nano_cpus as f64;
        Self {
            cpu_percent: cpu
                .filter(|_| cpus > 0.0)
                .map(|cpu| rounded((cpu.per_second() / cpus * 100.0).min(100.0))),
            network_in: network.and_then(|n| grew("network in", n.received)).map(|g| g.by),
            network_out: network.and_then(|n| grew("network out", n.sent)).map(|g| g.by),
            reads: block_operations.and_then(|n| grew("reads", n.reads)).map(|g| g.by),
            writes: block_operations.and_then(|n| grew("writes", n.writes)).map(|g| g.by),
        }
    }

    /// The same as the service's metrics of ActiveMQ.
    pub(super) fn of_activemq(&self) -> [(MetricName, Option<f64>); 5] {
        [
            (MetricName::CpuUtilization, self.cpu_percent),
            (MetricName::NetworkIn, self.network_in),
            (MetricName::NetworkOut, self.network_out),
            (MetricName::VolumeReadOps, self.reads),
            (MetricName::VolumeWriteOps, self.writes),
        ]
    }
}
