//! An ActiveMQ pair: two instances on one store, whose lock decides which of them serves.
//!
//! The lock makes two active instances impossible, so this module decides only how soon the standby gets it. An engine
//! that exits releases the lock. One that hangs does not, so it is killed. The instance that lost the lock is started
//! again once the other one serves, and becomes the standby. Nothing is done about instances that can't be observed.

mod member;
mod takeover;

use std::time::Duration;

use brokerd_domain::{
    Broker, DeploymentMode, Health, InstanceCondition, Next, Timestamp, VerdictKind,
};

use super::{
    hold::hold,
    instance::{condition, limit},
    traffic::{drain, route_to},
    types::{Completion, Plan, Step, Subject},
    world::{Observation, Observed},
};
use member::{Member, SETTLED, STEADY_POLL, acting, standby, waiting};
use takeover::without_active;

/// How long the standby must have stood by before the active one is stopped for a reboot.
const STANDBY_READY_AFTER: Duration = Duration::from_secs(3);
/// How long an orderly stop of the active one may take, while no instance serves. The store survives a kill.
const ACTIVE_GRACE: Duration = Duration::from_secs(10);

/// The plan of a pair.
pub(super) fn plan(subject: &Subject<'_>, seen: &Observation, now: Timestamp) -> Plan {
    let mut members: Vec<Member<'_>> = subject
        .instances
        .iter()
        .map(|identity| Member {
            identity,
            there: match seen.instances.get(&identity.ordinal) {
                Some(Observed::Present(instance)) => Some(instance),
                _ => None,
            },
            condition: condition(subject.broker, identity.ordinal, seen, now),
            held: hold(subject, identity.ordinal, seen, now),
        })
        .collect();
    if let Some(newer) = members.iter().find(|member| member.is_newer(subject)) {
        let sentence = format!(
            "instance {} has a newer generation than the broker that was read",
            newer.ordinal()
        );
        return waiting(sentence, STEADY_POLL);
    }
    settle(&mut members, now);
    let serving: Vec<usize> = (0..members.len()).filter(|n| members[*n].serves()).collect();
    let mut plan = match *serving.as_slice() {
        [] => without_active(subject, &mut members, now),
        [active] => with_active(subject, &mut members, active, now),
        [first, second, ..] => with_two(subject, &mut members, first, second, now),
    };
    plan.conditions = Some(members.into_iter().map(|member| member.condition).collect());
    plan
}

