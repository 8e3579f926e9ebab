//! An ActiveMQ pair: two instances on one store, whose lock decides which of them serves.
//!
//! The lock makes two active instances impossible; what is decided here is only how soon the other one gets
//! it. An engine that has ended lets go by itself. One that hangs does not, and is killed; it is started
//! again at once, and becomes the standby, because the other one asks for the lock sooner than it can boot.
//! Nothing is done about what can't be seen.

use std::time::Duration;

use brokerd_domain::{Health, InstanceCondition, Next, Timestamp, VerdictKind};
use brokerd_store::Refused;

use super::{
    Completion, Observed, Plan, Seen, SeenInstance, Step, Subject, attention, fail,
    instance::{
        boosted, boots_in_vain, condition, exit_sentence, needs_replacement, restart_delay,
        starting,
    },
    lead_nowhere, lead_to, limit, refuse,
};
use crate::{
    health::ProbeOutcome,
    runtime::{ContainerState, InstanceSpec, Volumes},
};

/// How often a pair that serves is looked at: half of what it may take to find a hanging engine.
const STEADY_POLL: Duration = Duration::from_secs(1);
/// How often a pair of which nobody serves is looked at.
const TAKEOVER_POLL: Duration = Duration::from_millis(50);
/// How soon an engine that did not answer is asked again.
const SUSPECT_POLL: Duration = Duration::from_millis(200);
/// How long the active one may be silent before it is killed.
const SUSPECT_LIMIT: Duration = Duration::from_secs(1);
/// How long an instance has to run before it counts as a standby: one that can't start ends sooner.
const SETTLED: Duration = Duration::from_secs(3);
/// How long a takeover may take before the former active one is started beside it.
const TAKEOVER_LIMIT: Duration = Duration::from_secs(20);

/// One instance: what it should be, what it is, what is remembered of it.
struct Member<'a> {
    spec: &'a InstanceSpec,
    there: Option<&'a SeenInstance>,
    condition: InstanceCondition,
}

impl Member<'_> {
    fn ordinal(&self) -> u8 {
        self.spec.name.ordinal
    }

    fn runs(&self) -> bool {
        self.there.is_some_and(|i| matches!(i.status.state, ContainerState::Running { .. }))
    }

    fn is_paused(&self) -> bool {
        self.there.is_some_and(|i| matches!(i.status.state, ContainerState::Paused))
    }

    /// Whether every protocol answered: it holds the store.
    fn serves(&self) -> bool {
        self.there.is_some_and(|i| {
            !i.answers.is_empty() && i.answers.values().all(|a| *a == ProbeOutcome::Answered)
        })
    }

    fn is_stale(&self, subject: &Subject<'_>) -> bool {
        self.there.is_some_and(|i| needs_replacement(subject.broker, self.spec, &i.status))
    }

    fn is_newer(&self) -> bool {
        self.there.is_some_and(|i| {
            i.status.generation > self.spec.generation || i.status.reboot > self.spec.reboot
        })
    }

    fn was_active(&self) -> bool {
        matches!(self.condition.health, Health::Healthy | Health::Suspect)
    }
}

/// What a pair needs.
pub(super) fn plan(
    subject: &Subject<'_>,
    specs: &[InstanceSpec],
    seen: &Seen,
    now: Timestamp,
) -> Plan {
    let mut members: Vec<Member<'_>> = specs
        .iter()
        .map(|spec| Member {
            spec,
            there: match seen.instances.get(&spec.name.ordinal) {
                Some(Observed::Present(instance)) => Some(instance),
                _ => None,
            },
            condition: condition(subject.broker, spec.name.ordinal, now),
        })
        .collect();
    if let Some(newer) = members.iter().find(|member| member.is_newer()) {
        let sentence = format!("instance {} is newer than what was read", newer.ordinal());
        return Plan::new(VerdictKind::Progressing, sentence, Next::After(STEADY_POLL));
    }
    let mut plan = match members.iter().position(Member::serves) {
        Some(active) => with_active(subject, &mut members, active, now),
        None => without_active(subject, &mut members, now),
    };
    if plan.conditions.is_empty() {
        plan.conditions = members.into_iter().map(|member| member.condition).collect();
    }
    plan
}

