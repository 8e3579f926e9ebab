//! Maintenance windows and required actions on a simulated world.

use std::time::Duration;

use crate::world::driver::Simulation;
use brokerd_domain::{ActionCode, BrokerId, BrokerState, EngineType, MaintenanceWindow, Timestamp};
use brokerd_provisioner::{plan::Alarm, tasks::maintenance};

const HOUR: Duration = Duration::from_hours(1);

/// A window in New York, so that it is not the clock's own zone.
fn window() -> MaintenanceWindow {
    MaintenanceWindow::parse("TUESDAY", "02:00", Some("America/New_York")).expect("a window")
}

async fn running(sim: &Simulation, engine: EngineType) -> BrokerId {
    let id = sim.create(engine);
    sim.settle().await;
    sim.store.request(id, |row| row.broker.spec.maintenance_window = window());
    sim.settle().await;
    id
}

/// Lets time pass as a provisioner would live through it; how many reboots the windows asked for.
async fn live_until(sim: &Simulation, end: Timestamp) -> usize {
    let mut asked = 0;
    while sim.now() < end {
        asked += maintenance::maintain(&*sim.store, &*sim.clock).await.expect("asked");
        sim.settle().await;
        sim.clock.advance(Duration::from_mins(20));
    }
    asked
}

#[tokio::test]
async fn what_waits_is_applied_in_the_window_once_and_not_before() {
    let sim = Simulation::new();
    let id = running(&sim, EngineType::ActiveMq).await;
    let next = window().next_after(sim.now());
    sim.change_everything(id);
    assert_eq!(live_until(&sim, next.start).await, 0, "before the window");
    assert!(sim.row(id).expect("it runs").pending_users.is_some());
    let after = next.end.plus(24 * HOUR);
    assert_eq!(live_until(&sim, after).await, 1, "once in the window, and not after it");
    let row = sim.row(id).expect("it runs");
    assert_eq!(row.broker.state(), BrokerState::Running);
    assert!(!row.broker.has_pending() && row.pending_users.is_none());
    assert_eq!(row.broker.configurations.history.len(), 1);
    let maintained = row.maintained.expect("it was maintained");
    assert!(next.contains(maintained));
    // A week with nothing to do leaves the broker alone.
    assert_eq!(live_until(&sim, after.plus(8 * 24 * HOUR)).await, 0);
}

#[tokio::test]
async fn a_newer_build_of_the_engine_is_installed_in_the_window_once() {
    let sim = Simulation::new();
    let image = "brokerd/rabbitmq:4.3".to_owned();
    sim.world.lock().expect("not poisoned").image_id = "first".to_owned();
    sim.images.lock().expect("not poisoned").insert(image.clone(), "first".to_owned());
    let id = running(&sim, EngineType::RabbitMq).await;
    let next = window().next_after(sim.now());
    assert_eq!(live_until(&sim, next.end).await, 0, "the same build");
    sim.world.lock().expect("not poisoned").image_id = "second".to_owned();
    sim.images.lock().expect("not poisoned").insert(image, "second".to_owned());
    let later = window().next_after(sim.now());
    assert_eq!(live_until(&sim, later.start).await, 0, "not before the window");
    let status = sim.row(id).expect("it runs").broker.status;
    assert_eq!(status.maintenance.as_deref(), Some("there is a newer build of its engine"));
    assert_eq!(live_until(&sim, later.end.plus(HOUR)).await, 1);
    let row = sim.row(id).expect("it runs");
    assert_eq!(row.broker.status.maintenance, None);
    assert_eq!(row.broker.state(), BrokerState::Running);
}

#[tokio::test]
async fn a_newer_build_is_not_installed_where_its_owner_wants_no_newer_versions() {
    let sim = Simulation::new();
    sim.world.lock().expect("not poisoned").image_id = "first".to_owned();
    let id = running(&sim, EngineType::RabbitMq).await;
    sim.store.request(id, |row| row.broker.spec.auto_minor_version_upgrade = false);
    let image = "brokerd/rabbitmq:4.3".to_owned();
    sim.world.lock().expect("not poisoned").image_id = "second".to_owned();
    sim.images.lock().expect("not poisoned").insert(image, "second".to_owned());
    assert_eq!(live_until(&sim, sim.now().plus(8 * 24 * HOUR)).await, 0);
    let row = sim.row(id).expect("it runs");
    assert_eq!((row.broker.reboots_requested, row.broker.status.maintenance), (0, None));
    // The day that it changes its mind, it gets it.
    sim.store.request(id, |row| row.broker.spec.auto_minor_version_upgrade = true);
    assert_eq!(live_until(&sim, sim.now().plus(8 * 24 * HOUR)).await, 1);
}

