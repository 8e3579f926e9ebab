//! What a pass reads and records.

use brokerd_domain::{
    ActionRequired, Broker, BrokerId, BrokerSpec, BrokerStatus, BrokerUser, Configurations,
    EngineType, Event, EventKind, Lease, PassReport, PendingChanges, Protocol, Target, Timestamp,
};
use secrecy::{SecretBox, SecretString};
use serde_json::json;
use sqlx::types::Json;
use uuid::Uuid;

use crate::{
    Channel, PgStore, StoreError, Work,
    pool::Transaction,
    room::{self, reservation},
    rows::{UserRow, select_broker},
    sealed::{LDAP_PASSWORD, MATERIALS, Place},
};

fn materials_place(broker: Uuid) -> Place {
    MATERIALS.place(&[broker.to_string()])
}

impl PgStore {
    /// Everything known of the leased broker; none: it is gone.
    ///
    /// # Errors
    /// As every method.
    pub async fn load(&self, lease: &Lease) -> Result<Option<Work>, StoreError> {
        self.load_as(lease, |broker| broker).await
    }

    /// The same, as if the outstanding reboot had not been asked for ([`Broker::before_reboot`]).
    ///
    /// # Errors
    /// As every method.
    pub async fn load_before_reboot(&self, lease: &Lease) -> Result<Option<Work>, StoreError> {
        self.load_as(lease, Broker::before_reboot).await
    }

    async fn load_as(
        &self,
        lease: &Lease,
        seen_as: impl FnOnce(Broker) -> Broker + Send,
    ) -> Result<Option<Work>, StoreError> {
        let id = lease.broker.uuid();
        let Some(row) = select_broker!("where b.id = $1", id).fetch_optional(&self.pool).await?
        else {
            return Ok(None);
        };
        let mut broker = seen_as(row.broker(&self.skipped)?);
        let reference = broker.wanted_configuration();
        let applies_pending = broker.applies_pending();
        broker.spec = broker.wanted_spec();
        let rest = sqlx::query!(
            r#"select (select materials from broker_secret where broker_id = $1) as materials,
                      (select data from configuration_revision
                       where configuration_id = $2 and revision = $3) as configuration,
                      (select case when $4 then coalesce(pending_ldap_password, ldap_password)
                              else ldap_password end
                       from broker where id = $1) as ldap_password,
                      r.instance_type as "instance_type?", r.waits_since as "waits_since?",
                      r.missing_bytes as "missing_bytes?"
               from (select) as one left join reservation r on r.broker_id = $1"#,
            id,
            reference.map(|r| r.id.uuid()),
            reference.map(|r| r.revision),
            applies_pending
        )
        .fetch_one(&self.pool)
        .await?;
        // Whoever can't be made anew is watched and deleted all the same.
        let mut unreadable = None;
        let materials =
            rest.materials.map(|sealed| self.key.open(&materials_place(id), &sealed)).transpose();
        let materials = readable(materials, &mut unreadable)?
            .flatten()
            .map(|opened| SecretBox::new(Box::new(opened.to_vec())));
        let ldap_password =
            rest.ldap_password.map(|sealed| self.open_ldap_password(id, &sealed)).transpose();
        let ldap_password = readable(ldap_password, &mut unreadable)?.flatten();
        let users = self.users(id, broker.spec.engine_type, applies_pending).await;
        let users = readable(users, &mut unreadable)?.unwrap_or_default();
        let targets = self.targets(id).await?;
        let faults = self.faults_under_way(id).await?;
        let configuration = rest.configuration.unwrap_or_default();
        let reservation =
            reservation(rest.instance_type.as_deref(), rest.waits_since, rest.missing_bytes);
        let running = self.running_engine(lease.broker).await?;
        Ok(Some(Work {
            broker,
            users,
            ldap_password,
            configuration,
            materials,
            targets,
            faults,
            running,
            reservation,
            unreadable,
        }))
    }

    /// The password of the directory that is in force; none: there is no directory.
    ///
    /// # Errors
    /// [`StoreError::Seal`] when it was sealed with another master key.
    pub async fn ldap_password(
        &self,
        broker: BrokerId,
    ) -> Result<Option<SecretString>, StoreError> {
        let id = broker.uuid();
        let sealed = sqlx::query_scalar!("select ldap_password from broker where id = $1", id)
            .fetch_optional(&self.pool)
            .await?
            .flatten();
        sealed.map(|sealed| self.open_ldap_password(id, &sealed)).transpose()
    }

    fn open_ldap_password(&self, broker: Uuid, sealed: &[u8]) -> Result<SecretString, StoreError> {
        let opened = self.key.open(&LDAP_PASSWORD.place(&[broker.to_string()]), sealed)?;
        String::from_utf8(opened.to_vec())
            .map(SecretString::from)
            .map_err(|_| StoreError::Seal("directory password"))
    }

