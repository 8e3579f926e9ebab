//! Faults that callers inject: they strike once, are healed whatever fails meanwhile, and touch nothing
//! that is not what they struck.

use std::{collections::BTreeMap, time::Duration};

use crate::world::{
    containers::Container,
    driver::Simulation,
    fault::{Fault, Faults},
};
use brokerd_domain::{
    BrokerId, BrokerState, EngineType, Fault as Injected, FaultId, FaultInput, FaultKind,
    FaultSpec, FaultState, Generation, Target, Timestamp,
    instance::{ContainerState, InstanceStatus, Limits, RuntimeId, SpecDigest},
};
use brokerd_provisioner::{
    plan::{
        Decision, Desired, FaultStep, Observation, Observed, ObservedInstance, Step, Subject, plan,
    },
    reconcile::{ReconcileStore, StepError},
};

fn kind(kind: FaultKind) -> FaultInput {
    FaultInput { kind: Some(kind.as_str().to_owned()), ..FaultInput::default() }
}

fn lasting(of: FaultKind, seconds: i64) -> FaultInput {
    let mut input = FaultInput { duration_seconds: Some(seconds), ..kind(of) };
    match of {
        FaultKind::ZoneOutage => input.zone = Some("us-east-1a".to_owned()),
        FaultKind::Latency => input.latency_milliseconds = Some(100),
        _ => {}
    }
    input
}

/// A broker that runs, in an undisturbed world.
async fn running() -> (Simulation, BrokerId) {
    let sim = Simulation::new();
    let id = sim.create(EngineType::RabbitMq);
    sim.settle().await;
    assert_eq!(sim.state(id), Some(BrokerState::Running));
    (sim, id)
}

fn container(sim: &Simulation) -> Container {
    sim.world.lock().expect("not poisoned").containers.values().next().expect("one").clone()
}

/// What matters of a container: the files are long.
fn brief(container: &Container) -> String {
    let Container { status, starts, kills, isolated, .. } = container;
    format!("{:?}, {starts} starts, {kills} kills, isolated: {isolated}", status.state)
}

fn is_up(container: &Container) -> bool {
    matches!(container.status.state, ContainerState::Running { .. })
}

fn is_filled(sim: &Simulation) -> bool {
    let world = sim.world.lock().expect("not poisoned");
    world.containers.keys().any(|name| world.is_filled(name))
}

fn has_ended(sim: &Simulation, id: BrokerId, fault: FaultId) -> bool {
    sim.fault(id, fault).state(sim.now()) == FaultState::Ended
}

fn sentence(sim: &Simulation, id: BrokerId) -> String {
    sim.row(id).expect("there").broker.status.sentence
}

fn leads_anywhere(sim: &Simulation, id: BrokerId) -> bool {
    sim.row(id).expect("there").targets.iter().any(|target| !target.addresses.is_empty())
}

/// What must be true after every fault, however it went.
fn assert_healed(sim: &Simulation, id: BrokerId, fault: FaultId, context: &str) {
    let log = sim.take_log().join("\n");
    assert!(has_ended(sim, id, fault), "{context}: the fault is not over\n{log}");
    assert_eq!(sim.state(id), Some(BrokerState::Running), "{context}\n{log}");
    assert_eq!(sentence(sim, id), "every endpoint answers", "{context}\n{log}");
    let container = container(sim);
    assert!(is_up(&container) && !container.isolated, "{context}\n{log}");
    assert!(!is_filled(sim), "{context}: the disk is full\n{log}");
    let row = sim.row(id).expect("there");
    for target in &row.targets {
        let port = target.protocol.engine_port(EngineType::RabbitMq);
        let address = container.status.addresses.get(&port);
        assert_eq!(target.addresses.first(), address, "{context}\n{log}");
    }
    let told = |what: &str| {
        let message = format!("fault {fault} {what}: ");
        row.events.iter().filter(|event| event.message.starts_with(&message)).count()
    };
    let struck = usize::from(sim.fault(id, fault).affected.is_some());
    assert_eq!((told("started"), told("ended")), (struck, 1), "{context}\n{log}");
}

