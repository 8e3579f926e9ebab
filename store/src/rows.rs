//! Rows, and how they become what the domain knows.

use std::collections::BTreeSet;

use brokerd_domain::{
    Broker, BrokerId, BrokerName, BrokerUser, EngineType, Generation, Group, Intent, PendingChange,
    Scope, Timestamp, Username,
};
use secrecy::SecretString;
use serde::{Deserialize, de::DeserializeOwned};
use sqlx::types::{Json, JsonRawValue};
use uuid::Uuid;

use crate::{
    MasterKeys, StoreError,
    sealed::{PASSWORD, Place},
    skipped::{self, SkippedRows},
};

/// JSON as the database sent it: it is read once, into what it stands for.
pub(crate) type Raw = Json<Box<JsonRawValue>>;

/// A row of `broker` with the names of its listed users.
pub(crate) struct BrokerRow {
    pub(crate) id: Uuid,
    pub(crate) account: String,
    pub(crate) region: String,
    pub(crate) name: String,
    pub(crate) created: i64,
    pub(crate) spec: Raw,
    pub(crate) pending: Raw,
    pub(crate) window_changes: Raw,
    pub(crate) configurations: Raw,
    pub(crate) tags: Raw,
    pub(crate) status: Raw,
    pub(crate) instances: Raw,
    pub(crate) deleting: bool,
    pub(crate) generation: i64,
    pub(crate) reboots_requested: i64,
    pub(crate) not_applied: Option<String>,
    pub(crate) not_applied_actions: Raw,
    pub(crate) users: Raw,
}

#[derive(Deserialize)]
struct ListedUser {
    username: Username,
    pending_change: Option<PendingChange>,
}

/// Every column of a [`BrokerRow`], with the rest of the statement behind it.
macro_rules! select_broker {
    ($tail:literal $(, $argument:expr)* $(,)?) => {
        sqlx::query_as!(
            crate::rows::BrokerRow,
            r#"select b.id, b.account, b.region, b.name, b.created,
                      b.spec as "spec: crate::rows::Raw", b.pending as "pending: crate::rows::Raw",
                      b.window_changes as "window_changes: crate::rows::Raw",
                      b.configurations as "configurations: crate::rows::Raw",
                      b.tags as "tags: crate::rows::Raw", b.status as "status: crate::rows::Raw",
                      b.instances as "instances: crate::rows::Raw", b.deleting, b.generation,
                      b.reboots_requested, b.not_applied,
                      b.not_applied_actions as "not_applied_actions: crate::rows::Raw",
                      (select coalesce(json_agg(json_build_object(
                                  'username', u.username, 'pending_change', u.pending_change)
                                  order by u.username), '[]')
                       from broker_user u where u.broker_id = b.id and u.listed)
                        as "users!: crate::rows::Raw"
               from broker b "# + $tail
            $(, $argument)*
        )
    };
}
pub(crate) use select_broker;

fn inconsistent(id: Uuid, what: impl std::fmt::Display) -> StoreError {
    StoreError::Inconsistent { table: "broker", what: format!("{id}: {what}") }
}

fn read<T: DeserializeOwned>(id: Uuid, json: &Raw) -> Result<T, StoreError> {
    serde_json::from_str(json.0.get()).map_err(|error| inconsistent(id, error))
}

impl BrokerRow {
    /// The broker. A listed user that can't be read is skipped: the others have one of their own.
    pub(crate) fn broker(&self, skipped: &SkippedRows) -> Result<Broker, StoreError> {
        let row = self;
        let id = row.id;
        let users: Vec<serde_json::Value> = read(id, &row.users)?;
        let users = users.into_iter().filter_map(|user| {
            let user = serde_json::from_value::<ListedUser>(user).map_err(|error| {
                StoreError::Inconsistent { table: "broker_user", what: error.to_string() }
            });
            skipped.keep("broker_user", id, user)
        });
        Ok(Broker {
            id: BrokerId::from(id),
            scope: Scope {
                account: row.account.parse().map_err(|error| inconsistent(id, error))?,
                region: row.region.parse().map_err(|error| inconsistent(id, error))?,
            },
            name: BrokerName::parse(&row.name).map_err(|error| inconsistent(id, error))?,
            created: Timestamp::from_micros(row.created),
            spec: read(id, &row.spec)?,
            pending: read(id, &row.pending)?,
            window_changes: read(id, &row.window_changes)?,
            configurations: read(id, &row.configurations)?,
            tags: read(id, &row.tags)?,
            users: users.map(|user| (user.username, user.pending_change)).collect(),
            intent: if row.deleting { Intent::Delete } else { Intent::Run },
            generation: Generation(row.generation),
            reboots_requested: u32::try_from(row.reboots_requested)
                .map_err(|error| inconsistent(id, error))?,
            not_applied: row.not_applied.clone(),
            not_applied_actions: read(id, &row.not_applied_actions)?,
            status: read(id, &row.status)?,
            instances: read(id, &row.instances)?,
        })
    }
}

/// A row of `broker_user`.
pub(crate) struct UserRow {
    pub(crate) broker_id: Uuid,
    pub(crate) username: String,
    pub(crate) password: Vec<u8>,
    pub(crate) groups: Raw,
    pub(crate) console_access: bool,
    pub(crate) replication_user: bool,
}

/// Where a user's password is kept.
pub(crate) fn password_place(broker: Uuid, username: &str) -> Place {
    PASSWORD.place(&[&broker.to_string(), username])
}

impl UserRow {
    pub(crate) fn open(
        self,
        engine: EngineType,
        keys: &MasterKeys,
    ) -> Result<BrokerUser, StoreError> {
        let place = password_place(self.broker_id, &self.username);
        let password = keys.open(&place, &self.password)?;
        let password =
            String::from_utf8(password.to_vec()).map_err(|_| StoreError::Seal("user password"))?;
        let groups: BTreeSet<Group> = skipped::json("broker_user", &self.username, &self.groups)?;
        let username = Username::parse(engine, &self.username).map_err(|error| {
            StoreError::Inconsistent { table: "broker_user", what: error.message }
        })?;
        Ok(BrokerUser {
            username,
            password: SecretString::from(password),
            groups,
            console_access: self.console_access,
            replication_user: self.replication_user,
        })
    }
}
