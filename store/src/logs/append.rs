//! Lines of engines become events.

use std::collections::{BTreeMap, BTreeSet};

use brokerd_domain::{
    BrokerId, EngineType, Scope, Timestamp,
    log::{LogCategory, stream_name},
};

use super::followed::ReadPosition;
use crate::kernel::{PgStore, StoreError, pool::Transaction};

/// How far a clock may be set back without events being out of order: they get the time of the last one.
const SET_BACK: i64 = 10_000_000;
const DAY: i64 = 86_400_000_000;

/// A line that is to be an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewLogEvent {
    /// The log.
    pub category: LogCategory,
    /// When it was printed.
    pub at: Timestamp,
    /// Its text.
    pub message: String,
}

/// Lines of one container, in their order, and how far its output was read with them.
#[derive(Debug, Clone)]
pub struct LogBatch {
    /// Where the log groups are.
    pub scope: Scope,
    /// The broker.
    pub broker: BrokerId,
    /// Its engine.
    pub engine: EngineType,
    /// The instance.
    pub ordinal: u8,
    /// The runtime's own name for the container.
    pub container: String,
    /// The version of the position from which on these were read; 0: there was none.
    pub version: i64,
    /// The position behind them.
    pub position: ReadPosition,
    /// What is kept of them.
    pub events: Vec<NewLogEvent>,
    /// Logs that are to be there, even without an event.
    pub logs: BTreeSet<LogCategory>,
}

/// Columns of events.
#[derive(Default)]
struct Columns {
    streams: Vec<i64>,
    at: Vec<i64>,
    positions: Vec<i64>,
    messages: Vec<String>,
}

impl PgStore {
    /// Stores the lines of several containers and how far their outputs were read, all in one transaction. Of a container
    /// whose position somebody else has changed, or whose broker is gone, nothing is stored. For each batch, whether it was
    /// stored; the position's version has then grown by one.
    ///
    /// # Errors
    /// As every method of [`PgStore`]; then nothing is stored.
    pub async fn append_logs(
        &self,
        batches: &[LogBatch],
        now: Timestamp,
    ) -> Result<Vec<bool>, StoreError> {
        // Always in the same order, so that transactions do not wait for each other in a circle.
        let mut order: Vec<usize> = (0..batches.len()).collect();
        order.sort_by(|one, other| batches[*one].container.cmp(&batches[*other].container));
        let mut stored = vec![false; batches.len()];
        let mut columns = Columns::default();
        let mut transaction = self.pool.begin().await?;
        for at in order {
            let batch = &batches[at];
            if !advance(&mut transaction, batch).await? {
                continue;
            }
            stored[at] = true;
            let mut by_log: BTreeMap<LogCategory, Vec<&NewLogEvent>> =
                batch.logs.iter().map(|log| (*log, Vec::new())).collect();
            for event in &batch.events {
                by_log.entry(event.category).or_default().push(event);
            }
            for (log, events) in by_log {
                append_to(&mut transaction, batch, log, &events, now, &mut columns).await?;
            }
        }
        let days: BTreeSet<i64> = columns.at.iter().map(|at| at.div_euclid(DAY)).collect();
        for day in days {
            sqlx::query!("select ensure_log_partition($1)", day).execute(&mut *transaction).await?;
        }
        if !columns.at.is_empty() {
            sqlx::query!(
                "insert into log_event (stream_id, at, position, ingested, message)
                 select stream_id, at, position, $5, message
                 from unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::text[])
                        as new (stream_id, at, position, message)",
                &columns.streams,
                &columns.at,
                &columns.positions,
                &columns.messages,
                now.as_micros()
            )
            .execute(&mut *transaction)
            .await?;
        }
        transaction.commit().await?;
        Ok(stored)
    }
}

