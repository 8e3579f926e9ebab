//! The steps of injected faults.
//!
//! A fault first records its targets: each container, and since when it runs. Only these are disturbed and restored, so
//! a container that was replaced or restarted meanwhile is left alone. A disk outlives its container: it is filled and
//! emptied through the container that has it. Any pass may act on the record, any number of times, until the fault
//! ends.

use brokerd_domain::{
    AffectedInstance, DeploymentMode, EngineType, Fault, FaultKind, Next, Timestamp, VerdictKind,
    instance::{ContainerState, Disturbance},
};

use super::{
    types::{FaultStep, Plan, Step, Subject},
    world::{Observation, Observed, ObservedInstance},
};

/// The plan that applies or ends the broker's faults; `None` if every fault is as it should be.
pub(super) fn act(subject: &Subject<'_>, seen: &Observation, now: Timestamp) -> Option<Plan> {
    let mut plan: Option<Plan> = None;
    for fault in subject.faults {
        let steps = steps(fault, subject, seen, now);
        if !steps.is_empty() {
            let sentence = format!("applying fault {} ({})", fault.id, fault.spec);
            let plan = plan
                .get_or_insert_with(|| Plan::new(VerdictKind::Progressing, sentence, Next::Now));
            plan.steps.extend(steps.into_iter().map(Step::Fault));
        }
    }
    plan
}

/// When to observe again: not later than the end of the next fault.
pub(super) fn look_again(faults: &[Fault], next: Next, now: Timestamp) -> Next {
    // A fault that could not be ended in time waits for something else.
    let outstanding = faults.iter().filter(|fault| fault.ends > now);
    let first = outstanding.map(|fault| fault.ends.since(now)).min();
    match (next, first) {
        (Next::After(pause), Some(end)) => Next::After(pause.min(end)),
        (next, _) => next,
    }
}

fn steps(
    fault: &Fault,
    subject: &Subject<'_>,
    seen: &Observation,
    now: Timestamp,
) -> Vec<FaultStep> {
    let end = |how| vec![FaultStep::End(Box::new(fault.clone()), how)];
    let is_over = fault.ends <= now;
    let Some(struck) = &fault.affected else {
        if is_over {
            return end("its duration was over before it started");
        }
        let start = |struck| vec![FaultStep::Start(Box::new(fault.clone()), struck)];
        return targets(fault, subject, seen).map(start).unwrap_or_default();
    };
    let blind =
        struck.iter().any(|s| matches!(seen.instances.get(&s.ordinal), Some(Observed::Unknown(_))));
    if blind {
        return Vec::new();
    }
    let met = struck.iter().filter_map(|struck| {
        present(seen, struck.ordinal).filter(|i| is_of(struck, i)).map(|i| (struck, i))
    });
    match fault.spec.kind {
        FaultKind::Kill | FaultKind::Failover => {
            let mut steps: Vec<_> = met
                .filter(|(struck, i)| is_same_life(struck, i) && !is_over)
                .map(|(struck, i)| inject(struck.ordinal, i, Disturbance::Killed))
                .collect();
            steps.extend(end(if struck.is_empty() {
                "there was nothing to kill"
            } else {
                "killed"
            }));
            steps
        }
        FaultKind::Pause if is_over => {
            let mut steps: Vec<_> = met
                .filter(|(struck, i)| {
                    i.status.state == ContainerState::Paused
                        && !is_held_by_another(fault, subject, struck, now)
                })
                .map(|(struck, i)| heal(struck.ordinal, i, Disturbance::Paused))
                .collect();
            steps.extend(end("healed"));
            steps
        }
        FaultKind::Pause => met
            .filter(|(struck, i)| {
                i.status.state != ContainerState::Paused && is_same_life(struck, i)
            })
            .map(|(struck, i)| inject(struck.ordinal, i, Disturbance::Paused))
            .collect(),
        FaultKind::Isolate if is_over => {
            let mut steps: Vec<_> = met
                .filter(|(struck, _)| !is_held_by_another(fault, subject, struck, now))
                .map(|(struck, i)| heal(struck.ordinal, i, Disturbance::Isolated))
                .collect();
            steps.extend(end("healed"));
            steps
        }
        // An isolated instance has no published address.
        FaultKind::Isolate => met
            .filter(|(_, i)| {
                matches!(i.status.state, ContainerState::Running { .. })
                    && !i.status.addresses.is_empty()
            })
            .map(|(struck, i)| inject(struck.ordinal, i, Disturbance::Isolated))
            .collect(),
        FaultKind::ZoneOutage if is_over => end("healed"),
        FaultKind::ZoneOutage => fault
            .spec
            .zone_instances
            .iter()
            .filter_map(|ordinal| Some((*ordinal, present(seen, *ordinal)?)))
            .filter(|(_, i)| is_alive(i))
            .map(|(ordinal, i)| inject(ordinal, i, Disturbance::Killed))
            .collect(),
        FaultKind::Latency if is_over => end("healed"),
        // The gateway adds the latency; it reads the fault when it is recorded as started.
        FaultKind::Latency => Vec::new(),
        FaultKind::FillDisk => {
            let Some(first) = struck.first() else {
                return end("there was no disk of its own to fill");
            };
            let Some((ordinal, instance)) = with_disk(subject, seen, first.ordinal) else {
                return Vec::new();
            };
            if !is_over {
                let has_room = instance.filled == Observed::Present(false);
                let fill = || inject(ordinal, instance, full(subject));
                return has_room.then(fill).into_iter().collect();
            }
            let mut steps = Vec::new();
            if !is_filled_by_another(fault, subject, first.ordinal, now) {
                steps.push(heal(ordinal, instance, full(subject)));
            }
            steps.extend(end("healed"));
            steps
        }
    }
}

