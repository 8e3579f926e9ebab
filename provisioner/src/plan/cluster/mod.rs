//! A RabbitMQ cluster: nodes behind one endpoint.
//!
//! A node that has exited is started at once, whatever the others do, because nodes that stopped together wait for one
//! another when they boot. A node is stopped only while every node serves, all of them are one cluster and its stop
//! loses no quorum; one node at a time. The exception is an upgrade to a version that can't be in one cluster with the
//! former: all nodes are stopped, then all are replaced. Nothing is done about nodes that can't be observed or that a
//! fault holds. While a fault holds most nodes, failed boots of the others are not counted.

mod node;

use std::time::Duration;

use brokerd_domain::{DeploymentMode, Next, Target, Timestamp, VerdictKind, instance::Volumes};

use super::{
    boot::starting,
    hold::hold,
    instance::{Need, limit},
    replacement,
    sentence::Sentence,
    types::{Completion, NeedsRendering, Plan, Step, Subject, fail, refuse},
    world::Observation,
};

use node::{Node, View};

/// How often a cluster that serves is observed.
const STEADY_POLL: Duration = Duration::from_secs(5);
/// The shortest pause between two observations of a booting node, because probes cost the serving nodes processor time.
const MIN_POLL: Duration = Duration::from_millis(400);
/// How soon nodes that do not agree are asked again.
const APART_POLL: Duration = Duration::from_secs(1);
/// How long nodes may be parted before the smaller side is restarted. On Mnesia a partition may never end by itself,
/// although `pause_minority` promises it (seen with 4.0). On Khepri it does.
const PARTED_LIMIT: Duration = Duration::from_secs(15);
/// How long nodes that all serve may fail to see each other for another reason.
const APART_LIMIT: Duration = Duration::from_mins(1);
/// How long a reboot waits for a node whose stop would lose a quorum. All nodes serve by then, and a queue with a
/// single member keeps depending on that member.
const QUORUM_TIMEOUT: Duration = Duration::from_mins(3);
/// How long every node must serve before another one is stopped, if no node can be asked about quorums.
const SETTLED: Duration = Duration::from_secs(15);

/// The plan of a cluster.
pub(super) fn plan(
    subject: &Subject<'_>,
    seen: &Observation,
    now: Timestamp,
) -> Result<Plan, NeedsRendering> {
    let in_vain = no_majority_until(subject, seen, now);
    let look = |identity| Node::look(subject, identity, seen, in_vain, now);
    let mut nodes: Vec<Node<'_>> = subject.instances.iter().map(look).collect();
    if let Some(newer) = nodes.iter().find(|node| node.is_newer(subject)) {
        let sentence = format!(
            "instance {} has a newer generation than the broker that was read",
            newer.ordinal()
        );
        return Ok(Plan::new(VerdictKind::Progressing, sentence, Next::After(APART_POLL)));
    }
    give_up_paused(subject, &mut nodes, now);
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
        // A stale node runs with its former tier.
        .filter(|node| node.serves() && !node.goes && !node.is_stale)
        .filter_map(|node| limit(subject, node.ordinal(), &node.there?.status));
    // Clients come first: changing limits may take long, or fail.
    let mut steps = Vec::from_iter(lead(subject, &nodes, agree, now));
    steps.extend(limits);
    steps.append(&mut decision.steps);
    decision.steps = steps;
    decision.conditions = Some(nodes.into_iter().map(Node::remembered).collect());
    Ok(decision)
}

/// Restarts a node that is paused, but not by a fault, at once while most nodes serve without it: it is not merely
/// slow, and the others wait for it as long as it exists.
fn give_up_paused(subject: &Subject<'_>, nodes: &mut [Node<'_>], now: Timestamp) {
    let serving = nodes.iter().filter(|node| node.serves()).count();
    if 2 * serving <= nodes.len() {
        return;
    }
    let is_wanted = |node: &Node<'_>| {
        let mut faults = subject.faults.iter().filter(|fault| fault.ends > now);
        faults.any(|fault| fault.affected(node.ordinal()).is_some())
    };
    let is_given_up = |node: &Node<'_>| node.is_paused() && !node.is_held && !is_wanted(node);
    for node in nodes.iter_mut().filter(|node| is_given_up(node)) {
        let sentence = format!("instance {} is paused; restarting it", node.ordinal());
        node.need = Need::Steps {
            sentence: sentence.into(),
            steps: node.restart().into_iter().collect(),
            keep_traffic: false,
        };
        node.after = starting(&node.before, now, 0);
    }
}

