//! Access keys.

use brokerd_domain::{AccountId, Timestamp};
use secrecy::SecretString;

use crate::kernel::{
    PgStore, StoreError,
    sealed_column::{ACCESS_KEY_SECRET, Place},
};

/// A key that signs API requests.
#[derive(Debug, Clone)]
pub struct AccessKey {
    /// The public part.
    pub id: String,
    /// The secret part; sealed at rest.
    pub secret: SecretString,
    /// Whose requests it signs.
    pub account: AccountId,
}

struct Row {
    id: String,
    account: String,
    secret: Vec<u8>,
}

fn place(id: &str) -> Place {
    ACCESS_KEY_SECRET.place(&[id])
}

impl PgStore {
    /// The access key of that identifier.
    ///
    /// # Errors
    /// [`StoreError::Seal`] when it was sealed with another master key.
    pub async fn access_key(&self, id: &str) -> Result<Option<AccessKey>, StoreError> {
        let row =
            sqlx::query_as!(Row, "select id, account, secret from access_key where id = $1", id)
                .fetch_optional(&self.pool)
                .await?;
        row.map(|row| self.access_key_of(row)).transpose()
    }

    /// Any access key, oldest first; none before the first start.
    ///
    /// # Errors
    /// [`StoreError::Seal`] when it was sealed with another master key.
    pub async fn first_access_key(&self) -> Result<Option<AccessKey>, StoreError> {
        let row = sqlx::query_as!(
            Row,
            "select id, account, secret from access_key order by created, id limit 1"
        )
        .fetch_optional(&self.pool)
        .await?;
        row.map(|row| self.access_key_of(row)).transpose()
    }

    /// Adds an access key; one that exists is left as it is.
    ///
    /// # Errors
    /// As every method.
    pub async fn add_access_key(&self, key: &AccessKey, now: Timestamp) -> Result<(), StoreError> {
        let sealed = self.seal_text(&place(&key.id), &key.secret)?;
        sqlx::query!(
            "insert into access_key (id, account, secret, created) values ($1, $2, $3, $4)
             on conflict do nothing",
            key.id,
            key.account.as_str(),
            sealed,
            now.as_micros()
        )
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    fn access_key_of(&self, row: Row) -> Result<AccessKey, StoreError> {
        let secret = self.key.open_text(&place(&row.id), &row.secret)?;
        let account = row
            .account
            .parse()
            .map_err(|_| StoreError::Inconsistent { table: "access_key", what: row.account })?;
        Ok(AccessKey { id: row.id, secret, account })
    }
}
