//! What one instance needs.

use std::{ops::RangeInclusive, time::Duration};

use brokerd_domain::{
    Broker, Health, InstanceCondition, Next, Timestamp,
    instance::{ContainerState, InstanceStatus, Limits},
};

use super::{
    attention,
    boot::{self, BOOTS_TO_FAIL, restart_delay, starting},
    hold::hold,
    poll::STEADY_POLL,
    replacement::{self, needs_replacement},
    sentence::Sentence,
    types::{InstanceIdentity, Step, Subject},
    world::{Observation, Observed, ObservedInstance, ProbeOutcome},
};

/// How often a booting instance is observed. The pause grows with the length of the boot.
const BOOT_POLL: RangeInclusive<Duration> = Duration::from_millis(20)..=Duration::from_millis(100);
/// How often an instance that stopped answering is observed.
const SUSPECT_POLL: Duration = Duration::from_secs(1);
/// How long an instance may be silent before it is restarted.
const SUSPECT_LIMIT: Duration = Duration::from_secs(20);
/// How much of an engine's last output a sentence quotes.
const QUOTED_LINES: usize = 5;
const QUOTED_CHARACTERS: usize = 600;
/// What one instance needs.
pub(super) enum Need {
    /// None: it serves.
    Nothing,
    /// Time.
    Wait { sentence: Sentence, next: Next, keep_traffic: bool },
    /// These steps, whose last may be disruptive.
    Steps { sentence: Sentence, steps: Vec<Step>, keep_traffic: bool },
    /// Retrying does not help.
    GiveUp(String),
    /// What the outstanding reboot should apply can't be, and why.
    Refuse(String),
}

/// The stored condition of an instance, as far as the observation still agrees with it.
pub(super) fn condition(
    broker: &Broker,
    ordinal: u8,
    seen: &Observation,
    now: Timestamp,
) -> InstanceCondition {
    let known = broker.status.conditions.iter().find(|c| c.ordinal == ordinal).cloned();
    let mut condition = known.unwrap_or(InstanceCondition {
        ordinal,
        health: Health::Starting,
        since: now,
        failed_boots: 0,
        out_of_memory: None,
        apart_since: None,
    });
    // The end of a fault that was ended early lies in the future.
    condition.since = condition.since.min(now);
    // It was started and the start could not be recorded, so its stored condition is out of date.
    if let Some(Observed::Present(instance)) = seen.instances.get(&ordinal)
        && let ContainerState::Running { since } = instance.status.state
        && since > condition.since
        && condition.health != Health::Starting
    {
        (condition.health, condition.since) = (Health::Starting, since.min(now));
    }
    condition
}

/// An instance that serves gets its tier's share instead of its share for booting. Its memory is never reduced while it
/// runs, because the engine would not notice and would be killed when it uses its configured memory.
pub(super) fn limit(subject: &Subject<'_>, ordinal: u8, status: &InstanceStatus) -> Option<Step> {
    let now = status.limits;
    let limits = match subject.limits {
        Some(tier) => Limits { memory_bytes: tier.memory_bytes.max(now.memory_bytes), ..tier },
        // This host has less. The instance serves nevertheless.
        None => Limits { cpu_shares: Limits::SERVING_SHARES, ..now },
    };
    (limits != now).then(|| Step::SetLimits(ordinal, status.id.clone(), limits))
}

