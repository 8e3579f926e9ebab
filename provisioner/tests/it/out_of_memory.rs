//! Instances of pairs and nodes of clusters that run out of memory again and again, on a simulated world.

use std::time::Duration;

use crate::world::driver::Simulation;
use brokerd_domain::{
    ActionCode, BrokerId, BrokerState, Timestamp,
    instance::{ContainerState, InstanceName},
};
use brokerd_provisioner::plan::Alarm;

/// What is required of whoever owns it.
fn codes(sim: &Simulation, id: BrokerId) -> Vec<ActionCode> {
    let actions = sim.row(id).expect("it runs").broker.status.actions_required;
    actions.into_iter().map(|action| action.code).collect()
}

fn instance(sim: &Simulation, ordinal: u8) -> InstanceName {
    let world = sim.world.lock().expect("not poisoned");
    let mut names = world.containers.keys();
    names.find(|name| name.ordinal == ordinal).expect("it is there").clone()
}

fn running_since(sim: &Simulation, name: &InstanceName) -> Option<Timestamp> {
    let world = sim.world.lock().expect("not poisoned");
    match world.containers.get(name)?.status.state {
        ContainerState::Running { since } => Some(since),
        _ => None,
    }
}

async fn starve(sim: &Simulation, name: &InstanceName) {
    sim.in_the_world(|world| world.starve(name));
    sim.runtime_event(name.broker).await;
    sim.settle().await;
}

/// A pair each of whose instances has run out of memory as soon as it served, three times in all.
async fn starved_pair(sim: &Simulation) -> BrokerId {
    let id = sim.create_pair();
    sim.settle().await;
    for time in 1..=3 {
        let active = sim.active(id).expect("one serves");
        let standby = instance(sim, 3 - active.ordinal);
        let since = running_since(sim, &standby);
        starve(sim, &active).await;
        assert_eq!(sim.active(id), Some(standby.clone()), "the other one took over");
        assert_eq!(running_since(sim, &standby), since, "it was disturbed");
        assert!(running_since(sim, &active).is_some(), "it does not stand by");
        let expected: &[&str] = if time < 3 { &[] } else { &["BROKER_OOM"] };
        assert_eq!(codes(sim, id), expected, "{time} times: {:?}", sim.take_log());
    }
    assert_eq!(sim.state(id), Some(BrokerState::CriticalActionRequired));
    id
}

#[tokio::test]
async fn a_pair_that_runs_out_of_memory_in_turns_requires_action_until_it_is_calm() {
    let sim = Simulation::new();
    let id = starved_pair(&sim).await;
    sim.live(Duration::from_mins(4)).await;
    assert_eq!(sim.state(id), Some(BrokerState::CriticalActionRequired), "not for long enough");
    sim.live(Duration::from_mins(2)).await;
    assert_eq!(sim.state(id), Some(BrokerState::Running));
    assert!(codes(&sim, id).is_empty());
}

#[tokio::test]
async fn a_pair_that_was_given_more_memory_requires_no_action_any_more() {
    let sim = Simulation::new();
    let id = starved_pair(&sim).await;
    assert!(sim.row(id).expect("it runs").broker.check_reboot().is_ok());
    sim.change_everything(id);
    sim.reboot(id);
    sim.settle().await;
    assert_eq!(sim.state(id), Some(BrokerState::Running), "{:?}", sim.take_log());
}

#[tokio::test]
async fn a_node_that_the_kernel_kills_again_and_again_requires_action_and_no_other_is_touched() {
    let sim = Simulation::new();
    let id = sim.create_cluster();
    sim.settle().await;
    let others = [instance(&sim, 1), instance(&sim, 3)];
    let before = others.each_ref().map(|name| running_since(&sim, name));
    for time in 1..=3 {
        assert_eq!(sim.state(id), Some(BrokerState::Running), "{time}");
        starve(&sim, &instance(&sim, 2)).await;
    }
    assert_eq!(sim.state(id), Some(BrokerState::CriticalActionRequired));
    assert_eq!(codes(&sim, id), ["BROKER_OOM"]);
    // Not to be told of alarms is no news of the loop.
    sim.in_the_world(|world| world.alarms = None);
    sim.live(Duration::from_mins(1)).await;
    assert_eq!(codes(&sim, id), ["BROKER_OOM"]);
    sim.live(Duration::from_mins(6)).await;
    assert!(codes(&sim, id).is_empty(), "{:?}", sim.take_log());
    sim.in_the_world(|world| world.alarms = Some(vec![Alarm::Memory]));
    sim.live(Duration::from_secs(15)).await;
    assert_eq!(codes(&sim, id), ["RABBITMQ_MEMORY_ALARM"], "one node's alarm is the cluster's");
    sim.in_the_world(|world| world.alarms = Some(Vec::new()));
    sim.live(Duration::from_secs(15)).await;
    assert_eq!(sim.state(id), Some(BrokerState::Running));
    assert_eq!(others.each_ref().map(|name| running_since(&sim, name)), before);
}

#[tokio::test]
async fn a_cluster_is_rebooted_though_one_of_its_nodes_runs_out_of_memory_meanwhile() {
    let sim = Simulation::new();
    let id = sim.create_cluster();
    sim.settle().await;
    for _ in 0..3 {
        starve(&sim, &instance(&sim, 2)).await;
    }
    sim.change_everything(id);
    sim.reboot(id);
    starve(&sim, &instance(&sim, 2)).await;
    assert_eq!(sim.state(id), Some(BrokerState::Running), "{:?}", sim.take_log());
    let fewest = sim.world.lock().expect("not poisoned").fewest_left;
    assert!(fewest >= Some(1), "all were stopped: {fewest:?}");
}
