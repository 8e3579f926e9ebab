//! Faults that callers inject into clusters: the other nodes serve while they last, no other node is stopped
//! meanwhile, and all are one cluster again when they are over.

use std::time::Duration;

use crate::world::{
    containers::Container,
    driver::Simulation,
    fault::{Fault, Faults},
};
use brokerd_domain::{
    BrokerId, BrokerState, EngineVersion, EventKind, FaultInput, FaultKind, FaultState,
    instance::ContainerState,
};

/// A fault of node 1, or of its zone.
fn input(kind: FaultKind, seconds: Option<i64>) -> FaultInput {
    let is_zone = kind == FaultKind::ZoneOutage;
    FaultInput {
        kind: Some(kind.as_str().to_owned()),
        duration_seconds: seconds,
        instance: (!is_zone).then_some(1),
        zone: is_zone.then(|| "us-east-1a".to_owned()),
        ..FaultInput::default()
    }
}

fn outage_of(zone: &str, seconds: i64) -> FaultInput {
    FaultInput { zone: Some(zone.to_owned()), ..input(FaultKind::ZoneOutage, Some(seconds)) }
}

async fn running() -> (Simulation, BrokerId) {
    let sim = Simulation::new();
    let id = sim.create_cluster();
    sim.settle().await;
    assert_eq!(sim.state(id), Some(BrokerState::Running));
    (sim, id)
}

fn node(sim: &Simulation, ordinal: u8) -> Container {
    let world = sim.world.lock().expect("not poisoned");
    let mut nodes = world.containers.iter();
    nodes.find(|(name, _)| name.ordinal == ordinal).expect("it is there").1.clone()
}

fn is_up(node: &Container) -> bool {
    matches!(node.status.state, ContainerState::Running { .. })
}

fn leads_to(sim: &Simulation, id: BrokerId, ordinals: &[u8]) -> bool {
    let row = sim.row(id).expect("there");
    row.targets.iter().all(|target| {
        let port = target.protocol.engine_port(row.broker.spec.engine_type);
        // A metrics page leads to its node only.
        let page_of = target.protocol.metrics_of_node();
        let nodes: Vec<u8> =
            ordinals.iter().copied().filter(|n| page_of.is_none_or(|page| page == *n)).collect();
        let wanted: Vec<_> = nodes
            .iter()
            .filter_map(|ordinal| node(sim, *ordinal).status.addresses.get(&port).copied())
            .collect();
        wanted.len() == nodes.len() && target.addresses == wanted
    })
}

fn disruptions(sim: &Simulation) -> usize {
    let names = sim.faults.names();
    names.iter().filter(|name| matches!(**name, "stop" | "restart" | "remove")).count()
}

/// What must be true after every fault, however it went.
fn assert_whole(sim: &Simulation, id: BrokerId, context: &str) {
    let log = sim.take_log().join("\n");
    assert_eq!(sim.state(id), Some(BrokerState::Running), "{context}\n{log}");
    let row = sim.row(id).expect("there");
    assert_eq!(row.broker.status.sentence, "all 3 nodes serve", "{context}\n{log}");
    assert!(row.broker.status.conditions.iter().all(|c| c.failed_boots == 0), "{context}\n{log}");
    assert!(row.faults.iter().all(|f| f.state(sim.now()) == FaultState::Ended), "{context}\n{log}");
    assert!(leads_to(sim, id, &[1, 2, 3]), "{context}: led elsewhere\n{log}");
    let world = sim.world.lock().expect("not poisoned");
    assert!(world.containers.values().all(|c| is_up(c) && !c.isolated), "{context}\n{log}");
    let failovers = row.events.iter().filter(|e| e.kind == EventKind::Failover).count();
    assert_eq!(failovers, 0, "{context}: nodes do not stand by\n{log}");
    let fewest = world.fewest_left.unwrap_or(2);
    assert_eq!(fewest, 2, "{context}: a node was stopped while another one was away\n{log}");
    assert_eq!(world.belongings(id), 10, "{context}: something leaked\n{log}");
}

#[tokio::test]
async fn every_fault_of_a_node_ends_the_same_whatever_fails_at_any_effect() {
    for (kind, seconds) in [
        (FaultKind::Kill, None),
        (FaultKind::Pause, Some(5)),
        (FaultKind::Pause, Some(60)),
        (FaultKind::Isolate, Some(60)),
        (FaultKind::ZoneOutage, Some(60)),
    ] {
        let play = async |sim: &Simulation| {
            let id = sim.create_cluster();
            sim.settle().await;
            let fault = sim.inject(id, &input(kind, seconds));
            sim.live(Duration::from_secs(120)).await;
            (id, fault)
        };
        let undisturbed = Simulation::new();
        let (id, _) = play(&undisturbed).await;
        assert_whole(&undisturbed, id, &format!("{kind} undisturbed"));
        let names = undisturbed.faults.names();
        let first = names.iter().position(|name| *name == "strike fault").expect("it strikes");
        for (at, name) in names.iter().enumerate().skip(first) {
            for wrong in Fault::ALL {
                let context =
                    format!("{kind} for {seconds:?} s, {wrong:?} at effect {at} ({name})");
                let sim = Simulation::with_faults(Faults::striking(at, wrong));
                let (id, fault) = play(&sim).await;
                assert!(sim.faults.has_struck(), "{context}: it never came to that effect");
                assert_whole(&sim, id, &context);
                // A lease outlives its holder by longer than this fault may last.
                let is_short = seconds.is_some_and(|seconds| seconds < 30);
                assert!(
                    is_short || sim.fault(id, fault).affected.is_some(),
                    "{context}: no strike"
                );
                let is_killed = matches!(kind, FaultKind::Kill | FaultKind::ZoneOutage);
                assert_eq!(node(&sim, 1).kills, u32::from(is_killed), "{context}");
                for other in [2, 3] {
                    let other = node(&sim, other);
                    assert_eq!((other.starts, other.kills), (1, 0), "{context}: another node");
                }
            }
        }
    }
}

