//! Offerings: the engine versions that can run.

use brokerd_domain::{EngineType, EngineVersion, Offerings};

use crate::kernel::{PgStore, StoreError};

/// An engine version that can run, as the provisioner found it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offering {
    /// The engine.
    pub engine: EngineType,
    /// The version callers name.
    pub version: EngineVersion,
    /// The version that serves its brokers: another one if that stands in for it.
    pub runs: EngineVersion,
    /// The same down to the patch, as far as the image tells.
    pub true_version: String,
    /// The image.
    pub image: String,
    /// The modules of the engine in it and their versions, as far as known: `module=version,…`; empty if they are
    /// not.
    pub modules: String,
    /// Whether the engine runs in brokerd's launcher, or needs none.
    pub launcher: bool,
}

fn inconsistent(what: &str) -> StoreError {
    StoreError::Inconsistent { table: "offering", what: what.to_owned() }
}

impl PgStore {
    /// The offered versions, without rows that can't be read.
    ///
    /// # Errors
    /// As every method of [`PgStore`].
    pub async fn offerings(&self) -> Result<Offerings, StoreError> {
        let rows = sqlx::query!("select engine, version, runs from offering")
            .fetch_all(&self.pool)
            .await?;
        let read = |(engine, version, runs): (String, String, String)| {
            let offered = || {
                let parsed =
                    |text: &str| text.parse::<EngineVersion>().map_err(|_| inconsistent(text));
                let of = EngineType::parse(&engine).map_err(|_| inconsistent(&engine))?;
                Ok((of, parsed(&version)?, parsed(&runs)?))
            };
            self.skipped.keep("offering", &version, offered())
        };
        Ok(rows
            .into_iter()
            .map(|row| (row.engine, row.version, row.runs))
            .filter_map(read)
            .collect())
    }

    /// The offered versions with their images, by engine and version.
    ///
    /// # Errors
    /// As every method of [`PgStore`].
    pub async fn offered_engines(&self) -> Result<Vec<Offering>, StoreError> {
        let rows = sqlx::query!(
            "select engine, version, runs, true_version, image, modules, launcher from offering order by engine, version"
        )
        .fetch_all(&self.pool)
        .await?;
        let mut offered = Vec::with_capacity(rows.len());
        for row in rows {
            let parsed = |text: &str| text.parse::<EngineVersion>().map_err(|_| inconsistent(text));
            let known = EngineType::parse(&row.engine)
                .map_err(|_| inconsistent(&row.engine))
                .and_then(|engine| Ok((engine, parsed(&row.version)?, parsed(&row.runs)?)));
            let Some((engine, version, runs)) = self.skipped.keep("offering", &row.version, known)
            else {
                continue;
            };
            offered.push(Offering {
                engine,
                version,
                runs,
                true_version: row.true_version,
                image: row.image,
                modules: row.modules,
                launcher: row.launcher,
            });
        }
        Ok(offered)
    }

    /// Replaces what can be created.
    ///
    /// # Errors
    /// As every method of [`PgStore`].
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
