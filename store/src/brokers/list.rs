//! Brokers as a table of them shows them: filtered, sorted, page by page.

use std::collections::HashMap;

use brokerd_domain::{
    BrokerId, BrokerName, BrokerState, BrokerSummary, ConfigurationId, DeploymentMode, EngineType,
    HostInstanceType, Scope,
};
use sqlx::{AssertSqlSafe, Row as _, types::Json};
use uuid::Uuid;

use super::read::SummaryRow;
use crate::kernel::{PgStore, StoreError};

/// What brokers are sorted by. Those that are alike are in the order of their identifiers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BrokerOrder {
    /// The name.
    Name,
    /// When they were created.
    Created,
    /// The spelling of the state.
    State,
}

/// Which brokers are wanted, and which part of them. What is none does not matter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BrokerListQuery {
    /// A part of the name, in any letter case.
    pub name_contains: Option<String>,
    /// The engine.
    pub engine_type: Option<EngineType>,
    /// The state.
    pub state: Option<BrokerState>,
    /// The deployment mode.
    pub deployment_mode: Option<DeploymentMode>,
    /// The instance type.
    pub instance_type: Option<HostInstanceType>,
    /// The configuration that they have, that waits for a reboot, or that they had.
    pub configuration: Option<ConfigurationId>,
    /// What they are sorted by.
    pub order: BrokerOrder,
    /// Whether the last one comes first.
    pub is_descending: bool,
    /// The place of the last one of the page before, see [`ListedBroker::place`].
    pub after: Option<(String, BrokerId)>,
    /// The most brokers of a page.
    pub most: u32,
}

/// A broker in the table.
#[derive(Debug, Clone)]
pub struct ListedBroker {
    /// What ListBrokers tells of it.
    pub summary: BrokerSummary,
    /// The version that was asked for.
    pub engine_version: String,
    /// The full version that runs; none: nothing of it has served yet.
    pub running_engine_version: Option<String>,
    /// `EBS` or `EFS`, as it is stored.
    pub storage_type: String,
    /// The tags.
    pub tags: HashMap<String, String>,
    /// What it is sorted by, as text.
    pub place: String,
}

/// A page of the table.
#[derive(Debug, Clone)]
pub struct ListedBrokers {
    /// The brokers of the page. Those that can't be read are left out.
    pub brokers: Vec<ListedBroker>,
    /// How many there are on all pages.
    pub total: u64,
    /// The place of the last row, if there are more.
    pub next: Option<(String, BrokerId)>,
}

/// The state as [`BrokerState::of`] has it: a test compares them.
const STATE: &str = "case when b.deleting then 'DELETION_IN_PROGRESS'
       when not b.has_run and b.has_failed then 'CREATION_FAILED'
       when not b.has_run then 'CREATION_IN_PROGRESS'
       when b.is_rebooting then 'REBOOT_IN_PROGRESS'
       when b.needs_action or b.has_failed or (b.not_applied is not null and (b.has_pending
              or exists (select from broker_user u where u.broker_id = b.id and u.listed
                           and u.pending_change is not null))) then 'CRITICAL_ACTION_REQUIRED'
       else 'RUNNING' end";

/// What the query asks for, but the page.
const WANTED: &str = "b.account = $1 and b.region = $2
       and ($3::text is null or strpos(lower(b.name), lower($3)) > 0)
       and ($4::text is null or b.engine_type = $4)
       and ($5::text is null or b.deployment_mode = $5)
       and ($6::text is null or b.host_instance_type = $6)
       and ($8::text is null or strpos(b.configurations::text, $8) > 0)";

impl BrokerOrder {
    /// What rows are sorted by, the type of that, and how it is written as text.
    const fn sql(self) -> (&'static str, &'static str) {
        match self {
            Self::Name => ("b.name", "text"),
            Self::Created => ("b.created", "bigint"),
            Self::State => (STATE, "text"),
        }
    }
}

