//! What to do next: a pure function of the broker, the world and the time.
//!
//! All decisions are here. A plan holds at most one disruptive step. It never stops, removes or replaces what was not
//! observed for certain.

mod attention;
mod boot;
mod cluster;
mod deletion;
mod fault;
mod hold;
mod instance;
mod outage;
mod pair;
mod poll;
mod replacement;
mod reservation;
mod sentence;
mod single;
mod traffic;
mod types;
mod world;

use brokerd_domain::{Broker, DeploymentMode, Intent, Next, Protocol, Timestamp, VerdictKind};

pub(crate) use attention::not_rebooted;
pub(crate) use outage::{Moments, interrupts, reported_change};
pub(crate) use pair::taken_over;
pub(crate) use poll::retry;
pub(crate) use reservation::not_enough_memory;

pub use sentence::Sentence;
use types::NeedsRendering;
pub(crate) use types::refuse;
pub use types::{Completion, Decision, Desired, FaultStep, InstanceIdentity, Plan, Step, Subject};
pub use world::{
    Alarm, ClusterView, NodeReport, Observation, Observed, ObservedInstance, ProbeOutcome,
};

/// Plans the next steps of a broker.
pub fn plan(subject: &Subject<'_>, seen: &Observation, now: Timestamp) -> Decision {
    let broker = subject.broker;
    let planned = if broker.intent == Intent::Delete {
        Ok(deletion::plan(subject, seen))
    } else if let Some(failure) = &broker.status.failure {
        Ok(deletion::after_failure(failure, subject, seen))
    } else if let Some(disturbing) = fault::act(subject, seen, now) {
        Ok(disturbing)
    } else if broker.instances.is_empty() {
        let plan = Plan::new(VerdictKind::Progressing, "allocating endpoints", Next::Now);
        Ok(plan.step(Step::AllocateEndpoints))
    } else {
        plan_instances(subject, seen, now)
    };
    let Ok(mut plan) = planned else { return Decision::NeedsRendering };
    let mut conditions = plan.conditions.take().unwrap_or_else(|| broker.status.conditions.clone());
    for condition in &mut conditions {
        attention::forget_resolved(condition, now);
    }
    if broker.intent == Intent::Run {
        let makes = plan.steps.iter().any(|step| matches!(step, Step::Apply(_)));
        if !makes && attention::reboot_fails(broker, seen, &conditions) {
            let why = plan.sentence.clone();
            plan.end_reboot(broker, &why);
        }
        let not_rebooted = plan.not_rebooted.as_deref();
        plan.actions_required = attention::actions(broker, seen, &conditions, not_rebooted);
        plan.maintenance = attention::maintenance(subject, seen);
        plan.next = fault::look_again(subject.faults, plan.next, now);
    }
    plan.conditions = Some(conditions);
    Decision::Plan(Box::new(plan))
}

fn plan_instances(
    subject: &Subject<'_>,
    seen: &Observation,
    now: Timestamp,
) -> Result<Plan, NeedsRendering> {
    let broker = subject.broker;
    let mut ordinals = subject.instances.iter().map(|identity| identity.ordinal);
    let unknown = ordinals.find_map(|ordinal| match seen.instances.get(&ordinal) {
        Some(Observed::Unknown(why)) => Some((ordinal, why.as_str())),
        None => Some((ordinal, "it was not looked at")),
        Some(Observed::Absent | Observed::Present(_)) => None,
    });
    if let Some((ordinal, why)) = unknown {
        return Ok(Plan::new(
            VerdictKind::Progressing,
            Sentence::detailed(format!("can't see instance {ordinal}"), why),
            retry(broker),
        ));
    }

    let is_wanted = replacement::is_wanted(subject, seen, now);
    if is_wanted {
        let first = match reservation::first(subject, seen, now) {
            Some(first) => Some(first),
            None => replacement::first(subject)?,
        };
        if let Some(first) = first {
            return Ok(first);
        }
    }
    let mut plan = match broker.spec.deployment_mode {
        DeploymentMode::ClusterMultiAz => cluster::plan(subject, seen, now)?,
        DeploymentMode::ActiveStandbyMultiAz => pair::plan(subject, seen, now),
        DeploymentMode::SingleInstance => single::plan(subject, seen, now),
    };
    let makes = plan.steps.iter().any(|step| matches!(step, Step::Apply(_)));
    if makes && lacks_endpoints(broker) {
        plan.steps.insert(0, Step::AllocateEndpoints);
    }
    Ok(if is_wanted { replacement::blocked(subject, plan) } else { plan })
}

/// Whether the broker's version has endpoints without addresses, because an earlier brokerd made it or it was upgraded.
/// The running engine does not serve them, so they come with its next container.
fn lacks_endpoints(broker: &Broker) -> bool {
    let protocols = Protocol::of_broker(&broker.spec);
    broker.instances.iter().any(|instance| {
        let has = |p: &Protocol| instance.endpoints.iter().any(|e| e.protocol == *p);
        !protocols.iter().all(has)
    })
}
