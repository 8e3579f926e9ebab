//! What instances may use of their host together: found out here, told to the store, which shares it out.

use std::{sync::Arc, time::Duration};

use brokerd_domain::HostCapacity;
use brokerd_store::StoreError;
use tokio_util::sync::CancellationToken;

use crate::{
    pause::pause_or_stop,
    reconcile::ReconcileStore,
    runtime::{Capacity, Runtime},
    tasks::repeat::Rounds,
};

/// How often to report the capacity, and to assign released memory.
const PAUSE: Duration = Duration::from_secs(15);
/// How soon to ask again what the host has.
const FIND_OUT_PAUSE: Duration = Duration::from_secs(3);
/// How long telling may take before brokers get their turn.
const FIRST: Duration = Duration::from_secs(10);

/// The operator's settings of the memory of the host.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CapacitySettings {
    /// Factor on the memory and processors of instance types; none: what suits the host.
    pub scale: Option<f64>,
    /// How much of the host's memory instances may use together, as a factor.
    pub memory_share: f64,
    /// The same in bytes, instead.
    pub memory_bytes: Option<u64>,
    /// How long a creation waits.
    pub wait_limit: Duration,
}

impl CapacitySettings {
    /// The capacity of a host.
    pub fn on(self, capacity: Capacity) -> HostCapacity {
        let share = |bytes: u64| (bytes as f64 * self.memory_share) as u64;
        let memory_bytes = self.memory_bytes.unwrap_or_else(|| share(capacity.all_memory_bytes));
        // An instance is on one host, however many there are.
        let of_one = if capacity.all_memory_bytes > capacity.memory_bytes {
            memory_bytes.min(share(capacity.memory_bytes))
        } else {
            memory_bytes
        };
        let scale = self.scale.unwrap_or_else(|| HostCapacity::automatic_scale(of_one));
        tracing::info!(scale, "instances may use {} MiB of memory together", memory_bytes >> 20);
        HostCapacity { memory_bytes, scale, wait_limit: self.wait_limit }
    }
}

/// What the task that tells the store uses.
#[derive(Clone)]
pub(crate) struct CapacityReport {
    pub(crate) store: Arc<dyn ReconcileStore>,
    pub(crate) rounds: Rounds,
    pub(crate) host_capacity: HostCapacity,
}

/// What the log says where the store does not take the report.
const FAILED: &str = "capacity of the host not stored";

/// What the host has, as soon as its runtime tells; none: this process stops first.
pub(crate) async fn find_out(
    runtime: &dyn Runtime,
    shutdown: &CancellationToken,
) -> Option<Capacity> {
    while !shutdown.is_cancelled() {
        match runtime.capacity().await {
            Ok(capacity) => return Some(capacity),
            Err(error) => tracing::warn!(%error, "capacity of the host not read; retried"),
        }
        pause_or_stop(FIND_OUT_PAUSE, shutdown).await;
    }
    None
}

/// Tells once before anybody works on brokers.
pub(crate) async fn report_first(report: &CapacityReport) {
    // A store that does not take the report can't be asked either.
    if let Ok(ended) = tokio::time::timeout(FIRST, report_once(report)).await {
        report.rounds.tell(FAILED, ended);
    }
}

/// Tells again and again: others may have told something else, and whoever should have shared out what was given
/// back may have died.
pub(crate) async fn keep_reported(report: CapacityReport) {
    report.rounds.repeat(FAILED, || report_once(&report)).await;
}

async fn report_once(report: &CapacityReport) -> Result<Duration, StoreError> {
    let rounds = &report.rounds;
    let used = report.store.report_capacity(&report.host_capacity, rounds.clock.now()).await?;
    rounds.metrics.set_host_capacity(&report.host_capacity, used);
    Ok(PAUSE)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GIB: u64 = 1 << 30;

    #[test]
    fn limits_exceed_the_host_only_if_the_operator_says_so() {
        let capacity = Capacity::of_a_host(10 * GIB, 2);
        let settings = CapacitySettings {
            scale: None,
            memory_share: 0.9,
            memory_bytes: None,
            wait_limit: Duration::ZERO,
        };
        let host_capacity = settings.on(capacity);
        assert_eq!(
            (host_capacity.memory_bytes, host_capacity.scale.to_string()),
            (9 * GIB, "0.25".to_owned())
        );
        let hosts = Capacity { all_memory_bytes: 30 * GIB, ..capacity };
        let several = settings.on(hosts);
        assert_eq!((several.memory_bytes, several.scale), (27 * GIB, host_capacity.scale));
        let more = CapacitySettings { memory_share: 3.0, ..settings }.on(capacity);
        assert_eq!((more.memory_bytes, more.scale.to_string()), (30 * GIB, "1".to_owned()));
        let bytes = CapacitySettings { memory_bytes: Some(GIB), scale: Some(0.5), ..settings };
        let own = bytes.on(capacity);
        assert_eq!((own.memory_bytes, own.scale.to_string()), (GIB, "0.5".to_owned()));
    }
}
