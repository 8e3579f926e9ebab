//! Users of ActiveMQ brokers, with what waits for the next reboot.

use std::collections::BTreeSet;

use brokerd_domain::{
    Broker, BrokerId, BrokerUser, EngineType, Error, Group, MAX_USERS, ManagedUser, PendingChange,
    Timestamp, UserAttributes, UserUpdate, Username,
};
use secrecy::SecretString;
use serde_json::json;
use sqlx::types::Json;
use uuid::Uuid;

use crate::kernel::{
    Channel, MasterKeys, PgStore, StoreError,
    json::{Raw, read_json},
    pool::Transaction,
    sealed_column::{PASSWORD, Place},
};

/// The outcome of a change of a user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UserOutcome {
    /// It is stored.
    Done,
    /// The broker is not any more as the caller saw it: look again.
    Changed,
    /// There is such a user already.
    Exists,
    /// There is no such user.
    NotFound,
    /// The broker has as many users as it may have.
    TooMany,
}

/// The columns of `broker_user` that the API shows.
struct ManagedRow {
    username: String,
    groups: Json<BTreeSet<Group>>,
    console_access: bool,
    replication_user: bool,
    pending_change: Option<String>,
    pending: Option<Json<UserAttributes>>,
}

impl TryFrom<ManagedRow> for ManagedUser {
    type Error = StoreError;

    fn try_from(row: ManagedRow) -> Result<Self, StoreError> {
        let inconsistent = |what: String| StoreError::Inconsistent { table: "broker_user", what };
        let username = Username::parse(EngineType::ActiveMq, &row.username)
            .map_err(|error| inconsistent(error.message))?;
        let attributes = UserAttributes {
            groups: row.groups.0,
            console_access: row.console_access,
            replication_user: row.replication_user,
        };
        let pending = match row.pending_change {
            None => None,
            Some(name) => {
                let change =
                    PendingChange::from_name(&name).ok_or_else(|| inconsistent(name.clone()))?;
                let after = row.pending.map_or_else(|| attributes.clone(), |pending| pending.0);
                Some((change, after))
            }
        };
        Ok(Self { username, attributes, pending })
    }
}

impl PgStore {
    /// A user of a broker that is known to be the caller's.
    ///
    /// # Errors
    /// As every method of [`PgStore`].
    pub async fn user(
        &self,
        broker: BrokerId,
        username: &str,
    ) -> Result<Option<ManagedUser>, StoreError> {
        let row = sqlx::query_as!(
            ManagedRow,
            r#"select username, groups as "groups: Json<BTreeSet<Group>>", console_access,
                      replication_user, pending_change, pending as "pending: Json<UserAttributes>"
               from broker_user where broker_id = $1 and username = $2 and listed"#,
            broker.uuid(),
            username
        )
        .fetch_optional(&self.pool)
        .await?;
        row.map(ManagedUser::try_from).transpose()
    }

