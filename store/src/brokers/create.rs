//! CreateBroker: the broker, its users, its configuration, its due row and the first event of its
//! history, in one statement and so in one round trip and one flush to disk.

use brokerd_domain::{
    AuthenticationStrategy, Broker, BrokerId, BrokerSpec, ConfigurationId, ConfigurationRef,
    Configurations, CreateBroker, EngineType, MAX_CONFIGURATIONS, PendingChanges, Scope, Timestamp,
    Users, default_revision, identity::AccountQuota,
};
use serde_json::json;
use uuid::Uuid;

use super::{counted::counted_columns, users::password_place};
use crate::{
    kernel::{Channel, PgStore, Raw, StoreError, broker_row::select_broker, json::read_json},
    reports::metering::billed_disk,
};

/// Brokers an account may have in a region.
///
/// Source: quota page of the developer guide.
const MAX_BROKERS: i64 = 200;

/// The constraints that a broker violates for which the account's own quotas leave no room.
const ACCOUNT_QUOTAS: [(&str, AccountQuota); 3] = [
    ("broker_account_quota", AccountQuota::Brokers),
    ("broker_memory_quota", AccountQuota::Memory),
    ("broker_storage_quota", AccountQuota::Storage),
];

/// The identifiers a new broker and its own configuration will have.
#[derive(Debug, Clone, Copy)]
pub struct NewIds {
    /// The broker's.
    pub broker: BrokerId,
    /// That of `<brokerName>-configuration`, used when the caller named no configuration.
    pub configuration: ConfigurationId,
}

/// The outcome of CreateBroker.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::large_enum_variant, reason = "made once per request and taken apart at once")]
pub enum CreateOutcome {
    /// The broker is durably there.
    Created,
    /// A broker of that name exists and was made with the same token.
    SameToken {
        /// The broker as it is.
        existing: Broker,
        /// What it was asked for as: it may have been changed since.
        asked_for: BrokerSpec,
    },
    /// A broker of that name exists.
    NameTaken,
    /// The configuration the caller named does not exist any more.
    ConfigurationNotFound,
    /// The account has as many brokers in this region as it may have.
    TooManyBrokers,
    /// The broker would exceed a quota of the account's own.
    OverQuota(AccountQuota),
    /// It has as many configurations, and the broker needs one of its own.
    TooManyConfigurations,
}

/// What became of the statement that inserts everything.
enum Inserted {
    Yes,
    No,
    OverQuota(AccountQuota),
}

/// The users as columns.
#[derive(Default)]
struct UserColumns {
    usernames: Vec<String>,
    passwords: Vec<Vec<u8>>,
    groups: Vec<serde_json::Value>,
    console: Vec<bool>,
    replication: Vec<bool>,
}

/// The configuration that comes into being with the broker.
#[derive(Clone)]
struct OwnConfiguration {
    id: Uuid,
    name: String,
    description: String,
    data: String,
}

