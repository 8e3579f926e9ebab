//! Reading brokers, one or a page.

use std::sync::Arc;

use brokerd_domain::{
    Broker, BrokerId, BrokerName, BrokerState, BrokerSummary, Creation, DeploymentMode, EngineType,
    Error, HostInstanceType, Intent, Region, Scope, Timestamp,
};

use crate::kernel::{
    PgStore, StoreError,
    broker_row::{BrokerRow, BrokerRowQuery},
};

/// Some brokers of a scope.
#[derive(Debug)]
pub struct BrokerPage {
    /// In the order they were created.
    pub brokers: Vec<BrokerSummary>,
    /// Whether there are more.
    pub has_more: bool,
}

/// The columns of `broker` that ListBrokers needs.
pub(super) struct SummaryRow {
    pub(super) id: uuid::Uuid,
    pub(super) name: String,
    pub(super) created: i64,
    pub(super) deleting: bool,
    pub(super) engine_type: Option<String>,
    pub(super) deployment_mode: Option<String>,
    pub(super) host_instance_type: Option<String>,
    pub(super) has_run: bool,
    pub(super) has_failed: bool,
    pub(super) is_rebooting: bool,
    pub(super) needs_action: bool,
    pub(super) not_applied: bool,
}

impl SummaryRow {
    pub(super) fn summary(self) -> Result<BrokerSummary, StoreError> {
        let wrong =
            |what: &str| StoreError::Inconsistent { table: "broker", what: what.to_owned() };
        let refused = |error: Error| wrong(&error.message);
        let there = |text: Option<String>, what| text.ok_or_else(|| wrong(what));
        let intent = if self.deleting { Intent::Delete } else { Intent::Run };
        let creation = match (self.has_run, self.has_failed) {
            (true, _) => Creation::Done,
            (false, true) => Creation::Failed,
            (false, false) => Creation::UnderWay,
        };
        let action_required = self.needs_action || self.has_failed || self.not_applied;
        let engine_type = there(self.engine_type, "no engine type")?;
        let deployment_mode = there(self.deployment_mode, "no deployment mode")?;
        let host_instance_type = there(self.host_instance_type, "no instance type")?;
        Ok(BrokerSummary {
            id: BrokerId::from(self.id),
            name: BrokerName::parse(&self.name).map_err(refused)?,
            created: Timestamp::from_micros(self.created),
            state: BrokerState::of(intent, creation, self.is_rebooting, action_required),
            engine_type: EngineType::parse(&engine_type).map_err(refused)?,
            deployment_mode: DeploymentMode::parse(&deployment_mode).map_err(refused)?,
            host_instance_type: HostInstanceType::from_name(&host_instance_type)
                .ok_or_else(|| wrong(&host_instance_type))?,
        })
    }
}

impl PgStore {
    /// The broker, if this scope has it.
    ///
    /// # Errors
    /// As every method of [`PgStore`].
    pub async fn broker(&self, scope: &Scope, id: BrokerId) -> Result<Option<Broker>, StoreError> {
        let row = self.broker_batcher.ask(BrokerRowQuery(id.uuid()), &self.pool).await?;
        let is_theirs = |row: &Arc<BrokerRow>| {
            row.account == scope.account.as_str() && row.region == scope.region.as_str()
        };
        row.filter(is_theirs).map(|row| row.broker(&self.skipped)).transpose()
    }

    /// Whether this scope has the broker.
    ///
    /// # Errors
    /// As every method of [`PgStore`].
    pub async fn has_broker(&self, scope: &Scope, id: BrokerId) -> Result<bool, StoreError> {
        let found = sqlx::query_scalar!(
            r#"select exists (
                 select from broker where id = $1 and account = $2 and region = $3) as "there!""#,
            id.uuid(),
            scope.account.as_str(),
            scope.region.as_str()
        )
        .fetch_one(&self.pool)
        .await?;
        Ok(found)
    }

    /// Brokers of the scope in the order they were created, after `after`. Those that can't be read are skipped; a page
    /// is empty only if there are no more.
    ///
    /// # Errors
    /// As every method of [`PgStore`].
    pub async fn brokers(
        &self,
        scope: &Scope,
        after: Option<(Timestamp, BrokerId)>,
        limit: u32,
    ) -> Result<BrokerPage, StoreError> {
        let mut after = after.map_or((i64::MIN, uuid::Uuid::nil()), |(created, id)| {
            (created.as_micros(), id.uuid())
        });
        loop {
            let (brokers, more) = self.broker_page(scope, after, limit).await?;
            match more {
                Some(last) if brokers.is_empty() => after = last,
                more => return Ok(BrokerPage { brokers, has_more: more.is_some() }),
            }
        }
    }

    /// A page of rows, and the place of its last one if there are more.
    async fn broker_page(
        &self,
        scope: &Scope,
        (created, id): (i64, uuid::Uuid),
        limit: u32,
    ) -> Result<(Vec<BrokerSummary>, Option<(i64, uuid::Uuid)>), StoreError> {
        let mut rows = sqlx::query_as!(
            SummaryRow,
            r#"select b.id, b.name, b.created, b.deleting, b.engine_type, b.deployment_mode,
                      b.host_instance_type, b.has_run as "has_run!", b.has_failed as "has_failed!",
                      b.is_rebooting as "is_rebooting!", b.needs_action as "needs_action!",
                      b.not_applied is not null and (b.has_pending
                        or exists (select from broker_user u where u.broker_id = b.id and u.listed
                                     and u.pending_change is not null)) as "not_applied!"
               from broker b
               where b.account = $1 and b.region = $2 and (b.created, b.id) > ($3, $4)
               order by b.created, b.id limit $5"#,
            scope.account.as_str(),
            scope.region.as_str(),
            created,
            id,
            i64::from(limit) + 1
        )
        .fetch_all(&self.pool)
        .await?;
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let has_more = rows.len() > limit;
        rows.truncate(limit);
        let more = rows.last().filter(|_| has_more).map(|row| (row.created, row.id));
        let read = |row: SummaryRow| {
            let id = row.id;
            self.skipped.keep("broker", id, row.summary())
        };
        Ok((rows.into_iter().filter_map(read).collect(), more))
    }

    /// The regions that have brokers, and how many. Those that can't be read are skipped.
    ///
    /// # Errors
    /// As every method of [`PgStore`].
    pub async fn regions(&self) -> Result<Vec<(Region, i64)>, StoreError> {
        let rows = sqlx::query!(
            r#"select region, count(*) as "brokers!" from broker group by region order by region"#
        )
        .fetch_all(&self.pool)
        .await?;
        let read = |(name, brokers): (String, i64)| {
            let region = name
                .parse()
                .map_err(|_| StoreError::Inconsistent { table: "broker", what: name.clone() });
            Some((self.skipped.keep("broker", &name, region)?, brokers))
        };
        Ok(rows.into_iter().map(|row| (row.region, row.brokers)).filter_map(read).collect())
    }
}
