//! A row that can't be read costs nobody else anything.

use std::time::Duration;

use brokerd_domain::{BrokerId, ConfigurationId};

use crate::support::{Fixture, create, running, scope, with_store, worker};

async fn damage(f: &Fixture, statement: &str) {
    sqlx::raw_sql(sqlx::AssertSqlSafe(statement.to_owned()))
        .execute(&f.pool)
        .await
        .unwrap_or_else(|error| panic!("{statement}: {error}"));
}

fn skipped(f: &Fixture, table: &str) -> u64 {
    let tables = f.store.skipped_rows();
    tables.iter().find(|(name, _)| *name == table).map_or(0, |(_, count)| *count)
}

async fn listed(f: &Fixture, limit: u32) -> Vec<String> {
    let page = f.store.brokers(&scope(), None, limit).await.expect("listed");
    page.brokers.iter().map(|broker| broker.name.to_string()).collect()
}

#[tokio::test]
async fn a_damaged_broker_is_not_listed_and_the_others_are() {
    with_store(|f| async move {
        create(&f.store, "good").await;
        create(&f.store, "odd").await;
        let odd = "where name = 'odd'";
        for (column, value) in [
            ("spec", "'{}'"),
            ("spec", "'\"a text\"'"),
            ("spec", "jsonb_set(spec, '{engine_type}', '\"KAFKA\"')"),
            ("spec", "jsonb_set(spec, '{host_instance_type}', '[7]')"),
            ("status", "'{\"actions_required\": {}, \"reboots_done\": \"many\"}'"),
            ("status", "'7'"),
        ] {
            damage(&f, &format!("create table was as select * from broker {odd}")).await;
            damage(&f, &format!("update broker set {column} = {value} {odd}")).await;
            let before = skipped(&f, "broker");
            let names = listed(&f, 10).await;
            assert!(names.contains(&"good".to_owned()), "{column} = {value}: {names:?}");
            let is_listed = names.len() == 2;
            // What the list does not show need not be right for it.
            assert_eq!(is_listed, column == "status", "{column} = {value}: {names:?}");
            assert_eq!(skipped(&f, "broker") > before, !is_listed, "{column} = {value}");
            damage(&f, &format!("update broker set {column} = was.{column} from was where broker.name = 'odd'; drop table was"))
                .await;
        }
        assert_eq!(listed(&f, 10).await.len(), 2);
        // A page of nothing but those is no page.
        for n in 0..4 {
            create(&f.store, &format!("worse-{n}")).await;
        }
        create(&f.store, "last").await;
        damage(&f, "update broker set spec = '{}' where name like 'worse-%'; update broker set created = case name when 'good' then 1 when 'odd' then 2 when 'last' then 4 else 3 end").await;
        let page = f.store.brokers(&scope(), None, 2).await.expect("listed");
        let last = page.brokers.last().expect("two");
        let next = f.store.brokers(&scope(), Some((last.created, last.id)), 2).await.expect("listed");
        let names = |page: &brokerd_store::BrokerPage| page.brokers.iter().map(|b| b.name.to_string()).collect::<Vec<_>>();
        assert_eq!((names(&page), names(&next)), (vec!["good".to_owned(), "odd".to_owned()], vec!["last".to_owned()]));
        assert!(page.has_more && !next.has_more);
    })
    .await;
}

#[tokio::test]
async fn a_damaged_broker_stops_neither_claims_nor_maintenance_of_the_others() {
    with_store(|f| async move {
        create(&f.store, "good").await;
        create(&f.store, "odd").await;
        damage(&f, "update broker set status = '{\"maintenance\": \"there is a newer build\"}'; update broker set spec = '{}' where name = 'odd'").await;
        let candidates = f.store.maintenance_candidates().await.expect("read");
        let names: Vec<_> = candidates.iter().map(|(broker, _)| broker.name.to_string()).collect();
        assert_eq!(names, ["good"]);
        assert_eq!(skipped(&f, "broker"), 1);
        let leases = f.store.claim_due(worker(), None, Duration::from_secs(30), 5).await.expect("claimed");
        assert_eq!(leases.len(), 2);
        let mut loaded = 0;
        for lease in &leases {
            loaded += usize::from(f.store.load(lease).await.is_ok());
        }
        assert_eq!(loaded, 1);
        assert_eq!(f.store.forgotten(&leases.iter().map(|l| l.broker).collect::<Vec<_>>()).await.expect("asked"), []);
    })
    .await;
}

#[tokio::test]
async fn brokers_with_nothing_to_do_in_a_window_are_not_read_for_it() {
    with_store(|f| async move {
        let (_, _lease) = running(&f.store, "quiet").await;
        assert_eq!(f.store.maintenance_candidates().await.expect("read"), []);
        for waits in [
            "status = jsonb_set(status, '{maintenance}', '\"a newer build\"')",
            "status = '{}', pending = '{\"engine_version\": \"5.19\"}'",
            "pending = '{}', configurations = jsonb_set(configurations, '{pending}', configurations -> 'current')",
        ] {
            damage(&f, &format!("update broker set {waits}")).await;
            assert_eq!(f.store.maintenance_candidates().await.expect("read").len(), 1, "{waits}");
        }
        damage(&f, "update broker set configurations = configurations - 'pending'; update broker_user set pending_change = 'UPDATE' where username = 'bob'").await;
        assert_eq!(f.store.maintenance_candidates().await.expect("read").len(), 1, "a user");
    })
    .await;
}