/// One serves: the other one is made its standby.
fn with_active(
    subject: &Subject<'_>,
    members: &mut [Member<'_>],
    active: usize,
    now: Timestamp,
) -> Plan {
    let ordinals: Vec<u8> = members.iter().map(Member::ordinal).collect();
    let mut steps = Vec::new();
    {
        let member = &mut members[active];
        let since =
            if member.condition.health == Health::Healthy { member.condition.since } else { now };
        let health = Health::Healthy;
        member.condition =
            InstanceCondition { health, since, failed_boots: 0, ..member.condition.clone() };
        if let Some(instance) = member.there {
            steps.extend(limit(member.spec, &instance.status));
            steps.extend(lead_to(subject.broker, subject.targets, &ordinals, &instance.status));
        }
    }
    let mut plan = match members.iter().position(|m| m.ordinal() != members[active].ordinal()) {
        Some(other) => standby(subject, &mut members[other], now),
        None => None,
    }
    .unwrap_or_else(|| finished(subject, members, active, now));
    plan.steps.splice(0..0, steps);
    plan
}

/// What the one that does not serve needs to be a standby; none: nothing.
fn standby(subject: &Subject<'_>, member: &mut Member<'_>, now: Timestamp) -> Option<Plan> {
    let ordinal = member.ordinal();
    let acting = |sentence: String, steps: Vec<Step>| {
        let mut plan = Plan::new(VerdictKind::Progressing, sentence, Next::Now);
        plan.steps = steps;
        plan
    };
    let apply = || Step::Apply(Box::new(boosted(member.spec, subject.boot_nano_cpus)));
    let Some(instance) = member.there else {
        let plan = acting(format!("creating instance {ordinal} as standby"), vec![apply()]);
        member.condition = starting(&member.condition, now, 0);
        return Some(plan);
    };
    let status = &instance.status;
    let alive = member.runs() || member.is_paused();
    if member.is_stale(subject) {
        if alive {
            let stop = Step::Stop(ordinal, status.id.clone(), member.spec.stop_grace);
            return Some(acting(format!("stopping standby {ordinal} to replace it"), vec![stop]));
        }
        let steps = vec![Step::Remove(ordinal, Volumes::Keep), apply()];
        member.condition = starting(&member.condition, now, 0);
        return Some(acting(format!("replacing standby {ordinal}"), steps));
    }
    match &status.state {
        ContainerState::Created => {
            let plan = acting(format!("completing instance {ordinal}"), vec![apply()]);
            member.condition = starting(&member.condition, now, member.condition.failed_boots);
            Some(plan)
        }
        ContainerState::Exited { .. } => Some(start_again(subject, member, now, false)),
        // Frozen, it would wake up in the middle of something else's work.
        ContainerState::Paused => {
            let restart = Step::Restart(ordinal, status.id.clone());
            let plan = acting(format!("standby {ordinal} is frozen; restarting it"), vec![restart]);
            member.condition = starting(&member.condition, now, 0);
            Some(plan)
        }
        ContainerState::Running { since } => {
            let since = (*since).max(member.condition.since);
            if member.condition.health == Health::Standby {
                return limit(member.spec, status)
                    .map(|step| acting(format!("limiting standby {ordinal}"), vec![step]));
            }
            let rested = now.since(since);
            if rested < SETTLED {
                let sentence = format!("waiting for standby {ordinal} to settle");
                let next = Next::After(SETTLED - rested);
                return Some(Plan::new(VerdictKind::Progressing, sentence, next));
            }
            let health = Health::Standby;
            member.condition = InstanceCondition {
                health,
                since: now,
                failed_boots: 0,
                ..member.condition.clone()
            };
            limit(member.spec, status)
                .map(|step| acting(format!("limiting standby {ordinal}"), vec![step]))
        }
    }
}

/// Both are there. The active one is replaced last, when the other one can take over.
fn finished(subject: &Subject<'_>, members: &[Member<'_>], active: usize, _now: Timestamp) -> Plan {
    let member = &members[active];
    if let Some(instance) = member.there
        && member.is_stale(subject)
    {
        let ordinal = member.ordinal();
        let sentence = format!("stopping instance {ordinal}, so that its standby takes over");
        let mut plan = Plan::new(VerdictKind::Progressing, sentence, Next::Now);
        plan.steps.push(Step::Stop(ordinal, instance.status.id.clone(), member.spec.stop_grace));
        return plan;
    }
    let sentence = format!("instance {} serves, the other one stands by", member.ordinal());
    let mut plan = Plan::new(VerdictKind::Converged, sentence, Next::After(STEADY_POLL));
    let reboots = members.iter().map(|m| m.spec.reboot).min().unwrap_or(0);
    plan.completes = Some(Completion { generation: subject.broker.generation, reboots });
    plan
}