#[tokio::test]
async fn every_fault_ends_the_same_whatever_fails_at_any_effect() {
    for (of, seconds) in [
        (FaultKind::Kill, None),
        (FaultKind::Pause, Some(5)),
        (FaultKind::Pause, Some(60)),
        (FaultKind::Isolate, Some(60)),
        (FaultKind::ZoneOutage, Some(60)),
        (FaultKind::Latency, Some(60)),
        (FaultKind::FillDisk, Some(60)),
    ] {
        let play = async |sim: &Simulation| {
            let id = sim.create(EngineType::RabbitMq);
            sim.settle().await;
            let input = seconds.map_or_else(|| kind(of), |seconds| lasting(of, seconds));
            let fault = sim.inject(id, &input);
            sim.live(Duration::from_secs(120)).await;
            (id, fault)
        };
        let undisturbed = Simulation::new();
        let (id, fault) = play(&undisturbed).await;
        assert_healed(&undisturbed, id, fault, &format!("{of:?} undisturbed"));
        let names = undisturbed.faults.names();
        let first = names.iter().position(|name| *name == "strike fault").expect("it strikes");
        for (at, name) in names.iter().enumerate().skip(first) {
            for wrong in Fault::ALL {
                let context = format!("{of} for {seconds:?} s, {wrong:?} at effect {at} ({name})");
                let sim = Simulation::with_faults(Faults::striking(at, wrong));
                let (id, fault) = play(&sim).await;
                assert!(sim.faults.has_struck(), "{context}: it never came to that effect");
                assert_healed(&sim, id, fault, &context);
                // A lease outlives its holder by longer than this fault may last.
                let is_short = seconds.is_some_and(|seconds| seconds < 30);
                assert!(
                    is_short || sim.fault(id, fault).affected.is_some(),
                    "{context}: no strike"
                );
                let kills = match of {
                    FaultKind::Kill | FaultKind::ZoneOutage => 1,
                    _ => 0,
                };
                assert_eq!(container(&sim).kills, kills, "{context}: killed as often");
                let fills = sim.world.lock().expect("not poisoned").disks.fills;
                assert_eq!(fills, u32::from(of == FaultKind::FillDisk), "{context}: filled");
            }
        }
    }
}

#[tokio::test]
async fn a_short_pause_is_over_before_anybody_restarts_anything() {
    let (sim, id) = running().await;
    let fault = sim.inject(id, &lasting(FaultKind::Pause, 5));
    sim.live(Duration::from_secs(2)).await;
    assert_eq!(container(&sim).status.state, ContainerState::Paused);
    assert_eq!(sim.fault(id, fault).state(sim.now()), FaultState::Active);
    sim.live(Duration::from_secs(5)).await;
    assert_healed(&sim, id, fault, "short pause");
    assert_eq!(container(&sim).starts, 1);
}

#[tokio::test]
async fn a_long_pause_is_a_hang_and_what_was_restarted_is_not_paused_again() {
    let (sim, id) = running().await;
    let fault = sim.inject(id, &lasting(FaultKind::Pause, 600));
    sim.live(Duration::from_secs(40)).await;
    let seen = container(&sim);
    assert!(is_up(&seen) && seen.starts == 2, "{}", brief(&seen));
    assert_eq!(sentence(&sim, id), "every endpoint answers");
    assert!(!has_ended(&sim, id, fault));
    sim.live(Duration::from_secs(600)).await;
    assert_healed(&sim, id, fault, "long pause");
    assert_eq!(container(&sim).starts, 2);
    assert!(!sim.faults.names().contains(&"heal"), "there was nothing left to heal");
}

