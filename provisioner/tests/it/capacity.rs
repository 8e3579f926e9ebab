//! What brokers may use together fits on their host: new ones wait for room, and those that are there keep theirs.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use crate::world::{
    driver::Simulation,
    fault::{Fault, Faults},
};
use brokerd_domain::{
    ActionRequired, Broker, BrokerId, BrokerState, EngineType, Generation, HostCapacity,
    HostInstanceType, Next, Reservation, Timestamp, VerdictKind,
    instance::{ContainerState, InstanceStatus, Limits, RuntimeId, SpecDigest},
};
use brokerd_provisioner::{
    engine::instances,
    plan::{Decision, Desired, Observation, Observed, ObservedInstance, Step, Subject, plan},
};

const GIB: u64 = 1 << 30;
const MINUTE: Duration = Duration::from_mins(1);

fn with_memory(gib: u64) -> Simulation {
    with_memory_and(gib, Arc::new(Faults::default()))
}

fn with_memory_and(gib: u64, faults: Arc<Faults>) -> Simulation {
    let sim = Simulation::with_faults(faults);
    set_host_capacity(&sim, gib);
    sim
}

fn set_host_capacity(sim: &Simulation, gib: u64) {
    *sim.store.host_capacity.lock().expect("not poisoned") =
        HostCapacity { memory_bytes: gib * GIB, ..crate::world::HOST_CAPACITY };
}

fn tier(name: &str) -> HostInstanceType {
    HostInstanceType::from_name(name).expect("known")
}

fn reservation(sim: &Simulation, id: BrokerId) -> Option<Reservation> {
    sim.row(id).expect("it is there").reservation
}

fn containers(sim: &Simulation, id: BrokerId) -> usize {
    let world = sim.world.lock().expect("not poisoned");
    world.containers.keys().filter(|name| name.broker == id).count()
}

/// What its events say of room, the same sentence once.
fn told(sim: &Simulation, id: BrokerId) -> Vec<String> {
    let events = sim.row(id).expect("it is there").events;
    events.into_iter().map(|e| e.message).filter(|m| m.contains("not enough memory")).collect()
}

fn actions(sim: &Simulation, id: BrokerId) -> Vec<ActionRequired> {
    sim.row(id).expect("it is there").broker.actions_required()
}

#[tokio::test]
async fn a_creation_that_does_not_fit_waits_and_goes_on_when_another_broker_is_deleted() {
    let sim = with_memory(6);
    let first = sim.create(EngineType::RabbitMq);
    sim.live(MINUTE).await;
    assert_eq!(sim.state(first), Some(BrokerState::Running));
    let second = sim.create_another(EngineType::RabbitMq, 2);
    sim.live(5 * MINUTE).await;
    assert_eq!(sim.state(second), Some(BrokerState::CreationInProgress));
    assert_eq!(containers(&sim, second), 0);
    let told = told(&sim, second);
    assert_eq!(told.len(), 1, "{told:?}");
    for words in
        ["mq.m7g.medium needs 4.0 GiB", "2.0 GiB are missing of the 6.0 GiB", "until 2026-"]
    {
        assert!(told[0].contains(words), "{words}: {told:?}");
    }
    sim.delete(first);
    sim.live(MINUTE / 2).await;
    assert_eq!((sim.state(first), sim.state(second)), (None, Some(BrokerState::Running)));
}

#[tokio::test]
async fn a_broker_that_waits_costs_nothing_but_the_round_that_shares_out() {
    let sim = with_memory(6);
    sim.create(EngineType::RabbitMq);
    sim.live(MINUTE).await;
    sim.create_another(EngineType::RabbitMq, 2);
    sim.live(MINUTE).await;
    let loads = sim.store.calls("load");
    let effects = sim.faults.effects();
    sim.live(10 * MINUTE).await;
    assert_eq!((sim.store.calls("load"), sim.faults.effects()), (loads, effects));
}

