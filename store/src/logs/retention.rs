//! Deletion of events that are not kept any more.

use brokerd_domain::Timestamp;

use crate::kernel::{PgStore, StoreError};

const DAY: i64 = 86_400_000_000;
/// For how many days it is remembered how far a container was read that was replaced.
const POSITIONS_KEPT: i64 = 7;
/// For how many days the results of queries are kept, as in the service.
const QUERIES_KEPT: i64 = 7;

/// What was deleted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PrunedLogs {
    /// Partitions: days of which no group keeps events.
    pub days: u64,
    /// Events of groups that keep them for a shorter time than others, or were deleted. As many as were permitted: there
    /// may be more.
    pub events: u64,
}

impl PgStore {
    /// Drops the days of which nobody keeps events, makes those of today and tomorrow be there, and deletes up to `most`
    /// events of groups that keep them for a shorter time. Groups that do not say keep events for `default_days`.
    ///
    /// # Errors
    /// As every method of [`PgStore`]; what was deleted before stays deleted.
    pub async fn prune_logs(
        &self,
        now: Timestamp,
        default_days: u32,
        most: u32,
    ) -> Result<PrunedLogs, StoreError> {
        let today = now.as_micros().div_euclid(DAY);
        for day in [today, today + 1] {
            sqlx::query!("select ensure_log_partition($1)", day).execute(&self.pool).await?;
        }
        // An account is deleted without its logs, because those outlive brokers.
        sqlx::query!(
            "delete from log_group g using account a where a.id = g.account and a.deleted is not null"
        )
        .execute(&self.pool)
        .await?;
        let longest = sqlx::query_scalar!(
            r#"select greatest($1::integer, max(retention_days)) as "days!" from log_group"#,
            i32::try_from(default_days).unwrap_or(i32::MAX)
        )
        .fetch_one(&self.pool)
        .await?;
        let oldest = today - i64::from(longest);
        let partitions = sqlx::query_scalar!(
            r#"select c.relname::text as "name!" from pg_inherits i join pg_class c on c.oid = i.inhrelid
               where i.inhparent = 'log_event'::regclass"#
        )
        .fetch_all(&self.pool)
        .await?;
        let mut pruned = PrunedLogs::default();
        for partition in partitions {
            let day = partition.strip_prefix("log_event_").and_then(|day| day.parse::<i64>().ok());
            if day.is_some_and(|day| day < oldest) {
                // The name is one of ours, made of a number.
                let drop = sqlx::AssertSqlSafe(format!("drop table if exists {partition}"));
                sqlx::query(drop).execute(&self.pool).await?;
                pruned.days += 1;
            }
        }
        pruned.events = self.delete_log_events(now, default_days, most).await?;
        sqlx::query!(
            "delete from log_query where id in (select id from log_query where created < $1 order by created limit $2)",
            now.as_micros() - QUERIES_KEPT * DAY,
            i64::from(most)
        )
        .execute(&self.pool)
        .await?;
        sqlx::query!(
            "delete from log_position p where p.day < $1 and exists (
               select from log_position n
               where n.broker_id = p.broker_id and n.ordinal = p.ordinal and n.day > p.day)",
            today - POSITIONS_KEPT
        )
        .execute(&self.pool)
        .await?;
        Ok(pruned)
    }

    async fn delete_log_events(
        &self,
        now: Timestamp,
        default_days: u32,
        most: u32,
    ) -> Result<u64, StoreError> {
        let deleted = sqlx::query!(
            "with old as (
               select e.stream_id, e.at, e.position
               from (select s.id, case when g.id is null then 9223372036854775807
                                       else $1 - coalesce(g.retention_days, $2)::bigint * 86400000000 end as kept_from
                     from log_stream s left join log_group g on g.id = s.group_id) as stream
               cross join lateral (
                 select e.stream_id, e.at, e.position from log_event e
                 where e.stream_id = stream.id and e.at < stream.kept_from limit $3
               ) as e
               limit $3)
             delete from log_event e using old
             where e.stream_id = old.stream_id and e.at = old.at and e.position = old.position",
            now.as_micros(),
            i32::try_from(default_days).unwrap_or(i32::MAX),
            i64::from(most)
        )
        .execute(&self.pool)
        .await?
        .rows_affected();
        if deleted < u64::from(most) {
            sqlx::query!(
                "delete from log_stream s where s.group_id is null
                   and not exists (select from log_event e where e.stream_id = s.id)"
            )
            .execute(&self.pool)
            .await?;
        }
        Ok(deleted)
    }
}
