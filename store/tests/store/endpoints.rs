//! Addresses and where they lead.

use std::{collections::BTreeSet, time::Duration};

use brokerd_domain::{EngineType, Lease, Protocol, Target};
use brokerd_store::{Allocation, Channel, Entrance, Names, RouteReader, StoreError};

use crate::support::{Fixture, NOW, allocation, create, scope, with_store, worker};

async fn leases(f: &Fixture, count: u32) -> Vec<Lease> {
    for n in 0..count {
        create(&f.store, &format!("broker-{n}")).await;
    }
    f.store.claim_due(worker(), None, Duration::from_secs(30), count).await.expect("claimed")
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
        assert!(f.store.routes().await.expect("read").routes.is_empty());
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
        let routes = f.store.routes().await.expect("read").routes;
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
        let routes = f.store.routes().await.expect("read").routes;
        let led: Vec<_> = routes.iter().filter(|r| !r.target.addresses.is_empty()).collect();
        assert_eq!(led.len(), 1);
        assert_eq!((&led[0].entrance, &led[0].target), (&Entrance::Port(20_002), &target));
        assert_eq!(
            (led[0].standard_ports.as_slice(), led[0].connection_limit),
            (&[61614][..], Some(300))
        );
        assert_eq!(led[0].admitted, None, "its group is only a label");
        let work = f.store.load(&lease).await.expect("loaded").expect("there");
        assert!(work.targets.contains(&target));
        f.store.request_delete(&scope(), lease.broker, NOW).await.expect("asked");
        f.store.delete_broker_record(&lease).await.expect("forgotten");
        assert!(f.store.routes().await.expect("read").routes.is_empty());
    })
    .await;
}

fn named(lease: &Lease, engine: EngineType) -> Allocation {
    let names =
        Names { broker: lease.broker, region: scope().region, domain: "example.com".to_owned() };
    Allocation {
        engine,
        instances: 2,
        protocols: Protocol::of(engine).to_vec(),
        names: Some(names),
        ..allocation(20_000..=20_005)
    }
}

#[tokio::test]
async fn brokers_with_names_share_the_standard_ports_and_leave_the_others_to_those_without() {
    with_store(|f| async move {
        let leases = leases(&f, 3).await;
        for lease in &leases[..2] {
            let instances = f
                .store
                .allocate_endpoints(lease, &named(lease, EngineType::ActiveMq), &|_| false)
                .await
                .expect("allocated");
            let id = lease.broker;
            let hosts: Vec<_> = instances.iter().map(|i| i.host.as_str()).collect();
            let host = |n: u8| format!("{id}-{n}.mq.us-east-1.example.com");
            assert_eq!(hosts, [host(1), host(2)]);
            let ports: Vec<u16> = instances[1].endpoints.iter().map(|e| e.port).collect();
            assert_eq!(ports, [61617, 5671, 61614, 8883, 61619, 8162]);
            // What was allocated stays, whatever is configured later.
            let later = f.store.allocate_endpoints(lease, &allocation(1..=9), &|_| true).await;
            assert_eq!(later.expect("kept"), instances);
        }
        f.store
            .allocate_endpoints(&leases[2], &allocation(20_000..=20_005), &|_| true)
            .await
            .expect("six are enough");
        let routes = f.store.routes().await.expect("read").routes;
        let by_port = |r: &&brokerd_store::Route| matches!(r.entrance, Entrance::Port(_));
        assert_eq!((routes.len(), routes.iter().filter(by_port).count()), (30, 6));
    })
    .await;
}

#[tokio::test]
async fn a_broker_gets_the_endpoints_that_it_lacks_beside_those_that_it_has() {
    with_store(|f| async move {
        let leases = leases(&f, 2).await;
        let pages = |allocation: Allocation| Allocation {
            protocols: [Protocol::of(EngineType::RabbitMq), Protocol::METRICS_PAGES].concat(),
            ..allocation
        };
        let before = Allocation {
            engine: EngineType::RabbitMq,
            protocols: Protocol::of(EngineType::RabbitMq).to_vec(),
            ..allocation(20_000..=20_004)
        };
        let had = f.store.allocate_endpoints(&leases[0], &before, &|_| true).await;
        let had = had.expect("allocated");
        // A domain that was set meanwhile changes nothing for it.
        let names = named(&leases[0], EngineType::RabbitMq).names;
        let after = Allocation { names, ..pages(before.clone()) };
        let has = f.store.allocate_endpoints(&leases[0], &after, &|_| true).await;
        let has = has.expect("allocated");
        assert_eq!(has[0].endpoints[..2], had[0].endpoints);
        let ports: Vec<u16> = has[0].endpoints.iter().map(|e| e.port).collect();
        assert_eq!(ports, [20_000, 20_001, 20_002, 20_003, 20_004]);
        let again = f.store.allocate_endpoints(&leases[0], &after, &|_| true).await;
        assert_eq!(again.expect("kept"), has);

        let before = Allocation { instances: 1, ..named(&leases[1], EngineType::RabbitMq) };
        let had = f.store.allocate_endpoints(&leases[1], &before, &|_| true).await;
        let had = had.expect("allocated");
        // Nor one that was removed.
        let after = Allocation { names: None, ..pages(before) };
        let has = f.store.allocate_endpoints(&leases[1], &after, &|_| false).await;
        let has = has.expect("allocated");
        assert_eq!((&has[0].host, &has[0].endpoints[..2]), (&had[0].host, &had[0].endpoints[..]));
        let ports: Vec<u16> = has[0].endpoints.iter().map(|e| e.port).collect();
        assert_eq!(ports, [5671, 443, 16001, 16002, 16003]);
        let routes = f.store.routes().await.expect("read").routes;
        let of_page = |r: &&brokerd_store::Route| r.target.protocol.metrics_of_node().is_some();
        let pages: Vec<_> = routes.iter().filter(of_page).collect();
        assert_eq!(pages.len(), 6);
        assert!(pages.iter().all(|r| r.connection_limit.is_none()));
        let standard = |port| pages.iter().filter(|r| r.standard_ports == [port]).count();
        assert_eq!([16001, 16002, 16003].map(standard), [2, 2, 2]);
    })
    .await;
}

