//! Notifications that are to be delivered.

use std::time::Duration;

use brokerd_domain::{
    Scope, Timestamp,
    alarm::{AlarmNotification, AlarmState, HistoryItem},
};
use uuid::Uuid;

use super::{history::insert_history, row::state};
use crate::kernel::{PgStore, StoreError};

/// How long a process may take to deliver, before another one tries.
const LEASE: Duration = Duration::from_mins(2);

/// A notification for a topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlarmDelivery {
    /// The identifier that all of its tries have.
    pub id: Uuid,
    /// Whose alarm it is about.
    pub scope: Scope,
    /// The name of the alarm.
    pub alarm: String,
    /// The state that the alarm came to.
    pub state: AlarmState,
    /// The topic.
    pub action: String,
    /// What it is told.
    pub notification: AlarmNotification,
    /// When the state changed.
    pub at: Timestamp,
    /// Which try this is, from 1.
    pub attempt: u32,
}

impl PgStore {
    /// Takes up to `limit` notifications that are due. Whoever does not end or postpone one in two minutes has given it
    /// up. Those that can't be read are left out.
    ///
    /// # Errors
    /// As every method of [`PgStore`].
    pub async fn take_due_deliveries(&self, limit: u32) -> Result<Vec<AlarmDelivery>, StoreError> {
        let rows = sqlx::query!(
            "update alarm_delivery set due_at = now() + make_interval(secs => $2), attempt = attempt + 1
             where id in (select id from alarm_delivery where due_at <= now() order by due_at limit $1
                          for update skip locked)
             returning id, account, region, alarm, state, action, subject, message, at, attempt",
            i64::from(limit),
            LEASE.as_secs_f64()
        )
        .fetch_all(&self.pool)
        .await?;
        let deliveries = rows.into_iter().filter_map(|row| {
            let wrong = |what: &str| StoreError::Inconsistent {
                table: "alarm_delivery",
                what: what.to_owned(),
            };
            let read = || {
                Ok(AlarmDelivery {
                    id: row.id,
                    scope: Scope {
                        account: row.account.parse().map_err(|_| wrong("account"))?,
                        region: row.region.parse().map_err(|_| wrong("region"))?,
                    },
                    alarm: row.alarm,
                    state: state(&row.state)?,
                    action: row.action,
                    notification: AlarmNotification { subject: row.subject, message: row.message },
                    at: Timestamp::from_micros(row.at),
                    attempt: u32::try_from(row.attempt).unwrap_or(u32::MAX),
                })
            };
            self.skipped.keep("alarm_delivery", row.id, read())
        });
        Ok(deliveries.collect())
    }

    /// Ends a notification, which was delivered or failed for that reason, and tells it in the alarm's history.
    ///
    /// # Errors
    /// As every method of [`PgStore`].
    pub async fn end_delivery(
        &self,
        delivery: &AlarmDelivery,
        failure: Option<&str>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let mut transaction = self.pool.begin().await?;
        let ended = sqlx::query!("delete from alarm_delivery where id = $1", delivery.id)
            .execute(&mut *transaction)
            .await?;
        if ended.rows_affected() == 1 {
            let (alarm, action) = (&delivery.alarm, &delivery.action);
            let item = HistoryItem::acted(alarm, action, delivery.state, failure, now);
            insert_history(&mut transaction, &delivery.scope, &item).await?;
        }
        transaction.commit().await?;
        Ok(())
    }

    /// Makes a notification due again after `pause`.
    ///
    /// # Errors
    /// As every method of [`PgStore`].
    pub async fn postpone_delivery(
        &self,
        delivery: &AlarmDelivery,
        pause: Duration,
    ) -> Result<(), StoreError> {
        sqlx::query!(
            "update alarm_delivery set due_at = now() + make_interval(secs => $2) where id = $1",
            delivery.id,
            pause.as_secs_f64()
        )
        .execute(&self.pool)
        .await?;
        Ok(())
    }
}
