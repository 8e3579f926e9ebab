//! Which engine versions can run.

use brokerd_domain::{EngineType, EngineVersion, Offerings};

use crate::{Offering, PgStore, StoreError};

impl PgStore {
    /// What can be created.
    ///
    /// # Errors
    /// As every method.
    pub async fn offerings(&self) -> Result<Offerings, StoreError> {
        let rows = sqlx::query!("select engine, version, runs from offering")
            .fetch_all(&self.pool)
            .await?;
        rows.into_iter()
            .map(|row| {
                let inconsistent =
                    |what: String| StoreError::Inconsistent { table: "offering", what };
                let version =
                    |text: String| text.parse::<EngineVersion>().map_err(|_| inconsistent(text));
                let engine =
                    EngineType::parse(&row.engine).map_err(|_| inconsistent(row.engine))?;
                Ok((engine, version(row.version)?, version(row.runs)?))
            })
            .collect()
    }

    /// Replaces what can be created.
    ///
    /// # Errors
    /// As every method.
    pub async fn set_offerings(&self, offerings: &[Offering]) -> Result<(), StoreError> {
        let mut transaction = self.pool.begin().await?;
        sqlx::query!("delete from offering").execute(&mut *transaction).await?;
        for offering in offerings {
            sqlx::query!(
                "insert into offering (engine, version, runs, true_version, image)
                 values ($1, $2, $3, $4, $5)",
                offering.engine.as_str(),
                offering.version.to_string(),
                offering.runs.to_string(),
                offering.true_version,
                offering.image
            )
            .execute(&mut *transaction)
            .await?;
        }
        transaction.commit().await?;
        Ok(())
    }
}