    /// Adds a user that will exist after the next reboot.
    ///
    /// # Errors
    /// As every method of [`PgStore`].
    pub async fn create_user(
        &self,
        seen: &Broker,
        user: &BrokerUser,
        now: Timestamp,
    ) -> Result<UserOutcome, StoreError> {
        let id = seen.id.uuid();
        let name = user.username.as_str();
        let message = format!("CreateUser accepted: {name}");
        let Some(mut transaction) = self.begin_change(seen, now, &message).await? else {
            return Ok(UserOutcome::Changed);
        };
        let count = sqlx::query_scalar!(
            r#"select count(*) as "count!" from broker_user where broker_id = $1"#,
            id
        )
        .fetch_one(&mut *transaction)
        .await?;
        if usize::try_from(count).unwrap_or(usize::MAX) >= MAX_USERS {
            return Ok(UserOutcome::TooMany);
        }
        let inserted = sqlx::query_scalar!(
            "insert into broker_user (broker_id, username, password, groups, console_access,
                                      replication_user, listed, pending_change)
             values ($1, $2, $3, $4, $5, $6, true, 'CREATE') on conflict do nothing
             returning username",
            id,
            name,
            self.sealed_password(id, name, &user.password)?,
            json!(user.groups),
            user.console_access,
            user.replication_user
        )
        .fetch_optional(&mut *transaction)
        .await?;
        if inserted.is_none() {
            return Ok(UserOutcome::Exists);
        }
        self.commit(transaction).await
    }

    /// Changes a user with the next reboot; one that is not there yet, in what it will be. A user that was
    /// to be deleted stays.
    ///
    /// # Errors
    /// As every method of [`PgStore`].
    pub async fn update_user(
        &self,
        seen: &Broker,
        username: &str,
        update: &UserUpdate,
        now: Timestamp,
    ) -> Result<Result<UserOutcome, Error>, StoreError> {
        let id = seen.id.uuid();
        let Some(user) = self.user(seen.id, username).await? else {
            return Ok(Ok(UserOutcome::NotFound));
        };
        let (created, before) = match &user.pending {
            Some((PendingChange::Create, after)) => (true, after),
            Some((PendingChange::Update, after)) => (false, after),
            Some((PendingChange::Delete, _)) | None => (false, &user.attributes),
        };
        let after = match update.applied_to(before) {
            Ok(after) => after,
            Err(refused) => return Ok(Err(refused)),
        };
        let password = match &update.password {
            None => None,
            Some(password) => Some(self.sealed_password(id, username, password)?),
        };
        // The user was read before: if anything has changed since, so has the generation.
        let message = format!("UpdateUser accepted: {username}");
        let Some(mut transaction) = self.begin_change(seen, now, &message).await? else {
            return Ok(Ok(UserOutcome::Changed));
        };
        if created {
            sqlx::query!(
                "update broker_user set password = coalesce($3, password), groups = $4,
                   console_access = $5, replication_user = $6
                 where broker_id = $1 and username = $2",
                id,
                username,
                password,
                json!(after.groups),
                after.console_access,
                after.replication_user
            )
            .execute(&mut *transaction)
            .await?;
        } else {
            // A user that is changed back has no pending change; passwords are not compared.
            let is_current = after == user.attributes && password.is_none();
            sqlx::query!(
                "update broker_user set
                   pending_change =
                     case when $5 and pending_password is null then null else 'UPDATE' end,
                   pending = case when $5 and pending_password is null then null else $3::jsonb end,
                   pending_password = coalesce($4, pending_password)
                 where broker_id = $1 and username = $2",
                id,
                username,
                json!(after),
                password,
                is_current
            )
            .execute(&mut *transaction)
            .await?;
        }
        self.commit(transaction).await.map(Ok)
    }

    /// Deletes a user with the next reboot; one that is not there yet, at once.
    ///
    /// # Errors
    /// As every method of [`PgStore`].
    pub async fn delete_user(
        &self,
        seen: &Broker,
        username: &str,
        now: Timestamp,
    ) -> Result<UserOutcome, StoreError> {
        let id = seen.id.uuid();
        if self.user(seen.id, username).await?.is_none() {
            return Ok(UserOutcome::NotFound);
        }
        let message = format!("DeleteUser accepted: {username}");
        let Some(mut transaction) = self.begin_change(seen, now, &message).await? else {
            return Ok(UserOutcome::Changed);
        };
        sqlx::query!(
            "delete from broker_user
             where broker_id = $1 and username = $2 and pending_change = 'CREATE'",
            id,
            username
        )
        .execute(&mut *transaction)
        .await?;
        sqlx::query!(
            "update broker_user set pending_change = 'DELETE', pending = null, pending_password = null
             where broker_id = $1 and username = $2",
            id,
            username
        )
        .execute(&mut *transaction)
        .await?;
        self.commit(transaction).await
    }

    async fn commit(&self, transaction: Transaction) -> Result<UserOutcome, StoreError> {
        transaction.commit().await?;
        self.notifier.notify(Channel::Reconcile);
        Ok(UserOutcome::Done)
    }

    fn sealed_password(
        &self,
        broker: Uuid,
        username: &str,
        password: &SecretString,
    ) -> Result<Vec<u8>, StoreError> {
        self.seal_text(&password_place(broker, username), password)
    }

    /// The users as they are; while a reboot is outstanding that applies what waits, as they will be after it.
    pub(crate) async fn users_for_instances(
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
                        as "groups!: Raw",
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
}

/// A row of `broker_user`.
struct UserRow {
    broker_id: Uuid,
    username: String,
    password: Vec<u8>,
    groups: Raw,
    console_access: bool,
    replication_user: bool,
}

/// Where a user's password is kept.
pub(crate) fn password_place(broker: Uuid, username: &str) -> Place {
    PASSWORD.place(&[&broker.to_string(), username])
}

impl UserRow {
    fn open(self, engine: EngineType, keys: &MasterKeys) -> Result<BrokerUser, StoreError> {
        let place = password_place(self.broker_id, &self.username);
        let password = keys.open_text(&place, &self.password)?;
        let groups: BTreeSet<Group> = read_json("broker_user", &self.username, &self.groups)?;
        let username = Username::parse(engine, &self.username).map_err(|error| {
            StoreError::Inconsistent { table: "broker_user", what: error.message }
        })?;
        Ok(BrokerUser {
            username,
            password,
            groups,
            console_access: self.console_access,
            replication_user: self.replication_user,
        })
    }
}
