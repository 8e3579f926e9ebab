//! One node: its specification, its state, and its view of the other nodes.

use std::time::Duration;

use brokerd_domain::{Health, InstanceCondition, Next, Timestamp, instance::ContainerState};

use super::super::{
    hold::hold,
    instance::{Need, condition, judge, judge_running},
    poll::STEADY_POLL,
    replacement,
    types::{InstanceIdentity, Step, Subject},
    world::{Observation, Observed, ObservedInstance, ProbeOutcome},
};

/// How long a node may be silent until it gets no new clients.
const SUSPECT_AFTER: Duration = Duration::from_secs(3);

/// A node's view of its cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum View {
    /// All nodes run and are one cluster.
    Whole,
    /// Some nodes do not run, as it sees them.
    Apart {
        /// How many.
        misses: usize,
        /// Whether a node reports a partition.
        parted: bool,
    },
    /// brokerd has no user to ask it.
    Untold,
    /// It gave no answer, or the node does not serve.
    Unknown,
}

/// A node.
pub(super) struct Node<'a> {
    pub(super) identity: &'a InstanceIdentity,
    pub(super) there: Option<&'a ObservedInstance>,
    /// Its stored condition.
    pub(super) before: InstanceCondition,
    /// The condition to store.
    pub(super) after: InstanceCondition,
    /// What it needs, regardless of the other nodes and of a reboot.
    pub(super) need: Need,
    /// Whether it is to be replaced.
    pub(super) is_stale: bool,
    pub(super) view: View,
    /// Whether a fault keeps it from serving, whatever is done to it.
    pub(super) is_held: bool,
    /// Whether it is stopped now.
    pub(super) goes: bool,
    /// Whether what it needs is done now.
    pub(super) is_dealt_with: bool,
}

impl<'a> Node<'a> {
    pub(super) fn look(
        subject: &Subject<'_>,
        identity: &'a InstanceIdentity,
        seen: &'a Observation,
        in_vain: Option<Timestamp>,
        now: Timestamp,
    ) -> Self {
        let ordinal = identity.ordinal;
        let mut before = condition(subject.broker, ordinal, seen, now);
        if in_vain.is_some() {
            // These boots don't count as failed, because the node could not have served.
            before.failed_boots = before.failed_boots.min(1);
        }
        let is_held = hold(subject, ordinal, seen, now).is_some();
        let there = match seen.instances.get(&ordinal) {
            Some(Observed::Present(instance)) => Some(instance),
            _ => None,
        };
        let stale = there.filter(|i| replacement::needs_replacement(subject, ordinal, &i.status));
        let (need, after) = match stale.map(|instance| (instance, &instance.status.state)) {
            // It serves until its turn comes, and is watched like the others.
            Some((instance, ContainerState::Running { since })) if !is_held => {
                judge_running(subject, instance, *since, before.clone(), now)
            }
            Some((instance, ContainerState::Paused)) if !is_held => {
                judge_running(subject, instance, before.since, before.clone(), now)
            }
            _ => judge(subject, identity, seen, before.clone(), now),
        };
        let mut node = Self {
            identity,
            there,
            before,
            after,
            need,
            is_stale: stale.is_some(),
            view: View::Unknown,
            is_held,
            goes: false,
            is_dealt_with: false,
        };
        if let Some(until) = in_vain.filter(|_| !is_held && node.is_alive() && !node.serves()) {
            node.lacks_majority(until, now);
        }
        node
    }

    /// It runs, but lacks the nodes that are held until then. Its silence counts from then on.
    fn lacks_majority(&mut self, until: Timestamp, now: Timestamp) {
        let health = match self.before.health {
            Health::Healthy | Health::Suspect => Health::Suspect,
            starting @ (Health::Starting | Health::Standby) => starting,
        };
        self.is_held = true;
        self.need = Need::Wait {
            sentence: format!("instance {} waits for the others", self.ordinal()).into(),
            next: Next::After(until.since(now).min(STEADY_POLL)),
            keep_traffic: false,
        };
        self.after = InstanceCondition { health, since: until, ..self.before.clone() };
    }

    pub(super) fn ordinal(&self) -> u8 {
        self.identity.ordinal
    }

    /// RabbitMQ's name for it.
    pub(super) fn name(&self) -> String {
        format!("rabbit@{}", self.identity.hostname)
    }

    pub(super) fn is_newer(&self, subject: &Subject<'_>) -> bool {
        self.there.is_some_and(|i| replacement::is_newer(subject, &i.status))
    }

