//! What passes report of outages, on a simulated world.

use std::time::Duration;

use crate::world::driver::Simulation;
use brokerd_domain::{
    Availability, BrokerId, EngineType, Timestamp,
    instance::InstanceName,
    report::{InstanceTransition, OutageCause, ReportedChange},
};

fn changes(sim: &Simulation, id: BrokerId) -> Vec<ReportedChange> {
    sim.row(id).expect("it is there").changes
}

/// How available it became, and why.
fn states(changes: &[ReportedChange]) -> Vec<(Availability, OutageCause)> {
    let state = |change: &ReportedChange| Some((change.transitions.availability?.0, change.cause));
    changes.iter().filter_map(state).collect()
}

/// When that was.
fn moments(changes: &[ReportedChange]) -> Vec<Timestamp> {
    changes.iter().filter_map(|change| Some(change.transitions.availability?.1)).collect()
}

/// What became of instances.
fn of_instances(changes: &[ReportedChange]) -> Vec<(u8, InstanceTransition)> {
    let all = changes.iter().flat_map(|change| &change.transitions.instances);
    all.map(|(ordinal, what, _)| (*ordinal, *what)).collect()
}

#[tokio::test]
async fn a_single_instance_is_available_once_it_is_complete_and_again_after_it_was_killed() {
    let sim = Simulation::new();
    let id = sim.create(EngineType::RabbitMq);
    sim.settle().await;
    let created = changes(&sim, id);
    assert_eq!(states(&created), [(Availability::Available, OutageCause::Other)], "{created:?}");
    assert!(of_instances(&created).is_empty(), "nothing was lost: {created:?}");
    sim.live(Duration::from_mins(10)).await;
    assert_eq!(changes(&sim, id), created, "a steady broker changes nothing");

    let killed_at = sim.now();
    sim.in_the_world(|world| world.kill(id));
    sim.runtime_event(id).await;
    sim.settle().await;
    let found = changes(&sim, id).split_off(created.len());
    let [(down, cause), (back, _)] = states(&found)[..] else { panic!("{found:?}") };
    assert_eq!((down, cause), (Availability::Unavailable, OutageCause::EngineEnded));
    assert_eq!(back, Availability::Available);
    let expected = [
        (1, InstanceTransition::Lost),
        (1, InstanceTransition::Restarted),
        (1, InstanceTransition::Recovered),
    ];
    assert_eq!(of_instances(&found), expected);
    let moments = moments(&found);
    assert!(moments[0].since(killed_at) < Duration::from_secs(2), "{moments:?}");
    assert!(moments[1] > moments[0], "{moments:?}");
    assert!(found[0].detail.contains("was killed"), "{found:?}");
}

#[tokio::test]
async fn an_instance_that_hangs_is_lost_before_it_is_restarted() {
    let sim = Simulation::new();
    let id = sim.create(EngineType::ActiveMq);
    sim.settle().await;
    let before = changes(&sim, id).len();
    sim.in_the_world(|world| world.pause_only(id, &[1]));
    sim.live(Duration::from_mins(2)).await;
    sim.settle().await;
    let found = changes(&sim, id).split_off(before);
    let states = states(&found);
    assert_eq!(states[0], (Availability::Unavailable, OutageCause::EngineSilent), "{found:?}");
    assert_eq!(states.last().map(|(state, _)| *state), Some(Availability::Available), "{found:?}");
    assert_eq!(of_instances(&found)[0], (1, InstanceTransition::Lost), "{found:?}");
    assert!(of_instances(&found).contains(&(1, InstanceTransition::Restarted)), "{found:?}");
}

/// A pair, its active instance, and how many changes were reported so far.
async fn pair_that_serves() -> (Simulation, BrokerId, u8, usize) {
    let sim = Simulation::new();
    let id = sim.create_pair();
    sim.settle().await;
    sim.live(Duration::from_secs(30)).await;
    let active = sim.active(id).expect("one").ordinal;
    let before = changes(&sim, id).len();
    (sim, id, active, before)
}

