//! Events that are written in batches, told to the log, and deleted.

use std::{
    net::ToSocketAddrs as _,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use brokerd_store::{AuditRetention, AuditTrail, MasterKey, PgStore};
use serde_json::Value;

use super::{FixedClock, TestLog, answered, called, event, found, stored, trail};
use crate::{
    chaos_proxy::{ChaosProxy, Mode},
    support::{Fixture, NOW, OsEntropy, broker, create, running, with_store},
};

#[tokio::test]
async fn what_brokerd_does_on_its_own_is_told_where_history_is_written() {
    with_store(|f| async move {
        let (seen, _) = running(&f.store, "orders").await;
        sqlx::query("delete from audit_event").execute(&f.pool).await.expect("cleared");
        f.store.request_reboot(&seen, NOW).await.expect("asked");
        assert!(log_of(&f).await.names().is_empty(), "an owner asked for it, not brokerd");
        let seen = broker(&f.store, seen.id).await;
        let reason = "whatever it says";
        assert!(f.store.request_maintenance(&seen, reason, NOW).await.expect("asked"));
        let log = log_of(&f).await;
        assert_eq!(log.names(), ["BrokerMaintenance"]);
        let record = log.records.lock().expect("sound")[0].clone();
        assert_eq!(record["eventType"], "AwsServiceEvent");
        assert_eq!(record["serviceEventDetails"]["brokerId"], seen.id.to_string());
        assert_eq!(record["serviceEventDetails"]["message"], reason);
        assert_eq!(
            record["resources"][0]["ARN"],
            format!("arn:aws:mq:us-east-1:000000000000:broker:orders:{}", seen.id)
        );
        assert!(log_of(&f).await.names().is_empty(), "told once");
        for (kind, message, name) in [
            ("failover", "whatever it says", "BrokerFailover"),
            ("verdict", "instance 1 has ended; instance 2 takes over", "BrokerStateChange"),
            ("failure", "no such image", "BrokerFailure"),
            ("verdict", "every endpoint answers", "BrokerStateChange"),
        ] {
            sqlx::query("insert into event (broker_id, at, kind, message) values ($1, $2, $3, $4)")
                .bind(seen.id.uuid())
                .bind(NOW.as_micros())
                .bind(kind)
                .bind(message)
                .execute(&f.pool)
                .await
                .expect("stored");
            let found = found(&f.store, &[("EventName", name)]).await;
            let messages = found.events.iter().map(|event| {
                let record: Value = serde_json::from_str(&event.record).expect("JSON");
                record["serviceEventDetails"]["message"].clone()
            });
            let messages: Vec<Value> = messages.collect();
            assert!(messages.contains(&message.into()), "{name}: {messages:?}");
            assert_eq!(log_of(&f).await.names(), [name]);
        }
    })
    .await;
}

/// A log that was told what is incomplete.
async fn log_of(f: &Fixture) -> TestLog {
    let log = TestLog::default();
    trail(Some(&log)).sweep(&f.store).await;
    log
}

#[tokio::test]
async fn a_call_whose_process_ended_before_its_answer_is_told_by_another_one() {
    with_store(|f| async move {
        let id = create(&f.store, "orders").await;
        let long_ago = event("RebootBroker", -61_000_000, &[]);
        called(&long_ago, f.store.audited().wake(id)).await.expect("written");
        let just_now = event("RebootBroker", -1_000_000, &[]);
        called(&just_now, f.store.audited().wake(id)).await.expect("written");
        let log = TestLog::default();
        log.is_full.store(true, Ordering::SeqCst);
        let trail = trail(Some(&log));
        trail.sweep(&f.store).await;
        assert_eq!(trail.log_failures(), 1);
        log.is_full.store(false, Ordering::SeqCst);
        trail.sweep(&f.store).await;
        trail.sweep(&f.store).await;
        let records = log.records.lock().expect("sound").clone();
        assert_eq!(records.len(), 1, "{records:?}");
        assert_eq!(records[0]["eventID"], long_ago.id.to_string());
        assert_eq!(records[0]["additionalEventData"]["answered"], false);
    })
    .await;
}

#[tokio::test]
async fn what_the_log_does_not_take_is_told_later() {
    with_store(|f| async move {
        let log = TestLog::default();
        log.is_full.store(true, Ordering::SeqCst);
        let trail = trail(Some(&log));
        trail.record(answered(event("DeleteBroker", -100_000_000, &[])));
        trail.flush(&f.store).await;
        assert_eq!(stored(&f.pool).await.len(), 1);
        log.is_full.store(false, Ordering::SeqCst);
        trail.sweep(&f.store).await;
        assert_eq!(log.names(), ["DeleteBroker"]);
    })
    .await;
}

#[tokio::test]
async fn events_are_kept_by_age_and_by_size() {
    with_store(|f| async move {
        let day = 24 * 3600 * 1_000_000_i64;
        let mut connection = f.pool.acquire().await.expect("connects");
        sqlx::query(
            "insert into audit_event (id, at, account, region, source, name, read_only, resources, complete, record)
             select gen_random_uuid(), $1 - n * $2, '000000000000', 'us-east-1', 'x', 'y', false, '[]', true,
                    repeat('x', 880)
             from generate_series(0, 99) as n (n)",
        )
        .bind(NOW.as_micros())
        .bind(day)
        .execute(&mut *connection)
        .await
        .expect("stored");
        // Otherwise the server counts what is new with some delay.
        sqlx::raw_sql("select pg_stat_force_next_flush()")
            .execute(&mut *connection)
            .await
            .expect("counted");
        let kept = async || -> (i64, i64) {
            sqlx::query_as("select count(*), min(at) from audit_event")
                .fetch_one(&f.pool)
                .await
                .expect("read")
        };
        let age = Duration::from_hours(24 * 90);
        let prune = async |bytes| {
            let retention = AuditRetention { age, bytes };
            retention.prune(&f.store, NOW, 4, Duration::ZERO).await.expect("pruned")
        };
        assert_eq!(prune(u64::MAX).await, 9);
        assert_eq!(kept().await, (91, NOW.as_micros() - 90 * day));
        // The server may not have counted those nine yet.
        let deleted = i64::try_from(prune(50_000).await).expect("few");
        assert!((40..65).contains(&deleted), "{deleted}");
        let left = 91 - deleted;
        assert_eq!(kept().await, (left, NOW.as_micros() - (left - 1) * day), "the newest stay");
    })
    .await;
}

#[tokio::test]
async fn batches_and_rows_go_in_their_common_order_by_age_and_by_size() {
    with_store(|f| async move {
        let day = 24 * 3600 * 1_000_000_i64;
        let mut connection = f.pool.acquire().await.expect("connects");
        for sql in [
            "insert into audit_event (id, at, account, region, source, name, read_only, resources, complete, record)
             select gen_random_uuid(), $1 - n * $2, '000000000000', 'us-east-1', 'x', 'y', false, '[]', true,
                    repeat('x', 880)
             from generate_series(0, 99, 2) as n (n)",
            "insert into audit_read_batch
               (account, region, is_global, complete, first_at, last_at, events, terms, content)
             select '000000000000', 'us-east-1', false, true, $1 - n * $2 - 9, $1 - n * $2, 7, '{}', repeat('x', 880)
             from generate_series(1, 99, 2) as n (n)",
        ] {
            sqlx::query(sql)
                .bind(NOW.as_micros())
                .bind(day)
                .execute(&mut *connection)
                .await
                .expect("stored");
        }
        sqlx::raw_sql("select pg_stat_force_next_flush()")
            .execute(&mut *connection)
            .await
            .expect("counted");
        let kept = async || -> (i64, Option<i64>) {
            sqlx::query_as(
                "select count(*), ($1 - min(at)) / $2
                 from (select at from audit_event union all select last_at from audit_read_batch) as rows",
            )
            .bind(NOW.as_micros())
            .bind(day)
            .fetch_one(&f.pool)
            .await
            .expect("read")
        };
        let prune = async |days: u64, bytes| {
            let age = Duration::from_hours(24 * days);
            let retention = AuditRetention { age, bytes };
            retention.prune(&f.store, NOW, 4, Duration::ZERO).await.expect("pruned")
        };
        // Five batches of seven and four rows are older.
        assert_eq!(prune(90, u64::MAX).await, 5 * 7 + 4);
        assert_eq!(kept().await, (91, Some(90)));
        assert!(prune(10_000, 50_000).await > 100);
        let (rows, days) = kept().await;
        assert!((26..70).contains(&rows), "{rows}");
        assert_eq!(days, Some(rows - 1), "the newest stay, of both kinds");
        assert_eq!(prune(10_000, u64::MAX).await, 0);
        prune(10_000, 0).await;
        assert_eq!(kept().await, (0, None));
    })
    .await;
}

#[tokio::test]
async fn while_the_database_is_away_events_wait_and_what_is_too_much_is_counted() {
    with_store(|f| async move {
        let (credentials, rest) = f.url.split_once('@').expect("a URL with a user");
        let (server, name) = rest.split_once('/').expect("a URL with a database");
        let target = server.to_socket_addrs().expect("a server with a port").next();
        let proxy = ChaosProxy::start(target.expect("an address")).expect("a proxy");
        let url = format!("{credentials}@{}/{name}", proxy.address());
        let key = MasterKey::new([7; 32]);
        let store = PgStore::connect(&url, 4, key, Arc::new(OsEntropy)).await.expect("connects");
        let trail = AuditTrail::new(3, None, Arc::new(FixedClock(NOW)));
        proxy.set(Mode::Reset);
        for n in 0..4 {
            trail.record(answered(event("DescribeBroker", n, &[])));
        }
        trail.record(answered(event("DeleteBroker", 5, &[])));
        trail.flush(&store).await;
        assert_eq!(trail.waiting_events(), 3);
        assert_eq!(trail.lost_events(), [("read", 1), ("write", 1)]);
        assert_eq!(found(&f.store, &[]).await.events, []);
        proxy.set(Mode::Pass);
        let deadline = tokio::time::Instant::now() + Duration::from_secs(20);
        while trail.waiting_events() > 0 {
            assert!(tokio::time::Instant::now() < deadline, "the database is back");
            trail.flush(&store).await;
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        assert_eq!(found(&f.store, &[]).await.events.len(), 3);
    })
    .await;
}

#[tokio::test]
async fn a_running_trail_writes_soon_and_what_waits_when_it_stops() {
    with_store(|f| async move {
        let trail = trail(None);
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let running = tokio::spawn({
            let (trail, store) = (trail.clone(), f.store.clone());
            async move { trail.run(&store, async { drop(stopped.await) }).await }
        });
        trail.record(answered(event("DescribeBroker", 1, &[])));
        let deadline = tokio::time::Instant::now() + Duration::from_secs(20);
        while found(&f.store, &[]).await.events.is_empty() {
            assert!(tokio::time::Instant::now() < deadline, "it is written");
            tokio::task::yield_now().await;
        }
        trail.record(answered(event("DescribeBroker", 2, &[])));
        drop(stop);
        running.await.expect("no panic");
        assert_eq!(found(&f.store, &[]).await.events.len(), 2);
    })
    .await;
}
