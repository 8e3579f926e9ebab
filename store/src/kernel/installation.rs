//! The name of the installation.

use brokerd_domain::InstallationId;

use super::{error::StoreError, store::PgStore};

impl PgStore {
    /// The installation's name: `wanted` if none was stored before. The first writer wins.
    ///
    /// # Errors
    /// As every method of [`PgStore`].
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
}
