//! An ActiveMQ pair: two instances on one store, whose lock decides which of them serves.
//!
//! The lock makes two active instances impossible; what is decided here is only how soon the other one gets
//! it. An engine that has ended lets go by itself. One that hangs does not, and is killed. What has lost
//! the store is started again once the other one serves, and becomes the standby. Nothing is done about
//! what can't be seen.

mod takeover;

use std::time::Duration;

use brokerd_domain::{
    Broker, DeploymentMode, Health, InstanceCondition, Next, Timestamp, VerdictKind,
};

use super::{
    attention,
    boot::{restart_delay, starting},
    change,
    fault::{self, Hold},
    instance::{Need, boot_failures, condition, exit_sentence, limit},
    sentence::Sentence,
    traffic::{drain, lead_to},
    types::{Completion, InstanceIdentity, Plan, Step, Subject, fail, refuse},
    world::{Observed, ProbeOutcome, Seen, SeenInstance},
};
use crate::runtime::{ContainerState, Limits};
use takeover::without_active;

/// How often a pair is looked at; the runtime's events come in between. From a hang to the end of the second
/// look are at most this and twice the time to answer, and the urgent poll: less than two seconds.
const STEADY_POLL: Duration = Duration::from_millis(400);
/// How often a pair of which nobody serves is looked at, and an active one that did not answer.
const URGENT_POLL: Duration = Duration::from_millis(50);
/// How long an instance has to run before it counts as a standby: one that can't start ends sooner.
const SETTLED: Duration = Duration::from_secs(3);
/// How much longer it has to stand by before the active one is stopped for a reboot.
const PROVEN: Duration = Duration::from_secs(3);
/// How long an orderly stop may take, of a standby, which has nothing to put in order, and of the active
/// one, while nobody serves. The store survives a kill.
const STANDBY_GRACE: Duration = Duration::from_secs(5);
const ACTIVE_GRACE: Duration = Duration::from_secs(10);

/// One instance: what it should be, what it is, what is remembered of it.
struct Member<'a> {
    identity: &'a InstanceIdentity,
    there: Option<&'a SeenInstance>,
    condition: InstanceCondition,
    /// Why it is not to be started or replaced now.
    held: Option<Hold>,
}

impl Member<'_> {
    fn ordinal(&self) -> u8 {
        self.identity.ordinal
    }

    fn state(&self) -> Option<&ContainerState> {
        self.there.map(|instance| &instance.status.state)
    }

    fn runs(&self) -> bool {
        matches!(self.state(), Some(ContainerState::Running { .. }))
    }

    fn is_paused(&self) -> bool {
        matches!(self.state(), Some(ContainerState::Paused))
    }

    fn answers(&self) -> impl Iterator<Item = bool> {
        let outcomes = self.there.into_iter().flat_map(|i| i.answers.values());
        outcomes.map(|outcome| *outcome == ProbeOutcome::Answered)
    }

    /// Whether every protocol answered: it holds the store.
    fn serves(&self) -> bool {
        self.answers().next().is_some() && self.answers().all(|answered| answered)
    }

    fn is_stale(&self, subject: &Subject<'_>) -> bool {
        self.there.is_some_and(|i| change::needs_replacement(subject, self.ordinal(), &i.status))
    }

    fn is_newer(&self, subject: &Subject<'_>) -> bool {
        self.there.is_some_and(|i| change::is_newer(subject, &i.status))
    }

    /// Whether it was the last one to serve, as far as is known.
    fn was_active(&self) -> bool {
        matches!(self.condition.health, Health::Healthy | Health::Suspect)
    }

    fn stands_by(&self) -> bool {
        self.runs() && self.condition.health == Health::Standby && self.held.is_none()
    }

    /// How long it has been running undisturbed.
    fn uptime(&self, now: Timestamp) -> Duration {
        match self.state() {
            Some(ContainerState::Running { since }) => {
                now.since((*since).max(self.condition.since))
            }
            _ => Duration::ZERO,
        }
    }

    /// It is made or started now.
    fn starts(&mut self, now: Timestamp, failed_boots: u32) {
        self.condition = starting(&self.condition, now, failed_boots);
    }

    /// Another container takes its place, for what is asked now.
    fn is_replaced(&mut self, now: Timestamp) {
        self.starts(now, 0);
        self.condition.out_of_memory = None;
    }

    fn becomes(&mut self, health: Health, now: Timestamp) {
        let since = if self.condition.health == health { self.condition.since } else { now };
        self.condition = InstanceCondition { health, since, ..self.condition.clone() };
    }
}

