//! Pairs as they may be seen, and what is decided about them.

use std::{collections::BTreeMap, net::SocketAddr, time::Duration};

use brokerd_domain::{
    DeploymentMode, EngineType, Generation, Health, InstanceCondition, Protocol, Reservation,
    Target, Timestamp,
    instance::{ContainerState, InstanceSpec, InstanceStatus, Limits, RuntimeId},
};
use brokerd_provisioner::{
    engine::instances,
    plan::{
        Decision, Desired, Observation, Observed, ObservedInstance, Plan, ProbeOutcome, Subject,
        plan,
    },
};
use proptest::prelude::*;

pub(crate) use crate::specification::{LIMITS, NOW};
use crate::{specification::specification, world};

pub(crate) const PORTS: [u16; 2] = [61617, 5671];
pub(crate) const BOOT_NANO_CPUS: u64 = 4_000_000_000;
pub(crate) fn ago(millis: u64) -> Timestamp {
    Timestamp::from_micros(NOW.as_micros() - i64::try_from(millis).expect("small") * 1000)
}

/// An instance and what is remembered of it.
#[derive(Debug, Clone)]
pub(crate) struct Half {
    /// None: it is not there.
    pub(crate) state: Option<ContainerState>,
    pub(crate) blind: bool,
    pub(crate) answers: [ProbeOutcome; 2],
    pub(crate) reboot: u32,
    pub(crate) reachable: bool,
    pub(crate) health: Health,
    pub(crate) millis: u64,
    pub(crate) failed_boots: u32,
    pub(crate) silent_host: bool,
}

impl Half {
    pub(crate) fn running(health: Health, answers: bool, millis: u64) -> Self {
        let outcome = if answers { ProbeOutcome::Answered } else { ProbeOutcome::Silent };
        Self {
            state: Some(ContainerState::Running { since: ago(60_000) }),
            blind: false,
            answers: [outcome.clone(), outcome],
            reboot: 0,
            reachable: true,
            health,
            millis,
            failed_boots: 0,
            silent_host: false,
        }
    }

    pub(crate) fn runs(&self) -> bool {
        !self.blind && matches!(self.state, Some(ContainerState::Running { .. }))
    }

    pub(crate) fn serves(&self) -> bool {
        self.runs() && self.answers.iter().all(|a| *a == ProbeOutcome::Answered)
    }

    pub(crate) fn is_paused(&self) -> bool {
        matches!(self.state, Some(ContainerState::Paused))
    }

    pub(crate) fn was_active(&self) -> bool {
        matches!(self.health, Health::Healthy | Health::Suspect)
    }

    pub(crate) fn seen(&self, spec: &InstanceSpec) -> Observed<ObservedInstance> {
        if self.blind {
            return Observed::Unknown("the engine is silent".to_owned());
        }
        let Some(state) = &self.state else { return Observed::Absent };
        let running = self.runs();
        let addresses =
            if running && self.reachable { addresses(spec.name.ordinal) } else { vec![] };
        // A standby may use what the host has.
        let nano_cpus =
            if self.health == Health::Standby { BOOT_NANO_CPUS } else { LIMITS.nano_cpus };
        let limits = Limits { nano_cpus, ..LIMITS };
        let protocols = [Protocol::Openwire, Protocol::Amqp];
        let answers = protocols.into_iter().zip(self.answers.clone()).filter(|_| running);
        Observed::Present(ObservedInstance {
            status: InstanceStatus {
                id: RuntimeId(format!("seen-{}", spec.name.ordinal)),
                digest: spec.digest(),
                generation: Generation(1),
                reboot: self.reboot,
                image_id: Some("image".to_owned()),
                state: state.clone(),
                addresses: addresses.into_iter().collect(),
                limits,
                own_disk: false,
                silent_host: self.silent_host.then(|| "host-1".to_owned()),
            },
            answers: answers.collect(),
            alarms: Observed::Absent,
            cluster: Observed::Absent,
            filled: Observed::Absent,
        })
    }

    pub(crate) fn condition(&self, ordinal: u8) -> InstanceCondition {
        InstanceCondition {
            ordinal,
            health: self.health,
            since: ago(self.millis),
            failed_boots: self.failed_boots,
            out_of_memory: None,
            apart_since: None,
        }
    }
}

pub(crate) fn addresses(ordinal: u8) -> Vec<(u16, SocketAddr)> {
    let at = |n: u16| SocketAddr::from(([127, 0, 0, 1], 40_000 + u16::from(ordinal) * 10 + n));
    PORTS.into_iter().zip(0..).map(|(port, n)| (port, at(n))).collect()
}