#[tokio::test]
async fn a_container_that_was_replaced_is_none_of_the_faults_business() {
    for of in [FaultKind::Pause, FaultKind::Isolate] {
        let (sim, id) = running().await;
        let fault = sim.inject(id, &lasting(of, 30));
        sim.live(Duration::from_secs(1)).await;
        let before = container(&sim).status.id;
        let name = sim.world.lock().expect("not poisoned").containers.keys().next().cloned();
        let runtime = sim.process().runtime;
        let keep = brokerd_domain::instance::Volumes::Keep;
        runtime.remove(&name.expect("one"), keep).await.expect("removed by somebody");
        sim.runtime_event(id).await;
        sim.live(Duration::from_secs(5)).await;
        let after = container(&sim);
        assert!(after.status.id != before && is_up(&after) && !after.isolated, "{}", brief(&after));
        sim.live(Duration::from_secs(60)).await;
        assert_healed(&sim, id, fault, of.as_str());
        assert!(!sim.faults.names().contains(&"heal"), "{of}: another container was touched");
    }
}

#[tokio::test]
async fn what_nobody_was_there_to_heal_in_time_is_healed_by_the_next_pass() {
    for of in [
        FaultKind::Pause,
        FaultKind::Isolate,
        FaultKind::ZoneOutage,
        FaultKind::Latency,
        FaultKind::FillDisk,
    ] {
        let (sim, id) = running().await;
        let fault = sim.inject(id, &lasting(of, 10));
        sim.live(Duration::from_secs(1)).await;
        assert_eq!(sim.fault(id, fault).state(sim.now()), FaultState::Active, "{of}");
        sim.clock.advance(Duration::from_hours(1));
        assert_eq!(sim.fault(id, fault).state(sim.now()), FaultState::Healing, "{of}");
        sim.settle().await;
        assert_healed(&sim, id, fault, of.as_str());
        let starts = if of == FaultKind::ZoneOutage { 2 } else { 1 };
        assert_eq!(container(&sim).starts, starts, "{of}: healed before it was judged");
    }
}

#[tokio::test]
async fn a_fault_that_expired_before_a_pass_never_starts() {
    for input in [kind(FaultKind::Kill), lasting(FaultKind::ZoneOutage, 10)] {
        let (sim, id) = running().await;
        let fault = sim.inject(id, &input);
        sim.clock.advance(Duration::from_hours(1));
        sim.live(Duration::from_secs(20)).await;
        assert!(has_ended(&sim, id, fault));
        assert_eq!(sim.fault(id, fault).affected, None);
        let container = container(&sim);
        assert_eq!((container.starts, container.kills), (1, 0));
    }
}

#[tokio::test]
async fn a_zone_outage_keeps_its_instance_down_also_after_a_manual_start() {
    let (sim, id) = running().await;
    let fault = sim.inject(id, &lasting(FaultKind::ZoneOutage, 300));
    sim.live(Duration::from_secs(100)).await;
    let down = container(&sim);
    assert!(!is_up(&down) && down.starts == 1 && down.kills == 1, "{}", brief(&down));
    let told = sentence(&sim, id);
    assert!(told.contains("instance 1 is held down by fault f-"), "{told}");
    assert!(told.contains("ZONE_OUTAGE of us-east-1a for 300 s"), "{told}");
    assert!(!leads_anywhere(&sim, id));

    sim.process().runtime.start(&down.status.id).await.expect("started by somebody");
    sim.reboot(id);
    sim.live(Duration::from_secs(30)).await;
    let down = container(&sim);
    assert!(!is_up(&down) && down.kills == 2, "{}", brief(&down));
    assert_eq!(sim.state(id), Some(BrokerState::RebootInProgress), "it has to wait");

    sim.heal(id, fault);
    sim.live(Duration::from_secs(20)).await;
    assert_healed(&sim, id, fault, "outage");
    assert_eq!(container(&sim).status.reboot, 1);
}

#[tokio::test]
async fn an_isolated_instance_is_not_restarted_and_comes_back_at_new_addresses() {
    let (sim, id) = running().await;
    let before = container(&sim).status.addresses;
    let fault = sim.inject(id, &lasting(FaultKind::Isolate, 3600));
    sim.live(Duration::from_secs(300)).await;
    let cut = container(&sim);
    assert!(cut.isolated && is_up(&cut) && cut.starts == 1, "{}", brief(&cut));
    assert!(!leads_anywhere(&sim, id), "its ports may be somebody else's by now");
    assert!(sentence(&sim, id).contains("isolated by fault f-"), "{}", sentence(&sim, id));

    sim.heal(id, fault);
    sim.live(Duration::from_secs(5)).await;
    assert_healed(&sim, id, fault, "isolation");
    let after = container(&sim);
    assert!(after.starts == 1 && after.status.addresses != before, "{}", brief(&after));
}

