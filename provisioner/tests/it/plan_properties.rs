//! Whatever the world looks like, a plan keeps the rules.

use std::{collections::BTreeMap, net::SocketAddr, time::Duration};

use brokerd_domain::{
    EngineType, Generation, Health, InstanceCondition, Intent, Protocol, Reservation, Target,
    Timestamp,
    instance::{ContainerState, InstanceStatus, RuntimeId, SpecDigest},
};
use brokerd_provisioner::{
    engine::instances,
    plan::{
        Decision, Desired, Observation, Observed, ObservedInstance, Plan, ProbeOutcome, Step,
        Subject, plan,
    },
};
use proptest::prelude::*;

use crate::specification::{LIMITS, NOW, is_about, specification};

#[derive(Debug, Clone)]
struct Case {
    deleting: bool,
    failed: bool,
    observed: bool,
    reboots: (u32, u32),
    health: Health,
    silent_for: u64,
    failed_boots: u32,
    desired: u8,
    waits: bool,
    instance: Observed<ObservedInstance>,
    leftovers: Observed<Vec<u8>>,
    led: bool,
}

fn outcome() -> impl Strategy<Value = ProbeOutcome> {
    prop_oneof![
        Just(ProbeOutcome::Answered),
        Just(ProbeOutcome::Silent),
        Just(ProbeOutcome::Refused("closed".to_owned())),
    ]
}

fn state() -> impl Strategy<Value = ContainerState> {
    prop_oneof![
        Just(ContainerState::Created),
        Just(ContainerState::Paused),
        (0i64..200).prop_map(|s| ContainerState::Running {
            since: Timestamp::from_micros(NOW.as_micros() - s * 1_000_000)
        }),
        (any::<bool>(), -1i64..256).prop_map(|(out_of_memory, code)| ContainerState::Exited {
            code,
            out_of_memory,
            last_log_lines: String::new()
        }),
    ]
}

fn instance() -> impl Strategy<Value = Observed<ObservedInstance>> {
    let present = (state(), outcome(), outcome(), 0u32..3, 0i64..3, any::<bool>(), any::<bool>())
        .prop_map(|(state, one, two, reboot, generation, same, limited)| {
            let mut limits = LIMITS;
            if !limited {
                limits.nano_cpus = 4_000_000_000;
            }
            let running = matches!(state, ContainerState::Running { .. });
            let address: SocketAddr = "127.0.0.1:40000".parse().expect("valid");
            Observed::Present(ObservedInstance {
                status: InstanceStatus {
                    id: RuntimeId("seen".to_owned()),
                    digest: SpecDigest(if same { "same".to_owned() } else { "other".to_owned() }),
                    generation: Generation(generation),
                    reboot,
                    image_id: Some("image".to_owned()),
                    state,
                    addresses: if running {
                        BTreeMap::from([(5671, address)])
                    } else {
                        BTreeMap::new()
                    },
                    limits,
                    own_disk: false,
                    silent_host: None,
                },
                answers: if running {
                    BTreeMap::from([(Protocol::Amqp, one), (Protocol::Console, two)])
                } else {
                    BTreeMap::new()
                },
                alarms: Observed::Absent,
                cluster: Observed::Absent,
                filled: Observed::Absent,
            })
        });
    prop_oneof![
        1 => Just(Observed::Absent),
        1 => Just(Observed::Unknown("the engine is silent".to_owned())),
        6 => present,
    ]
}

fn case() -> impl Strategy<Value = Case> {
    let facts = (any::<bool>(), any::<bool>(), any::<bool>(), 0u32..3, 0u32..3);
    let condition = (
        prop_oneof![Just(Health::Starting), Just(Health::Healthy), Just(Health::Suspect)],
        0u64..200,
        0u32..4,
    );
    let leftovers = prop_oneof![
        Just(Observed::Absent),
        Just(Observed::Present(vec![1u8])),
        Just(Observed::Unknown("blind".to_owned())),
    ];
    let desired = (0u8..8, any::<bool>());
    (facts, condition, desired, instance(), leftovers, any::<bool>()).prop_map(
        |(
            (deleting, failed, observed, done, more),
            (health, silent_for, failed_boots),
            (desired, waits),
            instance,
            leftovers,
            led,
        )| {
            Case {
                deleting,
                failed: failed && !observed,
                observed,
                reboots: (done, done + more),
                health,
                silent_for,
                failed_boots,
                desired,
                waits,
                instance,
                leftovers,
                led,
            }
        },
    )
}

