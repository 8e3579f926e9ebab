//! Whatever the nodes of a RabbitMQ cluster look like, a plan keeps the rules.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::SocketAddr,
    time::Duration,
};

use brokerd_domain::{
    DeploymentMode, EngineType, Generation, Health, InstanceCondition, Protocol, Reservation,
    Target, Timestamp,
    instance::{ContainerState, InstanceSpec, InstanceStatus, RuntimeId, SpecDigest, Volumes},
};
use brokerd_provisioner::{
    engine::instances,
    plan::{
        ClusterView, Decision, Desired, NodeReport, Observation, Observed, ObservedInstance, Plan,
        ProbeOutcome, Step, Subject, plan,
    },
};
use proptest::prelude::*;

use crate::specification::{LIMITS, NOW, is_about, specification};

fn ago(seconds: i64) -> Timestamp {
    Timestamp::from_micros(NOW.as_micros() - seconds * 1_000_000)
}

/// A node as it may be.
#[derive(Debug, Clone)]
struct Node {
    /// 0: can't be seen. 1: absent. 2: created. 3: paused. 4: ended. Else: runs.
    state: u8,
    answers: bool,
    since: i64,
    health: Health,
    failed_boots: u32,
    apart_for: Option<i64>,
    reboot: u32,
    /// Which nodes run for it; none: it does not tell, or was not asked.
    runs_for_it: Option<[bool; 3]>,
    was_asked: bool,
    apart_from: [bool; 3],
    critical: Option<bool>,
    silent_host: bool,
}

fn node() -> impl Strategy<Value = Node> {
    let health = prop_oneof![
        2 => Just(Health::Healthy),
        1 => Just(Health::Starting),
        1 => Just(Health::Suspect)
    ];
    let one = (
        prop_oneof![1 => 0u8..5, 6 => Just(5u8)],
        prop::bool::weighted(0.8),
        0i64..200,
        health,
        0u32..3,
        prop::option::of(0i64..300),
        0u32..2,
    );
    let whole = prop_oneof![4 => Just([true; 3]), 1 => any::<[bool; 3]>()];
    let together = prop_oneof![4 => Just([false; 3]), 1 => any::<[bool; 3]>()];
    let two = (
        prop::option::weighted(0.9, whole),
        prop::bool::weighted(0.9),
        together,
        prop::option::of(any::<bool>()),
    );
    (one, two).prop_map(|(one, two)| {
        let (state, answers, since, health, failed_boots, apart_for, reboot) = one;
        let (runs_for_it, was_asked, apart_from, critical) = two;
        Node {
            state,
            answers,
            since,
            health,
            failed_boots,
            apart_for,
            reboot,
            runs_for_it,
            was_asked,
            apart_from,
            critical,
            silent_host: false,
        }
    })
}

impl Node {
    fn serves(&self) -> bool {
        self.state == 5 && self.answers
    }

    fn seen(&self, ordinal: u8, spec: &InstanceSpec) -> Observed<ObservedInstance> {
        let state = match self.state {
            0 => return Observed::Unknown("the engine is away".to_owned()),
            1 => return Observed::Absent,
            2 => ContainerState::Created,
            3 => ContainerState::Paused,
            4 => ContainerState::Exited {
                code: 137,
                out_of_memory: false,
                last_log_lines: String::new(),
            },
            _ => ContainerState::Running { since: ago(self.since) },
        };
        let runs = self.state == 5;
        let address = SocketAddr::from(([127, 0, 0, 1], 40_000 + u16::from(ordinal)));
        let outcome = if self.answers { ProbeOutcome::Answered } else { ProbeOutcome::Silent };
        Observed::Present(ObservedInstance {
            status: InstanceStatus {
                id: RuntimeId(ordinal.to_string()),
                digest: if self.reboot == spec.reboot {
                    spec.digest()
                } else {
                    SpecDigest("older".to_owned())
                },
                generation: Generation(1),
                reboot: self.reboot.min(spec.reboot),
                image_id: Some("image".to_owned()),
                state,
                // The port of one that is paused is still published.
                addresses: (runs || self.state == 3)
                    .then_some((5671, address))
                    .into_iter()
                    .collect(),
                limits: LIMITS,
                own_disk: false,
                silent_host: self.silent_host.then(|| "host-1".to_owned()),
            },
            answers: if runs {
                BTreeMap::from([(Protocol::Amqp, outcome)])
            } else {
                BTreeMap::new()
            },
            alarms: Observed::Absent,
            cluster: self.view(ordinal),
            filled: Observed::Absent,
        })
    }

