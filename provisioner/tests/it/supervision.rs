//! What keeps brokers alive needs nothing but to see them.

use std::time::Duration;

use crate::world::{
    driver::Simulation,
    host::{EngineBehaviour, Volume},
};
use brokerd_domain::{
    ActionCode, BrokerId, BrokerState, EngineType, Health, Protocol,
    instance::{ContainerState, InstanceName},
};
use brokerd_provisioner::catalogue::{Catalogue, EngineSettings};

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
    let health = || sim.row(id).expect("it is there").broker.status.conditions[0].health;
    sim.live(Duration::from_secs(12)).await;
    assert_eq!(health(), Health::Suspect);
    sim.live(Duration::from_secs(25)).await;
    sim.settle().await;
    assert_eq!((starts(&sim, 1), sim.state(id)), (2, Some(BrokerState::Running)));
}

#[tokio::test]
async fn an_active_instance_whose_stomp_listener_hangs_is_suspected_within_twelve_seconds() {
    let sim = Simulation::new();
    let id = sim.create_pair();
    sim.settle().await;
    sim.live(Duration::from_secs(20)).await;
    let conditions = || sim.row(id).expect("it is there").broker.status.conditions;
    let active = conditions().iter().find(|c| c.health == Health::Healthy).expect("one").ordinal;
    hush(&sim, active, Protocol::Stomp);
    sim.live(Duration::from_secs(12)).await;
    let suspect = conditions().iter().find(|c| c.health == Health::Suspect).map(|c| c.ordinal);
    assert_eq!(suspect, Some(active));
}

#[tokio::test]
async fn of_a_creation_that_failed_nothing_is_left_though_no_container_was_ever_made() {
    let sim = Simulation::new();
    let id = sim.create(EngineType::RabbitMq);
    let name =
        InstanceName { installation: "test".parse().expect("valid"), broker: id, ordinal: 1 };
    sim.in_the_world(|world| {
        world.engine = EngineBehaviour::NoImage;
        world.networks.insert((name.installation.clone(), id));
        world.volumes.insert((name, "data"), Volume { keep: true, ..Volume::default() });
    });
    sim.settle().await;
    assert_eq!(sim.state(id), Some(BrokerState::CreationFailed));
    assert_eq!(sim.world.lock().expect("not poisoned").belongings(id), 0);
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
        let targets = row.targets.iter().filter(|t| t.protocol.metrics_of_node().is_none());
        let now = targets.map(|target| target.addresses.len()).min().expect("targets");
        if led.last() != Some(&now) {
            led.push(now);
        }
    }
    assert_eq!(led, [3, 2, 3], "how many nodes clients were led to");
    assert_eq!([1, 2, 3].map(|ordinal| starts(&sim, ordinal)), [1, 2, 1]);
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
            let next = sim.looks_in(id).await;
            assert!(next <= Duration::from_secs(2), "{next:?}");
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

type Create = fn(&Simulation) -> BrokerId;

const KINDS: [(&str, Create); 4] = [
    ("RabbitMQ", |sim| sim.create(EngineType::RabbitMq)),
    ("ActiveMQ", |sim| sim.create(EngineType::ActiveMq)),
    ("a pair", Simulation::create_pair),
    ("a cluster", Simulation::create_cluster),
];

type Prevent = fn(&Simulation, BrokerId);

/// What keeps instances from being made, and how it is done and undone.
const PREVENTED: [(&str, Prevent, Prevent); 3] = [
    (
        "its version is in no catalogue",
        |sim, _| {
            let only = r#"
                [[image]]
                engine = "RABBITMQ"
                version = "3.10"
                image = "another"
                source = "built"
                uid = 1
                gid = 1
                config_root = "/etc/rabbitmq"
                data_root = "/var/lib/rabbitmq"
                tmpfs = []
                env = []
                command = []
            "#;
            let only = Catalogue::parse(only, &EngineSettings::default()).expect("well-formed");
            *sim.catalogue.lock().expect("not poisoned") = only;
        },
        |sim, _| {
            let all = Catalogue::built_in().expect("well-formed");
            *sim.catalogue.lock().expect("not poisoned") = all;
        },
    ),
    (
        "its materials can't be read",
        |sim, id| sim.store.request(id, |row| row.unreadable = Some("damaged".to_owned())),
        |sim, id| sim.store.request(id, |row| row.unreadable = None),
    ),
    (
        "its image is gone",
        |sim, _| sim.in_the_world(|world| world.image_is_gone = true),
        |sim, _| sim.in_the_world(|world| world.image_is_gone = false),
    ),
];

