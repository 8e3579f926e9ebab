//! Queries and what they have found, and the events that they look at.

use std::collections::BTreeMap;

use brokerd_domain::{
    Scope, Timestamp,
    log::{
        EventId, LogGroupName,
        insights::{QueryResults, ResultField},
    },
};
use serde_json::{Value, json};
use uuid::Uuid;

use super::events::{FoundLogEvent, LogRange, kept_from};
use crate::kernel::{PgStore, StoreError};

/// A query that was run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogQuery {
    /// Its id.
    pub id: Uuid,
    /// The names of its log groups.
    pub groups: Vec<String>,
    /// Its text.
    pub query: String,
    /// When it was begun.
    pub created: Timestamp,
    /// Whether it has looked at everything, and did not take too long.
    pub complete: bool,
    /// What it has found.
    pub results: QueryResults,
}

/// Events of several groups.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RecentLogEvents {
    /// The names of groups and streams by the ids of the streams.
    pub streams: BTreeMap<i64, (String, String)>,
    /// The events, the newest ones first.
    pub events: Vec<FoundLogEvent>,
}

impl PgStore {
    /// Up to `most` events of these groups before that one, the newest ones first. Groups that are not there have no
    /// events.
    ///
    /// # Errors
    /// As every method of [`PgStore`].
    pub async fn recent_log_events(
        &self,
        scope: &Scope,
        groups: &[LogGroupName],
        range: LogRange,
        before: Option<EventId>,
        most: u32,
        now: Timestamp,
    ) -> Result<RecentLogEvents, StoreError> {
        let names: Vec<String> = groups.iter().map(|name| name.as_str().to_owned()).collect();
        let streams = sqlx::query!(
            r#"select s.id, s.name, g.name as "group", g.retention_days
               from log_group g join log_stream s on s.group_id = g.id
               where g.account = $1 and g.region = $2 and g.name = any($3)"#,
            scope.account.as_str(),
            scope.region.as_str(),
            &names
        )
        .fetch_all(&self.pool)
        .await?;
        let ids: Vec<i64> = streams.iter().map(|stream| stream.id).collect();
        let from: Vec<i64> = streams
            .iter()
            .map(|stream| kept_from(range.from, stream.retention_days, now))
            .collect();
        let (at, stream, position) = before.map_or((i64::MAX, i64::MAX, i64::MAX), |id| {
            (id.at.as_micros(), id.stream, id.position)
        });
        let rows = sqlx::query!(
            r#"select e.stream_id as "stream_id!", e.at as "at!", e.position as "position!",
                      e.ingested as "ingested!", e.message as "message!"
               from unnest($1::bigint[], $2::bigint[]) as wanted (stream_id, kept_from)
               cross join lateral (
                 select * from log_event e
                 where e.stream_id = wanted.stream_id and e.at >= wanted.kept_from and e.at < $3 and e.at <= $4
                   and (e.at, e.stream_id, e.position) < ($4, $5, $6)
                 order by e.at desc, e.position desc limit $7
               ) as e
               order by e.at desc, e.stream_id desc, e.position desc limit $7"#,
            &ids,
            &from,
            range.to.as_micros(),
            at,
            stream,
            position,
            i64::from(most)
        )
        .fetch_all(&self.pool)
        .await?;
        Ok(RecentLogEvents {
            streams: streams
                .into_iter()
                .map(|stream| (stream.id, (stream.group, stream.name)))
                .collect(),
            events: rows
                .into_iter()
                .map(|row| FoundLogEvent {
                    id: EventId {
                        at: Timestamp::from_micros(row.at),
                        stream: row.stream_id,
                        position: row.position,
                    },
                    ingested: Timestamp::from_micros(row.ingested),
                    message: row.message,
                })
                .collect(),
        })
    }

    /// Records a query.
    ///
    /// # Errors
    /// As every method of [`PgStore`].
    pub async fn save_log_query(&self, scope: &Scope, query: &LogQuery) -> Result<(), StoreError> {
        let rows: Value = query
            .results
            .rows
            .iter()
            .map(|row| {
                row.iter()
                    // PostgreSQL keeps no NUL in JSON.
                    .map(|field| json!([field.field, field.value.replace('\0', "\u{fffd}")]))
                    .collect::<Value>()
            })
            .collect();
        let number = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
        sqlx::query!(
            "insert into log_query (id, account, region, groups, query, created, complete, results, matched, scanned, bytes)
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
            query.id,
            scope.account.as_str(),
            scope.region.as_str(),
            &query.groups,
            query.query,
            query.created.as_micros(),
            query.complete,
            rows,
            number(query.results.matched),
            number(query.results.scanned),
            number(query.results.scanned_bytes)
        )
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// The query of that id.
    ///
    /// # Errors
    /// As every method of [`PgStore`].
    pub async fn log_query(&self, scope: &Scope, id: Uuid) -> Result<Option<LogQuery>, StoreError> {
        let row = sqlx::query!(
            "select groups, query, created, complete, results, matched, scanned, bytes from log_query
             where id = $1 and account = $2 and region = $3",
            id,
            scope.account.as_str(),
            scope.region.as_str()
        )
        .fetch_optional(&self.pool)
        .await?;
        Ok(row.map(|row| LogQuery {
            id,
            groups: row.groups,
            query: row.query,
            created: Timestamp::from_micros(row.created),
            complete: row.complete,
            results: QueryResults {
                rows: rows_of(&row.results),
                matched: u64::try_from(row.matched).unwrap_or(0),
                scanned: u64::try_from(row.scanned).unwrap_or(0),
                scanned_bytes: u64::try_from(row.bytes).unwrap_or(0),
            },
        }))
    }

    /// The newest queries, of that group if one is named, without what they have found.
    ///
    /// # Errors
    /// As every method of [`PgStore`].
    pub async fn log_queries(
        &self,
        scope: &Scope,
        group: Option<&str>,
        most: u32,
    ) -> Result<Vec<LogQuery>, StoreError> {
        let rows = sqlx::query!(
            "select id, groups, query, created, complete from log_query
             where account = $1 and region = $2 and ($3::text is null or $3 = any(groups))
             order by created desc limit $4",
            scope.account.as_str(),
            scope.region.as_str(),
            group,
            i64::from(most)
        )
        .fetch_all(&self.pool)
        .await?;
        let queries = rows.into_iter().map(|row| LogQuery {
            id: row.id,
            groups: row.groups,
            query: row.query,
            created: Timestamp::from_micros(row.created),
            complete: row.complete,
            results: QueryResults::default(),
        });
        Ok(queries.collect())
    }
}

fn rows_of(results: &Value) -> Vec<Vec<ResultField>> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let rows = results.as_array().into_iter().flatten();
    rows.map(|row| {
        let fields = row.as_array().into_iter().flatten();
        fields.map(|field| ResultField { field: text(&field[0]), value: text(&field[1]) }).collect()
    })
    .collect()
}