pub(super) fn judge(
    subject: &Subject<'_>,
    identity: &InstanceIdentity,
    seen: &Observation,
    before: InstanceCondition,
    now: Timestamp,
) -> (Need, InstanceCondition) {
    let ordinal = identity.ordinal;
    if let Some(held) = hold(subject, ordinal, seen, now) {
        let next = Next::After(held.until.since(now).min(STEADY_POLL));
        let need = Need::Wait { sentence: held.sentence.into(), next, keep_traffic: false };
        // Silence counts from the end of the fault on.
        let after = InstanceCondition { health: Health::Suspect, since: held.until, ..before };
        return (need, after);
    }
    let former = before.clone();
    let booting = |failed_boots| starting(&former, now, failed_boots);
    let Some(Observed::Present(instance)) = seen.instances.get(&ordinal) else {
        let Some(step) = subject.apply(ordinal) else {
            return (unmade(subject, ordinal), before);
        };
        let need = Need::Steps {
            sentence: format!("creating instance {ordinal}").into(),
            steps: vec![step],
            keep_traffic: false,
        };
        return (need, booting(0));
    };
    let status = &instance.status;
    if replacement::is_newer(subject, status) {
        let need = Need::Wait {
            sentence: format!(
                "instance {ordinal} has a newer generation than the broker that was read"
            )
            .into(),
            next: Next::After(SUSPECT_POLL),
            keep_traffic: true,
        };
        return (need, before);
    }
    if needs_replacement(subject, ordinal, status) {
        // Whether the new instance has too little memory, too, is not known yet.
        let fresh = InstanceCondition { out_of_memory: None, ..booting(0) };
        return replace(subject, identity, status, before, fresh);
    }
    match &status.state {
        ContainerState::Created => {
            let Some(steps) = replacement::complete(subject, ordinal, status) else {
                return (unmade(subject, ordinal), before);
            };
            let need = Need::Steps {
                sentence: format!("completing instance {ordinal}").into(),
                steps,
                keep_traffic: false,
            };
            (need, booting(before.failed_boots))
        }
        ContainerState::Exited { code, out_of_memory, last_log_lines } => {
            // The last log lines of an engine that served until it was killed explain nothing.
            let last_log_lines =
                if before.health == Health::Starting { last_log_lines.as_str() } else { "" };
            let words = exit_sentence(ordinal, *code, *out_of_memory, last_log_lines);
            let starved = *out_of_memory
                || attention::is_out_of_memory(subject.broker.spec.engine_type, *code);
            judge_exited(subject.broker, status, words, starved, before, now)
        }
        ContainerState::Running { since } => judge_running(subject, instance, *since, before, now),
        // A paused instance is treated as one that does not answer.
        ContainerState::Paused => judge_running(subject, instance, before.since, before, now),
    }
}

/// The need of an instance that does not exist and can't be made.
fn unmade(subject: &Subject<'_>, ordinal: u8) -> Need {
    let sentence = replacement::not_made(subject, ordinal);
    Need::Wait { sentence, next: Next::After(STEADY_POLL), keep_traffic: false }
}

fn replace(
    subject: &Subject<'_>,
    identity: &InstanceIdentity,
    status: &InstanceStatus,
    before: InstanceCondition,
    fresh: InstanceCondition,
) -> (Need, InstanceCondition) {
    let ordinal = identity.ordinal;
    match status.state {
        ContainerState::Running { .. } | ContainerState::Paused => {
            let step = Step::Stop(ordinal, status.id.clone(), identity.stop_grace);
            let need = Need::Steps {
                sentence: format!("stopping instance {ordinal} to replace it").into(),
                steps: vec![step],
                keep_traffic: false,
            };
            (need, before)
        }
        ContainerState::Created | ContainerState::Exited { .. } => {
            let Some(steps) = replacement::replace(subject, ordinal) else {
                return (unmade(subject, ordinal), before);
            };
            let need = Need::Steps {
                sentence: format!("replacing instance {ordinal}").into(),
                steps,
                keep_traffic: false,
            };
            (need, fresh)
        }
    }
}

/// After [`BOOTS_TO_FAIL`] boots: fails a new broker; on a reboot, drops the pending changes. It drops all of them,
/// because it is not known which one is at fault.
pub(super) fn boot_failures(
    broker: &Broker,
    failed_boots: u32,
    why: impl FnOnce() -> String,
) -> Option<Need> {
    if failed_boots < BOOTS_TO_FAIL {
        return None;
    }
    if broker.status.observed_generation.is_none() {
        return Some(Need::GiveUp(why()));
    }
    (broker.applies_pending() && broker.has_pending()).then(|| {
        let revision = broker.configurations.pending;
        let with =
            revision.map(|r| format!(" with revision {} of configuration {}", r.revision, r.id));
        Need::Refuse(format!("{}{}", why(), with.unwrap_or_default()))
    })
}

fn judge_exited(
    broker: &Broker,
    status: &InstanceStatus,
    words: Sentence,
    starved: bool,
    before: InstanceCondition,
    now: Timestamp,
) -> (Need, InstanceCondition) {
    let ordinal = before.ordinal;
    // An instance that has served is started again at once, because something else may have killed it.
    let failed_boots = if before.health == Health::Starting { before.failed_boots + 1 } else { 0 };
    if let Some(need) =
        boot_failures(broker, failed_boots, || format!("the engine does not boot: {words}"))
    {
        return (need, before);
    }
    let wait = restart_delay(failed_boots);
    let rested = now.since(before.since);
    if rested < wait {
        let need = Need::Wait {
            sentence: words.then("starting it again"),
            next: Next::After(wait - rested),
            keep_traffic: false,
        };
        return (need, before);
    }
    let need = Need::Steps {
        sentence: words.then("starting it again"),
        steps: vec![Step::Start(ordinal, status.id.clone())],
        keep_traffic: false,
    };
    let mut after = starting(&before, now, failed_boots);
    if starved {
        after.out_of_memory = Some(attention::count_out_of_memory(before.out_of_memory, now));
    }
    (need, after)
}