#[tokio::test]
async fn a_failover_of_a_pair_lasts_from_the_loss_of_its_active_instance_to_its_successor() {
    let (sim, id, active, before) = pair_that_serves().await;
    let killed_at = sim.now();
    sim.in_the_world(|world| world.kill_only(id, &[active]));
    sim.runtime_event(id).await;
    sim.settle().await;
    sim.live(Duration::from_secs(30)).await;
    let found = changes(&sim, id).split_off(before);
    let takeovers: Vec<_> = found.iter().filter_map(|change| change.transitions.takeover).collect();
    let [takeover] = takeovers[..] else { panic!("{found:?}") };
    assert_eq!((takeover.former, takeover.successor), (active, 3 - active));
    assert!(takeover.began.since(killed_at) < Duration::from_secs(1), "{takeover:?}");
    assert!(takeover.ended > takeover.began, "{takeover:?}");
    let [(down, cause), (back, _)] = states(&found)[..] else { panic!("{found:?}") };
    assert_eq!((down, cause), (Availability::Unavailable, OutageCause::EngineEnded));
    assert_eq!(back, Availability::Available);
    assert_eq!(moments(&found)[1], takeover.ended);
    // The former active instance comes back as the standby.
    let recovered = (active, InstanceTransition::Recovered);
    assert!(of_instances(&found).contains(&recovered), "{found:?}");
}

#[tokio::test]
async fn a_failover_is_over_when_clients_are_led_to_its_successor_however_long_the_next_standby_takes()
 {
    let (sim, id, active, before) = pair_that_serves().await;
    sim.faults.slow_down("start", &sim.clock, Duration::from_secs(20));
    let killed_at = sim.now();
    sim.in_the_world(|world| world.kill_only(id, &[active]));
    sim.runtime_event(id).await;
    sim.settle().await;
    let found = changes(&sim, id).split_off(before);
    let takeover = found.iter().find_map(|change| change.transitions.takeover);
    let takeover = takeover.unwrap_or_else(|| panic!("{found:?}"));
    assert!(sim.now().since(killed_at) >= Duration::from_secs(20), "the start was slow");
    assert!(takeover.ended.since(killed_at) < Duration::from_secs(10), "{takeover:?}");
    assert_eq!(moments(&found)[1], takeover.ended, "clients are served from then on");
}

#[tokio::test]
async fn a_reboot_is_the_cause_of_the_outage_that_it_costs() {
    let sim = Simulation::new();
    let id = sim.create(EngineType::RabbitMq);
    sim.settle().await;
    let before = changes(&sim, id).len();
    sim.reboot(id);
    sim.settle().await;
    let found = changes(&sim, id).split_off(before);
    let [(down, cause), (back, _)] = states(&found)[..] else { panic!("{found:?}") };
    assert_eq!((down, cause), (Availability::Unavailable, OutageCause::Reboot), "{found:?}");
    assert_eq!(back, Availability::Available);
}

#[tokio::test]
async fn a_cluster_that_loses_a_node_is_available() {
    let sim = Simulation::new();
    let id = sim.create_cluster();
    sim.settle().await;
    let before = changes(&sim, id).len();
    sim.in_the_world(|world| world.kill_only(id, &[2]));
    sim.runtime_event(id).await;
    sim.settle().await;
    let found = changes(&sim, id).split_off(before);
    assert!(states(&found).is_empty(), "{found:?}");
    let expected = [
        (2, InstanceTransition::Lost),
        (2, InstanceTransition::Restarted),
        (2, InstanceTransition::Recovered),
    ];
    assert_eq!(of_instances(&found), expected);
}

#[tokio::test]
async fn an_engine_that_runs_out_of_memory_and_a_container_that_is_gone_are_causes_of_their_own() {
    let sim = Simulation::new();
    let id = sim.create(EngineType::ActiveMq);
    sim.settle().await;
    let name =
        InstanceName { installation: "test".parse().expect("valid"), broker: id, ordinal: 1 };
    let before = changes(&sim, id).len();
    sim.in_the_world(|world| world.starve(&name));
    sim.runtime_event(id).await;
    sim.settle().await;
    let starved = changes(&sim, id).split_off(before);
    assert_eq!(states(&starved)[0], (Availability::Unavailable, OutageCause::OutOfMemory));
    let before = before + starved.len();
    sim.in_the_world(|world| drop(world.containers.remove(&name)));
    sim.runtime_event(id).await;
    sim.settle().await;
    let gone = changes(&sim, id).split_off(before);
    assert_eq!(states(&gone)[0], (Availability::Unavailable, OutageCause::ContainerGone));
    assert_eq!(states(&gone).len(), 2, "{gone:?}");
}