/// Until when faults hold so many nodes that the others have no majority.
fn no_majority_until(
    subject: &Subject<'_>,
    seen: &Observation,
    now: Timestamp,
) -> Option<Timestamp> {
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
            // While a node does not serve, the plan names that node instead.
            _ if !all_serve => None,
            View::Whole | View::Untold => None,
            View::Apart { .. } => node.before.apart_since.or(Some(now)),
            View::Unknown => node.before.apart_since,
        };
        node.view = view;
    }
    agree
}

/// Stops and replaces stale nodes together instead of one after the other: those of a broker that never served, and
/// those of a version that can't be in one cluster with the next.
fn begin(subject: &Subject<'_>, nodes: &mut [Node<'_>]) -> Option<Plan> {
    let broker = subject.broker;
    let first_time = broker.status.observed_generation.is_none();
    // A dropped upgrade is undone in the same way, on the nodes that it had reached.
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

/// Restarts nodes that run and do not answer: one at a time while another one serves, so that it has a node to join;
/// all of them when none serves, because they may be waiting for each other.
fn restart_hung(nodes: &mut [Node<'_>]) -> Option<Plan> {
    let somebody_serves = nodes.iter().any(Node::serves);
    if nodes.iter().any(|node| node.boots() || node.is_about_to_start()) {
        return None;
    }
    // A node that may still come back may be the one that the others need.
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
        // A stale node is stopped for its replacement instead of restarted.
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

/// If all nodes serve but are not one cluster, restarts the node that misses the most others.
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
    // A node that knows no other node formed a cluster of its own. It has no data yet, because the broker never served.
    let is_new = subject.broker.status.observed_generation.is_none() && node.knows_nobody();
    let again = subject.apply(ordinal).filter(|_| is_new);
    if is_new && again.is_none() {
        let not_made = || waiting(replacement::not_made(subject, ordinal), APART_POLL);
        return Ok(Some(replacement::first(subject)?.unwrap_or_else(not_made)));
    }
    node.after = starting(&node.before, now, 0);
    node.after.apart_since = None;
    node.goes = true;
    if let Some(again) = again {
        let steps = vec![Step::Remove(ordinal, Volumes::Delete), again];
        return Ok(Some(acting(
            format!("instance {ordinal} formed a cluster of its own; recreating it"),
            steps,
        )));
    }
    let sentence = format!("instance {ordinal} is parted from the others; restarting it");
    Ok(node.restart().map(|restart| acting(sentence, vec![restart])))
}

/// The next node of a reboot, once all nodes serve as one cluster.
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
    // A queue with a single member delays the reboot by QUORUM_TIMEOUT at most, because its owner chose one member.
    let node = nodes.iter_mut().find(|node| node.is_stale && node.is_critical())?;
    let since = *node.after.apart_since.get_or_insert(node.before.apart_since.unwrap_or(now));
    if now.since(since) >= QUORUM_TIMEOUT {
        return stop_for_reboot(node);
    }
    Some(waiting(
        format!("waiting: stopping instance {} would lose a quorum", node.ordinal()),
        APART_POLL,
    ))
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
        let next = times.into_iter().min().unwrap_or(APART_POLL).max(MIN_POLL);
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

/// Routes the endpoint to every node that may have clients, and each metrics page to its node. A broker that never
/// served has no targets before its nodes are one cluster.
fn lead(subject: &Subject<'_>, nodes: &[Node<'_>], agree: bool, now: Timestamp) -> Option<Step> {
    let broker = subject.broker;
    debug_assert_eq!(broker.spec.deployment_mode, DeploymentMode::ClusterMultiAz);
    let began = agree || broker.status.observed_generation.is_some();
    let open: Vec<&Node<'_>> = nodes.iter().filter(|node| began && node.has_clients(now)).collect();
    // A node on the smaller side of a partition can't confirm messages.
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
