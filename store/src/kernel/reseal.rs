//! Resealing all values with another master key.

use std::collections::BTreeMap;

use sqlx::{AssertSqlSafe, Row as _, postgres::PgRow};

use super::{
    error::StoreError,
    seal::{KEY_ID, KEY_ID_FROM},
    sealed_column::{ALL, SealedColumn},
    store::PgStore,
};

impl SealedColumn {
    /// `a = $1::text::uuid and b = $2::text::text`
    fn is_row(&self) -> String {
        let parts: Vec<String> = (1..)
            .zip(self.by)
            .map(|(n, (name, kind))| format!("{name} = ${n}::text::{kind}"))
            .collect();
        parts.join(" and ")
    }

    fn row(&self) -> String {
        let parts: Vec<String> = self.by.iter().map(|(name, _)| format!("{name}::text")).collect();
        parts.join(", ")
    }

    fn key_id(&self) -> String {
        format!("substring({} from {KEY_ID_FROM} for {KEY_ID})", self.column)
    }
}

/// The progress of resealing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Resealing {
    /// How many values were not sealed with the first key when it began.
    pub found: u64,
    /// How many of them are resealed.
    pub sealed: u64,
    /// How many another process changed or removed meanwhile.
    pub overtaken: u64,
    /// How many can't be opened by any of the master keys; they are left as they are.
    pub unopened: u64,
}

impl PgStore {
    /// How many values each key has sealed, by its id.
    ///
    /// # Errors
    /// As every method of [`PgStore`].
    pub async fn sealed_values(&self) -> Result<BTreeMap<String, u64>, StoreError> {
        let mut counts = BTreeMap::new();
        for column in ALL {
            let rows = sqlx::query(AssertSqlSafe(format!(
                "select encode({}, 'hex'), count(*) from {} where {} is not null group by 1",
                column.key_id(),
                column.table,
                column.column
            )))
            .fetch_all(&self.pool)
            .await?;
            for row in rows {
                let (id, count): (String, i64) = (row.try_get(0)?, row.try_get(1)?);
                *counts.entry(id).or_default() += u64::try_from(count).unwrap_or(0);
            }
        }
        Ok(counts)
    }

    /// Reseals every value that was not sealed with the first master key, each in a statement of its own, and reports
    /// the progress after each. It may be interrupted at any point and called again, and other processes may use the
    /// database meanwhile: a value that was changed concurrently is left alone.
    ///
    /// # Errors
    /// As every method of [`PgStore`].
    pub async fn reseal(
        &self,
        mut progress: impl FnMut(Resealing) + Send,
    ) -> Result<Resealing, StoreError> {
        let first = self.key.first();
        let mut all = Vec::new();
        for column in ALL {
            let rows = sqlx::query(AssertSqlSafe(format!(
                "select {} from {} where {} <> $1",
                column.row(),
                column.table,
                column.key_id()
            )))
            .bind(&first.raw_id()[..])
            .fetch_all(&self.pool)
            .await?;
            for row in rows {
                all.push((column, identity(column, &row)?));
            }
        }
        let mut done =
            Resealing { found: u64::try_from(all.len()).unwrap_or(0), ..Resealing::default() };
        for (column, row) in all {
            match self.reseal_row(column, &row).await {
                Ok(true) => done.sealed += 1,
                Ok(false) => done.overtaken += 1,
                Err(StoreError::Seal(_)) => done.unopened += 1,
                Err(error) => return Err(error),
            }
            progress(done);
        }
        Ok(done)
    }

    async fn reseal_row(&self, column: &SealedColumn, row: &[String]) -> Result<bool, StoreError> {
        let (table, name, is_row) = (column.table, column.column, column.is_row());
        let statement = format!("select {name} from {table} where {is_row}");
        let mut query = sqlx::query(AssertSqlSafe(statement));
        for part in row {
            query = query.bind(part);
        }
        let found = query.fetch_optional(&self.pool).await?;
        let sealed: Option<Vec<u8>> = found.map(|found| found.try_get(0)).transpose()?.flatten();
        let Some(sealed) = sealed else { return Ok(false) };
        let place = column.place(row);
        let secret = self.key.open(&place, &sealed)?;
        let fresh = self.key.seal(&*self.entropy, &place, &secret)?;
        // A concurrent change wins.
        let (new, old) = (row.len() + 1, row.len() + 2);
        let statement =
            format!("update {table} set {name} = ${new} where {is_row} and {name} = ${old}");
        let mut query = sqlx::query(AssertSqlSafe(statement));
        for part in row {
            query = query.bind(part);
        }
        let updated = query.bind(fresh).bind(sealed).execute(&self.pool).await?;
        Ok(updated.rows_affected() > 0)
    }
}

fn identity(column: &SealedColumn, row: &PgRow) -> Result<Vec<String>, StoreError> {
    (0..column.by.len()).map(|at| Ok(row.try_get::<String, _>(at)?)).collect()
}
