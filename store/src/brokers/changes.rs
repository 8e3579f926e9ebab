//! Which brokers have changed, for whoever shows them to people.

use std::time::Duration;

use brokerd_domain::{BrokerId, Scope};
use serde::Deserialize;
use sqlx::types::Json;
use uuid::Uuid;

use crate::kernel::{PgStore, StoreError};

/// How long the removal of a broker is kept for those who show brokers, and read changes every few seconds.
const REMOVED_KEPT: Duration = Duration::from_hours(24);

/// A broker that has changed, or is gone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BrokerChange {
    /// The broker.
    pub broker: BrokerId,
    /// Whose it is, or was.
    pub scope: Scope,
    /// Whether it is gone.
    pub is_removed: bool,
    /// The number of the transaction: the same change has the same one, however often it is told.
    pub transaction: u64,
}

/// When changes were read, for [`PgStore::broker_changes`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BrokerChangeCursor {
    /// The number of the oldest transaction that was under way.
    oldest: u64,
    /// The number of the transaction that was to be the next one.
    next: u64,
}

impl BrokerChangeCursor {
    /// Whether it is before another one: then the database is not the one that the other moment is of, or an earlier state
    /// of it.
    pub const fn is_before(&self, other: &Self) -> bool {
        self.next < other.next
    }
}

#[derive(Debug, Deserialize)]
struct ChangeRow {
    id: Uuid,
    account: String,
    region: String,
    removed: bool,
    changed: String,
}

impl ChangeRow {
    fn change(self) -> Result<BrokerChange, StoreError> {
        let wrong = |what: &str| StoreError::Inconsistent {
            table: "broker",
            what: format!("{}: {what}", self.id),
        };
        Ok(BrokerChange {
            broker: BrokerId::from(self.id),
            scope: Scope {
                account: self.account.parse().map_err(|_| wrong(&self.account))?,
                region: self.region.parse().map_err(|_| wrong(&self.region))?,
            },
            is_removed: self.removed,
            transaction: self.changed.parse().map_err(|_| wrong(&self.changed))?,
        })
    }
}

impl PgStore {
    /// The brokers of all accounts that have changed since a moment, and the moment that this was read. It holds everything
    /// that was committed since then, and possibly some of what was committed shortly before, which was told already.
    /// Without a moment nothing has changed.
    ///
    /// # Errors
    /// As every method of [`PgStore`].
    pub async fn broker_changes(
        &self,
        since: Option<&BrokerChangeCursor>,
    ) -> Result<(Vec<BrokerChange>, BrokerChangeCursor), StoreError> {
        // A transaction that a snapshot does not see is not older than the oldest one that was under way in it. A number
        // from the future is that of another server, from which the database was restored.
        let row = sqlx::query!(
            r#"with changes as (
                 select id, account, region, false as removed, changed from broker
                 where changed >= $1::text::xid8 and changed < pg_snapshot_xmax(pg_current_snapshot())
                 union all
                 select b.id, b.account, b.region, false, f.changed
                 from fault f join broker b on b.id = f.broker_id
                 where f.changed >= $1::text::xid8 and f.changed < pg_snapshot_xmax(pg_current_snapshot())
                 union all
                 select broker_id, account, region, true, changed from removed_broker
                 where changed >= $1::text::xid8 and changed < pg_snapshot_xmax(pg_current_snapshot())
               )
               select pg_snapshot_xmin(pg_current_snapshot())::text as "oldest!",
                      pg_snapshot_xmax(pg_current_snapshot())::text as "next!",
                      (select coalesce(json_agg(json_build_object(
                                'id', id, 'account', account, 'region', region, 'removed', removed,
                                'changed', changed::text)), '[]')
                       from changes) as "changes!: Json<Vec<ChangeRow>>""#,
            since.map(|moment| moment.oldest.to_string())
        )
        .fetch_one(&self.pool)
        .await?;
        let read = |row: ChangeRow| self.skipped.keep("broker", row.id, row.change());
        let changes = row.changes.0.into_iter().filter_map(read).collect();
        let number = |text: String| {
            text.parse().map_err(|_| StoreError::Inconsistent {
                table: "broker",
                what: format!("{text} is not a number of a transaction"),
            })
        };
        let mut moment =
            BrokerChangeCursor { oldest: number(row.oldest)?, next: number(row.next)? };
        // A transaction of another database of the server puts it back.
        if let Some(since) = since.filter(|since| !moment.is_before(since)) {
            moment.oldest = moment.oldest.max(since.oldest);
        }
        Ok((changes, moment))
    }

    /// Deletes what is known of removed brokers that nobody shows any more, up to `most`; how many.
    /// As many: there may be more.
    ///
    /// # Errors
    /// As every method of [`PgStore`].
    pub async fn prune_removed_brokers(&self, most: u32) -> Result<u64, StoreError> {
        // A concurrent deletion takes other rows.
        let deleted = sqlx::query!(
            "delete from removed_broker where broker_id in (
               select broker_id from removed_broker where at < now() - make_interval(secs => $1)
               order by at limit $2 for update skip locked)",
            REMOVED_KEPT.as_secs_f64(),
            i64::from(most)
        )
        .execute(&self.pool)
        .await?;
        Ok(deleted.rows_affected())
    }
}
