//! What is deleted by its age.

use crate::support::{NOW, create, with_store};

#[tokio::test]
async fn records_past_their_retention_are_deleted_in_batches() {
    with_store(|f| async move {
        let broker = create(&f.store, "orders").await;
        let day = 24 * 3600 * 1_000_000_i64;
        let ended = |days: i64| NOW.as_micros() - days * day;
        sqlx::raw_sql(
            "insert into forgotten_broker (broker_id, at)
             select gen_random_uuid(), now() - make_interval(days => days)
             from unnest(array[91, 92, 93, 89, 0]) as d (days);
             insert into route_change (broker_id, changed, at)
             select gen_random_uuid(), '1', now() - make_interval(hours => hours)
             from unnest(array[25, 23]) as h (hours);
             insert into route_change (broker_id, changed) values (gen_random_uuid(), '9000000000000')",
        )
        .execute(&f.pool)
        .await
        .expect("stored");
        // Of a broker that is there it is kept, however old it is.
        sqlx::query("insert into route_change (broker_id, changed, at) values ($1, '1', now() - interval '1 year')")
            .bind(broker.uuid())
            .execute(&f.pool)
            .await
            .expect("stored");
        for end in [Some(ended(31)), Some(ended(29)), None] {
            sqlx::query(
                "insert into fault (id, broker_id, spec, starts, ends, ended)
                 values (gen_random_uuid(), $1, '{}', 0, 0, $2)",
            )
            .bind(broker.uuid())
            .bind(end)
            .execute(&f.pool)
            .await
            .expect("stored");
        }
        let pruned = async || {
            [
                f.store.prune_forgotten_brokers(2).await.expect("pruned"),
                f.store.prune_faults(NOW, 2).await.expect("pruned"),
                f.store.prune_route_changes(2).await.expect("pruned"),
                f.store.prune_alarm_history(NOW, 2).await.expect("pruned"),
                f.store.prune_removed_brokers(2).await.expect("pruned"),
            ]
        };
        assert_eq!(pruned().await, [2, 1, 2, 0, 0]);
        assert_eq!(pruned().await, [1, 0, 0, 0, 0]);
        assert_eq!(pruned().await, [0; 5]);
        let left: (i64, i64, i64) = sqlx::query_as(
            "select (select count(*) from forgotten_broker), (select count(*) from fault),
                    (select count(*) from route_change)",
        )
        .fetch_one(&f.pool)
        .await
        .expect("counted");
        assert_eq!(left, (2, 2, 2));
    })
    .await;
}