/// Nobody serves: the former active one is fenced if it is there, and whoever is not there is started.
fn without_active(subject: &Subject<'_>, members: &mut [Member<'_>], now: Timestamp) -> Plan {
    let ordinals: Vec<u8> = members.iter().map(Member::ordinal).collect();
    let nowhere = lead_nowhere(subject.targets, &ordinals);
    if let Some(former) = members.iter().position(|m| m.was_active() && (m.runs() || m.is_paused()))
    {
        return fence(&mut members[former], nowhere, now);
    }
    let other_waits = members.iter().any(|m| m.runs() && m.condition.health == Health::Standby);
    let mut steps = Vec::from_iter(nowhere);
    let mut sentences = Vec::new();
    let mut next = Next::After(TAKEOVER_POLL);
    for member in &mut *members {
        let ordinal = member.ordinal();
        let apply = || Step::Apply(Box::new(boosted(member.spec, subject.boot_nano_cpus)));
        let takeover = other_waits && now.since(member.condition.since) < TAKEOVER_LIMIT;
        match member.there.map(|i| &i.status.state) {
            None | Some(ContainerState::Created) => {
                sentences.push(format!("creating instance {ordinal}"));
                steps.push(apply());
                member.condition = starting(&member.condition, now, member.condition.failed_boots);
                next = Next::Now;
            }
            // The other one is about to take over, and needs the processors for it.
            Some(ContainerState::Exited { .. }) if member.was_active() && takeover => {
                let since = now;
                member.condition =
                    InstanceCondition { since, ..starting(&member.condition, now, 0) };
                sentences.push(format!("instance {ordinal} has ended; its standby takes over"));
            }
            Some(ContainerState::Exited { .. }) if takeover && !member.is_stale(subject) => {
                sentences.push(format!("the standby of instance {ordinal} takes over"));
            }
            Some(ContainerState::Exited { .. }) if member.is_stale(subject) => {
                sentences.push(format!("replacing instance {ordinal}"));
                steps.extend([Step::Remove(ordinal, Volumes::Keep), apply()]);
                member.condition = starting(&member.condition, now, 0);
                next = Next::Now;
            }
            Some(ContainerState::Exited { .. }) => {
                let again = start_again(subject, member, now, true);
                if again.failure.is_some() || again.steps.iter().any(refuses) {
                    return again;
                }
                sentences.push(again.sentence);
                steps.extend(again.steps);
                if again.next == Next::Now {
                    next = Next::Now;
                }
            }
            Some(ContainerState::Running { .. } | ContainerState::Paused) => {}
        }
    }
    if let Some(plan) = overdue(subject, members, now) {
        return plan;
    }
    if sentences.is_empty() {
        sentences.push("waiting for an instance to serve".to_owned());
    }
    let mut plan = Plan::new(VerdictKind::Progressing, sentences.join("; "), next);
    plan.steps = steps;
    plan
}

fn refuses(step: &Step) -> bool {
    matches!(step, Step::RefusePending(..))
}