#[tokio::test]
async fn the_others_serve_and_a_held_node_is_left_alone_until_its_fault_is_over() {
    for kind in [FaultKind::Isolate, FaultKind::ZoneOutage] {
        let (sim, id) = running().await;
        let fault = sim.inject(id, &input(kind, Some(300)));
        sim.live(Duration::from_secs(200)).await;
        assert_eq!(sim.state(id), Some(BrokerState::Running), "{kind}");
        assert!(leads_to(&sim, id, &[2, 3]), "{kind}: led elsewhere");
        let held = node(&sim, 1);
        assert_eq!(is_up(&held), kind == FaultKind::Isolate, "{kind}");
        assert_eq!((held.starts, disruptions(&sim)), (1, 0), "{kind}");
        let sentence = sim.row(id).expect("there").broker.status.sentence;
        assert!(sentence.contains(&format!("by fault {fault}")), "{kind}: {sentence}");
        sim.live(Duration::from_secs(130)).await;
        assert_whole(&sim, id, kind.as_str());
        assert_eq!(disruptions(&sim), 0, "{kind}");
    }
}

#[tokio::test]
async fn what_happens_to_the_others_is_repaired_while_a_node_is_held() {
    for kind in [FaultKind::Isolate, FaultKind::ZoneOutage] {
        let (sim, id) = running().await;
        sim.inject(id, &input(kind, Some(600)));
        sim.live(Duration::from_secs(5)).await;
        sim.world.lock().expect("not poisoned").kill_only(id, &[2]);
        sim.runtime_event(id).await;
        sim.live(Duration::from_secs(30)).await;
        assert!(leads_to(&sim, id, &[2, 3]), "{kind}: one killed\n{}", sim.take_log().join("\n"));
        sim.world.lock().expect("not poisoned").hung.extend([2, 3]);
        sim.live(Duration::from_secs(120)).await;
        assert!(leads_to(&sim, id, &[2, 3]), "{kind}: both hung\n{}", sim.take_log().join("\n"));
        sim.live(Duration::from_secs(600)).await;
        assert_whole(&sim, id, kind.as_str());
    }
}

#[tokio::test]
async fn no_reboot_begins_while_a_node_is_held() {
    for kind in [FaultKind::Isolate, FaultKind::ZoneOutage] {
        for upgrade in [false, true] {
            let context = format!("{kind}, upgrade: {upgrade}");
            let sim = Simulation::new();
            let id = sim.create_cluster();
            if upgrade {
                sim.store.request(id, |row| {
                    row.broker.spec.engine_version = EngineVersion::new(4, 0);
                });
            }
            sim.settle().await;
            sim.inject(id, &input(kind, Some(300)));
            sim.live(Duration::from_secs(5)).await;
            if upgrade {
                sim.store.request(id, |row| {
                    row.broker.generation.0 += 1;
                    row.broker.pending.engine_version = Some(EngineVersion::new(4, 3));
                });
            }
            sim.reboot(id);
            sim.live(Duration::from_secs(200)).await;
            let log = sim.take_log().join("\n");
            assert_eq!(disruptions(&sim), 0, "{context}: something was stopped\n{log}");
            assert!(leads_to(&sim, id, &[2, 3]), "{context}: led elsewhere\n{log}");
            assert_eq!(sim.state(id), Some(BrokerState::RebootInProgress), "{context}\n{log}");
            sim.live(Duration::from_secs(300)).await;
            for ordinal in 1..=3 {
                assert_eq!(node(&sim, ordinal).status.reboot, 1, "{context}: node {ordinal}");
            }
            // All nodes of an upgrade go together.
            sim.world.lock().expect("not poisoned").fewest_left.take_if(|_| upgrade);
            assert_whole(&sim, id, &context);
        }
    }
}

#[tokio::test]
async fn a_node_without_the_others_is_not_blamed_for_it() {
    let (sim, id) = running().await;
    sim.inject(id, &outage_of("us-east-1a", 1800));
    sim.inject(id, &outage_of("us-east-1b", 1200));
    sim.change_everything(id);
    sim.reboot(id);
    sim.live(Duration::from_secs(600)).await;
    let log = sim.take_log().join("\n");
    let alone = node(&sim, 3);
    assert!(is_up(&alone) && alone.starts == 1, "it was restarted in vain\n{log}");
    assert!(log.contains("instance 3 waits for the others"), "{log}");
    sim.world.lock().expect("not poisoned").kill_only(id, &[3]);
    sim.runtime_event(id).await;
    sim.live(Duration::from_secs(500)).await;
    assert!(is_up(&node(&sim, 3)), "it may be what the others need\n{}", sim.take_log().join("\n"));
    sim.live(Duration::from_secs(300)).await;
    assert!(leads_to(&sim, id, &[2, 3]), "two are enough\n{}", sim.take_log().join("\n"));
    sim.live(Duration::from_secs(600)).await;
    assert_whole(&sim, id, "two outages");
    let row = sim.row(id).expect("there");
    assert_eq!(row.broker.status.reboots_done, 1);
    assert!(!row.broker.has_pending(), "the configuration was given up");
    for ordinal in 1..=3 {
        let files = node(&sim, ordinal).files;
        assert!(files.iter().any(|file| file.contains("heartbeat = 120")), "node {ordinal}");
    }
}
