//! `inject`, `heal` and `is_filled`.

use brokerd_domain::instance::{ContainerState, Disturbance, Volumes};
use brokerd_provisioner::runtime::{Ensured, RuntimeErrorClass};

use crate::subject::{Does, Subject, class, exit_code, has_ended, is_running};

const ALL: [Disturbance; 3] = [Disturbance::Killed, Disturbance::Paused, Disturbance::Isolated];

pub(crate) async fn what_was_killed_has_ended_and_is_not_disturbed_again(at: &dyn Subject) {
    let id = at.begin(Does::Serves).await.id;
    let runtime = at.runtime();
    let killed = runtime.inject(&id, Disturbance::Killed).await;
    assert_eq!(killed.expect("inject"), Ensured::Updated);
    assert_eq!(exit_code(&at.status(1).await.state), 137, "at once");
    for disturbance in ALL {
        let again = runtime.inject(&id, disturbance).await;
        assert_eq!(again.expect("inject"), Ensured::AlreadyRight, "{disturbance:?}");
    }
    for disturbance in [Disturbance::Killed, Disturbance::Paused] {
        let healed = runtime.heal(&id, disturbance).await;
        assert_eq!(healed.expect("heal"), Ensured::AlreadyRight, "{disturbance:?}");
    }
    assert!(has_ended(&at.status(1).await.state), "nothing of it starts it");
}

pub(crate) async fn what_was_paused_goes_on_where_it_was(at: &dyn Subject) {
    let before = at.begin(Does::Serves).await;
    let (runtime, id, paused) = (at.runtime(), &before.id, Disturbance::Paused);
    assert_eq!(runtime.heal(id, paused).await.expect("heal"), Ensured::AlreadyRight);
    assert_eq!(runtime.inject(id, paused).await.expect("inject"), Ensured::Updated);
    assert_eq!(runtime.inject(id, paused).await.expect("again"), Ensured::AlreadyRight);
    assert_eq!(at.status(1).await.state, ContainerState::Paused);
    assert_eq!(runtime.heal(id, paused).await.expect("heal"), Ensured::Updated);
    assert_eq!(runtime.heal(id, paused).await.expect("again"), Ensured::AlreadyRight);
    assert_eq!(at.status(1).await, before, "the same life");

    runtime.inject(id, paused).await.expect("inject");
    let killed = runtime.inject(id, Disturbance::Killed).await;
    assert_eq!(killed.expect("inject"), Ensured::Updated, "what is paused can be killed");
    assert_eq!(runtime.heal(id, paused).await.expect("heal"), Ensured::AlreadyRight);
    assert!(has_ended(&at.status(1).await.state), "healing starts nothing");
}

pub(crate) async fn what_was_cut_off_runs_on_and_is_found_again(at: &dyn Subject) {
    let before = at.begin(Does::Serves).await;
    let (runtime, id, isolated) = (at.runtime(), &before.id, Disturbance::Isolated);
    let name = at.name(1);
    assert!(at.finds(&name, "node-1").await);
    assert_eq!(runtime.heal(id, isolated).await.expect("heal"), Ensured::AlreadyRight);
    assert_eq!(runtime.inject(id, isolated).await.expect("inject"), Ensured::Updated);
    assert_eq!(runtime.inject(id, isolated).await.expect("again"), Ensured::AlreadyRight);
    let cut = at.status(1).await;
    assert_eq!((&cut.state, cut.addresses.len()), (&before.state, 0), "it runs on");
    at.until_it_answers(before.addresses[&5671], false).await;

    assert_eq!(runtime.heal(id, isolated).await.expect("heal"), Ensured::Updated);
    assert_eq!(runtime.heal(id, isolated).await.expect("again"), Ensured::AlreadyRight);
    let after = at.status(1).await;
    assert_eq!(after.state, before.state, "the same life");
    assert!(after.addresses.keys().eq(before.addresses.keys()), "{after:?}");
    at.until_it_answers(after.addresses[&5671], true).await;
    assert!(at.finds(&name, "node-1").await);

    runtime.inject(id, isolated).await.expect("inject");
    runtime.restart(id).await.expect("restart");
    at.until_up(&name).await;
    let after = at.status(1).await;
    assert!(is_running(&after.state) && after.addresses.len() == 2, "{after:?}");
    assert!(at.finds(&name, "node-1").await, "a start leads it back");

    // Paused as well, it is cut off and led back all the same.
    runtime.inject(id, Disturbance::Paused).await.expect("inject");
    assert_eq!(runtime.inject(id, isolated).await.expect("inject"), Ensured::Updated);
    runtime.heal(id, Disturbance::Paused).await.expect("heal");
    assert_eq!(at.status(1).await.addresses.len(), 0);
    assert_eq!(runtime.heal(id, isolated).await.expect("heal"), Ensured::Updated);
    assert_eq!(at.status(1).await.addresses.len(), 2);
}

pub(crate) async fn what_is_disturbed_is_removed_without_a_trace(at: &dyn Subject) {
    for disturbance in ALL {
        let id = at.begin(Does::Serves).await.id;
        at.runtime().inject(&id, disturbance).await.expect("inject");
        let removed = at.runtime().remove(&at.name(1), Volumes::Delete).await;
        assert_eq!(removed.expect("removed"), Ensured::Updated, "{disturbance:?}");
        assert_eq!(at.belongings().await, [0, 0, 0], "{disturbance:?}");
    }
}

pub(crate) async fn the_disk_of_the_host_is_not_filled(at: &dyn Subject) {
    let status = at.begin(Does::Serves).await;
    assert!(!status.own_disk);
    let full = Disturbance::Filled { leave: 0 };
    let invalid = Some(RuntimeErrorClass::Rejected);
    assert_eq!(class(at.runtime().inject(&status.id, full).await), invalid);
    assert_eq!(class(at.runtime().heal(&status.id, full).await), invalid);
    assert!(!at.runtime().is_filled(&status.id).await.expect("asked"));
}
