//! Observes the containers and engines of one broker.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use brokerd_domain::{
    Broker, DeploymentMode, DownLink, EngineType, Fault, FaultKind, Health, InstallationId, Intent,
    Protocol, Timestamp,
    instance::{ContainerState, InstanceName, InstanceStatus},
};
use futures_util::future::join_all;
use tokio::time::timeout;

use crate::{
    health::{LinkState, Login, ManagementError, Probe, ProbeTarget},
    plan::{Alarm, ClusterView, NodeReport, Observation, Observed, ObservedInstance, ProbeOutcome},
    runtime::Runtime,
};

/// How long one protocol may take to answer.
const PROBE_DEADLINE: Duration = Duration::from_secs(2);

/// How long one protocol of the active instance of a pair may take. After two silent probes its standby takes over. An
/// engine that halts for a second still answers the second probe.
pub const PAIR_DEADLINE: Duration = Duration::from_millis(650);

/// How long the runtime may take to return the state of an instance, because another call is cheaper than waiting for
/// one that hangs.
const STATUS_DEADLINE: Duration = Duration::from_secs(3);

/// How long to wait for an engine that boots before other brokers get their turn.
const BOOT_TIMEOUT: Duration = Duration::from_millis(250);

/// The input of an observation.
pub struct Observer<'a> {
    /// Where instances run.
    pub runtime: &'a dyn Runtime,
    /// The probe of engines.
    pub probe: &'a dyn Probe,
    /// The installation that the objects belong to.
    pub installation: &'a InstallationId,
    /// The protocols that must answer before an instance counts as ready.
    pub protocols: &'a [Protocol],
    /// The authorities of which one has issued the broker's certificate.
    pub authority_pem: &'a Arc<str>,
    /// The monitoring user, if the engine has one.
    pub login: Option<&'a Login>,
    /// The faults that are not over.
    pub faults: &'a [Fault],
    /// The present moment.
    pub now: Timestamp,
}

/// An instance that runs.
#[derive(Debug, Clone)]
pub struct RunningInstance {
    /// Its ordinal.
    pub ordinal: u8,
    /// Since when.
    pub since: Timestamp,
    /// Where its console answers, if it is known.
    pub console: Option<ProbeTarget>,
    /// Its status in the runtime.
    pub status: InstanceStatus,
}