    fn view(&self, ordinal: u8) -> Observed<ClusterView> {
        if !self.serves() || !self.was_asked {
            return Observed::Absent;
        }
        let Some(running) = self.runs_for_it else {
            return Observed::Unknown("silent".to_owned());
        };
        let names = |which: &[bool; 3]| -> BTreeSet<String> {
            (1..=3).zip(which).filter(|(_, is)| **is).map(|(n, _)| format!("rabbit@h{n}")).collect()
        };
        let report = |n: u8| NodeReport {
            name: format!("rabbit@h{n}"),
            running: running[usize::from(n) - 1],
            apart_from: if n == ordinal { names(&self.apart_from) } else { BTreeSet::new() },
            alarms: Vec::new(),
        };
        let quorum_critical =
            self.critical.map_or_else(|| Observed::Unknown("silent".to_owned()), Observed::Present);
        Observed::Present(ClusterView { nodes: (1..=3).map(report).collect(), quorum_critical })
    }

    /// Whether it says that nothing is wrong, or there is nobody to ask.
    fn is_content(&self) -> bool {
        self.serves()
            && (!self.was_asked
                || self.runs_for_it == Some([true; 3]) && self.apart_from == [false; 3])
    }
}

fn decide(nodes: &[Node; 3], rebooting: bool) -> Plan {
    planned(decide_as(None, nodes, rebooting))
}

/// The plan, for which nothing has to be rendered.
fn planned(decision: Decision) -> Plan {
    let Decision::Plan(plan) = decision else { panic!("{decision:?}") };
    *plan
}

