//! Whatever a pair looks like, a plan keeps the rules.

mod world;

use std::{collections::BTreeMap, net::SocketAddr, ops::Range, time::Duration};

use brokerd_domain::{
    DeploymentMode, EngineType, Generation, Health, InstanceCondition, Next, Protocol, Target,
    Timestamp, VerdictKind,
};
use brokerd_provisioner::{
    engine::instances,
    health::ProbeOutcome,
    observe::PAIR_DEADLINE,
    plan::{Desired, Observed, Plan, Seen, SeenInstance, Step, Subject, plan},
    runtime::{
        ContainerState, InstanceName, InstanceSpec, InstanceStatus, Limits, RuntimeId, Volumes,
    },
};
use proptest::prelude::*;

const NOW: Timestamp = Timestamp::from_micros(1_790_000_000_000_000);
const PORTS: [u16; 2] = [61617, 5671];
const BOOT_NANO_CPUS: u64 = 4_000_000_000;
const LIMITS: Limits = Limits { memory_bytes: 1 << 30, nano_cpus: 1_000_000_000, pids: 512 };

fn ago(millis: u64) -> Timestamp {
    Timestamp::from_micros(NOW.as_micros() - i64::try_from(millis).expect("small") * 1000)
}

/// An instance and what is remembered of it.
#[derive(Debug, Clone)]
struct Half {
    /// None: it is not there.
    state: Option<ContainerState>,
    blind: bool,
    answers: [ProbeOutcome; 2],
    reboot: u32,
    reachable: bool,
    health: Health,
    millis: u64,
    failed_boots: u32,
}