fn all_run(sim: &Simulation) -> bool {
    let world = sim.world.lock().expect("not poisoned");
    let mut states = world.containers.values().map(|container| &container.status.state);
    states.all(|state| matches!(state, ContainerState::Running { .. }))
}

fn containers(sim: &Simulation) -> Vec<String> {
    let world = sim.world.lock().expect("not poisoned");
    world.containers.values().map(|container| container.status.id.0.clone()).collect()
}

fn codes(sim: &Simulation, id: BrokerId) -> Vec<ActionCode> {
    let broker = sim.row(id).expect("it is there").broker;
    broker.actions_required().into_iter().map(|action| action.code).collect()
}

#[tokio::test]
async fn what_can_t_be_made_today_is_kept_alive_not_rebooted_and_deleted() {
    for (kind, create) in KINDS {
        for (why, prevent, permit) in PREVENTED {
            let context = format!("{kind}, {why}");
            let sim = Simulation::new();
            let id = create(&sim);
            sim.settle().await;
            let before = containers(&sim);
            prevent(&sim, id);
            sim.settle().await;

            sim.in_the_world(|world| world.kill(id));
            sim.runtime_event(id).await;
            sim.live(MINUTE).await;
            assert!(all_run(&sim), "{context}: {:?}", sim.take_log());
            assert_eq!(containers(&sim), before, "{context}");
            assert_eq!(sim.state(id), Some(BrokerState::Running), "{context}");
            if let Some(active) = sim.active(id) {
                sim.in_the_world(|world| world.kill_one(&active));
                sim.runtime_event(id).await;
                sim.live(MINUTE).await;
                assert_ne!(sim.active(id), Some(active), "{context}: it did not fail over");
                assert!(all_run(&sim), "{context}: {:?}", sim.take_log());
            }

            // With nothing to give up, the reboot is over, and nobody was disturbed.
            sim.reboot(id);
            sim.live(MINUTE).await;
            let row = sim.row(id).expect("it is there");
            assert_eq!(sim.state(id), Some(BrokerState::CriticalActionRequired), "{context}");
            assert_eq!(codes(&sim, id), ["BROKER_NOT_REBOOTED"], "{context}");
            assert!(row.broker.check_reboot().is_ok(), "{context}: it is locked");
            assert!(all_run(&sim) && containers(&sim) == before, "{context}: {:?}", sim.take_log());

            // What waits is given up as a whole, and it is as it was.
            sim.change_everything(id);
            sim.reboot(id);
            sim.live(MINUTE).await;
            assert_eq!(sim.state(id), Some(BrokerState::CriticalActionRequired), "{context}");
            let told = ["BROKER_NOT_REBOOTED", "BROKER_CHANGES_NOT_APPLIED"];
            assert_eq!(codes(&sim, id), told, "{context}");
            assert!(all_run(&sim) && containers(&sim) == before, "{context}: {:?}", sim.take_log());

            permit(&sim, id);
            sim.reboot(id);
            sim.live(3 * MINUTE).await;
            let log = sim.take_log();
            assert_eq!(sim.state(id), Some(BrokerState::Running), "{context}: {log:?}");
            assert_eq!(codes(&sim, id), Vec::<ActionCode>::new(), "{context}");
            assert!(all_run(&sim) && containers(&sim) != before, "{context}: {log:?}");
            assert!(!sim.row(id).expect("it is there").broker.has_pending(), "{context}");

            prevent(&sim, id);
            sim.delete(id);
            sim.settle().await;
            assert_eq!(sim.state(id), None, "{context}");
        }
    }
}

