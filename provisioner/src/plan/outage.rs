//! Why an instance does not serve any more.

use brokerd_domain::{
    Availability, Broker, Intent, Timestamp,
    instance::ContainerState,
    report::{Finding, InstanceTransition, OutageCause, ReportedChange, Transitions},
};

use super::{
    attention,
    pair::taken_over,
    types::{Completion, Plan, Step},
    world::{Observation, Observed},
};

/// When a pass observed the instances, and since when recovered instances serve clients.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Moments {
    pub(crate) seen_at: Timestamp,
    pub(crate) back_at: Timestamp,
}

/// What an executed plan changes in the broker's report; `None` if nothing. `seen` is `None` if the
/// container engine did not answer at all.
pub(crate) fn reported_change(
    broker: &Broker,
    plan: &Plan,
    completion: Option<Completion>,
    seen: Option<&Observation>,
    Moments { seen_at, back_at }: Moments,
) -> Option<ReportedChange> {
    if broker.intent == Intent::Delete || plan.failure.is_some() {
        return None;
    }
    let before = &broker.status;
    let after = plan.conditions.as_ref().unwrap_or(&before.conditions);
    let transitions = Transitions::of(&Finding {
        before,
        after,
        stopped: &stopped(plan),
        completes: completion.is_some(),
        is_seen: seen.is_some_and(is_seen),
        taken_over: taken_over(broker, after),
        seen_at,
        back_at,
    });
    if transitions.is_empty() {
        return None;
    }
    let cause = cause(broker, &transitions, seen);
    Some(ReportedChange { transitions, cause, detail: plan.sentence.clone() })
}

/// Whether a plan takes an available broker out of service, which is worth recording before it is done.
pub(crate) fn interrupts(broker: &Broker, plan: &Plan) -> bool {
    let stopped = stopped(plan);
    let after = plan.conditions.as_ref().unwrap_or(&broker.status.conditions);
    let left = after.iter().filter(|condition| !stopped.contains(&condition.ordinal));
    broker.status.availability == Some(Availability::Available)
        && broker.intent == Intent::Run
        && Availability::of(left) == Availability::Unavailable
}

/// The instances that a plan stops or restarts.
fn stopped(plan: &Plan) -> Vec<u8> {
    plan.steps.iter().filter(|step| step.is_disruptive()).filter_map(Step::ordinal).collect()
}

fn is_seen(seen: &Observation) -> bool {
    let mut instances = seen.instances.values();
    instances.all(|instance| !matches!(instance, Observed::Unknown(_)))
}

fn cause(broker: &Broker, transitions: &Transitions, seen: Option<&Observation>) -> OutageCause {
    let Some(seen) = seen.filter(|seen| is_seen(seen)) else { return OutageCause::Unseen };
    if broker.is_rebooting() {
        return OutageCause::Reboot;
    }
    let lost =
        transitions.instances.iter().find(|(_, what, _)| *what != InstanceTransition::Recovered);
    let Some((ordinal, ..)) = lost else { return OutageCause::Other };
    let instance = match seen.instances.get(ordinal) {
        Some(Observed::Present(instance)) => instance,
        Some(Observed::Absent | Observed::Unknown(_)) | None => return OutageCause::ContainerGone,
    };
    let known = broker.status.conditions.iter().find(|c| c.ordinal == *ordinal);
    match &instance.status.state {
        ContainerState::Created => OutageCause::ContainerGone,
        ContainerState::Exited { code, out_of_memory, .. } => {
            let is_starved =
                *out_of_memory || attention::is_out_of_memory(broker.spec.engine_type, *code);
            if is_starved { OutageCause::OutOfMemory } else { OutageCause::EngineEnded }
        }
        // It was started again already.
        ContainerState::Running { since } if known.is_some_and(|c| *since > c.since) => {
            OutageCause::EngineEnded
        }
        ContainerState::Running { .. } | ContainerState::Paused => OutageCause::EngineSilent,
    }
}
