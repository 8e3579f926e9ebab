//! The record of a pass, and whether there is anything to record.

use brokerd_domain::{
    ActionRequired, Broker, DownLink, Event, EventKind, Intent, Next, PassReport, ReportedReasons,
    Timestamp, VerdictKind,
};

use crate::{
    plan::{
        Completion, Moments, Observation, Plan, Sentence, interrupts, reported_change, retry,
        taken_over,
    },
    runtime::RuntimeError,
};

/// The maximum number of reported reasons of a broker until it has converged, or another generation is asked for.
const MAX_REASONS: usize = 30;

/// The observation of a pass, and its time.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TimedObservation<'a> {
    pub(crate) seen: &'a Observation,
    pub(crate) at: Timestamp,
    /// When it changed targets of endpoints, if it did. Clients don't wait for later steps, such as starting the next
    /// standby.
    pub(crate) led_at: Option<Timestamp>,
}

/// The record of an executed plan, with the links that are down, if that was observed. `observation` is `None` if the
/// container engine did not answer.
pub(crate) fn report(
    broker: &Broker,
    plan: &Plan,
    completion: Option<Completion>,
    links: Option<&[DownLink]>,
    observation: Option<TimedObservation<'_>>,
    now: Timestamp,
) -> PassReport {
    let conditions = plan.conditions.as_ref().unwrap_or(&broker.status.conditions);
    let event = |kind| Event { at: now, kind, message: plan.sentence.clone() };
    let (is_news, reported) = reported_reasons(broker, plan);
    let mut events = match plan.kind {
        _ if !is_news => Vec::new(),
        VerdictKind::Failed | VerdictKind::Blocked => vec![event(EventKind::Failure)],
        VerdictKind::Converged | VerdictKind::Progressing => vec![event(EventKind::Verdict)],
    };
    events.extend(taken_over(broker, conditions).map(|(former, standby)| {
        let message = format!("failover: instance {standby} took over from instance {former}");
        Event { at: now, kind: EventKind::Failover, message }
    }));
    let links_down = links.map_or_else(|| broker.status.links_down.clone(), <[_]>::to_vec);
    events.extend(link_events(&broker.status.links_down, &links_down, now));
    events.extend(action_events(&broker.status.actions_required, &plan.actions_required, now));
    let moments = Moments {
        seen_at: observation.map_or(now, |observation| observation.at),
        back_at: observation.and_then(|observation| observation.led_at).unwrap_or(now),
    };
    let seen = observation.map(|observation| observation.seen);
    PassReport {
        at: now,
        change: reported_change(broker, plan, completion, seen, moments),
        kind: plan.kind,
        sentence: plan.sentence.clone(),
        reason: plan.reason.clone(),
        reported,
        observed_generation: completion.map(|c| c.generation),
        reboots_done: completion.map(|c| c.reboots),
        failure: plan.failure.clone(),
        conditions: conditions.clone(),
        actions_required: plan.actions_required.clone(),
        maintenance: plan.maintenance.clone(),
        links_down,
        events,
    }
}

/// Whether a plan is worth an event, and the reasons reported so far. Until a broker has converged each
/// reason is reported once, however often the reasons alternate, so that days of failed starts are a few
/// events.
fn reported_reasons(broker: &Broker, plan: &Plan) -> (bool, ReportedReasons) {
    let before = &broker.status;
    // Earlier versions of brokerd recorded no reasons.
    let is_same = plan.sentence == before.sentence
        || (!plan.reason.is_empty() && plan.reason == before.reason);
    if plan.kind == VerdictKind::Converged {
        return (!is_same, ReportedReasons::default());
    }
    let (generation, reboots) = (broker.generation.0, broker.reboots_requested);
    let mut reported = before.reported.clone();
    if (reported.generation, reported.reboots) != (generation, reboots) {
        reported = ReportedReasons { generation, reboots, reasons: Vec::new() };
    }
    let is_reported = reported.reasons.contains(&plan.reason);
    let has_room = reported.reasons.len() < MAX_REASONS;
    if !is_reported && has_room {
        reported.reasons.push(plan.reason.clone());
    }
    (!is_same && !is_reported && has_room, reported)
}

/// The plan of a pass without an answer from the runtime.
pub(crate) fn unreachable_runtime(broker: &Broker, error: &RuntimeError) -> Plan {
    blocked_report(broker, Sentence::detailed("can't reach the runtime", error), retry(broker))
}

/// The plan of a pass that can't do anything now.
pub(crate) fn blocked_report(broker: &Broker, sentence: impl Into<Sentence>, next: Next) -> Plan {
    let mut plan = Plan::new(VerdictKind::Progressing, sentence, next);
    plan.failure.clone_from(&broker.status.failure);
    plan.actions_required.clone_from(&broker.status.actions_required);
    plan.maintenance.clone_from(&broker.status.maintenance);
    plan
}

/// The events of required actions that were raised or cleared.
fn action_events(
    before: &[ActionRequired],
    after: &[ActionRequired],
    now: Timestamp,
) -> Vec<Event> {
    let event = |kind, message| Event { at: now, kind, message };
    let raised = after.iter().filter(|action| !before.contains(action)).map(|action| {
        event(EventKind::Failure, format!("{} is raised: {}", action.code, action.info))
    });
    let cleared = before.iter().filter(|action| !after.contains(action));
    raised
        .chain(
            cleared.map(|action| event(EventKind::Verdict, format!("{} is cleared", action.code))),
        )
        .collect()
}

/// The events of links that went down or came back. A new reason alone is no event, because it may change with every
/// attempt.
fn link_events(before: &[DownLink], after: &[DownLink], now: Timestamp) -> Vec<Event> {
    let event = |kind, message| Event { at: now, kind, message };
    let among = |all: &[DownLink], link: &DownLink| all.iter().any(|other| other.link == link.link);
    let lost = after
        .iter()
        .filter(|link| !among(before, link))
        .map(|link| event(EventKind::Failure, format!("link down: {}: {}", link.link, link.why)));
    let back = before.iter().filter(|link| !among(after, link));
    lost.chain(
        back.map(|link| event(EventKind::Verdict, format!("link up, or removed: {}", link.link))),
    )
    .collect()
}

/// Whether there is anything to record, because a record costs a durable transaction. A sentence is not recorded if
/// another round follows at once.
pub(crate) fn changes(
    broker: &Broker,
    plan: &Plan,
    completion: Option<Completion>,
    links: Option<&[DownLink]>,
) -> bool {
    let before = &broker.status;
    // An earlier version of brokerd completed it without recording its availability.
    let is_unreported = broker.intent == Intent::Run
        && before.observed_generation.is_some()
        && before.availability.is_none();
    let same_links = |links: &[DownLink]| {
        links.iter().map(|l| &l.link).eq(before.links_down.iter().map(|l| &l.link))
    };
    is_unreported
        || interrupts(broker, plan)
        || (plan.sentence != before.sentence && plan.next != Next::Now)
        || plan.conditions.as_ref().is_some_and(|conditions| *conditions != before.conditions)
        || plan.actions_required != before.actions_required
        || plan.maintenance != before.maintenance
        || links.is_some_and(|links| !same_links(links))
        || plan.failure != before.failure
        || completion.is_some_and(|c| Some(c.generation) != before.observed_generation)
        || completion.is_some_and(|c| c.reboots != before.reboots_done)
}
