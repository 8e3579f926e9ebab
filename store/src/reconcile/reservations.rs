//! The memory of the host: who has some of it reserved, and who waits in the queue.
//!
//! Every grant first locks the row of the host, before it takes any lease, so that grants are decided one at a time. A
//! broker's reservation is made by the holder of its lease; that it is granted may be decided by any provisioner, and
//! wakes the broker. A reservation is given back with the broker, with the failure of its creation, and by a reboot to a
//! smaller instance type.

use std::time::Duration;

use brokerd_domain::{
    AccountId, BrokerId, CapacityUse, Demand, GrantDecision, HostCapacity, HostInstanceType, Lease,
    Reservation, Timestamp,
};
use sqlx::PgExecutor;
use uuid::Uuid;

use crate::kernel::{Channel, PgStore, StoreError, fence::lock_lease, pool::Transaction};

impl PgStore {
    /// Puts a broker into the queue for memory, from `now` on unless it is there already, and grants what can be granted.
    ///
    /// # Errors
    /// [`StoreError::LeaseLost`].
    pub async fn reserve(
        &self,
        lease: &Lease,
        instances: u8,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let mut transaction = self.pool.begin().await?;
        let capacity = lock(&mut transaction).await?;
        lock_lease(&mut transaction, lease).await?;
        sqlx::query!(
            "insert into reservation (broker_id, instances, waits_since) values ($1, $2, $3)
             on conflict (broker_id) do nothing",
            lease.broker.uuid(),
            i16::from(instances),
            now.as_micros()
        )
        .execute(&mut *transaction)
        .await?;
        let woken = grant(&mut transaction, &capacity, Some(lease.broker), now).await?;
        transaction.commit().await?;
        self.notify_woken(woken);
        Ok(())
    }

    /// Grants a running broker the memory of a larger instance type, if there is enough behind those that wait.
    ///
    /// # Errors
    /// [`StoreError::LeaseLost`].
    pub async fn reserve_more(
        &self,
        lease: &Lease,
        instances: u8,
        tier: HostInstanceType,
        now: Timestamp,
    ) -> Result<GrantDecision, StoreError> {
        let mut transaction = self.pool.begin().await?;
        let capacity = lock(&mut transaction).await?;
        lock_lease(&mut transaction, lease).await?;
        let others = granted(&mut *transaction, &capacity, Some(lease.broker)).await?;
        let mut queue = queue(&mut *transaction, &capacity).await?;
        queue.retain(|demand| demand.broker != lease.broker);
        let bytes = capacity.of_instances(tier, instances);
        queue.push(Demand { broker: lease.broker, bytes, since: now });
        let admission = capacity.admit(others, &queue, now).pop();
        let admission = admission.unwrap_or(GrantDecision::Waits { missing_bytes: bytes });
        if admission == GrantDecision::Granted {
            sqlx::query!(
                "insert into reservation (broker_id, instances, instance_type) values ($1, $2, $3)
                 on conflict (broker_id) do update
                 set instance_type = excluded.instance_type, waits_since = null, missing_bytes = 0",
                lease.broker.uuid(),
                i16::from(instances),
                tier.name()
            )
            .execute(&mut *transaction)
            .await?;
        }
        transaction.commit().await?;
        Ok(admission)
    }

    /// Grants what can be granted to brokers that wait, because memory was given back or time has passed.
    ///
    /// # Errors
    /// As every method of [`PgStore`].
    pub async fn grant_waiting(&self, now: Timestamp) -> Result<(), StoreError> {
        let waiting = sqlx::query_scalar!(
            r#"select exists (select from reservation where waits_since is not null) as "waiting!""#
        )
        .fetch_one(&self.pool)
        .await?;
        if !waiting {
            return Ok(());
        }
        let mut transaction = self.pool.begin().await?;
        let capacity = lock(&mut transaction).await?;
        let woken = grant(&mut transaction, &capacity, None, now).await?;
        transaction.commit().await?;
        self.notify_woken(woken);
        Ok(())
    }

    /// Stores how much memory instances may use together, and grants what can be granted. Gives back what is in use
    /// afterwards.
    ///
    /// # Errors
    /// As every method of [`PgStore`].
    pub async fn report_capacity(
        &self,
        capacity: &HostCapacity,
        now: Timestamp,
    ) -> Result<CapacityUse, StoreError> {
        let memory = bytes(capacity.memory_bytes);
        let seconds = i64::try_from(capacity.wait_limit.as_secs()).unwrap_or(i64::MAX);
        sqlx::query!(
            "insert into host (memory_bytes, scale, wait_seconds) values ($1, $2, $3)
             on conflict (singleton) do update set memory_bytes = excluded.memory_bytes,
               scale = excluded.scale, wait_seconds = excluded.wait_seconds
             where (host.memory_bytes, host.scale, host.wait_seconds)
               is distinct from (excluded.memory_bytes, excluded.scale, excluded.wait_seconds)",
            memory,
            capacity.scale,
            seconds
        )
        .execute(&self.pool)
        .await?;
        self.grant_waiting(now).await?;
        self.capacity_use(capacity).await
    }

