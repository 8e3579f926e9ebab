//! Changes of alarms that callers ask for.

use brokerd_domain::{
    Error, Scope, Tags, Timestamp,
    alarm::{AlarmStatus, HistoryItem, MAX_ALARMS, MetricAlarm, StateChange},
};
use serde_json::json;

use super::{
    history::insert_history,
    row::{AlarmRow, StoredAlarm},
};
use crate::kernel::{PgStore, StoreError, pool::Transaction};

/// The outcome of PutMetricAlarm.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PutAlarmOutcome {
    /// It was not there.
    Created,
    /// It was there, and is as wanted now.
    Updated,
    /// The account has as many alarms in the region as it may have.
    TooMany,
}

/// The outcome of DeleteAlarms.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DeleteAlarmsOutcome {
    /// They are gone.
    Deleted,
    /// These are not there, and so none was deleted.
    NotFound(Vec<String>),
}

impl PgStore {
    /// Creates an alarm, or changes the one of that name, whose state and tags stay. It is evaluated at once.
    ///
    /// # Errors
    /// As every method of [`PgStore`].
    pub async fn put_alarm(
        &self,
        scope: &Scope,
        alarm: &MetricAlarm,
        tags: &Tags,
        now: Timestamp,
    ) -> Result<PutAlarmOutcome, StoreError> {
        let (account, region) = (scope.account.as_str(), scope.region.as_str());
        let status = AlarmStatus::initial(now);
        let mut transaction = self.pool.begin().await?;
        let created = sqlx::query_scalar!(
            r#"insert into alarm (id, account, region, name, spec, tags, configured, state, state_reason, state_updated,
                                  state_transitioned)
               select $1, $2, $3, $4, $5, $6, $7, $8, $9, $7, $7
               where exists (select from alarm where account = $2 and region = $3 and name = $4)
                  or (select count(*) from alarm where account = $2 and region = $3) < $10
               on conflict (account, region, name) do update
                 set spec = excluded.spec, configured = excluded.configured, revision = alarm.revision + 1,
                     due_at = now()
               returning (xmax = 0) as "created!""#,
            self.entropy.uuid(),
            account,
            region,
            alarm.name,
            json!(alarm),
            json!(tags),
            now.as_micros(),
            status.value.as_str(),
            status.reason,
            i64::from(MAX_ALARMS)
        )
        .fetch_optional(&mut *transaction)
        .await?;
        let Some(is_new) = created else { return Ok(PutAlarmOutcome::TooMany) };
        let item = HistoryItem::configured(alarm, is_new, now);
        insert_history(&mut transaction, scope, &item).await?;
        transaction.commit().await?;
        Ok(if is_new { PutAlarmOutcome::Created } else { PutAlarmOutcome::Updated })
    }

    /// Deletes all of these alarms, or none.
    ///
    /// # Errors
    /// As every method of [`PgStore`].
    pub async fn delete_alarms(
        &self,
        scope: &Scope,
        names: &[String],
        now: Timestamp,
    ) -> Result<DeleteAlarmsOutcome, StoreError> {
        let mut transaction = self.pool.begin().await?;
        let deleted = sqlx::query_scalar!(
            "delete from alarm where account = $1 and region = $2 and name = any($3) returning name",
            scope.account.as_str(),
            scope.region.as_str(),
            names
        )
        .fetch_all(&mut *transaction)
        .await?;
        let missing: Vec<String> =
            names.iter().filter(|name| !deleted.contains(name)).cloned().collect();
        if !missing.is_empty() {
            return Ok(DeleteAlarmsOutcome::NotFound(missing));
        }
        for name in &deleted {
            insert_history(&mut transaction, scope, &HistoryItem::deleted(name, now)).await?;
        }
        transaction.commit().await?;
        Ok(DeleteAlarmsOutcome::Deleted)
    }

    /// Enables or disables the actions of those of these alarms that are there.
    ///
    /// # Errors
    /// As every method of [`PgStore`].
    pub async fn enable_alarm_actions(
        &self,
        scope: &Scope,
        names: &[String],
        are_enabled: bool,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let mut transaction = self.pool.begin().await?;
        let rows = sqlx::query_as!(
            AlarmRow,
            r#"update alarm set spec = spec || jsonb_build_object('actions_enabled', $4::boolean), configured = $5,
                                revision = revision + 1
               where account = $1 and region = $2 and name = any($3)
                 and (spec -> 'actions_enabled')::boolean is distinct from $4
               returning id, spec as "spec: _", tags as "tags: _", configured, revision, state, state_reason,
                         state_reason_data, state_updated, state_transitioned"#,
            scope.account.as_str(),
            scope.region.as_str(),
            names,
            are_enabled,
            now.as_micros()
        )
        .fetch_all(&mut *transaction)
        .await?;
        for row in rows {
            let id = row.id;
            let Some(changed) = self.skipped.keep("alarm", id, row.into_alarm()) else { continue };
            let item = HistoryItem::configured(&changed.alarm, false, now);
            insert_history(&mut transaction, scope, &item).await?;
        }
        transaction.commit().await?;
        Ok(())
    }

    /// Sets the state of an alarm until it is evaluated next; false: there is no such alarm.
    ///
    /// # Errors
    /// As every method of [`PgStore`].
    pub async fn set_alarm_state(
        &self,
        scope: &Scope,
        name: &str,
        status: &AlarmStatus,
    ) -> Result<bool, StoreError> {
        let mut transaction = self.pool.begin().await?;
        let Some((id, stored)) = locked(&mut transaction, scope, name).await? else {
            return Ok(false);
        };
        let is_same = stored.status.value == status.value;
        let transitioned = if is_same { stored.status.transitioned } else { status.transitioned };
        let new = AlarmStatus { transitioned, ..status.clone() };
        let change = StateChange {
            scope,
            alarm: &stored.alarm,
            configured: stored.configured,
            old: &stored.status,
            new: &new,
        };
        self.store_state(&mut transaction, id, &change).await?;
        transaction.commit().await?;
        Ok(true)
    }

    /// Replaces the tags of an alarm by what `change` makes of them. None: there is no such alarm.
    ///
    /// # Errors
    /// As every method of [`PgStore`]; what `change` refuses is not an error of the store.
    pub async fn change_alarm_tags(
        &self,
        scope: &Scope,
        name: &str,
        change: impl FnOnce(&Tags) -> Result<Tags, Error> + Send,
    ) -> Result<Option<Result<Tags, Error>>, StoreError> {
        let mut transaction = self.pool.begin().await?;
        let Some((id, stored)) = locked(&mut transaction, scope, name).await? else {
            return Ok(None);
        };
        let tags = match change(&stored.tags) {
            Ok(tags) => tags,
            Err(refused) => return Ok(Some(Err(refused))),
        };
        sqlx::query!("update alarm set tags = $2 where id = $1", id, json!(tags))
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
        Ok(Some(Ok(tags)))
    }
}

/// An alarm that nobody else changes until the end of the transaction.
async fn locked(
    transaction: &mut Transaction,
    scope: &Scope,
    name: &str,
) -> Result<Option<(uuid::Uuid, StoredAlarm)>, StoreError> {
    let row = sqlx::query_as!(
        AlarmRow,
        r#"select id, spec as "spec: _", tags as "tags: _", configured, revision, state, state_reason,
                  state_reason_data, state_updated, state_transitioned
           from alarm where account = $1 and region = $2 and name = $3 for update"#,
        scope.account.as_str(),
        scope.region.as_str(),
        name
    )
    .fetch_optional(&mut **transaction)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let id = row.id;
    Ok(Some((id, row.into_alarm()?)))
}
