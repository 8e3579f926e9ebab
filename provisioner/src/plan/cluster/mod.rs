//! A RabbitMQ cluster: nodes behind one endpoint.
//!
//! A node that has ended is started at once, whatever the others do: nodes that ended together wait for one
//! another when they boot, so they have to be started together. Only what stops a node waits: one at a time,
//! while every node serves, all of them know one another and nobody's quorum depends on it. The exception is
//! an upgrade, which a cluster can't go through with nodes of both versions: all are stopped, then all are
//! made anew. Nothing is done about what can't be seen, nor about nodes that a fault holds; while it holds
//! most of them, the others are not blamed for being unable to serve.

mod node;

use std::time::Duration;

use brokerd_domain::{DeploymentMode, Next, Target, Timestamp, VerdictKind};

use super::{
    boot::starting,
    change,
    hold::hold,
    instance::{Need, limit},
    sentence::Sentence,
    types::{Completion, NeedsRendering, Plan, Step, Subject, fail, refuse},
    world::Seen,
};
use crate::runtime::Volumes;

use node::{Node, View};

/// How often a cluster that serves is looked at.
const STEADY_POLL: Duration = Duration::from_secs(5);
/// How often at most one that boots is: the nodes that serve have better things to do than to answer.
const LEAST_POLL: Duration = Duration::from_millis(400);
/// How soon nodes that do not agree are asked again.
const APART_POLL: Duration = Duration::from_secs(1);
/// How long nodes may be parted before the smaller side is restarted. On Mnesia they may never get over a
/// partition by themselves, though `pause_minority` says that they should: seen with 4.0 before it began with
/// Khepri, which does.
const PARTED_LIMIT: Duration = Duration::from_secs(15);
/// How long nodes that all serve may fail to see each other for another reason.
const APART_LIMIT: Duration = Duration::from_mins(1);
/// How long a reboot waits for a node that somebody's quorum depends on. All nodes serve by then, and what
/// its owner gave a single member can't become less dependent on it.
const QUORUM_PATIENCE: Duration = Duration::from_mins(3);
/// How long every node has to serve before another one is stopped, where nobody can be asked.
const SETTLED: Duration = Duration::from_secs(15);

/// What a cluster needs.
pub(super) fn plan(
    subject: &Subject<'_>,
    seen: &Seen,
    now: Timestamp,
) -> Result<Plan, NeedsRendering> {
    let in_vain = in_vain_until(subject, seen, now);
    let look = |identity| Node::look(subject, identity, seen, in_vain, now);
    let mut nodes: Vec<Node<'_>> = subject.instances.iter().map(look).collect();
    if let Some(newer) = nodes.iter().find(|node| node.is_newer(subject)) {
        let sentence = format!("instance {} is newer than what was read", newer.ordinal());
        return Ok(Plan::new(VerdictKind::Progressing, sentence, Next::After(APART_POLL)));
    }
    give_up_frozen(subject, &mut nodes, now);
    if let Some(mut given_up) = nodes.iter().find_map(|node| match &node.need {
        Need::GiveUp(why) => Some(fail(why.clone())),
        Need::Refuse(why) => Some(refuse(why)),
        Need::Nothing | Need::Wait { .. } | Need::Steps { .. } => None,
    }) {
        given_up.conditions = Some(nodes.into_iter().map(|node| node.after).collect());
        return Ok(given_up);
    }
    let agree = remember_disagreement(&mut nodes, now);
    let first = begin(subject, &mut nodes)
        .or_else(|| restart_hung(&mut nodes))
        .or_else(|| start_again(&mut nodes));
    let first = match first {
        Some(first) => Some(first),
        None => reunite(subject, &mut nodes, agree, now)?,
    };
    let mut decision = first
        .or_else(|| reboot_next(&mut nodes, agree, now))
        .unwrap_or_else(|| wait_or_finish(subject, &nodes, agree));
    let limits = nodes
        .iter()
        // The tier of the next reboot is not the one that it runs with.
        .filter(|node| node.serves() && !node.goes && !node.is_stale)
        .filter_map(|node| limit(subject, node.ordinal(), &node.there?.status));
    let mut steps: Vec<Step> = limits.collect();
    steps.extend(lead(subject, &nodes, agree, now));
    steps.append(&mut decision.steps);
    decision.steps = steps;
    decision.conditions = Some(nodes.into_iter().map(Node::remembered).collect());
    Ok(decision)
}

