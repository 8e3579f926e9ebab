//! Ownership: which provisioner watches which broker.
//!
//! The provisioner that claims a broker first owns it, as long as its heartbeat has not expired. A heartbeat is one
//! statement for all of its brokers; it also releases the brokers of provisioners whose heartbeat expired.

use std::time::Duration;

use brokerd_domain::{BrokerId, WorkerId};

use crate::kernel::{Channel, PgStore, StoreError, notify::notify_now};

/// What a heartbeat found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HeartbeatOutcome {
    /// Whether the heartbeat had not expired. If it had, others may own its brokers now.
    pub continued: bool,
    /// How many brokers of dead provisioners were freed.
    pub freed: u64,
}

impl PgStore {
    /// Stores a heartbeat of a provisioner, valid for `ttl`, and releases the brokers of provisioners whose heartbeat
    /// expired.
    ///
    /// # Errors
    /// As every method of [`PgStore`].
    pub async fn heartbeat(
        &self,
        worker: WorkerId,
        ttl: Duration,
    ) -> Result<HeartbeatOutcome, StoreError> {
        let row = sqlx::query!(
            r#"with dead as (
                 delete from provisioner where expires_at < now() and id <> $1 returning id, seen_at
               ), freed as (
                 update reconcile r
                 set owner = null, due_at = least(r.due_at, now()), wakes = r.wakes + 1,
                   unwatched_since = coalesce(r.unwatched_since, greatest(dead.seen_at, (
                     -- Who recorded something had looked. In microseconds, added as such: they keep their last digit.
                     select 'epoch'::timestamptz + max(i.began) * interval '1 microsecond'
                     from availability_interval i where i.broker_id = r.broker_id)))
                 from dead where r.owner = dead.id returning 1
               ), me as (
                 insert into provisioner (id, expires_at, seen_at)
                 values ($1, now() + make_interval(secs => $2), now())
                 on conflict (id) do update set expires_at = excluded.expires_at, seen_at = excluded.seen_at
                 returning xmax::text <> '0' as continued
               )
               select (select continued from me) as "continued!", (select count(*) from freed) as "freed!""#,
            worker.uuid(),
            ttl.as_secs_f64()
        )
        .fetch_one(&self.pool)
        .await?;
        let freed = u64::try_from(row.freed).unwrap_or(0);
        if freed > 0 {
            self.notifier.notify(Channel::Reconcile);
        }
        Ok(HeartbeatOutcome { continued: row.continued, freed })
    }

    /// Releases all leases and brokers of a provisioner that is dead or stops, and notifies listeners at once; returns
    /// how many brokers. If the provisioner is alive after all, its leases are lost.
    ///
    /// # Errors
    /// As every method of [`PgStore`].
    pub async fn release_worker(&self, worker: WorkerId) -> Result<u64, StoreError> {
        let given = sqlx::query!(
            "with gone as (delete from provisioner where id = $1 returning seen_at)
             update reconcile
             set owner = null, lease_holder = null, lease_expires_at = null,
                 lease_epoch = lease_epoch + 1, due_at = least(due_at, now()), wakes = wakes + 1,
                 unwatched_since = coalesce(unwatched_since, greatest((select seen_at from gone), (
                   select 'epoch'::timestamptz + max(i.began) * interval '1 microsecond'
                   from availability_interval i where i.broker_id = reconcile.broker_id)), now())
             where owner = $1 or lease_holder = $1",
            worker.uuid()
        )
        .execute(&self.pool)
        .await?;
        // Not by the notifier, which the end of the process might forestall.
        notify_now(&self.pool, Channel::Reconcile).await?;
        Ok(given.rows_affected())
    }

    /// Makes brokers of a provisioner due now that back off after a failure: this one, or all; returns how many.
    ///
    /// # Errors
    /// As every method of [`PgStore`].
    pub async fn end_back_off(
        &self,
        worker: WorkerId,
        broker: Option<BrokerId>,
    ) -> Result<u64, StoreError> {
        let woken = sqlx::query!(
            "update reconcile set due_at = least(due_at, now()), wakes = wakes + 1
             where owner = $1 and attempt > 0 and broker_id = coalesce($2, broker_id)",
            worker.uuid(),
            broker.map(BrokerId::uuid)
        )
        .execute(&self.pool)
        .await?
        .rows_affected();
        if woken > 0 {
            self.notifier.notify(Channel::Reconcile);
        }
        Ok(woken)
    }
}