fn decide_as(desired: Option<&Desired>, nodes: &[Node; 3], rebooting: bool) -> Decision {
    let mut broker = crate::world::broker(EngineType::RabbitMq, 1);
    broker.spec.deployment_mode = DeploymentMode::ClusterMultiAz;
    broker.configurations.current = broker.configurations.pending.take();
    crate::world::allocate(&mut broker);
    broker.status.observed_generation = Some(Generation(1));
    broker.reboots_requested = u32::from(rebooting);
    let of = |ordinal: u8| &nodes[usize::from(ordinal) - 1];
    broker.status.conditions = (1..=3)
        .map(|ordinal| InstanceCondition {
            ordinal,
            health: of(ordinal).health,
            since: ago(of(ordinal).since),
            failed_boots: of(ordinal).failed_boots,
            out_of_memory: None,
            apart_since: of(ordinal).apart_for.map(ago),
        })
        .collect();
    let specs: Vec<_> =
        (1..=3).map(|ordinal| specification(&broker, ordinal, &[5671, 15671])).collect();
    let there = specs.iter().map(|s| (s.name.ordinal, of(s.name.ordinal).seen(s.name.ordinal, s)));
    let seen = Observation { instances: there.collect(), leftovers: Observed::Absent };
    let rendered = Desired::Instances(specs);
    // As the specifications of this test have them.
    let mut instances = instances(&broker);
    for identity in &mut instances {
        identity.hostname = format!("h{}", identity.ordinal);
    }
    let addresses = vec!["127.0.0.1:1".parse().expect("valid")];
    let subject = Subject {
        broker: &broker,
        instances: &instances,
        limits: Some(LIMITS),
        host_capacity: crate::world::HOST_CAPACITY,
        reservation: Some(Reservation::Granted(broker.spec.host_instance_type)),
        desired: desired.unwrap_or(&rendered),
        targets: &[Target { ordinal: 1, protocol: Protocol::Amqp, addresses }],
        faults: &[],
        boot_deadline: Duration::from_secs(60),
        boot_nano_cpus: 4_000_000_000,
        image_id: Some("image"),
        certificate_ends_soon: false,
    };
    let decided = plan(&subject, &seen, NOW);
    assert_eq!(decided, plan(&subject, &seen, NOW), "the same facts give the same plan");
    decided
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(20_000))]

    #[test]
    fn a_plan_for_a_cluster_keeps_the_rules(
        nodes in [node(), node(), node()],
        rebooting in any::<bool>(),
    ) {
        let plan = decide(&nodes, rebooting);
        let all_serve = nodes.iter().all(Node::serves);
        let all_content = nodes.iter().all(Node::is_content);
        let ended: Vec<&Node> = plan
            .steps
            .iter()
            .filter_map(|step| match step {
                Step::Stop(n, ..) | Step::Restart(n, _) => Some(&nodes[usize::from(*n) - 1]),
                _ => None,
            })
            .collect();
        if nodes.iter().any(|node| node.state == 0) {
            prop_assert!(plan.steps.is_empty(), "acted on what it did not see: {plan:?}");
        }
        // Of nodes that serve at most one goes, and only while all do.
        let serving = ended.iter().filter(|node| node.serves()).count();
        prop_assert!(serving == 0 || (all_serve && ended.len() == 1), "{plan:?}");
        if nodes.iter().any(Node::serves) {
            prop_assert!(ended.len() <= 1, "more than one while somebody serves: {plan:?}");
        }
        for step in &plan.steps {
            match step {
                Step::Stop(n, ..) if nodes[usize::from(*n) - 1].serves() => {
                    let node = &nodes[usize::from(*n) - 1];
                    prop_assert!(rebooting && all_content, "stopped for no reason: {plan:?}");
                    let asked = nodes.iter().all(|node| node.was_asked);
                    let waited = node.apart_for.is_some_and(|seconds| seconds >= 180);
                    prop_assert!(
                        !asked || node.critical == Some(false) || node.critical == Some(true) && waited,
                        "a quorum depends on it: {plan:?}"
                    );
                }
                Step::Restart(n, _) if nodes[usize::from(*n) - 1].serves() => {
                    let unknown = nodes.iter().any(|n| n.was_asked && n.runs_for_it.is_none());
                    let node = &nodes[usize::from(*n) - 1];
                    let long = node.apart_for.is_some_and(|seconds| seconds >= 15);
                    prop_assert!(!all_content && !unknown && long, "restarted what serves: {plan:?}");
                }
                Step::Remove(_, volumes) => prop_assert_eq!(volumes, &Volumes::Keep),
                Step::SetTargets(targets) => {
                    for address in targets.iter().flat_map(|target| &target.addresses) {
                        let node = &nodes[usize::from(address.port()) - 40_001];
                        prop_assert_eq!(node.state, 5, "led to one that does not run: {:?}", plan);
                    }
                }
                _ => {}
            }
        }
        if plan.completes.is_some() {
            let failed =
                nodes.iter().any(|node| node.reboot == 1 && node.health == Health::Starting);
            let is_over = rebooting && failed && plan.not_rebooted.is_some();
            prop_assert!(all_content || is_over, "complete with nodes that are not one cluster: {plan:?}");
        }
        prop_assert!(plan.failure.is_none(), "a broker that ran can't fail to be created: {plan:?}");
    }

    /// It may hold its disk, and write to it. The others go on with their majority.
    #[test]
    fn nothing_is_done_to_a_node_whose_host_is_silent(
        nodes in [node(), node(), node()],
        rebooting in any::<bool>(),
    ) {
        let mut nodes = nodes;
        nodes[0].silent_host = true;
        nodes[0].answers = false;
        if !matches!(nodes[0].state, 3 | 5) {
            return Ok(());
        }
        let plan = decide(&nodes, rebooting);
        prop_assert!(!plan.steps.iter().any(|step| is_about(step, 1)), "{plan:?}");
        let is_over = plan.completes.is_none() || plan.not_rebooted.is_some();
        prop_assert!(is_over, "complete without it: {plan:?}");
        for step in &plan.steps {
            if let Step::SetTargets(targets) = step {
                let led = targets.iter().flat_map(|target| &target.addresses);
                prop_assert!(led.clone().all(|address| address.port() != 40_001), "{plan:?}");
            }
        }
    }

    /// What should be decides whether anything is changed, and never whether anybody looks.
    #[test]
    fn a_cluster_is_supervised_whatever_should_be(
        nodes in [node(), node(), node()],
        rebooting in any::<bool>(),
    ) {
        let unrendered = decide_as(Some(&Desired::Unrendered), &nodes, rebooting);
        let unsupported = Desired::Unsupported("no room".to_owned());
        let unsupported = planned(decide_as(Some(&unsupported), &nodes, rebooting));
        if let Decision::Plan(unrendered) = unrendered {
            let unrendered = *unrendered;
            prop_assert_eq!(&unsupported, &unrendered);
            prop_assert_eq!(&decide(&nodes, rebooting), &unrendered);
        }
        if nodes.iter().any(|node| node.state == 0) {
            prop_assert!(!unsupported.acts(), "acted on what it did not see: {unsupported:?}");
            return Ok(());
        }
        for step in &unsupported.steps {
            let changes = matches!(step, Step::Apply(_) | Step::Remove(..) | Step::Stop(..));
            prop_assert!(!changes, "changed what can't be made: {unsupported:?}");
        }
        // Whatever has ended is started at once, all of it together, unless a boot has just failed.
        let again: BTreeSet<u8> = unsupported.steps.iter().filter_map(|step| match step {
            Step::Start(ordinal, _) => Some(*ordinal),
            _ => None,
        }).collect();
        let restarts = unsupported.steps.iter().any(|step| matches!(step, Step::Restart(..)));
        for (ordinal, node) in (1..).zip(&nodes) {
            if node.state == 4 && node.health != Health::Starting && !restarts {
                prop_assert!(again.contains(&ordinal), "it is dead: {unsupported:?}");
            }
        }
        let is_hung = |node: &Node| {
            node.state == 3 && !node.answers && node.health == Health::Suspect && node.since >= 60
        };
        let others = nodes.iter().filter(|node| node.serves()).count();
        if nodes.iter().any(is_hung) && others == 2 {
            prop_assert!(restarts, "it hangs: {unsupported:?}");
        }
    }
}
