//! `status`, `list`, `watch`, `ensure_reachable`, and an engine that can't be asked.

use std::time::{Duration, Instant};

use brokerd_domain::{
    BrokerId, Timestamp,
    instance::{ContainerState, InstanceName, RuntimeId, Volumes},
};
use brokerd_provisioner::runtime::{Ensured, RuntimeErrorClass, RuntimeObject};
use futures_util::StreamExt;

use crate::subject::{Does, Subject, class, exit_code, has_ended, is_running};

/// How often a want of memory is brought about, at most, until it is told.
const ATTEMPTS: usize = 5;

/// How long a hint may take.
const HINT: Duration = Duration::from_secs(10);

pub(crate) async fn what_is_not_there_is_told_from_what_is(at: &dyn Subject) {
    assert_eq!(at.runtime().status(&at.name(1)).await.expect("status"), None);
    assert_eq!(at.runtime().list().await.expect("list"), []);
    at.begin(Does::Serves).await;
    assert_eq!(at.runtime().status(&at.name(2)).await.expect("status"), None);
    let objects = [None, Some(1)].map(|ordinal| RuntimeObject { broker: at.broker(), ordinal });
    assert_eq!(at.runtime().list().await.expect("list"), objects);
}

pub(crate) async fn an_end_is_reported_with_its_code_and_last_log_lines(at: &dyn Subject) {
    let spec = at.spec(1, Does::Ends(3, "no such key: colour"));
    at.runtime().apply(&spec).await.expect("applied");
    let ended = at.until(has_ended).await;
    let ContainerState::Exited { code, out_of_memory, last_log_lines } = &ended.state else {
        panic!("{ended:?}");
    };
    assert_eq!((*code, *out_of_memory), (3, false));
    assert!(last_log_lines.contains("no such key: colour"), "{last_log_lines}");
    assert!(ended.addresses.is_empty(), "{ended:?}");
}

pub(crate) async fn what_a_container_printed_in_each_of_its_lives_is_told_until_it_is_removed(
    at: &dyn Subject,
) {
    at.runtime().apply(&at.spec(1, Does::Ends(3, "no such key: colour"))).await.expect("applied");
    let ended = at.until(has_ended).await;
    assert_eq!(printed(at, &ended.id, Timestamp::from_micros(0)).await, ["no such key: colour"]);
    at.pass().await;
    at.runtime().start(&ended.id).await.expect("started");
    at.until(has_ended).await;
    let all = if at.lives_begin_anew() { 1 } else { 2 };
    let all = vec!["no such key: colour"; all];
    assert_eq!(printed(at, &ended.id, Timestamp::from_micros(0)).await, all);
    let later = at.now().plus(Duration::from_hours(1));
    assert!(printed(at, &ended.id, later).await.is_empty(), "nothing was printed then");
    at.runtime().remove(&at.name(1), Volumes::Delete).await.expect("removed");
    assert!(at.runtime().logs(&ended.id, later, true).await.is_err(), "it is gone");
}

/// What a container has printed since then, followed until it has ended.
async fn printed(at: &dyn Subject, id: &RuntimeId, since: Timestamp) -> Vec<String> {
    let lines = at.runtime().logs(id, since, true).await.expect("followed");
    let all = lines.map(|line| line.expect("a line").text).collect();
    tokio::time::timeout(HINT, all).await.expect("what has ended prints no more")
}

pub(crate) async fn a_kill_is_distinguished_from_out_of_memory(at: &dyn Subject) {
    at.begin(Does::Serves).await;
    at.kill(&at.name(1)).await;
    let killed = at.until(has_ended).await;
    assert_eq!(exit_code(&killed.state), 137);
    assert!(matches!(killed.state, ContainerState::Exited { out_of_memory: false, .. }));
    assert!(killed.addresses.is_empty(), "{killed:?}");
    at.runtime().remove(&at.name(1), Volumes::Delete).await.expect("removed");

    // An engine may learn of the end and of its cause one after the other, and at times misses the cause.
    for _ in 0..ATTEMPTS {
        at.runtime().apply(&at.spec(1, Does::Starves)).await.expect("applied");
        let begun = Instant::now();
        while begun.elapsed() < HINT {
            let state = at.until(has_ended).await.state;
            assert_eq!(exit_code(&state), 137);
            if matches!(state, ContainerState::Exited { out_of_memory: true, .. }) {
                return;
            }
            at.pass().await;
        }
    }
    panic!("no want of memory was told in {ATTEMPTS} attempts");
}

pub(crate) async fn a_control_plane_that_knows_nothing_reads_the_world_back(at: &dyn Subject) {
    let seen = at.begin(Does::Serves).await;
    let (before, spec) = (at.runtime().list().await.expect("list"), at.spec(1, Does::Serves));
    let anew = at.another_control_plane().await;
    assert_eq!(anew.list().await.expect("list"), before);
    assert_eq!(anew.status(&spec.name).await.expect("status"), Some(seen.clone()));
    assert_eq!(anew.apply(&spec).await.expect("apply"), Ensured::AlreadyRight);
    assert_eq!(anew.stop(&seen.id, Duration::from_secs(10)).await.expect("stop"), Ensured::Updated);
    assert!(has_ended(&at.status(1).await.state));
    anew.remove(&spec.name, Volumes::Delete).await.expect("remove");
    assert_eq!(at.belongings().await, [0, 0, 0]);
}