impl Observer<'_> {
    /// Observes the broker. It never fails: what can't be observed is [`Observed::Unknown`].
    pub async fn observe(&self, broker: &Broker) -> Observation {
        let goes = broker.intent == Intent::Delete || broker.status.failure.is_some();
        let leftovers = if goes { self.leftovers(broker).await } else { Observed::Absent };
        let ordinals = 1..=broker.spec.deployment_mode.instances();
        let instances = match broker.intent {
            Intent::Delete => BTreeMap::new(),
            Intent::Run => {
                let statuses = join_all(ordinals.map(|n| self.status(broker, n))).await;
                let paused = statuses.iter().any(is_paused);
                let asked = (1..).zip(statuses).map(|(n, status)| async move {
                    (n, self.instance(broker, n, status, paused).await)
                });
                join_all(asked).await.into_iter().collect()
            }
        };
        Observation { instances, leftovers }
    }

    /// Which links to other brokers are down; `None` if the engine does not report it. A link that retries stays as it
    /// was.
    pub async fn links(&self, broker: &Broker, seen: &Observation) -> Option<Vec<DownLink>> {
        let login = self.login?;
        let (ordinal, status) = seen.instances.iter().find_map(|(ordinal, instance)| {
            let Observed::Present(instance) = instance else { return None };
            let answers = instance.answers.values();
            let serves = answers.len() > 0 && answers.clone().all(|a| *a == ProbeOutcome::Answered);
            serves.then_some((*ordinal, &instance.status))
        })?;
        let target = self.target(broker, ordinal, status, Protocol::Console)?;
        let reports = self.probe.links(&target, login, PROBE_DEADLINE).await.ok()?;
        let before = &broker.status.links_down;
        let down = reports.into_iter().filter_map(|report| match report.state {
            LinkState::Up => None,
            LinkState::Trying => before.iter().find(|link| link.link == report.link).cloned(),
            LinkState::Down(why) => Some(DownLink { link: report.link, why }),
        });
        Some(down.collect())
    }

    /// The instances that run, and whether the runtime reported all.
    pub async fn running(&self, broker: &Broker) -> (Vec<RunningInstance>, bool) {
        let ordinals = 1..=broker.spec.deployment_mode.instances();
        let statuses = join_all(ordinals.map(|n| self.status(broker, n))).await;
        let all = !statuses.iter().any(|status| matches!(status, Observed::Unknown(_)));
        let running = (1..).zip(statuses).filter_map(|(ordinal, status)| {
            let Observed::Present(status) = status else { return None };
            let ContainerState::Running { since } = status.state else { return None };
            let console = self.target(broker, ordinal, &status, Protocol::Console);
            Some(RunningInstance { ordinal, since, console, status })
        });
        (running.collect(), all)
    }

    async fn leftovers(&self, broker: &Broker) -> Observed<Vec<u8>> {
        let objects = match self.runtime.list_of(broker.id).await {
            Ok(objects) => objects,
            Err(error) => return Observed::Unknown(error.to_string()),
        };
        let mut ordinals: Vec<u8> = objects.iter().map(|o| o.ordinal.unwrap_or(1)).collect();
        ordinals.sort_unstable();
        ordinals.dedup();
        if ordinals.is_empty() { Observed::Absent } else { Observed::Present(ordinals) }
    }

    async fn status(&self, broker: &Broker, ordinal: u8) -> Observed<InstanceStatus> {
        let name =
            InstanceName { installation: self.installation.clone(), broker: broker.id, ordinal };
        match timeout(STATUS_DEADLINE, self.runtime.status(&name)).await {
            Ok(Ok(Some(status))) => Observed::Present(status),
            Ok(Ok(None)) => Observed::Absent,
            Ok(Err(error)) => Observed::Unknown(error.to_string()),
            Err(_) => Observed::Unknown("the runtime does not tell its state".to_owned()),
        }
    }

    /// Probes an instance. `paused`: another instance of the broker is paused.
    async fn instance(
        &self,
        broker: &Broker,
        ordinal: u8,
        status: Observed<InstanceStatus>,
        paused: bool,
    ) -> Observed<ObservedInstance> {
        let status = match status {
            Observed::Present(status) => status,
            Observed::Absent => return Observed::Absent,
            Observed::Unknown(why) => return Observed::Unknown(why),
        };
        let answers = match status.state {
            ContainerState::Running { .. } => self.ask(broker, ordinal, &status).await,
            ContainerState::Created | ContainerState::Paused | ContainerState::Exited { .. } => {
                BTreeMap::new()
            }
        };
        let serves = !answers.is_empty() && answers.values().all(|a| *a == ProbeOutcome::Answered);
        let (alarms, cluster) = match (self.login, broker.spec.engine_type) {
            // To answer about all nodes, a node asks each of them, and would wait for the paused one in vain.
            (Some(_), EngineType::RabbitMq) if serves && paused => {
                let why = "another node is paused";
                (Observed::Unknown(why.to_owned()), Observed::Unknown(why.to_owned()))
            }
            (Some(login), EngineType::RabbitMq) if serves => {
                self.nodes(broker, ordinal, &status, login).await
            }
            _ => (Observed::Absent, Observed::Absent),
        };
        let filled = self.filled(&status).await;
        Observed::Present(ObservedInstance { status, answers, alarms, cluster, filled })
    }

    /// Whether an instance's disk is filled; only asked while that matters.
    async fn filled(&self, status: &InstanceStatus) -> Observed<bool> {
        let matters = |fault: &Fault| {
            fault.spec.kind == FaultKind::FillDisk
                && fault.affected.is_some()
                && fault.ends > self.now
        };
        if !status.own_disk || !self.faults.iter().any(matters) {
            return Observed::Absent;
        }
        match self.runtime.is_filled(&status.id).await {
            Ok(filled) => Observed::Present(filled),
            Err(error) => Observed::Unknown(error.to_string()),
        }
    }

    /// A node's alarms and, in a cluster, its view of the others. During a reboot also whether its stop would lose a
    /// quorum.
    async fn nodes(
        &self,
        broker: &Broker,
        ordinal: u8,
        status: &InstanceStatus,
        login: &Login,
    ) -> (Observed<Vec<Alarm>>, Observed<ClusterView>) {
        let is_cluster = broker.spec.deployment_mode == DeploymentMode::ClusterMultiAz;
        let unknown = |why: String| {
            let cluster =
                if is_cluster { Observed::Unknown(why.clone()) } else { Observed::Absent };
            (Observed::Unknown(why), cluster)
        };
        let Some(target) = self.target(broker, ordinal, status, Protocol::Console) else {
            return unknown("no address is published".to_owned());
        };
        let nodes = match self.probe.nodes(&target, login, PROBE_DEADLINE).await {
            Ok(nodes) => nodes,
            Err(ManagementError::Forbidden) => {
                return (
                    Observed::Unknown(ManagementError::Forbidden.to_string()),
                    Observed::Absent,
                );
            }
            Err(why) => return unknown(why.to_string()),
        };
        let alarms = Observed::Present(raised(&nodes));
        if !is_cluster {
            return (alarms, Observed::Absent);
        }
        let quorum_critical = if broker.is_rebooting() {
            match self.probe.is_quorum_critical(&target, login, PROBE_DEADLINE).await {
                Ok(critical) => Observed::Present(critical),
                Err(why) => Observed::Unknown(why.to_string()),
            }
        } else {
            Observed::Absent
        };
        (alarms, Observed::Present(ClusterView { nodes, quorum_critical }))
    }

    /// Probes the protocols: of a booting instance one after the other, in the order in which engines open their
    /// listeners; of another instance all at once.
    async fn ask(
        &self,
        broker: &Broker,
        ordinal: u8,
        status: &InstanceStatus,
    ) -> BTreeMap<Protocol, ProbeOutcome> {
        let conditions = &broker.status.conditions;
        let health = conditions.iter().find(|c| c.ordinal == ordinal).map(|c| c.health);
        if health == Some(Health::Healthy) {
            return self.ask_quietly(broker, ordinal, status).await;
        }
        let (protocols, patient) = match health {
            // All protocols, until the one that failed has answered.
            Some(Health::Suspect) => {
                (every_protocol(broker.spec.engine_type, self.protocols), false)
            }
            _ => (self.protocols.to_vec(), true),
        };
        let is_pair = broker.spec.deployment_mode == DeploymentMode::ActiveStandbyMultiAz;
        let deadline = if is_pair && !patient { PAIR_DEADLINE } else { PROBE_DEADLINE };
        let targets: Option<Vec<ProbeTarget>> =
            protocols.iter().map(|p| self.target(broker, ordinal, status, *p)).collect();
        let Some(targets) = targets else {
            let nowhere = || ProbeOutcome::Refused("no address is published".to_owned());
            return protocols.iter().map(|p| (*p, nowhere())).collect();
        };
        if is_pair
            && patient
            && conditions.iter().any(|c| c.health == Health::Healthy)
            && let (Some(first), Some(protocol)) = (targets.first(), protocols.first())
        {
            // It does not listen while the other one serves.
            let outcome = self.probe.probe(first, PAIR_DEADLINE).await;
            if outcome != ProbeOutcome::Answered {
                return BTreeMap::from([(*protocol, outcome)]);
            }
        }
        let outcomes = if patient {
            self.probe.await_answers(&targets, deadline, BOOT_TIMEOUT).await
        } else {
            join_all(targets.iter().map(|t| self.probe.probe(t, deadline))).await
        };
        protocols.iter().copied().zip(outcomes).collect()
    }

    /// Probes an instance whose protocols have all answered before, without filling its log.
    async fn ask_quietly(
        &self,
        broker: &Broker,
        ordinal: u8,
        status: &InstanceStatus,
    ) -> BTreeMap<Protocol, ProbeOutcome> {
        let is_pair = broker.spec.deployment_mode == DeploymentMode::ActiveStandbyMultiAz;
        let deadline = if is_pair { PAIR_DEADLINE } else { PROBE_DEADLINE };
        let asked = quietly(broker, self.protocols, self.now).into_iter();
        let answers = asked.map(|(protocol, how)| async move {
            let outcome = match (self.target(broker, ordinal, status, protocol), how) {
                (None, _) => ProbeOutcome::Refused("no address is published".to_owned()),
                (Some(target), How::Protocol) => self.probe.probe(&target, deadline).await,
                (Some(target), How::Handshake) => self.probe.handshake(&target, deadline).await,
            };
            (protocol, outcome)
        });
        join_all(answers).await.into_iter().collect()
    }

    fn target(
        &self,
        broker: &Broker,
        ordinal: u8,
        status: &InstanceStatus,
        protocol: Protocol,
    ) -> Option<ProbeTarget> {
        let engine = broker.spec.engine_type;
        let instances = &broker.instances;
        let instance = match engine {
            EngineType::ActiveMq => instances.iter().find(|i| i.ordinal == ordinal)?,
            // A cluster has one set of endpoints for all of its nodes.
            EngineType::RabbitMq => instances.first()?,
        };
        Some(ProbeTarget {
            engine,
            protocol,
            address: *status.addresses.get(&protocol.engine_port(engine))?,
            server_name: instance.host.clone(),
            authority_pem: self.authority_pem.clone(),
        })
    }
}

