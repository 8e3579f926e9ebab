//! The record of a pass.

use brokerd_domain::{
    ActionRequired, BrokerSpec, BrokerStatus, Configurations, Event, EventKind, Lease, PassReport,
    PendingChanges, Timestamp,
};
use serde_json::json;
use sqlx::types::Json;
use uuid::Uuid;

use super::reservations;
use crate::{
    brokers::{counted::counted_columns, events::insert_events},
    kernel::{Channel, PgStore, StoreError, pool::Transaction},
    reports::{availability, metering},
};

impl PgStore {
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
            r#"select status as "status: Json<BrokerStatus>", reboots_requested, not_applied, deleting,
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
        // Nothing is promised any more of what is being deleted.
        let change = report.change.as_ref().filter(|_| !row.deleting);
        if let Some((availability, _)) = change.and_then(|change| change.transitions.availability) {
            status.availability = Some(availability);
        }
        sqlx::query!(
            "update broker set status = $2, configurations = $3 where id = $1",
            id,
            json!(status),
            json!(configurations)
        )
        .execute(&mut *transaction)
        .await?;
        if applied {
            apply_pending(&mut transaction, id, report.at).await?;
        }
        if failed || rebooted {
            reservations::update_reservation(&mut transaction, id, failed).await?;
        }
        if failed {
            metering::cancel(&mut transaction, id).await?;
        }
        if let Some(change) = change {
            availability::change(&mut transaction, id, change).await?;
        }
        insert_events(&mut transaction, id, &report.events).await?;
        if report.observed_generation.is_some() || report.reboots_done.is_some() {
            end_trace(&mut transaction, id, &status).await?;
        }
        transaction.commit().await?;
        // The limits of another tier, another engine version's ports.
        self.notifier.notify(if applied { Channel::Routes } else { Channel::Brokers });
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
        self.notifier.notify(Channel::Brokers);
        Ok(())
    }

    /// Removes every trace of a deleted broker but its configuration, which the service keeps too, and
    /// the fact that it was there.
    ///
    /// # Errors
    /// [`StoreError::LeaseLost`].
    pub async fn delete_broker_record(&self, lease: &Lease) -> Result<(), StoreError> {
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
async fn apply_pending(
    transaction: &mut Transaction,
    id: Uuid,
    at: Timestamp,
) -> Result<(), StoreError> {
    let row = sqlx::query!(
        r#"select spec as "spec: Json<BrokerSpec>", pending as "pending: Json<PendingChanges>"
           from broker where id = $1"#,
        id
    )
    .fetch_one(&mut **transaction)
    .await?;
    let spec = row.pending.0.applied_to(&row.spec.0);
    metering::change(transaction, id, (&row.spec.0, &spec), at).await?;
    let (memory_mib, storage_gib) = counted_columns(&spec, &PendingChanges::default());
    sqlx::query!(
        "update broker set spec = $2, pending = '{}', pending_ldap_password = null,
           ldap_password = case when $3 then coalesce(pending_ldap_password, ldap_password) end,
           memory_mib = $4, storage_gib = $5
         where id = $1",
        id,
        json!(spec),
        spec.ldap.is_some(),
        memory_mib,
        storage_gib
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

/// The trace of a request ends when the broker is as was asked for. A later request has its own.
async fn end_trace(
    transaction: &mut Transaction,
    id: Uuid,
    status: &BrokerStatus,
) -> Result<(), StoreError> {
    sqlx::query!(
        "update reconcile r set trace = null
         from broker b
         where r.broker_id = $1 and r.trace is not null and b.id = $1
           and b.generation = $2 and b.reboots_requested <= $3",
        id,
        status.observed_generation.map_or(-1, |generation| generation.0),
        i64::from(status.reboots_done)
    )
    .execute(&mut **transaction)
    .await?;
    Ok(())
}