fn decide(case: &Case) -> (brokerd_domain::Broker, Decision) {
    let mut broker = crate::world::broker(EngineType::RabbitMq, 1);
    crate::world::allocate(&mut broker);
    if !case.waits {
        broker.configurations.current = broker.configurations.pending.take();
    }
    if case.deleting {
        broker.intent = Intent::Delete;
    }
    broker.status.failure = case.failed.then(|| "no".to_owned());
    broker.status.observed_generation = case.observed.then_some(Generation(1));
    broker.status.reboots_done = case.reboots.0;
    broker.reboots_requested = case.reboots.1;
    broker.status.conditions = vec![InstanceCondition {
        ordinal: 1,
        health: case.health,
        since: Timestamp::from_micros(
            NOW.as_micros() - i64::try_from(case.silent_for).expect("small") * 1_000_000,
        ),
        failed_boots: case.failed_boots,
        out_of_memory: None,
        apart_since: None,
    }];
    let spec = specification(&broker, 1, &[5671, 15671]);
    let mut instance = case.instance.clone();
    if let Observed::Present(seen) = &mut instance
        && seen.status.digest.0 == "same"
    {
        seen.status.digest = spec.digest();
    }
    let desired = match case.desired {
        0 => Desired::Unrendered,
        1 => Desired::MissingMaterials,
        2 => Desired::Unsupported("no room".to_owned()),
        _ => Desired::Instances(vec![spec]),
    };
    let address = case.led.then(|| "127.0.0.1:1".parse().expect("valid"));
    let addresses = address.into_iter().collect();
    let targets = [Target { ordinal: 1, protocol: Protocol::Amqp, addresses }];
    let seen = Observation {
        instances: BTreeMap::from([(1, instance)]),
        leftovers: case.leftovers.clone(),
    };
    let subject = Subject {
        broker: &broker,
        instances: &instances(&broker),
        limits: Some(LIMITS),
        host_capacity: crate::world::HOST_CAPACITY,
        reservation: Some(Reservation::Granted(broker.spec.host_instance_type)),
        desired: &desired,
        targets: &targets,
        faults: &[],
        boot_deadline: Duration::from_secs(60),
        boot_nano_cpus: 4_000_000_000,
        image_id: Some("image"),
        certificate_ends_soon: false,
    };
    let decided = plan(&subject, &seen, NOW);
    assert_eq!(decided, plan(&subject, &seen, NOW), "the same facts give the same plan");
    (broker, decided)
}

