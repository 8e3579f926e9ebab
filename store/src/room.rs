//! Who has room on the host: decided here, by one at a time.
//!
//! Whoever grants anything first locks the row of the host, before it takes any lease. A broker's reservation is made by
//! whoever holds its lease; that it is granted may be decided by any provisioner, and wakes the broker. What is granted
//! is given back with the broker, with the failure of its creation, and by a reboot to a smaller instance type.

use std::time::Duration;

use brokerd_domain::{
    Admission, BrokerId, CapacityUse, Demand, HostCapacity, HostInstanceType, Lease, Reservation,
    Timestamp,
};
use sqlx::PgExecutor;
use uuid::Uuid;

use crate::{Channel, PgStore, StoreError, leases::hold, pool::Transaction};

impl PgStore {
    /// Has a broker wait for room, from `now` on unless it waits already, and grants what can be granted.
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
        let room = lock(&mut transaction).await?;
        hold(&mut transaction, lease).await?;
        sqlx::query!(
            "insert into reservation (broker_id, instances, waits_since) values ($1, $2, $3)
             on conflict (broker_id) do nothing",
            lease.broker.uuid(),
            i16::from(instances),
            now.as_micros()
        )
        .execute(&mut *transaction)
        .await?;
        let woken = grant(&mut transaction, &room, Some(lease.broker), now).await?;
        transaction.commit().await?;
        self.tell(woken);
        Ok(())
    }

    /// Grants a broker that runs room for instances of a larger type, if there is: behind those that wait. How many
    /// bytes are missing otherwise.
    ///
    /// # Errors
    /// [`StoreError::LeaseLost`].
    pub async fn reserve_more(
        &self,
        lease: &Lease,
        instances: u8,
        tier: HostInstanceType,
        now: Timestamp,
    ) -> Result<Admission, StoreError> {
        let mut transaction = self.pool.begin().await?;
        let room = lock(&mut transaction).await?;
        hold(&mut transaction, lease).await?;
        let others = granted(&mut *transaction, &room, Some(lease.broker)).await?;
        let mut line = line(&mut *transaction, &room).await?;
        line.retain(|demand| demand.broker != lease.broker);
        let bytes = room.of_instances(tier, instances);
        line.push(Demand { broker: lease.broker, bytes, since: now });
        let turn = room.admit(others, &line, now).pop();
        let turn = turn.unwrap_or(Admission::Waits { missing_bytes: bytes });
        if turn == Admission::Granted {
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
        Ok(turn)
    }

    /// Grants what can be granted to those that wait, because something was given back or time has passed.
    ///
    /// # Errors
    /// As every method.
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
        let room = lock(&mut transaction).await?;
        let woken = grant(&mut transaction, &room, None, now).await?;
        transaction.commit().await?;
        self.tell(woken);
        Ok(())
    }

    /// Tells what instances may use together, and grants what can be granted; how the room is used then.
    ///
    /// # Errors
    /// As every method.
    pub async fn report_capacity(
        &self,
        room: &HostCapacity,
        now: Timestamp,
    ) -> Result<CapacityUse, StoreError> {
        let memory = bytes(room.memory_bytes);
        let seconds = i64::try_from(room.patience.as_secs()).unwrap_or(i64::MAX);
        sqlx::query!(
            "insert into host (memory_bytes, scale, wait_seconds) values ($1, $2, $3)
             on conflict (singleton) do update set memory_bytes = excluded.memory_bytes,
               scale = excluded.scale, wait_seconds = excluded.wait_seconds
             where (host.memory_bytes, host.scale, host.wait_seconds)
               is distinct from (excluded.memory_bytes, excluded.scale, excluded.wait_seconds)",
            memory,
            room.scale,
            seconds
        )
        .execute(&self.pool)
        .await?;
        self.grant_waiting(now).await?;
        self.room_use(room).await
    }

    /// What instances may use together, and how that is used; none: no provisioner has told yet.
    ///
    /// # Errors
    /// As every method.
    pub async fn capacity(&self) -> Result<Option<(HostCapacity, CapacityUse)>, StoreError> {
        let row = sqlx::query_as!(HostRow, "select memory_bytes, scale, wait_seconds from host")
            .fetch_optional(&self.pool)
            .await?;
        let Some(room) = row.map(HostCapacity::from) else { return Ok(None) };
        Ok(Some((room, self.room_use(&room).await?)))
    }

    async fn room_use(&self, room: &HostCapacity) -> Result<CapacityUse, StoreError> {
        let granted_bytes = granted(&self.pool, room, None).await?;
        let line = line(&self.pool, room).await?;
        Ok(CapacityUse {
            granted_bytes,
            waiting_bytes: line.iter().map(|demand| demand.bytes).sum(),
            waiting: u64::try_from(line.len()).unwrap_or(u64::MAX),
        })
    }

    fn tell(&self, woken: usize) {
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
            patience: Duration::from_secs(u64::try_from(row.wait_seconds).unwrap_or(0)),
        }
    }
}