    /// The users as they are; while a reboot is outstanding that applies what waits, as they will be after it.
    async fn users(
        &self,
        broker: Uuid,
        engine: EngineType,
        applies_pending: bool,
    ) -> Result<Vec<BrokerUser>, StoreError> {
        let rows = sqlx::query_as!(
            UserRow,
            r#"select broker_id, username,
                      case when $2 then coalesce(pending_password, password) else password end
                        as "password!",
                      case when $2 then coalesce(pending -> 'groups', groups) else groups end
                        as "groups!: crate::rows::Raw",
                      case when $2 then coalesce((pending -> 'console_access')::bool, console_access)
                        else console_access end as "console_access!",
                      case when $2 then coalesce((pending -> 'replication_user')::bool, replication_user)
                        else replication_user end as "replication_user!"
               from broker_user
               where broker_id = $1
                 and pending_change is distinct from case when $2 then 'DELETE' else 'CREATE' end
               order by username"#,
            broker,
            applies_pending
        )
        .fetch_all(&self.pool)
        .await?;
        rows.into_iter().map(|row| row.open(engine, &self.key)).collect()
    }

    async fn targets(&self, broker: Uuid) -> Result<Vec<Target>, StoreError> {
        let rows = sqlx::query!(
            "select ordinal, protocol, targets from endpoint where broker_id = $1
             order by ordinal, port",
            broker
        )
        .fetch_all(&self.pool)
        .await?;
        rows.into_iter().map(|row| target(row.ordinal, &row.protocol, row.targets)).collect()
    }

    /// What can't be observed again of up to `most` brokers, in the order of their ids, from behind `last` on.
    ///
    /// # Errors
    /// [`StoreError::Seal`] when something was sealed with another master key.
    pub async fn materials_after(
        &self,
        last: Option<BrokerId>,
        most: i64,
    ) -> Result<Vec<(BrokerId, SecretBox<Vec<u8>>)>, StoreError> {
        let rows = sqlx::query!(
            "select broker_id, materials from broker_secret
             where $1::uuid is null or broker_id > $1 order by broker_id limit $2",
            last.map(BrokerId::uuid),
            most
        )
        .fetch_all(&self.pool)
        .await?;
        let open = |id: Uuid, sealed: &[u8]| {
            let opened = self.key.open(&materials_place(id), sealed)?;
            Ok((BrokerId::from(id), SecretBox::new(Box::new(opened.to_vec()))))
        };
        rows.into_iter().map(|row| open(row.broker_id, &row.materials)).collect()
    }

    /// Seals and stores what can't be observed again.
    ///
    /// # Errors
    /// [`StoreError::LeaseLost`].
    pub async fn save_materials(&self, lease: &Lease, materials: &[u8]) -> Result<(), StoreError> {
        let id = lease.broker.uuid();
        let sealed = self.key.seal(&*self.entropy, &materials_place(id), materials)?;
        let mut transaction = self.fenced(lease).await?;
        sqlx::query!(
            "insert into broker_secret (broker_id, materials) values ($1, $2)
             on conflict (broker_id) do update set materials = excluded.materials",
            id,
            sealed
        )
        .execute(&mut *transaction)
        .await?;
        transaction.commit().await?;
        Ok(())
    }

    /// Records a pass. When that completes the broker's first generation, its configuration is in force;
    /// when it completes the last reboot that was asked for, everything that waited is, unless it was found
    /// that it can't be.
    ///
    /// # Errors
    /// [`StoreError::LeaseLost`].
    pub async fn record(&self, lease: &Lease, report: &PassReport) -> Result<(), StoreError> {
        let mut transaction = self.fenced(lease).await?;
        let id = lease.broker.uuid();
        let row = sqlx::query!(
            r#"select status as "status: Json<BrokerStatus>", reboots_requested, not_applied,
                      configurations as "configurations: Json<Configurations>"
               from broker where id = $1 for update"#,
            id
        )
        .fetch_optional(&mut *transaction)
        .await?;
        let Some(row) = row else { return Err(StoreError::LeaseLost) };
        let (mut status, mut configurations) = (row.status.0, row.configurations.0);
        let first = status.observed_generation.is_none() && report.observed_generation.is_some();
        let rebooted = report.reboots_done.is_some_and(|done| {
            done > status.reboots_done && i64::from(done) == row.reboots_requested
        });
        let applied = rebooted && row.not_applied.is_none();
        if first || applied {
            configurations = configurations.applied();
        }
        let failed = status.failure.is_none() && report.failure.is_some();
        status.observed_generation = report.observed_generation.or(status.observed_generation);
        status.reboots_done = report.reboots_done.unwrap_or(status.reboots_done);
        status.failure.clone_from(&report.failure);
        status.sentence.clone_from(&report.sentence);
        status.reason.clone_from(&report.reason);
        status.reported.clone_from(&report.reported);
        status.conditions.clone_from(&report.conditions);
        status.actions_required.clone_from(&report.actions_required);
        status.maintenance.clone_from(&report.maintenance);
        status.links_down.clone_from(&report.links_down);
        sqlx::query!(
            "update broker set status = $2, configurations = $3 where id = $1",
            id,
            json!(status),
            json!(configurations)
        )
        .execute(&mut *transaction)
        .await?;
        if applied {
            apply_pending(&mut transaction, id).await?;
        }
        if failed || rebooted {
            room::settle(&mut transaction, id, failed).await?;
        }
        insert_events(&mut transaction, id, &report.events).await?;
        transaction.commit().await?;
        if applied {
            // The limits of another tier, another engine version's ports.
            self.notifier.notify(Channel::Routes);
        }
        Ok(())
    }

