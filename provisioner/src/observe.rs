//! Reads the world as far as one broker is concerned.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use brokerd_domain::{
    Broker, DeploymentMode, DownLink, EngineType, Fault, FaultKind, Health, InstallationId, Intent,
    Protocol, Timestamp,
};
use futures_util::future::join_all;
use tokio::time::timeout;

use crate::{
    health::{Alarm, LinkState, Login, NodeReport, NotTold, Probe, ProbeOutcome, ProbeTarget},
    plan::{ClusterView, Observed, Seen, SeenInstance},
    runtime::{ContainerState, InstanceName, InstanceStatus, Runtime},
};

/// How long one protocol may take to answer.
const PROBE_DEADLINE: Duration = Duration::from_secs(2);

/// How long one protocol of the instance of a pair that serves may take: when it is silent twice, its
/// standby takes over. Whoever halts for a second still answers the second time.
pub const PAIR_DEADLINE: Duration = Duration::from_millis(650);

/// How long the runtime may take to tell the state of an instance. Asking again is cheaper than waiting for a call that
/// hangs.
const STATUS_DEADLINE: Duration = Duration::from_secs(3);

/// How long to wait for an engine that boots before other brokers get their turn.
const BOOT_PATIENCE: Duration = Duration::from_millis(250);

/// What is asked of whom.
pub struct Observer<'a> {
    /// Where instances run.
    pub runtime: &'a dyn Runtime,
    /// Who asks the engines.
    pub probe: &'a dyn Probe,
    /// Whose objects to look at.
    pub installation: &'a InstallationId,
    /// The protocols that must answer before an instance counts as ready.
    pub protocols: &'a [Protocol],
    /// The authorities of which one has issued the broker's certificate.
    pub authority_pem: &'a Arc<str>,
    /// Who asks the engine about itself, if it knows such a user.
    pub login: Option<&'a Login>,
    /// The faults that are not over.
    pub faults: &'a [Fault],
    /// The present moment.
    pub now: Timestamp,
}

