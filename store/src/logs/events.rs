//! Reading of events.

use std::collections::BTreeMap;

use brokerd_domain::{
    Scope, Timestamp,
    log::{EventId, EventToken, LogGroupName, LogStreamName},
};

use crate::kernel::{PgStore, StoreError};

const DAY: i64 = 86_400_000_000;

/// An event that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundLogEvent {
    /// What it is called, and when it was.
    pub id: EventId,
    /// When it was stored.
    pub ingested: Timestamp,
    /// Its text.
    pub message: String,
}

/// Events of some time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogRange {
    /// From then on.
    pub from: Timestamp,
    /// Before then.
    pub to: Timestamp,
}

impl LogRange {
    /// Of any time.
    pub const ALL: Self =
        Self { from: Timestamp::from_micros(0), to: Timestamp::from_micros(i64::MAX) };
}

/// Which streams of a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StreamChoice<'a> {
    /// Those of these names.
    Named(&'a [LogStreamName]),
    /// Those whose names begin so.
    Beginning(&'a str),
}

/// Events of several streams.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScannedLogEvents {
    /// The names of the streams by their ids.
    pub streams: BTreeMap<i64, String>,
    /// The events, by time.
    pub events: Vec<FoundLogEvent>,
}

impl PgStore {
    /// Events of a stream, by time: up to `most` of those after or before the token's event, next to it; without a token
    /// the last ones. None: there is no such group or stream.
    ///
    /// # Errors
    /// As every method of [`PgStore`].
    #[expect(clippy::too_many_arguments, reason = "each is a parameter of GetLogEvents")]
    pub async fn log_events(
        &self,
        scope: &Scope,
        group: &LogGroupName,
        stream: &LogStreamName,
        range: LogRange,
        token: Option<EventToken>,
        most: u32,
        now: Timestamp,
    ) -> Result<Option<Vec<FoundLogEvent>>, StoreError> {
        let found = sqlx::query!(
            "select s.id, g.retention_days from log_group g join log_stream s on s.group_id = g.id
             where g.account = $1 and g.region = $2 and g.name = $3 and s.name = $4",
            scope.account.as_str(),
            scope.region.as_str(),
            group.as_str(),
            stream.as_str()
        )
        .fetch_optional(&self.pool)
        .await?;
        let Some(found) = found else { return Ok(None) };
        let from = kept_from(range.from, found.retention_days, now);
        let events = match token {
            Some(EventToken::Forward(after)) => {
                self.events_after(&[found.id], from, range.to, after, most).await?
            }
            Some(EventToken::Backward(before)) => {
                self.events_before(found.id, from, range.to, Some(before), most).await?
            }
            None => self.events_before(found.id, from, range.to, None, most).await?,
        };
        Ok(Some(events))
    }

    /// Up to `most` events of these streams after that one, by time; none: there is no such group. Streams that are not
    /// there have no events.
    ///
    /// # Errors
    /// As every method of [`PgStore`].
    #[expect(clippy::too_many_arguments, reason = "each is a parameter of FilterLogEvents")]
    pub async fn scan_log_events(
        &self,
        scope: &Scope,
        group: &LogGroupName,
        choice: StreamChoice<'_>,
        range: LogRange,
        after: EventId,
        most: u32,
        now: Timestamp,
    ) -> Result<Option<ScannedLogEvents>, StoreError> {
        let found = sqlx::query!(
            "select id, retention_days from log_group where account = $1 and region = $2 and name = $3",
            scope.account.as_str(),
            scope.region.as_str(),
            group.as_str()
        )
        .fetch_optional(&self.pool)
        .await?;
        let Some(found) = found else { return Ok(None) };
        let (names, prefix) = match choice {
            StreamChoice::Named(names) => {
                (Some(names.iter().map(|name| name.as_str().to_owned()).collect::<Vec<_>>()), "")
            }
            StreamChoice::Beginning(prefix) => (None, prefix),
        };
        let streams = sqlx::query!(
            "select id, name from log_stream
             where group_id = $1 and starts_with(name, $2) and ($3::text[] is null or name = any($3))",
            found.id,
            prefix,
            names.as_deref()
        )
        .fetch_all(&self.pool)
        .await?;
        let streams: BTreeMap<i64, String> =
            streams.into_iter().map(|stream| (stream.id, stream.name)).collect();
        let ids: Vec<i64> = streams.keys().copied().collect();
        let from = kept_from(range.from, found.retention_days, now);
        let events = self.events_after(&ids, from, range.to, after, most).await?;
        Ok(Some(ScannedLogEvents { streams, events }))
    }

    async fn events_after(
        &self,
        streams: &[i64],
        from: i64,
        to: Timestamp,
        after: EventId,
        most: u32,
    ) -> Result<Vec<FoundLogEvent>, StoreError> {
        let rows = sqlx::query!(
            r#"select e.stream_id as "stream_id!", e.at as "at!", e.position as "position!",
                      e.ingested as "ingested!", e.message as "message!"
               from unnest($1::bigint[]) as wanted (stream_id)
               cross join lateral (
                 select * from log_event e
                 where e.stream_id = wanted.stream_id and e.at >= $2 and e.at < $3 and e.at >= $4
                   and (e.at, e.stream_id, e.position) > ($4, $5, $6)
                 order by e.at, e.position limit $7
               ) as e
               order by e.at, e.stream_id, e.position limit $7"#,
            streams,
            from,
            to.as_micros(),
            after.at.as_micros(),
            after.stream,
            after.position,
            i64::from(most)
        )
        .fetch_all(&self.pool)
        .await?;
        let events = rows.into_iter().map(|row| FoundLogEvent {
            id: EventId {
                at: Timestamp::from_micros(row.at),
                stream: row.stream_id,
                position: row.position,
            },
            ingested: Timestamp::from_micros(row.ingested),
            message: row.message,
        });
        Ok(events.collect())
    }

    async fn events_before(
        &self,
        stream: i64,
        from: i64,
        to: Timestamp,
        before: Option<EventId>,
        most: u32,
    ) -> Result<Vec<FoundLogEvent>, StoreError> {
        let (at, position) =
            before.map_or((i64::MAX, i64::MAX), |id| (id.at.as_micros(), id.position));
        let rows = sqlx::query!(
            "select stream_id, at, position, ingested, message from log_event
             where stream_id = $1 and at >= $2 and at < $3 and at <= $4 and (at, position) < ($4, $5)
             order by at desc, position desc limit $6",
            stream,
            from,
            to.as_micros(),
            at,
            position,
            i64::from(most)
        )
        .fetch_all(&self.pool)
        .await?;
        let events = rows.into_iter().rev().map(|row| FoundLogEvent {
            id: EventId {
                at: Timestamp::from_micros(row.at),
                stream: row.stream_id,
                position: row.position,
            },
            ingested: Timestamp::from_micros(row.ingested),
            message: row.message,
        });
        Ok(events.collect())
    }
}

/// What was before is not kept any more.
pub(super) fn kept_from(from: Timestamp, retention_days: Option<i32>, now: Timestamp) -> i64 {
    let oldest = retention_days.map_or(0, |days| now.as_micros() - i64::from(days) * DAY);
    from.as_micros().max(oldest)
}