    /// Gives up applying what waits, all of it: the instances are made anew from what was in force before. What
    /// waits stays, with the reason and the codes that the service has for it, until its owner corrects it or tries
    /// again.
    ///
    /// # Errors
    /// [`StoreError::LeaseLost`].
    pub async fn give_up_pending(
        &self,
        lease: &Lease,
        why: &str,
        actions: &[ActionRequired],
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let mut transaction = self.fenced(lease).await?;
        let id = lease.broker.uuid();
        // Counting one more reboot makes the instances of the one given up stale, however many there are.
        let given_up = sqlx::query!(
            "update broker set reboots_requested = reboots_requested + 1, not_applied = $2,
               not_applied_actions = $3
             where id = $1 and not_applied is null",
            id,
            why,
            json!(actions)
        )
        .execute(&mut *transaction)
        .await?;
        if given_up.rows_affected() > 0 {
            let message = format!("the pending changes are not applied: {why}");
            let event = Event { at: now, kind: EventKind::Failure, message };
            insert_events(&mut transaction, id, &[event]).await?;
        }
        transaction.commit().await?;
        Ok(())
    }

    /// Removes every trace of a deleted broker but its configuration, which the service keeps too, and
    /// the fact that it was there.
    ///
    /// # Errors
    /// [`StoreError::LeaseLost`].
    pub async fn forget(&self, lease: &Lease) -> Result<(), StoreError> {
        // Deleting the lease row needs more than the shared lock that other transactions take.
        let forgotten = sqlx::query!(
            "with b as (
               delete from broker where id = $1 and deleting and exists (
                 select from reconcile where broker_id = $1 and lease_holder = $2
                   and lease_epoch = $3 and lease_expires_at > now() for update)
               returning id
             )
             insert into forgotten_broker (broker_id) select id from b",
            lease.broker.uuid(),
            lease.holder.uuid(),
            lease.epoch
        )
        .execute(&self.pool)
        .await?;
        if forgotten.rows_affected() == 0 && self.forgotten(&[lease.broker]).await?.is_empty() {
            return Err(StoreError::LeaseLost);
        }
        self.notifier.notify(Channel::Routes);
        Ok(())
    }
}

/// Puts everything that waited in force, but the configuration.
async fn apply_pending(transaction: &mut Transaction, id: Uuid) -> Result<(), StoreError> {
    let row = sqlx::query!(
        r#"select spec as "spec: Json<BrokerSpec>", pending as "pending: Json<PendingChanges>"
           from broker where id = $1"#,
        id
    )
    .fetch_one(&mut **transaction)
    .await?;
    let spec = row.pending.0.applied_to(&row.spec.0);
    sqlx::query!(
        "update broker set spec = $2, pending = '{}', pending_ldap_password = null,
           ldap_password = case when $3 then coalesce(pending_ldap_password, ldap_password) end
         where id = $1",
        id,
        json!(spec),
        spec.ldap.is_some()
    )
    .execute(&mut **transaction)
    .await?;
    sqlx::query!("delete from broker_user where broker_id = $1 and pending_change = 'DELETE'", id)
        .execute(&mut **transaction)
        .await?;
    sqlx::query!(
        "update broker_user
         set pending_change = null, pending = null, pending_password = null,
             password = coalesce(pending_password, password),
             groups = coalesce(pending -> 'groups', groups),
             console_access = coalesce((pending -> 'console_access')::bool, console_access),
             replication_user = coalesce((pending -> 'replication_user')::bool, replication_user)
         where broker_id = $1 and pending_change is not null",
        id
    )
    .execute(&mut **transaction)
    .await?;
    Ok(())
}

/// How many events are kept of a broker, the latest.
const EVENTS_KEPT: i64 = 1000;

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

/// One target, from its columns.
pub(crate) fn target(
    ordinal: i16,
    protocol: &str,
    addresses: serde_json::Value,
) -> Result<Target, StoreError> {
    let inconsistent = |what: String| StoreError::Inconsistent { table: "endpoint", what };
    Ok(Target {
        ordinal: u8::try_from(ordinal).map_err(|error| inconsistent(error.to_string()))?,
        protocol: Protocol::from_name(protocol).ok_or_else(|| inconsistent(protocol.to_owned()))?,
        addresses: serde_json::from_value(addresses).map_err(|e| inconsistent(e.to_string()))?,
    })
}

/// What was read; none: it is damaged, or sealed with another key, which `unreadable` tells.
fn readable<T>(
    read: Result<T, StoreError>,
    unreadable: &mut Option<String>,
) -> Result<Option<T>, StoreError> {
    match read {
        Ok(read) => Ok(Some(read)),
        Err(
            error @ (StoreError::Seal(_) | StoreError::Inconsistent { .. } | StoreError::Text(_)),
        ) => {
            unreadable.get_or_insert(error.to_string());
            Ok(None)
        }
        Err(error) => Err(error),
    }
}
