//! Boots: what they get, and how long and how often they are tried.

use std::time::Duration;

use brokerd_domain::{Health, InstanceCondition, Timestamp};

use crate::runtime::{InstanceSpec, Limits};

/// How many boots may fail before creation counts as failed.
pub(super) const BOOTS_TO_FAIL: u32 = 3;

/// An instance that is started now.
pub(super) fn starting(
    before: &InstanceCondition,
    now: Timestamp,
    failed_boots: u32,
) -> InstanceCondition {
    InstanceCondition { health: Health::Starting, since: now, failed_boots, ..before.clone() }
}

/// How long after its last start an engine that did not come up is started again.
pub(super) fn restart_delay(failed_boots: u32) -> Duration {
    match failed_boots {
        0 | 1 => Duration::ZERO,
        n => Duration::from_secs(1 << n.min(6)).min(Duration::from_secs(60)),
    }
}

/// Booting is single-threaded for long stretches and short on two processors: it gets what the host has and nobody who
/// serves wants, and the tier's share when it serves.
pub(super) fn boosted(spec: &InstanceSpec, nano_cpus: u64) -> InstanceSpec {
    let mut spec = spec.clone();
    spec.limits.nano_cpus = spec.limits.nano_cpus.max(nano_cpus);
    spec.limits.cpu_shares = Limits::BOOTING_SHARES;
    spec
}
