//! The events of a broker: its history.

use brokerd_domain::{BrokerId, Event, EventKind, Scope, Timestamp};
use uuid::Uuid;

use crate::kernel::{PgStore, StoreError, pool::Transaction};

/// How many events are kept of a broker, the latest.
const EVENTS_KEPT: i64 = 1000;

impl PgStore {
    /// The newest events of a broker, newest first, without those that can't be read; none: this scope has no such
    /// broker.
    ///
    /// # Errors
    /// As every method.
    pub async fn events(
        &self,
        scope: &Scope,
        id: BrokerId,
        limit: u32,
    ) -> Result<Option<Vec<Event>>, StoreError> {
        let rows = sqlx::query!(
            "select e.at, e.kind, e.message from event e
             where e.broker_id = (select id from broker where id = $1 and account = $3 and region = $4)
             order by e.id desc limit $2",
            id.uuid(),
            i64::from(limit),
            scope.account.as_str(),
            scope.region.as_str()
        )
        .fetch_all(&self.pool)
        .await?;
        if rows.is_empty() && !self.has_broker(scope, id).await? {
            return Ok(None);
        }
        let read = |(at, kind, message): (i64, String, String)| {
            let known = EventKind::from_name(&kind)
                .ok_or_else(|| StoreError::Inconsistent { table: "event", what: kind });
            let kind = self.skipped.keep("event", id, known)?;
            Some(Event { at: Timestamp::from_micros(at), kind, message })
        };
        Ok(Some(
            rows.into_iter().map(|row| (row.at, row.kind, row.message)).filter_map(read).collect(),
        ))
    }
}

/// Adds events to a broker's history, whose oldest make room for them.
pub(crate) async fn insert_events(
    transaction: &mut Transaction,
    id: Uuid,
    events: &[Event],
) -> Result<(), StoreError> {
    for event in events {
        sqlx::query!(
            "with old as (
               delete from event where broker_id = $1 and id <= (
                 select id from event where broker_id = $1 order by id desc offset $5 limit 1)
             )
             insert into event (broker_id, at, kind, message) values ($1, $2, $3, $4)",
            id,
            event.at.as_micros(),
            event.kind.as_str(),
            event.message,
            EVENTS_KEPT - 1
        )
        .execute(&mut **transaction)
        .await?;
    }
    Ok(())
}