#[tokio::test]
async fn a_creation_that_waited_too_long_fails_with_its_reason_and_the_next_one_is_admitted() {
    let sim = with_memory(12);
    sim.create(EngineType::RabbitMq);
    sim.live(MINUTE).await;
    let cluster = sim.create_cluster_of(7);
    sim.live(6 * MINUTE).await;
    let small = sim.create_another(EngineType::RabbitMq, 2);
    sim.live(8 * MINUTE).await;
    // It would fit, and may not overtake any more.
    assert_eq!(sim.state(small), Some(BrokerState::CreationInProgress));
    assert!(told(&sim, small)[0].contains("brokers that have waited longer come first"));
    sim.live(2 * MINUTE).await;
    assert_eq!(sim.state(cluster), Some(BrokerState::CreationFailed));
    assert_eq!(reservation(&sim, cluster), None);
    let told = told(&sim, cluster);
    let last = told.last().expect("it is told");
    for words in ["creation failed", "3 instances of mq.m7g.medium need 12.0 GiB", "15 minutes"] {
        assert!(last.contains(words), "{words}: {told:?}");
    }
    sim.live(MINUTE).await;
    assert_eq!(sim.state(small), Some(BrokerState::Running));
}

#[tokio::test]
async fn a_creation_that_can_never_fit_fails_at_once() {
    let sim = with_memory(11);
    let id = sim.create_cluster();
    sim.live(Duration::from_secs(1)).await;
    assert_eq!(sim.state(id), Some(BrokerState::CreationFailed));
    let told = told(&sim, id);
    for words in ["12.0 GiB", "11.0 GiB", "sizing.memory_share", "sizing.scale (now 1)"] {
        assert!(told[0].contains(words), "{words}: {told:?}");
    }
}

#[tokio::test]
async fn a_larger_type_that_does_not_fit_is_not_applied_and_the_broker_goes_on_as_it_was() {
    let sim = with_memory(11);
    let id = sim.create(EngineType::RabbitMq);
    let other = sim.create_another(EngineType::RabbitMq, 2);
    sim.settle().await;
    sim.change_everything(id);
    sim.reboot(id);
    sim.settle().await;
    assert_eq!(sim.state(id), Some(BrokerState::CriticalActionRequired));
    let why = &actions(&sim, id)[0].info;
    assert!(why.contains("mq.m7g.large needs 8.0 GiB; 1.0 GiB are missing"), "{why}");
    assert_eq!(reservation(&sim, id), Some(Reservation::Granted(tier("mq.m7g.medium"))));
    // There is room now.
    sim.delete(other);
    sim.settle().await;
    sim.reboot(id);
    sim.settle().await;
    assert_eq!(sim.state(id), Some(BrokerState::Running), "{:?}", actions(&sim, id));
    assert_eq!(reservation(&sim, id), Some(Reservation::Granted(tier("mq.m7g.large"))));
    // What it does not need any more is given back when it has rebooted, and not before.
    sim.store.request(id, |row| {
        row.broker.generation.0 += 1;
        row.broker.pending.host_instance_type = Some(tier("mq.m7g.medium"));
    });
    sim.settle().await;
    let third = sim.create_another(EngineType::RabbitMq, 3);
    sim.live(MINUTE).await;
    assert_eq!(sim.state(third), Some(BrokerState::CreationInProgress));
    sim.reboot(id);
    sim.live(MINUTE).await;
    assert_eq!(sim.state(third), Some(BrokerState::Running));
}

#[tokio::test]
async fn brokers_that_are_there_are_kept_alive_however_little_room_there_is_for_them() {
    type Create = fn(&Simulation) -> BrokerId;
    let kinds: [Create; 3] = [
        |sim| sim.create(EngineType::ActiveMq),
        Simulation::create_pair,
        Simulation::create_cluster,
    ];
    for create in kinds {
        let sim = with_memory(1000);
        let id = create(&sim);
        sim.settle().await;
        set_host_capacity(&sim, 0);
        sim.in_the_world(|world| world.kill_only(id, &[1]));
        sim.runtime_event(id).await;
        sim.live(MINUTE).await;
        sim.in_the_world(|world| {
            let first = world.containers.keys().find(|name| name.broker == id).cloned();
            world.containers.remove(&first.expect("it is there"));
        });
        sim.runtime_event(id).await;
        sim.live(MINUTE).await;
        sim.reboot(id);
        sim.settle().await;
        assert_eq!(sim.state(id), Some(BrokerState::Running));
        let world = sim.world.lock().expect("not poisoned");
        for there in world.containers.values() {
            assert!(matches!(there.status.state, ContainerState::Running { .. }));
            assert_eq!(there.status.reboot, 1);
        }
    }
}

