//! `apply`.

use brokerd_domain::{
    Generation,
    instance::{ContainerState, FormerImage, InstanceSpec, Volumes},
};
use brokerd_provisioner::runtime::{Ensured, RuntimeErrorClass};

use crate::{
    specs::file,
    subject::{Does, Subject, class, has_ended, is_running},
};

pub(crate) async fn what_is_applied_runs_as_it_was_specified_and_once(at: &dyn Subject) {
    let before = at.now();
    let first = at.begin(Does::Serves).await;
    let spec = at.spec(1, Does::Serves);
    let ContainerState::Running { since } = first.state else { panic!("{first:?}") };
    // The engine's clock may tell whole milliseconds, or seconds.
    assert!(since.plus(at.precision()) >= before && since <= at.now(), "{since:?}");
    assert_eq!(
        (&first.digest, first.generation, first.reboot, first.limits, first.own_disk),
        (&spec.digest(), spec.generation, spec.reboot, spec.limits, false)
    );
    assert_eq!(first.addresses.keys().copied().collect::<Vec<_>>(), spec.ports);
    assert!(at.answers(first.addresses[&5671]).await, "{first:?}");
    assert_eq!(at.runtime().apply(&spec).await.expect("again"), Ensured::AlreadyRight);
    assert_eq!(at.status(1).await, first);
    assert_eq!(at.belongings().await, [1, 2, 1]);
}

pub(crate) async fn applied_by_two_at_once_it_is_made_once(at: &dyn Subject) {
    let spec = at.spec(1, Does::Serves);
    let (one, two) = tokio::join!(at.runtime().apply(&spec), at.runtime().apply(&spec));
    let errors = [one, two].into_iter().filter_map(class);
    assert!(errors.into_iter().all(|class| class == RuntimeErrorClass::Transient));
    at.runtime().apply(&spec).await.expect("applied");
    assert_eq!(at.runtime().apply(&spec).await.expect("again"), Ensured::AlreadyRight);
    assert!(is_running(&at.status(1).await.state));
    assert_eq!(at.belongings().await, [1, 2, 1]);
}

pub(crate) async fn an_unstarted_container_of_a_crash_is_completed(at: &dyn Subject) {
    let spec = at.spec(1, Does::Serves);
    at.leave_unstarted(&spec).await;
    let before = at.status(1).await;
    assert_eq!((&before.state, before.addresses.len()), (&ContainerState::Created, 0));
    assert_eq!(at.runtime().apply(&spec).await.expect("applied"), Ensured::Created);
    let after = at.status(1).await;
    assert!(is_running(&after.state) && after.id == before.id, "{after:?}");
    let read = at.read(&spec.name, "/etc/engine/engine.conf").await;
    assert_eq!(read.as_deref(), Some("colour = blue"));
}

pub(crate) async fn what_has_ended_is_started_when_it_is_applied(at: &dyn Subject) {
    let before = at.begin(Does::Serves).await;
    let spec = at.spec(1, Does::Serves);
    at.write(&spec.name, "/var/tmp/state", "kept").await;
    at.write(&spec.name, "/etc/engine/tls/state", "there").await;
    at.kill(&spec.name).await;
    at.until(has_ended).await;
    assert_eq!(at.runtime().apply(&spec).await.expect("applied"), Ensured::Updated);
    let after = at.status(1).await;
    assert!(is_running(&after.state) && after.state != before.state, "{after:?}");
    assert_eq!((after.id, after.addresses.len()), (before.id, 2));
    at.until_up(&spec.name).await;
    let read = at.read(&spec.name, "/var/tmp/state").await;
    assert_eq!(read.as_deref(), Some("kept"), "its kept volumes are as they were");
    let read = at.read(&spec.name, "/etc/engine/tls/state").await;
    assert_eq!(read.as_deref(), (!at.lives_begin_anew()).then_some("there"));
    let read = at.read(&spec.name, "/etc/engine/engine.conf").await;
    assert_eq!(read.as_deref(), Some("colour = blue"), "the others have its files");
}

