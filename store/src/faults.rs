//! Faults: their requests and their progress.

use std::time::Duration;

use brokerd_domain::{
    AffectedInstance, BrokerId, Event, EventKind, Fault, FaultId, FaultKind, Lease, MAX_FAULTS,
    Scope, Timestamp,
};
use serde_json::json;
use uuid::Uuid;

use crate::{
    brokers::events::insert_events,
    kernel::{
        Channel, PgStore, StoreError,
        json::{Raw, read_json},
    },
};

/// How many faults of a broker are remembered after they are over.
const ENDED_KEPT: i64 = 100;
/// How long a fault is shown after it is over.
const FAULTS_KEPT: Duration = Duration::from_hours(24 * 30);

/// The outcome of CreateFault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FaultOutcome {
    /// It is stored.
    Created,
    /// There is no such broker, or it is being deleted.
    BrokerNotFound,
    /// The broker has as many faults under way as it may have.
    TooMany,
}

struct FaultRow {
    id: Uuid,
    spec: Raw,
    starts: i64,
    ends: i64,
    struck: Option<Raw>,
    ended: Option<i64>,
    reason: Option<String>,
}

impl TryFrom<FaultRow> for Fault {
    type Error = StoreError;

    fn try_from(row: FaultRow) -> Result<Self, StoreError> {
        let id = FaultId::from(row.id);
        Ok(Self {
            id,
            spec: read_json("fault", id, &row.spec)?,
            starts: Timestamp::from_micros(row.starts),
            ends: Timestamp::from_micros(row.ends),
            affected: row.struck.map(|struck| read_json("fault", id, &struck)).transpose()?,
            ended: row.ended.map(Timestamp::from_micros),
            reason: row.reason,
        })
    }
}

