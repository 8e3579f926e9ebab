//! Every effect of every scenario fails in every way, and the world ends the same.

use std::{sync::Arc, time::Duration};

use crate::world::{
    containers::Container,
    driver::Simulation,
    fault::{Fault, Faults},
    host::EngineBehaviour,
    store::Row,
};
use brokerd_domain::{
    BrokerId, BrokerState, EngineType, EventKind,
    instance::{ContainerState, InstanceName},
};

/// What is created.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Single(EngineType),
    Pair,
}

impl Kind {
    fn instances(self) -> usize {
        match self {
            Self::Single(_) => 1,
            Self::Pair => 2,
        }
    }

    /// A container, its volumes and a network; a pair has its store together.
    fn belongings(self) -> usize {
        match self {
            Self::Single(_) => 4,
            Self::Pair => 6,
        }
    }
}

/// What a user does, one after the other, waiting for rest in between or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scenario {
    Create,
    CreateAndReboot,
    CreateAndDelete,
    DeleteWhileCreating,
    RebootTwiceAtOnce,
    EngineKilled,
    ChangeEverythingAndReboot,
    PoisonAndReboot,
    ActiveKilled,
    ActiveFrozen,
    ActiveHangs,
    ActiveRemoved,
    StandbyKilled,
    RebootAndActiveKilled,
}

const SCENARIOS: [Scenario; 8] = [
    Scenario::Create,
    Scenario::CreateAndReboot,
    Scenario::CreateAndDelete,
    Scenario::DeleteWhileCreating,
    Scenario::RebootTwiceAtOnce,
    Scenario::EngineKilled,
    Scenario::ChangeEverythingAndReboot,
    Scenario::PoisonAndReboot,
];

const OF_PAIRS: [Scenario; 6] = [
    Scenario::ActiveKilled,
    Scenario::ActiveFrozen,
    Scenario::ActiveHangs,
    Scenario::ActiveRemoved,
    Scenario::StandbyKilled,
    Scenario::RebootAndActiveKilled,
];

fn scenarios(kind: Kind) -> Vec<Scenario> {
    let more = if kind == Kind::Pair { OF_PAIRS.as_slice() } else { &[] };
    SCENARIOS.iter().chain(more).copied().collect()
}

/// Pairs have twice as many effects, so that of two faults alike one has to do.
fn faults(kind: Kind) -> &'static [Fault] {
    match kind {
        Kind::Single(_) => &Fault::ALL,
        Kind::Pair => &[Fault::CrashBefore, Fault::ReplyLost, Fault::Twice],
    }
}

async fn play(scenario: Scenario, kind: Kind, sim: &Simulation) -> BrokerId {
    let id = match kind {
        Kind::Single(engine) => sim.create(engine),
        Kind::Pair => sim.create_pair(),
    };
    match scenario {
        Scenario::Create => {}
        Scenario::CreateAndReboot => {
            sim.settle().await;
            sim.reboot(id);
        }
        Scenario::CreateAndDelete => {
            sim.settle().await;
            sim.delete(id);
        }
        Scenario::DeleteWhileCreating => sim.delete(id),
        Scenario::RebootTwiceAtOnce => {
            sim.settle().await;
            sim.reboot(id);
            sim.reboot(id);
        }
        Scenario::EngineKilled => {
            sim.settle().await;
            sim.world.lock().expect("not poisoned").kill(id);
            sim.runtime_event(id).await;
        }
        Scenario::ChangeEverythingAndReboot => {
            sim.settle().await;
            sim.change_everything(id);
            sim.settle().await;
            let row = sim.row(id).expect("it runs");
            assert!(row.pending_users.is_some(), "nothing changes before the reboot");
            sim.reboot(id);
        }
        Scenario::PoisonAndReboot => {
            sim.settle().await;
            sim.poison(id);
            sim.reboot(id);
        }
        Scenario::ActiveKilled
        | Scenario::ActiveFrozen
        | Scenario::ActiveHangs
        | Scenario::ActiveRemoved
        | Scenario::StandbyKilled => {
            sim.settle().await;
            disturb(scenario, sim, id);
            sim.runtime_event(id).await;
            let before = sim.active(id);
            sim.settle().await;
            let moved = sim.active(id) != before;
            assert_eq!(moved, scenario != Scenario::StandbyKilled, "{scenario:?}");
        }
        Scenario::RebootAndActiveKilled => {
            sim.settle().await;
            sim.reboot(id);
            disturb(scenario, sim, id);
            sim.runtime_event(id).await;
        }
    }
    sim.settle().await;
    id
}

