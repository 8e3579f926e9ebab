//! The history of alarms.

use std::{fmt, str::FromStr, time::Duration};

use brokerd_domain::{
    Scope, Timestamp,
    alarm::{HistoryItem, HistoryItemType},
};

use crate::kernel::{PgStore, StoreError, pool::Transaction};

/// How long the history of alarms is kept.
///
/// Source: DescribeAlarmHistory of the CloudWatch API reference.
const ALARM_HISTORY_KEPT: Duration = Duration::from_hours(24 * 30);

/// Which items are meant: those that fulfil all of this.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HistoryFilter {
    /// Of this alarm.
    pub alarm: Option<String>,
    /// Of this kind.
    pub kind: Option<HistoryItemType>,
    /// Not before.
    pub from: Option<Timestamp>,
    /// Not after.
    pub to: Option<Timestamp>,
    /// Whether the oldest ones come first.
    pub oldest_first: bool,
}

/// The place of an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HistoryPosition {
    at: i64,
    id: i64,
}

/// Some items, and where the next ones are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistoryPage {
    /// The items.
    pub items: Vec<HistoryItem>,
    /// After which there are more.
    pub next: Option<HistoryPosition>,
}

impl fmt::Display for HistoryPosition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.at, self.id)
    }
}

impl FromStr for HistoryPosition {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (at, id) = text.split_once('.').unwrap_or((text, ""));
        Ok(Self { at: at.parse()?, id: id.parse()? })
    }
}

impl PgStore {
    /// The history of a scope's alarms, also of those that were deleted, without what can't be read.
    ///
    /// # Errors
    /// As every method of [`PgStore`].
    pub async fn alarm_history(
        &self,
        scope: &Scope,
        filter: &HistoryFilter,
        after: Option<HistoryPosition>,
        limit: u32,
    ) -> Result<HistoryPage, StoreError> {
        let mut rows = sqlx::query!(
            "select id, alarm, at, kind, summary, data from alarm_history
             where account = $1 and region = $2
               and ($3::text is null or alarm = $3) and ($4::text is null or kind = $4)
               and ($5::bigint is null or at >= $5) and ($6::bigint is null or at <= $6)
               and ($7::bigint is null or case when $9 then (at, id) > ($7, $8) else (at, id) < ($7, $8) end)
             order by case when $9 then at end, case when $9 then id end, at desc, id desc limit $10",
            scope.account.as_str(),
            scope.region.as_str(),
            filter.alarm,
            filter.kind.map(HistoryItemType::as_str),
            filter.from.map(Timestamp::as_micros),
            filter.to.map(Timestamp::as_micros),
            after.map(|after| after.at),
            after.map_or(0, |after| after.id),
            filter.oldest_first,
            i64::from(limit) + 1
        )
        .fetch_all(&self.pool)
        .await?;
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let has_more = rows.len() > limit;
        rows.truncate(limit);
        let last = rows.last().filter(|_| has_more);
        let next = last.map(|row| HistoryPosition { at: row.at, id: row.id });
        let items = rows.into_iter().filter_map(|row| {
            let kind = HistoryItemType::ALL.iter().copied().find(|kind| kind.as_str() == row.kind);
            let kind =
                kind.ok_or(StoreError::Inconsistent { table: "alarm_history", what: row.kind });
            Some(HistoryItem {
                kind: self.skipped.keep("alarm_history", row.id, kind)?,
                alarm: row.alarm,
                at: Timestamp::from_micros(row.at),
                summary: row.summary,
                data: row.data,
            })
        });
        Ok(HistoryPage { items: items.collect(), next })
    }

    /// Deletes the old history of alarms, up to `most` items; how many.
    /// As many: there may be more.
    ///
    /// # Errors
    /// As every method of [`PgStore`].
    pub async fn prune_alarm_history(&self, now: Timestamp, most: u32) -> Result<u64, StoreError> {
        let kept = i64::try_from(ALARM_HISTORY_KEPT.as_micros()).unwrap_or(i64::MAX);
        // A concurrent deletion takes other rows.
        let deleted = sqlx::query!(
            "delete from alarm_history where id in (
               select id from alarm_history where at < $1 order by at limit $2 for update skip locked)",
            now.as_micros().saturating_sub(kept),
            i64::from(most)
        )
        .execute(&self.pool)
        .await?;
        Ok(deleted.rows_affected())
    }
}

/// Adds an item.
pub(super) async fn insert_history(
    transaction: &mut Transaction,
    scope: &Scope,
    item: &HistoryItem,
) -> Result<(), StoreError> {
    sqlx::query!(
        "insert into alarm_history (account, region, alarm, at, kind, summary, data)
         values ($1, $2, $3, $4, $5, $6, $7)",
        scope.account.as_str(),
        scope.region.as_str(),
        item.alarm,
        item.at.as_micros(),
        item.kind.as_str(),
        item.summary,
        item.data
    )
    .execute(&mut **transaction)
    .await?;
    Ok(())
}
