//! Disks that callers fill: they are emptied whatever becomes of the containers that have them.

use std::time::Duration;

use crate::world::{
    driver::Simulation,
    fault::{Fault, Faults},
};
use brokerd_domain::{
    BrokerId, EngineType, FaultId, FaultInput, FaultKind, FaultState,
    instance::{InstanceName, RuntimeId, Volumes},
};

fn filling(seconds: i64) -> FaultInput {
    FaultInput {
        kind: Some(FaultKind::FillDisk.as_str().to_owned()),
        duration_seconds: Some(seconds),
        ..FaultInput::default()
    }
}

async fn running() -> (Simulation, BrokerId) {
    let sim = Simulation::new();
    let id = sim.create(EngineType::RabbitMq);
    sim.settle().await;
    (sim, id)
}

fn names(sim: &Simulation) -> Vec<InstanceName> {
    sim.world.lock().expect("not poisoned").containers.keys().cloned().collect()
}

/// The ordinals of the instances whose disk is full.
fn filled(sim: &Simulation) -> Vec<u8> {
    let world = sim.world.lock().expect("not poisoned");
    let full = world.containers.keys().filter(|name| world.is_filled(name));
    full.map(|name| name.ordinal).collect()
}

fn container_id(sim: &Simulation, ordinal: u8) -> RuntimeId {
    let world = sim.world.lock().expect("not poisoned");
    let mut all = world.containers.iter();
    all.find(|(name, _)| name.ordinal == ordinal).expect("there").1.status.id.clone()
}

fn state(sim: &Simulation, id: BrokerId, fault: FaultId) -> FaultState {
    sim.fault(id, fault).state(sim.now())
}

fn is_told(sim: &Simulation, id: BrokerId, part: &str) -> bool {
    let events = sim.row(id).expect("there").events;
    events.iter().any(|event| event.message.contains(part))
}

#[tokio::test]
async fn a_container_that_was_replaced_has_the_same_disk_which_is_emptied_all_the_same() {
    let (sim, id) = running().await;
    let fault = sim.inject(id, &filling(30));
    sim.live(Duration::from_secs(2)).await;
    assert_eq!((filled(&sim), state(&sim, id, fault)), (vec![1], FaultState::Active));
    let before = container_id(&sim, 1);
    let name = names(&sim).remove(0);
    sim.process().runtime.remove(&name, Volumes::Keep).await.expect("removed by somebody");
    sim.runtime_event(id).await;
    sim.live(Duration::from_secs(5)).await;
    assert_ne!(container_id(&sim, 1), before);
    assert_eq!(filled(&sim), [1], "it lasts");
    sim.live(Duration::from_secs(60)).await;
    assert_eq!((filled(&sim), state(&sim, id, fault)), (vec![], FaultState::Ended));
}

#[tokio::test]
async fn a_disk_whose_container_is_not_there_in_time_is_emptied_when_there_is_one() {
    let (sim, id) = running().await;
    let fault = sim.inject(id, &filling(30));
    sim.live(Duration::from_secs(2)).await;
    let name = names(&sim).remove(0);
    sim.process().runtime.remove(&name, Volumes::Keep).await.expect("removed by somebody");
    sim.clock.advance(Duration::from_hours(1));
    sim.live(Duration::from_secs(30)).await;
    assert_eq!((filled(&sim), state(&sim, id, fault)), (vec![], FaultState::Ended));
    assert!(is_told(&sim, id, "ended: healed"));
}

#[tokio::test]
async fn of_two_faults_on_one_disk_the_longer_one_counts() {
    let (sim, id) = running().await;
    let short = sim.inject(id, &filling(4));
    let long = sim.inject(id, &filling(12));
    sim.live(Duration::from_secs(8)).await;
    assert_eq!(state(&sim, id, short), FaultState::Ended);
    assert_eq!((filled(&sim), state(&sim, id, long)), (vec![1], FaultState::Active));
    sim.live(Duration::from_secs(10)).await;
    assert_eq!((filled(&sim), state(&sim, id, long)), (vec![], FaultState::Ended));
}

#[tokio::test]
async fn the_disk_of_the_host_is_never_filled() {
    let (sim, id) = running().await;
    for container in sim.world.lock().expect("not poisoned").containers.values_mut() {
        container.status.own_disk = false;
    }
    let fault = sim.inject(id, &filling(600));
    sim.live(Duration::from_secs(5)).await;
    assert_eq!((filled(&sim), state(&sim, id, fault)), (vec![], FaultState::Ended));
    assert!(is_told(&sim, id, "there was no disk of its own to fill"));
    assert!(!sim.faults.names().contains(&"inject"));
}

#[tokio::test]
async fn only_the_disk_of_the_node_that_was_named_is_filled() {
    let sim = Simulation::new();
    let id = sim.create_cluster();
    sim.settle().await;
    let fault = sim.inject(id, &FaultInput { instance: Some(2), ..filling(60) });
    sim.live(Duration::from_secs(5)).await;
    assert_eq!(filled(&sim), [2]);
    sim.heal(id, fault);
    sim.live(Duration::from_secs(5)).await;
    assert_eq!((filled(&sim), state(&sim, id, fault)), (vec![], FaultState::Ended));
}

#[tokio::test]
async fn the_disk_of_a_pair_is_emptied_through_the_instance_that_has_it_whatever_fails() {
    let play = async |sim: &Simulation| {
        let id = sim.create_pair();
        sim.settle().await;
        let fault = sim.inject(id, &filling(60));
        sim.live(Duration::from_secs(45)).await;
        let full = filled(sim);
        sim.live(Duration::from_secs(120)).await;
        (id, fault, full)
    };
    let undisturbed = Simulation::new();
    let (_, _, full) = play(&undisturbed).await;
    assert_eq!(full, [1, 2], "both have it");
    let names = undisturbed.faults.names();
    let first = names.iter().position(|name| *name == "strike fault").expect("it strikes");
    for (at, name) in names.iter().enumerate().skip(first) {
        for wrong in Fault::ALL {
            let context = format!("{wrong:?} at effect {at} ({name})");
            let sim = Simulation::with_faults(Faults::striking(at, wrong));
            let (id, fault, full) = play(&sim).await;
            assert_eq!(full, [1, 2], "{context}");
            assert_eq!(state(&sim, id, fault), FaultState::Ended, "{context}");
            assert!(filled(&sim).is_empty(), "{context}");
            let kills: u32 = {
                let world = sim.world.lock().expect("not poisoned");
                world.containers.values().map(|container| container.kills).sum()
            };
            assert_eq!(kills, 0, "{context}: a full disk is no reason to kill anybody");
        }
    }
}
