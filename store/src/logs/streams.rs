//! Log streams.

use brokerd_domain::{
    Scope, Timestamp,
    log::{LogGroupName, LogStreamName},
};

use crate::kernel::{PgStore, StoreError};

/// A log stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogStream {
    /// Its id.
    pub id: i64,
    /// Its name.
    pub name: String,
    /// When it was created.
    pub created: Timestamp,
    /// When its first event was.
    pub first_at: Option<Timestamp>,
    /// When its last event was.
    pub last_at: Option<Timestamp>,
    /// When its last event was stored.
    pub last_ingested: Option<Timestamp>,
}

/// In which order streams are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StreamOrder {
    /// By name.
    Name,
    /// By the time of their last events; those without events are first.
    LastEvent,
}

/// The place of a stream in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamPlace {
    /// Its last event, in microseconds since 1970; 0 without any.
    pub last_at: i64,
    /// Its name.
    pub name: String,
}

impl LogStream {
    /// Its place in a list.
    pub fn place(&self) -> StreamPlace {
        let last_at = self.last_at.map_or(0, Timestamp::as_micros);
        StreamPlace { last_at, name: self.name.clone() }
    }
}

impl PgStore {
    /// Streams of a group whose names begin with `prefix`, after that place; none: there is no such group.
    ///
    /// # Errors
    /// As every method of [`PgStore`].
    #[expect(clippy::too_many_arguments, reason = "each is a parameter of DescribeLogStreams")]
    pub async fn log_streams(
        &self,
        scope: &Scope,
        group: &LogGroupName,
        prefix: &str,
        order: StreamOrder,
        descending: bool,
        after: Option<&StreamPlace>,
        most: u32,
    ) -> Result<Option<Vec<LogStream>>, StoreError> {
        let Some(group) = self.log_group_id(scope, group).await? else { return Ok(None) };
        let rows = sqlx::query!(
            r#"with listed as (
                 select id, name, created, first_at, last_at, last_ingested,
                        case when $3 then coalesce(last_at, 0) else 0 end as moment
                 from log_stream where group_id = $1 and starts_with(name, $2)
               )
               select id, name, created, first_at, last_at, last_ingested from listed
               where $5::text is null
                  or (not $4 and (moment, name collate "C") > ($6, $5 collate "C"))
                  or ($4 and (moment, name collate "C") < ($6, $5 collate "C"))
               order by case when $4 then 0 else moment end, case when $4 then '' else name end collate "C",
                        moment desc, name collate "C" desc
               limit $7"#,
            group,
            prefix,
            order == StreamOrder::LastEvent,
            descending,
            after.map(|place| place.name.as_str()),
            match (order, after) {
                (StreamOrder::LastEvent, Some(place)) => place.last_at,
                _ => 0,
            },
            i64::from(most)
        )
        .fetch_all(&self.pool)
        .await?;
        let streams = rows.into_iter().map(|row| LogStream {
            id: row.id,
            name: row.name,
            created: Timestamp::from_micros(row.created),
            first_at: row.first_at.map(Timestamp::from_micros),
            last_at: row.last_at.map(Timestamp::from_micros),
            last_ingested: row.last_ingested.map(Timestamp::from_micros),
        });
        Ok(Some(streams.collect()))
    }

    /// Deletes a stream with its events: whether there was one; none: there is no such group. The space is given back later.
    ///
    /// # Errors
    /// As every method of [`PgStore`].
    pub async fn delete_log_stream(
        &self,
        scope: &Scope,
        group: &LogGroupName,
        stream: &LogStreamName,
    ) -> Result<Option<bool>, StoreError> {
        let Some(group) = self.log_group_id(scope, group).await? else { return Ok(None) };
        let deleted = sqlx::query!(
            "update log_stream set group_id = null where group_id = $1 and name = $2",
            group,
            stream.as_str()
        )
        .execute(&self.pool)
        .await?;
        Ok(Some(deleted.rows_affected() > 0))
    }

    pub(super) async fn log_group_id(
        &self,
        scope: &Scope,
        group: &LogGroupName,
    ) -> Result<Option<i64>, StoreError> {
        Ok(sqlx::query_scalar!(
            "select id from log_group where account = $1 and region = $2 and name = $3",
            scope.account.as_str(),
            scope.region.as_str(),
            group.as_str()
        )
        .fetch_optional(&self.pool)
        .await?)
    }
}
