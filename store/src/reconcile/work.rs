//! The input of a pass.

use brokerd_domain::{Broker, BrokerUser, Fault, Lease, Reservation, RunningEngine, Target};
use secrecy::{SecretBox, SecretString};

use super::reservations::reservation;
use crate::kernel::{PgStore, StoreError, broker_row::select_broker};

/// The input of a pass: everything that is known of a broker.
#[derive(Debug)]
pub struct Work {
    /// The broker, with the specification its instances are to be made from: while a reboot is
    /// outstanding, the one that waited for it.
    pub broker: Broker,
    /// The users its instances are to be made with, and their passwords: for RabbitMQ only the first
    /// administrator.
    pub users: Vec<BrokerUser>,
    /// The password of the service account of the broker's directory.
    pub ldap_password: Option<SecretString>,
    /// The certificates, PEM, of the authorities that its account's directories have theirs from; none: those of the
    /// installation.
    pub directory_authorities: Option<String>,
    /// The content of the configuration revision its instances are to be made from.
    pub configuration: String,
    /// What [`crate::PgStore::save_materials`] was last given.
    pub materials: Option<SecretBox<Vec<u8>>>,
    /// The present targets of the broker's endpoints.
    pub targets: Vec<Target>,
    /// The faults that are not over, oldest first.
    pub faults: Vec<Fault>,
    /// The engine that ran when it last served.
    pub running: Option<RunningEngine>,
    /// What is reserved for it of the host's memory; none: it has not asked yet.
    pub reservation: Option<Reservation>,
    /// Why part of it can't be read and is missing here, if so: instances can't be made without it.
    pub unreadable: Option<String>,
    /// The trace of the request that made it due, a `traceparent`, until it is as was asked for.
    pub trace: Option<String>,
}

impl PgStore {
    /// Everything known of the leased broker; none: it is gone.
    ///
    /// # Errors
    /// As every method of [`PgStore`].
    pub async fn load(&self, lease: &Lease) -> Result<Option<Work>, StoreError> {
        self.load_as(lease, |broker| broker).await
    }

    /// The same, as if the outstanding reboot had not been asked for ([`Broker::before_reboot`]).
    ///
    /// # Errors
    /// As every method of [`PgStore`].
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
                      (select a.directory_authorities from account a join broker b on a.id = b.account
                       where b.id = $1) as directory_authorities,
                      (select trace from reconcile where broker_id = $1) as trace,
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
        // A broker that can't be made anew is watched and deleted all the same.
        let mut unreadable = None;
        let materials = rest.materials.map(|sealed| self.open_materials(id, &sealed)).transpose();
        let materials = readable(materials, &mut unreadable)?.flatten();
        let ldap_password =
            rest.ldap_password.map(|sealed| self.open_ldap_password(id, &sealed)).transpose();
        let ldap_password = readable(ldap_password, &mut unreadable)?.flatten();
        let users = self.users_for_instances(id, broker.spec.engine_type, applies_pending).await;
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
            directory_authorities: rest.directory_authorities,
            configuration,
            materials,
            targets,
            faults,
            running,
            reservation,
            unreadable,
            trace: rest.trace,
        }))
    }
}

/// The materials; none if they are damaged or sealed with another key, which `unreadable` tells.
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
