//! `remove`, and what instances of a broker have together.

use brokerd_domain::instance::{InstanceSpec, Volumes};
use brokerd_provisioner::runtime::{Ensured, RuntimeObject};

use crate::subject::{Does, Subject, has_ended};

fn object(at: &dyn Subject, ordinal: Option<u8>) -> RuntimeObject {
    RuntimeObject { broker: at.broker(), ordinal }
}

pub(crate) async fn kept_volumes_outlive_the_container_and_the_others_do_not(at: &dyn Subject) {
    at.begin(Does::Serves).await;
    let (runtime, spec) = (at.runtime(), at.spec(1, Does::Serves));
    let name = &spec.name;
    at.write(name, "/var/tmp/messages", "queued").await;
    at.write(name, "/etc/engine/tls/state", "forgotten").await;
    assert_eq!(runtime.remove(name, Volumes::Keep).await.expect("remove"), Ensured::Updated);
    assert_eq!(runtime.remove(name, Volumes::Keep).await.expect("again"), Ensured::AlreadyRight);
    assert_eq!(at.belongings().await, [0, 1, 1]);
    assert_eq!(runtime.status(name).await.expect("status"), None);
    let listed = runtime.list().await.expect("list");
    assert_eq!(listed, [object(at, None), object(at, Some(1))], "what is left is told");

    let next = InstanceSpec { reboot: 3, ..spec.clone() };
    assert_eq!(runtime.apply(&next).await.expect("apply"), Ensured::Created);
    at.until_up(name).await;
    assert_eq!(at.read(name, "/var/tmp/messages").await.as_deref(), Some("queued"));
    assert_eq!(at.read(name, "/etc/engine/tls/state").await, None);

    assert_eq!(runtime.remove(name, Volumes::Keep).await.expect("remove"), Ensured::Updated);
    assert_eq!(runtime.remove(name, Volumes::Delete).await.expect("remove"), Ensured::Updated);
    assert_eq!(at.belongings().await, [0, 0, 0]);
    assert_eq!(runtime.remove(name, Volumes::Delete).await.expect("again"), Ensured::AlreadyRight);
    assert_eq!(runtime.list().await.expect("list"), []);

    assert_eq!(runtime.apply(&spec).await.expect("apply"), Ensured::Created);
    at.until_up(name).await;
    assert_eq!(at.read(name, "/var/tmp/messages").await, None, "deleted is deleted");
}

pub(crate) async fn instances_find_each_other_by_name_in_a_network_that_goes_with_the_last(
    at: &dyn Subject,
) {
    let runtime = at.runtime();
    let specs: Vec<InstanceSpec> = (1..=3).map(|n| at.spec(n, Does::Serves)).collect();
    for result in futures_util::future::join_all(specs.iter().map(|s| runtime.apply(s))).await {
        assert_eq!(result.expect("apply"), Ensured::Created);
    }
    assert_eq!(at.belongings().await, [3, 6, 1]);
    for (from, to) in [(1, "node-2"), (1, "node-3"), (3, "node-1")] {
        assert!(at.finds(&at.name(from), to).await, "{from} does not find {to}");
    }
    let all = [None, Some(1), Some(2), Some(3)].map(|ordinal| object(at, ordinal));
    assert_eq!(runtime.list().await.expect("list"), all);
    // One that has ended still needs the network.
    at.kill(&specs[0].name).await;
    let id = at.until(has_ended).await.id;
    for spec in &specs[1..] {
        runtime.remove(&spec.name, Volumes::Delete).await.expect("remove");
    }
    assert_eq!(at.belongings().await, [1, 2, 1]);
    assert_eq!(runtime.start(&id).await.expect("start"), Ensured::Updated);
    runtime.remove(&specs[0].name, Volumes::Delete).await.expect("remove");
    assert_eq!(at.belongings().await, [0, 0, 0]);
}

pub(crate) async fn what_instances_share_goes_with_the_last_of_them_and_never_before(
    at: &dyn Subject,
) {
    let shared = |ordinal| {
        let mut spec = at.spec(ordinal, Does::Serves);
        spec.volumes[1].shared = true;
        spec.files.retain(|file| file.root != "/var/tmp");
        spec
    };
    let (runtime, first, second) = (at.runtime(), shared(1), shared(2));
    for spec in [&first, &second] {
        runtime.apply(spec).await.expect("apply");
        at.until_up(&spec.name).await;
    }
    assert_eq!(at.belongings().await, [2, 3, 1], "one volume is both instances'");
    at.write(&first.name, "/var/tmp/messages", "queued").await;
    let read = || async { at.read(&second.name, "/var/tmp/messages").await };
    assert_eq!(read().await.as_deref(), Some("queued"));

    runtime.remove(&first.name, Volumes::Delete).await.expect("remove");
    assert_eq!(at.belongings().await, [1, 2, 1]);
    assert_eq!(read().await.as_deref(), Some("queued"));
    runtime.remove(&second.name, Volumes::Keep).await.expect("remove");
    assert_eq!(at.belongings().await, [0, 1, 1], "its messages outlive its container");
    assert_eq!(runtime.list().await.expect("list"), [object(at, None)]);
    runtime.apply(&second).await.expect("apply");
    at.until_up(&second.name).await;
    assert_eq!(read().await.as_deref(), Some("queued"));
    let removed = runtime.remove(&second.name, Volumes::Delete).await;
    assert_eq!(removed.expect("remove"), Ensured::Updated);
    assert_eq!(at.belongings().await, [0, 0, 0]);
}