impl PgStore {
    /// Stores a fault and makes its broker due. Locks the lease first, which also serialises the
    /// faults of a broker, so that they can be counted.
    ///
    /// # Errors
    /// As every method of [`PgStore`].
    pub async fn create_fault(
        &self,
        broker: BrokerId,
        fault: &Fault,
    ) -> Result<FaultOutcome, StoreError> {
        let mut transaction = self.pool.begin().await?;
        let id = broker.uuid();
        let woken = sqlx::query!(
            "update reconcile set due_at = least(due_at, now()), wakes = wakes + 1, attempt = 0
             from broker b where broker_id = $1 and b.id = broker_id and not b.deleting",
            id
        )
        .execute(&mut *transaction)
        .await?;
        if woken.rows_affected() == 0 {
            return Ok(FaultOutcome::BrokerNotFound);
        }
        let under_way = sqlx::query_scalar!(
            r#"select count(*) as "count!" from fault where broker_id = $1 and ended is null"#,
            id
        )
        .fetch_one(&mut *transaction)
        .await?;
        if under_way >= i64::from(MAX_FAULTS) {
            return Ok(FaultOutcome::TooMany);
        }
        sqlx::query!(
            "insert into fault (id, broker_id, spec, starts, ends) values ($1, $2, $3, $4, $5)",
            fault.id.uuid(),
            id,
            json!(fault.spec),
            fault.starts.as_micros(),
            fault.ends.as_micros()
        )
        .execute(&mut *transaction)
        .await?;
        sqlx::query!(
            "delete from fault where id in (
               select id from fault where broker_id = $1 and ended is not null
               order by starts desc, id offset $2)",
            id,
            ENDED_KEPT
        )
        .execute(&mut *transaction)
        .await?;
        let message = format!("fault {} accepted: {}", fault.id, fault.spec);
        let event = Event { at: fault.starts, kind: EventKind::Request, message };
        insert_events(&mut transaction, id, &[event]).await?;
        transaction.commit().await?;
        self.notifier.notify(Channel::Reconcile);
        Ok(FaultOutcome::Created)
    }

    /// The newest faults of a broker, newest first, without those that can't be read; none: this scope has no such broker.
    ///
    /// # Errors
    /// As every method of [`PgStore`].
    pub async fn faults(
        &self,
        scope: &Scope,
        broker: BrokerId,
        limit: u32,
    ) -> Result<Option<Vec<Fault>>, StoreError> {
        let rows = sqlx::query_as!(
            FaultRow,
            r#"select id, spec as "spec: Raw", starts, ends,
                      struck as "struck: Raw", ended, reason
               from fault
               where broker_id = (select id from broker where id = $1 and account = $3 and region = $4)
               order by starts desc, id limit $2"#,
            broker.uuid(),
            i64::from(limit),
            scope.account.as_str(),
            scope.region.as_str()
        )
        .fetch_all(&self.pool)
        .await?;
        if rows.is_empty() && !self.has_broker(scope, broker).await? {
            return Ok(None);
        }
        Ok(Some(self.readable_faults(rows)))
    }

    /// A fault, if this scope has the broker and the broker has it.
    ///
    /// # Errors
    /// As every method of [`PgStore`].
    pub async fn fault(
        &self,
        scope: &Scope,
        broker: BrokerId,
        fault: FaultId,
    ) -> Result<Option<Fault>, StoreError> {
        let row = sqlx::query_as!(
            FaultRow,
            r#"select f.id, f.spec as "spec: Raw", f.starts, f.ends,
                      f.struck as "struck: Raw", f.ended, f.reason
               from fault f join broker b on b.id = f.broker_id
               where f.id = $1 and b.id = $2 and b.account = $3 and b.region = $4"#,
            fault.uuid(),
            broker.uuid(),
            scope.account.as_str(),
            scope.region.as_str()
        )
        .fetch_optional(&self.pool)
        .await?;
        row.map(Fault::try_from).transpose()
    }

    /// Lets a fault's time be over and makes its broker due; one that is over already stays as it is.
    /// Locks the lease first. False: this scope has no such fault.
    ///
    /// # Errors
    /// As every method of [`PgStore`].
    pub async fn request_heal(
        &self,
        scope: &Scope,
        broker: BrokerId,
        fault: FaultId,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let there = sqlx::query_scalar!(
            r#"with l as (
                 select r.broker_id from reconcile r join broker b on b.id = r.broker_id
                 where b.id = $2 and b.account = $3 and b.region = $4 for update of r
               ), f as (
                 update fault set ends = $5 from l
                 where id = $1 and fault.broker_id = l.broker_id and ended is null and ends > $5
                 returning fault.broker_id
               ), d as (
                 update reconcile set due_at = least(due_at, now()), wakes = wakes + 1, attempt = 0
                 from f where reconcile.broker_id = f.broker_id
               ), e as (
                 insert into event (broker_id, at, kind, message)
                 select broker_id, $5, 'request', $6 from f
               )
               select exists (
                 select from fault join l on l.broker_id = fault.broker_id where id = $1) as "there!""#,
            fault.uuid(),
            broker.uuid(),
            scope.account.as_str(),
            scope.region.as_str(),
            now.as_micros(),
            format!("fault {fault}: early end requested")
        )
        .fetch_one(&self.pool)
        .await?;
        self.notifier.notify(Channel::Reconcile);
        Ok(there)
    }

    /// The faults of a broker that are not over, oldest first. One that can't be read is skipped.
    pub(crate) async fn faults_under_way(&self, broker: Uuid) -> Result<Vec<Fault>, StoreError> {
        let rows = sqlx::query_as!(
            FaultRow,
            r#"select id, spec as "spec: Raw", starts, ends,
                      struck as "struck: Raw", ended, reason
               from fault where broker_id = $1 and ended is null order by starts, id"#,
            broker
        )
        .fetch_all(&self.pool)
        .await?;
        Ok(self.readable_faults(rows))
    }

    fn readable_faults(&self, rows: Vec<FaultRow>) -> Vec<Fault> {
        let read = |row: FaultRow| self.skipped.keep("fault", row.id, Fault::try_from(row));
        rows.into_iter().filter_map(read).collect()
    }

    /// Records what a fault affects, once and before anything is done to it.
    ///
    /// # Errors
    /// [`StoreError::LeaseLost`].
    pub async fn start_fault(
        &self,
        lease: &Lease,
        fault: &Fault,
        affected: &[AffectedInstance],
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let mut transaction = self.fenced(lease).await?;
        let id = lease.broker.uuid();
        let changed = sqlx::query!(
            "update fault set struck = $3
             where id = $1 and broker_id = $2 and struck is null and ended is null",
            fault.id.uuid(),
            id,
            json!(affected)
        )
        .execute(&mut *transaction)
        .await?;
        if changed.rows_affected() == 1 {
            let message = format!("fault {} started: {}", fault.id, fault.spec);
            let event = Event { at: now, kind: EventKind::Verdict, message };
            insert_events(&mut transaction, id, &[event]).await?;
        }
        transaction.commit().await?;
        self.announce_latency(fault);
        Ok(())
    }

    /// Records that a fault is over and nothing of it is left.
    ///
    /// # Errors
    /// [`StoreError::LeaseLost`].
    pub async fn end_fault(
        &self,
        lease: &Lease,
        fault: &Fault,
        how: &str,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let mut transaction = self.fenced(lease).await?;
        let id = lease.broker.uuid();
        let changed = sqlx::query!(
            "update fault set ended = $3, reason = $4
             where id = $1 and broker_id = $2 and ended is null",
            fault.id.uuid(),
            id,
            now.as_micros(),
            how
        )
        .execute(&mut *transaction)
        .await?;
        if changed.rows_affected() == 1 {
            let message = format!("fault {} ended: {how}", fault.id);
            let event = Event { at: now, kind: EventKind::Verdict, message };
            insert_events(&mut transaction, id, &[event]).await?;
        }
        transaction.commit().await?;
        self.announce_latency(fault);
        Ok(())
    }

    /// Deletes faults that are over for long, up to `most`; how many.
    /// As many: there may be more.
    ///
    /// # Errors
    /// As every method of [`PgStore`].
    pub async fn prune_faults(&self, now: Timestamp, most: u32) -> Result<u64, StoreError> {
        let kept = i64::try_from(FAULTS_KEPT.as_micros()).unwrap_or(i64::MAX);
        // A concurrent deletion takes other rows.
        let deleted = sqlx::query!(
            "delete from fault where id in (
               select id from fault where ended < $1 order by ended limit $2 for update skip locked)",
            now.as_micros().saturating_sub(kept),
            i64::from(most)
        )
        .execute(&self.pool)
        .await?;
        Ok(deleted.rows_affected())
    }

    /// Latency is the gateways' to add, and they read it with their table.
    fn announce_latency(&self, fault: &Fault) {
        if fault.spec.kind == FaultKind::Latency {
            self.notifier.notify(Channel::Routes);
        }
    }
}
