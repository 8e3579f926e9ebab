//! What to do next: a pure function of the broker, the world and the time.
//!
//! All the ifs are here. A plan holds at most one disruptive step, and nothing that was not seen for
//! certain is ever stopped, removed or replaced.

mod attention;
mod change;
mod cluster;
mod deletion;
mod fault;
mod instance;
mod pair;
mod room;
mod sentence;
mod single;
mod traffic;
mod types;
mod world;

use std::time::Duration;

use brokerd_domain::{Broker, DeploymentMode, Intent, Next, Timestamp, VerdictKind};
use types::ended;

pub(crate) use attention::not_rebooted;
pub(crate) use pair::taken_over;
pub(crate) use room::no_room;

pub use fault::FaultStep;
pub use sentence::Sentence;
pub use types::{Completion, Desired, Plan, Step, Subject};
pub use world::{ClusterView, Observed, Seen, SeenInstance};

/// How often an instance that serves is looked at; the runtime's events come in between.
const STEADY_POLL: Duration = Duration::from_secs(10);
/// How often a pair or a cluster is looked at that can't be seen.
const BLIND_POLL: Duration = Duration::from_secs(1);
/// When to look again at what can't change by itself.
const IDLE_POLL: Duration = Duration::from_secs(3600);

/// Decides.
pub fn plan(subject: &Subject<'_>, seen: &Seen, now: Timestamp) -> Plan {
    let broker = subject.broker;
    let mut plan = if broker.intent == Intent::Delete {
        deletion::plan(subject, seen)
    } else if let Some(failure) = &broker.status.failure {
        deletion::after_failure(failure, subject, seen)
    } else if let Some(disturbing) = fault::act(subject, seen, now) {
        disturbing
    } else if broker.instances.is_empty() {
        Plan::new(VerdictKind::Progressing, "allocating endpoints", Next::Now)
            .step(Step::AllocateEndpoints)
    } else {
        plan_instances(subject, seen, now)
    };
    if plan.needs_rendering {
        return plan;
    }
    let mut conditions = plan.conditions.take().unwrap_or_else(|| broker.status.conditions.clone());
    for condition in &mut conditions {
        attention::forget(condition, now);
    }
    if broker.intent == Intent::Run {
        let makes = plan.steps.iter().any(|step| matches!(step, Step::Apply(_)));
        if !makes && attention::reboots_in_vain(broker, seen, &conditions) {
            let why = plan.sentence.clone();
            plan.end_reboot(broker, &why);
        }
        let not_rebooted = plan.not_rebooted.as_deref();
        plan.actions_required = attention::actions(broker, seen, &conditions, not_rebooted);
        plan.maintenance = attention::maintenance(subject, seen);
        plan.next = fault::look_again(subject.faults, plan.next, now);
    }
    plan.conditions = Some(conditions);
    plan
}

/// When to look again at what could not be seen, or done: before the next failover of a pair or cluster is late, and
/// not later than usual at whatever has served. The rest waits longer each time.
pub(crate) fn retry(broker: &Broker) -> Next {
    let has_served = broker.status.observed_generation.is_some();
    match broker.spec.deployment_mode {
        _ if broker.intent == Intent::Delete => Next::BackOff,
        DeploymentMode::ActiveStandbyMultiAz | DeploymentMode::ClusterMultiAz => {
            Next::After(BLIND_POLL)
        }
        DeploymentMode::SingleInstance if has_served => Next::After(STEADY_POLL),
        DeploymentMode::SingleInstance => Next::BackOff,
    }
}

pub(crate) fn refuse(why: &str) -> Plan {
    let sentence = Sentence::detailed("the pending changes are not applied", why);
    let plan = Plan::new(VerdictKind::Progressing, sentence, Next::Now);
    plan.step(Step::GiveUpPending(ended(why)))
}

fn fail(why: String) -> Plan {
    let sentence = Sentence::detailed("creation failed", &why);
    let mut plan = Plan::new(VerdictKind::Failed, sentence, Next::Now);
    plan.failure = Some(why);
    plan
}

fn plan_instances(subject: &Subject<'_>, seen: &Seen, now: Timestamp) -> Plan {
    let broker = subject.broker;
    let mut ordinals = subject.instances.iter().map(|identity| identity.ordinal);
    let unknown = ordinals.find_map(|ordinal| match seen.instances.get(&ordinal) {
        Some(Observed::Unknown(why)) => Some((ordinal, why.as_str())),
        None => Some((ordinal, "it was not looked at")),
        Some(Observed::Absent | Observed::Present(_)) => None,
    });
    if let Some((ordinal, why)) = unknown {
        return Plan::new(
            VerdictKind::Progressing,
            Sentence::detailed(format!("can't see instance {ordinal}"), why),
            retry(broker),
        );
    }

    let is_wanted = change::is_wanted(subject, seen, now);
    if is_wanted
        && let Some(first) = room::first(subject, seen, now).or_else(|| change::first(subject))
    {
        return first;
    }
    let plan = match broker.spec.deployment_mode {
        DeploymentMode::ClusterMultiAz => cluster::plan(subject, seen, now),
        DeploymentMode::ActiveStandbyMultiAz => pair::plan(subject, seen, now),
        DeploymentMode::SingleInstance => single::plan(subject, seen, now),
    };
    if is_wanted { change::blocked(subject, plan) } else { plan }
}