impl PgStore {
    /// Creates a broker: row, users, configuration, due row and event, all or nothing.
    ///
    /// # Errors
    /// As every method of [`PgStore`]; what the service would refuse is an outcome, not an error.
    pub async fn create_broker(
        &self,
        scope: &Scope,
        command: &CreateBroker,
        ids: NewIds,
        now: Timestamp,
    ) -> Result<CreateOutcome, StoreError> {
        let (reference, own) = match command.configuration {
            None => own_configuration(command, ids),
            Some(reference) => (reference, None),
        };
        let first = self.insert_broker(scope, command, ids, now, reference, own.clone()).await?;
        if matches!(first, Inserted::Yes) {
            self.notifier.notify(Channel::Reconcile);
            return Ok(CreateOutcome::Created);
        }
        let name = command.name.as_str();
        let existing = select_broker!(
            "where b.account = $1 and b.region = $2 and b.name = $3",
            scope.account.as_str(),
            scope.region.as_str(),
            name
        )
        .fetch_optional(&self.pool)
        .await?;
        let Some(existing) = existing else {
            if let Inserted::OverQuota(quota) = first {
                return Ok(CreateOutcome::OverQuota(quota));
            }
            match command.configuration {
                Some(reference) if !self.is_there(reference).await? => {
                    return Ok(CreateOutcome::ConfigurationNotFound);
                }
                None if self.is_full_of_configurations(scope).await? => {
                    if self.delete_leftover_configurations(scope).await? == 0 {
                        return Ok(CreateOutcome::TooManyConfigurations);
                    }
                    match self.insert_broker(scope, command, ids, now, reference, own).await? {
                        Inserted::Yes => {
                            self.notifier.notify(Channel::Reconcile);
                            return Ok(CreateOutcome::Created);
                        }
                        Inserted::OverQuota(quota) => return Ok(CreateOutcome::OverQuota(quota)),
                        Inserted::No => {}
                    }
                }
                Some(_) | None => {}
            }
            return Ok(CreateOutcome::TooManyBrokers);
        };
        let broker = existing.broker(&self.skipped)?;
        let earlier = sqlx::query!(
            r#"select creator_request_id, asked_for as "asked_for: Raw" from broker where id = $1"#,
            broker.id.uuid()
        )
        .fetch_optional(&self.pool)
        .await?;
        let token = command.creator_request_id.as_ref();
        match earlier {
            Some(earlier) if token.is_some() && earlier.creator_request_id.as_ref() == token => {
                let asked_for = match &earlier.asked_for {
                    Some(asked_for) => read_json("broker", broker.id, asked_for)?,
                    None => broker.spec.clone(),
                };
                Ok(CreateOutcome::SameToken { existing: broker, asked_for })
            }
            Some(_) | None => Ok(CreateOutcome::NameTaken),
        }
    }

    async fn is_there(&self, reference: ConfigurationRef) -> Result<bool, StoreError> {
        let found = sqlx::query_scalar!(
            "select revision from configuration_revision
             where configuration_id = $1 and revision = $2",
            reference.id.uuid(),
            reference.revision
        )
        .fetch_optional(&self.pool)
        .await?;
        Ok(found.is_some())
    }