#[tokio::test]
async fn a_killed_isolated_instance_is_started_and_stays_cut_off() {
    let (sim, id) = running().await;
    let cut = sim.inject(id, &lasting(FaultKind::Isolate, 60));
    sim.live(Duration::from_secs(1)).await;
    let killed = sim.inject(id, &kind(FaultKind::Kill));
    sim.live(Duration::from_secs(5)).await;
    assert!(has_ended(&sim, id, killed) && !has_ended(&sim, id, cut));
    let seen = container(&sim);
    assert!(seen.isolated && is_up(&seen) && seen.kills == 1, "{}", brief(&seen));
    sim.live(Duration::from_secs(70)).await;
    assert!(has_ended(&sim, id, cut) && !container(&sim).isolated);
    assert_eq!(sentence(&sim, id), "every endpoint answers");
}

#[tokio::test]
async fn of_two_faults_on_one_container_the_longer_one_counts() {
    for of in [FaultKind::Pause, FaultKind::Isolate] {
        let (sim, id) = running().await;
        let short = sim.inject(id, &lasting(of, 4));
        let long = sim.inject(id, &lasting(of, 12));
        sim.live(Duration::from_secs(8)).await;
        assert!(has_ended(&sim, id, short) && !has_ended(&sim, id, long), "{of}");
        let seen = container(&sim);
        assert!(
            seen.isolated || seen.status.state == ContainerState::Paused,
            "{of}: {}",
            brief(&seen)
        );
        sim.live(Duration::from_secs(10)).await;
        assert!(has_ended(&sim, id, long), "{of}");
        let seen = container(&sim);
        assert!(is_up(&seen) && !seen.isolated && seen.starts == 1, "{of}: {}", brief(&seen));
    }
}

#[tokio::test]
async fn a_broker_is_deleted_in_the_middle_of_its_faults() {
    for of in [FaultKind::Pause, FaultKind::Isolate, FaultKind::ZoneOutage, FaultKind::FillDisk] {
        let (sim, id) = running().await;
        sim.inject(id, &lasting(of, 3600));
        sim.live(Duration::from_secs(1)).await;
        sim.delete(id);
        sim.settle().await;
        assert_eq!(sim.state(id), None, "{of}");
        assert_eq!(sim.world.lock().expect("not poisoned").belongings(id), 0, "{of}");
    }
}

#[tokio::test]
async fn no_fault_starts_while_the_runtime_does_not_answer() {
    let (sim, id) = running().await;
    *sim.blind.lock().expect("not poisoned") = true;
    let fault = sim.inject(id, &lasting(FaultKind::Pause, 600));
    for _ in 0..5 {
        sim.live(Duration::from_secs(5)).await;
    }
    assert_eq!(sim.fault(id, fault).affected, None);
    *sim.blind.lock().expect("not poisoned") = false;
    sim.live(Duration::from_secs(700)).await;
    assert_healed(&sim, id, fault, "after blindness");
}

#[tokio::test]
async fn a_worker_without_a_lease_starts_no_fault() {
    let (sim, id) = running().await;
    sim.inject(id, &kind(FaultKind::Kill));
    let sleeper = brokerd_domain::WorkerId::from(uuid::Uuid::from_u128(1));
    sim.store.lives.lock().expect("not poisoned").clear();
    let ttl = Duration::from_secs(30);
    let stale = sim.store.claim_due(sleeper, None, ttl, 1).await.expect("claims").remove(0);
    sim.clock.advance(ttl);
    let outcome = sim.process().pass(&stale, None).await;
    assert!(matches!(outcome, Err(StepError::LeaseLost)), "{outcome:?}");
    assert_eq!(container(&sim).kills, 0);
}

