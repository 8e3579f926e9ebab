//! One instance of a pair, and its next steps.

use std::time::Duration;

use brokerd_domain::{
    Health, InstanceCondition, Next, Timestamp, VerdictKind,
    instance::{ContainerState, Limits},
};

use super::super::{
    attention,
    boot::{restart_delay, starting},
    hold::Hold,
    instance::{Need, boot_failures, exit_sentence},
    replacement,
    sentence::Sentence,
    types::{InstanceIdentity, Plan, Step, Subject, fail, refuse},
    world::{ObservedInstance, ProbeOutcome},
};

/// How often a pair is observed, besides the runtime's events. A hang is found by the second observation: after this
/// pause, the urgent pause and twice the time to answer, together less than two seconds.
pub(super) const STEADY_POLL: Duration = Duration::from_millis(400);
/// How often a pair is observed while no instance serves, or the active one did not answer.
pub(super) const URGENT_POLL: Duration = Duration::from_millis(50);
/// How long an instance must run before it counts as a standby, because one that can't start exits sooner.
pub(super) const SETTLED: Duration = Duration::from_secs(3);
/// How long an orderly stop of a standby may take. It is short, because a standby has no data to flush.
const STANDBY_GRACE: Duration = Duration::from_secs(5);

/// One instance: its specification, its state, and its stored condition.
pub(super) struct Member<'a> {
    pub(super) identity: &'a InstanceIdentity,
    pub(super) there: Option<&'a ObservedInstance>,
    pub(super) condition: InstanceCondition,
    /// Why it must not be started or replaced now.
    pub(super) held: Option<Hold>,
}

impl Member<'_> {
    pub(super) fn ordinal(&self) -> u8 {
        self.identity.ordinal
    }

    pub(super) fn state(&self) -> Option<&ContainerState> {
        self.there.map(|instance| &instance.status.state)
    }

    pub(super) fn runs(&self) -> bool {
        matches!(self.state(), Some(ContainerState::Running { .. }))
    }

    pub(super) fn is_paused(&self) -> bool {
        matches!(self.state(), Some(ContainerState::Paused))
    }

    pub(super) fn answers(&self) -> impl Iterator<Item = bool> {
        let outcomes = self.there.into_iter().flat_map(|i| i.answers.values());
        outcomes.map(|outcome| *outcome == ProbeOutcome::Answered)
    }

    /// Whether every protocol answered: it holds the store.
    pub(super) fn serves(&self) -> bool {
        self.answers().next().is_some() && self.answers().all(|answered| answered)
    }

    pub(super) fn is_stale(&self, subject: &Subject<'_>) -> bool {
        self.there
            .is_some_and(|i| replacement::needs_replacement(subject, self.ordinal(), &i.status))
    }

    pub(super) fn is_newer(&self, subject: &Subject<'_>) -> bool {
        self.there.is_some_and(|i| replacement::is_newer(subject, &i.status))
    }

    /// Whether it was the last one to serve, as far as is known.
    pub(super) fn was_active(&self) -> bool {
        matches!(self.condition.health, Health::Healthy | Health::Suspect)
    }

    pub(super) fn stands_by(&self) -> bool {
        self.runs() && self.condition.health == Health::Standby && self.held.is_none()
    }

    /// How long it has been running undisturbed.
    pub(super) fn uptime(&self, now: Timestamp) -> Duration {
        match self.state() {
            Some(ContainerState::Running { since }) => {
                now.since((*since).max(self.condition.since))
            }
            _ => Duration::ZERO,
        }
    }

    /// Notes that it is made or started now.
    pub(super) fn starts(&mut self, now: Timestamp, failed_boots: u32) {
        self.condition = starting(&self.condition, now, failed_boots);
    }

    /// Notes that a container of the current specification replaces it.
    pub(super) fn is_replaced(&mut self, now: Timestamp) {
        self.starts(now, 0);
        self.condition.out_of_memory = None;
    }

    pub(super) fn becomes(&mut self, health: Health, now: Timestamp) {
        let since = if self.condition.health == health { self.condition.since } else { now };
        self.condition = InstanceCondition { health, since, ..self.condition.clone() };
    }
}

pub(super) fn acting(sentence: impl Into<Sentence>, steps: Vec<Step>) -> Plan {
    let mut plan = Plan::new(VerdictKind::Progressing, sentence, Next::Now);
    plan.steps = steps;
    plan
}

pub(super) fn waiting(sentence: impl Into<Sentence>, wait: Duration) -> Plan {
    Plan::new(VerdictKind::Progressing, sentence, Next::After(wait.min(STEADY_POLL)))
}

/// The plan that makes the other instance a standby; `None` if it is one.
pub(super) fn standby(
    subject: &Subject<'_>,
    member: &mut Member<'_>,
    now: Timestamp,
) -> Option<Plan> {
    let ordinal = member.ordinal();
    if let Some(held) = &member.held {
        let plan = waiting(held.sentence.clone(), held.until.since(now));
        // An instance that is held down has not failed to boot.
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
        let Some(steps) = replacement::replace(subject, ordinal) else {
            return Some(unmade(subject, ordinal));
        };
        member.is_replaced(now);
        return Some(acting(format!("replacing standby {ordinal}"), steps));
    }
    match &status.state {
        ContainerState::Created => {
            let Some(steps) = replacement::complete(subject, ordinal, status) else {
                return Some(unmade(subject, ordinal));
            };
            let plan = acting(format!("completing instance {ordinal}"), steps);
            member.starts(now, member.condition.failed_boots);
            Some(plan)
        }
        ContainerState::Exited { .. } => Some(start_again(subject, member, now)),
        // A paused instance is restarted, because it could resume while another one uses the store.
        ContainerState::Paused => Some(start_anew(member, "is paused", now)),
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
            // It may use all processors of the host until it serves, so that a takeover is quick.
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

/// The plan for an instance that does not exist and can't be made.
fn unmade(subject: &Subject<'_>, ordinal: u8) -> Plan {
    waiting(replacement::not_made(subject, ordinal), STEADY_POLL)
}

/// Kills and starts an instance that has no clients.
pub(super) fn start_anew(member: &mut Member<'_>, why: &str, now: Timestamp) -> Plan {
    let ordinal = member.ordinal();
    let steps = member.there.map(|i| Step::Restart(ordinal, i.status.id.clone()));
    member.starts(now, member.condition.failed_boots);
    acting(format!("instance {ordinal} {why}; restarting it"), Vec::from_iter(steps))
}

/// Starts an instance that has exited, with growing delays if it never booted.
pub(super) fn start_again(subject: &Subject<'_>, member: &mut Member<'_>, now: Timestamp) -> Plan {
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
        member.condition.out_of_memory = Some(attention::count_out_of_memory(before, now));
    }
    plan
}

pub(super) fn given_up(need: Need) -> Plan {
    match need {
        Need::Refuse(why) => refuse(&why),
        Need::GiveUp(why) => fail(why),
        Need::Nothing | Need::Wait { .. } | Need::Steps { .. } => {
            waiting("looking again".to_owned(), URGENT_POLL)
        }
    }
}