    /// How much memory instances may use together, and how much is in use; none: no provisioner has reported it yet.
    ///
    /// # Errors
    /// As every method of [`PgStore`].
    pub async fn capacity(&self) -> Result<Option<(HostCapacity, CapacityUse)>, StoreError> {
        let row = sqlx::query_as!(HostRow, "select memory_bytes, scale, wait_seconds from host")
            .fetch_optional(&self.pool)
            .await?;
        let Some(capacity) = row.map(HostCapacity::from) else { return Ok(None) };
        Ok(Some((capacity, self.capacity_use(&capacity).await?)))
    }

    /// How much memory instances may use together, and how much the brokers of an account use; none: no provisioner has
    /// reported it yet.
    ///
    /// # Errors
    /// As every method of [`PgStore`].
    pub async fn capacity_of_account(
        &self,
        account: &AccountId,
    ) -> Result<Option<(HostCapacity, CapacityUse)>, StoreError> {
        let row = sqlx::query_as!(HostRow, "select memory_bytes, scale, wait_seconds from host")
            .fetch_optional(&self.pool)
            .await?;
        let Some(capacity) = row.map(HostCapacity::from) else { return Ok(None) };
        let rows = sqlx::query!(
            r#"select coalesce(r.instance_type, b.spec ->> 'host_instance_type') as "instance_type!",
                      r.instance_type is not null as "is_granted!", r.instances
               from reservation r join broker b on b.id = r.broker_id
               where b.account = $1
                 and (r.instance_type is not null or (r.waits_since is not null and not b.deleting))"#,
            account.as_str()
        )
        .fetch_all(&self.pool)
        .await?;
        let mut used = CapacityUse::default();
        for row in rows {
            // A type that only a later brokerd knows counts for nothing here.
            let Some(tier) = HostInstanceType::from_name(&row.instance_type) else { continue };
            let bytes = capacity.of_instances(tier, u8::try_from(row.instances).unwrap_or(0));
            if row.is_granted {
                used.granted_bytes += bytes;
            } else {
                used.waiting_bytes += bytes;
                used.waiting += 1;
            }
        }
        Ok(Some((capacity, used)))
    }

    async fn capacity_use(&self, capacity: &HostCapacity) -> Result<CapacityUse, StoreError> {
        let granted_bytes = granted(&self.pool, capacity, None).await?;
        let queue = queue(&self.pool, capacity).await?;
        Ok(CapacityUse {
            granted_bytes,
            waiting_bytes: queue.iter().map(|demand| demand.bytes).sum(),
            waiting: u64::try_from(queue.len()).unwrap_or(u64::MAX),
        })
    }

    fn notify_woken(&self, woken: usize) {
        if woken > 0 {
            self.notifier.notify(Channel::Reconcile);
        }
    }
}

struct HostRow {
    memory_bytes: i64,
    scale: f64,
    wait_seconds: i64,
}

impl From<HostRow> for HostCapacity {
    fn from(row: HostRow) -> Self {
        Self {
            memory_bytes: u64::try_from(row.memory_bytes).unwrap_or(0),
            scale: row.scale,
            wait_limit: Duration::from_secs(u64::try_from(row.wait_seconds).unwrap_or(0)),
        }
    }
}

