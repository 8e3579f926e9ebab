//! The upkeep of the tables of samples.

use std::time::Duration;

use brokerd_domain::Timestamp;

use super::table::{Table, minute_of};
use crate::kernel::{PgStore, StoreError};

/// How many rows' times are filled in one call.
const MAX_ROLL_UPS: u32 = 100;
/// How many series are deleted in one call.
const MAX_DELETED_SERIES: i64 = 10_000;

/// How long samples are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MetricRetention {
    /// Values of each minute.
    pub minutes: Duration,
    /// Statistics of five minutes, and the series of queues and topics that are not measured any more.
    pub five_minutes: Duration,
    /// Statistics of an hour, and all other series that are not measured any more.
    pub hours: Duration,
}

/// What the upkeep has done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct MaintainedMetrics {
    /// How many times of five minutes and of an hour were rolled up.
    pub rolled_up: u32,
    /// How many partitions were dropped.
    pub dropped: u64,
    /// How many series were deleted.
    pub series: u64,
    /// Whether there may be more to do.
    pub more: bool,
}

impl PgStore {
    /// Rolls up what is complete, drops what is older than it is kept, and makes the next partitions. Several processes may
    /// do so at once.
    ///
    /// # Errors
    /// As every method of [`PgStore`]; what was done before stays done.
    pub async fn maintain_metrics(
        &self,
        now: Timestamp,
        retention: &MetricRetention,
    ) -> Result<MaintainedMetrics, StoreError> {
        let minute = minute_of(now);
        self.sources.forget_before(minute);
        let mut done = MaintainedMetrics::default();
        for table in Table::ALL {
            let next = minute.saturating_add(table.partition_minutes());
            self.ensure_partitions(table, [minute, next]).await?;
            let filled = self.roll_up(table, minute, MAX_ROLL_UPS).await?;
            done.rolled_up += filled;
            done.more |= filled == MAX_ROLL_UPS;
        }
        let extents = self.extents().await?;
        for (finer, table) in Table::ALL.into_iter().enumerate() {
            // What has not been rolled up yet is kept.
            let rolled_up = extents.get(finer + 1).map_or(i32::MAX, |coarser| coarser.filled_to);
            let oldest = retention.oldest(table, minute).min(rolled_up);
            done.dropped += self.drop_partitions(table, oldest).await?;
        }
        done.series = self.delete_old_series(minute, retention).await?;
        done.more |= done.series >= MAX_DELETED_SERIES.unsigned_abs();
        Ok(done)
    }

    async fn delete_old_series(
        &self,
        now: i32,
        retention: &MetricRetention,
    ) -> Result<u64, StoreError> {
        let deleted = sqlx::query!(
            "delete from metric_series where (source, slot) in (
               select source, slot from metric_series
               where last_at < case when dimensions ?| array['Queue', 'Topic'] then $1::integer
                                    else $2::integer end
               limit $3 for update skip locked)",
            retention.oldest(Table::FiveMinutes, now),
            retention.oldest(Table::Hour, now),
            MAX_DELETED_SERIES
        )
        .execute(&self.pool)
        .await?
        .rows_affected();
        if deleted > 0 {
            sqlx::query!(
                "delete from metric_source m
                 where not exists (select from metric_series s where s.source = m.id)
                   and not exists (select from broker b where b.id = m.broker_id)"
            )
            .execute(&self.pool)
            .await?;
        }
        Ok(deleted)
    }
}

impl MetricRetention {
    /// The first minute that is kept.
    fn oldest(&self, table: Table, now: i32) -> i32 {
        let kept = match table {
            Table::Minute => self.minutes,
            Table::FiveMinutes => self.five_minutes,
            Table::Hour => self.hours,
        };
        now.saturating_sub(i32::try_from(kept.as_secs() / 60).unwrap_or(i32::MAX))
    }
}
