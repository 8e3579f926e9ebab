//! The installation's certificate authorities.

use std::cmp::Reverse;

use brokerd_domain::Timestamp;
use secrecy::SecretString;

use crate::kernel::{
    PgStore, StoreError,
    pool::Transaction,
    sealed_column::{AUTHORITY_KEY, Place},
};

/// The authority that issues broker certificates.
#[derive(Debug, Clone)]
pub struct CertificateAuthority {
    /// The certificate, PEM.
    pub certificate_pem: String,
    /// Its key, PEM (PKCS#8); sealed at rest.
    pub private_key_pem: SecretString,
}

/// A trusted authority, with the time from which it issues.
#[derive(Debug, Clone)]
pub struct StoredAuthority {
    /// Which one it is.
    pub id: i64,
    /// From when on it issues, until another one does.
    pub issues_from: Timestamp,
    /// The certificate and its key.
    pub authority: CertificateAuthority,
}

fn place(id: i64) -> Place {
    AUTHORITY_KEY.place(&[id.to_string()])
}

fn rank(issues_from: Timestamp, id: i64, now: Timestamp) -> impl Ord {
    (issues_from > now, Reverse((issues_from, id)))
}

impl StoredAuthority {
    /// Its place in the order in which they are named: the one that issues first, then those that have issued, then
    /// those that will.
    pub fn rank(&self, now: Timestamp) -> impl Ord + use<> {
        rank(self.issues_from, self.id, now)
    }
}

impl PgStore {
    /// The authority: `fresh` if none was stored before. The first writer wins.
    ///
    /// # Errors
    /// [`StoreError::Seal`] when the stored one was sealed with another master key.
    pub async fn certificate_authority(
        &self,
        fresh: &CertificateAuthority,
    ) -> Result<(), StoreError> {
        let mut transaction = self.lock_authorities().await?;
        let stored =
            sqlx::query_scalar!("select count(*) as \"count!\" from certificate_authority")
                .fetch_one(&mut *transaction)
                .await?;
        if stored == 0 {
            self.insert_authority(&mut transaction, fresh, Timestamp::from_micros(0)).await?;
        }
        Ok(transaction.commit().await?)
    }

    /// Every authority as of `now`: the one that issues first, then those that have issued, then those that will.
    ///
    /// # Errors
    /// [`StoreError::Seal`] when one was sealed with another master key.
    pub async fn certificate_authorities(
        &self,
        now: Timestamp,
    ) -> Result<Vec<StoredAuthority>, StoreError> {
        let rows = sqlx::query!(
            "select id, issues_from, certificate_pem, private_key from certificate_authority"
        )
        .fetch_all(&self.pool)
        .await?;
        let mut all = Vec::with_capacity(rows.len());
        for row in rows {
            let key = self.key.open_text(&place(row.id), &row.private_key)?;
            all.push(StoredAuthority {
                id: row.id,
                issues_from: Timestamp::from_micros(row.issues_from),
                authority: CertificateAuthority {
                    certificate_pem: row.certificate_pem,
                    private_key_pem: key,
                },
            });
        }
        all.sort_by_key(|stored| stored.rank(now));
        Ok(all)
    }

    /// The certificates of the same, PEM, in the same order; empty: there is no authority yet.
    ///
    /// # Errors
    /// As every method of [`PgStore`].
    pub async fn trusted_certificates(&self, now: Timestamp) -> Result<String, StoreError> {
        let mut rows =
            sqlx::query!("select id, issues_from, certificate_pem from certificate_authority")
                .fetch_all(&self.pool)
                .await?;
        rows.sort_by_key(|row| rank(Timestamp::from_micros(row.issues_from), row.id, now));
        Ok(rows.into_iter().map(|row| row.certificate_pem).collect())
    }

    /// Adds an authority that is trusted at once and issues from a moment on. One of that certificate that is there
    /// already issues from then on.
    ///
    /// # Errors
    /// As every method of [`PgStore`].
    pub async fn add_certificate_authority(
        &self,
        authority: &CertificateAuthority,
        issues_from: Timestamp,
    ) -> Result<(), StoreError> {
        let mut transaction = self.lock_authorities().await?;
        let known = sqlx::query!(
            "update certificate_authority set issues_from = $2 where certificate_pem = $1",
            authority.certificate_pem,
            issues_from.as_micros()
        )
        .execute(&mut *transaction)
        .await?;
        if known.rows_affected() == 0 {
            self.insert_authority(&mut transaction, authority, issues_from).await?;
        }
        Ok(transaction.commit().await?)
    }

    /// Trusts an authority no longer.
    ///
    /// # Errors
    /// As every method of [`PgStore`].
    pub async fn remove_certificate_authority(&self, id: i64) -> Result<(), StoreError> {
        sqlx::query!("delete from certificate_authority where id = $1", id)
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    async fn lock_authorities(&self) -> Result<Transaction, StoreError> {
        let mut transaction = self.pool.begin().await?;
        sqlx::query!("lock table certificate_authority in share row exclusive mode")
            .execute(&mut *transaction)
            .await?;
        Ok(transaction)
    }

    async fn insert_authority(
        &self,
        transaction: &mut Transaction,
        authority: &CertificateAuthority,
        issues_from: Timestamp,
    ) -> Result<(), StoreError> {
        let id = sqlx::query_scalar!(
            "select coalesce(max(id), 0) + 1 as \"id!\" from certificate_authority"
        )
        .fetch_one(&mut **transaction)
        .await?;
        let sealed = self.seal_text(&place(id), &authority.private_key_pem)?;
        sqlx::query!(
            "insert into certificate_authority (id, issues_from, certificate_pem, private_key)
             values ($1, $2, $3, $4)",
            id,
            issues_from.as_micros(),
            authority.certificate_pem,
            sealed
        )
        .execute(&mut **transaction)
        .await?;
        Ok(())
    }
}