/// A node that is frozen, but not by a fault, is not merely slow, and the others wait for it as long as it
/// exists: while most nodes serve without it, it is restarted at once.
fn give_up_frozen(subject: &Subject<'_>, nodes: &mut [Node<'_>], now: Timestamp) {
    let serving = nodes.iter().filter(|node| node.serves()).count();
    if 2 * serving <= nodes.len() {
        return;
    }
    let is_wanted = |node: &Node<'_>| {
        let mut faults = subject.faults.iter().filter(|fault| fault.ends > now);
        faults.any(|fault| fault.affected(node.ordinal()).is_some())
    };
    let is_given_up = |node: &Node<'_>| node.is_frozen() && !node.is_held && !is_wanted(node);
    for node in nodes.iter_mut().filter(|node| is_given_up(node)) {
        let sentence = format!("instance {} is frozen; restarting it", node.ordinal());
        node.need = Need::Steps {
            sentence: sentence.into(),
            steps: node.restart().into_iter().collect(),
            keep_traffic: false,
        };
        node.after = starting(&node.before, now, 0);
    }
}

/// Until when so many nodes are held by faults that the others have no majority.
fn in_vain_until(subject: &Subject<'_>, seen: &Seen, now: Timestamp) -> Option<Timestamp> {
    let instances = subject.instances;
    let holds = instances.iter().filter_map(|i| hold(subject, i.ordinal, seen, now));
    let mut ends: Vec<Timestamp> = holds.map(|hold| hold.until).collect();
    ends.sort_unstable();
    let dispensable = instances.len().saturating_sub(1) / 2;
    let too_many = ends.len().checked_sub(dispensable + 1)?;
    ends.get(too_many).copied()
}

fn acting(sentence: impl Into<Sentence>, steps: Vec<Step>) -> Plan {
    let mut plan = Plan::new(VerdictKind::Progressing, sentence, Next::Now);
    plan.steps = steps;
    plan
}

fn waiting(sentence: impl Into<Sentence>, next: Duration) -> Plan {
    Plan::new(VerdictKind::Progressing, sentence, Next::After(next))
}

/// Notes which nodes serve without being one cluster, and says whether all are.
fn remember_disagreement(nodes: &mut [Node<'_>], now: Timestamp) -> bool {
    let all_serve = nodes.iter().all(Node::serves);
    let names: Vec<String> = nodes.iter().map(Node::name).collect();
    let views: Vec<View> = nodes.iter().map(|node| node.view(&names)).collect();
    let agree = all_serve && views.iter().all(|view| matches!(view, View::Whole | View::Untold));
    for (node, view) in nodes.iter_mut().zip(views) {
        node.after.apart_since = match view {
            // The missing nodes are named where not all nodes serve.
            _ if !all_serve => None,
            View::Whole | View::Untold => None,
            View::Apart { .. } => node.before.apart_since.or(Some(now)),
            View::Unknown => node.before.apart_since,
        };
        node.view = view;
    }
    agree
}

/// Stale nodes that need not, or must not, go one after the other: those of a broker that serves nobody yet,
/// and those of a version that the next one can't be in a cluster with.
fn begin(subject: &Subject<'_>, nodes: &mut [Node<'_>]) -> Option<Plan> {
    let broker = subject.broker;
    let first_time = broker.status.observed_generation.is_none();
    // Going back from an upgrade that was given up is one, as far as it had come.
    let is_of_another = |node: &Node<'_>| {
        let made_from = node.there.and_then(|there| there.status.image_id.as_deref());
        made_from.is_some_and(|id| subject.image_id.is_some_and(|now| now != id))
    };
    let upgrade = broker.is_rebooting()
        && broker.pending.engine_version.is_some()
        && (broker.not_applied.is_none() || nodes.iter().any(is_of_another));
    if !(first_time || upgrade) {
        return None;
    }
    let mut free = nodes.iter().filter(|node| !node.is_held);
    let is_untouched = free.all(|node| node.is_stale && node.is_alive());
    let whole = nodes.iter().all(|node| matches!(node.view, View::Whole | View::Untold));
    if upgrade && is_untouched && !whole {
        return None;
    }
    let node = nodes.iter_mut().find(|node| node.is_stale && node.is_alive())?;
    node.goes = true;
    let sentence = format!("stopping instance {}; all are replaced together", node.ordinal());
    let stop = node.stop(node.identity.stop_grace)?;
    Some(acting(sentence, vec![stop]))
}