pub(super) fn judge_running(
    subject: &Subject<'_>,
    instance: &ObservedInstance,
    since: Timestamp,
    before: InstanceCondition,
    now: Timestamp,
) -> (Need, InstanceCondition) {
    let ordinal = before.ordinal;
    let silent = instance.answers.iter().find(|(_, outcome)| **outcome != ProbeOutcome::Answered);
    if silent.is_none() && !instance.answers.is_empty() {
        let since = if before.health == Health::Healthy { before.since } else { now };
        let after = InstanceCondition { health: Health::Healthy, since, failed_boots: 0, ..before };
        return (Need::Nothing, after);
    }
    let what = silent.map_or_else(
        || "nothing could be asked".to_owned(),
        |(protocol, outcome)| match outcome {
            ProbeOutcome::Silent => format!("{protocol} is silent"),
            ProbeOutcome::Answered | ProbeOutcome::Refused(_) => {
                format!("{protocol} does not answer")
            }
        },
    );
    let silence = Sentence::new(
        format!("instance {ordinal}: {what}"),
        format!("instance {ordinal} does not answer"),
    );
    let restart = |sentence| Need::Steps {
        sentence,
        steps: vec![Step::Restart(ordinal, instance.status.id.clone())],
        keep_traffic: false,
    };
    match before.health {
        Health::Starting | Health::Standby => {
            let booted_at = since.max(before.since);
            let booting = now.since(booted_at);
            if booting < boot::deadline(subject, before.failed_boots) {
                let need = Need::Wait {
                    sentence: format!("waiting for instance {ordinal} to serve").into(),
                    next: Next::After((booting / 20).clamp(*BOOT_POLL.start(), *BOOT_POLL.end())),
                    keep_traffic: false,
                };
                return (need, before);
            }
            let failed_boots = before.failed_boots + 1;
            if let Some(need) = boot_failures(subject.broker, failed_boots, || {
                format!("instance {ordinal} was not ready within its boot deadline: {what}")
            }) {
                return (need, before);
            }
            let need =
                restart(with_detail(&format!("instance {ordinal} did not boot in time"), &what));
            (need, starting(&before, now, failed_boots))
        }
        Health::Healthy => {
            let need = Need::Wait {
                sentence: silence,
                next: Next::After(SUSPECT_POLL),
                keep_traffic: true,
            };
            (need, InstanceCondition { health: Health::Suspect, since: now, ..before })
        }
        Health::Suspect if now.since(before.since) < SUSPECT_LIMIT => {
            let need = Need::Wait {
                sentence: silence,
                next: Next::After(SUSPECT_POLL),
                keep_traffic: true,
            };
            (need, before)
        }
        Health::Suspect => {
            let need = restart(with_detail(&format!("instance {ordinal} hangs"), &what));
            (need, starting(&before, now, 0))
        }
    }
}

/// The sentence of a restart: its reason, and the protocol that does not answer.
fn with_detail(reason: &str, what: &str) -> Sentence {
    Sentence::new(format!("{reason} ({what})"), reason).then("restarting it")
}

pub(super) fn exit_sentence(
    ordinal: u8,
    code: i64,
    out_of_memory: bool,
    last_log_lines: &str,
) -> Sentence {
    let how = match (out_of_memory, code) {
        (true, _) => "ran out of memory".to_owned(),
        (false, 137) => "was killed".to_owned(),
        (false, code) => format!("ended with code {code}"),
    };
    let lines: Vec<&str> =
        last_log_lines.lines().map(str::trim).filter(|l| !l.is_empty()).collect();
    let last = lines.split_at(lines.len().saturating_sub(QUOTED_LINES)).1.join(" / ");
    let quoted: String = last.chars().take(QUOTED_CHARACTERS).collect();
    match quoted.as_str() {
        "" => format!("instance {ordinal} {how}").into(),
        words => Sentence::detailed(format!("instance {ordinal} {how}"), words),
    }
}
