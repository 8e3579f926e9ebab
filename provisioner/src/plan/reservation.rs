//! Memory of the host: what a broker's instances may use is reserved before the first of them is made, and before a
//! reboot makes them larger. Instances that exist are supervised even if together they exceed it.

use brokerd_domain::{HostInstanceType, Next, Reservation, Timestamp, VerdictKind};

use super::{
    poll::IDLE_POLL,
    sentence::Sentence,
    types::{Plan, Step, Subject, fail, refuse},
    world::{Observation, Observed},
};

/// The plan that must come before an instance is made or replaced, to have its memory; `None` if it has it.
pub(super) fn first(subject: &Subject<'_>, seen: &Observation, now: Timestamp) -> Option<Plan> {
    let (broker, host_capacity) = (subject.broker, subject.host_capacity);
    let tier = broker.spec.host_instance_type;
    let wanted = host_capacity.of_instances(tier, broker.spec.deployment_mode.instances());
    let never = || {
        format!(
            "not enough memory: {}, and all instances on this host may use {} together; a smaller sizing.scale \
             (now {}) makes instances smaller than their type, a larger sizing.memory_share or \
             sizing.memory_megabytes lets them have more",
            demand(subject, tier, wanted),
            gib(host_capacity.memory_bytes),
            host_capacity.scale,
        )
    };
    if broker.status.observed_generation.is_some() {
        let Some(Reservation::Granted(granted)) = subject.reservation else { return None };
        let has = host_capacity.of_instances(granted, broker.spec.deployment_mode.instances());
        if !broker.applies_pending() || wanted <= has {
            return None;
        }
        if wanted > host_capacity.memory_bytes {
            return Some(refuse(&never()));
        }
        return Some(reserving(tier));
    }
    if seen.instances.values().any(|instance| matches!(instance, Observed::Present(_))) {
        return None;
    }
    match subject.reservation {
        Some(Reservation::Granted(_)) => None,
        _ if wanted > host_capacity.memory_bytes => Some(fail(never())),
        None => Some(reserving(tier)),
        Some(Reservation::Waiting { since, missing_bytes }) => {
            let what =
                missing(&demand(subject, tier, wanted), missing_bytes, host_capacity.memory_bytes);
            let waited = now.since(since);
            if waited >= host_capacity.wait_limit {
                let minutes = host_capacity.wait_limit.as_secs() / 60;
                return Some(fail(format!("{what}, also after {minutes} minutes")));
            }
            let left = host_capacity.wait_limit.saturating_sub(waited);
            let until = since.plus(host_capacity.wait_limit);
            let reason =
                format!("waiting until other brokers are deleted, until {until} at the latest");
            let sentence = Sentence::detailed(reason, what);
            let next = Next::After(left.min(IDLE_POLL));
            Some(Plan::new(VerdictKind::Progressing, sentence, next))
        }
    }
}

fn reserving(tier: HostInstanceType) -> Plan {
    Plan::new(VerdictKind::Progressing, "reserving memory", Next::Now).step(Step::Reserve(tier))
}

fn demand(subject: &Subject<'_>, tier: HostInstanceType, wanted: u64) -> String {
    match subject.broker.spec.deployment_mode.instances() {
        1 => format!("{tier} needs {}", gib(wanted)),
        n => format!("{n} instances of {tier} need {}", gib(wanted)),
    }
}

/// Why the memory that is wanted can't be granted now.
pub(crate) fn not_enough_memory(
    tier: HostInstanceType,
    wanted: u64,
    missing_bytes: u64,
    all: u64,
) -> String {
    missing(&format!("{tier} needs {}", gib(wanted)), missing_bytes, all)
}

fn missing(demand: &str, missing_bytes: u64, all: u64) -> String {
    let why = match missing_bytes {
        0 => "brokers that have waited longer come first for the".to_owned(),
        missing => format!("{} are missing of the", gib(missing)),
    };
    format!("not enough memory: {demand}; {why} {} that instances may use together", gib(all))
}

fn gib(bytes: u64) -> String {
    format!("{:.1} GiB", bytes as f64 / f64::from(1 << 30))
}
