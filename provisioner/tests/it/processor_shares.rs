//! What boots counts little among those that want the processors, what serves as much as usual.

use std::{sync::Arc, time::Duration};

use crate::world::{containers::Container, driver::Simulation, fault::Faults};
use brokerd_domain::{
    BrokerId, BrokerState, EngineType, Health,
    instance::{InstanceName, Limits},
};

type Create = fn(&Simulation) -> BrokerId;

const KINDS: [Create; 4] = [
    |sim| sim.create(EngineType::RabbitMq),
    |sim| sim.create(EngineType::ActiveMq),
    Simulation::create_pair,
    Simulation::create_cluster,
];

fn containers(sim: &Simulation) -> Vec<(InstanceName, Container)> {
    let world = sim.world.lock().expect("not poisoned");
    world.containers.iter().map(|(name, there)| (name.clone(), there.clone())).collect()
}

fn shares(sim: &Simulation) -> Vec<u32> {
    containers(sim).iter().map(|(_, there)| there.status.limits.cpu_shares).collect()
}

/// The instances that serve, as far as their broker's passes know.
fn serving(sim: &Simulation, id: BrokerId) -> Vec<Container> {
    let conditions = sim.row(id).expect("it is there").broker.status.conditions;
    let serves = |name: &InstanceName| {
        conditions.iter().any(|c| c.ordinal == name.ordinal && c.health == Health::Healthy)
    };
    containers(sim).into_iter().filter(|(name, _)| serves(name)).map(|(_, there)| there).collect()
}

#[tokio::test]
async fn an_engine_counts_little_until_it_serves_or_stands_by() {
    for create in KINDS {
        let sim = Simulation::new();
        let id = create(&sim);
        let mut booting = 0;
        while sim.state(id) != Some(BrokerState::Running) {
            sim.live(Duration::from_millis(100)).await;
            if serving(&sim, id).is_empty() {
                let shares = shares(&sim);
                assert!(shares.iter().all(|n| *n == Limits::BOOTING_SHARES), "{shares:?}");
                booting += shares.len();
            }
        }
        assert!(booting > 3, "seen only {booting} times");
        sim.settle().await;
        assert!(shares(&sim).iter().all(|n| *n == Limits::SERVING_SHARES), "{:?}", shares(&sim));
        assert!(containers(&sim).iter().all(|(_, there)| there.starts == 1), "restarted");
    }
}

#[tokio::test]
async fn a_share_that_was_lost_comes_back_without_a_restart_and_nothing_is_set_again() {
    for create in KINDS {
        let sim = Simulation::with_faults(Arc::new(Faults::default()));
        create(&sim);
        sim.settle().await;
        sim.in_the_world(|world| {
            for there in world.containers.values_mut() {
                there.status.limits.cpu_shares = Limits::BOOTING_SHARES;
            }
        });
        sim.live(Duration::from_mins(1)).await;
        assert!(shares(&sim).iter().all(|n| *n == Limits::SERVING_SHARES), "{:?}", shares(&sim));
        assert!(containers(&sim).iter().all(|(_, there)| there.starts == 1), "restarted");
        let effects = sim.faults.effects();
        sim.live(Duration::from_mins(20)).await;
        assert_eq!(sim.faults.effects(), effects, "{:?}", sim.faults.names());
    }
}

#[tokio::test]
async fn memory_is_given_to_an_engine_that_runs_and_never_taken_from_it() {
    for create in KINDS {
        let sim = Simulation::new();
        let id = create(&sim);
        sim.settle().await;
        let tier = containers(&sim)[0].1.status.limits.memory_bytes;
        for (has, keeps) in [(tier / 2, tier), (tier * 2, tier * 2)] {
            sim.in_the_world(|world| {
                for there in world.containers.values_mut() {
                    there.status.limits.memory_bytes = has;
                }
            });
            sim.live(Duration::from_mins(1)).await;
            let serving = serving(&sim, id);
            let serving: Vec<u64> = serving.iter().map(|c| c.status.limits.memory_bytes).collect();
            assert!(!serving.is_empty() && serving.iter().all(|n| *n == keeps), "{serving:?}");
        }
    }
}
