//! Events that are written with what a call writes.

use std::sync::Arc;

use brokerd_domain::{Error, Resource, Tags};
use brokerd_store::{AuditedCall, StoreError, statement_may_write, statement_with_event};
use serde_json::Value;
use sqlx::Row as _;

use super::{answered, called, change_tags, event, stored, trail};
use crate::support::{broker, create, scope, with_store};

#[tokio::test]
async fn what_a_call_writes_takes_its_event_along_and_its_end_completes_it() {
    with_store(|f| async move {
        let id = create(&f.store, "orders").await;
        let seen = broker(&f.store, id).await;
        let audited = f.store.audited();
        let statement = event("RebootBroker", 1, &[("broker-id", "b-1")]);
        called(&statement, audited.wake(id)).await.expect("written");
        let transaction = event("CreateTags", 2, &[]);
        called(&transaction, change_tags(&audited, &seen.name, id, "blue")).await.expect("written");
        let mut all = stored(&f.pool).await;
        all.sort_by_key(|(id, ..)| *id != statement.id);
        assert_eq!(
            all.iter().map(|(id, ..)| *id).collect::<Vec<_>>(),
            [statement.id, transaction.id]
        );
        for (_, complete, record) in &all {
            assert!(!complete);
            let record = record.as_ref().expect("a record");
            assert_eq!(record["additionalEventData"]["answered"], false);
        }

        let trail = trail(None);
        for event in [statement, transaction] {
            trail.record(answered(event));
        }
        trail.flush(&f.store).await;
        let all = stored(&f.pool).await;
        assert_eq!(all.len(), 2);
        for (_, complete, record) in all {
            let record = record.expect("a record");
            assert!(complete && record.get("additionalEventData").is_none(), "{record}");
            assert_eq!(record["responseElements"], serde_json::json!({"answer": 42}));
        }
    })
    .await;
}

#[tokio::test]
async fn a_call_that_writes_several_times_has_one_event() {
    with_store(|f| async move {
        let id = create(&f.store, "orders").await;
        let audited = f.store.audited();
        let event = event("UpdateBroker", 1, &[]);
        let twice = async {
            audited.wake(id).await?;
            audited.wake(id).await
        };
        called(&event, twice).await.expect("written");
        assert_eq!(stored(&f.pool).await.len(), 1);
    })
    .await;
}

#[tokio::test]
async fn what_belongs_to_no_call_is_not_written() {
    with_store(|f| async move {
        let id = create(&f.store, "orders").await;
        let seen = broker(&f.store, id).await;
        let audited = f.store.audited();
        let nobody = Arc::new(AuditedCall::default());
        for refused in [
            audited.wake(id).await,
            change_tags(&audited, &seen.name, id, "blue").await,
            nobody.clone().scope(audited.wake(id)).await,
            nobody.scope(change_tags(&audited, &seen.name, id, "blue")).await,
            // A task of its own is no part of the call.
            called(&event("CreateTags", 1, &[]), {
                let (audited, name) = (audited.clone(), seen.name.clone());
                async move {
                    let task = async move { change_tags(&audited, &name, id, "blue").await };
                    tokio::spawn(task).await.expect("no panic")
                }
            })
            .await,
        ] {
            let Err(StoreError::Other(error)) = refused else { panic!("{refused:?}") };
            assert!(error.to_string().contains("no audited call"), "{error}");
        }
        let after = audited.broker(&scope(), id).await.expect("reads need no call").expect("there");
        assert_eq!(after.tags, seen.tags);
        assert!(stored(&f.pool).await.is_empty());
    })
    .await;
}

#[tokio::test]
async fn what_was_rolled_back_and_what_only_reads_leaves_no_event() {
    with_store(|f| async move {
        let id = create(&f.store, "orders").await;
        let seen = broker(&f.store, id).await;
        let audited = f.store.audited();
        let event = event("CreateTags", 1, &[]);
        let resource = Resource::Broker { id, name: seen.name };
        called(&event, async {
            let refused = |_: &Tags| Err(Error::bad_request_overall("no"));
            let refused = audited.change_tags(&scope(), &resource, refused).await.expect("read");
            assert!(refused.expect("there").is_err());
            assert!(audited.broker(&scope(), id).await.expect("read").is_some());
        })
        .await;
        assert!(stored(&f.pool).await.is_empty());
    })
    .await;
}

/// Asks PostgreSQL what the plan of every statement of the store does.
#[tokio::test]
async fn statements_that_write_are_known_for_what_they_are() {
    with_store(|f| async move {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../.sqlx");
        let mut seen = [0, 0];
        for entry in std::fs::read_dir(folder).expect("prepared statements") {
            let text = std::fs::read_to_string(entry.expect("an entry").path()).expect("text");
            let prepared: Value = serde_json::from_str(&text).expect("JSON");
            let sql = prepared["query"].as_str().expect("a statement");
            if sql.starts_with("lock table ") {
                assert!(statement_may_write(sql));
                continue;
            }
            let explained = format!("explain (generic_plan, verbose) {sql}");
            let plan = sqlx::raw_sql(sqlx::AssertSqlSafe(explained)).fetch_all(&f.pool).await;
            let plan = plan.unwrap_or_else(|error| panic!("{error}: {sql}"));
            let plan: Vec<String> = plan.iter().map(|row| row.get(0)).collect();
            let first = |line: &String| {
                let node = line.trim_start().trim_start_matches("->").trim_start().to_owned();
                ["Insert on", "Update on", "Delete on", "Merge on", "LockRows"]
                    .iter()
                    .any(|writing| node.starts_with(writing))
            };
            let writes = plan.iter().any(first);
            assert_eq!(statement_may_write(sql), writes, "{sql}\n{}", plan.join("\n"));
            seen[usize::from(writes)] += 1;
            if !writes {
                continue;
            }
            let parameters = prepared["describe"]["parameters"]["Left"].as_array().map_or(0, Vec::len);
            let both = statement_with_event(sql, parameters);
            let both = both.unwrap_or_else(|| panic!("no event can be part of it: {sql}"));
            let explained = format!("explain (generic_plan, verbose) {both}");
            let plan = sqlx::raw_sql(sqlx::AssertSqlSafe(explained)).fetch_all(&f.pool).await;
            let plan = plan.unwrap_or_else(|error| panic!("{error}: {both}"));
            let plan: Vec<String> = plan.iter().map(|row| row.get(0)).collect();
            let plan = plan.join("\n");
            assert!(plan.contains("Insert on public.audit_event"), "{both}\n{plan}");
        }
        assert!(seen.iter().all(|seen| *seen > 50), "{seen:?}");
        // A function that writes would be a statement that does not look like one.
        let volatile: Vec<String> = sqlx::query_scalar(
            "select p.proname::text from pg_proc p join pg_namespace n on n.oid = p.pronamespace
             where n.nspname = 'public' and p.provolatile = 'v' and p.prorettype <> 'trigger'::regtype
             order by 1",
        )
        .fetch_all(&f.pool)
        .await
        .expect("read");
        // One makes partitions for provisioners, which are not audited; one takes a lock that is no row's, for a statement
        // that writes; the other is called by triggers.
        assert_eq!(volatile, ["ensure_log_partition", "lock_account", "note_route_changes"]);
    })
    .await;
}