#[tokio::test]
async fn a_reader_needs_no_key_but_the_right_database() {
    with_store(|f| async move {
        let lease = leases(&f, 1).await.remove(0);
        f.store
            .allocate_endpoints(&lease, &allocation(20_000..=20_100), &|_| true)
            .await
            .expect("allocated");
        let (mine, other) = ("mine".parse().expect("a name"), "other".parse().expect("a name"));
        f.store.installation(&mine).await.expect("stored");
        let reader = RouteReader::connect_lazily(&f.url, mine).expect("a URL");
        let (read, _) = reader.routes().await.expect("read");
        assert_eq!(read, f.store.routes().await.expect("read"));
        let mut listener = reader.listen().await.expect("listens");
        let target = Target { ordinal: 1, protocol: Protocol::Mqtt, addresses: Vec::new() };
        f.store.set_targets(&lease, &[target]).await.expect("led");
        tokio::time::timeout(Duration::from_secs(5), listener.wait()).await.expect("woken");

        let stranger = RouteReader::connect_lazily(&f.url, other).expect("a URL").routes().await;
        assert!(matches!(stranger, Err(StoreError::Inconsistent { .. })), "{stranger:?}");
        let nobody = "postgres://nobody@127.0.0.1:1/none";
        let nobody = RouteReader::connect_lazily(nobody, "mine".parse().expect("a name"));
        let nobody = nobody.expect("connects later").routes().await;
        assert!(matches!(nobody, Err(StoreError::Unavailable(_))), "{nobody:?}");
        assert!(RouteReader::connect_lazily("::", "mine".parse().expect("a name")).is_err());
    })
    .await;
}

#[tokio::test]
async fn what_makes_no_sense_in_one_broker_is_told_and_leaves_the_others_alone() {
    with_store(|f| async move {
        let leases = leases(&f, 2).await;
        for lease in &leases {
            let ports = allocation(20_000..=20_100);
            f.store.allocate_endpoints(lease, &ports, &|_| true).await.expect("allocated");
        }
        let (odd, other) = (leases[0].broker, leases[1].broker);
        let spec = "update broker set spec = jsonb_set(spec, ";
        let endpoint = "update endpoint set ";
        // What a later brokerd may write, how many of the broker's six endpoints are left, and the way back.
        for (damage, left, repair) in [
            (
                format!("{spec}'{{engine_type}}', '\"KAFKA\"')"),
                0,
                format!("{spec}'{{engine_type}}', '\"ACTIVEMQ\"')"),
            ),
            (
                format!("{spec}'{{security_groups}}', '[{{}}]')"),
                0,
                format!("{spec}'{{security_groups}}', '[]')"),
            ),
            (
                format!("{endpoint} protocol = 'h3' where protocol = 'stomp'"),
                5,
                format!("{endpoint} protocol = 'stomp' where protocol = 'h3'"),
            ),
            (
                format!("{endpoint} targets = '[7]' where protocol = 'mqtt'"),
                5,
                format!("{endpoint} targets = '[]' where protocol = 'mqtt'"),
            ),
        ] {
            let narrowed = |statement: &str| {
                if statement.starts_with(spec) {
                    format!("{statement} where id = $1")
                } else {
                    format!("{statement} and broker_id = $1")
                }
            };
            let change = async |statement: String| {
                let statement = sqlx::AssertSqlSafe(statement);
                sqlx::query(statement).bind(odd.uuid()).execute(&f.pool).await.expect("changed");
            };
            change(narrowed(&damage)).await;
            let table = f.store.routes().await.expect("read");
            let of = |broker| table.routes.iter().filter(|r| r.broker == broker).count();
            assert_eq!((of(odd), of(other)), (left, 6), "{damage}");
            let told: Vec<_> = table.unreadable.iter().map(|one| one.broker).collect();
            assert_eq!(told, [odd], "{damage}");
            change(narrowed(&repair)).await;
            let table = f.store.routes().await.expect("read");
            assert_eq!((table.routes.len(), table.unreadable.len()), (12, 0), "{repair}");
        }
    })
    .await;
}
