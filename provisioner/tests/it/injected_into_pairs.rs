//! Faults that callers inject into pairs: the standby serves while they last, and stands by again when
//! they are over.

use std::time::Duration;

use crate::world::{
    driver::Simulation,
    fault::{Fault, Faults},
};
use brokerd_domain::{
    BrokerId, BrokerState, EventKind, FaultInput, FaultKind, FaultState, instance::ContainerState,
};

fn input(kind: FaultKind, seconds: Option<i64>) -> FaultInput {
    FaultInput {
        kind: Some(kind.as_str().to_owned()),
        duration_seconds: seconds,
        zone: (kind == FaultKind::ZoneOutage).then(|| "us-east-1a".to_owned()),
        ..FaultInput::default()
    }
}

fn leads_to_active(sim: &Simulation, id: BrokerId) -> bool {
    let Some(active) = sim.active(id) else { return false };
    let row = sim.row(id).expect("there");
    let world = sim.world.lock().expect("not poisoned");
    let addresses = &world.containers[&active].status.addresses;
    row.targets.iter().all(|target| {
        let port = target.protocol.engine_port(row.broker.spec.engine_type);
        target.addresses.first() == addresses.get(&port) && !target.addresses.is_empty()
    })
}

#[tokio::test]
async fn the_standby_serves_while_a_fault_lasts_and_the_pair_is_whole_afterwards() {
    for (kind, seconds) in [
        (FaultKind::Kill, None),
        (FaultKind::Failover, None),
        (FaultKind::Pause, Some(60)),
        (FaultKind::Isolate, Some(60)),
        (FaultKind::ZoneOutage, Some(60)),
    ] {
        let sim = Simulation::new();
        let id = sim.create_pair();
        sim.settle().await;
        let first = sim.active(id).expect("one serves");
        assert_eq!(first.ordinal, 1, "in the first zone");

        let fault = sim.inject(id, &input(kind, seconds));
        sim.live(Duration::from_secs(15)).await;
        let log = sim.take_log().join("\n");
        let second = sim.active(id).expect("one serves");
        assert_ne!(second, first, "{kind:?}: nobody took over\n{log}");
        assert!(leads_to_active(&sim, id), "{kind:?}: led elsewhere\n{log}");
        let up = {
            let world = sim.world.lock().expect("not poisoned");
            matches!(world.containers[&first].status.state, ContainerState::Running { .. })
        };
        // Started again, who is cut off might take the store.
        let stays_down = matches!(kind, FaultKind::ZoneOutage | FaultKind::Isolate);
        assert_eq!(up, !stays_down, "{kind:?}\n{log}");

        sim.live(Duration::from_secs(90)).await;
        let log = sim.take_log().join("\n");
        assert_eq!(sim.fault(id, fault).state(sim.now()), FaultState::Ended, "{kind:?}\n{log}");
        assert_eq!(sim.state(id), Some(BrokerState::Running), "{kind:?}\n{log}");
        assert_eq!(sim.active(id), Some(second), "{kind:?}: who stands by came back\n{log}");
        assert!(leads_to_active(&sim, id), "{kind:?}: led elsewhere\n{log}");
        let row = sim.row(id).expect("there");
        assert_eq!(
            row.broker.status.sentence, "instance 2 serves, the other one stands by",
            "{kind:?}\n{log}"
        );
        let failovers = row.events.iter().filter(|e| e.kind == EventKind::Failover).count();
        assert_eq!(failovers, 1, "{kind:?}: told once\n{log}");
        let world = sim.world.lock().expect("not poisoned");
        assert!(world.containers.values().all(|c| !c.isolated), "{kind:?}\n{log}");
    }
}

fn ordinal_of_active(sim: &Simulation, id: BrokerId) -> Option<u8> {
    sim.active(id).map(|name| name.ordinal)
}

fn failed_boots(sim: &Simulation, id: BrokerId) -> u32 {
    let row = sim.row(id).expect("there");
    row.broker.status.conditions.iter().map(|c| c.failed_boots).max().unwrap_or(0)
}

