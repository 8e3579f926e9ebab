//! A row of `broker`, and how it becomes a broker.

use std::{collections::HashMap, sync::Arc};

use brokerd_domain::{
    Broker, BrokerId, BrokerName, Generation, Intent, PendingChange, Scope, Timestamp, Username,
};
use serde::Deserialize;
use uuid::Uuid;

use super::{
    batching::BatchedQuery,
    error::StoreError,
    json::{Raw, read_json},
    pool::Pool,
    skipped::SkippedRows,
};

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
            crate::kernel::BrokerRow,
            r#"select b.id, b.account, b.region, b.name, b.created,
                      b.spec as "spec: crate::kernel::Raw", b.pending as "pending: crate::kernel::Raw",
                      b.window_changes as "window_changes: crate::kernel::Raw",
                      b.configurations as "configurations: crate::kernel::Raw",
                      b.tags as "tags: crate::kernel::Raw", b.status as "status: crate::kernel::Raw",
                      b.instances as "instances: crate::kernel::Raw", b.deleting, b.generation,
                      b.reboots_requested, b.not_applied,
                      b.not_applied_actions as "not_applied_actions: crate::kernel::Raw",
                      (select coalesce(json_agg(json_build_object(
                                  'username', u.username, 'pending_change', u.pending_change)
                                  order by u.username), '[]')
                       from broker_user u where u.broker_id = b.id and u.listed)
                        as "users!: crate::kernel::Raw"
               from broker b "# + $tail
            $(, $argument)*
        )
    };
}
pub(crate) use select_broker;

fn inconsistent(id: Uuid, what: impl std::fmt::Display) -> StoreError {
    StoreError::Inconsistent { table: "broker", what: format!("{id}: {what}") }
}

impl BrokerRow {
    /// The broker. A listed user that can't be read is skipped: the others have one of their own.
    pub(crate) fn broker(&self, skipped: &SkippedRows) -> Result<Broker, StoreError> {
        let row = self;
        let id = row.id;
        let users: Vec<serde_json::Value> = read_json("broker", id, &row.users)?;
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
            spec: read_json("broker", id, &row.spec)?,
            pending: read_json("broker", id, &row.pending)?,
            window_changes: read_json("broker", id, &row.window_changes)?,
            configurations: read_json("broker", id, &row.configurations)?,
            tags: read_json("broker", id, &row.tags)?,
            users: users.map(|user| (user.username, user.pending_change)).collect(),
            intent: if row.deleting { Intent::Delete } else { Intent::Run },
            generation: Generation(row.generation),
            reboots_requested: u32::try_from(row.reboots_requested)
                .map_err(|error| inconsistent(id, error))?,
            not_applied: row.not_applied.clone(),
            not_applied_actions: read_json("broker", id, &row.not_applied_actions)?,
            status: read_json("broker", id, &row.status)?,
            instances: read_json("broker", id, &row.instances)?,
        })
    }
}

/// The query for a broker's row, of any account.
pub(crate) struct BrokerRowQuery(pub(crate) Uuid);

impl BatchedQuery for BrokerRowQuery {
    type Answer = Option<Arc<BrokerRow>>;
    type Source = Pool;

    async fn ask(brokers: &[Self], pool: &Pool) -> Result<Vec<Self::Answer>, StoreError> {
        let ids: Vec<_> = brokers.iter().map(|broker| broker.0).collect();
        let rows = select_broker!("where b.id = any($1)", &ids).fetch_all(pool).await?;
        let rows: HashMap<_, _> = rows.into_iter().map(|row| (row.id, Arc::new(row))).collect();
        Ok(ids.iter().map(|id| rows.get(id).cloned()).collect())
    }
}