impl PgStore {
    /// A page of the brokers of a scope, and how many there are.
    ///
    /// # Errors
    /// As every method of [`PgStore`].
    pub async fn list_brokers(
        &self,
        scope: &Scope,
        query: &BrokerListQuery,
    ) -> Result<ListedBrokers, StoreError> {
        let (key, kind) = query.order.sql();
        let (direction, beyond) = if query.is_descending { ("desc", "<") } else { ("asc", ">") };
        // All parts are constants of this file; what the caller says is bound.
        let state = if query.state.is_some() {
            format!("({STATE}) = $7")
        } else {
            "$7::text is null".to_owned()
        };
        let total = sqlx::query(AssertSqlSafe(format!(
            "select count(*) from broker b where {WANTED} and {state}"
        )));
        let page = sqlx::query(AssertSqlSafe(format!(
            "select b.id, b.name, b.created, b.deleting, b.engine_type, b.deployment_mode, b.host_instance_type,
                    b.has_run, b.has_failed, b.is_rebooting, b.needs_action,
                    b.not_applied is not null and (b.has_pending
                      or exists (select from broker_user u where u.broker_id = b.id and u.listed
                                   and u.pending_change is not null)) as not_applied,
                    coalesce(b.spec ->> 'engine_version', '') as engine_version,
                    coalesce(b.spec ->> 'storage_type', '') as storage_type, b.tags,
                    r.true_version, ({key})::text as place
             from broker b left join running_engine r on r.broker_id = b.id
             where {WANTED} and {state}
               and ($9::text is null or ({key}, b.id) {beyond} ($9::text::{kind}, $10::uuid))
             order by {key} {direction}, b.id {direction} limit $11"
        )));
        let (after, after_id) = query.after.clone().unzip();
        macro_rules! bound {
            ($query:ident) => {
                $query
                    .bind(scope.account.as_str())
                    .bind(scope.region.as_str())
                    .bind(query.name_contains.as_deref())
                    .bind(query.engine_type.map(EngineType::as_str))
                    .bind(query.deployment_mode.map(DeploymentMode::as_str))
                    .bind(query.instance_type.map(HostInstanceType::name))
                    .bind(query.state.map(BrokerState::as_str))
                    .bind(query.configuration.map(|id| id.to_string()))
            };
        }
        let total: i64 = bound!(total).fetch_one(&self.pool).await?.try_get(0)?;
        let mut rows = bound!(page)
            .bind(after)
            .bind(after_id.map(BrokerId::uuid))
            .bind(i64::from(query.most) + 1)
            .fetch_all(&self.pool)
            .await?;
        let most = usize::try_from(query.most).unwrap_or(usize::MAX);
        let has_more = rows.len() > most;
        rows.truncate(most);
        let next = match rows.last().filter(|_| has_more) {
            Some(row) => {
                let id: Uuid = row.try_get("id")?;
                Some((row.try_get("place")?, BrokerId::from(id)))
            }
            None => None,
        };
        let mut brokers = Vec::with_capacity(rows.len());
        for row in rows {
            let id: Uuid = row.try_get("id")?;
            brokers.extend(self.skipped.keep("broker", id, read(&row)));
        }
        Ok(ListedBrokers { brokers, total: u64::try_from(total).unwrap_or(0), next })
    }

    /// Whether a scope has a broker of that name.
    ///
    /// # Errors
    /// As every method of [`PgStore`].
    pub async fn has_broker_named(
        &self,
        scope: &Scope,
        name: &BrokerName,
    ) -> Result<bool, StoreError> {
        let sql =
            "select exists (select from broker where account = $1 and region = $2 and name = $3)";
        Ok(sqlx::query_scalar(sql)
            .bind(scope.account.as_str())
            .bind(scope.region.as_str())
            .bind(name.as_str())
            .fetch_one(&self.pool)
            .await?)
    }
}

fn read(row: &sqlx::postgres::PgRow) -> Result<ListedBroker, StoreError> {
    let summary = SummaryRow {
        id: row.try_get("id")?,
        name: row.try_get("name")?,
        created: row.try_get("created")?,
        deleting: row.try_get("deleting")?,
        engine_type: row.try_get("engine_type")?,
        deployment_mode: row.try_get("deployment_mode")?,
        host_instance_type: row.try_get("host_instance_type")?,
        has_run: row.try_get("has_run")?,
        has_failed: row.try_get("has_failed")?,
        is_rebooting: row.try_get("is_rebooting")?,
        needs_action: row.try_get("needs_action")?,
        not_applied: row.try_get("not_applied")?,
    };
    let Json(tags): Json<HashMap<String, String>> = row.try_get("tags")?;
    Ok(ListedBroker {
        summary: summary.summary()?,
        engine_version: row.try_get("engine_version")?,
        running_engine_version: row.try_get("true_version")?,
        storage_type: row.try_get("storage_type")?,
        tags,
        place: row.try_get("place")?,
    })
}
