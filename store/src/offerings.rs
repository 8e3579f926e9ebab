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

    /// What can be created, with what is known of the images, by engine and version.
    ///
    /// # Errors
    /// As every method.
    pub async fn offered_engines(&self) -> Result<Vec<Offering>, StoreError> {
        let rows = sqlx::query!(
            "select engine, version, runs, true_version, image, modules, launcher from offering order by engine, version"
        )
        .fetch_all(&self.pool)
        .await?;
        rows.into_iter()
            .map(|row| {
                let inconsistent =
                    || StoreError::Inconsistent { table: "offering", what: row.version.clone() };
                Ok(Offering {
                    engine: EngineType::parse(&row.engine).map_err(|_| inconsistent())?,
                    version: row.version.parse().map_err(|_| inconsistent())?,
                    runs: row.runs.parse().map_err(|_| inconsistent())?,
                    true_version: row.true_version,
                    image: row.image,
                    modules: row.modules,
                    launcher: row.launcher,
                })
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
                "insert into offering (engine, version, runs, true_version, image, modules, launcher)
                 values ($1, $2, $3, $4, $5, $6, $7)",
                offering.engine.as_str(),
                offering.version.to_string(),
                offering.runs.to_string(),
                offering.true_version,
                offering.image,
                offering.modules,
                offering.launcher
            )
            .execute(&mut *transaction)
            .await?;
        }
        transaction.commit().await?;
        Ok(())
    }
}