/// The targets of the fault; `None` while they are not known.
fn targets(
    fault: &Fault,
    subject: &Subject<'_>,
    seen: &Observation,
) -> Option<Vec<AffectedInstance>> {
    let ordinal = match fault.spec.kind {
        FaultKind::ZoneOutage | FaultKind::Latency => return Some(Vec::new()),
        FaultKind::Kill
        | FaultKind::Pause
        | FaultKind::Isolate
        | FaultKind::FillDisk
        | FaultKind::Failover => fault.spec.instance.or_else(|| serving(subject, seen)),
    };
    let Some(ordinal) = ordinal else {
        let all_seen = !seen.instances.values().any(|i| matches!(i, Observed::Unknown(_)));
        return all_seen.then(Vec::new);
    };
    let instance = match seen.instances.get(&ordinal)? {
        Observed::Unknown(_) => return None,
        Observed::Absent => return Some(Vec::new()),
        Observed::Present(instance) => instance,
    };
    if fault.spec.kind == FaultKind::FillDisk && !instance.status.own_disk {
        return Some(Vec::new());
    }
    let since = match instance.status.state {
        ContainerState::Running { since } => Some(since),
        ContainerState::Paused => None,
        _ if fault.spec.kind == FaultKind::FillDisk => None,
        ContainerState::Created | ContainerState::Exited { .. } => return Some(Vec::new()),
    };
    Some(vec![AffectedInstance { ordinal, container: instance.status.id.0.clone(), since }])
}

/// The instance that the endpoints are routed to. A paused one has no addresses; if the endpoints are drained, the
/// first instance that is alive.
fn serving(subject: &Subject<'_>, seen: &Observation) -> Option<u8> {
    let alive =
        || seen.instances.keys().copied().filter(|n| present(seen, *n).is_some_and(is_alive));
    let is_led_to = |ordinal: &u8| {
        present(seen, *ordinal).is_some_and(|instance| {
            let led = subject.targets.iter().flat_map(|target| &target.addresses);
            let mut own = instance.status.addresses.values();
            led.into_iter().any(|address| own.any(|a| a == address))
        })
    };
    let is_paused = |ordinal: &u8| {
        present(seen, *ordinal).is_some_and(|i| i.status.state == ContainerState::Paused)
    };
    let leads = subject.targets.iter().any(|target| !target.addresses.is_empty());
    alive()
        .find(is_led_to)
        .or_else(|| alive().find(|n| leads && is_paused(n)))
        .or_else(|| alive().next())
}

