//! What has changed of the gateway's table.

use std::{collections::BTreeSet, time::Duration};

use brokerd_domain::{BrokerId, Lease, Protocol, Target};
use brokerd_store::{RouteCursor, RouteReader};

use crate::support::{Fixture, allocation, create, with_store, worker};

async fn reader(f: &Fixture) -> RouteReader {
    let name = "routes".parse().expect("a name");
    f.store.installation(&name).await.expect("stored");
    RouteReader::connect_lazily(&f.url, name).expect("a URL")
}

/// A broker with endpoints, and a lease on it.
async fn led(f: &Fixture, name: &str) -> Lease {
    create(&f.store, name).await;
    let ttl = Duration::from_secs(60);
    let lease = f.store.claim_due(worker(), None, ttl, 1).await.expect("claimed").remove(0);
    f.store
        .allocate_endpoints(&lease, &allocation(20_000..=40_000), &|_| true)
        .await
        .expect("allocated");
    lease
}

fn target(protocol: Protocol, port: u16) -> Target {
    let address = (std::net::Ipv4Addr::LOCALHOST, port).into();
    Target { ordinal: 1, protocol, addresses: vec![address] }
}

/// The brokers that have changed, and the next moment to ask from.
async fn changed(reader: &RouteReader, since: &RouteCursor) -> (BTreeSet<BrokerId>, RouteCursor) {
    let (changes, moment) = reader.routes_since(since).await.expect("read");
    assert!(changes.table.rows <= changes.brokers.len());
    (changes.brokers, moment)
}