pub(crate) async fn another_specification_is_refused_and_a_newer_generation_is_left_alone(
    at: &dyn Subject,
) {
    let before = at.begin(Does::Serves).await;
    let spec = at.spec(1, Does::Serves);
    let mut others = vec![
        InstanceSpec { hostname: "another".to_owned(), ..spec.clone() },
        InstanceSpec { reboot: spec.reboot + 1, ..spec.clone() },
        InstanceSpec { environment: Vec::new(), ..spec.clone() },
    ];
    let mut other = spec.clone();
    other.files[0].content = b"colour = red".to_vec();
    others.push(other);
    let mut other = spec.clone();
    other.limits.memory_bytes *= 2;
    others.push(other);
    for other in others {
        assert_eq!(class(at.runtime().apply(&other).await), Some(RuntimeErrorClass::Rejected));
    }
    let older = InstanceSpec { generation: Generation(2), ..spec.clone() };
    assert_eq!(class(at.runtime().apply(&older).await), Some(RuntimeErrorClass::Stale));
    let mut same = InstanceSpec { generation: Generation(4), ..spec };
    same.limits.nano_cpus *= 2;
    assert_eq!(at.runtime().apply(&same).await.expect("applied"), Ensured::AlreadyRight);
    assert_eq!(at.status(1).await, before);
    assert_eq!(at.belongings().await, [1, 2, 1]);
}

pub(crate) async fn a_missing_image_requires_an_operator(at: &dyn Subject) {
    let (there, missing) = (at.spec(1, Does::Serves).image, "brokerd/nothing:1");
    let spec = InstanceSpec { image: missing.to_owned(), ..at.spec(1, Does::Serves) };
    let error = at.runtime().apply(&spec).await.expect_err("there is no image");
    assert_eq!(error.class, RuntimeErrorClass::Blocked);
    assert!(error.message.contains(missing), "{error}");
    assert_eq!(at.runtime().status(&spec.name).await.expect("the engine answers"), None);
    assert_eq!(at.runtime().image(missing).await.expect("asked"), None);
    assert!(at.runtime().image(&there).await.expect("asked").is_some());
    at.runtime().remove(&spec.name, Volumes::Delete).await.expect("removed");
    assert_eq!(at.belongings().await, [0, 0, 0]);
}

pub(crate) async fn a_former_image_is_taken_where_it_is_wanted_and_there(at: &dyn Subject) {
    let id = at.begin(Does::Serves).await.image_id.expect("the id of its image");
    let spec = at.spec(1, Does::Serves);
    let gone = format!("sha256:{}", "0".repeat(64));
    let missing = "brokerd/nothing:1".to_owned();
    for (image, former, is_made) in [
        (&spec.image, FormerImage::First(gone.clone()), true),
        (&spec.image, FormerImage::Last(gone.clone()), true),
        (&missing, FormerImage::First(id.clone()), true),
        (&missing, FormerImage::Last(id.clone()), true),
        (&missing, FormerImage::Last(gone.clone()), false),
    ] {
        at.runtime().remove(&spec.name, Volumes::Delete).await.expect("removed");
        let image = image.clone();
        let spec = InstanceSpec { image, former_image: Some(former.clone()), ..spec.clone() };
        let applied = at.runtime().apply(&spec).await;
        if is_made {
            assert_eq!(applied.expect("applied"), Ensured::Created, "{former:?}");
            let status = at.status(1).await;
            assert_eq!(
                (status.image_id.as_ref(), status.digest),
                (Some(&id), spec.digest()),
                "{former:?}"
            );
        } else {
            assert_eq!(class(applied), Some(RuntimeErrorClass::Blocked), "{former:?}");
        }
    }
}

pub(crate) async fn files_arrive_as_they_are(at: &dyn Subject) {
    let mut spec = at.spec(1, Does::Serves);
    // The most that a file may have.
    let large = "0123456789".repeat(50_000);
    spec.files.push(file("/etc/engine", "deep/er/large", 0o600, &large));
    at.runtime().apply(&spec).await.expect("applied");
    at.until_up(&spec.name).await;
    for (path, content) in [
        ("/etc/engine/engine.conf", "colour = blue"),
        ("/etc/engine/tls/server.key", "s3cret-in-a-file"),
        ("/var/tmp/.cookie", "s3cret-in-a-cookie"),
        ("/etc/engine/deep/er/large", &large),
    ] {
        let read = at.read(&spec.name, path).await;
        assert!(read.as_deref() == Some(content), "{path} is another one");
    }
    assert!(!format!("{spec:?}").contains("s3cret"));
}
