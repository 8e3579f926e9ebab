//! Retention: deletion of old rows.

use std::time::Duration;

use brokerd_domain::Timestamp;

use super::{error::StoreError, store::PgStore};

/// How long it is remembered that a broker is gone: what a runtime that was away for longer still has of it is not
/// removed any more.
const FORGOTTEN_KEPT: Duration = Duration::from_hours(24 * 90);
/// How long a fault is shown after it is over.
const FAULTS_KEPT: Duration = Duration::from_hours(24 * 30);
/// How long the history of alarms is kept.
///
/// Source: DescribeAlarmHistory of the CloudWatch API reference.
const ALARM_HISTORY_KEPT: Duration = Duration::from_hours(24 * 30);
/// How long the removal of a broker's routes is kept for gateways. Each reads its whole table much more often.
const ROUTE_CHANGES_KEPT: Duration = Duration::from_hours(24);
/// How long the removal of a broker is kept for those who show brokers, and read changes every few seconds.
const REMOVED_KEPT: Duration = Duration::from_hours(24);

/// How many rows were deleted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Pruned {
    /// Of brokers that are gone for long.
    pub forgotten_brokers: u64,
    /// Of faults that are over for long.
    pub faults: u64,
    /// Of changes of routes that no gateway needs any more.
    pub route_changes: u64,
    /// Of the history of alarms.
    pub alarm_history: u64,
    /// Of brokers that nobody shows any more.
    pub removed_brokers: u64,
}

impl Pruned {
    /// The most that was deleted of one table.
    pub fn most(&self) -> u64 {
        self.of_each_table().into_iter().max().unwrap_or(0)
    }

    /// How many rows were deleted of all tables together.
    pub fn rows(&self) -> u64 {
        self.of_each_table().into_iter().sum()
    }

    const fn of_each_table(&self) -> [u64; 5] {
        let Self { forgotten_brokers, faults, route_changes, alarm_history, removed_brokers } =
            *self;
        [forgotten_brokers, faults, route_changes, alarm_history, removed_brokers]
    }
}

impl PgStore {
    /// Deletes what is older than anybody needs, up to `most` rows of each table. As many of one: there may be more.
    ///
    /// # Errors
    /// As every method.
    pub async fn prune(&self, now: Timestamp, most: u32) -> Result<Pruned, StoreError> {
        let most = i64::from(most);
        let kept = i64::try_from(FAULTS_KEPT.as_micros()).unwrap_or(i64::MAX);
        // A concurrent deletion takes other rows.
        let forgotten_brokers = sqlx::query!(
            "delete from forgotten_broker where broker_id in (
               select broker_id from forgotten_broker where at < now() - make_interval(secs => $1)
               order by at limit $2 for update skip locked)",
            FORGOTTEN_KEPT.as_secs_f64(),
            most
        )
        .execute(&self.pool)
        .await?
        .rows_affected();
        let faults = sqlx::query!(
            "delete from fault where id in (
               select id from fault where ended < $1 order by ended limit $2 for update skip locked)",
            now.as_micros().saturating_sub(kept),
            most
        )
        .execute(&self.pool)
        .await?
        .rows_affected();
        // A number from the future is that of another server, from which the database was restored.
        let route_changes = sqlx::query!(
            "delete from route_change where broker_id in (
               select c.broker_id from route_change c
               where (c.at < now() - make_interval(secs => $1)
                      and not exists (select from broker b where b.id = c.broker_id))
                  or c.changed > pg_snapshot_xmax(pg_current_snapshot())
               limit $2 for update skip locked)",
            ROUTE_CHANGES_KEPT.as_secs_f64(),
            most
        )
        .execute(&self.pool)
        .await?
        .rows_affected();
        let kept = i64::try_from(ALARM_HISTORY_KEPT.as_micros()).unwrap_or(i64::MAX);
        let alarm_history = sqlx::query!(
            "delete from alarm_history where id in (
               select id from alarm_history where at < $1 order by at limit $2 for update skip locked)",
            now.as_micros().saturating_sub(kept),
            most
        )
        .execute(&self.pool)
        .await?
        .rows_affected();
        let removed_brokers = sqlx::query!(
            "delete from removed_broker where broker_id in (
               select broker_id from removed_broker where at < now() - make_interval(secs => $1)
               order by at limit $2 for update skip locked)",
            REMOVED_KEPT.as_secs_f64(),
            most
        )
        .execute(&self.pool)
        .await?
        .rows_affected();
        Ok(Pruned { forgotten_brokers, faults, route_changes, alarm_history, removed_brokers })
    }
}