#[tokio::test]
async fn what_is_lost_outside_of_a_reboot_is_made_again_from_the_image_that_ran() {
    let sim = Simulation::new();
    sim.in_the_world(|world| world.image_id = "first".to_owned());
    let id = running(&sim, EngineType::RabbitMq).await;
    sim.in_the_world(|world| world.image_id = "second".to_owned());
    let made_from = || {
        let world = sim.world.lock().expect("not poisoned");
        world
            .containers
            .values()
            .map(|c| c.status.image_id.clone().unwrap_or_default())
            .collect::<Vec<_>>()
    };
    sim.in_the_world(|world| world.containers.clear());
    sim.runtime_event(id).await;
    sim.settle().await;
    assert_eq!(made_from(), ["first"], "the name means another image now");
    sim.reboot(id);
    sim.settle().await;
    assert_eq!(made_from(), ["second"]);
}

#[tokio::test]
async fn a_certificate_that_ends_soon_is_renewed_in_the_window() {
    let sim = Simulation::new();
    let id = running(&sim, EngineType::RabbitMq).await;
    sim.clock.advance(Duration::from_hours(24 * 360));
    sim.settle().await;
    let soon = sim.row(id).expect("it runs").broker.status.maintenance;
    assert_eq!(soon.as_deref(), Some("its certificate is to be renewed"));
    let next = window().next_after(sim.now());
    assert_eq!(live_until(&sim, next.end.plus(HOUR)).await, 1);
    let row = sim.row(id).expect("it runs");
    assert_eq!((row.broker.state(), row.broker.status.maintenance), (BrokerState::Running, None));
}

#[tokio::test]
async fn alarms_of_rabbitmq_require_action_until_they_are_gone() {
    let sim = Simulation::new();
    let id = running(&sim, EngineType::RabbitMq).await;
    let look = async |alarms: Option<Vec<Alarm>>| {
        sim.world.lock().expect("not poisoned").alarms = alarms;
        sim.clock.advance(Duration::from_secs(15));
        sim.settle().await;
        let broker = sim.row(id).expect("it runs").broker;
        let codes: Vec<_> =
            broker.status.actions_required.iter().map(|action| action.code.clone()).collect();
        (broker.state(), codes)
    };
    let raised = (
        BrokerState::CriticalActionRequired,
        vec![ActionCode::RabbitmqMemoryAlarm, ActionCode::RabbitmqDiskAlarm],
    );
    assert_eq!(look(Some(vec![Alarm::Disk, Alarm::Memory])).await, raised);
    assert_eq!(look(None).await, raised, "not knowing changes nothing");
    let broker = sim.row(id).expect("it runs").broker;
    assert!(broker.check_reboot().is_err(), "a reboot is no cure for an alarm");
    assert_eq!(look(Some(Vec::new())).await, (BrokerState::Running, Vec::new()));
    let events = sim.row(id).expect("it runs").events;
    for said in ["RABBITMQ_MEMORY_ALARM is raised", "RABBITMQ_MEMORY_ALARM is cleared"] {
        let times = events.iter().filter(|event| event.message.starts_with(said)).count();
        assert_eq!(times, 1, "{said}");
    }
}

#[tokio::test]
async fn an_activemq_that_runs_out_of_memory_again_and_again_requires_action_until_it_is_calm() {
    let sim = Simulation::new();
    let id = running(&sim, EngineType::ActiveMq).await;
    let starve = async || {
        sim.in_the_world(|world| {
            let name = world.containers.keys().next().expect("it is there").clone();
            world.starve(&name);
        });
        sim.runtime_event(id).await;
        sim.settle().await;
        sim.state(id)
    };
    assert_eq!(starve().await, Some(BrokerState::Running), "once is an accident");
    assert_eq!(starve().await, Some(BrokerState::Running));
    assert_eq!(starve().await, Some(BrokerState::CriticalActionRequired));
    let broker = sim.row(id).expect("it runs").broker;
    assert_eq!(broker.status.actions_required[0].code, "BROKER_OOM");
    assert!(broker.check_reboot().is_ok());
    sim.clock.advance(Duration::from_mins(6));
    sim.settle().await;
    assert_eq!(sim.state(id), Some(BrokerState::Running));
}
