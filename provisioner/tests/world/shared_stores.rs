//! Stores that instances have together: a lock decides which of them serves.

use std::{collections::BTreeMap, time::Duration};

use brokerd_domain::{
    BrokerId, Timestamp,
    instance::{ContainerState, InstanceName},
};

use super::{
    containers::Container,
    host::{EngineBehaviour, World},
};

/// How long it takes to open a store.
const OPENING: Duration = Duration::from_millis(300);

/// Who holds which store: the instance, which of its starts, and since when.
pub type Stores = BTreeMap<BrokerId, (InstanceName, u32, Timestamp)>;

impl World {
    /// Whether an engine has come as far as to wait for its store or to have it.
    fn has_booted(&self, name: &InstanceName, now: Timestamp) -> bool {
        let EngineBehaviour::Boots(time) = self.engine else { return false };
        self.containers.get(name).is_some_and(|c| match c.status.state {
            ContainerState::Running { since } => !c.hangs && now.since(since) >= time,
            _ => false,
        })
    }

    /// Who holds the broker's store, and since when. A paused engine lets go of nothing; one that has
    /// ended, of everything.
    pub fn holder(
        &mut self,
        broker: BrokerId,
        now: Timestamp,
    ) -> Option<(InstanceName, Timestamp)> {
        if let Some((name, start, since)) = self.stores.get(&broker) {
            let holds = self.containers.get(name).is_some_and(|c| {
                let alive = matches!(
                    c.status.state,
                    ContainerState::Running { .. } | ContainerState::Paused
                );
                alive && c.starts == *start
            });
            if holds {
                return Some((name.clone(), *since));
            }
        }
        self.stores.remove(&broker);
        let next = self
            .containers
            .of(broker)
            .filter(|(name, c)| c.shares && self.has_booted(name, now))
            .min_by_key(|(name, c)| match c.status.state {
                ContainerState::Running { since } => (since, name.ordinal),
                _ => (now, name.ordinal),
            })
            .map(|(name, c)| (name.clone(), c.starts))?;
        self.stores.insert(broker, (next.0.clone(), next.1, now));
        Some((next.0, now))
    }

    /// Whether that instance holds its store and answers, and can be reached.
    pub fn serves(&mut self, name: &InstanceName, now: Timestamp) -> bool {
        self.holder(name.broker, now).is_some_and(|(holder, since)| {
            let is_reached = self.containers.get(name).is_some_and(|c| !c.isolated);
            let is_open = now.since(since) >= OPENING && self.has_booted(name, now);
            holder == *name && is_open && is_reached
        })
    }

    /// Asserts that ending this instance takes nobody's service away: of a pair, one that serves is
    /// ended only when the other one can take over, and that one only while somebody serves.
    pub fn may_end(&mut self, name: &InstanceName, now: Timestamp) {
        if self.anything_may_end {
            return;
        }
        let matters = |c: &Container| c.shares && !c.isolated;
        if !self.containers.get(name).is_some_and(matters) || !self.has_booted(name, now) {
            return;
        }
        let others: Vec<InstanceName> = self
            .containers
            .of(name.broker)
            .filter(|(n, c)| *n != name && !c.isolated)
            .map(|(n, _)| n.clone())
            .collect();
        let safe = if self.serves(name, now) {
            others.iter().any(|other| self.has_booted(other, now))
        } else {
            others.iter().any(|other| self.serves(other, now))
        };
        assert!(safe, "instance {} is ended, and nobody can serve", name.ordinal);
    }
}
