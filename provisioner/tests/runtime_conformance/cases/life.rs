//! `start`, `restart`, `stop` and `set_limits`.

use std::time::Duration;

use brokerd_domain::instance::{
    ContainerState, Disturbance, InstanceSpec, Limits, RuntimeId, Volumes,
};
use brokerd_provisioner::runtime::{Ensured, RuntimeErrorClass};

use crate::subject::{Does, Subject, class, exit_code, has_ended, is_running};

const GRACE: Duration = Duration::from_secs(10);

/// The exit code of what was killed.
const KILLED: i64 = 137;

pub(crate) async fn it_is_stopped_started_and_restarted_as_often_as_that_is_asked_for(
    at: &dyn Subject,
) {
    let first = at.begin(Does::Serves).await;
    let (runtime, id, name) = (at.runtime(), &first.id, at.name(1));
    assert_eq!(runtime.start(id).await.expect("start"), Ensured::AlreadyRight);
    assert_eq!(at.status(1).await, first);

    assert_eq!(runtime.stop(id, GRACE).await.expect("stop"), Ensured::Updated);
    let stopped = at.status(1).await;
    assert_ne!(exit_code(&stopped.state), KILLED, "it had the time to end by itself");
    assert_eq!((&stopped.id, stopped.addresses.len()), (id, 0));
    assert_eq!(runtime.stop(id, GRACE).await.expect("stop"), Ensured::AlreadyRight);
    assert_eq!(at.status(1).await, stopped);

    assert_eq!(runtime.start(id).await.expect("start"), Ensured::Updated);
    at.until_up(&name).await;
    let started = at.status(1).await;
    assert!(is_running(&started.state) && started.state != first.state, "{started:?}");
    assert_eq!((&started.id, started.addresses.len()), (id, 2));
    assert_eq!(started.digest, first.digest);

    for _ in 0..2 {
        at.pass().await;
        let before = at.status(1).await.state;
        assert_eq!(runtime.restart(id).await.expect("restart"), Ensured::Updated);
        let restarted = at.status(1).await;
        assert!(is_running(&restarted.state) && restarted.state != before, "{restarted:?}");
        assert_eq!((&restarted.id, restarted.addresses.len()), (id, 2));
    }
    at.kill(&name).await;
    at.until(has_ended).await;
    assert_eq!(runtime.restart(id).await.expect("restart"), Ensured::Updated);
    assert!(is_running(&at.status(1).await.state), "what has ended is started, too");
}

pub(crate) async fn what_does_not_heed_a_stop_is_killed_after_the_grace(at: &dyn Subject) {
    let id = at.begin(Does::Stubborn).await.id;
    let stopped = at.runtime().stop(&id, Duration::from_secs(1)).await;
    assert_eq!(stopped.expect("stop"), Ensured::Updated);
    assert_eq!(exit_code(&at.status(1).await.state), KILLED);
}

pub(crate) async fn a_stop_without_grace_kills(at: &dyn Subject) {
    let id = at.begin(Does::Serves).await.id;
    for expected in [Ensured::Updated, Ensured::AlreadyRight] {
        let stopped = at.runtime().stop(&id, Duration::ZERO).await;
        assert_eq!(stopped.expect("stop"), expected);
        assert_eq!(exit_code(&at.status(1).await.state), KILLED);
    }
}

pub(crate) async fn what_is_paused_is_not_started_but_restarted_or_killed(at: &dyn Subject) {
    let seen = at.begin(Does::Serves).await;
    let (runtime, id) = (at.runtime(), &seen.id);
    runtime.inject(id, Disturbance::Paused).await.expect("pause");
    let paused = at.status(1).await;
    assert_eq!((&paused.state, paused.addresses.len()), (&ContainerState::Paused, 0));
    assert_eq!(class(runtime.start(id).await), Some(RuntimeErrorClass::Transient));
    let applied = runtime.apply(&at.spec(1, Does::Serves)).await;
    assert_eq!(applied.expect("apply"), Ensured::AlreadyRight);
    assert_eq!(at.status(1).await, paused);
    assert_eq!(runtime.restart(id).await.expect("restart"), Ensured::Updated);
    let restarted = at.status(1).await;
    assert!(is_running(&restarted.state) && restarted.addresses.len() == 2, "{restarted:?}");

    runtime.inject(id, Disturbance::Paused).await.expect("pause");
    assert_eq!(runtime.stop(id, GRACE).await.expect("stop"), Ensured::Updated);
    assert_eq!(exit_code(&at.status(1).await.state), KILLED, "it could not end by itself");
}

pub(crate) async fn an_identity_that_is_gone_hits_nothing(at: &dyn Subject) {
    let former = at.begin(Does::Serves).await;
    let spec = InstanceSpec { reboot: 3, ..at.spec(1, Does::Serves) };
    at.runtime().remove(&spec.name, Volumes::Keep).await.expect("remove");
    assert_eq!(at.runtime().apply(&spec).await.expect("apply"), Ensured::Created);
    let successor = at.status(1).await;
    assert_ne!(successor.id, former.id);
    let never = RuntimeId("0123456789abcdef".to_owned());
    for id in [&former.id, &never] {
        let runtime = at.runtime();
        let mut answers = vec![
            runtime.start(id).await,
            runtime.restart(id).await,
            runtime.stop(id, GRACE).await,
            runtime.stop(id, Duration::ZERO).await,
            runtime.set_limits(id, spec.limits).await,
        ];
        for disturbance in [
            Disturbance::Killed,
            Disturbance::Paused,
            Disturbance::Isolated,
            Disturbance::Filled { leave: 0 },
        ] {
            answers.push(runtime.inject(id, disturbance).await);
            answers.push(runtime.heal(id, disturbance).await);
        }
        for answer in answers {
            assert_eq!(class(answer), Some(RuntimeErrorClass::Gone));
        }
        assert_eq!(class(runtime.is_filled(id).await), Some(RuntimeErrorClass::Gone));
    }
    assert_eq!(at.status(1).await, successor);
}

pub(crate) async fn limits_are_changed_as_it_runs_and_never_above_what_the_host_has(
    at: &dyn Subject,
) {
    let capacity = at.runtime().capacity().await.expect("capacity");
    assert!(capacity.cpus > 0 && capacity.memory_bytes > 64 << 20, "{capacity:?}");
    let all = u64::from(capacity.cpus) * 1_000_000_000;
    let mut spec = at.spec(1, Does::Serves);
    spec.limits.nano_cpus = all + 500_000_000;
    at.runtime().apply(&spec).await.expect("applied");
    let status = at.status(1).await;
    assert_eq!(status.limits.nano_cpus, all);
    let same = at.runtime().set_limits(&status.id, spec.limits).await;
    assert_eq!(same.expect("limits"), Ensured::AlreadyRight);
    let limits = Limits {
        memory_bytes: 128 << 20,
        nano_cpus: 250_000_000,
        cpu_shares: Limits::SERVING_SHARES,
        pids: 32,
    };
    for expected in [Ensured::Updated, Ensured::AlreadyRight] {
        let changed = at.runtime().set_limits(&status.id, limits).await;
        assert_eq!(changed.expect("limits"), expected);
    }
    let changed = at.status(1).await;
    assert_eq!((changed.limits, &changed.state), (limits, &status.state), "it runs on");
    at.runtime().restart(&status.id).await.expect("restart");
    assert_eq!(at.status(1).await.limits, limits, "they stay");
}