#[tokio::test]
async fn a_damaged_user_of_a_broker_is_skipped_and_its_others_are_listed() {
    with_store(|f| async move {
        let id = create(&f.store, "orders").await;
        damage(&f, "update broker_user set pending_change = 'ROTATE' where username = 'bob'").await;
        let broker = f.store.broker(&scope(), id).await.expect("read").expect("there");
        let names: Vec<_> = broker.users.iter().map(|(name, _)| name.as_str().to_owned()).collect();
        assert_eq!(names, ["alice"]);
        assert_eq!(skipped(&f, "broker_user"), 1);
        // Instances can't be made without what a group is, and the broker is watched all the same.
        damage(&f, "update broker_user set groups = '7'").await;
        let lease = f
            .store
            .claim_due(worker(), None, Duration::from_secs(30), 1)
            .await
            .expect("claimed")
            .remove(0);
        let work = f.store.load(&lease).await.expect("loaded").expect("there");
        assert!(work.unreadable.is_some() && work.users.is_empty());
    })
    .await;
}

#[tokio::test]
async fn damaged_configurations_are_not_listed_and_the_others_are() {
    with_store(|f| async move {
        for name in ["a", "b", "c", "d"] {
            create(&f.store, name).await;
        }
        damage(&f, "update configuration set created = 10 where name = 'd-configuration'; update configuration set created = 1, tags = '[]' where name = 'a-configuration'; update configuration set created = 2, engine_type = 'KAFKA' where name = 'b-configuration'").await;
        let list = async |after, limit| {
            let found: Vec<brokerd_domain::Configuration> = f.store.configurations(&scope(), after, limit).await.expect("listed");
            found
        };
        let all = list(None, 100).await;
        let names: Vec<_> = all.iter().map(|c| c.name.to_string()).collect();
        assert_eq!(names, ["d-configuration", "c-configuration"]);
        assert_eq!(skipped(&f, "configuration"), 2);
        let first = list(None, 2).await;
        assert_eq!(first, all, "a page of nothing but damaged ones is no page");
        let after: Option<(_, ConfigurationId)> = Some((all[1].created, all[1].id));
        assert_eq!(list(after, 2).await, []);
    })
    .await;
}

#[tokio::test]
async fn damaged_events_faults_groups_secrets_and_offerings_are_not_listed_and_the_others_are() {
    with_store(|f| async move {
        let id: BrokerId = create(&f.store, "orders").await;
        damage(&f, "insert into event (broker_id, at, kind, message) select id, 1, 'omen', 'the future' from broker").await;
        let events = f.store.events(&scope(), id, None, 10).await.expect("listed").expect("there").events;
        assert_eq!((events.len(), skipped(&f, "event")), (1, 1));

        let fault = |id: u8, spec: &str, struck: &str| {
            format!("insert into fault (id, broker_id, spec, starts, ends, struck)
                     select '00000000-0000-0000-0000-00000000000{id}', id, '{spec}', 1, 2, {struck} from broker")
        };
        let good = r#"{"kind": "KILL", "target": {"instance": 1}, "duration_seconds": 0}"#;
        damage(&f, &fault(1, r#"{"kind": "EARTHQUAKE"}"#, "null")).await;
        damage(&f, &fault(2, good, "'{}'")).await;
        let faults = f.store.faults(&scope(), id, 10).await.expect("listed").expect("there");
        assert_eq!((faults.len(), skipped(&f, "fault")), (0, 2));
        let lease = f.store.claim_due(worker(), None, Duration::from_secs(30), 1).await.expect("claimed").remove(0);
        let work = f.store.load(&lease).await.expect("loaded").expect("there");
        assert!(work.faults.is_empty(), "the broker is watched all the same");

        damage(&f, "insert into security_group (account, region, id, name, description, rules, created)
                    select account, region, 'sg-' || n, n, 'd', case n when '0bad' then '7' else '[]' end::jsonb, 0
                    from broker, unnest(array['0bad', '0123456789abcdef0']) as g (n)").await;
        let groups = f.store.security_groups(&scope()).await.expect("listed");
        assert_eq!((groups.len(), skipped(&f, "security_group")), (1, 1));

        damage(&f, "insert into secret (account, region, name, suffix, value, created, changed)
                    select account, region, n, 'abcdef', '', 0, 0 from broker, unnest(array['fine', 'not a name!']) as s (n)").await;
        let secrets = f.store.secrets(&scope()).await.expect("listed");
        assert_eq!((secrets.len(), skipped(&f, "secret")), (1, 1));

        damage(&f, "insert into offering (engine, version, runs, true_version, image, modules, launcher)
                    values ('ACTIVEMQ', '5.19', '5.19', '5.19.1', 'i', '', true), ('KAFKA', '4.0', '4.0', '4.0', 'i', '', true),
                           ('ACTIVEMQ', 'next', '5.19', '', 'i', '', true)").await;
        assert_eq!(f.store.offerings().await.expect("listed").versions(brokerd_domain::EngineType::ActiveMq).len(), 1);
        assert_eq!(f.store.offered_engines().await.expect("listed").len(), 1);
        assert_eq!(skipped(&f, "offering"), 4);

        damage(&f, "insert into broker (id, account, region, name, created, spec, configurations, tags)
                    select gen_random_uuid(), account, 'not a region', 'n', 0, '{}', '{}', '{}' from broker").await;
        assert_eq!(f.store.regions().await.expect("listed").len(), 1);
    })
    .await;
}