pub(crate) fn decide(halves: &[Half; 2], observed: bool, reboots: u32, led: Option<u8>) -> Plan {
    planned(decide_as(None, halves, observed, reboots, led))
}

/// The plan, for which nothing has to be rendered.
pub(crate) fn planned(decision: Decision) -> Plan {
    let Decision::Plan(plan) = decision else { panic!("{decision:?}") };
    *plan
}

/// What should be, unless it was rendered.
pub(crate) fn unrendered() -> [Desired; 3] {
    [Desired::Unrendered, Desired::MissingMaterials, Desired::Unsupported("no room".to_owned())]
}

pub(crate) fn decide_as(
    desired: Option<&Desired>,
    halves: &[Half; 2],
    observed: bool,
    reboots: u32,
    led: Option<u8>,
) -> Decision {
    let mut broker = world::broker(EngineType::ActiveMq, 1);
    broker.spec.deployment_mode = DeploymentMode::ActiveStandbyMultiAz;
    broker.configurations.current = broker.configurations.pending.take();
    world::allocate(&mut broker);
    broker.status.observed_generation = observed.then_some(Generation(1));
    broker.reboots_requested = reboots;
    let specs: Vec<InstanceSpec> =
        (1..=2).map(|ordinal| specification(&broker, ordinal, &PORTS)).collect();
    let mut there = BTreeMap::new();
    for (half, spec) in halves.iter().zip(&specs) {
        let ordinal = spec.name.ordinal;
        broker.status.conditions.push(half.condition(ordinal));
        there.insert(ordinal, half.seen(spec));
    }
    let seen = Observation { instances: there, leftovers: Observed::Absent };
    let led: BTreeMap<u16, SocketAddr> = led.map(addresses).into_iter().flatten().collect();
    let targets: Vec<Target> = (1..=2)
        .flat_map(|ordinal| [(ordinal, Protocol::Openwire), (ordinal, Protocol::Amqp)])
        .map(|(ordinal, protocol)| {
            let address = led.get(&protocol.engine_port(EngineType::ActiveMq)).copied();
            Target { ordinal, protocol, addresses: address.into_iter().collect() }
        })
        .collect();
    let rendered = Desired::Instances(specs);
    // As the specifications of this test have them.
    let mut instances = instances(&broker);
    instances.iter_mut().for_each(|identity| identity.ports = PORTS.to_vec());
    let subject = Subject {
        broker: &broker,
        instances: &instances,
        limits: Some(LIMITS),
        host_capacity: world::HOST_CAPACITY,
        reservation: Some(Reservation::Granted(broker.spec.host_instance_type)),
        desired: desired.unwrap_or(&rendered),
        targets: &targets,
        faults: &[],
        boot_deadline: Duration::from_secs(60),
        boot_nano_cpus: BOOT_NANO_CPUS,
        image_id: Some("image"),
        certificate_ends_soon: false,
    };
    plan(&subject, &seen, NOW)
}

pub(crate) fn half() -> impl Strategy<Value = Half> {
    let state = prop_oneof![
        1 => Just(None),
        1 => Just(Some(ContainerState::Created)),
        1 => Just(Some(ContainerState::Paused)),
        6 => (0u64..100_000).prop_map(|m| Some(ContainerState::Running { since: ago(m) })),
        2 => (-1i64..256).prop_map(|code| Some(ContainerState::Exited {
            code, out_of_memory: false, last_log_lines: String::new()
        })),
    ];
    let outcome = prop_oneof![
        3 => Just(ProbeOutcome::Answered),
        1 => Just(ProbeOutcome::Silent),
        2 => Just(ProbeOutcome::Refused("closed".to_owned())),
    ];
    let health = prop_oneof![
        Just(Health::Starting),
        Just(Health::Healthy),
        Just(Health::Suspect),
        Just(Health::Standby),
    ];
    let facts = (prop::bool::weighted(0.1), prop::bool::weighted(0.9), 0u32..3);
    (state, outcome.clone(), outcome, facts, health, 0u64..30_000, 0u32..4).prop_map(
        |(state, one, two, (blind, reachable, reboot), health, millis, failed_boots)| Half {
            state,
            blind,
            answers: [one, two],
            reboot,
            reachable,
            health,
            millis,
            failed_boots,
            silent_host: false,
        },
    )
}

pub(crate) fn standby() -> Half {
    Half::running(Health::Standby, false, 10_000)
}