const fn is_paused(status: &Observed<InstanceStatus>) -> bool {
    matches!(status, Observed::Present(InstanceStatus { state: ContainerState::Paused, .. }))
}

/// Every alarm that some node has raised.
fn raised(nodes: &[NodeReport]) -> Vec<Alarm> {
    let mut alarms: Vec<Alarm> = nodes.iter().flat_map(|node| node.alarms.clone()).collect();
    alarms.sort_unstable();
    alarms.dedup();
    alarms
}

/// The probes of an instance after a failed probe: all that it ever gets.
fn every_protocol(engine: EngineType, probes: &[Protocol]) -> Vec<Protocol> {
    let mut every = probes.to_vec();
    every.extend(unlogged(engine).iter().filter(|protocol| !probes.contains(protocol)));
    every
}

/// How an instance is probed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum How {
    /// In the protocol.
    Protocol,
    /// For a TLS handshake on the protocol's port.
    Handshake,
}

/// The protocols in which a probe leaves no line in the engine's log. RabbitMQ logs a warning for every AMQP connection
/// that ends without a login, ActiveMQ a line or two for every refused STOMP or MQTT login.
const fn unlogged(engine: EngineType) -> &'static [Protocol] {
    match engine {
        EngineType::ActiveMq => &[Protocol::Openwire, Protocol::Amqp],
        EngineType::RabbitMq => &[Protocol::Console],
    }
}

