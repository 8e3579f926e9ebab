//! UpdateBroker, and the transaction in which every change of a broker is made.

use brokerd_domain::{
    Broker, BrokerUpdate, ConfigurationRef, Timestamp, UpdatedMember, identity::AccountQuota,
};
use serde_json::json;

use super::counted::counted_columns;
use crate::{
    kernel::{Channel, PgStore, StoreError, pool::Transaction},
    reports::metering,
};

/// The outcome of UpdateBroker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UpdateOutcome {
    /// It is stored.
    Updated,
    /// The broker is not any more as the caller saw it: look again.
    Changed,
    /// The configuration it would wait for does not exist any more.
    ConfigurationNotFound,
    /// The broker would have more than a quota of the account leaves.
    OverQuota(AccountQuota),
}

impl PgStore {
    /// A transaction that changes a broker: its generation rises, it is due at once and its history tells
    /// why. None: it is not as it was `seen` any more. The caller commits and notifies.
    ///
    /// Locks the lease before the broker, as every recording does.
    pub(crate) async fn begin_change(
        &self,
        seen: &Broker,
        now: Timestamp,
        message: &str,
    ) -> Result<Option<Transaction>, StoreError> {
        let mut transaction = self.pool.begin().await?;
        let changed = sqlx::query_scalar!(
            r#"with l as (
                 select broker_id from reconcile where broker_id = $1 for update
               ), b as (
                 update broker set generation = generation + 1 from l
                 where id = l.broker_id and generation = $2 and reboots_requested = $3 and not deleting
                 returning id
               ), d as (
                 update reconcile set due_at = least(due_at, now()), wakes = wakes + 1, attempt = 0
                 from b where broker_id = b.id
               ), e as (
                 insert into event (broker_id, at, kind, message) select id, $4, 'request', $5 from b
               )
               select id from b"#,
            seen.id.uuid(),
            seen.generation.0,
            i64::from(seen.reboots_requested),
            now.as_micros(),
            message
        )
        .fetch_optional(&mut *transaction)
        .await?;
        Ok(changed.map(|_| transaction))
    }

    /// Stores what UpdateBroker makes of a broker.
    ///
    /// # Errors
    /// As every method of [`PgStore`].
    pub async fn update_broker(
        &self,
        seen: &Broker,
        update: &BrokerUpdate,
        now: Timestamp,
    ) -> Result<UpdateOutcome, StoreError> {
        let id = seen.id.uuid();
        let message = format!("UpdateBroker accepted: {}", summary(update));
        let Some(mut transaction) = self.begin_change(seen, now, &message).await? else {
            return Ok(UpdateOutcome::Changed);
        };
        if let Some(reference) = update.configurations.pending
            && !lock_revision(&mut transaction, reference).await?
        {
            return Ok(UpdateOutcome::ConfigurationNotFound);
        }
        let password = self.sealed_ldap_password(id, update.ldap_password.as_ref())?;
        // What is changed now has not been tried.
        let waits_as_before = update.pending == seen.pending
            && update.configurations == seen.configurations
            && update.ldap_password.is_none();
        let before = counted_columns(&seen.spec, &seen.pending);
        let after = counted_columns(&update.spec, &update.pending);
        sqlx::query!(
            "update broker set spec = $2, pending = $3, configurations = $4, window_changes = $5,
               not_applied = case when $7 then not_applied end,
               pending_ldap_password = coalesce($6, pending_ldap_password),
               memory_mib = $8, storage_gib = $9
             where id = $1",
            id,
            json!(update.spec),
            json!(update.pending),
            json!(update.configurations),
            json!(update.window_changes),
            password,
            waits_as_before,
            after.0,
            after.1
        )
        .execute(&mut *transaction)
        .await?;
        metering::change(&mut transaction, id, (&seen.spec, &update.spec), now).await?;
        if seen.pending.ldap.is_some() && update.pending.ldap.is_none() {
            // Else it would be in force after the next reboot, with a directory that it is not for.
            sqlx::query!("update broker set pending_ldap_password = null where id = $1", id)
                .execute(&mut *transaction)
                .await?;
        }
        let grows = (after.0 > before.0, after.1 > before.1);
        if let Some(quota) = exceeded_quota(&mut transaction, seen, grows).await? {
            return Ok(UpdateOutcome::OverQuota(quota));
        }
        transaction.commit().await?;
        self.notifier.notify(Channel::Reconcile);
        if update.changed.contains(&UpdatedMember::SecurityGroups) {
            self.notifier.notify(Channel::Routes);
        }
        Ok(UpdateOutcome::Updated)
    }
}

/// The quota of its account that a changed broker exceeds, if it has more memory or more storage than before. Whoever has
/// quotas waits for whoever else creates or changes brokers in the account, so that nobody else's comes between.
async fn exceeded_quota(
    transaction: &mut Transaction,
    broker: &Broker,
    (memory, storage): (bool, bool),
) -> Result<Option<AccountQuota>, StoreError> {
    if !(memory || storage) {
        return Ok(None);
    }
    let account = broker.scope.account.as_str();
    let quotas = sqlx::query!(
        "select most_memory_mib, most_storage_gib from account
         where id = $1 and num_nonnulls(most_memory_mib, most_storage_gib) > 0 for no key update",
        account
    )
    .fetch_optional(&mut **transaction)
    .await?;
    let Some(quotas) = quotas else { return Ok(None) };
    // A statement of its own: it sees what was committed while the one above waited.
    let used = sqlx::query!(
        r#"select coalesce(sum(memory_mib), 0) as "memory_mib!", coalesce(sum(storage_gib), 0) as "storage_gib!"
           from broker where account = $1"#,
        account
    )
    .fetch_one(&mut **transaction)
    .await?;
    let is_over =
        |used: i64, quota: Option<i32>| quota.is_some_and(|quota| used > i64::from(quota));
    if memory && is_over(used.memory_mib, quotas.most_memory_mib) {
        return Ok(Some(AccountQuota::Memory));
    }
    let is_over = storage && is_over(used.storage_gib, quotas.most_storage_gib);
    Ok(is_over.then_some(AccountQuota::Storage))
}

/// Keeps a revision from being deleted until the transaction ends; false: it is gone.
pub(crate) async fn lock_revision(
    transaction: &mut Transaction,
    reference: ConfigurationRef,
) -> Result<bool, StoreError> {
    let held = sqlx::query_scalar!(
        "select c.id from configuration c
         join configuration_revision r on r.configuration_id = c.id and r.revision = $2
         where c.id = $1 for share of c",
        reference.id.uuid(),
        reference.revision
    )
    .fetch_optional(&mut **transaction)
    .await?;
    Ok(held.is_some())
}

fn summary(update: &BrokerUpdate) -> String {
    let names: Vec<&str> = update.changed.iter().map(|member| member.name()).collect();
    names.join(", ")
}
