//! Every effect of every scenario of a RabbitMQ cluster fails in every way, and the world ends the same.
//! Whatever happens, brokerd stops no node while another one is down.

use std::time::Duration;

use crate::world::{
    driver::Simulation,
    fault::{Fault, Faults},
    host::EngineBehaviour,
};
use brokerd_domain::{BrokerId, BrokerState, EngineVersion, EventKind, instance::ContainerState};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scenario {
    Create,
    CreateAndDelete,
    Reboot,
    OneKilled,
    TwoKilled,
    AllKilled,
    KilledWhileRebooting,
    ContainerRemoved,
    Hung,
    Paused,
    Parted,
    ChangeEverythingAndReboot,
    PoisonAndReboot,
    Upgrade,
}

const SCENARIOS: [Scenario; 14] = [
    Scenario::Create,
    Scenario::CreateAndDelete,
    Scenario::Reboot,
    Scenario::OneKilled,
    Scenario::TwoKilled,
    Scenario::AllKilled,
    Scenario::KilledWhileRebooting,
    Scenario::ContainerRemoved,
    Scenario::Hung,
    Scenario::Paused,
    Scenario::Parted,
    Scenario::ChangeEverythingAndReboot,
    Scenario::PoisonAndReboot,
    Scenario::Upgrade,
];

async fn play(scenario: Scenario, sim: &Simulation) -> BrokerId {
    let id = sim.create_cluster();
    if scenario == Scenario::Upgrade {
        sim.store.request(id, |row| row.broker.spec.engine_version = EngineVersion::new(4, 0));
    }
    sim.settle().await;
    match scenario {
        Scenario::Create => {}
        Scenario::CreateAndDelete => sim.delete(id),
        Scenario::Reboot => sim.reboot(id),
        Scenario::OneKilled => sim.in_the_world(|world| world.kill_only(id, &[2])),
        Scenario::TwoKilled => sim.in_the_world(|world| world.kill_only(id, &[1, 3])),
        Scenario::AllKilled => sim.in_the_world(|world| world.kill(id)),
        Scenario::KilledWhileRebooting => {
            sim.reboot(id);
            sim.in_the_world(|world| world.kill_only(id, &[3]));
        }
        Scenario::ContainerRemoved => sim.in_the_world(|world| {
            world.containers.retain(|name, _| name.ordinal != 2);
        }),
        Scenario::Hung => sim.in_the_world(|world| world.hung.extend([3])),
        Scenario::Paused => sim.in_the_world(|world| world.pause_only(id, &[2])),
        Scenario::Parted => sim.in_the_world(|world| world.parted.extend([1])),
        Scenario::ChangeEverythingAndReboot => {
            sim.change_everything(id);
            sim.settle().await;
            sim.reboot(id);
        }
        Scenario::PoisonAndReboot => {
            sim.poison(id);
            sim.reboot(id);
        }
        Scenario::Upgrade => {
            sim.store.request(id, |row| {
                row.broker.generation.0 += 1;
                row.broker.pending.engine_version = Some(EngineVersion::new(4, 3));
            });
            sim.reboot(id);
        }
    }
    sim.runtime_event(id).await;
    sim.settle().await;
    id
}

fn assert_final_world(scenario: Scenario, sim: &Simulation, id: BrokerId, context: &str) {
    let world = sim.world.lock().expect("not poisoned").clone();
    let log = sim.take_log().join("\n");
    let context = format!("{context}\n{log}");
    assert!(world.most_containers <= 3, "{context}: more than three containers");
    if scenario != Scenario::Upgrade {
        let fewest = world.fewest_left.unwrap_or(2);
        assert_eq!(fewest, 2, "{context}: a node was stopped while another one was down");
    }
    if scenario == Scenario::CreateAndDelete {
        assert_eq!(sim.state(id), None, "{context}");
        assert_eq!(world.belongings(id), 0, "{context}: something is left");
        return;
    }
    let waits = scenario == Scenario::PoisonAndReboot;
    let expected = if waits { BrokerState::CriticalActionRequired } else { BrokerState::Running };
    assert_eq!(sim.state(id), Some(expected), "{context}");
    let row = sim.row(id).expect("it runs");
    let broker = &row.broker;
    assert_eq!(broker.status.observed_generation, Some(broker.generation), "{context}");
    assert_eq!(broker.status.reboots_done, broker.reboots_requested, "{context}");
    // All of it was applied, or all of it goes on waiting.
    assert_eq!(broker.not_applied.is_some(), waits, "{context}");
    assert_eq!(broker.pending.host_instance_type.is_some(), waits, "{context}");
    assert_eq!(broker.configurations.pending.is_some(), waits, "{context}");
    assert_eq!(row.pending_users.is_some(), waits, "{context}");
    assert_eq!(broker.instances.len(), 1, "{context}: it is one instance to the outside");
    let ordinals: Vec<u8> = world.containers.keys().map(|name| name.ordinal).collect();
    assert_eq!(ordinals, [1, 2, 3], "{context}");
    let changed = scenario == Scenario::ChangeEverythingAndReboot;
    for container in world.containers.values() {
        let status = &container.status;
        assert!(matches!(status.state, ContainerState::Running { .. }), "{context}");
        assert_eq!(status.reboot, broker.reboots_requested, "{context}");
        let tier = broker.spec.host_instance_type;
        assert_eq!(status.limits.memory_bytes, tier.memory_bytes(), "{context}");
        assert!(status.limits.nano_cpus <= 2_000_000_000, "{context}: still boosted");
        let has = |text: &str| container.files.iter().any(|file| file.contains(text));
        assert_eq!(has("heartbeat = 120"), changed, "{context}");
        assert!(!has("heartbeat = 666"), "{context}: still poisoned");
    }
    // The endpoint leads to every node, wherever it is now, and each metrics page to its node.
    for target in &row.targets {
        let port = target.protocol.engine_port(broker.spec.engine_type);
        let page_of = target.protocol.metrics_of_node();
        let nodes = world.containers.iter();
        let nodes = nodes.filter(|(name, _)| page_of.is_none_or(|page| page == name.ordinal));
        let addresses: Vec<_> = nodes.map(|(_, c)| c.status.addresses[&port]).collect();
        assert_eq!(target.addresses, addresses, "{context}");
    }
    // Three containers with two volumes each, one network.
    assert_eq!(world.belongings(id), 10, "{context}: something leaked");
    let refused = row
        .events
        .iter()
        .any(|event| event.kind == EventKind::Failure && event.message.contains("revision 2"));
    assert_eq!(refused, scenario == Scenario::PoisonAndReboot, "{context}");
}

