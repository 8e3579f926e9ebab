//! Which brokers' logs are to be read, and from where on.

use brokerd_domain::{
    BrokerId, BrokerSpec, DeploymentMode, EngineType, Scope, Timestamp, WorkerId,
    log::{LinePosition, LogCategory},
};
use uuid::Uuid;

use crate::kernel::{PgStore, Raw, StoreError, json::read_json};

/// A broker of which a log is published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FollowedBroker {
    /// The broker.
    pub id: BrokerId,
    /// Where its log groups are.
    pub scope: Scope,
    /// Its engine.
    pub engine: EngineType,
    /// How many instances it has.
    pub instances: u8,
    /// Since when the general log, and for RabbitMQ those of its categories, are published; none: they are not.
    pub general_since: Option<Timestamp>,
    /// The same for the audit log.
    pub audit_since: Option<Timestamp>,
}

/// How far the output of a container was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReadPosition {
    /// The last line of standard output.
    pub stdout: LinePosition,
    /// The last line of standard error.
    pub stderr: LinePosition,
    /// Where lines belong that do not say so themselves.
    pub category: LogCategory,
    /// A number of days since 1970.
    pub day: i64,
    /// How many bytes of the broker's logs were kept that day.
    pub day_bytes: u64,
}

impl Default for ReadPosition {
    fn default() -> Self {
        Self {
            stdout: LinePosition::default(),
            stderr: LinePosition::default(),
            category: LogCategory::General,
            day: 0,
            day_bytes: 0,
        }
    }
}

impl PgStore {
    /// The brokers of this provisioner of which a log is published.
    ///
    /// # Errors
    /// As every method of [`PgStore`].
    pub async fn followed_brokers(
        &self,
        worker: WorkerId,
    ) -> Result<Vec<FollowedBroker>, StoreError> {
        let rows = sqlx::query!(
            r#"select b.id, b.account, b.region, b.spec as "spec: Raw", s.general_since, s.audit_since
               from log_setting s join broker b on b.id = s.broker_id join reconcile r on r.broker_id = b.id
               where r.owner = $1"#,
            worker.uuid()
        )
        .fetch_all(&self.pool)
        .await?;
        let read = |row: &(Uuid, String, String, Raw)| -> Result<_, StoreError> {
            let (id, account, region, spec) = row;
            let wrong = |what: String| StoreError::Inconsistent { table: "broker", what };
            let spec: BrokerSpec = read_json("broker", id, spec)?;
            let account = account.parse().map_err(|error| wrong(format!("{id}: {error}")))?;
            let region = region.parse().map_err(|error| wrong(format!("{id}: {error}")))?;
            Ok((Scope { account, region }, spec.engine_type, spec.deployment_mode))
        };
        let rows = rows.into_iter().filter_map(|row| {
            let columns = (row.id, row.account, row.region, row.spec);
            let found = self.skipped.keep("broker", row.id, read(&columns))?;
            let (scope, engine, mode): (Scope, EngineType, DeploymentMode) = found;
            Some(FollowedBroker {
                id: BrokerId::from(row.id),
                scope,
                engine,
                instances: mode.instances(),
                general_since: row.general_since.map(Timestamp::from_micros),
                audit_since: row.audit_since.map(Timestamp::from_micros),
            })
        });
        Ok(rows.collect())
    }

    /// How far the output of a container was read, with the version that the next record of it has to know; none: nothing
    /// was.
    ///
    /// # Errors
    /// As every method of [`PgStore`].
    pub async fn log_position(
        &self,
        container: &str,
    ) -> Result<Option<(i64, ReadPosition)>, StoreError> {
        let row = sqlx::query!(
            "select version, stdout_at, stdout_ordinal, stderr_at, stderr_ordinal, category, day, day_bytes
             from log_position where container = $1",
            container
        )
        .fetch_optional(&self.pool)
        .await?;
        Ok(row.map(|row| {
            let position = ReadPosition {
                stdout: LinePosition { at: row.stdout_at, ordinal: row.stdout_ordinal },
                stderr: LinePosition { at: row.stderr_at, ordinal: row.stderr_ordinal },
                category: LogCategory::named(&row.category).unwrap_or(LogCategory::General),
                day: row.day,
                day_bytes: u64::try_from(row.day_bytes).unwrap_or(0),
            };
            (row.version, position)
        }))
    }

    /// How many bytes of a broker's logs were kept on the last day on which any was, with the number of that day since 1970.
    ///
    /// # Errors
    /// As every method of [`PgStore`].
    pub async fn logged_bytes(&self, broker: BrokerId) -> Result<(i64, u64), StoreError> {
        let row = sqlx::query!(
            "select day, day_bytes from log_position where broker_id = $1
             order by day desc, day_bytes desc limit 1",
            broker.uuid()
        )
        .fetch_optional(&self.pool)
        .await?;
        Ok(row.map_or((0, 0), |row| (row.day, u64::try_from(row.day_bytes).unwrap_or(0))))
    }
}