fn disturb(scenario: Scenario, sim: &Simulation, id: BrokerId) {
    let active = sim.active(id).expect("one serves");
    let mut world = sim.world.lock().expect("not poisoned");
    match scenario {
        Scenario::StandbyKilled => {
            let standby = InstanceName { ordinal: 3 - active.ordinal, ..active };
            world.kill_one(&standby);
        }
        Scenario::ActiveFrozen => {
            let container = world.containers.get_mut(&active).expect("it is there");
            container.status.state = ContainerState::Paused;
            container.status.addresses.clear();
        }
        Scenario::ActiveHangs => {
            world.containers.get_mut(&active).expect("it is there").hangs = true;
        }
        Scenario::ActiveRemoved => {
            world.containers.remove(&active);
        }
        _ => world.kill_one(&active),
    }
}

/// What must be true at the end, however it came about.
fn assert_final_world(
    scenario: Scenario,
    kind: Kind,
    sim: &Simulation,
    id: BrokerId,
    context: &str,
) {
    let world = sim.world.lock().expect("not poisoned").clone();
    let log = sim.take_log().join("\n");
    let context = &format!("{context}\n{log}");
    assert!(world.most_containers <= kind.instances(), "too many containers: {context}");
    if matches!(scenario, Scenario::CreateAndDelete | Scenario::DeleteWhileCreating) {
        assert_eq!(sim.state(id), None, "the broker is still there: {context}");
        assert_eq!(world.belongings(id), 0, "something is left: {context}");
        return;
    }
    let expected = match scenario {
        Scenario::PoisonAndReboot => BrokerState::CriticalActionRequired,
        _ => BrokerState::Running,
    };
    assert_eq!(sim.state(id), Some(expected), "{context}");
    let row = sim.row(id).expect("it runs");
    let status = &row.broker.status;
    assert_eq!(status.observed_generation, Some(row.broker.generation), "{context}");
    assert_eq!(status.reboots_done, row.broker.reboots_requested, "{context}");
    assert_eq!(world.containers.len(), kind.instances(), "{context}");
    for container in world.containers.values() {
        let runs = matches!(container.status.state, ContainerState::Running { .. });
        assert!(runs && !container.hangs, "{context}");
        assert_eq!(container.status.reboot, row.broker.reboots_requested, "{context}");
        assert_in_force(scenario, &row, container, context);
    }
    let active = match kind {
        Kind::Single(_) => world.containers.keys().next().cloned(),
        Kind::Pair => sim.active(id),
    };
    let active = &world.containers[&active.expect("one serves")];
    assert!(active.status.limits.nano_cpus <= 2_000_000_000, "still boosted: {context}");
    assert_eq!(row.targets.len(), kind.instances() * row.broker.instances[0].endpoints.len());
    for target in &row.targets {
        let port = target.protocol.engine_port(row.broker.spec.engine_type);
        let address = active.status.addresses.get(&port);
        assert_eq!(target.addresses.first(), address, "{context}");
    }
    assert_eq!(world.belongings(id), kind.belongings(), "something leaked: {context}");
}