fn bytes(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// Locks the capacity: nobody else grants anything before this transaction ends.
async fn lock(transaction: &mut Transaction) -> Result<HostCapacity, StoreError> {
    let row =
        sqlx::query_as!(HostRow, "select memory_bytes, scale, wait_seconds from host for update")
            .fetch_optional(&mut **transaction)
            .await?;
    row.map(HostCapacity::from).ok_or_else(|| StoreError::Inconsistent {
        table: "host",
        what: "no provisioner has reported its memory".to_owned(),
    })
}

/// What is granted, in bytes: to all, or to all others.
async fn granted(
    executor: impl PgExecutor<'_>,
    capacity: &HostCapacity,
    but: Option<BrokerId>,
) -> Result<u64, StoreError> {
    let rows = sqlx::query!(
        r#"select instance_type as "instance_type!", sum(instances) as "instances!"
           from reservation where instance_type is not null and broker_id is distinct from $1
           group by instance_type"#,
        but.map(BrokerId::uuid)
    )
    .fetch_all(executor)
    .await?;
    // A type that only a later brokerd knows counts for nothing here.
    let of = |name: &str, instances| {
        let tier = HostInstanceType::from_name(name)?;
        Some(capacity.of_instance(tier).saturating_mul(u64::try_from(instances).unwrap_or(0)))
    };
    Ok(rows.iter().filter_map(|row| of(&row.instance_type, row.instances)).sum())
}

/// The queue, the longest waiting first.
async fn queue(
    executor: impl PgExecutor<'_>,
    capacity: &HostCapacity,
) -> Result<Vec<Demand>, StoreError> {
    let rows = sqlx::query!(
        r#"select r.broker_id, r.instances, r.waits_since as "waits_since!",
                  b.spec ->> 'host_instance_type' as "instance_type!"
           from reservation r join broker b on b.id = r.broker_id
           where r.waits_since is not null and not b.deleting
           order by r.waits_since, r.broker_id"#
    )
    .fetch_all(executor)
    .await?;
    Ok(rows
        .into_iter()
        .filter_map(|row| {
            let tier = HostInstanceType::from_name(&row.instance_type)?;
            Some(Demand {
                broker: BrokerId::from(row.broker_id),
                bytes: capacity.of_instances(tier, u8::try_from(row.instances).ok()?),
                since: Timestamp::from_micros(row.waits_since),
            })
        })
        .collect())
}

/// Grants what can be granted. How many brokers were woken, not counting the one whose pass this is.
async fn grant(
    transaction: &mut Transaction,
    capacity: &HostCapacity,
    own: Option<BrokerId>,
    now: Timestamp,
) -> Result<usize, StoreError> {
    let granted = granted(&mut **transaction, capacity, None).await?;
    let queue = queue(&mut **transaction, capacity).await?;
    let (mut admitted, mut waiting, mut missing) = (Vec::new(), Vec::new(), Vec::new());
    for (demand, admission) in queue.iter().zip(capacity.admit(granted, &queue, now)) {
        match admission {
            GrantDecision::Granted => admitted.push(demand.broker.uuid()),
            GrantDecision::Waits { missing_bytes } => {
                waiting.push(demand.broker.uuid());
                missing.push(bytes(missing_bytes));
            }
        }
    }
    // Their leases first: whoever holds one may be about to change the broker's reservation.
    let woken: Vec<Uuid> =
        admitted.iter().copied().filter(|id| Some(*id) != own.map(BrokerId::uuid)).collect();
    if !woken.is_empty() {
        sqlx::query!(
            "update reconcile set due_at = least(due_at, now()), wakes = wakes + 1
             where broker_id = any($1)",
            &woken
        )
        .execute(&mut **transaction)
        .await?;
    }
    if !admitted.is_empty() {
        sqlx::query!(
            "update reservation r
             set instance_type = b.spec ->> 'host_instance_type', waits_since = null, missing_bytes = 0
             from broker b where b.id = r.broker_id and r.broker_id = any($1)",
            &admitted
        )
        .execute(&mut **transaction)
        .await?;
    }
    if !waiting.is_empty() {
        sqlx::query!(
            "update reservation r set missing_bytes = w.missing
             from unnest($1::uuid[], $2::bigint[]) as w (broker_id, missing)
             where r.broker_id = w.broker_id and r.missing_bytes <> w.missing",
            &waiting,
            &missing
        )
        .execute(&mut **transaction)
        .await?;
    }
    Ok(woken.len())
}

/// What a broker has, from its row's columns.
pub(crate) fn reservation(
    instance_type: Option<&str>,
    waits_since: Option<i64>,
    missing_bytes: Option<i64>,
) -> Option<Reservation> {
    match (instance_type, waits_since) {
        (Some(name), _) => HostInstanceType::from_name(name).map(Reservation::Granted),
        (None, Some(since)) => Some(Reservation::Waiting {
            since: Timestamp::from_micros(since),
            missing_bytes: u64::try_from(missing_bytes.unwrap_or(0)).unwrap_or(0),
        }),
        (None, None) => None,
    }
}

/// A broker whose creation has failed keeps no reservation; every other completed broker keeps what it runs
/// with.
pub(crate) async fn update_reservation(
    transaction: &mut Transaction,
    broker: Uuid,
    failed: bool,
) -> Result<(), StoreError> {
    if failed {
        sqlx::query!("delete from reservation where broker_id = $1", broker)
            .execute(&mut **transaction)
            .await?;
        return Ok(());
    }
    sqlx::query!(
        "update reservation r
         set instance_type = b.spec ->> 'host_instance_type', waits_since = null, missing_bytes = 0
         from broker b where b.id = r.broker_id and b.id = $1
           and r.instance_type is distinct from b.spec ->> 'host_instance_type'",
        broker
    )
    .execute(&mut **transaction)
    .await?;
    Ok(())
}
