//! Reading alarms.

use brokerd_domain::{Scope, alarm::AlarmState};

use super::row::{AlarmRow, StoredAlarm};
use crate::kernel::{PgStore, StoreError};

/// Which alarms are meant: those that fulfil all of this.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AlarmFilter {
    /// With one of these names; none: with any.
    pub names: Vec<String>,
    /// Whose names begin so.
    pub prefix: Option<String>,
    /// In that state.
    pub state: Option<AlarmState>,
    /// With an action whose ARN begins so.
    pub action_prefix: Option<String>,
    /// That watch a metric of this name, by itself.
    pub metric: Option<String>,
}

impl PgStore {
    /// Alarms of a scope by name, those after `after`, without those that can't be read.
    ///
    /// # Errors
    /// As every method of [`PgStore`].
    pub async fn alarms(
        &self,
        scope: &Scope,
        filter: &AlarmFilter,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<StoredAlarm>, StoreError> {
        let rows = sqlx::query_as!(
            AlarmRow,
            r#"select id, spec as "spec: _", tags as "tags: _", configured, revision, state, state_reason,
                      state_reason_data, state_updated, state_transitioned
               from alarm
               where account = $1 and region = $2
                 and (cardinality($3::text[]) = 0 or name = any($3))
                 and ($4::text is null or starts_with(name, $4))
                 and ($5::text is null or state = $5)
                 and ($6::text is null or exists (
                   select from jsonb_array_elements_text(
                     (spec -> 'ok_actions') || (spec -> 'alarm_actions') || (spec -> 'insufficient_data_actions')) as a
                   where starts_with(a, $6)))
                 and ($7::text is null or spec #>> '{watched,metric,metric}' = $7)
                 and ($8::text is null or name collate "C" > $8)
               order by name collate "C" limit $9"#,
            scope.account.as_str(),
            scope.region.as_str(),
            &filter.names,
            filter.prefix,
            filter.state.map(AlarmState::as_str),
            filter.action_prefix,
            filter.metric,
            after,
            i64::from(limit)
        )
        .fetch_all(&self.pool)
        .await?;
        let read = |row: AlarmRow| {
            let id = row.id;
            self.skipped.keep("alarm", id, row.into_alarm())
        };
        Ok(rows.into_iter().filter_map(read).collect())
    }

    /// An alarm of a scope.
    ///
    /// # Errors
    /// As every method of [`PgStore`].
    pub async fn alarm(
        &self,
        scope: &Scope,
        name: &str,
    ) -> Result<Option<StoredAlarm>, StoreError> {
        let row = sqlx::query_as!(
            AlarmRow,
            r#"select id, spec as "spec: _", tags as "tags: _", configured, revision, state, state_reason,
                      state_reason_data, state_updated, state_transitioned
               from alarm where account = $1 and region = $2 and name = $3"#,
            scope.account.as_str(),
            scope.region.as_str(),
            name
        )
        .fetch_optional(&self.pool)
        .await?;
        row.map(AlarmRow::into_alarm).transpose()
    }
}
