//! Reading and changing brokers.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use brokerd_domain::{BrokerState, BrokerSummary, Intent, Lane, Next, Scope};
use brokerd_store::{BrokerPage, Channel, MasterKey, PgStore, StoreError};
use tokio::task::JoinSet;

use crate::support::{NOW, OsEntropy, create, running, scope, with_store, worker};

#[tokio::test]
async fn a_broker_is_seen_only_in_its_account_and_region() {
    with_store(|f| async move {
        let id = create(&f.store, "orders").await;
        let elsewhere = Scope { region: "eu-west-1".parse().expect("region"), ..scope() };
        let other = Scope { account: "111111111111".parse().expect("account"), ..scope() };
        for foreign in [elsewhere, other] {
            assert!(f.store.broker(&foreign, id).await.expect("read").is_none());
            assert!(f.store.brokers(&foreign, None, 100).await.expect("read").brokers.is_empty());
            assert!(f.store.events(&foreign, id, None, 10).await.expect("read").is_none());
            assert!(!f.store.request_delete(&foreign, id, NOW).await.expect("asked"));
        }
        let broker = f.store.broker(&scope(), id).await.expect("read").expect("there");
        assert_eq!(broker.intent, Intent::Run);
    })
    .await;
}

#[tokio::test]
async fn pages_do_not_repeat_or_skip_when_brokers_come_and_go() {
    with_store(|f| async move {
        let mut created = Vec::new();
        for n in 0..7 {
            created.push(create(&f.store, &format!("broker-{n}")).await);
        }
        let first = f.store.brokers(&scope(), None, 3).await.expect("read");
        assert!(first.has_more);
        let first = first.brokers;
        let last = first.last().expect("three");
        create(&f.store, "newcomer").await;
        let after = Some((last.created, last.id));
        let rest = f.store.brokers(&scope(), after, 100).await.expect("read");
        assert!(!rest.has_more);
        let rest = rest.brokers;
        let mut seen: Vec<_> = first.iter().chain(&rest).map(|b| b.id).collect();
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen.len(), first.len() + rest.len(), "a broker came twice");
        for id in created {
            assert!(seen.contains(&id) || first.iter().any(|b| b.id == id), "{id} was skipped");
        }
    })
    .await;
}

/// What a maintenance window would do something about.
const FOR_THE_WINDOW: [(&str, &str); 4] = [
    (
        r#"update broker set status = status || '{"maintenance": "there is a newer build"}'"#,
        "update broker set status = status - 'maintenance'",
    ),
    (
        r#"update broker set pending = '{"host_instance_type": "mq.m5.large"}'"#,
        "update broker set pending = '{}'",
    ),
    (
        "update broker set configurations = configurations || jsonb_build_object('pending', configurations -> 'current')",
        "update broker set configurations = configurations || '{\"pending\": null}'",
    ),
    (
        "update broker_user set pending_change = 'DELETE' where username = 'bob'",
        "update broker_user set pending_change = null",
    ),
];

#[tokio::test]
async fn a_maintenance_window_hears_only_of_brokers_for_which_it_has_something_to_do() {
    with_store(|f| async move {
        let (broker, _) = running(&f.store, "orders").await;
        let candidates = || async {
            let all = f.store.maintenance_candidates().await.expect("read");
            all.into_iter().map(|(broker, last)| (broker.id, last)).collect::<Vec<_>>()
        };
        assert!(candidates().await.is_empty(), "it is as it should be");
        for (arrange, undo) in FOR_THE_WINDOW {
            sqlx::raw_sql(arrange).execute(&f.pool).await.expect("arranged");
            assert_eq!(candidates().await, [(broker.id, None)], "{arrange}");
            sqlx::raw_sql(undo).execute(&f.pool).await.expect("undone");
            assert!(candidates().await.is_empty(), "{undo}");
        }
        sqlx::raw_sql(FOR_THE_WINDOW[0].0).execute(&f.pool).await.expect("arranged");
        assert!(f.store.request_maintenance(&broker, "it is Monday", NOW).await.expect("asked"));
        assert_eq!(candidates().await, [(broker.id, Some(NOW))], "and when it last did something");
        f.store.request_delete(&scope(), broker.id, NOW).await.expect("asked");
        assert!(candidates().await.is_empty(), "it is deleted");
    })
    .await;
}