/// The pause between the handshake probes of a pair, in seconds. A single instance and a node get them at every look,
/// which is as often.
const HANDSHAKES_OF_PAIRS: i64 = 10;

/// The probes of an instance whose protocols have all answered before: those that leave no line in the engine's log.
/// The other protocols get a handshake; on RabbitMQ, AMQP itself during ten seconds of five minutes.
fn quietly(broker: &Broker, probes: &[Protocol], now: Timestamp) -> Vec<(Protocol, How)> {
    let engine = broker.spec.engine_type;
    let unlogged = unlogged(engine);
    let mut asked: Vec<_> = unlogged.iter().map(|protocol| (*protocol, How::Protocol)).collect();
    let seconds = now.as_seconds();
    let is_pair = broker.spec.deployment_mode == DeploymentMode::ActiveStandbyMultiAz;
    // A pair is observed more than twice a second.
    if !is_pair || seconds % HANDSHAKES_OF_PAIRS == 0 {
        let how = match engine {
            EngineType::RabbitMq if seconds / 10 % 30 == 0 => How::Protocol,
            EngineType::RabbitMq | EngineType::ActiveMq => How::Handshake,
        };
        let others = probes.iter().filter(|protocol| !unlogged.contains(protocol));
        asked.extend(others.map(|protocol| (*protocol, how)));
    }
    asked
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::engine::Engines;

    /// When each protocol is asked in five minutes, and how, by who looks every so often, in milliseconds.
    fn asked(
        engine: EngineType,
        mode: DeploymentMode,
        every: i64,
        phase: i64,
    ) -> BTreeMap<(Protocol, bool), Vec<i64>> {
        let mut broker = brokerd_domain::example::broker(engine);
        broker.spec.deployment_mode = mode;
        let mut times: BTreeMap<_, Vec<i64>> = BTreeMap::new();
        for at in (phase..phase + 300_000).step_by(usize::try_from(every).expect("positive")) {
            let now = Timestamp::from_micros(at * 1000);
            for (protocol, how) in quietly(&broker, Engines::default().of(engine).probes(), now) {
                times.entry((protocol, how == How::Protocol)).or_default().push(at);
            }
        }
        times
    }

    #[test]
    fn every_protocol_is_asked_often_and_what_engines_log_seldom() {
        for (engine, mode, every) in [
            (EngineType::RabbitMq, DeploymentMode::SingleInstance, 10_000),
            (EngineType::RabbitMq, DeploymentMode::ClusterMultiAz, 5_000),
            (EngineType::ActiveMq, DeploymentMode::SingleInstance, 10_000),
            (EngineType::ActiveMq, DeploymentMode::ActiveStandbyMultiAz, 400),
        ] {
            for phase in (0..10_000).step_by(700) {
                let times = asked(engine, mode, every, phase);
                let protocols: BTreeSet<_> = times.keys().map(|(protocol, _)| *protocol).collect();
                for probe in Engines::default().of(engine).probes() {
                    assert!(protocols.contains(probe), "{engine:?} {mode:?}: {probe:?}");
                }
                for protocol in protocols {
                    let of = |said| times.get(&(protocol, said)).into_iter().flatten().copied();
                    let mut all: Vec<i64> = of(true).chain(of(false)).collect();
                    all.sort_unstable();
                    let ends = [phase, phase + 300_000];
                    let gap = ends[..1].iter().chain(&all).zip(all.iter().chain(&ends[1..]));
                    let longest = gap.map(|(from, to)| to - from).max().expect("some");
                    assert!(longest <= 11_000, "{engine:?} {mode:?} {protocol:?}: {longest} ms");
                    let is_logged = !unlogged(engine).contains(&protocol);
                    let said = of(true).count();
                    assert!(!is_logged || said <= 2, "{engine:?} {mode:?} {protocol:?}: {said}");
                }
            }
        }
    }
}