/// An instance that runs for a while beside the active one, or beside the former active one, is a standby.
fn settle(members: &mut [Member<'_>], now: Timestamp) {
    let holder = members.iter().find(|m| m.serves() || m.was_active()).map(Member::ordinal);
    for member in members {
        let beside = holder.is_some_and(|ordinal| ordinal != member.ordinal());
        let starting = member.condition.health == Health::Starting && !member.serves();
        if beside && starting && member.held.is_none() && member.uptime(now) >= SETTLED {
            member.becomes(Health::Standby, now);
            member.condition.failed_boots = 0;
        }
    }
}

/// One instance serves: the endpoints of both are routed to it, and the other one becomes its standby.
fn with_active(
    subject: &Subject<'_>,
    members: &mut [Member<'_>],
    active: usize,
    now: Timestamp,
) -> Plan {
    let ordinals: Vec<u8> = members.iter().map(Member::ordinal).collect();
    let mut steps = Vec::new();
    let member = &mut members[active];
    member.becomes(Health::Healthy, now);
    member.condition.failed_boots = 0;
    if let Some(instance) = member.there {
        // A stale instance runs with its former tier.
        let tier = limit(subject, member.ordinal(), &instance.status)
            .filter(|_| !member.is_stale(subject));
        // Clients come first: changing limits may take long, or fail.
        steps.extend(route_to(subject.broker, subject.targets, &ordinals, &instance.status));
        steps.extend(tier);
    }
    let other = (0..members.len()).find(|n| *n != active);
    let mut plan = match other.and_then(|n| standby(subject, &mut members[n], now)) {
        Some(plan) => match other.and_then(|n| members[n].held.as_ref()) {
            Some(held) if held.is_out_of_reach => {
                let sentence = format!("instance {} serves; {}", ordinals[active], held.sentence);
                waiting(sentence, held.until.since(now))
            }
            Some(_) | None => plan,
        },
        None => finished(subject, members, active, !steps.is_empty(), now),
    };
    plan.steps.splice(0..0, steps);
    plan
}

/// Both instances exist. The active one is replaced last, when the standby is ready to take over.
fn finished(
    subject: &Subject<'_>,
    members: &[Member<'_>],
    active: usize,
    unsettled: bool,
    now: Timestamp,
) -> Plan {
    let member = &members[active];
    let ordinal = member.ordinal();
    if let Some(instance) = member.there
        && member.is_stale(subject)
    {
        let proven = members
            .iter()
            .filter(|m| m.stands_by())
            .map(|m| now.since(m.condition.since))
            .max()
            .unwrap_or(Duration::ZERO);
        if proven < STANDBY_READY_AFTER || unsettled {
            let sentence = "waiting until the standby is ready to take over".to_owned();
            return waiting(sentence, STANDBY_READY_AFTER.saturating_sub(proven));
        }
        let ordinals: Vec<u8> = members.iter().map(Member::ordinal).collect();
        let mut steps = Vec::from_iter(drain(subject.targets, &ordinals));
        let grace = member.identity.stop_grace.min(ACTIVE_GRACE);
        steps.push(Step::Stop(ordinal, instance.status.id.clone(), grace));
        let sentence = format!("stopping instance {ordinal}, so that its standby takes over");
        return acting(sentence, steps);
    }
    let sentence = format!("instance {ordinal} serves, the other one stands by");
    let mut plan = Plan::new(VerdictKind::Converged, sentence, Next::After(STEADY_POLL));
    let (generation, reboots) = (subject.broker.generation, subject.broker.reboots_requested);
    plan.completes = Some(Completion { generation, reboots });
    plan
}

/// Both answer, although the lock permits one: the later one has taken the lock, so the former one is killed.
fn with_two(
    subject: &Subject<'_>,
    members: &mut [Member<'_>],
    first: usize,
    second: usize,
    now: Timestamp,
) -> Plan {
    let (former, active) =
        if members[second].was_active() { (second, first) } else { (first, second) };
    let ordinals: Vec<u8> = members.iter().map(Member::ordinal).collect();
    let mut steps = Vec::new();
    if let Some(instance) = members[active].there {
        steps.extend(route_to(subject.broker, subject.targets, &ordinals, &instance.status));
    }
    let ordinal = members[former].ordinal();
    if let Some(instance) = members[former].there {
        steps.push(Step::Stop(ordinal, instance.status.id.clone(), Duration::ZERO));
    }
    members[active].becomes(Health::Healthy, now);
    members[former].becomes(Health::Suspect, now);
    acting(
        format!("both instances answer; killing instance {ordinal}, the former active one"),
        steps,
    )
}

/// A failover of a pair between two passes: the former active instance and the new one.
pub(crate) fn taken_over(broker: &Broker, after: &[InstanceCondition]) -> Option<(u8, u8)> {
    if broker.spec.deployment_mode != DeploymentMode::ActiveStandbyMultiAz {
        return None;
    }
    let before = &broker.status.conditions;
    let active = |c: &&InstanceCondition| matches!(c.health, Health::Healthy | Health::Suspect);
    let former = before.iter().find(active)?.ordinal;
    let standby = after.iter().find(|c| c.health == Health::Healthy)?.ordinal;
    let is_new = !before.iter().filter(active).any(|c| c.ordinal == standby);
    is_new.then_some((former, standby))
}
