//! Log groups.

use brokerd_domain::{Error, Scope, Tags, Timestamp, log::LogGroupName};
use serde_json::json;
use sqlx::types::Json;

use crate::kernel::{PgStore, StoreError};

/// A log group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogGroup {
    /// Its name.
    pub name: String,
    /// When it was created.
    pub created: Timestamp,
    /// For how many days it keeps events; none: for as long as the operator says.
    pub retention_days: Option<u16>,
    /// The size of all events that it has ever had.
    pub stored_bytes: u64,
    /// Its tags.
    pub tags: Tags,
}

struct Row {
    name: String,
    created: i64,
    retention_days: Option<i32>,
    stored_bytes: i64,
    tags: Json<Tags>,
}

impl From<Row> for LogGroup {
    fn from(row: Row) -> Self {
        Self {
            name: row.name,
            created: Timestamp::from_micros(row.created),
            retention_days: row.retention_days.and_then(|days| u16::try_from(days).ok()),
            stored_bytes: u64::try_from(row.stored_bytes).unwrap_or(0),
            tags: row.tags.0,
        }
    }
}

impl PgStore {
    /// Log groups by name: those whose names begin with `prefix` and contain `part` in any letter case, after that one.
    ///
    /// # Errors
    /// As every method of [`PgStore`].
    pub async fn log_groups(
        &self,
        scope: &Scope,
        prefix: &str,
        part: &str,
        after: Option<&str>,
        most: u32,
    ) -> Result<Vec<LogGroup>, StoreError> {
        let rows = sqlx::query_as!(
            Row,
            r#"select g.name, g.created, g.retention_days, g.tags as "tags: Json<Tags>",
                      (select coalesce(sum(s.bytes), 0)::bigint from log_stream s where s.group_id = g.id)
                        as "stored_bytes!"
               from log_group g
               where g.account = $1 and g.region = $2 and starts_with(g.name, $3)
                 and position(lower($4) in lower(g.name)) > 0 and g.name collate "C" > $5 collate "C"
               order by g.name collate "C" limit $6"#,
            scope.account.as_str(),
            scope.region.as_str(),
            prefix,
            part,
            after.unwrap_or_default(),
            i64::from(most)
        )
        .fetch_all(&self.pool)
        .await?;
        Ok(rows.into_iter().map(Into::into).collect())
    }

    /// The log group of that name.
    ///
    /// # Errors
    /// As every method of [`PgStore`].
    pub async fn log_group(
        &self,
        scope: &Scope,
        name: &LogGroupName,
    ) -> Result<Option<LogGroup>, StoreError> {
        let row = sqlx::query_as!(
            Row,
            r#"select g.name, g.created, g.retention_days, g.tags as "tags: Json<Tags>",
                      (select coalesce(sum(s.bytes), 0)::bigint from log_stream s where s.group_id = g.id)
                        as "stored_bytes!"
               from log_group g where g.account = $1 and g.region = $2 and g.name = $3"#,
            scope.account.as_str(),
            scope.region.as_str(),
            name.as_str()
        )
        .fetch_optional(&self.pool)
        .await?;
        Ok(row.map(Into::into))
    }

    /// Creates a log group; whether there was none of that name.
    ///
    /// # Errors
    /// As every method of [`PgStore`].
    pub async fn create_log_group(
        &self,
        scope: &Scope,
        name: &LogGroupName,
        tags: &Tags,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let created = sqlx::query!(
            "insert into log_group (account, region, name, created, tags) values ($1, $2, $3, $4, $5)
             on conflict (account, region, name) do nothing",
            scope.account.as_str(),
            scope.region.as_str(),
            name.as_str(),
            now.as_micros(),
            json!(tags)
        )
        .execute(&self.pool)
        .await?;
        Ok(created.rows_affected() > 0)
    }

    /// Deletes a log group with its streams and events; whether there was one. The space is given back later.
    ///
    /// # Errors
    /// As every method of [`PgStore`].
    pub async fn delete_log_group(
        &self,
        scope: &Scope,
        name: &LogGroupName,
    ) -> Result<bool, StoreError> {
        let deleted = sqlx::query!(
            "delete from log_group where account = $1 and region = $2 and name = $3",
            scope.account.as_str(),
            scope.region.as_str(),
            name.as_str()
        )
        .execute(&self.pool)
        .await?;
        Ok(deleted.rows_affected() > 0)
    }

    /// Sets for how many days a log group keeps events, none for as long as the operator says; whether there is one.
    ///
    /// # Errors
    /// As every method of [`PgStore`].
    pub async fn set_log_retention(
        &self,
        scope: &Scope,
        name: &LogGroupName,
        days: Option<u16>,
    ) -> Result<bool, StoreError> {
        let changed = sqlx::query!(
            "update log_group set retention_days = $4 where account = $1 and region = $2 and name = $3",
            scope.account.as_str(),
            scope.region.as_str(),
            name.as_str(),
            days.map(i32::from)
        )
        .execute(&self.pool)
        .await?;
        Ok(changed.rows_affected() > 0)
    }

    /// Replaces the tags of a log group by what `change` makes of them; none: there is no such group.
    ///
    /// # Errors
    /// As every method of [`PgStore`]; what `change` refuses is not an error of the store.
    pub async fn change_log_group_tags(
        &self,
        scope: &Scope,
        name: &LogGroupName,
        change: impl FnOnce(&Tags) -> Result<Tags, Error> + Send,
    ) -> Result<Option<Result<(), Error>>, StoreError> {
        let mut transaction = self.pool.begin().await?;
        let found = sqlx::query!(
            r#"select id, tags as "tags: Json<Tags>" from log_group
               where account = $1 and region = $2 and name = $3 for no key update"#,
            scope.account.as_str(),
            scope.region.as_str(),
            name.as_str()
        )
        .fetch_optional(&mut *transaction)
        .await?;
        let Some(found) = found else { return Ok(None) };
        let tags = match change(&found.tags.0) {
            Ok(tags) => tags,
            Err(refused) => return Ok(Some(Err(refused))),
        };
        sqlx::query!("update log_group set tags = $2 where id = $1", found.id, json!(tags))
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
        Ok(Some(Ok(())))
    }
}