fn bytes(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// The room, which nobody else shares out before this transaction ends.
async fn lock(transaction: &mut Transaction) -> Result<HostCapacity, StoreError> {
    let row =
        sqlx::query_as!(HostRow, "select memory_bytes, scale, wait_seconds from host for update")
            .fetch_optional(&mut **transaction)
            .await?;
    row.map(HostCapacity::from).ok_or_else(|| StoreError::Inconsistent {
        table: "host",
        what: "no provisioner has told what there is".to_owned(),
    })
}

/// What is granted, in bytes: to all, or to all others.
async fn granted(
    executor: impl PgExecutor<'_>,
    room: &HostCapacity,
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
        Some(room.of_instance(tier).saturating_mul(u64::try_from(instances).unwrap_or(0)))
    };
    Ok(rows.iter().filter_map(|row| of(&row.instance_type, row.instances)).sum())
}

/// Who waits, the longest first.
async fn line(
    executor: impl PgExecutor<'_>,
    room: &HostCapacity,
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
                bytes: room.of_instances(tier, u8::try_from(row.instances).ok()?),
                since: Timestamp::from_micros(row.waits_since),
            })
        })
        .collect())
}

/// Grants what can be granted. How many brokers were woken, not counting the one whose pass this is.
async fn grant(
    transaction: &mut Transaction,
    room: &HostCapacity,
    own: Option<BrokerId>,
    now: Timestamp,
) -> Result<usize, StoreError> {
    let granted = granted(&mut **transaction, room, None).await?;
    let line = line(&mut **transaction, room).await?;
    let (mut in_turn, mut waiting, mut missing) = (Vec::new(), Vec::new(), Vec::new());
    for (demand, turn) in line.iter().zip(room.admit(granted, &line, now)) {
        match turn {
            Admission::Granted => in_turn.push(demand.broker.uuid()),
            Admission::Waits { missing_bytes } => {
                waiting.push(demand.broker.uuid());
                missing.push(bytes(missing_bytes));
            }
        }
    }
    // Their leases first: whoever holds one may be about to change the broker's reservation.
    let woken: Vec<Uuid> =
        in_turn.iter().copied().filter(|id| Some(*id) != own.map(BrokerId::uuid)).collect();
    if !woken.is_empty() {
        sqlx::query!(
            "update reconcile set due_at = least(due_at, now()), wakes = wakes + 1
             where broker_id = any($1)",
            &woken
        )
        .execute(&mut **transaction)
        .await?;
    }
    if !in_turn.is_empty() {
        sqlx::query!(
            "update reservation r
             set instance_type = b.spec ->> 'host_instance_type', waits_since = null, missing_bytes = 0
             from broker b where b.id = r.broker_id and r.broker_id = any($1)",
            &in_turn
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

/// Nothing is kept for a broker whose creation has failed; what else was brought to completion has what it runs with.
pub(crate) async fn settle(
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
