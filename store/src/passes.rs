//! What a pass reads and records.

use std::collections::BTreeSet;

use brokerd_domain::{
    Broker, BrokerStatus, BrokerUser, Configurations, EngineType, Group, Lease, PassReport,
    Protocol,
};
use secrecy::SecretBox;
use serde_json::json;
use sqlx::types::Json;
use uuid::Uuid;

use crate::{
    Channel, PgStore, StoreError, Target, Work,
    rows::{UserRow, select_broker},
};

fn materials_place(broker: Uuid) -> String {
    format!("broker_secret.materials/{broker}")
}

impl PgStore {
    /// Everything known of the leased broker; none: it is gone.
    ///
    /// # Errors
    /// As every method.
    pub async fn load(&self, lease: &Lease) -> Result<Option<Work>, StoreError> {
        let id = lease.broker.uuid();
        let Some(row) = select_broker!("where b.id = $1", id).fetch_optional(&self.pool).await?
        else {
            return Ok(None);
        };
        let broker = Broker::try_from(row)?;
        let reference = broker.configurations.current.or(broker.configurations.pending);
        let rest = sqlx::query!(
            r#"select (select materials from broker_secret where broker_id = $1) as materials,
                      (select data from configuration_revision
                       where configuration_id = $2 and revision = $3) as configuration"#,
            id,
            reference.map(|r| r.id.uuid()),
            reference.map(|r| r.revision)
        )
        .fetch_one(&self.pool)
        .await?;
        let materials = rest
            .materials
            .map(|sealed| self.key.open("materials", &materials_place(id), &sealed))
            .transpose()?
            .map(|opened| SecretBox::new(Box::new(opened.to_vec())));
        let users = self.users(id, broker.spec.engine_type).await?;
        let targets = self.targets(id).await?;
        let configuration = rest.configuration.unwrap_or_default();
        Ok(Some(Work { broker, users, configuration, materials, targets }))
    }

    async fn users(&self, broker: Uuid, engine: EngineType) -> Result<Vec<BrokerUser>, StoreError> {
        let rows = sqlx::query_as!(
            UserRow,
            r#"select broker_id, username, password, groups as "groups: Json<BTreeSet<Group>>",
                      console_access, replication_user
               from broker_user where broker_id = $1 order by username"#,
            broker
        )
        .fetch_all(&self.pool)
        .await?;
        rows.into_iter().map(|row| row.open(engine, &self.key)).collect()
    }

    async fn targets(&self, broker: Uuid) -> Result<Vec<Target>, StoreError> {
        let rows = sqlx::query!(
            "select ordinal, protocol, target from endpoint where broker_id = $1
             order by ordinal, port",
            broker
        )
        .fetch_all(&self.pool)
        .await?;
        rows.into_iter().map(|row| target(row.ordinal, &row.protocol, row.target)).collect()
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

    /// Records a pass. The pending configuration becomes the current one when the broker's first
    /// generation, or a reboot, is recorded as complete.
    ///
    /// # Errors
    /// [`StoreError::LeaseLost`].
    pub async fn record(&self, lease: &Lease, report: &PassReport) -> Result<(), StoreError> {
        let mut transaction = self.fenced(lease).await?;
        let id = lease.broker.uuid();
        let row = sqlx::query!(
            r#"select status as "status: Json<BrokerStatus>",
                      configurations as "configurations: Json<Configurations>"
               from broker where id = $1 for update"#,
            id
        )
        .fetch_optional(&mut *transaction)
        .await?;
        let Some(row) = row else { return Err(StoreError::LeaseLost) };
        let (mut status, mut configurations) = (row.status.0, row.configurations.0);
        let first = status.observed_generation.is_none() && report.observed_generation.is_some();
        let rebooted = report.reboots_done.is_some_and(|done| done > status.reboots_done);
        if (first || rebooted)
            && let Some(pending) = configurations.pending.take()
            && let Some(former) = configurations.current.replace(pending)
        {
            configurations.history.push(former);
        }
        status.observed_generation = report.observed_generation.or(status.observed_generation);
        status.reboots_done = report.reboots_done.unwrap_or(status.reboots_done);
        status.failure.clone_from(&report.failure);
        status.sentence.clone_from(&report.sentence);
        status.conditions.clone_from(&report.conditions);
        sqlx::query!(
            "update broker set status = $2, configurations = $3 where id = $1",
            id,
            json!(status),
            json!(configurations)
        )
        .execute(&mut *transaction)
        .await?;
        for event in &report.events {
            sqlx::query!(
                "insert into event (broker_id, at, kind, message) values ($1, $2, $3, $4)",
                id,
                event.at.as_micros(),
                event.kind.as_str(),
                event.message
            )
            .execute(&mut *transaction)
            .await?;
        }
        transaction.commit().await?;
        Ok(())
    }

    /// Removes every trace of a deleted broker but its configuration, which the service keeps too.
    ///
    /// # Errors
    /// [`StoreError::LeaseLost`].
    pub async fn forget(&self, lease: &Lease) -> Result<(), StoreError> {
        // Deleting the lease row needs more than the shared lock that other transactions take.
        let forgotten = sqlx::query!(
            "delete from broker where id = $1 and deleting and exists (
               select from reconcile where broker_id = $1 and lease_holder = $2
                 and lease_epoch = $3 and lease_expires_at > now() for update)",
            lease.broker.uuid(),
            lease.holder.uuid(),
            lease.epoch
        )
        .execute(&self.pool)
        .await?;
        if forgotten.rows_affected() == 0 && !self.existing(&[lease.broker]).await?.is_empty() {
            return Err(StoreError::LeaseLost);
        }
        self.notifier.notify(Channel::Routes);
        Ok(())
    }
}

/// One target, from its columns.
pub(crate) fn target(
    ordinal: i16,
    protocol: &str,
    address: Option<String>,
) -> Result<Target, StoreError> {
    let inconsistent = |what: String| StoreError::Inconsistent { table: "endpoint", what };
    Ok(Target {
        ordinal: u8::try_from(ordinal).map_err(|error| inconsistent(error.to_string()))?,
        protocol: Protocol::from_name(protocol).ok_or_else(|| inconsistent(protocol.to_owned()))?,
        address: address.map(|text| text.parse().map_err(|_| inconsistent(text))).transpose()?,
    })
}
