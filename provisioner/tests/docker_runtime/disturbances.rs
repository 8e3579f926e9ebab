//! What faults do to real containers, and how it is undone.

use brokerd_provisioner::runtime::{
    ContainerState, Disturbance, Ensured, Runtime, RuntimeErrorClass, RuntimeId, Volumes,
};

use crate::world::*;

const ALL: [Disturbance; 3] = [Disturbance::Killed, Disturbance::Frozen, Disturbance::Isolated];

/// Whether the container is in its broker's network under its host name.
fn is_connected(world: &World) -> bool {
    world.inspect("{{range .NetworkSettings.Networks}}{{.Aliases}}{{end}}").contains("node-1")
}

#[tokio::test]
async fn a_container_is_killed_once() {
    let Some(world) = world().await else { return };
    world.apply(&world.spec(WAIT)).await.expect("apply");
    let id = world.until_up().await.id;
    let runtime = &world.runtime;
    assert_eq!(runtime.inject(&id, Disturbance::Killed).await.expect("kill"), Ensured::Updated);
    let state = world.status().await.state;
    assert!(matches!(state, ContainerState::Exited { code: 137, .. }), "at once: {state:?}");
    for disturbance in ALL {
        let again = runtime.inject(&id, disturbance).await.expect("nothing to do");
        assert_eq!(again, Ensured::AlreadyRight, "{disturbance:?} of what has ended");
    }
    assert_eq!(runtime.heal(&id, Disturbance::Killed).await.expect("heal"), Ensured::AlreadyRight);
}

#[tokio::test]
async fn a_container_is_frozen_and_goes_on_where_it_was() {
    let Some(world) = world().await else { return };
    world.apply(&world.spec(WAIT)).await.expect("apply");
    let before = world.until_up().await;
    let (runtime, id) = (&world.runtime, &before.id);
    let frozen = Disturbance::Frozen;
    assert_eq!(runtime.heal(id, frozen).await.expect("heal"), Ensured::AlreadyRight);
    assert_eq!(runtime.inject(id, frozen).await.expect("inject"), Ensured::Updated);
    assert_eq!(runtime.inject(id, frozen).await.expect("again"), Ensured::AlreadyRight);
    assert_eq!(world.status().await.state, ContainerState::Paused);
    assert_eq!(runtime.heal(id, frozen).await.expect("heal"), Ensured::Updated);
    assert_eq!(runtime.heal(id, frozen).await.expect("again"), Ensured::AlreadyRight);
    assert_eq!(world.status().await, before, "the same life");

    runtime.inject(id, frozen).await.expect("inject");
    runtime.inject(id, Disturbance::Killed).await.expect("a frozen one can be killed");
    assert!(!is_running(&world.status().await.state));
    assert_eq!(runtime.heal(id, frozen).await.expect("ended"), Ensured::AlreadyRight);
    assert!(!is_running(&world.status().await.state), "healing starts nothing");
}

#[tokio::test]
async fn a_container_is_cut_off_and_reconnected_under_its_name() {
    let Some(world) = world().await else { return };
    world.apply(&world.spec(WAIT)).await.expect("apply");
    let before = world.until_up().await;
    let (runtime, id) = (&world.runtime, &before.id);
    let isolated = Disturbance::Isolated;
    assert_eq!(runtime.heal(id, isolated).await.expect("heal"), Ensured::AlreadyRight);
    assert_eq!(runtime.inject(id, isolated).await.expect("inject"), Ensured::Updated);
    assert_eq!(runtime.inject(id, isolated).await.expect("again"), Ensured::AlreadyRight);
    let cut = world.status().await;
    assert_eq!(cut.state, before.state, "it runs on");
    assert!(cut.addresses.is_empty() && !is_connected(&world), "{cut:?}");
    for address in before.addresses.values() {
        let there = tokio::net::TcpStream::connect(address).await;
        assert!(there.is_err(), "{address} still answers");
    }

    runtime.restart(id).await.expect("restart");
    let cut = world.until(is_running).await;
    assert!(cut.addresses.is_empty() && !is_connected(&world), "a restart heals nothing: {cut:?}");

    assert_eq!(runtime.heal(id, isolated).await.expect("heal"), Ensured::Updated);
    assert_eq!(runtime.heal(id, isolated).await.expect("again"), Ensured::AlreadyRight);
    let after = world.status().await;
    assert!(is_connected(&world), "its peers know it as node-1");
    assert!(after.addresses.keys().eq(before.addresses.keys()), "{after:?}");
    assert_eq!(world.count(), [1, 2, 1]);
}

#[tokio::test]
async fn what_is_disturbed_is_removed_without_a_trace() {
    for disturbance in ALL {
        let Some(world) = world().await else { return };
        world.apply(&world.spec(WAIT)).await.expect("apply");
        let id = world.until_up().await.id;
        world.runtime.inject(&id, disturbance).await.expect("inject");
        let removed = world.runtime.remove(&world.name(1), Volumes::Delete).await;
        assert_eq!(removed.expect("removed"), Ensured::Updated, "{disturbance:?}");
        assert_eq!(world.count(), [0, 0, 0], "{disturbance:?}");
    }
}

#[tokio::test]
async fn what_is_gone_is_not_disturbed() {
    let Some(world) = world().await else { return };
    let id = RuntimeId("no-such-container".to_owned());
    for disturbance in ALL {
        let injected = class(world.runtime.inject(&id, disturbance).await);
        assert_eq!(injected, Some(RuntimeErrorClass::Gone), "{disturbance:?}");
        let healed = class(world.runtime.heal(&id, disturbance).await);
        assert_eq!(healed, Some(RuntimeErrorClass::Gone), "{disturbance:?}");
    }
}
