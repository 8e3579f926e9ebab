//! What was billed of brokers.

use std::collections::HashMap;

use brokerd_domain::{
    AccountId, BrokerId, BrokerName, DeploymentMode, EngineType, Scope, StorageType, Timestamp,
    price::{MeteredInterval, StorageUse},
    report::{Period, ReportedBroker},
};
use uuid::Uuid;

use crate::kernel::{
    PgStore, StoreError,
    json::{Raw, read_json},
};

/// A broker, and what was billed of it in a period.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MeteredBroker {
    /// The broker.
    pub broker: ReportedBroker,
    /// What was billed, in the order of time, also before and after the period where it lasted longer.
    pub intervals: Vec<MeteredInterval>,
    /// What it stored in the period, as far as it was measured, in the order of time.
    pub storage: Vec<StorageUse>,
}

struct ReportedRow {
    broker_id: Uuid,
    account: String,
    region: String,
    name: String,
    engine_type: String,
    created: i64,
    deleted: Option<i64>,
    tags: Raw,
}

struct IntervalRow {
    broker_id: Uuid,
    began: i64,
    ended: Option<i64>,
    deployment_mode: String,
    host_instance_type: String,
    storage_type: String,
    disk_gib: Option<i32>,
}

/// Every column of a [`ReportedRow`], with the rest of the statement behind it.
macro_rules! select_reported {
    ($tail:literal $(, $argument:expr)* $(,)?) => {
        sqlx::query_as!(
            ReportedRow,
            r#"select r.broker_id, r.account, r.region, r.name, r.engine_type, r.created, r.deleted,
                      coalesce(b.tags, r.tags) as "tags!: Raw"
               from reported_broker r left join broker b on b.id = r.broker_id and not b.deleting "# + $tail
            $(, $argument)*
        )
    };
}

fn inconsistent(table: &'static str, id: Uuid, what: impl std::fmt::Display) -> StoreError {
    StoreError::Inconsistent { table, what: format!("{id}: {what}") }
}

impl ReportedRow {
    fn broker(&self) -> Result<ReportedBroker, StoreError> {
        let wrong = |what: String| inconsistent("reported_broker", self.broker_id, what);
        Ok(ReportedBroker {
            id: BrokerId::from(self.broker_id),
            scope: Scope {
                account: self.account.parse().map_err(|e| wrong(format!("{e}")))?,
                region: self.region.parse().map_err(|e| wrong(format!("{e}")))?,
            },
            name: BrokerName::parse(&self.name).map_err(|error| wrong(error.message))?,
            engine_type: EngineType::parse(&self.engine_type).map_err(|e| wrong(e.message))?,
            created: Timestamp::from_micros(self.created),
            deleted: self.deleted.map(Timestamp::from_micros),
            tags: read_json("reported_broker", self.broker_id, &self.tags)?,
        })
    }
}

impl IntervalRow {
    fn interval(self) -> Result<MeteredInterval, StoreError> {
        let wrong = |what: String| inconsistent("metered_interval", self.broker_id, what);
        Ok(MeteredInterval {
            began: Timestamp::from_micros(self.began),
            ended: self.ended.map(Timestamp::from_micros),
            deployment_mode: DeploymentMode::parse(&self.deployment_mode)
                .map_err(|error| wrong(error.message))?,
            storage_type: StorageType::parse(&self.storage_type)
                .map_err(|error| wrong(error.message))?,
            host_instance_type: self.host_instance_type,
            disk_gib: self.disk_gib.and_then(|gib| u32::try_from(gib).ok()),
        })
    }
}

impl PgStore {
    /// A broker that is there, or was; none: this scope has no such broker and had none.
    ///
    /// # Errors
    /// As every method of [`PgStore`].
    pub async fn reported_broker(
        &self,
        scope: &Scope,
        id: BrokerId,
    ) -> Result<Option<ReportedBroker>, StoreError> {
        let row = select_reported!(
            "where r.broker_id = $1 and r.account = $2 and r.region = $3",
            id.uuid(),
            scope.account.as_str(),
            scope.region.as_str()
        )
        .fetch_optional(&self.pool)
        .await?;
        row.map(|row| row.broker()).transpose()
    }

    /// What was billed of a broker in a period, in the order of time, without what can't be read; none: this scope has no
    /// such broker and had none.
    ///
    /// # Errors
    /// As every method of [`PgStore`].
    pub async fn metered_broker(
        &self,
        scope: &Scope,
        id: BrokerId,
        period: Period,
    ) -> Result<Option<MeteredBroker>, StoreError> {
        let Some(broker) = self.reported_broker(scope, id).await? else { return Ok(None) };
        let mut found = self.intervals_of(&[id.uuid()], period).await?;
        let intervals = found.remove(&id.uuid()).unwrap_or_default();
        let mut metered = [MeteredBroker { broker, intervals, storage: Vec::new() }];
        self.add_storage(&mut metered, period).await?;
        Ok(metered.into_iter().next())
    }

    /// The brokers of an account, in all regions, that were there in a period, by age, with what was billed of them; up to
    /// `most`, without those that can't be read.
    ///
    /// # Errors
    /// As every method of [`PgStore`].
    pub async fn metered_brokers(
        &self,
        account: &AccountId,
        period: Period,
        most: u32,
    ) -> Result<Vec<MeteredBroker>, StoreError> {
        let rows = select_reported!(
            "where r.account = $1 and r.created < $3 and (r.deleted is null or r.deleted > $2)
             order by r.created, r.broker_id limit $4",
            account.as_str(),
            period.from.as_micros(),
            period.to.as_micros(),
            i64::from(most)
        )
        .fetch_all(&self.pool)
        .await?;
        let ids: Vec<Uuid> = rows.iter().map(|row| row.broker_id).collect();
        let mut intervals = self.intervals_of(&ids, period).await?;
        let read = |row: ReportedRow| {
            let broker = self.skipped.keep("reported_broker", row.broker_id, row.broker())?;
            let intervals = intervals.remove(&row.broker_id).unwrap_or_default();
            Some(MeteredBroker { broker, intervals, storage: Vec::new() })
        };
        let mut brokers: Vec<MeteredBroker> = rows.into_iter().filter_map(read).collect();
        self.add_storage(&mut brokers, period).await?;
        Ok(brokers)
    }

    async fn intervals_of(
        &self,
        brokers: &[Uuid],
        period: Period,
    ) -> Result<HashMap<Uuid, Vec<MeteredInterval>>, StoreError> {
        let rows = sqlx::query_as!(
            IntervalRow,
            "select broker_id, began, ended, deployment_mode, host_instance_type, storage_type, disk_gib
             from metered_interval
             where broker_id = any($1) and began < $3 and (ended is null or ended > $2)
             order by began",
            brokers,
            period.from.as_micros(),
            period.to.as_micros()
        )
        .fetch_all(&self.pool)
        .await?;
        let mut found: HashMap<Uuid, Vec<MeteredInterval>> = HashMap::new();
        for row in rows {
            let broker = row.broker_id;
            let interval = self.skipped.keep("metered_interval", broker, row.interval());
            found.entry(broker).or_default().extend(interval);
        }
        Ok(found)
    }
}