#[tokio::test]
async fn every_fault_of_a_pair_ends_the_same_whatever_fails_at_any_effect() {
    for (kind, seconds) in [
        (FaultKind::Failover, None),
        (FaultKind::Pause, Some(40)),
        (FaultKind::Isolate, Some(40)),
        (FaultKind::ZoneOutage, Some(40)),
    ] {
        let play = async |sim: &Simulation| {
            let id = sim.create_pair();
            sim.settle().await;
            let fault = sim.inject(id, &input(kind, seconds));
            sim.live(Duration::from_secs(75)).await;
            (id, fault)
        };
        let undisturbed = Simulation::new();
        let _ = play(&undisturbed).await;
        let names = undisturbed.faults.names();
        let first = names.iter().position(|name| *name == "strike fault").expect("it strikes");
        for (at, name) in names.iter().enumerate().skip(first) {
            for wrong in [Fault::CrashBefore, Fault::ReplyLost, Fault::Twice] {
                let sim = Simulation::with_faults(Faults::striking(at, wrong));
                let (id, fault) = play(&sim).await;
                let log = sim.take_log().join("\n");
                let context = format!("{kind}, {wrong:?} at effect {at} ({name})\n{log}");
                assert!(sim.faults.has_struck(), "it never came to that: {context}");
                assert_eq!(sim.fault(id, fault).state(sim.now()), FaultState::Ended, "{context}");
                assert_eq!(sim.state(id), Some(BrokerState::Running), "{context}");
                let sentence = sim.row(id).expect("there").broker.status.sentence;
                assert!(sentence.ends_with("serves, the other one stands by"), "{context}");
                assert!(leads_to_active(&sim, id), "led elsewhere: {context}");
                assert_eq!(failed_boots(&sim, id), 0, "{context}");
                let world = sim.world.lock().expect("not poisoned");
                assert!(world.containers.values().all(|c| !c.isolated), "{context}");
            }
        }
    }
}

#[tokio::test]
async fn an_isolated_standby_never_keeps_the_store_from_a_reachable_instance() {
    let sim = Simulation::new();
    let id = sim.create_pair();
    sim.settle().await;
    let cut = FaultInput { instance: Some(2), ..input(FaultKind::Isolate, Some(600)) };
    sim.inject(id, &cut);
    sim.live(Duration::from_secs(5)).await;
    let active = sim.active(id).expect("one serves");
    assert_eq!(active.ordinal, 1);
    sim.world.lock().expect("not poisoned").kill_one(&active);
    sim.runtime_event(id).await;
    sim.live(Duration::from_secs(15)).await;
    let log = sim.take_log().join("\n");
    assert_eq!(ordinal_of_active(&sim, id), Some(1), "{log}");
    assert!(leads_to_active(&sim, id), "{log}");
    sim.live(Duration::from_secs(700)).await;
    let sentence = sim.row(id).expect("there").broker.status.sentence;
    assert_eq!(sentence, "instance 1 serves, the other one stands by");
    assert_eq!(failed_boots(&sim, id), 0);
}

#[tokio::test]
async fn the_standby_is_started_though_the_active_one_is_cut_off_and_takes_over() {
    let sim = Simulation::new();
    let id = sim.create_pair();
    sim.settle().await;
    let kill = FaultInput { instance: Some(2), ..input(FaultKind::Kill, None) };
    sim.inject(id, &kill);
    sim.inject(id, &input(FaultKind::Isolate, Some(600)));
    sim.live(Duration::from_secs(30)).await;
    let log = sim.take_log().join("\n");
    assert_eq!(ordinal_of_active(&sim, id), Some(2), "{log}");
    assert!(leads_to_active(&sim, id), "{log}");
}

#[tokio::test]
async fn no_reboot_begins_while_one_of_a_pair_is_held() {
    for kind in [FaultKind::Isolate, FaultKind::ZoneOutage] {
        let sim = Simulation::new();
        let id = sim.create_pair();
        sim.settle().await;
        sim.inject(id, &input(kind, Some(300)));
        sim.live(Duration::from_secs(15)).await;
        let active = sim.active(id).expect("one serves");
        assert_eq!(active.ordinal, 2, "{kind}");
        sim.reboot(id);
        sim.live(Duration::from_secs(200)).await;
        let log = sim.take_log().join("\n");
        assert_eq!(sim.active(id), Some(active), "{kind}\n{log}");
        assert!(leads_to_active(&sim, id), "{kind}\n{log}");
        assert_eq!(sim.state(id), Some(BrokerState::RebootInProgress), "{kind}\n{log}");
        sim.live(Duration::from_secs(200)).await;
        let log = sim.take_log().join("\n");
        assert_eq!(sim.state(id), Some(BrokerState::Running), "{kind}\n{log}");
        let world = sim.world.lock().expect("not poisoned");
        assert!(world.containers.values().all(|c| c.status.reboot == 1), "{kind}\n{log}");
    }
}
