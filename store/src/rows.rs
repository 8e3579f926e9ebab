//! Rows, and how they become what the domain knows.

use std::collections::BTreeSet;

use brokerd_domain::{
    Broker, BrokerId, BrokerInstance, BrokerName, BrokerSpec, BrokerStatus, BrokerUser,
    Configurations, EngineType, Generation, Group, Intent, PendingChange, Scope, Tags, Timestamp,
    Username,
};
use secrecy::SecretString;
use serde::Deserialize;
use sqlx::types::Json;
use uuid::Uuid;

use crate::{MasterKey, StoreError};

/// A row of `broker` with the names of its listed users.
pub(crate) struct BrokerRow {
    pub(crate) id: Uuid,
    pub(crate) account: String,
    pub(crate) region: String,
    pub(crate) name: String,
    pub(crate) created: i64,
    pub(crate) spec: serde_json::Value,
    pub(crate) pending: serde_json::Value,
    pub(crate) window_changes: serde_json::Value,
    pub(crate) configurations: serde_json::Value,
    pub(crate) tags: serde_json::Value,
    pub(crate) status: serde_json::Value,
    pub(crate) instances: serde_json::Value,
    pub(crate) deleting: bool,
    pub(crate) generation: i64,
    pub(crate) reboots_requested: i64,
    pub(crate) not_applied: Option<String>,
    pub(crate) users: serde_json::Value,
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
            r#"select b.id, b.account, b.region, b.name, b.created, b.spec, b.pending,
                      b.window_changes, b.configurations, b.tags, b.status, b.instances, b.deleting, b.generation, b.reboots_requested,
                      b.not_applied,
                      (select coalesce(json_agg(json_build_object(
                                  'username', u.username, 'pending_change', u.pending_change)
                                  order by u.username), '[]')
                       from broker_user u where u.broker_id = b.id and u.listed) as "users!"
               from broker b "# + $tail
            $(, $argument)*
        )
    };
}
pub(crate) use select_broker;

fn inconsistent(id: Uuid, what: impl std::fmt::Display) -> StoreError {
    StoreError::Inconsistent { table: "broker", what: format!("{id}: {what}") }
}

impl TryFrom<BrokerRow> for Broker {
    type Error = StoreError;

    fn try_from(row: BrokerRow) -> Result<Self, StoreError> {
        let id = row.id;
        let wrong = |error: serde_json::Error| inconsistent(id, error);
        let users: Vec<ListedUser> = serde_json::from_value(row.users).map_err(wrong)?;
        let spec: BrokerSpec = serde_json::from_value(row.spec).map_err(wrong)?;
        let configurations: Configurations =
            serde_json::from_value(row.configurations).map_err(wrong)?;
        let tags: Tags = serde_json::from_value(row.tags).map_err(wrong)?;
        let status: BrokerStatus = serde_json::from_value(row.status).map_err(wrong)?;
        let instances: Vec<BrokerInstance> =
            serde_json::from_value(row.instances).map_err(wrong)?;
        Ok(Self {
            id: BrokerId::from(id),
            scope: Scope {
                account: row.account.parse().map_err(|error| inconsistent(id, error))?,
                region: row.region.parse().map_err(|error| inconsistent(id, error))?,
            },
            name: BrokerName::parse(&row.name).map_err(|error| inconsistent(id, error))?,
            created: Timestamp::from_micros(row.created),
            spec,
            pending: serde_json::from_value(row.pending).map_err(wrong)?,
            window_changes: serde_json::from_value(row.window_changes).map_err(wrong)?,
            configurations,
            tags,
            users: users.into_iter().map(|user| (user.username, user.pending_change)).collect(),
            intent: if row.deleting { Intent::Delete } else { Intent::Run },
            generation: Generation(row.generation),
            reboots_requested: u32::try_from(row.reboots_requested)
                .map_err(|error| inconsistent(id, error))?,
            not_applied: row.not_applied,
            status,
            instances,
        })
    }
}

/// A row of `broker_user`.
pub(crate) struct UserRow {
    pub(crate) broker_id: Uuid,
    pub(crate) username: String,
    pub(crate) password: Vec<u8>,
    pub(crate) groups: Json<BTreeSet<Group>>,
    pub(crate) console_access: bool,
    pub(crate) replication_user: bool,
}

/// Where a user's password is kept.
pub(crate) fn password_place(broker: Uuid, username: &str) -> String {
    format!("broker_user.password/{broker}/{username}")
}

impl UserRow {
    pub(crate) fn open(
        self,
        engine: EngineType,
        key: &MasterKey,
    ) -> Result<BrokerUser, StoreError> {
        let place = password_place(self.broker_id, &self.username);
        let password = key.open("user password", &place, &self.password)?;
        let password =
            String::from_utf8(password.to_vec()).map_err(|_| StoreError::Seal("user password"))?;
        let username = Username::parse(engine, &self.username).map_err(|error| {
            StoreError::Inconsistent { table: "broker_user", what: error.message }
        })?;
        Ok(BrokerUser {
            username,
            password: SecretString::from(password),
            groups: self.groups.0,
            console_access: self.console_access,
            replication_user: self.replication_user,
        })
    }
}
