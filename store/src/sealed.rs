//! Which columns are sealed. What seals or opens a value names its place by one of these, and so all of them are sealed
//! anew when the master key changes.

use std::collections::BTreeMap;

use sqlx::{AssertSqlSafe, Row as _, postgres::PgRow};

use crate::{
    PgStore, StoreError,
    seal::{KEY_ID, KEY_ID_FROM},
};

/// A sealed column. Values are bound to their place: its name and what identifies the row.
#[derive(Debug)]
pub(crate) struct SealedColumn {
    table: &'static str,
    column: &'static str,
    /// The name of the place. A column whose values move to another one shares its name.
    place: &'static str,
    /// What identifies a row, and its type.
    by: &'static [(&'static str, &'static str)],
    /// What errors call a value.
    what: &'static str,
}

const BROKER: (&str, &str) = ("broker_id", "uuid");

pub(crate) const AUTHORITY_KEY: SealedColumn = SealedColumn {
    table: "certificate_authority",
    column: "private_key",
    place: "certificate_authority.private_key",
    by: &[("id", "bigint")],
    what: "certificate authority",
};
pub(crate) const ACCESS_KEY_SECRET: SealedColumn = SealedColumn {
    table: "access_key",
    column: "secret",
    place: "access_key.secret",
    by: &[("id", "text")],
    what: "access key",
};
pub(crate) const MATERIALS: SealedColumn = SealedColumn {
    table: "broker_secret",
    column: "materials",
    place: "broker_secret.materials",
    by: &[BROKER],
    what: "materials",
};
pub(crate) const PASSWORD: SealedColumn = SealedColumn {
    table: "broker_user",
    column: "password",
    place: "broker_user.password",
    by: &[BROKER, ("username", "text")],
    what: "user password",
};
const PENDING_PASSWORD: SealedColumn = SealedColumn { column: "pending_password", ..PASSWORD };
pub(crate) const LDAP_PASSWORD: SealedColumn = SealedColumn {
    table: "broker",
    column: "ldap_password",
    place: "broker.ldap_password",
    by: &[("id", "uuid")],
    what: "directory password",
};
const PENDING_LDAP_PASSWORD: SealedColumn =
    SealedColumn { column: "pending_ldap_password", ..LDAP_PASSWORD };
pub(crate) const SECRET_VALUE: SealedColumn = SealedColumn {
    table: "secret",
    column: "value",
    place: "secret.value",
    by: &[("account", "text"), ("region", "text"), ("name", "text")],
    what: "secret",
};

/// All of them; a test compares them with the schema.
static ALL: [&SealedColumn; 8] = [
    &AUTHORITY_KEY,
    &ACCESS_KEY_SECRET,
    &MATERIALS,
    &PASSWORD,
    &PENDING_PASSWORD,
    &LDAP_PASSWORD,
    &PENDING_LDAP_PASSWORD,
    &SECRET_VALUE,
];

/// Table and column of everything that is sealed.
pub fn sealed_columns() -> Vec<(&'static str, &'static str)> {
    ALL.iter().map(|column| (column.table, column.column)).collect()
}

/// Where a sealed value is kept, such as `access_key.secret/AKIA…`.
#[derive(Debug)]
pub(crate) struct Place {
    name: String,
    what: &'static str,
}

impl Place {
    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.name.as_bytes()
    }

    pub(crate) const fn what(&self) -> &'static str {
        self.what
    }
}

impl SealedColumn {
    /// The place of the row that this identifies.
    pub(crate) fn place<T: AsRef<str>>(&self, row: &[T]) -> Place {
        let mut name = self.place.to_owned();
        for part in row {
            name.push('/');
            name.push_str(part.as_ref());
        }
        Place { name, what: self.what }
    }

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

/// How far sealing anew has got.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Resealing {
    /// How many values were not sealed with the first key when it began.
    pub found: u64,
    /// How many of them are now.
    pub sealed: u64,
    /// How many were changed or removed by somebody else meanwhile.
    pub overtaken: u64,
    /// How many none of the master keys opens; they are left as they are.
    pub unopened: u64,
}

impl PgStore {
    /// How many values each key has sealed, by its id.
    ///
    /// # Errors
    /// As every method.
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

    /// Seals every value anew that was not sealed with the first of the master keys, each in a statement of its own,
    /// and tells after each how far it is. It may be ended at any point and called again, and others may use the
    /// database meanwhile: a value that somebody else has just changed is left alone.
    ///
    /// # Errors
    /// As every method.
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
        // Whoever has changed it since has the last word.
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