/// What the engine was made from is what the store says is in force, and that is what was asked for.
fn assert_in_force(scenario: Scenario, row: &Row, container: &Container, context: &str) {
    let broker = &row.broker;
    // All of it was applied, or all of it goes on waiting.
    let waits = matches!(scenario, Scenario::PoisonAndReboot);
    assert_eq!(broker.not_applied.is_some(), waits, "{context}");
    assert_eq!(broker.pending.host_instance_type.is_some(), waits, "{context}");
    assert_eq!(broker.configurations.pending.is_some(), waits, "{context}");
    assert_eq!(row.pending_users.is_some(), waits, "{context}");
    assert_eq!(broker.has_pending(), waits, "{context}");
    let changed = matches!(scenario, Scenario::ChangeEverythingAndReboot);
    let (revision, host) = match (changed, broker.spec.engine_type) {
        (false, EngineType::ActiveMq) => (1, "mq.t3.micro"),
        (false, EngineType::RabbitMq) => (1, "mq.m7g.medium"),
        (true, EngineType::ActiveMq) => (2, "mq.m5.large"),
        (true, EngineType::RabbitMq) => (2, "mq.m7g.large"),
    };
    assert_eq!(broker.configurations.current, Some(crate::world::revision(revision)), "{context}");
    assert_eq!(broker.configurations.history.len(), usize::from(changed), "{context}");
    assert_eq!(broker.spec.host_instance_type.name(), host, "{context}");
    let tier = broker.spec.host_instance_type;
    assert_eq!(container.status.limits.memory_bytes, tier.memory_bytes(), "{context}");
    let user = if changed { "second" } else { "admin" };
    assert_eq!(row.users[0].username.as_str(), user, "{context}");
    if broker.spec.engine_type == EngineType::ActiveMq {
        assert!(
            container.files.iter().any(|f| f.starts_with(&format!("{user}=pbkdf2"))),
            "{context}"
        );
    }
    let has = |text: &str| container.files.iter().any(|file| file.contains(text));
    assert_eq!(has("heartbeat = 120") || has("advisorySupport=\"false\""), changed, "{context}");
    let refused = row.events.iter().any(|e| {
        e.kind == EventKind::Failure
            && e.message.contains("poisoned")
            && e.message.contains("revision 2")
    });
    assert_eq!(refused, matches!(scenario, Scenario::PoisonAndReboot), "{context}");
}

async fn every_effect_may_fail(kind: Kind) {
    let mut creation = 0;
    for scenario in scenarios(kind) {
        let undisturbed = Simulation::new();
        let id = play(scenario, kind, &undisturbed).await;
        let effects = undisturbed.faults.effects();
        let names = undisturbed.faults.names();
        assert_final_world(scenario, kind, &undisturbed, id, &format!("{scenario:?} undisturbed"));
        assert!(effects > 0, "{scenario:?} has no effects");
        // Others begin with what the first scenario is all of.
        let skipped = if scenario == Scenario::DeleteWhileCreating { 0 } else { creation };
        if scenario == Scenario::Create {
            creation = effects;
        }
        for (at, name) in names.iter().enumerate().skip(skipped) {
            for fault in faults(kind).iter().copied() {
                let context = format!("{scenario:?}, {fault:?} at effect {at} ({name})");
                let sim = Simulation::with_faults(Faults::striking(at, fault));
                let id = play(scenario, kind, &sim).await;
                assert!(sim.faults.has_struck(), "{context}: it never came to that effect");
                assert_final_world(scenario, kind, &sim, id, &context);
            }
        }
    }
}

#[tokio::test]
async fn a_rabbitmq_broker_ends_the_same_whatever_fails_at_any_effect() {
    every_effect_may_fail(Kind::Single(EngineType::RabbitMq)).await;
}

#[tokio::test]
async fn an_activemq_broker_ends_the_same_whatever_fails_at_any_effect() {
    every_effect_may_fail(Kind::Single(EngineType::ActiveMq)).await;
}

#[tokio::test]
async fn an_activemq_pair_ends_the_same_whatever_fails_at_any_effect() {
    every_effect_may_fail(Kind::Pair).await;
}

async fn passes_read_as_in(golden: &str, kind: Kind) {
    let mut text = String::new();
    for scenario in scenarios(kind) {
        let sim = Simulation::new();
        play(scenario, kind, &sim).await;
        text.push_str(&format!("== {scenario:?}\n"));
        for line in sim.take_log() {
            text.push_str(&line);
            text.push('\n');
        }
        text.push_str(&format!("effects: {}\n\n", sim.faults.names().join(", ")));
    }
    let path = format!("{}/tests/goldens/{golden}", env!("CARGO_MANIFEST_DIR"));
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, &text).expect("the golden can be written");
    }
    let golden = std::fs::read_to_string(&path).expect("run once with UPDATE_GOLDEN=1");
    assert_eq!(text, golden, "run with UPDATE_GOLDEN=1 and review the difference");
}

