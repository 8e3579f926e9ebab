//! The events of a broker: its history.

use brokerd_domain::{BrokerId, Event, EventKind, Scope, Timestamp};
use uuid::Uuid;

use crate::kernel::{PgStore, StoreError, pool::Transaction};

/// How many events are kept of a broker, the latest.
const EVENTS_KEPT: i64 = 1000;

/// A page of a broker's events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BrokerEventPage {
    /// The events, newest first. Those that can't be read are left out.
    pub events: Vec<Event>,
    /// What the next page comes after, if there are older ones.
    pub next: Option<i64>,
}

impl PgStore {
    /// The newest events of a broker, or those that are older than `after`, the [`BrokerEventPage::next`] of another page, at
    /// most `limit`; none: this scope has no such broker.
    ///
    /// # Errors
    /// As every method of [`PgStore`].
    pub async fn events(
        &self,
        scope: &Scope,
        id: BrokerId,
        after: Option<i64>,
        limit: u32,
    ) -> Result<Option<BrokerEventPage>, StoreError> {
        let mut rows = sqlx::query!(
            "select e.id, e.at, e.kind, e.message from event e
             where e.broker_id = (select id from broker where id = $1 and account = $3 and region = $4)
               and ($5::bigint is null or e.id < $5)
             order by e.id desc limit $2",
            id.uuid(),
            i64::from(limit) + 1,
            scope.account.as_str(),
            scope.region.as_str(),
            after
        )
        .fetch_all(&self.pool)
        .await?;
        if rows.is_empty() && !self.has_broker(scope, id).await? {
            return Ok(None);
        }
        let most = usize::try_from(limit).unwrap_or(usize::MAX);
        let has_more = rows.len() > most;
        rows.truncate(most);
        let next = rows.last().filter(|_| has_more).map(|row| row.id);
        let read = |(at, kind, message): (i64, String, String)| {
            let known = EventKind::from_name(&kind)
                .ok_or_else(|| StoreError::Inconsistent { table: "event", what: kind });
            let kind = self.skipped.keep("event", id, known)?;
            Some(Event { at: Timestamp::from_micros(at), kind, message })
        };
        let events = rows.into_iter().map(|row| (row.at, row.kind, row.message)).filter_map(read);
        Ok(Some(BrokerEventPage { events: events.collect(), next }))
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
