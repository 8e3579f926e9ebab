//! Addresses and where they lead.

use std::{collections::BTreeSet, ops::RangeInclusive, time::Duration};

use brokerd_domain::{EngineType, Lease, Protocol};
use brokerd_store::{Allocation, Channel, StoreError, Target};

use crate::support::{Fixture, NOW, create, scope, with_store, worker};

pub(crate) fn allocation(ports: RangeInclusive<u16>) -> Allocation {
    Allocation {
        instances: 1,
        protocols: Protocol::of(EngineType::ActiveMq),
        host: "127.0.0.1".to_owned(),
        ip_address: Some("127.0.0.1".to_owned()),
        ports,
    }
}

async fn leases(f: &Fixture, count: u32) -> Vec<Lease> {
    for n in 0..count {
        create(&f.store, &format!("broker-{n}")).await;
    }
    f.store.claim_due(worker(), Duration::from_secs(30), count).await.expect("claimed")
}

#[tokio::test]
async fn addresses_are_allocated_once_and_stay() {
    with_store(|f| async move {
        let lease = leases(&f, 1).await.remove(0);
        let first = f
            .store
            .allocate_endpoints(&lease, &allocation(20_000..=20_100), &|_| true)
            .await
            .expect("allocated");
        let ports: Vec<u16> = first[0].endpoints.iter().map(|e| e.port).collect();
        assert_eq!(ports, (20_000..=20_005).collect::<Vec<_>>());
        let again = f
            .store
            .allocate_endpoints(&lease, &allocation(30_000..=30_100), &|_| true)
            .await
            .expect("kept");
        assert_eq!(first, again);
        let broker = f.store.broker(&scope(), lease.broker).await.expect("read").expect("there");
        assert_eq!(broker.instances, first);
    })
    .await;
}

#[tokio::test]
async fn ports_that_others_use_are_left_alone() {
    with_store(|f| async move {
        let lease = leases(&f, 1).await.remove(0);
        let odd = |port: u16| port % 2 == 1;
        let instances = f
            .store
            .allocate_endpoints(&lease, &allocation(20_000..=20_100), &odd)
            .await
            .expect("allocated");
        assert!(instances[0].endpoints.iter().all(|e| e.port % 2 == 1), "{instances:?}");
    })
    .await;
}

#[tokio::test]
async fn brokers_that_are_allocated_at_once_share_no_port() {
    with_store(|f| async move {
        let tasks: Vec<_> = leases(&f, 12)
            .await
            .into_iter()
            .map(|lease| {
                let store = f.store.clone();
                tokio::spawn(async move {
                    let allocation = allocation(20_000..=20_200);
                    store
                        .allocate_endpoints(&lease, &allocation, &|_| true)
                        .await
                        .expect("allocated")
                })
            })
            .collect();
        let mut ports = Vec::new();
        for task in tasks {
            let instances = task.await.expect("no panic");
            ports.extend(instances[0].endpoints.iter().map(|e| e.port));
        }
        assert_eq!(ports.len(), 72);
        assert_eq!(ports.iter().collect::<BTreeSet<_>>().len(), 72);
    })
    .await;
}

#[tokio::test]
async fn a_range_that_is_used_up_says_so_and_takes_nothing() {
    with_store(|f| async move {
        let lease = leases(&f, 1).await.remove(0);
        let small =
            f.store.allocate_endpoints(&lease, &allocation(20_000..=20_004), &|_| true).await;
        assert!(matches!(small, Err(StoreError::NoPorts(20_000, 20_004))), "{small:?}");
        assert!(f.store.routes().await.expect("read").is_empty());
        f.store
            .allocate_endpoints(&lease, &allocation(20_000..=20_005), &|_| true)
            .await
            .expect("six are enough");
    })
    .await;
}

#[tokio::test]
async fn the_gateways_table_follows_the_targets_and_wakes_the_gateway() {
    with_store(|f| async move {
        let lease = leases(&f, 1).await.remove(0);
        f.store
            .allocate_endpoints(&lease, &allocation(20_000..=20_100), &|_| true)
            .await
            .expect("allocated");
        let routes = f.store.routes().await.expect("read");
        assert_eq!(routes.len(), 6);
        assert!(routes.iter().all(|r| r.public && r.target.addresses.is_empty()));
        let mut listener = f.store.listen(Channel::Routes).await.expect("listens");
        let target = Target {
            ordinal: 1,
            protocol: Protocol::Stomp,
            addresses: vec!["127.0.0.1:4711".parse().expect("an address")],
        };
        f.store.set_targets(&lease, std::slice::from_ref(&target)).await.expect("led");
        tokio::time::timeout(Duration::from_secs(5), listener.wait()).await.expect("woken");
        let routes = f.store.routes().await.expect("read");
        let led: Vec<_> = routes.iter().filter(|r| !r.target.addresses.is_empty()).collect();
        assert_eq!(led.len(), 1);
        assert_eq!((led[0].port, &led[0].target), (20_002, &target));
        let work = f.store.load(&lease).await.expect("loaded").expect("there");
        assert!(work.targets.contains(&target));
        f.store.request_delete(&scope(), lease.broker, NOW).await.expect("asked");
        f.store.forget(&lease).await.expect("forgotten");
        assert!(f.store.routes().await.expect("read").is_empty());
    })
    .await;
}