/// The active one does not answer. While it runs it may hold the store's lock for ever.
fn fence(member: &mut Member<'_>, nowhere: Option<Step>, now: Timestamp) -> Plan {
    let ordinal = member.ordinal();
    let silent_since = match member.condition.health {
        Health::Suspect => member.condition.since,
        Health::Starting | Health::Healthy | Health::Standby => now,
    };
    // Frozen by somebody, it can't be merely slow.
    let given = if member.is_paused() { Duration::ZERO } else { SUSPECT_LIMIT };
    let suspect = InstanceCondition {
        health: Health::Suspect,
        since: silent_since,
        ..member.condition.clone()
    };
    let Some(instance) = member.there.filter(|_| now.since(silent_since) >= given) else {
        member.condition = suspect;
        let sentence = format!("instance {ordinal} does not answer");
        return Plan::new(VerdictKind::Progressing, sentence, Next::After(SUSPECT_POLL));
    };
    let sentence = format!("instance {ordinal} hangs; killing it, so that its standby takes over");
    let mut plan = Plan::new(VerdictKind::Progressing, sentence, Next::Now);
    plan.steps.extend(nowhere);
    plan.steps.push(Step::Restart(ordinal, instance.status.id.clone()));
    member.condition = starting(&member.condition, now, 0);
    plan
}

/// Starts an instance that has ended, later each time if it never came up; `alone`: nobody else serves.
fn start_again(
    subject: &Subject<'_>,
    member: &mut Member<'_>,
    now: Timestamp,
    alone: bool,
) -> Plan {
    let ordinal = member.ordinal();
    let Some(instance) = member.there else {
        return Plan::new(VerdictKind::Progressing, "looking again", Next::Now);
    };
    let ContainerState::Exited { code, out_of_memory, last_words } = &instance.status.state else {
        return Plan::new(VerdictKind::Progressing, "looking again", Next::Now);
    };
    let booted = member.condition.health != Health::Starting;
    let words = exit_sentence(ordinal, *code, *out_of_memory, if booted { "" } else { last_words });
    let failed_boots = if booted { 0 } else { member.condition.failed_boots + 1 };
    if alone
        && let Some(need) = boots_in_vain(subject.broker, failed_boots, || {
            format!("the engine does not boot: {words}")
        })
    {
        return given_up(need);
    }
    let (wait, rested) = (restart_delay(failed_boots), now.since(member.condition.since));
    let sentence = format!("{words}; starting it again");
    if rested < wait {
        return Plan::new(VerdictKind::Progressing, sentence, Next::After(wait - rested));
    }
    let mut plan = Plan::new(VerdictKind::Progressing, sentence, Next::Now);
    plan.steps.push(Step::Start(ordinal, instance.status.id.clone()));
    let starved =
        *out_of_memory || attention::is_out_of_memory(subject.broker.spec.engine_type, *code);
    let before = member.condition.out_of_memory;
    member.condition = starting(&member.condition, now, failed_boots);
    if starved {
        member.condition.out_of_memory = Some(attention::once_more(before, now));
    }
    plan
}

/// Instances that run and of which none has come to serve in time are restarted, all of them.
fn overdue(subject: &Subject<'_>, members: &mut [Member<'_>], now: Timestamp) -> Option<Plan> {
    let late = |m: &Member<'_>| {
        m.there.is_some_and(|i| match i.status.state {
            ContainerState::Running { since } => {
                now.since(since.max(m.condition.since)) >= subject.boot_deadline
            }
            ContainerState::Paused => true,
            ContainerState::Created | ContainerState::Exited { .. } => false,
        })
    };
    if !members.iter().all(late) {
        return None;
    }
    let failed_boots = members.iter().map(|m| m.condition.failed_boots).max().unwrap_or(0) + 1;
    if let Some(need) = boots_in_vain(subject.broker, failed_boots, || {
        "no instance was ready within its boot deadline".to_owned()
    }) {
        return Some(given_up(need));
    }
    // One at a time: the other one may only be waiting for what this one holds.
    let member = members.first_mut()?;
    let instance = member.there?;
    let sentence = format!("no instance serves; restarting instance {}", member.ordinal());
    let mut plan = Plan::new(VerdictKind::Progressing, sentence, Next::Now);
    plan.steps.push(Step::Restart(member.ordinal(), instance.status.id.clone()));
    for member in &mut *members {
        member.condition = starting(&member.condition, now, failed_boots);
    }
    Some(plan)
}

fn given_up(need: super::Need) -> Plan {
    match need {
        super::Need::Refuse(why) => refuse(Refused::Configuration, &why),
        super::Need::Give(why) => fail(why),
        super::Need::Nothing(_) | super::Need::Wait { .. } | super::Need::Steps { .. } => {
            Plan::new(VerdictKind::Progressing, "looking again", Next::Now)
        }
    }
}
