//! Retention: what is older than any report is deleted.

use brokerd_domain::{Timestamp, report::MAX_PERIOD};

use crate::kernel::{PgStore, StoreError};

impl PgStore {
    /// Deletes what ended before the longest period of a report, up to `most` rows of each table; the most that was deleted
    /// of one table. As many: there may be more.
    ///
    /// # Errors
    /// As every method of [`PgStore`].
    pub async fn prune_reports(&self, now: Timestamp, most: u32) -> Result<u64, StoreError> {
        let kept = i64::try_from(MAX_PERIOD.as_micros()).unwrap_or(i64::MAX);
        let row = sqlx::query!(
            r#"with a as (
                 delete from availability_interval where ctid in (
                   select ctid from availability_interval where ended < $1 order by ended limit $2) returning 1
               ), f as (
                 delete from failover where ctid in (
                   select ctid from failover where ended < $1 order by ended limit $2) returning 1
               ), o as (
                 delete from instance_outage where ctid in (
                   select ctid from instance_outage where ended < $1 order by ended limit $2) returning 1
               ), w as (
                 delete from watch_gap where ctid in (
                   select ctid from watch_gap where ended < $1 order by ended limit $2) returning 1
               ), m as (
                 delete from metered_interval where ctid in (
                   select ctid from metered_interval where ended < $1 order by ended limit $2) returning 1
               ), r as (
                 delete from reported_broker where broker_id in (
                   select broker_id from reported_broker where deleted < $1 order by deleted limit $2) returning 1
               )
               select greatest((select count(*) from a), (select count(*) from f), (select count(*) from o),
                               (select count(*) from w), (select count(*) from m), (select count(*) from r))
                 as "most!""#,
            now.as_micros().saturating_sub(kept),
            i64::from(most)
        )
        .fetch_one(&self.pool)
        .await?;
        Ok(u64::try_from(row.most).unwrap_or(0))
    }
}