fn seen_instance(id: &str, port: u16) -> Observed<ObservedInstance> {
    let limits = Limits {
        memory_bytes: 1 << 30,
        nano_cpus: 1_000_000_000,
        cpu_shares: Limits::SERVING_SHARES,
        pids: 512,
    };
    Observed::Present(ObservedInstance {
        status: InstanceStatus {
            id: RuntimeId(id.to_owned()),
            digest: SpecDigest("digest".to_owned()),
            generation: Generation(1),
            reboot: 0,
            image_id: Some("image".to_owned()),
            state: ContainerState::Running { since: Timestamp::from_micros(7) },
            addresses: BTreeMap::from([(5671, ([127, 0, 0, 1], port).into())]),
            limits,
            own_disk: false,
            silent_host: None,
        },
        answers: BTreeMap::new(),
        alarms: Observed::Absent,
        cluster: Observed::Absent,
        filled: Observed::Absent,
    })
}

#[test]
fn a_failover_kills_the_instance_that_serves() {
    let mut broker = crate::world::broker(EngineType::ActiveMq, 1);
    broker.status.observed_generation = Some(Generation(1));
    broker.spec.deployment_mode = brokerd_domain::DeploymentMode::ActiveStandbyMultiAz;
    let now = Timestamp::from_micros(1_790_000_000_000_000);
    let network = brokerd_domain::NetworkDefaults::default();
    let spec =
        FaultSpec::parse(&kind(FaultKind::Failover), &broker, &network, false).expect("a pair");
    let mut fault = Injected::new(FaultId::from(uuid::Uuid::from_u128(5)), spec, now);
    let mut seen = Observation {
        instances: BTreeMap::from([(1, seen_instance("one", 1)), (2, seen_instance("two", 2))]),
        leftovers: Observed::Absent,
    };
    // Both instances' endpoints lead to the second, as they do after a first failover.
    let targets = [1, 2].map(|ordinal| Target {
        ordinal,
        protocol: brokerd_domain::Protocol::Amqp,
        addresses: vec![([127, 0, 0, 1], 2).into()],
    });
    let decide = |fault: &Injected, targets: &[Target], seen: &Observation| {
        let subject = Subject {
            broker: &broker,
            instances: &[],
            limits: None,
            host_capacity: crate::world::HOST_CAPACITY,
            reservation: None,
            desired: &Desired::Unrendered,
            targets,
            faults: std::slice::from_ref(fault),
            boot_deadline: Duration::from_secs(60),
            boot_nano_cpus: 4_000_000_000,
            image_id: None,
            certificate_ends_soon: false,
        };
        match plan(&subject, seen, now) {
            Decision::Plan(plan) => plan.steps,
            Decision::NeedsRendering => Vec::new(),
        }
    };
    let struck = |steps: Vec<Step>| match steps.as_slice() {
        [Step::Fault(FaultStep::Start(_, struck))] => struck.clone(),
        other => panic!("{other:?}"),
    };
    let hit = struck(decide(&fault, &targets, &seen));
    assert_eq!((hit.len(), hit[0].ordinal, hit[0].container.as_str()), (1, 2, "two"));
    assert_eq!(
        struck(decide(&fault, &[], &seen))[0].ordinal,
        1,
        "led nowhere: the first that is alive"
    );
    let mut paused = seen_instance("two", 2);
    if let Observed::Present(instance) = &mut paused {
        instance.status.state = ContainerState::Paused;
        instance.status.addresses.clear();
    }
    let original = seen.instances.insert(2, paused).expect("it was there");
    assert_eq!(
        struck(decide(&fault, &targets, &seen))[0].ordinal,
        2,
        "paused, it tells no addresses"
    );
    seen.instances.insert(2, original);
    fault.affected = Some(hit);
    let steps = decide(&fault, &targets, &seen);
    let [Step::Fault(FaultStep::Inject(2, id, _)), Step::Fault(FaultStep::End(..))] =
        steps.as_slice()
    else {
        panic!("{steps:?}")
    };
    assert_eq!(id.0, "two");
}
