//! RebootBroker, DeleteBroker and maintenance: requests that leave the specification as it is.

use brokerd_domain::{Broker, BrokerId, EventKind, Scope, Timestamp};

use crate::kernel::{
    Channel, PgStore, StoreError,
    broker_row::{BrokerRow, select_broker},
};

impl PgStore {
    /// Counts a reboot, if the broker is still as `seen`; false: look again. It applies what waits, also what
    /// could not be applied before.
    ///
    /// # Errors
    /// As every method of [`PgStore`].
    pub async fn request_reboot(&self, seen: &Broker, now: Timestamp) -> Result<bool, StoreError> {
        self.count_reboot(seen, EventKind::Request, "RebootBroker accepted", false, now).await
    }

    /// Counts a reboot in the broker's maintenance window, if the broker is still as `seen`, and that the
    /// window did something; false: look again.
    ///
    /// # Errors
    /// As every method of [`PgStore`].
    pub async fn request_maintenance(
        &self,
        seen: &Broker,
        reason: &str,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        self.count_reboot(seen, EventKind::Maintenance, reason, true, now).await
    }

    /// Locks the lease before the broker, as every recording does: the other way round they would lock
    /// each other out.
    async fn count_reboot(
        &self,
        seen: &Broker,
        kind: EventKind,
        message: &str,
        in_window: bool,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let changed = sqlx::query_scalar!(
            r#"with l as (
                 select broker_id from reconcile where broker_id = $1 for update
               ), b as (
                 update broker set reboots_requested = reboots_requested + 1,
                   maintained = case when $7 then $4 else maintained end,
                   not_applied = case when $7 then not_applied end
                 from l
                 where id = l.broker_id and generation = $2 and reboots_requested = $3 and not deleting
                 returning id
               ), d as (
                 update reconcile set due_at = least(due_at, now()), wakes = wakes + 1, attempt = 0
                 from b where broker_id = b.id
               ), e as (
                 insert into event (broker_id, at, kind, message) select id, $4, $5, $6 from b
               )
               select id from b"#,
            seen.id.uuid(),
            seen.generation.0,
            i64::from(seen.reboots_requested),
            now.as_micros(),
            kind.as_str(),
            message,
            in_window
        )
        .fetch_optional(&self.pool)
        .await?;
        self.notifier.notify(Channel::Reconcile);
        Ok(changed.is_some())
    }

    /// Every broker that has something to do in its maintenance window, with when a window last did something. Those
    /// that can't be read are skipped.
    ///
    /// # Errors
    /// As every method of [`PgStore`].
    pub async fn maintenance_candidates(
        &self,
    ) -> Result<Vec<(Broker, Option<Timestamp>)>, StoreError> {
        // Which of them are due is decided elsewhere. Most brokers have nothing that waits and need not be read for it.
        let rows = select_broker!(
            "where not b.deleting
               and (b.status ->> 'maintenance' is not null or b.pending <> '{}'
                 or b.configurations ->> 'pending' is not null
                 or exists (select from broker_user u
                            where u.broker_id = b.id and u.listed and u.pending_change is not null))
             order by b.id"
        )
        .fetch_all(&self.pool)
        .await?;
        if rows.is_empty() {
            return Ok(Vec::new());
        }
        let ids: Vec<uuid::Uuid> = rows.iter().map(|row| row.id).collect();
        let windows = sqlx::query!(
            r#"select id, maintained as "maintained!" from broker
               where id = any($1) and maintained is not null"#,
            &ids
        )
        .fetch_all(&self.pool)
        .await?;
        let maintained: std::collections::HashMap<_, _> = windows
            .into_iter()
            .map(|row| (row.id, Timestamp::from_micros(row.maintained)))
            .collect();
        let read = |row: BrokerRow| {
            let id = row.id;
            let broker = self.skipped.keep("broker", id, row.broker(&self.skipped))?;
            Some((broker, maintained.get(&id).copied()))
        };
        Ok(rows.into_iter().filter_map(read).collect())
    }

    /// Marks a broker for deletion, once; false: it does not exist any more. Locks the lease first.
    ///
    /// # Errors
    /// As every method of [`PgStore`].
    pub async fn request_delete(
        &self,
        scope: &Scope,
        id: BrokerId,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let there = sqlx::query_scalar!(
            r#"with l as (
                 select broker_id from reconcile where broker_id = $1 for update
               ), b as (
                 update broker set deleting = true, generation = generation + 1 from l
                 where id = l.broker_id and account = $2 and region = $3 and not deleting
                 returning id, tags
               ), d as (
                 update reconcile set due_at = least(due_at, now()), wakes = wakes + 1, attempt = 0,
                   urgent = false
                 from b where broker_id = b.id
               ), e as (
                 insert into event (broker_id, at, kind, message)
                 select id, $4, 'request', 'DeleteBroker accepted' from b
               ), p as (
                 update reported_broker r set deleted = $4, tags = b.tags from b where r.broker_id = b.id
               ), m as (
                 update metered_interval i set ended = greatest(i.began, $4) from b
                 where i.broker_id = b.id and i.ended is null
               ), a as (
                 update availability_interval i set ended = greatest(i.began, $4) from b
                 where i.broker_id = b.id and i.ended is null
               ), o as (
                 update instance_outage i set ended = greatest(i.began, $4) from b
                 where i.broker_id = b.id and i.ended is null
               )
               select exists (select from broker where id = $1 and account = $2 and region = $3) as "there!""#,
            id.uuid(),
            scope.account.as_str(),
            scope.region.as_str(),
            now.as_micros()
        )
        .fetch_one(&self.pool)
        .await?;
        self.notifier.notify(Channel::Reconcile);
        Ok(there)
    }
}