fn acting(sentence: impl Into<Sentence>, steps: Vec<Step>) -> Plan {
    let mut plan = Plan::new(VerdictKind::Progressing, sentence, Next::Now);
    plan.steps = steps;
    plan
}

fn waiting(sentence: impl Into<Sentence>, wait: Duration) -> Plan {
    Plan::new(VerdictKind::Progressing, sentence, Next::After(wait.min(STEADY_POLL)))
}

/// What a pair needs.
pub(super) fn plan(subject: &Subject<'_>, seen: &Seen, now: Timestamp) -> Plan {
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
            held: fault::hold(subject, identity.ordinal, seen, now),
        })
        .collect();
    if let Some(newer) = members.iter().find(|member| member.is_newer(subject)) {
        let sentence = format!("instance {} is newer than what was read", newer.ordinal());
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

/// Who has been running beside one that serves, or did, waits for the store.
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

/// One serves: the endpoints of both lead to it, and the other one is made its standby.
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
        // The tier of the next reboot is not the one that it runs with.
        let tier = limit(subject, member.ordinal(), &instance.status)
            .filter(|_| !member.is_stale(subject));
        steps.extend(tier);
        steps.extend(lead_to(subject.broker, subject.targets, &ordinals, &instance.status));
    }
    let other = (0..members.len()).find(|n| *n != active);
    let mut plan = match other.and_then(|n| standby(subject, &mut members[n], now)) {
        Some(plan) => plan,
        None => finished(subject, members, active, !steps.is_empty(), now),
    };
    plan.steps.splice(0..0, steps);
    plan
}

/// What the one that does not serve needs to be a standby; none: nothing.
fn standby(subject: &Subject<'_>, member: &mut Member<'_>, now: Timestamp) -> Option<Plan> {
    let ordinal = member.ordinal();
    if let Some(held) = &member.held {
        let plan = waiting(held.sentence.clone(), held.until.since(now));
        // What is down has not failed to boot: it may not.
        let health = if member.runs() { Health::Starting } else { Health::Standby };
        member.becomes(health, now);
        return Some(plan);
    }
    let Some(instance) = member.there else {
        let Some(apply) = subject.apply(ordinal) else { return Some(unmade(subject, ordinal)) };
        let plan = acting(format!("creating instance {ordinal} as standby"), vec![apply]);
        member.starts(now, 0);
        return Some(plan);
    };
    let status = &instance.status;
    if member.is_stale(subject) {
        if member.runs() || member.is_paused() {
            let grace = member.identity.stop_grace.min(STANDBY_GRACE);
            let stop = Step::Stop(ordinal, status.id.clone(), grace);
            return Some(acting(format!("stopping standby {ordinal} to replace it"), vec![stop]));
        }
        let Some(steps) = change::replace(subject, ordinal) else {
            return Some(unmade(subject, ordinal));
        };
        member.is_replaced(now);
        return Some(acting(format!("replacing standby {ordinal}"), steps));
    }
    match &status.state {
        ContainerState::Created => {
            let Some(steps) = change::complete(subject, ordinal, status) else {
                return Some(unmade(subject, ordinal));
            };
            let plan = acting(format!("completing instance {ordinal}"), steps);
            member.starts(now, member.condition.failed_boots);
            Some(plan)
        }
        ContainerState::Exited { .. } => Some(start_again(subject, member, now)),
        // Frozen, it would wake up in the middle of something else's work.
        ContainerState::Paused => Some(start_anew(member, "is frozen", now)),
        ContainerState::Running { .. } => {
            if member.was_active() {
                return Some(start_anew(member, "lost the store", now));
            }
            if member.condition.health != Health::Standby {
                let left = SETTLED.saturating_sub(member.uptime(now));
                return Some(waiting(format!("waiting for standby {ordinal} to settle"), left));
            }
            if member.identity.ports.iter().any(|port| !status.addresses.contains_key(port)) {
                return Some(start_anew(member, "can't be reached", now));
            }
            // It may use what the host has until it serves: that is when it is needed most.
            let mut limits = status.limits;
            let share = subject.limits.map_or(0, |limits| limits.nano_cpus);
            limits.nano_cpus = subject.boot_nano_cpus.max(share);
            limits.cpu_shares = Limits::SERVING_SHARES;
            (limits != status.limits).then(|| {
                let step = Step::SetLimits(ordinal, status.id.clone(), limits);
                acting(format!("preparing standby {ordinal} to take over"), vec![step])
            })
        }
    }
}