/// Moves the position on; whether it was where the batch began.
async fn advance(transaction: &mut Transaction, batch: &LogBatch) -> Result<bool, StoreError> {
    let ReadPosition { stdout, stderr, category, day, day_bytes } = batch.position;
    let day_bytes = i64::try_from(day_bytes).unwrap_or(i64::MAX);
    let changed = if batch.version == 0 {
        sqlx::query!(
            "insert into log_position (container, broker_id, ordinal, version, stdout_at, stdout_ordinal, stderr_at,
                                       stderr_ordinal, category, day, day_bytes)
             select $1, id, $3, 1, $4, $5, $6, $7, $8, $9, $10 from broker where id = $2
             on conflict (container) do nothing",
            batch.container,
            batch.broker.uuid(),
            i16::from(batch.ordinal),
            stdout.at,
            stdout.ordinal,
            stderr.at,
            stderr.ordinal,
            category.as_str(),
            day,
            day_bytes
        )
        .execute(&mut **transaction)
        .await?
    } else {
        sqlx::query!(
            "update log_position
             set version = version + 1, stdout_at = $3, stdout_ordinal = $4, stderr_at = $5, stderr_ordinal = $6,
                 category = $7, day = $8, day_bytes = $9
             where container = $1 and version = $2",
            batch.container,
            batch.version,
            stdout.at,
            stdout.ordinal,
            stderr.at,
            stderr.ordinal,
            category.as_str(),
            day,
            day_bytes
        )
        .execute(&mut **transaction)
        .await?
    };
    Ok(changed.rows_affected() == 1)
}

/// A stream, locked: its id, the position of its last event, and when that was.
struct Locked {
    id: i64,
    position: i64,
    last_at: Option<i64>,
}

async fn append_to(
    transaction: &mut Transaction,
    batch: &LogBatch,
    log: LogCategory,
    events: &[&NewLogEvent],
    now: Timestamp,
    columns: &mut Columns,
) -> Result<(), StoreError> {
    let (group, stream) =
        (log.group(batch.broker), stream_name(batch.engine, batch.broker, batch.ordinal));
    let locked = match lock(transaction, &batch.scope, &group, &stream).await? {
        Some(locked) => locked,
        None => {
            create(transaction, &batch.scope, &group, &stream, now).await?;
            let created = lock(transaction, &batch.scope, &group, &stream).await?;
            created.ok_or_else(|| StoreError::Inconsistent {
                table: "log_stream",
                what: format!("{group}: deleted in this moment"),
            })?
        }
    };
    let Some(first) = events.first() else { return Ok(()) };
    let first_at = first.at.as_micros();
    let (mut last, mut position, mut bytes) = (locked.last_at, locked.position, 0);
    for event in events {
        let at = match (event.at.as_micros(), last) {
            (at, Some(last)) if at < last && last - at <= SET_BACK => last,
            (at, _) => at,
        };
        last = Some(at);
        position += 1;
        bytes += event.message.len();
        columns.streams.push(locked.id);
        columns.at.push(at);
        columns.positions.push(position);
        columns.messages.push(event.message.replace('\0', "\u{fffd}"));
    }
    sqlx::query!(
        "update log_stream
         set position = $2, bytes = bytes + $3, first_at = least(first_at, $4), last_at = $5, last_ingested = $6
         where id = $1",
        locked.id,
        position,
        i64::try_from(bytes).unwrap_or(i64::MAX),
        first_at,
        last,
        now.as_micros()
    )
    .execute(&mut **transaction)
    .await?;
    Ok(())
}

async fn lock(
    transaction: &mut Transaction,
    scope: &Scope,
    group: &str,
    stream: &str,
) -> Result<Option<Locked>, StoreError> {
    Ok(sqlx::query_as!(
        Locked,
        "select s.id, s.position, s.last_at from log_group g join log_stream s on s.group_id = g.id
         where g.account = $1 and g.region = $2 and g.name = $3 and s.name = $4 for update of s",
        scope.account.as_str(),
        scope.region.as_str(),
        group,
        stream
    )
    .fetch_optional(&mut **transaction)
    .await?)
}

async fn create(
    transaction: &mut Transaction,
    scope: &Scope,
    group: &str,
    stream: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    sqlx::query!(
        "insert into log_group (account, region, name, created) values ($1, $2, $3, $4)
         on conflict (account, region, name) do nothing",
        scope.account.as_str(),
        scope.region.as_str(),
        group,
        now.as_micros()
    )
    .execute(&mut **transaction)
    .await?;
    sqlx::query!(
        "insert into log_stream (group_id, name, created)
         select id, $4, $5 from log_group where account = $1 and region = $2 and name = $3
         on conflict (group_id, name) do nothing",
        scope.account.as_str(),
        scope.region.as_str(),
        group,
        stream,
        now.as_micros()
    )
    .execute(&mut **transaction)
    .await?;
    Ok(())
}