#[tokio::test]
async fn the_passes_of_each_scenario_read_as_agreed() {
    passes_read_as_in("scenarios.txt", Kind::Single(EngineType::RabbitMq)).await;
    passes_read_as_in("scenarios-pair.txt", Kind::Pair).await;
}

#[tokio::test]
async fn an_engine_that_does_not_boot_fails_the_creation_and_says_why() {
    let sim = Simulation::new();
    sim.world.lock().expect("not poisoned").engine =
        EngineBehaviour::Dies("bad configuration in line 7");
    let id = sim.create(EngineType::RabbitMq);
    sim.settle().await;
    assert_eq!(sim.state(id), Some(BrokerState::CreationFailed));
    let row = sim.row(id).expect("it stays listed");
    let failure =
        row.events.iter().find(|e| e.kind == EventKind::Failure).expect("an event says why");
    assert!(failure.message.contains("bad configuration in line 7"), "{}", failure.message);
    assert_eq!(sim.world.lock().expect("not poisoned").belongings(id), 0, "it holds on to nothing");
    sim.delete(id);
    sim.settle().await;
    assert_eq!(sim.state(id), None, "deleting always works");
}

#[tokio::test]
async fn an_engine_that_hangs_is_restarted_twice_and_then_given_up() {
    let sim = Simulation::new();
    sim.world.lock().expect("not poisoned").engine = EngineBehaviour::Hangs;
    let id = sim.create(EngineType::ActiveMq);
    sim.settle().await;
    assert_eq!(sim.state(id), Some(BrokerState::CreationFailed));
    assert_eq!(sim.faults.names().iter().filter(|n| **n == "restart").count(), 2);
}

#[tokio::test]
async fn a_missing_image_fails_the_creation() {
    let sim = Simulation::new();
    sim.world.lock().expect("not poisoned").engine = EngineBehaviour::NoImage;
    let id = sim.create(EngineType::RabbitMq);
    sim.settle().await;
    let row = sim.row(id).expect("it stays listed");
    assert!(row.broker.status.failure.expect("failed").contains("no such image"));
}

#[tokio::test]
async fn a_running_broker_outlives_a_long_blindness_untouched() {
    let sim = Simulation::new();
    let id = sim.create(EngineType::RabbitMq);
    sim.settle().await;
    let before = sim.world.lock().expect("not poisoned").clone();
    let acts = |name: &&&str| !["record", "claim watched"].contains(*name);
    let effects = sim.faults.names().iter().filter(acts).count();
    *sim.blind.lock().expect("not poisoned") = true;
    sim.live(Duration::from_mins(20)).await;
    let names = sim.faults.names();
    assert_eq!(names.iter().filter(acts).count(), effects, "nothing was done: {names:?}");
    assert_eq!(*sim.world.lock().expect("not poisoned"), before);
    assert_eq!(sim.state(id), Some(BrokerState::Running), "not seeing is no news");
    *sim.blind.lock().expect("not poisoned") = false;
    sim.settle().await;
    assert_eq!(sim.state(id), Some(BrokerState::Running));
}

#[tokio::test]
async fn an_engine_that_stops_answering_is_restarted_after_a_while() {
    let sim = Simulation::new();
    let id = sim.create(EngineType::RabbitMq);
    sim.settle().await;
    let starts = |sim: &Simulation| {
        sim.world.lock().expect("not poisoned").containers.values().map(|c| c.starts).sum::<u32>()
    };
    assert_eq!(starts(&sim), 1);
    sim.world.lock().expect("not poisoned").engine = EngineBehaviour::Hangs;
    let hung_at = sim.now();
    while starts(&sim) == 1 {
        assert!(sim.now().since(hung_at) < Duration::from_secs(60), "it hangs and nobody cares");
        sim.live(Duration::from_millis(500)).await;
    }
    assert!(sim.now().since(hung_at) >= Duration::from_secs(20), "a moment's silence is no reason");
    sim.world.lock().expect("not poisoned").engine = EngineBehaviour::default();
    sim.settle().await;
    assert_eq!(sim.state(id), Some(BrokerState::Running));
}

