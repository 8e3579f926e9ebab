//! What there is one of: the installation's name and its certificate authority.

use brokerd_domain::InstallationId;
use secrecy::{ExposeSecret, SecretString};

use crate::{CertificateAuthority, PgStore, StoreError};

const KEY_PLACE: &str = "certificate_authority.private_key/1";

impl PgStore {
    /// The installation's name: `wanted` if none was stored before. The first writer wins.
    ///
    /// # Errors
    /// As every method.
    pub async fn installation(
        &self,
        wanted: &InstallationId,
    ) -> Result<InstallationId, StoreError> {
        sqlx::query!(
            "insert into installation (id) values ($1) on conflict do nothing",
            wanted.as_str()
        )
        .execute(&self.pool)
        .await?;
        let id = sqlx::query_scalar!("select id from installation").fetch_one(&self.pool).await?;
        id.parse().map_err(|_| StoreError::Inconsistent { table: "installation", what: id })
    }

    /// The authority: `fresh` if none was stored before. The first writer wins.
    ///
    /// # Errors
    /// [`StoreError::Seal`] when the stored one was sealed with another master key.
    pub async fn certificate_authority(
        &self,
        fresh: &CertificateAuthority,
    ) -> Result<CertificateAuthority, StoreError> {
        let key = fresh.private_key_pem.expose_secret().as_bytes();
        let sealed = self.key.seal(&*self.entropy, KEY_PLACE, key)?;
        sqlx::query!(
            "insert into certificate_authority (certificate_pem, private_key) values ($1, $2)
             on conflict do nothing",
            fresh.certificate_pem,
            sealed
        )
        .execute(&self.pool)
        .await?;
        match self.stored_certificate_authority().await? {
            Some(stored) => Ok(stored),
            None => Err(StoreError::Inconsistent {
                table: "certificate_authority",
                what: "the row vanished".to_owned(),
            }),
        }
    }

    /// The stored authority.
    ///
    /// # Errors
    /// [`StoreError::Seal`] when it was sealed with another master key.
    pub async fn stored_certificate_authority(
        &self,
    ) -> Result<Option<CertificateAuthority>, StoreError> {
        let row = sqlx::query!("select certificate_pem, private_key from certificate_authority")
            .fetch_optional(&self.pool)
            .await?;
        row.map(|row| {
            let key = self.key.open("certificate authority", KEY_PLACE, &row.private_key)?;
            let key = String::from_utf8(key.to_vec())
                .map_err(|_| StoreError::Seal("certificate authority"))?;
            Ok(CertificateAuthority {
                certificate_pem: row.certificate_pem,
                private_key_pem: SecretString::from(key),
            })
        })
        .transpose()
    }
}
