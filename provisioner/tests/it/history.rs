//! What the history of a broker tells of an outage, on a simulated world.

use std::{collections::BTreeSet, time::Duration};

use crate::world::{driver::Simulation, host::EngineBehaviour};
use brokerd_domain::{BrokerId, BrokerState, EngineType};

/// What an engine prints before it ends: something else each time.
const WORDS: [&str; 5] = [
    "12:00:01.250 GC(1) Pause; 12:00:02 ERROR: java.lang.IllegalState: a",
    "12:05:07.113 GC(2) Pause; 12:05:08 ERROR: java.lang.IllegalState: a",
    "12:10:44.007 GC(7) Pause; 12:10:45 ERROR: java.lang.IllegalState: b",
    "12:15:12.900 GC(3) Pause; 12:15:13 ERROR: java.lang.IllegalState: a",
    "12:21:30.554 GC(9) Pause; 12:21:31 ERROR: java.lang.IllegalState: c",
];

fn events(sim: &Simulation, id: BrokerId) -> Vec<String> {
    let row = sim.row(id).expect("it is there");
    row.events.iter().map(|event| event.message.clone()).collect()
}

fn sentence(sim: &Simulation, id: BrokerId) -> String {
    sim.row(id).expect("it is there").broker.status.sentence
}

/// The last event that is not about a required action.
fn last_verdict(sim: &Simulation, id: BrokerId) -> Option<String> {
    events(sim, id).into_iter().rfind(|event| !event.ends_with("is cleared"))
}

/// Two hours in which engines end or hang, with other words each time; the sentences that were to be read meanwhile.
async fn bad_hours(sim: &Simulation, id: BrokerId) -> BTreeSet<String> {
    let mut sentences = BTreeSet::new();
    for n in 0..120 {
        let behaviour = match n % 6 {
            5 => EngineBehaviour::Hangs,
            word => EngineBehaviour::Dies(WORDS[word]),
        };
        sim.in_the_world(|world| {
            world.engine = behaviour;
            world.kill(id);
        });
        sim.runtime_event(id).await;
        sim.live(Duration::from_mins(1)).await;
        sentences.insert(sentence(sim, id));
    }
    sentences
}

async fn get_well(sim: &Simulation, id: BrokerId) {
    sim.in_the_world(|world| {
        world.engine = EngineBehaviour::Boots(Duration::from_millis(1500));
        world.kill(id);
    });
    sim.runtime_event(id).await;
    for _ in 0..10 {
        sim.live(Duration::from_mins(1)).await;
    }
    assert_eq!(sim.state(id), Some(BrokerState::Running), "{}", sentence(sim, id));
}

async fn is_told_in_a_few_events(sim: &Simulation, id: BrokerId, well: &str) {
    sim.settle().await;
    assert_eq!(sentence(sim, id), well);
    for outage in 1..=2 {
        let before = events(sim, id).len();
        let sentences = bad_hours(sim, id).await;
        let told = events(sim, id).split_off(before);
        assert!(sentences.len() >= 3, "nothing happened: {sentences:?}");
        let quoted = told.iter().any(|event| event.contains("IllegalState"));
        assert!(quoted, "outage {outage} is not told: {told:#?}");
        assert!(told.len() <= 25, "{} events: {told:#?}", told.len());
        get_well(sim, id).await;
        assert_eq!(last_verdict(sim, id).as_deref(), Some(well));
        let told = sim.row(id).expect("it is there").broker.status.reported;
        assert!(told.is_empty(), "{told:?}");
    }
}

#[tokio::test]
async fn an_outage_of_a_single_instance_is_a_few_events() {
    let sim = Simulation::new();
    let id = sim.create(EngineType::ActiveMq);
    is_told_in_a_few_events(&sim, id, "every endpoint answers").await;
}

#[tokio::test]
async fn an_outage_of_a_pair_is_a_few_events() {
    let sim = Simulation::new();
    let id = sim.create_pair();
    sim.settle().await;
    let well = sentence(&sim, id);
    // Which of them serves in the end may change.
    let before = events(&sim, id).len();
    bad_hours(&sim, id).await;
    let told = events(&sim, id).split_off(before);
    assert!((2..=25).contains(&told.len()), "{} events: {told:#?}", told.len());
    get_well(&sim, id).await;
    let end = sentence(&sim, id);
    assert!(end.ends_with("serves, the other one stands by"), "{well}, then {end}");
    assert_eq!(last_verdict(&sim, id), Some(end));
}

#[tokio::test]
async fn an_outage_of_a_cluster_is_a_few_events() {
    let sim = Simulation::new();
    let id = sim.create_cluster();
    is_told_in_a_few_events(&sim, id, "all 3 nodes serve").await;
}

#[tokio::test]
async fn what_is_asked_for_anew_is_told_of_anew() {
    let sim = Simulation::new();
    let id = sim.create(EngineType::ActiveMq);
    sim.settle().await;
    sim.in_the_world(|world| world.engine = EngineBehaviour::Dies(WORDS[0]));
    sim.in_the_world(|world| world.kill(id));
    sim.runtime_event(id).await;
    sim.live(Duration::from_mins(30)).await;
    let is_quoted = |event: &&String| event.contains("ended with code");
    let count = |sim: &Simulation| events(sim, id).iter().filter(is_quoted).count();
    let first = count(&sim);
    assert!(first > 0, "{:#?}", events(&sim, id));
    sim.live(Duration::from_mins(30)).await;
    assert_eq!(count(&sim), first);
    sim.reboot(id);
    sim.live(Duration::from_mins(30)).await;
    assert!(count(&sim) > first, "{:#?}", events(&sim, id));
}
