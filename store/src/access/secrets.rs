//! Secrets that configurations name by ARN.

use brokerd_domain::{Scope, Secret, SecretName, SecretReference, Timestamp};
use secrecy::SecretString;

use crate::kernel::{
    PgStore, StoreError,
    sealed_column::{Place, SECRET_VALUE},
};

/// How many secrets an account may have in a region.
const MAX_SECRETS: i64 = 1000;

struct SecretRow {
    name: String,
    suffix: String,
    created: i64,
    changed: i64,
}

impl SecretRow {
    fn into_secret(self, scope: &Scope) -> Result<Secret, StoreError> {
        let name = self.name.parse().map_err(|error: brokerd_domain::Error| {
            StoreError::Inconsistent { table: "secret", what: error.message }
        })?;
        Ok(Secret {
            scope: scope.clone(),
            name,
            suffix: self.suffix,
            created: Timestamp::from_micros(self.created),
            changed: Timestamp::from_micros(self.changed),
        })
    }
}

fn place(scope: &Scope, name: &SecretName) -> Place {
    SECRET_VALUE.place(&[scope.account.as_str(), scope.region.as_str(), name.as_str()])
}

impl PgStore {
    /// Keeps a secret: a new one, or another value for the one of that name, whose ARN stays. None: the account has
    /// as many in this region as it may have.
    ///
    /// # Errors
    /// As every method of [`PgStore`].
    pub async fn put_secret(
        &self,
        fresh: &Secret,
        value: &SecretString,
    ) -> Result<Option<Secret>, StoreError> {
        let Secret { scope, name, suffix, created, .. } = fresh;
        let sealed = self.seal_text(&place(scope, name), value)?;
        let row = sqlx::query_as!(
            SecretRow,
            "insert into secret (account, region, name, suffix, value, created, changed)
             select $1, $2, $3, $4, $5, $6, $6
             where (select count(*) from secret where account = $1 and region = $2) < $7
                or exists (select from secret where account = $1 and region = $2 and name = $3)
             on conflict (account, region, name) do update
               set value = excluded.value, changed = excluded.changed
             returning name, suffix, created, changed",
            scope.account.as_str(),
            scope.region.as_str(),
            name.as_str(),
            suffix,
            sealed,
            created.as_micros(),
            MAX_SECRETS
        )
        .fetch_optional(&self.pool)
        .await?;
        row.map(|row| row.into_secret(scope)).transpose()
    }

    /// Every secret of a scope, by name, without those that can't be read.
    ///
    /// # Errors
    /// As every method of [`PgStore`].
    pub async fn secrets(&self, scope: &Scope) -> Result<Vec<Secret>, StoreError> {
        let rows = sqlx::query_as!(
            SecretRow,
            "select name, suffix, created, changed from secret
             where account = $1 and region = $2 order by name",
            scope.account.as_str(),
            scope.region.as_str()
        )
        .fetch_all(&self.pool)
        .await?;
        let read = |row: SecretRow| {
            let name = row.name.clone();
            self.skipped.keep("secret", name, row.into_secret(scope))
        };
        Ok(rows.into_iter().filter_map(read).collect())
    }

    /// A secret of a scope.
    ///
    /// # Errors
    /// As every method of [`PgStore`].
    pub async fn secret(
        &self,
        scope: &Scope,
        name: &SecretName,
    ) -> Result<Option<Secret>, StoreError> {
        let row = sqlx::query_as!(
            SecretRow,
            "select name, suffix, created, changed from secret
             where account = $1 and region = $2 and name = $3",
            scope.account.as_str(),
            scope.region.as_str(),
            name.as_str()
        )
        .fetch_optional(&self.pool)
        .await?;
        row.map(|row| row.into_secret(scope)).transpose()
    }

    /// Deletes a secret; false: there was none of that name. Brokers keep what they were given.
    ///
    /// # Errors
    /// As every method of [`PgStore`].
    pub async fn delete_secret(
        &self,
        scope: &Scope,
        name: &SecretName,
    ) -> Result<bool, StoreError> {
        let deleted = sqlx::query!(
            "delete from secret where account = $1 and region = $2 and name = $3",
            scope.account.as_str(),
            scope.region.as_str(),
            name.as_str()
        )
        .execute(&self.pool)
        .await?;
        Ok(deleted.rows_affected() > 0)
    }

    /// The value of the secret that an ARN means in this scope; none: it is not kept here.
    ///
    /// The suffix of the ARN is not compared, because a configuration written for Amazon MQ has another one.
    ///
    /// # Errors
    /// [`StoreError::Seal`] when it was sealed with another master key.
    pub async fn secret_value(
        &self,
        scope: &Scope,
        reference: &SecretReference,
    ) -> Result<Option<SecretString>, StoreError> {
        if !reference.is_of(scope) {
            return Ok(None);
        }
        for name in reference.names() {
            let value = sqlx::query_scalar!(
                "select value from secret where account = $1 and region = $2 and name = $3",
                scope.account.as_str(),
                scope.region.as_str(),
                name.as_str()
            )
            .fetch_optional(&self.pool)
            .await?;
            if let Some(sealed) = value {
                return self.key.open_text(&place(scope, &name), &sealed).map(Some);
            }
        }
        Ok(None)
    }
}
