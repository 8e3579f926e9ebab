//! Brokers of one instance.

use brokerd_domain::{Next, Timestamp, VerdictKind};

use super::{
    instance::{Need, condition, judge, limit},
    poll::STEADY_POLL,
    traffic::{drain, route_to},
    types::{Completion, Plan, Subject, fail, refuse},
    world::{Observation, Observed},
};

pub(super) fn plan(subject: &Subject<'_>, seen: &Observation, now: Timestamp) -> Plan {
    let broker = subject.broker;
    let mut conditions = Vec::new();
    let mut serving = Vec::new();
    let mut plan: Option<Plan> = None;
    for identity in subject.instances {
        let ordinal = identity.ordinal;
        let before = condition(broker, ordinal, seen, now);
        let (need, after) = judge(subject, identity, seen, before, now);
        conditions.push(after);
        match need {
            Need::Nothing => serving.push(ordinal),
            Need::GiveUp(why) => {
                let mut failed = fail(why);
                failed.conditions = Some(conditions);
                return failed;
            }
            Need::Refuse(why) => {
                let mut refused = refuse(&why);
                refused.conditions = Some(conditions);
                return refused;
            }
            // One instance at a time: the first one that needs something decides.
            Need::Wait { sentence, next, keep_traffic } if plan.is_none() => {
                let mut waiting = Plan::new(VerdictKind::Progressing, sentence, next);
                if !keep_traffic {
                    waiting.steps.extend(drain(subject.targets, &[ordinal]));
                }
                plan = Some(waiting);
            }
            Need::Steps { sentence, steps, keep_traffic } if plan.is_none() => {
                let mut acting = Plan::new(VerdictKind::Progressing, sentence, Next::Now);
                if !keep_traffic {
                    acting.steps.extend(drain(subject.targets, &[ordinal]));
                }
                acting.steps.extend(steps);
                plan = Some(acting);
            }
            Need::Wait { .. } | Need::Steps { .. } => {}
        }
    }

    let mut plan = plan.unwrap_or_else(|| {
        let mut done =
            Plan::new(VerdictKind::Converged, "every endpoint answers", Next::After(STEADY_POLL));
        let (generation, reboots) = (broker.generation, broker.reboots_requested);
        done.completes = Some(Completion { generation, reboots });
        done
    });
    plan.conditions = Some(conditions);
    let mut finishing = Vec::new();
    for ordinal in &serving {
        let Some(Observed::Present(instance)) = seen.instances.get(ordinal) else { continue };
        // Clients come first: changing limits may take long, or fail.
        finishing.extend(route_to(broker, subject.targets, &[*ordinal], &instance.status));
        finishing.extend(limit(subject, *ordinal, &instance.status));
    }
    plan.steps.splice(0..0, finishing);
    plan
}