    pub(super) fn is_alive(&self) -> bool {
        self.there.is_some_and(|i| {
            matches!(i.status.state, ContainerState::Running { .. } | ContainerState::Paused)
        })
    }

    pub(super) fn is_paused(&self) -> bool {
        self.there.is_some_and(|i| i.status.state == ContainerState::Paused)
    }

    pub(super) fn serves(&self) -> bool {
        self.there.is_some_and(|i| {
            !i.answers.is_empty() && i.answers.values().all(|a| *a == ProbeOutcome::Answered)
        })
    }

    /// Whether it runs and has not answered for longer than it may.
    pub(super) fn is_hung(&self) -> bool {
        matches!(&self.need, Need::Steps { steps, .. }
            if steps.iter().any(|step| matches!(step, Step::Restart(..))))
    }

    /// Whether it runs and may still need its time to come up.
    pub(super) fn boots(&self) -> bool {
        let starting = self.before.health == Health::Starting;
        starting && self.is_alive() && !self.serves() && !self.is_hung() && !self.is_held
    }

    /// Whether it is to be made or started now.
    pub(super) fn is_about_to_start(&self) -> bool {
        !self.is_hung() && matches!(self.need, Need::Steps { .. })
    }

    /// The condition to store: the former one if it needs something and its turn has not come.
    pub(super) fn remembered(self) -> InstanceCondition {
        let waits = matches!(self.need, Need::Steps { .. }) && !self.is_dealt_with;
        if waits { self.before } else { self.after }
    }

    /// Whether it runs and is not paused: then load may explain its silence.
    fn may_be_slow(&self) -> bool {
        self.there.is_some_and(|i| matches!(i.status.state, ContainerState::Running { .. }))
    }

    /// Whether it may have clients.
    pub(super) fn has_clients(&self, now: Timestamp) -> bool {
        let doubted = self.after.health == Health::Suspect
            && self.may_be_slow()
            && now.since(self.after.since) < SUSPECT_AFTER;
        !self.goes && !self.is_held && (self.serves() || doubted)
    }

    /// Its view of the nodes of those names.
    pub(super) fn view(&self, names: &[String]) -> View {
        let Some(instance) = self.there.filter(|_| self.serves()) else { return View::Unknown };
        let said = match &instance.cluster {
            Observed::Absent => return View::Untold,
            Observed::Unknown(_) => return View::Unknown,
            Observed::Present(said) => said,
        };
        let own = self.name();
        let known = |name: &String| said.nodes.iter().find(|node| node.name == *name);
        let apart_from = known(&own).map(|node| &node.apart_from);
        let is_missed = |name: &&String| {
            !known(name).is_some_and(|node| node.running)
                || apart_from.is_some_and(|apart| apart.contains(*name))
        };
        let misses = names.iter().filter(is_missed).count();
        let parted = said.nodes.iter().any(|node| !node.apart_from.is_empty());
        if misses == 0 && !parted { View::Whole } else { View::Apart { misses, parted } }
    }

    /// How many nodes do not run, as it sees them, or are parted from it.
    pub(super) fn misses(&self) -> usize {
        match self.view {
            View::Apart { misses, .. } => misses,
            View::Whole | View::Untold | View::Unknown => 0,
        }
    }

    /// Whether it is the only node of its cluster.
    pub(super) fn knows_nobody(&self) -> bool {
        let said = self.there.map(|instance| &instance.cluster);
        matches!(said, Some(Observed::Present(said)) if said.nodes.len() <= 1)
    }

    /// Whether it reports that its stop loses no quorum.
    pub(super) fn may_stop(&self) -> bool {
        self.quorum_critical() == Some(false)
    }

    /// Whether it reports that its stop would lose a quorum.
    pub(super) fn is_critical(&self) -> bool {
        self.quorum_critical() == Some(true)
    }

    fn quorum_critical(&self) -> Option<bool> {
        match &self.there?.cluster {
            Observed::Present(said) => match said.quorum_critical {
                Observed::Present(critical) => Some(critical),
                Observed::Absent | Observed::Unknown(_) => None,
            },
            Observed::Absent | Observed::Unknown(_) => None,
        }
    }

    pub(super) fn stop(&self, grace: Duration) -> Option<Step> {
        Some(Step::Stop(self.ordinal(), self.there?.status.id.clone(), grace))
    }

    pub(super) fn restart(&self) -> Option<Step> {
        Some(Step::Restart(self.ordinal(), self.there?.status.id.clone()))
    }
}