#[tokio::test]
async fn memory_is_assigned_the_same_whatever_fails_at_any_effect() {
    async fn play(sim: &Simulation) -> BrokerId {
        let first = sim.create(EngineType::ActiveMq);
        sim.live(MINUTE).await;
        let second = sim.create_another(EngineType::ActiveMq, 2);
        sim.live(MINUTE).await;
        sim.change_everything(first);
        sim.reboot(first);
        sim.live(MINUTE).await;
        sim.delete(first);
        sim.live(2 * MINUTE).await;
        second
    }
    let quiet = with_memory(1);
    play(&quiet).await;
    let effects = quiet.faults.effects();
    assert!(effects > 15, "{:?}", quiet.faults.names());
    for fault in Fault::ALL {
        for at in 0..effects {
            let sim = with_memory_and(1, Faults::striking(at, fault));
            let id = play(&sim).await;
            let context = format!("{fault:?} at {at}: {:?}", sim.take_log());
            assert_eq!(sim.state(id), Some(BrokerState::Running), "{context}");
            assert_eq!(
                reservation(&sim, id),
                Some(Reservation::Granted(tier("mq.t3.micro"))),
                "{context}"
            );
            let world = sim.world.lock().expect("not poisoned");
            assert_eq!(world.most_containers, 1, "both at once: {context}");
        }
    }
}

/// What the runtime tells of the instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Instance {
    Absent,
    Runs,
    Unknown,
}

/// What was decided for a broker whose type is `mq.m7g.medium`, or is to become `mq.m7g.large`.
#[derive(Debug, Clone, Copy)]
struct Case {
    has_run: bool,
    instance: Instance,
    grows: bool,
    reservation: Option<Reservation>,
    gib: u64,
}

const NOW: Timestamp = Timestamp::from_micros(1_790_000_000_000_000);

fn ago(seconds: i64) -> Reservation {
    let since = Timestamp::from_micros(NOW.as_micros() - seconds * 1_000_000);
    Reservation::Waiting { since, missing_bytes: GIB }
}

fn running(broker: &Broker) -> ObservedInstance {
    ObservedInstance {
        status: InstanceStatus {
            id: RuntimeId("seen".to_owned()),
            digest: SpecDigest(String::new()),
            generation: broker.generation,
            reboot: 0,
            image_id: None,
            state: ContainerState::Running { since: NOW },
            addresses: BTreeMap::new(),
            limits: Limits {
                memory_bytes: GIB,
                nano_cpus: 1,
                cpu_shares: Limits::SERVING_SHARES,
                pids: 1,
            },
            own_disk: false,
            silent_host: None,
        },
        answers: BTreeMap::new(),
        alarms: Observed::Absent,
        cluster: Observed::Absent,
        filled: Observed::Absent,
    }
}

fn decide(case: Case) -> Decision {
    let mut broker = crate::world::broker(EngineType::RabbitMq, 1);
    crate::world::allocate(&mut broker);
    if case.has_run {
        broker.status.observed_generation = Some(Generation(1));
        broker.configurations = broker.configurations.applied();
    }
    if case.grows {
        broker.pending.host_instance_type = Some(tier("mq.m7g.large"));
        broker.reboots_requested = 1;
        // As it is loaded.
        broker.spec = broker.wanted_spec();
    }
    let one = match case.instance {
        Instance::Absent => Observed::Absent,
        Instance::Runs => Observed::Present(running(&broker)),
        Instance::Unknown => Observed::Unknown("the runtime does not answer".to_owned()),
    };
    let seen = Observation { instances: BTreeMap::from([(1, one)]), leftovers: Observed::Absent };
    let subject = Subject {
        broker: &broker,
        instances: &instances(&broker),
        limits: None,
        host_capacity: HostCapacity { memory_bytes: case.gib * GIB, ..crate::world::HOST_CAPACITY },
        reservation: case.reservation,
        desired: &Desired::Unrendered,
        targets: &[],
        faults: &[],
        boot_deadline: MINUTE,
        boot_nano_cpus: 1,
        image_id: None,
        certificate_ends_soon: false,
    };
    plan(&subject, &seen, NOW)
}