#[tokio::test]
async fn a_deletion_is_claimed_in_the_normal_lane_for_every_kind_of_broker() {
    with_store(|f| async move {
        let (broker, lease) = running(&f.store, "orders").await;
        let pause = Next::After(Duration::from_hours(1));
        f.store.release(&lease, pause, true).await.expect("released");
        f.store.request_delete(&scope(), broker.id, NOW).await.expect("asked");
        let claim = async |lane| {
            let (ttl, me) = (Duration::from_secs(30), lease.holder);
            f.store.claim_due(me, Some(lane), ttl, 1).await.expect("claimed").len()
        };
        assert_eq!(claim(Lane::Urgent).await, 0);
        assert_eq!(claim(Lane::Normal).await, 1);
    })
    .await;
}

/// What may be found of a broker, one after the other.
const FOUND: [&str; 9] = [
    r#"status = '{}'"#,
    r#"status = '{"failure": "no image"}'"#,
    r#"status = '{"observed_generation": 1, "failure": "no image"}'"#,
    r#"status = '{"observed_generation": 1, "failure": null}', reboots_requested = 1"#,
    r#"status = '{"observed_generation": 1, "reboots_done": 1}'"#,
    r#"status = jsonb_set(status, '{actions_required}', '[{"code": "X", "info": ""}]')"#,
    r#"status = status - 'actions_required', not_applied = 'it does not boot'"#,
    r#"pending = '{"engine_version": "5.19"}'"#,
    "deleting = true",
];