/// Kills what runs and does not answer: one node while another one serves, so that it can come back to
/// something; all of them when nobody does, because they may be waiting for each other.
fn restart_hung(nodes: &mut [Node<'_>]) -> Option<Plan> {
    let somebody_serves = nodes.iter().any(Node::serves);
    if nodes.iter().any(|node| node.boots() || node.is_about_to_start()) {
        return None;
    }
    // One that is not given up yet may come back, and is then what the others need.
    let may_come_back = |node: &Node<'_>| node.is_alive() && !node.is_hung() && !node.is_held;
    if !somebody_serves && nodes.iter().any(may_come_back) {
        return None;
    }
    let most = if somebody_serves { 1 } else { nodes.len() };
    let mut sentences = Vec::new();
    let mut steps = Vec::new();
    for node in nodes.iter_mut().filter(|node| node.is_hung()).take(most) {
        let Need::Steps { sentence, steps: restart, .. } = &node.need else { continue };
        sentences.push(sentence.clone());
        // What it was made from is not wanted any more.
        match node.is_stale.then(|| node.stop(Duration::ZERO)).flatten() {
            Some(stop) => steps.push(stop),
            None => steps.extend(restart.iter().cloned()),
        }
        (node.goes, node.is_dealt_with) = (true, true);
    }
    Sentence::joined(sentences).filter(|_| !steps.is_empty()).map(|said| acting(said, steps))
}

/// All missing and ended nodes, at once.
fn start_again(nodes: &mut [Node<'_>]) -> Option<Plan> {
    let mut sentences = Vec::new();
    let mut steps = Vec::new();
    for node in nodes.iter_mut().filter(|node| node.is_about_to_start()) {
        let Need::Steps { sentence, steps: needed, .. } = &node.need else { continue };
        sentences.push(sentence.clone());
        steps.extend(needed.iter().cloned());
        node.is_dealt_with = true;
    }
    Sentence::joined(sentences).filter(|_| !steps.is_empty()).map(|said| acting(said, steps))
}

/// Nodes that all serve but are not one cluster: the one that the fewest others know is restarted.
fn reunite(
    subject: &Subject<'_>,
    nodes: &mut [Node<'_>],
    agree: bool,
    now: Timestamp,
) -> Result<Option<Plan>, NeedsRendering> {
    if agree || !nodes.iter().all(Node::serves) {
        return Ok(None);
    }
    if nodes.iter().any(|node| node.view == View::Unknown) {
        return Ok(Some(waiting("the nodes can't be asked about their cluster", APART_POLL)));
    }
    let parted = nodes.iter().any(|node| matches!(node.view, View::Apart { parted: true, .. }));
    let limit = if parted { PARTED_LIMIT } else { APART_LIMIT };
    let Some(node) = nodes.iter_mut().max_by_key(|node| (node.misses(), node.ordinal())) else {
        return Ok(None);
    };
    let apart = node.after.apart_since.map_or(Duration::ZERO, |since| now.since(since));
    if apart < limit {
        return Ok(Some(waiting("the nodes serve, but are not one cluster", APART_POLL)));
    }
    let ordinal = node.ordinal();
    node.after = starting(&node.before, now, 0);
    node.after.apart_since = None;
    node.goes = true;
    // One that never heard of the others began a cluster of its own; nobody has put anything there yet.
    if subject.broker.status.observed_generation.is_none() && node.knows_nobody() {
        let Some(again) = subject.apply(ordinal) else {
            let not_made = || waiting(change::not_made(subject, ordinal), APART_POLL);
            return Ok(Some(change::first(subject)?.unwrap_or_else(not_made)));
        };
        let steps = vec![Step::Remove(ordinal, Volumes::Delete), again];
        return Ok(Some(acting(format!("instance {ordinal} is alone; making it anew"), steps)));
    }
    let sentence = format!("instance {ordinal} is parted from the others; restarting it");
    Ok(node.restart().map(|restart| acting(sentence, vec![restart])))
}

/// The next node of a reboot, once everything is as it should be with all of them.
fn reboot_next(nodes: &mut [Node<'_>], agree: bool, now: Timestamp) -> Option<Plan> {
    if !agree || !nodes.iter().any(|node| node.is_stale) {
        return None;
    }
    let unasked = nodes.iter().any(|node| node.view == View::Untold);
    if unasked && nodes.iter().any(|node| now.since(node.after.since) < SETTLED) {
        return Some(waiting("waiting until every node has served for a while", APART_POLL));
    }
    let replaceable = |node: &Node<'_>| node.is_stale && (unasked || node.may_stop());
    if let Some(node) = nodes.iter_mut().find(|node| replaceable(node)) {
        return stop_for_reboot(node);
    }
    // Whoever depends on one of them alone has its owner's word for it.
    let node = nodes.iter_mut().find(|node| node.is_stale && node.is_critical())?;
    let since = *node.after.apart_since.get_or_insert(node.before.apart_since.unwrap_or(now));
    if now.since(since) >= QUORUM_PATIENCE {
        return stop_for_reboot(node);
    }
    Some(waiting(format!("a quorum depends on instance {}", node.ordinal()), APART_POLL))
}

fn stop_for_reboot(node: &mut Node<'_>) -> Option<Plan> {
    let sentence = format!("stopping instance {} to replace it", node.ordinal());
    let stop = node.stop(node.identity.stop_grace)?;
    node.after.apart_since = None;
    node.goes = true;
    Some(acting(sentence, vec![stop]))
}

fn wait_or_finish(subject: &Subject<'_>, nodes: &[Node<'_>], agree: bool) -> Plan {
    if !agree || nodes.iter().any(|node| node.is_stale) {
        let waits = nodes.iter().filter_map(|node| match &node.need {
            Need::Wait { sentence, next: Next::After(next), .. } => Some((sentence.clone(), *next)),
            _ => None,
        });
        let (sentences, times): (Vec<_>, Vec<_>) = waits.unzip();
        let next = times.into_iter().min().unwrap_or(APART_POLL).max(LEAST_POLL);
        let sentence =
            Sentence::joined(sentences).unwrap_or_else(|| "waiting for the nodes".into());
        return waiting(sentence, next);
    }
    let mut done = Plan::new(
        VerdictKind::Converged,
        format!("all {} nodes serve", nodes.len()),
        Next::After(STEADY_POLL),
    );
    let (generation, reboots) = (subject.broker.generation, subject.broker.reboots_requested);
    done.completes = Some(Completion { generation, reboots });
    done
}

/// Leads the endpoint to every node that may have clients, and the metrics pages each to its node. A broker that never
/// served has none before its nodes are one cluster.
fn lead(subject: &Subject<'_>, nodes: &[Node<'_>], agree: bool, now: Timestamp) -> Option<Step> {
    let broker = subject.broker;
    debug_assert_eq!(broker.spec.deployment_mode, DeploymentMode::ClusterMultiAz);
    let began = agree || broker.status.observed_generation.is_some();
    let open: Vec<&Node<'_>> = nodes.iter().filter(|node| began && node.has_clients(now)).collect();
    // On the smaller side of a partition nothing can be confirmed.
    let among_most = |node: &&&Node<'_>| 2 * node.misses() < nodes.len();
    let led: Vec<&Node<'_>> = match open.iter().filter(among_most).copied().collect::<Vec<_>>() {
        none if none.is_empty() => open,
        some => some,
    };
    let changed: Vec<Target> = subject
        .targets
        .iter()
        .map(|target| {
            let port = target.protocol.engine_port(broker.spec.engine_type);
            let address = |node: &&Node<'_>| node.there?.status.addresses.get(&port).copied();
            let page_of = target.protocol.metrics_of_node();
            let led = led.iter().filter(|node| page_of.is_none_or(|page| page == node.ordinal()));
            Target { addresses: led.filter_map(address).collect(), ..target.clone() }
        })
        .filter(|wanted| !subject.targets.contains(wanted))
        .collect();
    (!changed.is_empty()).then_some(Step::SetTargets(changed))
}
