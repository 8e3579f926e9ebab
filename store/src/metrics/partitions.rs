//! Partitions: made before they are needed, dropped with all they have.

use std::collections::HashSet;

use sqlx::{AssertSqlSafe, PgExecutor};

use super::table::Table;
use crate::kernel::{PgStore, StoreError, pool::Transaction};

/// Of one place, so that two processes do not make the same partition.
const PARTITIONS_LOCK: i64 = 0x6d65_7472_6963;

/// The minute from which on the partition of a minute is.
fn begin_of(table: Table, minute: i32) -> i32 {
    minute.div_euclid(table.partition_minutes()).saturating_mul(table.partition_minutes())
}

/// The name of the partition from a minute on.
fn partition(table: Table, from: i32) -> String {
    format!("{}_{from}", table.name())
}

impl PgStore {
    /// Makes the partitions that these minutes need, unless they are there.
    pub(super) async fn ensure_partitions(
        &self,
        table: Table,
        minutes: impl IntoIterator<Item = i32>,
    ) -> Result<(), StoreError> {
        let needed: HashSet<i32> = minutes.into_iter().map(|m| begin_of(table, m)).collect();
        let mut transaction = None;
        for from in needed {
            if find_partition(&self.pool, table, from).await? {
                continue;
            }
            let transaction = match &mut transaction {
                Some(begun) => begun,
                none => none.insert(self.pool.begin().await?),
            };
            create_partition(transaction, table, from).await?;
        }
        if let Some(transaction) = transaction {
            transaction.commit().await?;
        }
        Ok(())
    }

    /// The first minutes of the partitions of a table, ascending.
    pub(super) async fn partitions(&self, table: Table) -> Result<Vec<i32>, StoreError> {
        let names = sqlx::query_scalar!(
            r#"select relname::text as "name!" from pg_inherits join pg_class on pg_class.oid = inhrelid
               where inhparent = $1::text::regclass"#,
            table.name()
        )
        .fetch_all(&self.pool)
        .await?;
        let prefix = format!("{}_", table.name());
        let mut begins: Vec<i32> =
            names.iter().filter_map(|name| name.strip_prefix(&prefix)?.parse().ok()).collect();
        begins.sort_unstable();
        Ok(begins)
    }

    /// Drops the partitions whose samples are all older than `oldest`; returns how many.
    pub(super) async fn drop_partitions(
        &self,
        table: Table,
        oldest: i32,
    ) -> Result<u64, StoreError> {
        let mut dropped = 0;
        for from in self.partitions(table).await? {
            let to = from.saturating_add(table.partition_minutes());
            if to > oldest {
                break;
            }
            let mut transaction = self.pool.begin().await?;
            // Whoever reads knows first that the rows are gone.
            sqlx::query!(
                "update metric_table set kept_from = greatest(kept_from, $2) where minutes = $1",
                table.minutes(),
                to
            )
            .execute(&mut *transaction)
            .await?;
            let drop = format!("drop table if exists {}", partition(table, from));
            sqlx::query(AssertSqlSafe(drop)).execute(&mut *transaction).await?;
            transaction.commit().await?;
            dropped += 1;
        }
        Ok(dropped)
    }
}

/// Whether a table has the partition from a minute on.
async fn find_partition<'c>(
    executor: impl PgExecutor<'c>,
    table: Table,
    from: i32,
) -> Result<bool, StoreError> {
    let found = sqlx::query_scalar!(
        r#"select exists (select from pg_inherits join pg_class on pg_class.oid = inhrelid
                          where inhparent = $1::text::regclass and relname::text = $2) as "found!""#,
        table.name(),
        partition(table, from)
    )
    .fetch_one(executor)
    .await?;
    Ok(found)
}

/// Attaching locks nobody out who reads or writes, as making a table as a partition would.
async fn create_partition(
    transaction: &mut Transaction,
    table: Table,
    from: i32,
) -> Result<(), StoreError> {
    let (parent, name) = (table.name(), partition(table, from));
    sqlx::query!("select pg_advisory_xact_lock($1)", PARTITIONS_LOCK)
        .execute(&mut **transaction)
        .await?;
    // Not by to_regclass, which may go by what this connection knew before it waited.
    if find_partition(&mut **transaction, table, from).await? {
        return Ok(());
    }
    let to = i64::from(from) + i64::from(table.partition_minutes());
    for statement in [
        format!("create table {name} (like {parent} including all)"),
        format!("alter table {parent} attach partition {name} for values from ({from}) to ({to})"),
    ] {
        sqlx::query(AssertSqlSafe(statement)).execute(&mut **transaction).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn partitions_begin_at_multiples_of_their_length() {
        for (minute, begin) in [(0, 0), (359, 0), (360, 360), (361, 360), (-1, -360)] {
            assert_eq!(begin_of(Table::Minute, minute), begin);
        }
        assert_eq!(partition(Table::Hour, 43200), "metric_hour_43200");
    }
}