#[test]
fn nothing_new_is_made_without_room_and_nothing_that_is_there_needs_any() {
    let reservations = [
        None,
        Some(ago(0)),
        Some(ago(899)),
        Some(ago(900)),
        Some(Reservation::Granted(tier("mq.m7g.medium"))),
        Some(Reservation::Granted(tier("mq.m7g.large"))),
    ];
    let both = [false, true];
    let instances = [Instance::Absent, Instance::Runs, Instance::Unknown];
    for (has_run, instance) in both.into_iter().flat_map(|a| instances.map(|b| (a, b))) {
        for (grows, gib) in both.into_iter().flat_map(|a| [0, 4, 8].map(|b| (a, b))) {
            for reservation in reservations {
                if grows && !has_run {
                    continue;
                }
                check(Case { has_run, instance, grows, reservation, gib });
            }
        }
    }
}

fn check(case: Case) {
    let has_less = case.reservation == Some(Reservation::Granted(tier("mq.m7g.medium")));
    let asks = case.has_run && case.grows && has_less;
    let granted = matches!(case.reservation, Some(Reservation::Granted(_)));
    let Decision::Plan(decided) = decide(case) else {
        let has_room =
            if case.has_run { !asks } else { case.instance == Instance::Runs || granted };
        assert!(
            case.instance == Instance::Unknown || has_room,
            "rendered before there is room: {case:?}"
        );
        return;
    };
    let reserves: Vec<&Step> =
        decided.steps.iter().filter(|step| matches!(step, Step::Reserve(_))).collect();
    let told = decided.sentence.contains("not enough memory");
    let context = format!("{case:?}: {decided:?}");
    if case.instance == Instance::Unknown {
        // Not even a creation that can never fit fails, or destroys anything, before it is known what there is.
        let destroys =
            |step: &Step| matches!(step, Step::Restart(..) | Step::Stop(..) | Step::Remove(..));
        assert!(!decided.steps.iter().any(destroys), "{context}");
        assert_eq!(decided.failure, None, "{context}");
        return;
    }
    if case.has_run {
        let fits = case.gib >= 8;
        assert_eq!(
            reserves,
            vec![&Step::Reserve(tier("mq.m7g.large")); usize::from(asks && fits)],
            "{context}"
        );
        let refused = decided.steps.iter().any(|step| matches!(step, Step::GiveUpPending(_)));
        assert_eq!((refused, told), (asks && !fits, asks && !fits), "{context}");
        assert_eq!(decided.failure, None, "{context}");
        return;
    }
    if case.instance == Instance::Runs || granted {
        assert!(reserves.is_empty() && !told && decided.failure.is_none(), "{context}");
        return;
    }
    match case.reservation {
        _ if case.gib < 4 => assert!(told && decided.failure.is_some(), "{context}"),
        None => assert_eq!(reserves, [&Step::Reserve(tier("mq.m7g.medium"))], "{context}"),
        Some(Reservation::Waiting { since, .. }) => {
            let left = Duration::from_mins(15).saturating_sub(NOW.since(since));
            assert!(told, "{context}");
            assert_eq!(decided.failure.is_some(), left.is_zero(), "{context}");
            if !left.is_zero() {
                assert_eq!(
                    (decided.steps.len(), decided.next),
                    (0, Next::After(left)),
                    "{context}"
                );
                assert_eq!(decided.kind, VerdictKind::Progressing, "{context}");
            }
        }
        Some(Reservation::Granted(_)) => unreachable!("{context}"),
    }
}
