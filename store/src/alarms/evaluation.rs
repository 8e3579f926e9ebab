//! Evaluation of alarms, by several processes: each alarm is moved on before it is evaluated, so that no other process does
//! it in the same minute, and its state is stored only if nobody has changed it meanwhile.

use std::time::Duration;

use brokerd_domain::{
    Scope,
    alarm::{AlarmStatus, StateChange},
};
use uuid::Uuid;

use super::row::{AlarmRow, StoredAlarm};
use crate::kernel::{PgStore, StoreError, json::Raw};

/// An alarm that is to be evaluated now.
#[derive(Debug, Clone, PartialEq)]
pub struct DueAlarm {
    /// Whose it is.
    pub scope: Scope,
    /// The alarm.
    pub stored: StoredAlarm,
    id: Uuid,
}

struct DueRow {
    id: Uuid,
    account: String,
    region: String,
    spec: Raw,
    tags: Raw,
    configured: i64,
    revision: i32,
    state: String,
    state_reason: String,
    state_reason_data: Option<String>,
    state_updated: i64,
    state_transitioned: i64,
}

impl DueRow {
    fn into_due(self) -> Result<DueAlarm, StoreError> {
        let wrong = |what: &str| StoreError::Inconsistent { table: "alarm", what: what.to_owned() };
        let scope = Scope {
            account: self.account.parse().map_err(|_| wrong("account"))?,
            region: self.region.parse().map_err(|_| wrong("region"))?,
        };
        let id = self.id;
        let row = AlarmRow {
            id,
            spec: self.spec,
            tags: self.tags,
            configured: self.configured,
            revision: self.revision,
            state: self.state,
            state_reason: self.state_reason,
            state_reason_data: self.state_reason_data,
            state_updated: self.state_updated,
            state_transitioned: self.state_transitioned,
        };
        Ok(DueAlarm { scope, stored: row.into_alarm()?, id })
    }
}

impl PgStore {
    /// Takes up to `limit` alarms that are due, the longest due first, and makes them due again after `every`. Those that
    /// can't be read are left out.
    ///
    /// # Errors
    /// As every method of [`PgStore`].
    pub async fn take_due_alarms(
        &self,
        limit: u32,
        every: Duration,
    ) -> Result<Vec<DueAlarm>, StoreError> {
        let rows = sqlx::query_as!(
            DueRow,
            r#"update alarm set due_at = now() + make_interval(secs => $2)
               where id in (select id from alarm where due_at <= now() order by due_at limit $1
                            for update skip locked)
               returning id, account, region, spec as "spec: _", tags as "tags: _", configured, revision, state,
                         state_reason, state_reason_data, state_updated, state_transitioned"#,
            i64::from(limit),
            every.as_secs_f64()
        )
        .fetch_all(&self.pool)
        .await?;
        let read = |row: DueRow| {
            let id = row.id;
            self.skipped.keep("alarm", id, row.into_due())
        };
        Ok(rows.into_iter().filter_map(read).collect())
    }

    /// Stores what an alarm was evaluated to; false: it was changed or deleted meanwhile, and is evaluated again.
    ///
    /// # Errors
    /// As every method of [`PgStore`].
    pub async fn record_alarm_state(
        &self,
        due: &DueAlarm,
        new: &AlarmStatus,
    ) -> Result<bool, StoreError> {
        let mut transaction = self.pool.begin().await?;
        let old = &due.stored.status;
        let locked = sqlx::query_scalar!(
            "select id from alarm where id = $1 and revision = $2 and state = $3 and state_updated = $4 for update",
            due.id,
            due.stored.revision,
            old.value.as_str(),
            old.updated.as_micros()
        )
        .fetch_optional(&mut *transaction)
        .await?;
        if locked.is_none() {
            return Ok(false);
        }
        let change = StateChange {
            scope: &due.scope,
            alarm: &due.stored.alarm,
            configured: due.stored.configured,
            old,
            new,
        };
        self.store_state(&mut transaction, due.id, &change).await?;
        transaction.commit().await?;
        Ok(true)
    }
}
