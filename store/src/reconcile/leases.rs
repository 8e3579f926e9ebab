//! Leases: which worker may work on which broker, and for how long.
//!
//! A claim is a short transaction of its own; nothing is locked while a worker works. What makes
//! stale work harmless is that every recording transaction first takes the lease row with the right
//! holder and epoch, unexpired by the database's clock.

use std::time::Duration;

use brokerd_domain::{BrokerId, Lane, Lease, Next, WorkerId};
use uuid::Uuid;

use crate::kernel::{Channel, PgStore, StoreError};

/// The first pause after a failed pass; it doubles with each further one.
const FIRST_PAUSE: f64 = 5.0;
/// The longest pause between failed passes.
const MAX_PAUSE: f64 = 300.0;
/// How long it is remembered that a broker is gone: what a runtime that was away for longer still has of it is not
/// removed any more.
const TOMBSTONE_RETENTION: Duration = Duration::from_hours(24 * 90);
/// Among how many due brokers accounts take turns; a longer backlog is looked at from its oldest end.
const MAX_COMPARED_BROKERS: i64 = 2000;

impl PgStore {
    /// Claims brokers that are due, not leased, and not owned by another provisioner that lives. Of one lane, or of
    /// both. Accounts take turns, counting what of theirs is worked on already; of one account, the longest due first.
    ///
    /// # Errors
    /// As every method of [`PgStore`].
    pub async fn claim_due(
        &self,
        worker: WorkerId,
        lane: Option<Lane>,
        ttl: Duration,
        limit: u32,
    ) -> Result<Vec<Lease>, StoreError> {
        let rows = sqlx::query!(
            r#"with held as (
                 select b.account, count(*) as brokers
                 from reconcile r join broker b on b.id = r.broker_id
                 where r.lease_expires_at > now() group by b.account
               ), due as (
                 select r.broker_id, r.due_at, b.account
                 from reconcile r join broker b on b.id = r.broker_id
                 where r.due_at <= now() and (r.lease_expires_at is null or r.lease_expires_at < now())
                   and (r.owner is null or r.owner = $1 or not exists (
                     select from provisioner p where p.id = r.owner and p.expires_at > now()))
                   and r.urgent = coalesce($4, r.urgent)
                 order by r.due_at limit $5
               ), ranked as (
                 select broker_id, due_at, coalesce(h.brokers, 0)
                   + row_number() over (partition by account order by due_at) as turn
                 from due left join held h using (account)
               ), chosen as (
                 select r.broker_id
                 from ranked join reconcile r using (broker_id)
                 where r.due_at <= now() and (r.lease_expires_at is null or r.lease_expires_at < now())
                 order by ranked.turn, ranked.due_at limit $3
                 for update of r skip locked
               )
               update reconcile r
               set owner = $1, lease_holder = $1, lease_epoch = r.lease_epoch + 1,
                   lease_expires_at = now() + make_interval(secs => $2)
               from chosen where chosen.broker_id = r.broker_id
               returning r.broker_id, r.wakes, r.lease_epoch, r.attempt"#,
            worker.uuid(),
            ttl.as_secs_f64(),
            i64::from(limit),
            lane.map(|lane| lane == Lane::Urgent),
            MAX_COMPARED_BROKERS
        )
        .fetch_all(&self.pool)
        .await?;
        Ok(rows
            .into_iter()
            .map(|row| Lease {
                broker: BrokerId::from(row.broker_id),
                holder: worker,
                epoch: row.lease_epoch,
                wakes: row.wakes,
                attempt: u32::try_from(row.attempt).unwrap_or(0),
            })
            .collect())
    }

    /// Claims a broker that `worker` watches since its claim of that epoch, whether it is due or not; none: somebody
    /// has claimed it since, or it is gone. Should the lease run out, the broker is due.
    ///
    /// # Errors
    /// As every method of [`PgStore`].
    pub async fn claim_watched(
        &self,
        worker: WorkerId,
        broker: BrokerId,
        epoch: i64,
        ttl: Duration,
    ) -> Result<Option<Lease>, StoreError> {
        let row = sqlx::query!(
            "update reconcile
             set lease_holder = $2, lease_epoch = lease_epoch + 1, due_at = least(due_at, now()),
                 lease_expires_at = now() + make_interval(secs => $4)
             where broker_id = $1 and owner = $2 and lease_epoch = $3 and lease_holder is null
             returning wakes, lease_epoch, attempt",
            broker.uuid(),
            worker.uuid(),
            epoch,
            ttl.as_secs_f64()
        )
        .fetch_optional(&self.pool)
        .await?;
        Ok(row.map(|row| Lease {
            broker,
            holder: worker,
            epoch: row.lease_epoch,
            wakes: row.wakes,
            attempt: u32::try_from(row.attempt).unwrap_or(0),
        }))
    }

    /// How long until `worker` can claim the next broker of a lane, if there is any. Leased ones don't count: their
    /// holders know.
    ///
    /// # Errors
    /// As every method of [`PgStore`].
    pub async fn next_due(
        &self,
        worker: WorkerId,
        lane: Option<Lane>,
    ) -> Result<Option<Duration>, StoreError> {
        let seconds = sqlx::query_scalar!(
            r#"select extract(epoch from due_at - clock_timestamp())::float8 as "seconds!"
               from reconcile
               where (lease_expires_at is null or lease_expires_at < now())
                 and (owner is null or owner = $1) and urgent = coalesce($2, urgent)
               order by due_at limit 1"#,
            worker.uuid(),
            lane.map(|lane| lane == Lane::Urgent)
        )
        .fetch_optional(&self.pool)
        .await?;
        Ok(seconds.map(|s| Duration::try_from_secs_f64(s.max(0.0)).unwrap_or(Duration::ZERO)))
    }

    /// Prolongs a lease.
    ///
    /// # Errors
    /// [`StoreError::LeaseLost`], as every method that takes a lease.
    pub async fn renew(&self, lease: &Lease, ttl: Duration) -> Result<(), StoreError> {
        let renewed = sqlx::query!(
            "update reconcile set lease_expires_at = now() + make_interval(secs => $4)
             where broker_id = $1 and lease_holder = $2 and lease_epoch = $3
               and lease_expires_at > now()",
            lease.broker.uuid(),
            lease.holder.uuid(),
            lease.epoch,
            ttl.as_secs_f64()
        )
        .execute(&self.pool)
        .await?;
        held(renewed.rows_affected())
    }

    /// Gives the lease back; its holder goes on owning the broker. If the broker was woken since it was claimed, it is
    /// due at once, whatever `next` says, because the pass may not have seen why; gives back whether it was. If nobody had
    /// watched the broker before, somebody has from now on. `urgent`
    /// decides in which lane it is claimed when it is due.
    ///
    /// # Errors
    /// [`StoreError::LeaseLost`].
    pub async fn release(
        &self,
        lease: &Lease,
        next: Next,
        urgent: bool,
    ) -> Result<bool, StoreError> {
        let (pause, attempt) = match next {
            Next::Now => (0.0, 0),
            Next::After(pause) => (pause.as_secs_f64(), 0),
            Next::BackOff => (self.back_off(lease.attempt), lease.attempt.saturating_add(1)),
        };
        let woken = sqlx::query_scalar!(
            r#"with released as (
                 update reconcile
                 set lease_holder = null, lease_expires_at = null, urgent = $7, unwatched_since = null,
                     attempt = case when wakes = $4 then $5 else 0 end,
                     due_at = case when wakes = $4 then now() + make_interval(secs => $6) else now() end
                 where broker_id = $1 and lease_holder = $2 and lease_epoch = $3
                   and lease_expires_at > now()
                 returning wakes <> $4 as woken
               ), watched as (
                 -- As it was before this statement.
                 insert into watch_gap (broker_id, began, ended)
                 select r.broker_id, (extract(epoch from r.unwatched_since) * 1000000)::bigint,
                        (extract(epoch from now()) * 1000000)::bigint
                 from reconcile r, released
                 where r.broker_id = $1 and r.unwatched_since is not null
               )
               select woken as "woken!" from released"#,
            lease.broker.uuid(),
            lease.holder.uuid(),
            lease.epoch,
            lease.wakes,
            i32::try_from(attempt).unwrap_or(i32::MAX),
            pause,
            urgent
        )
        .fetch_optional(&self.pool)
        .await?;
        woken.ok_or(StoreError::LeaseLost)
    }

    /// Seconds until the next try: doubles with every failed pass, ±20 % jitter.
    fn back_off(&self, attempt: u32) -> f64 {
        let doubled = FIRST_PAUSE * f64::from(1_u32 << attempt.min(10));
        let chance = f64::from(u32::try_from(self.entropy.below(400)).unwrap_or(200)) / 1000.0;
        doubled.min(MAX_PAUSE) * (0.8 + chance)
    }

    /// Makes a broker due now; unknown ones are ignored.
    ///
    /// # Errors
    /// As every method of [`PgStore`].
    pub async fn wake(&self, broker: BrokerId) -> Result<(), StoreError> {
        sqlx::query!(
            "update reconcile set due_at = least(due_at, now()), wakes = wakes + 1
             where broker_id = $1",
            broker.uuid()
        )
        .execute(&self.pool)
        .await?;
        self.notifier.notify(Channel::Reconcile);
        Ok(())
    }

    /// Which of these brokers were deleted, and have nothing left that anybody needs.
    ///
    /// # Errors
    /// As every method of [`PgStore`].
    pub async fn forgotten(&self, brokers: &[BrokerId]) -> Result<Vec<BrokerId>, StoreError> {
        let ids: Vec<Uuid> = brokers.iter().map(|broker| broker.uuid()).collect();
        let found = sqlx::query_scalar!(
            "select broker_id from forgotten_broker f where broker_id = any($1)
               and not exists (select from broker where id = f.broker_id)",
            &ids
        )
        .fetch_all(&self.pool)
        .await?;
        Ok(found.into_iter().map(BrokerId::from).collect())
    }

    /// Forgets brokers that are gone for long, up to `most`; how many.
    /// As many: there may be more.
    ///
    /// # Errors
    /// As every method of [`PgStore`].
    pub async fn prune_forgotten_brokers(&self, most: u32) -> Result<u64, StoreError> {
        // A concurrent deletion takes other rows.
        let deleted = sqlx::query!(
            "delete from forgotten_broker where broker_id in (
               select broker_id from forgotten_broker where at < now() - make_interval(secs => $1)
               order by at limit $2 for update skip locked)",
            TOMBSTONE_RETENTION.as_secs_f64(),
            i64::from(most)
        )
        .execute(&self.pool)
        .await?;
        Ok(deleted.rows_affected())
    }
}

const fn held(rows: u64) -> Result<(), StoreError> {
    if rows == 1 { Ok(()) } else { Err(StoreError::LeaseLost) }
}