/// A moment since which nothing has changed. A transaction of another database of the server that is under way puts it back, so that
/// former changes are told again.
async fn settled(reader: &RouteReader, since: RouteCursor) -> RouteCursor {
    let mut moment = since;
    for _ in 0..400 {
        let (brokers, next) = changed(reader, &moment).await;
        moment = next;
        if brokers.is_empty() {
            return moment;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("what has changed is told again and again");
}

#[tokio::test]
async fn of_a_thousand_brokers_only_those_are_read_that_have_changed() {
    with_store(|f| async move {
        let first = led(&f, "first").await;
        let second = led(&f, "second").await;
        sqlx::raw_sql(
            "with b as (
               insert into broker (id, account, region, name, created, spec, configurations, tags)
               select gen_random_uuid(), account, region, 'copy-' || n, created, spec, configurations, tags
               from broker, generate_series(1, 998) n where name = 'first' returning id
             )
             insert into endpoint (port, broker_id, ordinal, protocol)
             select 50000 + row_number() over (), id, 1, 'amqp' from b",
        )
        .execute(&f.pool)
        .await
        .expect("copied");
        let reader = reader(&f).await;
        let (table, moment) = reader.routes().await.expect("read");
        assert_eq!((table.rows, table.unreadable.len()), (1000, 0));
        let mut moment = settled(&reader, moment).await;
        for port in 1..=10 {
            f.store.set_targets(&first, &[target(Protocol::Amqp, port)]).await.expect("led");
            let (changes, next) = reader.routes_since(&moment).await.expect("read");
            assert_eq!((changes.table.rows, changes.table.routes.len()), (1, 6));
            assert_eq!(changes.brokers, BTreeSet::from([first.broker]));
            let led = changes.table.routes.iter().find(|r| r.target.protocol == Protocol::Amqp);
            assert_eq!(led.map(|r| &r.target), Some(&target(Protocol::Amqp, port)));
            moment = next;
        }
        f.store.set_targets(&second, &[target(Protocol::Mqtt, 1)]).await.expect("led");
        let (mut brokers, _) = changed(&reader, &moment).await;
        brokers.remove(&first.broker);
        assert_eq!(brokers, BTreeSet::from([second.broker]));
    })
    .await;
}

#[tokio::test]
async fn what_was_under_way_in_one_reading_is_in_the_next() {
    with_store(|f| async move {
        let (slow, quick) = (led(&f, "slow").await, led(&f, "quick").await);
        let reader = reader(&f).await;
        let (_, moment) = reader.routes().await.expect("read");
        let moment = settled(&reader, moment).await;
        // It begins first and commits last.
        let mut transaction = f.pool.begin().await.expect("begun");
        let update = "update endpoint set targets = '[\"127.0.0.1:7\"]' where broker_id = $1";
        sqlx::query(update).bind(slow.broker.uuid()).execute(&mut *transaction).await.expect("led");
        f.store.set_targets(&quick, &[target(Protocol::Amqp, 1)]).await.expect("led");
        let (seen, moment) = changed(&reader, &moment).await;
        assert_eq!(seen, BTreeSet::from([quick.broker]));
        transaction.commit().await.expect("committed");
        let (changes, moment) = reader.routes_since(&moment).await.expect("read");
        assert!(changes.brokers.contains(&slow.broker), "it is lost");
        let mut of_slow = changes.table.routes.iter().filter(|r| r.broker == slow.broker);
        assert!(of_slow.all(|r| r.target.addresses.len() == 1));
        settled(&reader, moment).await;
    })
    .await;
}

#[tokio::test]
async fn whatever_the_table_is_made_of_is_noted_when_it_changes() {
    with_store(|f| async move {
        let (lease, other) = (led(&f, "one").await, led(&f, "other").await);
        let reader = reader(&f).await;
        let (_, moment) = reader.routes().await.expect("read");
        let mut moment = settled(&reader, moment).await;
        let only = BTreeSet::from([lease.broker]);
        let groups = "update broker set spec = jsonb_set(spec, '{security_groups}', '[\"sg-0123\"]') where id = $1";
        let insert = "insert into security_group (account, region, id, name, description, rules, created)
                      select account, region, 'sg-0123', 'n', 'd', '[]', 0 from broker where id = $1";
        let of_group = |set: &str| {
            format!("update security_group set {set} where exists (select from broker where id = $1)")
        };
        let statements = [
            groups.to_owned(),
            "update broker set instances = '[{\"host\": \"there\"}]' where id = $1".to_owned(),
            insert.to_owned(),
            of_group("rules = '[{}]'"),
            of_group("deleted = true"),
            "insert into fault (id, broker_id, spec, starts, ends) values ($1, $1, '{}', 0, 0)".to_owned(),
            "update fault set struck = '[]' where broker_id = $1".to_owned(),
            "update fault set ended = 0 where broker_id = $1".to_owned(),
            "delete from endpoint where broker_id = $1 and protocol = 'mqtt'".to_owned(),
            "delete from broker where id = $1".to_owned(),
        ];
        for statement in statements {
            sqlx::query(sqlx::AssertSqlSafe(statement.as_str()))
                .bind(lease.broker.uuid())
                .execute(&f.pool)
                .await
                .expect("changed");
            let (brokers, next) = changed(&reader, &moment).await;
            assert_eq!(brokers, only, "{statement}");
            moment = next;
        }
        // What is written at every pass is no change.
        sqlx::query("update broker set status = '{\"sentence\": \"it serves\"}', tags = '{}' where id = $1")
            .bind(other.broker.uuid())
            .execute(&f.pool)
            .await
            .expect("changed");
        // A transaction of another database that is under way puts the moment back, so that a former change is told again.
        let (brokers, _) = changed(&reader, &moment).await;
        assert!(!brokers.contains(&other.broker), "{brokers:?}");
    })
    .await;
}

#[tokio::test]
async fn a_latency_that_ends_by_the_clock_is_looked_at_though_nothing_changes() {
    with_store(|f| async move {
        let lease = led(&f, "late").await;
        let soon = sqlx::query_scalar::<_, i64>(
            "insert into fault (id, broker_id, spec, starts, ends, struck)
             values (gen_random_uuid(), $1, '{\"kind\": \"LATENCY\", \"latency\": {\"milliseconds\": 7, \"jitter_milliseconds\": 0}}',
                     0, (extract(epoch from now()) * 1000000)::bigint + 3600000000, '[]') returning ends",
        )
        .bind(lease.broker.uuid())
        .fetch_one(&f.pool)
        .await
        .expect("stored");
        assert!(soon > 0);
        let reader = reader(&f).await;
        let (_, moment) = reader.routes().await.expect("read");
        let (changes, moment) = reader.routes_since(&moment).await.expect("read");
        let late = |routes: &[brokerd_store::Route]| routes.iter().all(|r| r.latency.is_some());
        assert!(changes.brokers.contains(&lease.broker) && late(&changes.table.routes));
        // No trigger sees the time pass.
        sqlx::raw_sql(
            "alter table fault disable trigger note_route_change; update fault set ends = 1",
        )
        .execute(&f.pool)
        .await
        .expect("passed");
        let (changes, _) = reader.routes_since(&moment).await.expect("read");
        assert_eq!(changes.table.routes.len(), 6);
        assert!(changes.table.routes.iter().all(|r| r.latency.is_none()));
    })
    .await;
}