#[tokio::test]
async fn a_broker_is_listed_in_the_state_that_it_is_in() {
    with_store(|f| async move {
        let id = create(&f.store, "orders").await;
        let waiting = r#"{"id": "c-1234a5b6-78cd-401e-af00-314506001789", "revision": 1}"#;
        let mut states = Vec::new();
        for (found, pending) in FOUND.iter().flat_map(|found| [(found, "null"), (found, waiting)]) {
            let sql = format!(
                "update broker set {found},
                   configurations = jsonb_set(configurations, '{{pending}}', '{pending}')"
            );
            sqlx::raw_sql(sqlx::AssertSqlSafe(sql)).execute(&f.pool).await.expect("found");
            let whole = f.store.broker(&scope(), id).await.expect("read").expect("there");
            let listed = f.store.brokers(&scope(), None, 5).await.expect("read").brokers;
            assert_eq!(listed, [BrokerSummary::from(&whole)], "{found}, {pending}");
            states.push(whole.state());
        }
        for state in [
            BrokerState::CreationInProgress,
            BrokerState::CreationFailed,
            BrokerState::Running,
            BrokerState::RebootInProgress,
            BrokerState::CriticalActionRequired,
            BrokerState::DeletionInProgress,
        ] {
            assert!(states.contains(&state), "{state} is not in {states:?}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_broker_that_can_not_be_read_keeps_no_other_one_from_being_listed() {
    with_store(|f| async move {
        for name in ["first", "second", "third"] {
            create(&f.store, name).await;
        }
        sqlx::query(
            r#"update broker set spec = jsonb_set(spec, '{host_instance_type}', '"mq.m9.large"')
               where name = 'second'"#,
        )
        .execute(&f.pool)
        .await
        .expect("as a later brokerd may write");
        let names = |page: &BrokerPage| -> Vec<String> {
            page.brokers.iter().map(|broker| broker.name.to_string()).collect()
        };
        let page = f.store.brokers(&scope(), None, 2).await.expect("read");
        assert!(page.has_more, "{page:?}");
        let last = page.brokers.last().expect("one of two");
        let rest = f.store.brokers(&scope(), Some((last.created, last.id)), 2).await;
        let rest = rest.expect("read");
        let mut all = [names(&page), names(&rest)].concat();
        all.sort();
        assert!(all == ["first", "third"] && !rest.has_more, "{page:?} {rest:?}");
    })
    .await;
}

#[tokio::test]
async fn documents_that_make_no_sense_keep_no_other_broker_from_being_listed() {
    with_store(|f| async move {
        for name in ["first", "second", "third"] {
            create(&f.store, name).await;
        }
        for nonsense in [
            "spec = '{}'",
            "spec = '7'",
            r#"spec = '{"engine_type": ["ACTIVEMQ"]}'"#,
            r#"status = '"running"'"#,
            r#"status = '{"reboots_done": "many", "actions_required": 7}'"#,
            r#"status = '{"reboots_done": 1e400, "actions_required": {}}'"#,
            "pending = '[]', configurations = 'null'",
        ] {
            let sql = format!("update broker set {nonsense} where name = 'second'");
            let written = sqlx::raw_sql(sqlx::AssertSqlSafe(sql)).execute(&f.pool).await;
            written.unwrap_or_else(|error| panic!("{nonsense}: {error}"));
            let page = f.store.brokers(&scope(), None, 5).await.expect(nonsense);
            let names: Vec<_> = page.brokers.iter().map(|broker| broker.name.as_str()).collect();
            assert!(
                ["first", "third"].iter().all(|name| names.contains(name)),
                "{nonsense}: {names:?}"
            );
        }
    })
    .await;
}

#[tokio::test]
async fn what_was_written_is_read_at_once_however_many_read_and_through_whichever_process() {
    with_store(|f| async move {
        let id = create(&f.store, "orders").await;
        let other = PgStore::connect(&f.url, 4, MasterKey::new([7; 32]), Arc::new(OsEntropy));
        let other = other.await.expect("connects");
        let mut readers = JoinSet::new();
        let done = Arc::new(AtomicBool::new(false));
        for _ in 0..16 {
            let (other, done) = (other.clone(), Arc::clone(&done));
            readers.spawn(async move {
                while !done.load(Ordering::Relaxed) {
                    other.broker(&scope(), id).await.expect("read").expect("there");
                }
            });
        }
        for reboots in 1..=50 {
            let seen = f.store.broker(&scope(), id).await.expect("read").expect("there");
            assert!(f.store.request_reboot(&seen, NOW).await.expect("asked"), "{reboots}");
            for store in [&f.store, &other] {
                let read = store.broker(&scope(), id).await.expect("read").expect("there");
                assert_eq!(read.reboots_requested, reboots);
            }
        }
        done.store(true, Ordering::Relaxed);
        readers.join_all().await;
    })
    .await;
}

#[tokio::test]
async fn a_reboot_is_counted_only_for_the_broker_that_was_seen() {
    with_store(|f| async move {
        let id = create(&f.store, "orders").await;
        let seen = f.store.broker(&scope(), id).await.expect("read").expect("there");
        assert!(f.store.request_reboot(&seen, NOW).await.expect("asked"));
        assert!(!f.store.request_reboot(&seen, NOW).await.expect("asked"), "it has changed since");
        let seen = f.store.broker(&scope(), id).await.expect("read").expect("there");
        assert_eq!(seen.reboots_requested, 1);
        f.store.request_delete(&scope(), id, NOW).await.expect("asked");
        assert!(!f.store.request_reboot(&seen, NOW).await.expect("asked"), "it is being deleted");
    })
    .await;
}

#[tokio::test]
async fn deleting_twice_is_deleting_once() {
    with_store(|f| async move {
        let id = create(&f.store, "orders").await;
        assert!(f.store.request_delete(&scope(), id, NOW).await.expect("asked"));
        let once = f.store.broker(&scope(), id).await.expect("read").expect("there");
        assert_eq!(once.state(), BrokerState::DeletionInProgress);
        assert!(f.store.request_delete(&scope(), id, NOW).await.expect("asked"));
        let twice = f.store.broker(&scope(), id).await.expect("read").expect("there");
        assert_eq!(once, twice);
        let events =
            f.store.events(&scope(), id, None, 10).await.expect("read").expect("there").events;
        assert_eq!(events.len(), 2, "created and deleted: {events:?}");
        assert_eq!(events[0].message, "DeleteBroker accepted", "the newest comes first");
    })
    .await;
}

#[tokio::test]
async fn older_events_follow_newer_ones_page_by_page() {
    with_store(|f| async move {
        let id = create(&f.store, "orders").await;
        sqlx::query(
            "insert into event (broker_id, at, kind, message)
             select $1, n, 'verdict', 'event ' || n from generate_series(1, 24) as n",
        )
        .bind(id.uuid())
        .execute(&f.pool)
        .await
        .expect("made");
        let (mut after, mut sizes, mut told) = (None, Vec::new(), Vec::new());
        loop {
            let page = f.store.events(&scope(), id, after, 10).await.expect("read").expect("there");
            sizes.push(page.events.len());
            told.extend(page.events.into_iter().map(|event| event.message));
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        assert_eq!(sizes, [10, 10, 5]);
        let made = told.iter().filter(|message| message.starts_with("event ")).count();
        assert_eq!((made, told[0].as_str()), (24, "event 24"));
        assert!(told[24].starts_with("CreateBroker accepted"), "{told:?}");
        // A page that is just full is the last one.
        let page = f.store.events(&scope(), id, None, 25).await.expect("read").expect("there");
        assert_eq!((page.events.len(), page.next), (25, None));
    })
    .await;
}

#[tokio::test]
async fn a_creation_notifies_listeners() {
    with_store(|f| async move {
        let mut listener = f.store.listen(Channel::Reconcile).await.expect("listens");
        create(&f.store, "orders").await;
        tokio::time::timeout(Duration::from_secs(5), listener.wait()).await.expect("woken");
    })
    .await;
}

#[tokio::test]
async fn connecting_again_finds_everything_migrated() {
    with_store(|f| async move {
        let id = create(&f.store, "orders").await;
        let again =
            PgStore::connect(&f.url, 2, MasterKey::new([7; 32]), std::sync::Arc::new(OsEntropy))
                .await
                .expect("connects");
        again.ping().await.expect("answers");
        assert!(again.broker(&scope(), id).await.expect("read").is_some());
    })
    .await;
}

#[tokio::test]
async fn a_row_that_contradicts_the_rules_is_an_error_and_no_panic() {
    with_store(|f| async move {
        let id = create(&f.store, "orders").await;
        for damage in [
            "update broker set spec = '{}'",
            "update broker set spec = '[]', status = '7'",
            "update broker set name = 'a b'",
        ] {
            sqlx::raw_sql(damage).execute(&f.pool).await.expect("damaged");
            let read = f.store.broker(&scope(), id).await;
            assert!(matches!(read, Err(StoreError::Inconsistent { .. })), "{damage}: {read:?}");
        }
        // The broker can still be claimed: whoever works on it meets the same error.
        let lease = f
            .store
            .claim_due(worker(), None, Duration::from_secs(30), 1)
            .await
            .expect("claimed")
            .remove(0);
        assert!(f.store.load(&lease).await.is_err());
    })
    .await;
}

#[tokio::test]
async fn a_database_that_is_gone_is_unavailable() {
    with_store(|f| async move {
        let (server, _) = f.url.rsplit_once('/').expect("a URL");
        let nowhere = server.rsplit_once(':').map_or(server, |(host, _)| host);
        let url = format!("{nowhere}:1/none");
        let connected =
            PgStore::connect(&url, 1, MasterKey::new([7; 32]), std::sync::Arc::new(OsEntropy))
                .await;
        assert!(matches!(connected, Err(StoreError::Unavailable(_))), "{connected:?}");
    })
    .await;
}
