//! What engines that are plain data answer.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use brokerd_domain::{
    Clock, Timestamp,
    instance::{ContainerState, InstanceName},
};
use brokerd_provisioner::{
    health::{Login, ManagementError, Probe, ProbeTarget},
    plan::{NodeReport, ProbeOutcome},
};

use super::host::{EngineBehaviour, World};

impl World {
    fn at(&self, target: &ProbeTarget) -> Option<InstanceName> {
        self.containers.at(target.address).cloned()
    }

    /// What a node of a cluster answers; none: it is no such node.
    fn node_answers(&self, target: &ProbeTarget, now: Timestamp) -> Option<ProbeOutcome> {
        let name = self.at(target).filter(|name| self.is_cluster(name))?;
        Some(match self.engine {
            EngineBehaviour::Hangs => ProbeOutcome::Silent,
            _ if self.hung.contains(&name.ordinal) => ProbeOutcome::Silent,
            _ if self.node_serves(&name, now) => ProbeOutcome::Answered,
            _ => ProbeOutcome::Refused("closed".to_owned()),
        })
    }
}

/// Engines that answer as [`EngineBehaviour`] says.
pub struct FakeProbe {
    /// The world.
    pub world: Arc<Mutex<World>>,
    /// The time.
    pub clock: Arc<dyn Clock>,
}

#[async_trait]
impl Probe for FakeProbe {
    async fn probe(&self, target: &ProbeTarget, _: Duration) -> ProbeOutcome {
        let stalled = {
            let mut world = self.world.lock().expect("not poisoned");
            let stalled = world.stalled_probes > 0;
            world.stalled_probes = world.stalled_probes.saturating_sub(1);
            stalled
        };
        if stalled {
            std::thread::sleep(Duration::from_millis(600));
            return ProbeOutcome::Silent;
        }
        let mut world = self.world.lock().expect("not poisoned");
        let now = self.clock.now();
        if world
            .at(target)
            .is_some_and(|name| world.silent.contains(&(name.ordinal, target.protocol)))
        {
            return ProbeOutcome::Silent;
        }
        if let Some(outcome) = world.node_answers(target, now) {
            return outcome;
        }
        let Some(name) = world.at(target) else {
            return ProbeOutcome::Refused("nobody".to_owned());
        };
        let container = &world.containers[&name];
        if container.hangs || container.status.state == ContainerState::Paused {
            return ProbeOutcome::Silent;
        }
        let shares = container.shares;
        if shares && !world.serves(&name, now) && world.engine != EngineBehaviour::Hangs {
            return ProbeOutcome::Refused("closed".to_owned());
        }
        match (&world.engine, &world.containers[&name].status.state) {
            (EngineBehaviour::Boots(time), ContainerState::Running { since })
                if now.since(*since) >= *time =>
            {
                ProbeOutcome::Answered
            }
            (EngineBehaviour::Hangs, _) => ProbeOutcome::Silent,
            _ => ProbeOutcome::Refused("closed".to_owned()),
        }
    }

    async fn nodes(
        &self,
        target: &ProbeTarget,
        login: &Login,
        _: Duration,
    ) -> Result<Vec<NodeReport>, ManagementError> {
        assert_eq!(login.username, brokerd_provisioner::engine::MONITORING_USER);
        let world = self.world.lock().expect("not poisoned");
        let asked = world.at(target).ok_or(ManagementError::Failed("nobody".to_owned()))?;
        let alarms = match (&world.alarms, world.is_cluster(&asked)) {
            (Some(alarms), _) => alarms.clone(),
            (None, true) => Vec::new(),
            (None, false) => return Err(ManagementError::Failed("silent".to_owned())),
        };
        let mut nodes = world.containers.of(asked.broker);
        let paused = nodes.any(|(_, node)| node.status.state == ContainerState::Paused);
        assert!(!paused, "asked about a node that keeps everybody waiting");
        let peers = world.containers.names(asked.broker);
        let parted = |name: &InstanceName| world.parted.contains(&name.ordinal);
        let node = |name: &InstanceName| format!("rabbit@{}-{}", name.broker, name.ordinal);
        Ok(peers
            .iter()
            .map(|name| NodeReport {
                name: node(name),
                running: world.node_serves(name, self.clock.now())
                    && parted(name) == parted(&asked),
                apart_from: peers
                    .iter()
                    .filter(|other| parted(other) != parted(name))
                    .map(node)
                    .collect(),
                alarms: alarms.clone(),
            })
            .collect())
    }

    async fn is_quorum_critical(
        &self,
        target: &ProbeTarget,
        _: &Login,
        _: Duration,
    ) -> Result<bool, ManagementError> {
        let world = self.world.lock().expect("not poisoned");
        let asked = world.at(target).ok_or(ManagementError::Failed("nobody".to_owned()))?;
        let now = self.clock.now();
        let up = world.containers.of(asked.broker);
        let all_up = up.filter(|(name, _)| world.node_serves(name, now)).count() >= 3;
        Ok(!all_up || world.critical.contains(&asked.ordinal))
    }
}