#[tokio::test]
async fn orphans_go_after_two_sightings_and_a_grace_period_and_nothing_else_goes() {
    use brokerd_provisioner::tasks::sweep::Sweeper;
    let sim = Simulation::new();
    let orphan = sim.create_orphan().await;
    let id = sim.create(EngineType::RabbitMq);
    sim.settle().await;
    let mut sweeper = Sweeper::new(sim.sweep_context());
    assert_eq!(sweeper.sweep().await.ok(), Some(0), "seen once");
    sim.clock.advance(Duration::from_secs(59));
    assert_eq!(sweeper.sweep().await.ok(), Some(0), "not for long enough");
    *sim.blind.lock().expect("not poisoned") = true;
    sim.clock.advance(Duration::from_secs(60));
    assert!(sweeper.sweep().await.is_err(), "what can't be seen is not removed");
    *sim.blind.lock().expect("not poisoned") = false;
    assert!(sweeper.sweep().await.expect("it sees again") > 0);
    let world = sim.world.lock().expect("not poisoned");
    assert_eq!(world.belongings(orphan), 0);
    assert_eq!(world.belongings(id), 4, "a broker with a row is no orphan");
}

#[tokio::test]
async fn an_orphan_that_can_t_be_removed_keeps_no_other_one() {
    use brokerd_provisioner::tasks::sweep::Sweeper;
    let faults = Arc::new(Faults::default());
    let sim = Simulation::with_faults(faults.clone());
    let orphan = sim.create_orphan().await;
    let mut sweeper = Sweeper::new(sim.sweep_context());
    assert_eq!(sweeper.sweep().await.ok(), Some(0), "seen once");
    sim.clock.advance(Duration::from_secs(120));
    // The first of several is refused.
    faults.strike_next(Fault::Refused);
    sweeper.sweep().await.expect_err("one could not be removed");
    assert!(faults.has_struck());
    let left = sim.world.lock().expect("not poisoned").belongings(orphan);
    assert!(left < 4, "the others had to wait for it");
    sim.clock.advance(Duration::from_secs(120));
    sweeper.sweep().await.expect("nothing fails any more");
    assert_eq!(sim.world.lock().expect("not poisoned").belongings(orphan), 0);
}

#[tokio::test]
async fn objects_of_a_broker_that_the_store_never_knew_are_not_removed() {
    use brokerd_provisioner::tasks::sweep::Sweeper;
    let sim = Simulation::new();
    let stranger = sim.create_stranger().await;
    let mut sweeper = Sweeper::new(sim.sweep_context());
    for _ in 0..10 {
        assert_eq!(sweeper.sweep().await.ok(), Some(0));
        sim.clock.advance(Duration::from_hours(1));
    }
    assert_eq!(sim.world.lock().expect("not poisoned").belongings(stranger), 4);
}

#[tokio::test]
async fn a_worker_that_slept_through_its_lease_records_nothing() {
    use brokerd_provisioner::reconcile::{ReconcileStore, StepError};
    let sim = Simulation::new();
    let id = sim.create(EngineType::RabbitMq);
    let ttl = Duration::from_secs(30);
    let sleeper = brokerd_domain::WorkerId::from(uuid::Uuid::from_u128(1));
    let stale = sim.store.claim_due(sleeper, None, ttl, 1).await.expect("claims").remove(0);
    sim.clock.advance(ttl);
    sim.settle().await;
    assert_eq!(sim.state(id), Some(BrokerState::Running));
    let before = sim.row(id).expect("it runs").broker;
    sim.delete(id);
    let outcome = sim.process().pass(&stale, None).await;
    assert!(matches!(outcome, Err(StepError::LeaseLost)), "{outcome:?}");
    assert_eq!(sim.row(id).expect("not forgotten").broker.status, before.status);
}