#[tokio::test]
async fn an_instance_that_is_gone_and_can_t_be_made_is_made_as_soon_as_it_can_be() {
    for (kind, create) in KINDS {
        for (why, prevent, permit) in PREVENTED {
            let context = format!("{kind}, {why}");
            let sim = Simulation::new();
            let id = create(&sim);
            sim.settle().await;
            let count = containers(&sim).len();
            prevent(&sim, id);
            sim.in_the_world(|world| world.containers.retain(|name, _| name.ordinal != 1));
            sim.runtime_event(id).await;
            sim.live(MINUTE).await;
            let row = sim.row(id).expect("it is there");
            let told = row.broker.status.sentence;
            assert!(told.contains("instance 1 can't be made"), "{context}: {told}");
            assert!(all_run(&sim), "{context}");
            let next = sim.looks_in(id).await;
            assert!(next <= Duration::from_secs(10), "{context}: {next:?}");
            let led = row.targets.iter().filter(|target| !target.addresses.is_empty()).count();
            assert_eq!(led > 0, count > 1, "{context}: the others serve");

            permit(&sim, id);
            sim.live(MINUTE).await;
            assert!(all_run(&sim) && containers(&sim).len() == count, "{context}");
            assert_eq!(sim.state(id), Some(BrokerState::Running), "{context}");
        }
    }
}

#[tokio::test]
async fn a_reboot_for_which_an_instance_does_not_boot_is_over_and_the_rest_serves_as_before() {
    for create in [Simulation::create_pair, Simulation::create_cluster] {
        let sim = Simulation::new();
        let id = create(&sim);
        sim.settle().await;
        let before = containers(&sim);
        // The same image, built anew and broken.
        sim.in_the_world(|world| world.new_ones_die = true);
        sim.reboot(id);
        sim.live(5 * MINUTE).await;
        assert_eq!(codes(&sim, id), ["BROKER_NOT_REBOOTED"], "{:?}", sim.take_log());
        assert!(sim.row(id).expect("it is there").broker.check_reboot().is_ok());
        let kept = containers(&sim).iter().filter(|container| before.contains(container)).count();
        assert_eq!(kept, before.len() - 1, "only one was tried");

        sim.in_the_world(|world| world.new_ones_die = false);
        sim.reboot(id);
        sim.live(5 * MINUTE).await;
        assert_eq!(sim.state(id), Some(BrokerState::Running), "{:?}", sim.take_log());
    }
}

#[tokio::test]
async fn nothing_is_rendered_while_nothing_changes() {
    for (kind, create) in KINDS {
        let sim = Simulation::new();
        let id = create(&sim);
        sim.settle().await;
        let looks = |sim: &Simulation| sim.world.lock().expect("not poisoned").image_looks;
        let before = looks(&sim);
        sim.live(MINUTE).await;
        sim.in_the_world(|world| world.kill(id));
        sim.runtime_event(id).await;
        sim.live(MINUTE).await;
        assert!(all_run(&sim), "{kind}");
        assert_eq!(looks(&sim), before, "{kind}");
    }
}

/// The nodes of a cluster that serve.
fn serving(sim: &Simulation, id: BrokerId) -> Vec<u8> {
    let (now, world) = (sim.now(), sim.world.lock().expect("not poisoned"));
    let names = world.containers.names(id);
    names.iter().filter(|name| world.node_serves(name, now)).map(|name| name.ordinal).collect()
}

#[tokio::test]
async fn a_node_that_cant_be_started_does_not_keep_the_others_from_being_started() {
    let sim = Simulation::new();
    let id = sim.create_cluster();
    sim.settle().await;
    sim.in_the_world(|world| {
        world.unbootable.insert(1);
        world.kill(id);
    });
    sim.live(MINUTE).await;
    assert_eq!(serving(&sim, id), [2, 3]);
    assert_eq!([1, 2, 3].map(|ordinal| starts(&sim, ordinal)), [1, 2, 2], "each once");
    sim.in_the_world(|world| world.unbootable.clear());
    sim.live(MINUTE).await;
    sim.settle().await;
    assert_eq!((serving(&sim, id).len(), sim.state(id)), (3, Some(BrokerState::Running)));
}

#[tokio::test]
async fn a_pair_serves_with_the_instance_that_can_be_started() {
    for lost in [1, 2] {
        let sim = Simulation::new();
        let id = sim.create_pair();
        sim.settle().await;
        sim.in_the_world(|world| {
            world.unbootable.insert(lost);
            world.kill(id);
        });
        sim.live(MINUTE).await;
        assert_eq!(sim.active(id).map(|name| name.ordinal), Some(3 - lost));
        sim.in_the_world(|world| world.unbootable.clear());
        sim.live(MINUTE).await;
        sim.settle().await;
        assert_eq!(sim.state(id), Some(BrokerState::Running));
    }
}