pub(crate) async fn a_death_is_hinted_at(at: &dyn Subject) {
    let begun = at.begin(Does::Serves).await;
    let ContainerState::Running { since } = begun.state else { panic!("{begun:?}") };
    // An engine may tell of what happened in whole seconds, and so of the start again.
    while at.now().as_seconds() <= since.as_seconds() {
        at.pass().await;
    }
    let mut hints = at.runtime().watch().await.expect("watch");
    // What happens before the stream is first polled is not lost.
    at.kill(&at.name(1)).await;
    let hint = tokio::time::timeout(HINT, hints.next()).await;
    assert_eq!(hint.expect("in time"), Some(at.broker()));
    at.until(has_ended).await;
}

pub(crate) async fn installations_do_not_see_each_other(at: &dyn Subject) {
    let neighbour = at.neighbour().await;
    let hints = at.runtime().watch().await.expect("watch");
    neighbour.begin(Does::Serves).await;
    assert_eq!(at.runtime().list().await.expect("list"), []);
    assert_eq!(at.runtime().status(&at.name(1)).await.expect("status"), None);
    let theirs = InstanceName { broker: neighbour.broker(), ..at.name(1) };
    assert_eq!(at.runtime().status(&theirs).await.expect("status"), None);
    let removed = at.runtime().remove(&theirs, Volumes::Delete).await;
    assert_eq!(removed.expect("remove"), Ensured::AlreadyRight);
    assert!(is_running(&neighbour.status(1).await.state));
    assert_eq!(neighbour.belongings().await, [1, 2, 1]);
    let heard = tokio::time::timeout(Duration::from_millis(500), hints.into_future()).await;
    assert!(heard.is_err(), "an event of another installation");
}

pub(crate) async fn an_engine_that_can_t_be_asked_is_never_taken_for_an_empty_one(
    at: &dyn Subject,
) {
    let seen = at.begin(Does::Serves).await;
    let (runtime, spec) = (at.runtime(), at.spec(1, Does::Serves));
    at.lose_the_engine(true).await;
    let answers = [
        class(runtime.capacity().await),
        class(runtime.image(&spec.image).await),
        class(runtime.apply(&spec).await),
        class(runtime.status(&spec.name).await),
        class(runtime.list().await),
        class(runtime.watch().await.map(drop)),
        class(runtime.start(&seen.id).await),
        class(runtime.restart(&seen.id).await),
        class(runtime.stop(&seen.id, Duration::ZERO).await),
        class(runtime.set_limits(&seen.id, spec.limits).await),
        class(runtime.remove(&spec.name, Volumes::Delete).await),
        class(runtime.is_filled(&seen.id).await),
    ];
    at.lose_the_engine(false).await;
    assert_eq!(answers, [Some(RuntimeErrorClass::Transient); 12]);
    assert_eq!(at.status(1).await, seen, "and nothing was done");
}

pub(crate) async fn what_is_told_to_be_reachable_is(at: &dyn Subject) {
    let nobody = BrokerId::from(uuid::Uuid::from_u128(7));
    let nothing = at.runtime().ensure_reachable(nobody).await;
    assert_eq!(nothing.expect("nothing is there"), Ensured::AlreadyRight);
    at.begin(Does::Serves).await;
    at.runtime().ensure_reachable(at.broker()).await.expect("reachable");
    let again = at.runtime().ensure_reachable(at.broker()).await;
    assert_eq!(again.expect("reachable"), Ensured::AlreadyRight);
    assert!(at.answers(at.status(1).await.addresses[&5671]).await);
}

pub(crate) async fn what_a_container_has_used_is_told_while_it_runs(at: &dyn Subject) {
    let status = at.begin(Does::Serves).await;
    let begun = Instant::now();
    let first = loop {
        match at.runtime().statistics(&status.id).await {
            // Who counts may count now and then.
            Err(error) if error.class == RuntimeErrorClass::Transient => {
                assert!(begun.elapsed() < Duration::from_secs(30), "still {error}");
                at.pass().await;
            }
            told => break told.expect("statistics"),
        }
    };
    assert!(first.cpu_nanos > 0 && first.memory_bytes > 0, "{first:?}");
    at.pass().await;
    let second = at.runtime().statistics(&status.id).await.expect("statistics");
    assert!(second.cpu_nanos >= first.cpu_nanos, "{first:?} {second:?}");
    if let (Some(first), Some(second)) = (first.network, second.network) {
        assert!(second.received >= first.received && second.sent >= first.sent);
    }
    at.kill(&at.name(1)).await;
    at.until(has_ended).await;
    let ended = at.runtime().statistics(&status.id).await;
    assert_eq!(class(ended), Some(RuntimeErrorClass::Transient));
    at.runtime().remove(&at.name(1), Volumes::Delete).await.expect("removed");
    assert_eq!(class(at.runtime().statistics(&status.id).await), Some(RuntimeErrorClass::Gone));
}
