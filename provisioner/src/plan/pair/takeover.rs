//! A pair without an instance that serves.

use std::time::Duration;

use brokerd_domain::{Health, Next, Timestamp, VerdictKind, instance::ContainerState};

use super::super::{
    boot,
    instance::boot_failures,
    replacement,
    sentence::Sentence,
    traffic::drain,
    types::{Plan, Step, Subject},
};
use super::member::{
    Member, URGENT_POLL, acting, given_up, standby, start_again, start_anew, waiting,
};

/// How long the active one may give no answer at all while a standby waits for its lock: until the second probe.
const SILENCE_LIMIT: Duration = Duration::from_millis(500);
/// How long it may fail to answer in some of its protocols, or while no standby could take over.
const SUSPECT_LIMIT: Duration = Duration::from_secs(20);
/// How long a takeover may take before the former active one is started beside it.
const TAKEOVER_LIMIT: Duration = Duration::from_secs(20);
/// How long it may take from then on. It may be recovering a large store, and a kill would begin that anew.
const RECOVERY_LIMIT: Duration = Duration::from_secs(180);

/// No instance serves: a hanging active one is killed, the standby gets time to take over, and missing instances are
/// started.
pub(super) fn without_active(
    subject: &Subject<'_>,
    members: &mut [Member<'_>],
    now: Timestamp,
) -> Plan {
    if let Some(former) = members.iter().position(|m| m.was_active() && (m.runs() || m.is_paused()))
    {
        return suspect(subject, members, former, now);
    }
    let ordinals: Vec<u8> = members.iter().map(Member::ordinal).collect();
    let nowhere = drain(subject.targets, &ordinals);
    let lost = members.iter().position(Member::was_active);
    let standby = members.iter().position(Member::stands_by);
    let takeover = match (lost, standby) {
        (Some(lost), Some(standby)) => takeover(members, lost, standby, now),
        _ => None,
    };
    let mut plan = takeover.unwrap_or_else(|| start_all(subject, members, now));
    plan.steps.splice(0..0, nowhere);
    plan
}

/// The active one has exited, and its standby gets time and processors to open the store. `None` after
/// [`TAKEOVER_LIMIT`], because the standby may hang.
fn takeover(
    members: &mut [Member<'_>],
    lost: usize,
    standby: usize,
    now: Timestamp,
) -> Option<Plan> {
    members[lost].becomes(Health::Suspect, now);
    if now.since(members[lost].condition.since) >= TAKEOVER_LIMIT {
        members[standby].becomes(Health::Suspect, now);
        return None;
    }
    let (lost, standby) = (members[lost].ordinal(), members[standby].ordinal());
    let sentence = format!("instance {lost} has ended; instance {standby} takes over");
    Some(waiting(sentence, URGENT_POLL))
}

fn start_all(subject: &Subject<'_>, members: &mut [Member<'_>], now: Timestamp) -> Plan {
    let mut steps = Vec::new();
    let mut sentences = Vec::new();
    let mut next = Next::After(URGENT_POLL);
    let somebody_is_free = members.iter().any(|member| member.held.is_none());
    for member in &mut *members {
        let ordinal = member.ordinal();
        if let Some(held) = &member.held {
            sentences.push(held.sentence.clone().into());
            // It may have taken the store although clients can't reach it.
            if let Some(instance) = member.there
                && somebody_is_free
                && !held.is_out_of_reach
                && (member.runs() || member.is_paused())
            {
                steps.push(Step::Stop(ordinal, instance.status.id.clone(), Duration::ZERO));
                next = Next::Now;
            }
            continue;
        }
        let stale = member.is_stale(subject);
        match member.state() {
            None | Some(ContainerState::Created) if !stale => {
                let made = match member.there {
                    Some(instance) => replacement::complete(subject, ordinal, &instance.status),
                    None => subject.apply(ordinal).map(|apply| vec![apply]),
                };
                let Some(made) = made else {
                    sentences.push(replacement::not_made(subject, ordinal));
                    continue;
                };
                sentences.push(format!("creating instance {ordinal}").into());
                steps.extend(made);
                member.starts(now, member.condition.failed_boots);
                next = Next::Now;
            }
            None | Some(ContainerState::Created | ContainerState::Exited { .. }) if stale => {
                let Some(replaced) = replacement::replace(subject, ordinal) else {
                    sentences.push(replacement::not_made(subject, ordinal));
                    continue;
                };
                sentences.push(format!("replacing instance {ordinal}").into());
                steps.extend(replaced);
                member.is_replaced(now);
                next = Next::Now;
            }
            None | Some(ContainerState::Created) => {}
            Some(ContainerState::Exited { .. }) => {
                let again = start_again(subject, member, now);
                if again.failure.is_some() || again.steps.iter().any(refuses) {
                    return again;
                }
                sentences.push(again.sentence());
                steps.extend(again.steps);
                if again.next == Next::Now {
                    next = Next::Now;
                }
            }
            Some(ContainerState::Paused) => {
                if !steps.iter().any(Step::is_disruptive) {
                    let anew = start_anew(member, "is paused", now);
                    sentences.push(anew.sentence());
                    steps.extend(anew.steps);
                }
                next = Next::Now;
            }
            Some(ContainerState::Running { .. }) => {}
        }
    }
    if let Some(plan) = overdue(subject, members, now) {
        return plan;
    }
    let sentence =
        Sentence::joined(sentences).unwrap_or_else(|| "waiting for an instance to serve".into());
    let mut plan = Plan::new(VerdictKind::Progressing, sentence, next);
    plan.steps = steps;
    plan
}

fn refuses(step: &Step) -> bool {
    matches!(step, Step::GiveUpPending(..))
}

/// The active one does not answer. It is killed, because it may hold the lock as long as it runs: soon if a standby
/// waits for the lock.
fn suspect(
    subject: &Subject<'_>,
    members: &mut [Member<'_>],
    former: usize,
    now: Timestamp,
) -> Plan {
    let ordinals: Vec<u8> = members.iter().map(Member::ordinal).collect();
    let has_standby = members.iter().any(Member::stands_by);
    let takes_over = takes_over(subject, members, former);
    let member = &mut members[former];
    let ordinal = member.ordinal();
    member.becomes(Health::Suspect, now);
    if let Some(held) = &member.held
        && (!has_standby || held.is_out_of_reach)
    {
        // Killing it does not help before the other one stands by. If it can't be killed, its lock ends with its host.
        let waiting = waiting(held.sentence.clone(), held.until.since(now));
        let mut plan = repair_other(subject, members, ordinal, now).unwrap_or(waiting);
        plan.steps.splice(0..0, drain(subject.targets, &ordinals));
        return plan;
    }
    let given = if member.is_paused() {
        // A paused instance is not merely slow.
        Duration::ZERO
    } else if takes_over {
        RECOVERY_LIMIT
    } else if has_standby && member.answers().all(|answered| !answered) {
        SILENCE_LIMIT
    } else {
        SUSPECT_LIMIT
    };
    if let Some(instance) = member.there
        && now.since(member.condition.since) >= given
    {
        let mut steps = Vec::from_iter(drain(subject.targets, &ordinals));
        steps.push(Step::Stop(ordinal, instance.status.id.clone(), Duration::ZERO));
        member.condition.since = now;
        let what =
            if has_standby { ", so that its standby takes over" } else { " to start it again" };
        return acting(format!("instance {ordinal} hangs; killing it{what}"), steps);
    }
    repair_other(subject, members, ordinal, now)
        .unwrap_or_else(|| waiting(format!("instance {ordinal} does not answer"), URGENT_POLL))
}

/// Whether a suspect is a standby whose takeover takes long: clients were led nowhere, and the other one was started
/// after it became suspect.
fn takes_over(subject: &Subject<'_>, members: &[Member<'_>], suspect: usize) -> bool {
    let leads_nowhere = subject.targets.iter().all(|target| target.addresses.is_empty());
    let suspect = &members[suspect];
    let is_later = |other: &Member<'_>| {
        matches!(other.condition.health, Health::Starting | Health::Standby)
            && other.condition.since >= suspect.condition.since
    };
    let mut others = members.iter().filter(|other| other.ordinal() != suspect.ordinal());
    suspect.condition.health == Health::Suspect
        && suspect.held.is_none()
        && leads_nowhere
        && others.any(is_later)
}