#[tokio::test]
async fn a_cluster_ends_the_same_whatever_fails_at_any_effect() {
    for scenario in SCENARIOS {
        let undisturbed = Simulation::new();
        let id = play(scenario, &undisturbed).await;
        let names = undisturbed.faults.names();
        assert_final_world(scenario, &undisturbed, id, &format!("{scenario:?} undisturbed"));
        for (at, name) in names.iter().enumerate() {
            for fault in Fault::ALL {
                let context = format!("{scenario:?}, {fault:?} at effect {at} ({name})");
                let sim = Simulation::with_faults(Faults::striking(at, fault));
                let id = play(scenario, &sim).await;
                assert!(sim.faults.has_struck(), "{context}: it never came to that effect");
                assert_final_world(scenario, &sim, id, &context);
            }
        }
    }
}

#[tokio::test]
async fn nodes_that_begin_or_end_together_are_started_together() {
    let sim = Simulation::new();
    let id = sim.create_cluster();
    sim.settle().await;
    let names = sim.faults.names();
    assert!(names.windows(3).any(|w| w == ["apply", "apply", "apply"]), "{names:?}");
    sim.world.lock().expect("not poisoned").kill(id);
    sim.runtime_event(id).await;
    sim.settle().await;
    let names = sim.faults.names();
    assert!(names.windows(3).any(|w| w == ["start", "start", "start"]), "{names:?}");
}

#[tokio::test]
async fn a_configuration_that_does_not_boot_is_noticed_on_the_first_node_alone() {
    let sim = Simulation::new();
    let id = sim.create_cluster();
    sim.settle().await;
    let effects = sim.faults.effects();
    sim.poison(id);
    sim.reboot(id);
    sim.settle().await;
    let names = sim.faults.names().split_off(effects);
    let refused = names.iter().position(|name| *name == "give up pending").expect("it is refused");
    let stopped = names[..refused].iter().filter(|name| **name == "stop").count();
    assert_eq!(stopped, 1, "the other nodes had to suffer: {names:?}");
    assert_eq!(sim.state(id), Some(BrokerState::CriticalActionRequired));
}

fn ids(sim: &Simulation) -> Vec<String> {
    let world = sim.world.lock().expect("not poisoned");
    world.containers.values().map(|c| c.status.id.0.clone()).collect()
}

#[tokio::test]
async fn a_paused_node_is_given_no_time_while_the_others_serve() {
    let sim = Simulation::new();
    let id = sim.create_cluster();
    sim.settle().await;
    let effects = sim.faults.effects();
    let began = sim.now();
    sim.in_the_world(|world| world.pause_only(id, &[2]));
    sim.runtime_event(id).await;
    sim.settle().await;
    let done = sim.faults.names().split_off(effects);
    assert!(done.starts_with(&["claim watched", "set targets", "restart"]), "{done:?}");
    let took = sim.now().since(began);
    assert!(took < Duration::from_secs(20), "it was given time: {took:?}");
    assert_eq!(sim.state(id), Some(BrokerState::Running));
}

#[tokio::test]
async fn a_node_that_a_quorum_depends_on_is_not_stopped() {
    let sim = Simulation::new();
    let id = sim.create_cluster();
    sim.settle().await;
    let before = ids(&sim);
    let began = sim.now();
    sim.in_the_world(|world| world.critical.extend([2]));
    sim.reboot(id);
    sim.settle().await;
    let log = sim.take_log().join("\n");
    assert!(log.contains("waiting: stopping instance 2 would lose a quorum"), "{log}");
    assert!(sim.now().since(began) >= Duration::from_mins(3), "it was not waited for: {log}");
    assert!(before.iter().all(|node| !ids(&sim).contains(node)), "it was never rebooted: {log}");
    assert_eq!(sim.state(id), Some(BrokerState::Running));
}

#[tokio::test]
async fn nodes_that_can_not_be_seen_are_left_alone() {
    let sim = Simulation::new();
    let id = sim.create_cluster();
    sim.settle().await;
    sim.reboot(id);
    let effects = |sim: &Simulation| sim.faults.names().iter().filter(|n| **n != "record").count();
    let before = effects(&sim);
    *sim.blind.lock().expect("not poisoned") = true;
    sim.live(Duration::from_mins(20)).await;
    assert_eq!(effects(&sim), before, "{:?}", sim.faults.names());
}

#[tokio::test]
async fn nodes_that_never_answer_fail_the_creation() {
    let sim = Simulation::new();
    sim.world.lock().expect("not poisoned").engine = EngineBehaviour::Hangs;
    let id = sim.create_cluster();
    sim.settle().await;
    assert_eq!(sim.state(id), Some(BrokerState::CreationFailed));
    assert_eq!(sim.world.lock().expect("not poisoned").belongings(id), 0);
}