impl Observer<'_> {
    /// Looks. Never fails: what can't be seen is [`Observed::Unknown`].
    pub async fn observe(&self, broker: &Broker) -> Seen {
        let leftovers = match broker.intent {
            Intent::Delete => self.leftovers(broker).await,
            Intent::Run => Observed::Absent,
        };
        let ordinals = 1..=broker.spec.deployment_mode.instances();
        let instances = match broker.intent {
            Intent::Delete => BTreeMap::new(),
            Intent::Run => {
                let statuses = join_all(ordinals.map(|n| self.status(broker, n))).await;
                let frozen = statuses.iter().any(is_frozen);
                let asked = (1..).zip(statuses).map(|(n, status)| async move {
                    (n, self.instance(broker, n, status, frozen).await)
                });
                join_all(asked).await.into_iter().collect()
            }
        };
        Seen { instances, leftovers }
    }

    /// Which links to other brokers are down; none: it is not told. One that tries again is what it was before.
    pub async fn links(&self, broker: &Broker, seen: &Seen) -> Option<Vec<DownLink>> {
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

    async fn leftovers(&self, broker: &Broker) -> Observed<Vec<u8>> {
        let objects = match self.runtime.list().await {
            Ok(objects) => objects,
            Err(error) => return Observed::Unknown(error.to_string()),
        };
        let mut ordinals: Vec<u8> = objects
            .iter()
            .filter(|o| o.broker == broker.id)
            .map(|o| o.ordinal.unwrap_or(1))
            .collect();
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

    /// Asks an instance, of which one may be `frozen`.
    async fn instance(
        &self,
        broker: &Broker,
        ordinal: u8,
        status: Observed<InstanceStatus>,
        frozen: bool,
    ) -> Observed<SeenInstance> {
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
            // Whoever is asked about all nodes asks all nodes, and waits for that one in vain.
            (Some(_), EngineType::RabbitMq) if serves && frozen => {
                let why = "another node is frozen";
                (Observed::Unknown(why.to_owned()), Observed::Unknown(why.to_owned()))
            }
            (Some(login), EngineType::RabbitMq) if serves => {
                self.nodes(broker, ordinal, &status, login).await
            }
            _ => (Observed::Absent, Observed::Absent),
        };
        let filled = self.filled(&status).await;
        Observed::Present(SeenInstance { status, answers, alarms, cluster, filled })
    }

    /// Whether an instance's disk is filled; only asked while that matters.
    async fn filled(&self, status: &InstanceStatus) -> Observed<bool> {
        let matters = |fault: &Fault| {
            fault.spec.kind == FaultKind::FillDisk
                && fault.struck.is_some()
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

    /// What a node says about alarms and, in a cluster, about the others; whether it may be stopped only
    /// while a reboot may stop it.
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
            Err(NotTold::Forbidden) => {
                return (Observed::Unknown(NotTold::Forbidden.to_string()), Observed::Absent);
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

    /// Asks the protocols: those of a booting instance while it opens its listeners, which engines do
    /// in the order of the list; those of another at once.
    async fn ask(
        &self,
        broker: &Broker,
        ordinal: u8,
        status: &InstanceStatus,
    ) -> BTreeMap<Protocol, ProbeOutcome> {
        let conditions = &broker.status.conditions;
        let condition = conditions.iter().find(|c| c.ordinal == ordinal);
        let (protocols, patient) = match condition.map(|c| c.health) {
            Some(Health::Healthy) => {
                (quiet_protocols(broker.spec.engine_type, self.now).to_vec(), false)
            }
            // Until it answers the one that failed, whichever that was.
            Some(Health::Suspect) => {
                (every_protocol(broker.spec.engine_type, self.protocols), false)
            }
            Some(Health::Standby | Health::Starting) | None => (self.protocols.to_vec(), true),
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
            self.probe.await_answers(&targets, deadline, BOOT_PATIENCE).await
        } else {
            join_all(targets.iter().map(|t| self.probe.probe(t, deadline))).await
        };
        protocols.iter().copied().zip(outcomes).collect()
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
            // Whatever its nodes, it is one instance to the outside.
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

const fn is_frozen(status: &Observed<InstanceStatus>) -> bool {
    matches!(status, Observed::Present(InstanceStatus { state: ContainerState::Paused, .. }))
}

/// Every alarm that some node has raised.
fn raised(nodes: &[NodeReport]) -> Vec<Alarm> {
    let mut alarms: Vec<Alarm> = nodes.iter().flat_map(|node| node.alarms.clone()).collect();
    alarms.sort_unstable();
    alarms.dedup();
    alarms
}

/// What to ask an instance that has failed to answer something: whatever it is ever asked.
fn every_protocol(engine: EngineType, probes: &[Protocol]) -> Vec<Protocol> {
    let mut every = probes.to_vec();
    let quiet = match engine {
        EngineType::ActiveMq => ACTIVEMQ_QUIET,
        EngineType::RabbitMq => RABBITMQ_ALL,
    };
    every.extend(quiet.iter().filter(|protocol| !probes.contains(protocol)));
    every
}

const ACTIVEMQ_QUIET: &[Protocol] = &[Protocol::Openwire, Protocol::Amqp];
const RABBITMQ_QUIET: &[Protocol] = &[Protocol::Console];
const RABBITMQ_ALL: &[Protocol] = &[Protocol::Console, Protocol::Amqp];

/// What to ask an instance that has proved all of its protocols: what leaves no line in the engine's
/// log. RabbitMQ logs a warning for every AMQP connection that ends before it logs in, so AMQP itself
/// is asked only now and then, its management listener otherwise.
const fn quiet_protocols(engine: EngineType, now: Timestamp) -> &'static [Protocol] {
    match engine {
        EngineType::ActiveMq => ACTIVEMQ_QUIET,
        EngineType::RabbitMq if now.as_seconds() / 10 % 30 == 0 => RABBITMQ_ALL,
        EngineType::RabbitMq => RABBITMQ_QUIET,
    }
}
