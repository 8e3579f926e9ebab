//! What keeps brokers alive needs nothing but to see them.

mod world;

use std::time::Duration;

use brokerd_domain::{BrokerId, BrokerState, EngineType, Protocol};
use brokerd_provisioner::runtime::ContainerState;
use world::driver::Simulation;

const MINUTE: Duration = Duration::from_mins(1);

fn starts(sim: &Simulation, ordinal: u8) -> u32 {
    let world = sim.world.lock().expect("not poisoned");
    let mut there = world.containers.iter();
    there.find(|(name, _)| name.ordinal == ordinal).expect("it is there").1.starts
}

fn hush(sim: &Simulation, ordinal: u8, protocol: Protocol) {
    sim.in_the_world(|world| assert!(world.silent.insert((ordinal, protocol))));
}

#[tokio::test]
async fn an_engine_whose_amqp_listener_hangs_while_its_console_answers_is_restarted() {
    let sim = Simulation::new();
    let id = sim.create(EngineType::RabbitMq);
    sim.settle().await;
    hush(&sim, 1, Protocol::Amqp);
    sim.live(6 * MINUTE).await;
    sim.settle().await;
    assert_eq!((starts(&sim, 1), sim.state(id)), (2, Some(BrokerState::Running)));
}

#[tokio::test]
async fn a_node_whose_amqp_listener_hangs_loses_its_clients_once_and_is_restarted() {
    let sim = Simulation::new();
    let id = sim.create_cluster();
    sim.settle().await;
    hush(&sim, 2, Protocol::Amqp);
    let mut led = vec![3];
    for _ in 0..400 {
        sim.live(Duration::from_secs(1)).await;
        let row = sim.row(id).expect("it is there");
        let now = row.targets.iter().map(|target| target.addresses.len()).min().expect("targets");
        if led.last() != Some(&now) {
            led.push(now);
        }
    }
    assert_eq!(led, [3, 2, 3], "how many nodes clients were led to");
    assert_eq!([1, 2, 3].map(|ordinal| starts(&sim, ordinal)), [1, 2, 1]);
}

/// How long after the runtime can be seen again the broker is looked at.
fn due(sim: &Simulation, id: BrokerId) -> Duration {
    sim.row(id).expect("it is there").due.since(sim.now())
}

#[tokio::test]
async fn a_pair_or_cluster_that_can_t_be_seen_is_looked_at_again_within_two_seconds() {
    for create in [Simulation::create_pair, Simulation::create_cluster] {
        let sim = Simulation::new();
        let id = create(&sim);
        sim.settle().await;
        *sim.blind.lock().expect("not poisoned") = true;
        for _ in 0..60 {
            sim.live(Duration::from_secs(5)).await;
            assert!(due(&sim, id) <= Duration::from_secs(2), "{:?}", due(&sim, id));
        }
        sim.in_the_world(|world| world.kill_only(id, &[1]));
        *sim.blind.lock().expect("not poisoned") = false;
        sim.live(Duration::from_secs(20)).await;
        let world = sim.world.lock().expect("not poisoned");
        for container in world.containers.values() {
            let state = &container.status.state;
            let log = sim.take_log();
            assert!(matches!(state, ContainerState::Running { .. }), "{state:?}: {log:?}");
        }
    }
}