pub(super) fn present(seen: &Observation, ordinal: u8) -> Option<&ObservedInstance> {
    match seen.instances.get(&ordinal)? {
        Observed::Present(instance) => Some(instance),
        Observed::Absent | Observed::Unknown(_) => None,
    }
}

const fn is_alive(instance: &ObservedInstance) -> bool {
    matches!(instance.status.state, ContainerState::Running { .. } | ContainerState::Paused)
}

pub(super) fn is_of(struck: &AffectedInstance, instance: &ObservedInstance) -> bool {
    instance.status.id.0 == struck.container
}

/// Whether the instance has not exited since the fault started. A paused one has not, because it is still paused.
fn is_same_life(struck: &AffectedInstance, instance: &ObservedInstance) -> bool {
    match instance.status.state {
        ContainerState::Running { since } => struck.since == Some(since),
        ContainerState::Paused => true,
        ContainerState::Created | ContainerState::Exited { .. } => false,
    }
}

/// Whether another active fault of the same kind disturbs the container.
fn is_held_by_another(
    fault: &Fault,
    subject: &Subject<'_>,
    struck: &AffectedInstance,
    now: Timestamp,
) -> bool {
    subject.faults.iter().any(|other| {
        other.id != fault.id
            && other.spec.kind == fault.spec.kind
            && other.ends > now
            && other.affected(struck.ordinal).is_some_and(|s| s.container == struck.container)
    })
}

/// A container that has the disk of an instance: its own, or another one of a pair, which has one disk.
fn with_disk<'a>(
    subject: &Subject<'_>,
    seen: &'a Observation,
    ordinal: u8,
) -> Option<(u8, &'a ObservedInstance)> {
    let mut candidates = vec![ordinal];
    if has_one_disk(subject) {
        candidates.extend(seen.instances.keys().filter(|other| **other != ordinal));
    }
    let mut there = candidates.into_iter().filter_map(|n| Some((n, present(seen, n)?)));
    there.find(|(_, instance)| instance.status.own_disk)
}

/// A disk that is as full as messages can make it. ActiveMQ uses all of its disk. RabbitMQ blocks publishers before its
/// disk is full, and some space is left, because on a full disk it refuses every login.
fn full(subject: &Subject<'_>) -> Disturbance {
    let spec = &subject.broker.spec;
    let leave = match spec.engine_type {
        EngineType::ActiveMq => 0,
        EngineType::RabbitMq => {
            spec.host_instance_type.disk_free_limit_bytes(spec.deployment_mode) / 2
        }
    };
    Disturbance::Filled { leave }
}

fn has_one_disk(subject: &Subject<'_>) -> bool {
    subject.broker.spec.deployment_mode == DeploymentMode::ActiveStandbyMultiAz
}

/// Whether another active fault fills the disk of an instance.
fn is_filled_by_another(fault: &Fault, subject: &Subject<'_>, ordinal: u8, now: Timestamp) -> bool {
    subject.faults.iter().any(|other| {
        other.id != fault.id
            && other.spec.kind == FaultKind::FillDisk
            && other.ends > now
            && other
                .affected
                .iter()
                .flatten()
                .any(|s| has_one_disk(subject) || s.ordinal == ordinal)
    })
}

fn inject(ordinal: u8, instance: &ObservedInstance, disturbance: Disturbance) -> FaultStep {
    FaultStep::Inject(ordinal, instance.status.id.clone(), disturbance)
}

fn heal(ordinal: u8, instance: &ObservedInstance, disturbance: Disturbance) -> FaultStep {
    FaultStep::Heal(ordinal, instance.status.id.clone(), disturbance)
}
