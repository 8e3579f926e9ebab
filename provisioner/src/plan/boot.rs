//! Boots: their processor share, deadlines and retries.

use std::time::Duration;

use brokerd_domain::{
    Health, InstanceCondition, Timestamp,
    instance::{InstanceSpec, Limits},
};

/// How many boots may fail before creation counts as failed.
pub(super) const BOOTS_TO_FAIL: u32 = 3;

/// The condition of an instance that is started now.
pub(super) fn starting(
    before: &InstanceCondition,
    now: Timestamp,
    failed_boots: u32,
) -> InstanceCondition {
    InstanceCondition { health: Health::Starting, since: now, failed_boots, ..before.clone() }
}

/// The pause between two starts of an engine that does not boot.
pub(super) fn restart_delay(failed_boots: u32) -> Duration {
    match failed_boots {
        0 | 1 => Duration::ZERO,
        n => Duration::from_secs(1 << n.min(6)).min(Duration::from_secs(60)),
    }
}

/// A booting instance may use all processors that serving instances leave idle, because booting is mostly
/// single-threaded and short of time. When it serves it gets its tier's share.
pub(super) fn boosted(spec: &InstanceSpec, nano_cpus: u64) -> InstanceSpec {
    let mut spec = spec.clone();
    spec.limits.nano_cpus = spec.limits.nano_cpus.max(nano_cpus);
    spec.limits.cpu_shares = Limits::BOOTING_SHARES;
    spec
}