/// It is not there, and can't be made.
fn unmade(subject: &Subject<'_>, ordinal: u8) -> Plan {
    waiting(change::not_made(subject, ordinal), STEADY_POLL)
}

/// Kills and starts one that nobody depends on.
fn start_anew(member: &mut Member<'_>, why: &str, now: Timestamp) -> Plan {
    let ordinal = member.ordinal();
    let steps = member.there.map(|i| Step::Restart(ordinal, i.status.id.clone()));
    member.starts(now, member.condition.failed_boots);
    acting(format!("instance {ordinal} {why}; restarting it"), Vec::from_iter(steps))
}

/// Both are there. The active one is replaced last, when the other one is sure to take over.
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
        if proven < PROVEN || unsettled {
            let sentence = "waiting until the standby is sure to take over".to_owned();
            return waiting(sentence, PROVEN.saturating_sub(proven));
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

/// Both answer, which the lock forbids: who came later has taken it from who was there.
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
        steps.extend(lead_to(subject.broker, subject.targets, &ordinals, &instance.status));
    }
    let ordinal = members[former].ordinal();
    if let Some(instance) = members[former].there {
        steps.push(Step::Stop(ordinal, instance.status.id.clone(), Duration::ZERO));
    }
    members[active].becomes(Health::Healthy, now);
    members[former].becomes(Health::Suspect, now);
    acting(
        format!("both instances answer; killing instance {ordinal}, which was there before"),
        steps,
    )
}

/// Starts an instance that has ended, later each time if it never came up.
fn start_again(subject: &Subject<'_>, member: &mut Member<'_>, now: Timestamp) -> Plan {
    let ordinal = member.ordinal();
    let (Some(instance), Some(ContainerState::Exited { code, out_of_memory, last_log_lines })) =
        (member.there, member.state())
    else {
        return waiting("looking again".to_owned(), URGENT_POLL);
    };
    let booted = member.condition.health != Health::Starting;
    let words =
        exit_sentence(ordinal, *code, *out_of_memory, if booted { "" } else { last_log_lines });
    let failed_boots = if booted { 0 } else { member.condition.failed_boots + 1 };
    if let Some(need) =
        boot_failures(subject.broker, failed_boots, || format!("the engine does not boot: {words}"))
    {
        return given_up(need);
    }
    let (wait, rested) = (restart_delay(failed_boots), now.since(member.condition.since));
    let sentence = words.then("starting it again");
    if rested < wait {
        return waiting(sentence, wait - rested);
    }
    let starved =
        *out_of_memory || attention::is_out_of_memory(subject.broker.spec.engine_type, *code);
    let plan = acting(sentence, vec![Step::Start(ordinal, instance.status.id.clone())]);
    let before = member.condition.out_of_memory;
    member.starts(now, failed_boots);
    if starved {
        member.condition.out_of_memory = Some(attention::once_more(before, now));
    }
    plan
}

fn given_up(need: Need) -> Plan {
    match need {
        Need::Refuse(why) => refuse(&why),
        Need::GiveUp(why) => fail(why),
        Need::Nothing | Need::Wait { .. } | Need::Steps { .. } => {
            waiting("looking again".to_owned(), URGENT_POLL)
        }
    }
}

/// Who of a pair has taken over from whom between two passes, if anybody has.
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
