//! The running engine of each broker.

use brokerd_domain::{BrokerId, EngineType, Event, EventKind, Lease, RunningEngine, Timestamp};

use crate::{
    brokers::events::insert_events,
    kernel::{PgStore, StoreError},
};

impl PgStore {
    /// Records the running engine of a broker, with an event.
    ///
    /// # Errors
    /// [`StoreError::LeaseLost`].
    pub async fn save_running_engine(
        &self,
        lease: &Lease,
        engine: EngineType,
        runs: &RunningEngine,
    ) -> Result<(), StoreError> {
        let mut transaction = self.fenced(lease).await?;
        let id = lease.broker.uuid();
        sqlx::query!(
            "insert into running_engine
               (broker_id, asked, version, true_version, image, image_id, since)
             values ($1, $2, $3, $4, $5, $6, $7)
             on conflict (broker_id) do update set asked = excluded.asked,
               version = excluded.version, true_version = excluded.true_version,
               image = excluded.image, image_id = excluded.image_id, since = excluded.since",
            id,
            runs.asked.to_string(),
            runs.version.to_string(),
            runs.true_version,
            runs.image,
            runs.image_id,
            runs.since.as_micros()
        )
        .execute(&mut *transaction)
        .await?;
        let event =
            Event { at: runs.since, kind: EventKind::Verdict, message: runs.sentence(engine) };
        insert_events(&mut transaction, id, &[event]).await?;
        transaction.commit().await?;
        Ok(())
    }

    /// What runs for a broker; none: nothing of it has served yet, or there is no such broker.
    ///
    /// # Errors
    /// As every method of [`PgStore`].
    pub async fn running_engine(
        &self,
        broker: BrokerId,
    ) -> Result<Option<RunningEngine>, StoreError> {
        let row = sqlx::query!(
            "select asked, version, true_version, image, image_id, since
             from running_engine where broker_id = $1",
            broker.uuid()
        )
        .fetch_optional(&self.pool)
        .await?;
        row.map(|row| {
            let version = |text: String| {
                text.parse()
                    .map_err(|_| StoreError::Inconsistent { table: "running_engine", what: text })
            };
            Ok(RunningEngine {
                asked: version(row.asked)?,
                version: version(row.version)?,
                true_version: row.true_version,
                image: row.image,
                image_id: row.image_id,
                since: Timestamp::from_micros(row.since),
            })
        })
        .transpose()
    }
}