/// The plan, for which nothing has to be rendered.
fn planned(decision: Decision) -> Plan {
    let Decision::Plan(plan) = decision else { panic!("{decision:?}") };
    *plan
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(5000))]

    #[test]
    fn a_plan_keeps_the_rules(case in case()) {
        let (broker, decision) = decide(&case);
        // Nothing that needs to be rendered is done unrendered, and it is said when it should be.
        let runs = !case.deleting && !case.failed;
        let Decision::Plan(plan) = decision else {
            prop_assert!(runs && case.desired == 0);
            return Ok(());
        };
        prop_assert!(!plan.sentence.is_empty());
        let disruptive = plan.steps.iter().filter(|s| s.is_disruptive()).count();
        prop_assert!(disruptive <= 1, "more than one disruptive step: {plan:?}");

        if matches!(case.instance, Observed::Unknown(_)) && !case.deleting && !case.failed {
            let harmless = plan.steps.iter().all(|s| {
                matches!(
                    s,
                    Step::AllocateEndpoints
                        | Step::IssueMaterials
                        | Step::GiveUpPending(_)
                )
            });
            prop_assert!(harmless, "acted on what it did not see: {plan:?}");
            prop_assert!(plan.completes.is_none());
        }
        if runs && case.desired <= 2 {
            let changes = |step: &Step| {
                matches!(step, Step::Apply(_) | Step::Remove(..) | Step::Stop(..))
            };
            prop_assert!(!plan.steps.iter().any(changes), "changed it unrendered: {plan:?}");
        }
        for step in &plan.steps {
            match step {
                Step::DeleteRecord => prop_assert!(case.deleting && case.leftovers == Observed::Absent),
                Step::Remove(_, brokerd_domain::instance::Volumes::Delete) => {
                    prop_assert!(case.deleting || case.failed, "deleted data nobody gave up: {plan:?}");
                }
                Step::Stop(_, id, _) => {
                    prop_assert_eq!(&id.0, "seen");
                    prop_assert!(
                        broker.reboots_requested > 0 || !case.observed,
                        "stopped a serving broker for no reason: {:?}", plan
                    );
                }
                Step::Restart(..) => prop_assert!(
                    matches!(&case.instance, Observed::Present(seen)
                        if seen.answers.values().any(|a| *a != ProbeOutcome::Answered) || seen.answers.is_empty()),
                    "restarted what answers: {:?}", plan
                ),
                Step::GiveUpPending(..) => prop_assert!(
                    broker.applies_pending() && broker.has_pending(),
                    "gave up what does not wait: {:?}", plan
                ),
                Step::Fault(_) => prop_assert!(false, "a fault nobody asked for: {:?}", plan),
                Step::AllocateEndpoints
                | Step::Reserve(_)
                | Step::IssueMaterials
                | Step::Apply(_)
                | Step::Start(..)
                | Step::Remove(..)
                | Step::SetLimits(..)
                | Step::SetTargets(_) => {}
            }
        }
        if plan.completes.is_some() {
            let answered = matches!(&case.instance, Observed::Present(seen)
                if !seen.answers.is_empty() && seen.answers.values().all(|a| *a == ProbeOutcome::Answered));
            let in_vain = broker.is_rebooting()
                && !(broker.applies_pending() && broker.has_pending())
                && plan.actions_required.iter().any(|a| {
                    a.code == "BROKER_DOES_NOT_BOOT" || a.code == "BROKER_NOT_REBOOTED"
                });
            prop_assert!(answered || in_vain, "complete without an answer: {plan:?}");
        }
        if plan.failure.is_some() {
            prop_assert!(!case.observed, "a broker that ran can't fail to be created: {plan:?}");
        }
    }

    /// It may hold its disk, and write to it.
    #[test]
    fn nothing_is_done_to_an_instance_whose_host_is_silent(case in case()) {
        let mut case = Case { deleting: false, failed: false, observed: true, ..case };
        let Observed::Present(seen) = &mut case.instance else { return Ok(()) };
        seen.status.silent_host = Some("host-1".to_owned());
        let is_up = matches!(seen.status.state, ContainerState::Running { .. } | ContainerState::Paused);
        if !is_up || seen.answers.values().any(|outcome| *outcome == ProbeOutcome::Answered) {
            return Ok(());
        }
        let plan = planned(decide(&case).1);
        prop_assert!(!plan.steps.iter().any(|step| is_about(step, 1)), "{plan:?}");
        prop_assert!(plan.completes.is_none() && plan.sentence.contains("host-1"), "{plan:?}");
    }

    /// What should be decides whether anything is changed, and never whether anybody looks.
    #[test]
    fn an_instance_is_supervised_whatever_should_be(case in case()) {
        let case = Case { deleting: false, failed: false, observed: true, ..case };
        let of = |desired| decide(&Case { desired, ..case.clone() });
        let (broker, unrendered) = of(0);
        let [undecided, unsupported, rendered] = [1, 2, 3].map(|desired| of(desired).1);
        if unrendered != Decision::NeedsRendering {
            for other in [&undecided, &unsupported, &rendered] {
                prop_assert_eq!(other, &unrendered, "nothing is to be changed");
            }
        }
        let unsupported = planned(unsupported);
        let Observed::Present(seen) = &case.instance else { return Ok(()) };
        if seen.status.generation > broker.generation
            || seen.status.reboot > broker.reboots_requested
            || unsupported.steps.iter().any(|step| matches!(step, Step::GiveUpPending(_)))
        {
            return Ok(());
        }
        let long_ago = case.silent_for >= 60;
        match seen.status.state {
            ContainerState::Exited { .. } if long_ago => {
                let again = unsupported.steps.iter().any(|step| matches!(step, Step::Start(..)));
                prop_assert!(again, "it is dead: {unsupported:?}");
            }
            ContainerState::Running { since }
                if case.health == Health::Suspect
                    && long_ago
                    && NOW.since(since) >= Duration::from_secs(case.silent_for)
                    && !seen.serves() =>
            {
                let again = unsupported.steps.iter().any(|step| matches!(step, Step::Restart(..)));
                prop_assert!(again, "it hangs: {unsupported:?}");
            }
            _ => {}
        }
        // A reboot that can change nothing is over.
        if broker.is_rebooting() && unsupported.steps.is_empty() {
            let is_of_it = seen.status.reboot == broker.reboots_requested;
            prop_assert!(unsupported.completes.is_some() || is_of_it, "locked: {unsupported:?}");
        }
    }
}
