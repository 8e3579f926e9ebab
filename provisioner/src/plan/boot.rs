//! Boots: their processor share, deadlines and retries.

use std::time::Duration;

use brokerd_domain::{
    Health, InstanceCondition, Timestamp,
    instance::{InstanceSpec, Limits},
};

use super::types::Subject;

/// How many boots may fail before creation counts as failed.
pub(super) const BOOTS_TO_FAIL: u32 = 3;

/// How many times the deadline of a boot is doubled at most.
const MAX_DOUBLINGS: u32 = 4;

/// How long a boot may take after so many failed ones. A broker that has run may have a store to recover, and a kill
/// would begin that anew, so each boot has twice as long as the one before. Where boots that fail have a consequence,
/// of a new broker or of pending changes, all of them have the same time.
pub(super) fn deadline(subject: &Subject<'_>, failed_boots: u32) -> Duration {
    let broker = subject.broker;
    let has_run = broker.status.observed_generation.is_some();
    let applies = broker.applies_pending() && broker.has_pending();
    let doublings = if has_run && !applies { failed_boots.min(MAX_DOUBLINGS) } else { 0 };
    subject.boot_deadline * (1 << doublings)
}

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
