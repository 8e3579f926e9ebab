//! Retention of events, by age and by size.

use std::time::Duration;

use brokerd_domain::Timestamp;

use crate::kernel::{PgStore, StoreError};

/// What an event takes beside its columns: the head of its row, and its entries in indexes.
const OVERHEAD: f64 = 120.0;

/// Which events are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AuditRetention {
    /// Not those that are older.
    pub age: Duration,
    /// The newest that fit into about as many bytes.
    pub bytes: u64,
}

impl AuditRetention {
    /// Deletes what is not kept, a batch of `most` at a time, with a pause between two. How many events that were.
    ///
    /// # Errors
    /// As every method of the store; what was deleted before stays deleted.
    pub async fn prune(
        self,
        store: &PgStore,
        now: Timestamp,
        most: u32,
        pause: Duration,
    ) -> Result<u64, StoreError> {
        let age = i64::try_from(self.age.as_micros()).unwrap_or(i64::MAX);
        let oldest = Timestamp::from_micros(now.as_micros().saturating_sub(age));
        let mut deleted = 0;
        loop {
            let batch = store.delete_audit_events_before(oldest, most).await?;
            deleted += batch;
            if batch < u64::from(most) {
                break;
            }
            tokio::time::sleep(pause).await;
        }
        // Estimated once: the server counts what is deleted with some delay, and more would be deleted each time.
        let mut excess = store.audit_events_over(self.bytes).await?.saturating_sub(deleted);
        while excess > 0 {
            let batch = excess.min(u64::from(most));
            let gone = store.delete_oldest_audit_events(batch).await?;
            deleted += gone;
            if gone < batch {
                break;
            }
            excess -= gone;
            tokio::time::sleep(pause).await;
        }
        Ok(deleted)
    }
}

impl PgStore {
    async fn delete_audit_events_before(
        &self,
        oldest: Timestamp,
        most: u32,
    ) -> Result<u64, StoreError> {
        let deleted = sqlx::query!(
            "delete from audit_event where id in (
               select id from audit_event where at < $1 order by at limit $2 for update skip locked)",
            oldest.as_micros(),
            i64::from(most)
        )
        .execute(&self.pool)
        .await?;
        Ok(deleted.rows_affected())
    }

    async fn delete_oldest_audit_events(&self, most: u64) -> Result<u64, StoreError> {
        let deleted = sqlx::query!(
            "delete from audit_event where id in (
               select id from audit_event order by at limit $1 for update skip locked)",
            i64::try_from(most).unwrap_or(i64::MAX)
        )
        .execute(&self.pool)
        .await?;
        Ok(deleted.rows_affected())
    }

    /// How many events there are too many for as many bytes, by the number of events that the server counts and the size
    /// of a sample.
    async fn audit_events_over(&self, bytes: u64) -> Result<u64, StoreError> {
        let estimate = sqlx::query!(
            r#"select coalesce((select n_live_tup from pg_stat_user_tables where relid = 'audit_event'::regclass), 0)
                        as "events!",
                      coalesce((select avg(pg_column_size(sample.*))::float8
                                from (select * from audit_event limit 1000) as sample), 0) as "size!""#
        )
        .fetch_one(&self.pool)
        .await?;
        #[expect(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "an estimate, and casts of floats saturate"
        )]
        let fit = (bytes as f64 / (estimate.size + OVERHEAD)) as u64;
        Ok(u64::try_from(estimate.events).unwrap_or(0).saturating_sub(fit))
    }
}
