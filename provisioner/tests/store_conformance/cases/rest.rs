//! Materials, engines, endpoints, faults and images.

use brokerd_domain::{AffectedInstance, EngineType, Protocol, Target};
use secrecy::ExposeSecret as _;

use super::{leases::running_engine, record::done};
use crate::{
    subject::{NOW, Subject},
    support::allocation,
};

pub(crate) async fn materials_and_the_running_engine_are_read_back(subject: &dyn Subject) {
    let lease = subject.claimed().await;
    let store = subject.store();
    let before = subject.work(&lease).await;
    assert!(before.materials.is_none() && before.running.is_none() && before.unreadable.is_none());
    assert!(before.configuration.contains("<broker") && !before.users.is_empty());
    for materials in [b"first".as_slice(), b"second"] {
        store.save_materials(&lease, materials).await.expect("saved");
    }
    let runs = running_engine();
    store.save_running_engine(&lease, EngineType::ActiveMq, &runs).await.expect("saved");
    let after = subject.work(&lease).await;
    assert_eq!(after.materials.expect("saved").expose_secret().as_slice(), b"second");
    assert_eq!(after.running, Some(runs));
    let told = subject.messages(lease.broker).await;
    assert_eq!(told, ["ActiveMQ 5.19.2 serves (brokerd/activemq:5.19)"]);
}

pub(crate) async fn endpoints_are_allocated_once_and_led_where_they_are_told(
    subject: &dyn Subject,
) {
    let lease = subject.claimed().await;
    let store = subject.store();
    let first = store.allocate_endpoints(&lease, &allocation(20_000..=20_100), &|_| true).await;
    let first = first.expect("allocated");
    let ports: Vec<u16> = first[0].endpoints.iter().map(|endpoint| endpoint.port).collect();
    assert_eq!(ports, (20_000..).take(ports.len()).collect::<Vec<_>>());
    let again = store.allocate_endpoints(&lease, &allocation(30_000..=30_100), &|_| true).await;
    assert_eq!(again.expect("kept"), first);

    let work = subject.work(&lease).await;
    assert_eq!(work.broker.instances, first);
    assert_eq!(work.targets.len(), ports.len());
    assert!(work.targets.iter().all(|target| target.addresses.is_empty()), "nothing runs yet");
    let target = |ordinal, protocol| Target {
        ordinal,
        protocol,
        addresses: vec!["10.0.0.1:5671".parse().expect("an address")],
    };
    let known = target(1, Protocol::of(EngineType::ActiveMq)[0]);
    let unknown = target(2, Protocol::of(EngineType::ActiveMq)[0]);
    store.set_targets(&lease, &[known.clone(), unknown]).await.expect("set");
    let led: Vec<_> = subject
        .work(&lease)
        .await
        .targets
        .into_iter()
        .filter(|t| !t.addresses.is_empty())
        .collect();
    assert_eq!(led, [known]);
}

pub(crate) async fn a_fault_starts_once_and_ends_once(subject: &dyn Subject) {
    let lease = subject.claimed().await;
    let store = subject.store();
    store.record(&lease, &done(1, 0)).await.expect("recorded");
    let fault = subject.fault(lease.broker).await;
    assert_eq!(subject.work(&lease).await.faults, std::slice::from_ref(&fault));
    let affected = |container: &str| {
        vec![AffectedInstance { ordinal: 1, container: container.to_owned(), since: Some(NOW) }]
    };
    for container in ["first", "second"] {
        store.start_fault(&lease, &fault, &affected(container), NOW).await.expect("started");
    }
    let started = subject.work(&lease).await.faults.remove(0);
    assert_eq!(started.affected, Some(affected("first")), "what it was done to is what is undone");
    for how in ["healed", "healed again"] {
        store.end_fault(&lease, &fault, how, NOW).await.expect("ended");
    }
    assert_eq!(subject.work(&lease).await.faults, []);
    let told = subject.messages(lease.broker).await;
    let id = fault.id;
    assert_eq!(
        told[1..],
        [format!("fault {id} started: PAUSE for 30 s"), format!("fault {id} ended: healed")]
    );
}

pub(crate) async fn a_pulled_image_is_known_by_its_digest(subject: &dyn Subject) {
    let store = subject.store();
    assert!(store.pulled_images().await.expect("read").is_empty());
    for digest in ["sha256:1", "sha256:2"] {
        store.save_pulled_image("registry/activemq:5.19", digest, NOW).await.expect("saved");
    }
    let pulled = store.pulled_images().await.expect("read");
    let pulled: Vec<_> = pulled.iter().map(|(image, digest)| (&**image, &**digest)).collect();
    assert_eq!(pulled, [("registry/activemq:5.19", "sha256:2")]);
}
