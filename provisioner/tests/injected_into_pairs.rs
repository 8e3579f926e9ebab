//! Faults that callers inject into pairs: the standby serves while they last, and stands by again when
//! they are over.

mod world;

use std::time::Duration;

use brokerd_domain::{BrokerState, FaultInput, FaultKind, FaultState};
use brokerd_provisioner::runtime::ContainerState;
use world::driver::Simulation;

fn input(kind: FaultKind, seconds: Option<i64>) -> FaultInput {
    FaultInput {
        kind: Some(kind.as_str().to_owned()),
        duration_seconds: seconds,
        zone: (kind == FaultKind::ZoneOutage).then(|| "us-east-1a".to_owned()),
        ..FaultInput::default()
    }
}

fn leads_to_active(sim: &Simulation, id: brokerd_domain::BrokerId) -> bool {
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
        assert_eq!(up, kind != FaultKind::ZoneOutage, "{kind:?}: its zone is out\n{log}");

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
        let failovers = row.events.iter().filter(|e| e.message.starts_with("failover:")).count();
        assert_eq!(failovers, 1, "{kind:?}: told once\n{log}");
        let world = sim.world.lock().expect("not poisoned");
        assert!(world.containers.values().all(|c| !c.isolated), "{kind:?}\n{log}");
    }
}