    async fn insert_broker(
        &self,
        scope: &Scope,
        command: &CreateBroker,
        ids: NewIds,
        now: Timestamp,
        reference: ConfigurationRef,
        own: Option<OwnConfiguration>,
    ) -> Result<Inserted, StoreError> {
        let users = self.user_columns(command, ids.broker.uuid())?;
        let configurations =
            Configurations { pending: Some(reference), ..Configurations::default() };
        let (own_id, own_name, description, data) = match own {
            Some(own) => (Some(own.id), Some(own.name), Some(own.description), Some(own.data)),
            None => (None, None, None, None),
        };
        let (id, held) = (ids.broker.uuid(), own_id.is_none().then_some(reference));
        let ldap_password = self.sealed_ldap_password(id, command.ldap_password.as_ref())?;
        let spec = &command.spec;
        // Those of RabbitMQ are simple whatever they hold: only the broker is config-managed.
        let strategy = match spec.engine_type {
            EngineType::ActiveMq => spec.authentication_strategy,
            EngineType::RabbitMq => AuthenticationStrategy::Simple,
        };
        let (memory_mib, storage_gib) = counted_columns(spec, &PendingChanges::default());
        let event = format!("CreateBroker accepted: {}", summary(command));
        let inserted = sqlx::query_scalar!(
            r#"with held as (
                 select c.id from configuration c
                 join configuration_revision r on r.configuration_id = c.id and r.revision = $26
                 where c.id = $25 for share of c
               ), b as (
                 insert into broker (id, account, region, name, created, creator_request_id, spec,
                                     configurations, tags, ldap_password, memory_mib, storage_gib,
                                     asked_for)
                 select $1, $2, $3, $4, $5, $6, $7, $8, $9, $27, $30, $31,
                        case when $6::text is not null then $7::jsonb end
                 where (select count(*) from broker where account = $2 and region = $3) < $10
                   and ($25::uuid is null or exists (select from held))
                   and ($17::uuid is null or (select count(*) from configuration
                                              where account = $2 and region = $3) < $29)
                 on conflict (account, region, name) do nothing
                 returning id
               ), u as (
                 insert into broker_user (broker_id, username, password, groups, console_access,
                                          replication_user, listed)
                 select b.id, n.username, n.password, n.groups, n.console, n.replication, $11
                 from b, unnest($12::text[], $13::bytea[], $14::jsonb[], $15::bool[], $16::bool[])
                         as n (username, password, groups, console, replication)
               ), c as (
                 insert into configuration (id, account, region, name, engine_type, engine_version,
                                            authentication_strategy, created)
                 select $17::uuid, $2, $3, $18::text, $19, $20, $21, $5 from b
                 where $17::uuid is not null
               ), r as (
                 insert into configuration_revision (configuration_id, revision, created, description, data)
                 select $17::uuid, 1, $28, $22::text, $23::text from b where $17::uuid is not null
               ), d as (
                 insert into reconcile (broker_id) select id from b
               ), e as (
                 insert into event (broker_id, at, kind, message) select id, $5, 'request', $24 from b
               ), p as (
                 insert into reported_broker (broker_id, account, region, name, engine_type, created)
                 select id, $2, $3, $4, $19, $5 from b
               ), m as (
                 insert into metered_interval (broker_id, began, deployment_mode, host_instance_type,
                                               storage_type, disk_gib)
                 select id, $5, $32, $33, $34, $35 from b
               )
               select id from b"#,
            id,
            scope.account.as_str(),
            scope.region.as_str(),
            command.name.as_str(),
            now.as_micros(),
            command.creator_request_id,
            json!(spec),
            json!(configurations),
            json!(command.tags),
            MAX_BROKERS,
            matches!(command.users, Users::Managed(_)),
            &users.usernames,
            &users.passwords,
            &users.groups,
            &users.console,
            &users.replication,
            own_id,
            own_name,
            spec.engine_type.as_str(),
            spec.engine_version.to_string(),
            strategy.as_str(),
            description,
            data,
            event,
            held.map(|reference| reference.id.uuid()),
            held.map(|reference| reference.revision),
            ldap_password,
            now.whole_millis().as_micros(),
            MAX_CONFIGURATIONS,
            memory_mib,
            storage_gib,
            spec.deployment_mode.as_str(),
            spec.host_instance_type.name(),
            spec.storage_type.as_str(),
            billed_disk(spec),
        )
        .fetch_optional(&self.pool)
        .await;
        match inserted {
            Ok(Some(_)) => Ok(Inserted::Yes),
            Ok(None) => Ok(Inserted::No),
            // By a trigger.
            Err(error) => match quota_violated(&error) {
                Some(quota) => Ok(Inserted::OverQuota(quota)),
                None => Err(error.into()),
            },
        }
    }

    fn user_columns(
        &self,
        command: &CreateBroker,
        broker: Uuid,
    ) -> Result<UserColumns, StoreError> {
        let mut columns = UserColumns::default();
        for user in command.users.as_slice() {
            let place = password_place(broker, user.username.as_str());
            columns.passwords.push(self.seal_text(&place, &user.password)?);
            columns.usernames.push(user.username.as_str().to_owned());
            columns.groups.push(json!(user.groups));
            columns.console.push(user.console_access);
            columns.replication.push(user.replication_user);
        }
        Ok(columns)
    }
}

/// The quota of the account that a refused statement would have exceeded.
fn quota_violated(error: &sqlx::Error) -> Option<AccountQuota> {
    let sqlx::Error::Database(error) = error else { return None };
    let constraint = error.constraint()?;
    ACCOUNT_QUOTAS.iter().find(|(name, _)| *name == constraint).map(|(_, quota)| *quota)
}

fn own_configuration(
    command: &CreateBroker,
    ids: NewIds,
) -> (ConfigurationRef, Option<OwnConfiguration>) {
    let name = format!("{}-configuration", command.name);
    let (description, data) =
        default_revision(command.spec.engine_type, command.spec.engine_version, &name);
    let own = OwnConfiguration { id: ids.configuration.uuid(), name, description, data };
    (ConfigurationRef { id: ids.configuration, revision: 1 }, Some(own))
}

fn summary(command: &CreateBroker) -> String {
    let spec = &command.spec;
    let engine: EngineType = spec.engine_type;
    format!(
        "{} {} on {}, {}",
        engine.display_name(),
        spec.engine_version,
        spec.host_instance_type,
        spec.deployment_mode
    )
}
