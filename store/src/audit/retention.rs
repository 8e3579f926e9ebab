//! Retention of events, by age and by size.

use std::time::Duration;

use brokerd_domain::Timestamp;

use crate::kernel::{PgStore, StoreError};

/// The bytes of a row besides its columns: its header, and its index entries.
const OVERHEAD: i32 = 120;

/// Which events are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AuditRetention {
    /// The maximum age.
    pub age: Duration,
    /// About the maximum size of all events, in bytes; the newest are kept.
    pub bytes: u64,
}

impl AuditRetention {
    /// Deletes events that are not kept, in batches of `most` with a pause between them; returns how many.
    ///
    /// # Errors
    /// As every method of [`PgStore`]; earlier batches stay deleted.
    pub async fn prune(
        self,
        store: &PgStore,
        now: Timestamp,
        most: u32,
        pause: Duration,
    ) -> Result<u64, StoreError> {
        let age = i64::try_from(self.age.as_micros()).unwrap_or(i64::MAX);
        let oldest = Timestamp::from_micros(now.as_micros().saturating_sub(age));
        let (mut deleted, mut freed) = (0, 0_i64);
        loop {
            let events = store.delete_audit_events_before(oldest, most).await?;
            let batches = store.delete_read_batches_before(oldest, most).await?;
            deleted += events.events + batches.events;
            freed = freed.saturating_add(events.bytes).saturating_add(batches.bytes);
            if events.rows.max(batches.rows) < u64::from(most) {
                break;
            }
            tokio::time::sleep(pause).await;
        }
        // Estimated once, because the server counts deleted rows with some delay, so that too many would be deleted.
        let left = store.audit_bytes().await?.saturating_sub(freed);
        let mut excess = left.saturating_sub_unsigned(self.bytes);
        while excess > 0 {
            let gone = store.delete_oldest_audit_events(excess, most).await?;
            deleted += gone.events;
            if gone.rows < u64::from(most) {
                break;
            }
            excess = excess.saturating_sub(gone.bytes);
            tokio::time::sleep(pause).await;
        }
        Ok(deleted)
    }
}

/// The numbers of deleted rows.
struct Deleted {
    rows: u64,
    events: u64,
    bytes: i64,
}

/// The row that a deleting statement returns.
struct DeletedRow {
    rows: i64,
    events: i64,
    bytes: i64,
}

impl From<DeletedRow> for Deleted {
    fn from(row: DeletedRow) -> Self {
        let count = |count: i64| u64::try_from(count).unwrap_or(0);
        Self { rows: count(row.rows), events: count(row.events), bytes: row.bytes }
    }
}

impl PgStore {
    async fn delete_audit_events_before(
        &self,
        oldest: Timestamp,
        most: u32,
    ) -> Result<Deleted, StoreError> {
        let deleted = sqlx::query_as!(
            DeletedRow,
            r#"with deleted as (
                 delete from audit_event as e where id in (
                   select id from audit_event where at < $1 order by at limit $2 for update skip locked)
                 returning pg_column_size(e.*) + $3::int as size)
               select count(*) as "rows!", count(*) as "events!", coalesce(sum(size), 0)::bigint as "bytes!" from deleted"#,
            oldest.as_micros(),
            i64::from(most),
            OVERHEAD
        )
        .fetch_one(&self.pool)
        .await?;
        Ok(deleted.into())
    }

    /// A batch goes when its last event is too old.
    async fn delete_read_batches_before(
        &self,
        oldest: Timestamp,
        most: u32,
    ) -> Result<Deleted, StoreError> {
        let deleted = sqlx::query_as!(
            DeletedRow,
            r#"with deleted as (
                 delete from audit_read_batch where id in (
                   select id from audit_read_batch where last_at < $1 order by last_at limit $2 for update skip locked)
                 returning events, pg_column_size(content) + pg_column_size(terms) + $3::int as size)
               select count(*) as "rows!", coalesce(sum(events), 0) as "events!", coalesce(sum(size), 0)::bigint as "bytes!"
               from deleted"#,
            oldest.as_micros(),
            i64::from(most),
            OVERHEAD
        )
        .fetch_one(&self.pool)
        .await?;
        Ok(deleted.into())
    }

    /// Deletes the oldest, be they rows or batches, until about so many bytes are free, but of `most` rows at most.
    async fn delete_oldest_audit_events(
        &self,
        bytes: i64,
        most: u32,
    ) -> Result<Deleted, StoreError> {
        let deleted = sqlx::query_as!(
            DeletedRow,
            r#"with event as materialized (
                 select id, at, pg_column_size(e.*) + $3::int as size from audit_event e order by at limit $2
                 for update skip locked),
               batch as materialized (
                 select id, last_at as at, pg_column_size(content) + pg_column_size(terms) + $3::int as size, events
                 from audit_read_batch order by last_at limit $2 for update skip locked),
               oldest as (
                 select id as event, null::bigint as batch, at, size, 1 as events from event
                 union all select null, id, at, size, events from batch
                 order by at limit $2),
               counted as (
                 select oldest.*, sum(size) over (order by at, event, batch) - size as before from oldest),
               chosen as materialized (select * from counted where before < $1),
               deleted_events as (
                 delete from audit_event where id in (select event from chosen where event is not null)),
               deleted_batches as (
                 delete from audit_read_batch where id in (select batch from chosen where batch is not null))
               select count(*) as "rows!", coalesce(sum(events), 0) as "events!", coalesce(sum(size), 0)::bigint as "bytes!"
               from chosen"#,
            bytes,
            i64::from(most),
            OVERHEAD
        )
        .fetch_one(&self.pool)
        .await?;
        Ok(deleted.into())
    }

    /// How many bytes all events take, by the number of rows that the server counts and the sizes of samples.
    async fn audit_bytes(&self) -> Result<i64, StoreError> {
        let bytes = sqlx::query_scalar!(
            r#"select (
                 coalesce((select n_live_tup from pg_stat_user_tables where relid = 'audit_event'::regclass)
                   * (select avg(pg_column_size(e.*) + $1::int) from (select * from audit_event limit 1000) as e), 0)
                 + coalesce((select n_live_tup from pg_stat_user_tables where relid = 'audit_read_batch'::regclass)
                   * (select avg(pg_column_size(content) + pg_column_size(terms) + $1::int)
                      from (select * from audit_read_batch limit 1000) as batch), 0)
               )::bigint as "bytes!""#,
            OVERHEAD
        )
        .fetch_one(&self.pool)
        .await?;
        Ok(bytes)
    }
}