impl Half {
    fn running(health: Health, answers: bool, millis: u64) -> Self {
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
        }
    }

    fn runs(&self) -> bool {
        !self.blind && matches!(self.state, Some(ContainerState::Running { .. }))
    }

    fn serves(&self) -> bool {
        self.runs() && self.answers.iter().all(|a| *a == ProbeOutcome::Answered)
    }

    fn is_frozen(&self) -> bool {
        matches!(self.state, Some(ContainerState::Paused))
    }

    fn was_active(&self) -> bool {
        matches!(self.health, Health::Healthy | Health::Suspect)
    }

    fn seen(&self, spec: &InstanceSpec) -> Observed<SeenInstance> {
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
        Observed::Present(SeenInstance {
            status: InstanceStatus {
                id: RuntimeId(format!("seen-{}", spec.name.ordinal)),
                digest: spec.digest(),
                generation: Generation(1),
                reboot: self.reboot,
                image_id: "image".to_owned(),
                state: state.clone(),
                addresses: addresses.into_iter().collect(),
                limits,
                own_disk: false,
            },
            answers: answers.collect(),
            alarms: Observed::Absent,
            cluster: Observed::Absent,
            filled: Observed::Absent,
        })
    }

    fn condition(&self, ordinal: u8) -> InstanceCondition {
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

fn addresses(ordinal: u8) -> Vec<(u16, SocketAddr)> {
    let at = |n: u16| SocketAddr::from(([127, 0, 0, 1], 40_000 + u16::from(ordinal) * 10 + n));
    PORTS.into_iter().zip(0..).map(|(port, n)| (port, at(n))).collect()
}

fn decide(halves: &[Half; 2], observed: bool, reboots: u32, led: Option<u8>) -> Plan {
    decide_as(None, halves, observed, reboots, led)
}

/// What should be, unless it was rendered.
fn unrendered() -> [Desired; 3] {
    [Desired::Unrendered, Desired::Undecided, Desired::Unsupported("no room".to_owned())]
}

fn decide_as(
    desired: Option<&Desired>,
    halves: &[Half; 2],
    observed: bool,
    reboots: u32,
    led: Option<u8>,
) -> Plan {
    let mut broker = world::broker(EngineType::ActiveMq, 1);
    broker.spec.deployment_mode = DeploymentMode::ActiveStandbyMultiAz;
    broker.configurations.current = broker.configurations.pending.take();
    world::allocate(&mut broker);
    broker.status.observed_generation = observed.then_some(Generation(1));
    broker.reboots_requested = reboots;
    let specs: Vec<InstanceSpec> = (1..=2).map(|ordinal| spec(&broker, ordinal)).collect();
    let mut there = BTreeMap::new();
    for (half, spec) in halves.iter().zip(&specs) {
        let ordinal = spec.name.ordinal;
        broker.status.conditions.push(half.condition(ordinal));
        there.insert(ordinal, half.seen(spec));
    }
    let seen = Seen { instances: there, leftovers: Observed::Absent };
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

fn spec(broker: &brokerd_domain::Broker, ordinal: u8) -> InstanceSpec {
    InstanceSpec {
        name: InstanceName {
            installation: "test".parse().expect("valid"),
            broker: broker.id,
            ordinal,
        },
        generation: broker.generation,
        reboot: broker.reboots_requested,
        hostname: "h".to_owned(),
        image: "i".to_owned(),
        former_image: None,
        user: (1, 1),
        owns_data: true,
        command: Vec::new(),
        environment: Vec::new(),
        ports: PORTS.to_vec(),
        volumes: Vec::new(),
        disk_bytes: None,
        tmpfs: Vec::new(),
        files: Vec::new(),
        limits: LIMITS,
        open_files: 1,
        stop_grace: Duration::from_secs(30),
    }
}

fn half() -> impl Strategy<Value = Half> {
    let state = prop_oneof![
        1 => Just(None),
        1 => Just(Some(ContainerState::Created)),
        1 => Just(Some(ContainerState::Paused)),
        6 => (0u64..100_000).prop_map(|m| Some(ContainerState::Running { since: ago(m) })),
        2 => (-1i64..256).prop_map(|code| Some(ContainerState::Exited {
            code, out_of_memory: false, last_words: String::new()
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
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(20_000))]

    #[test]
    fn a_plan_of_a_pair_keeps_the_rules(
        halves in [half(), half()],
        observed in any::<bool>(),
        reboots in 0u32..3,
        led in prop::option::of(1u8..3),
    ) {
        let plan = decide(&halves, observed, reboots, led);
        prop_assert!(!plan.sentence.is_empty());
        let disruptive = plan.steps.iter().filter(|s| s.is_disruptive()).count();
        prop_assert!(disruptive <= 1, "more than one disruptive step: {plan:?}");
        if halves.iter().any(|half| half.blind) {
            prop_assert!(plan.steps.is_empty(), "acted on what it did not see: {plan:?}");
            prop_assert!(plan.completes.is_none());
        }
        let of = |ordinal: u8| (&halves[usize::from(ordinal) - 1], &halves[2 - usize::from(ordinal)]);
        for step in &plan.steps {
            match step {
                Step::Stop(ordinal, id, grace) => {
                    prop_assert_eq!(&id.0, &format!("seen-{ordinal}"));
                    let (it, other) = of(*ordinal);
                    if it.serves() && !other.serves() {
                        let stands_by = other.runs() && other.health == Health::Standby;
                        prop_assert!(stands_by && !grace.is_zero(), "the only one: {plan:?}");
                        prop_assert!(it.reboot < reboots || !observed, "for no reason: {plan:?}");
                    } else if !other.serves() {
                        prop_assert!(it.was_active() || it.is_frozen(), "it may take over: {plan:?}");
                    }
                }
                Step::Restart(ordinal, id) => {
                    prop_assert_eq!(&id.0, &format!("seen-{ordinal}"));
                    let (it, other) = of(*ordinal);
                    prop_assert!(!it.serves(), "restarted what serves: {plan:?}");
                    let overdue = matches!(&it.state, Some(ContainerState::Running { since })
                        if NOW.since(*since) >= Duration::from_secs(60));
                    prop_assert!(
                        other.serves() || it.is_frozen() || overdue,
                        "it may be taking over: {plan:?}"
                    );
                }
                Step::Remove(ordinal, volumes) => {
                    prop_assert_eq!(*volumes, Volumes::Keep);
                    prop_assert!(!of(*ordinal).0.runs(), "removed what runs: {plan:?}");
                }
                Step::SetTargets(targets) => {
                    let led_to: Vec<_> = targets.iter().flat_map(|t| &t.addresses).collect();
                    let serves = |ordinal: u8| {
                        of(ordinal).0.serves()
                            && led_to.iter().all(|a| addresses(ordinal).iter().any(|(_, b)| b == *a))
                    };
                    prop_assert!(
                        led_to.is_empty() || serves(1) || serves(2),
                        "led to who does not serve: {plan:?}"
                    );
                }
                _ => {}
            }
        }
        if plan.completes.is_some() && plan.not_rebooted.is_none() {
            let one = halves.iter().filter(|half| half.serves()).count() == 1;
            prop_assert!(one && halves.iter().all(Half::runs), "not whole: {plan:?}");
            prop_assert!(halves.iter().all(|half| half.reboot >= reboots || observed));
        }
        if plan.failure.is_some() {
            prop_assert!(!observed, "a broker that ran can't fail to be created: {plan:?}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(5_000))]

    /// What should be decides whether anything is changed, and never whether anybody looks.
    #[test]
    fn a_pair_is_supervised_whatever_should_be(
        halves in [half(), half()],
        reboots in 0u32..3,
        led in prop::option::of(1u8..3),
    ) {
        let [unrendered, undecided, unsupported] =
            unrendered().map(|desired| decide_as(Some(&desired), &halves, true, reboots, led));
        if !unrendered.needs_rendering {
            prop_assert_eq!(&undecided, &unrendered);
            prop_assert_eq!(&unsupported, &unrendered);
            prop_assert_eq!(&decide(&halves, true, reboots, led), &unrendered);
        }
        if halves.iter().any(|half| half.blind) {
            prop_assert!(!unsupported.acts(), "acted on what it did not see: {unsupported:?}");
            return Ok(());
        }
        if halves.iter().any(|half| half.state.is_some() && half.reboot > reboots) {
            return Ok(());
        }
        let serving: Vec<u8> =
            (1..=2).filter(|n| halves[usize::from(*n) - 1].serves()).collect();
        for step in &unsupported.steps {
            prop_assert!(!matches!(step, Step::Apply(_) | Step::Remove(..)), "{unsupported:?}");
            if let (Step::Stop(ordinal, ..), [active]) = (step, serving.as_slice()) {
                prop_assert_ne!(ordinal, active, "stopped what serves: {:?}", unsupported);
            }
        }
        match serving.as_slice() {
            [active] if led != Some(*active) && halves[usize::from(*active) - 1].reachable => {
                let leads = unsupported.steps.iter().any(|s| matches!(s, Step::SetTargets(_)));
                prop_assert!(leads, "clients wait: {unsupported:?}");
            }
            [] => {
                let is_hung = |half: &Half| {
                    let stands_long = matches!(half.state, Some(ContainerState::Running { since })
                        if NOW.since(since) > Duration::from_millis(half.millis));
                    half.health == Health::Suspect && half.millis >= 20_000 && stands_long
                };
                let actives = halves.iter().filter(|half| half.was_active()).count();
                if halves.iter().any(is_hung) && actives == 1 {
                    prop_assert!(
                        unsupported.steps.iter().any(Step::is_disruptive),
                        "it hangs: {unsupported:?}"
                    );
                }
                let dead = |half: &Half| matches!(half.state, Some(ContainerState::Exited { .. }))
                    && half.failed_boots == 0 && !half.was_active();
                if halves.iter().all(dead) {
                    let starts = unsupported.steps.iter().filter(|s| matches!(s, Step::Start(..)));
                    prop_assert_eq!(starts.count(), 2, "both are dead: {:?}", unsupported);
                }
            }
            _ => {}
        }
    }
}

fn standby() -> Half {
    Half::running(Health::Standby, false, 10_000)
}

#[test]
fn a_pair_of_which_one_serves_and_one_stands_by_is_left_alone() {
    let halves = [Half::running(Health::Healthy, true, 10_000), standby()];
    let plan = decide(&halves, true, 0, Some(1));
    assert_eq!((plan.steps.as_slice(), plan.kind), ([].as_slice(), VerdictKind::Converged));
}

#[test]
fn a_silent_active_is_killed_the_second_time_and_not_before() {
    let silent = Half::running(Health::Healthy, false, 10_000);
    let first = decide(&[silent, standby()], true, 0, Some(1));
    assert_eq!((first.steps.as_slice(), first.kind), ([].as_slice(), VerdictKind::Progressing));
    assert_eq!(first.conditions.as_ref().expect("decided")[0].health, Health::Suspect);

    let again = Half::running(Health::Suspect, false, 600);
    let second = decide(&[again.clone(), standby()], true, 0, Some(1));
    let stop = Step::Stop(1, RuntimeId("seen-1".to_owned()), Duration::ZERO);
    assert_eq!(second.steps.last(), Some(&stop));
    assert!(matches!(&second.steps[0], Step::SetTargets(t) if t.len() == 4), "{second:?}");

    // Nobody could take over: it gets the time that a single instance gets.
    let booting = Half { health: Health::Starting, millis: 100, ..standby() };
    assert_eq!(decide(&[again.clone(), booting], true, 0, Some(1)).steps, []);
    // One protocol that does not answer is no reason for a failover.
    let answers = [ProbeOutcome::Answered, ProbeOutcome::Silent];
    let lame = Half { answers, ..again };
    assert_eq!(decide(&[lame, standby()], true, 0, Some(1)).steps, []);
}

/// Looks at a pair on a clock of its own, in milliseconds, whose active instance says nothing in `silence` and
/// else answers after `latency`; `effort` is what a look takes besides. When it is killed, if that happens.
fn killed_at(first: u64, silence: Range<u64>, latency: u64, effort: u64) -> Option<u64> {
    let deadline = u64::try_from(PAIR_DEADLINE.as_millis()).expect("small");
    let mut clock = first;
    let (mut health, mut since) = (Health::Healthy, 0);
    while clock < silence.start + 30_000 {
        clock += effort;
        let undisturbed = clock + latency;
        let answer = if undisturbed > silence.start && clock < silence.end {
            silence.end.saturating_add(undisturbed - silence.start.max(clock))
        } else {
            undisturbed
        };
        let answers = answer <= clock + deadline;
        clock = if answers { answer } else { clock + deadline };
        let active = Half::running(health, answers, clock - since);
        let plan = decide(&[active, standby()], true, 0, Some(1));
        if plan.steps.iter().any(|step| matches!(step, Step::Stop(1, ..))) {
            return Some(clock);
        }
        assert!(!plan.steps.iter().any(Step::is_disruptive), "{plan:?}");
        let condition = &plan.conditions.as_ref().expect("decided")[0];
        let lasts = u64::try_from(NOW.since(condition.since).as_millis()).expect("small");
        (health, since) = (condition.health, clock - lasts);
        clock += match plan.next {
            Next::Now => 0,
            Next::After(pause) => u64::try_from(pause.as_millis()).expect("small"),
            Next::BackOff => panic!("{plan:?}"),
        };
    }
    None
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn a_hang_is_noticed_within_two_seconds(
        first in 0u64..1000, latency in 1u64..30, effort in 0u64..60,
    ) {
        let hangs = 5000;
        let killed = killed_at(first, hangs..u64::MAX, latency, effort).expect("killed");
        prop_assert!(killed - hangs <= 2000, "after {} ms", killed - hangs);
        prop_assert!(killed - hangs >= 1000, "too soon: after {} ms", killed - hangs);
    }

    #[test]
    fn a_halt_of_a_second_is_no_reason_to_take_over(
        first in 0u64..1000, latency in 1u64..=150, effort in 0u64..200, halt in 0u64..=1000,
    ) {
        let killed = killed_at(first, 5000..5000 + halt, latency, effort);
        prop_assert_eq!(killed, None);
    }
}

#[test]
fn a_frozen_active_is_killed_at_once() {
    let frozen =
        Half { state: Some(ContainerState::Paused), ..Half::running(Health::Healthy, false, 9000) };
    let plan = decide(&[frozen, standby()], true, 0, Some(1));
    let stop = Step::Stop(1, RuntimeId("seen-1".to_owned()), Duration::ZERO);
    assert_eq!(plan.steps.last(), Some(&stop), "{plan:?}");
}

#[test]
fn of_two_that_answer_the_former_one_is_killed_and_the_new_one_gets_the_clients() {
    let halves = [
        Half::running(Health::Healthy, true, 10_000),
        Half::running(Health::Standby, true, 10_000),
    ];
    let plan = decide(&halves, true, 0, Some(1));
    let [Step::SetTargets(targets), stop] = plan.steps.as_slice() else { panic!("{plan:?}") };
    let new: Vec<SocketAddr> = addresses(2).into_iter().map(|(_, address)| address).collect();
    assert!(targets.iter().all(|t| new.contains(&t.addresses[0])), "{targets:?}");
    assert_eq!(*stop, Step::Stop(1, RuntimeId("seen-1".to_owned()), Duration::ZERO));
}

#[test]
fn a_standby_that_was_cut_off_is_started_anew_and_one_that_was_not_is_not() {
    let active = || Half::running(Health::Healthy, true, 10_000);
    let cut = Half { reachable: false, ..standby() };
    let plan = decide(&[active(), cut], true, 0, Some(1));
    assert_eq!(plan.steps, [Step::Restart(2, RuntimeId("seen-2".to_owned()))]);
}

#[test]
fn a_standby_that_does_not_take_over_is_suspected_and_the_other_one_is_started() {
    let ended = |millis| {
        let state = Some(ContainerState::Exited {
            code: 137,
            out_of_memory: false,
            last_words: String::new(),
        });
        Half { state, ..Half::running(Health::Suspect, false, millis) }
    };
    assert_eq!(decide(&[ended(19_000), standby()], true, 0, None).steps, []);
    let plan = decide(&[ended(21_000), standby()], true, 0, None);
    assert_eq!(plan.steps, [Step::Start(1, RuntimeId("seen-1".to_owned()))]);
    assert_eq!(plan.conditions.as_ref().expect("decided")[1].health, Health::Suspect);
    // When the other one serves, the suspect held nothing and did nothing.
    let serves = Half::running(Health::Starting, true, 2000);
    let hung = Half::running(Health::Suspect, false, 2000);
    let plan = decide(&[serves, hung.clone()], true, 0, Some(1));
    assert_eq!(plan.steps, [Step::Restart(2, RuntimeId("seen-2".to_owned()))]);
    // When it does not, the suspect may hold the store.
    let waits = Half::running(Health::Starting, false, 2000);
    let hung = Half { millis: 21_000, ..hung };
    let plan = decide(&[waits, hung], true, 0, None);
    assert_eq!(plan.steps, [Step::Stop(2, RuntimeId("seen-2".to_owned()), Duration::ZERO)]);
}

#[test]
fn of_a_pair_that_is_rebooted_the_standby_comes_first_and_the_active_one_when_it_can_go() {
    let active = Half::running(Health::Healthy, true, 10_000);
    let plan = decide(&[active.clone(), standby()], true, 1, Some(1));
    assert!(matches!(plan.steps.as_slice(), [Step::Stop(2, ..)]), "{plan:?}");

    let fresh = Half { reboot: 1, millis: 1000, ..standby() };
    assert_eq!(decide(&[active.clone(), fresh], true, 1, Some(1)).steps, []);
    let proven = Half { reboot: 1, millis: 4000, ..standby() };
    let plan = decide(&[active, proven], true, 1, Some(1));
    let grace = Duration::from_secs(10);
    let stop = Step::Stop(1, RuntimeId("seen-1".to_owned()), grace);
    assert_eq!(plan.steps.last(), Some(&stop), "{plan:?}");
}