/// The plan for the other instance, if it does not run.
fn repair_other(
    subject: &Subject<'_>,
    members: &mut [Member<'_>],
    ordinal: u8,
    now: Timestamp,
) -> Option<Plan> {
    let other = members.iter_mut().find(|m| m.ordinal() != ordinal && !m.runs())?;
    standby(subject, other, now)
}

/// Both run, and none served in time. The one that runs longest is restarted. If the other one holds the lock, it is
/// restarted next.
fn overdue(subject: &Subject<'_>, members: &mut [Member<'_>], now: Timestamp) -> Option<Plan> {
    let since = |m: &Member<'_>| match m.state() {
        Some(ContainerState::Running { since }) => Some(*since),
        _ => None,
    };
    let failed_boots = members.iter().map(|m| m.condition.failed_boots).max().unwrap_or(0);
    let deadline = boot::deadline(subject, failed_boots);
    let late =
        |m: &Member<'_>| m.held.is_none() && since(m).is_some_and(|s| now.since(s) >= deadline);
    if !members.iter().all(late) {
        return None;
    }
    let failed_boots = failed_boots + 1;
    if let Some(need) = boot_failures(subject.broker, failed_boots, || {
        "no instance was ready within its boot deadline".to_owned()
    }) {
        return Some(given_up(need));
    }
    for member in &mut *members {
        member.condition.failed_boots = failed_boots;
    }
    let member = members.iter_mut().min_by_key(|m| since(m))?;
    Some(start_anew(member, "did not come to serve in time", now))
}
