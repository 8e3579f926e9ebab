//! Digests of images that were pulled from registries.

use std::collections::BTreeMap;

use brokerd_domain::Timestamp;

use crate::kernel::{PgStore, StoreError};

impl PgStore {
    /// The digest, `sha256:…`, of each image of a registry that has been here, by its name.
    ///
    /// # Errors
    /// As every method of [`PgStore`].
    pub async fn pulled_images(&self) -> Result<BTreeMap<String, String>, StoreError> {
        let rows =
            sqlx::query!("select image, digest from pulled_image").fetch_all(&self.pool).await?;
        Ok(rows.into_iter().map(|row| (row.image, row.digest)).collect())
    }

    /// Records what a name stands for.
    ///
    /// # Errors
    /// As every method of [`PgStore`].
    pub async fn save_pulled_image(
        &self,
        image: &str,
        digest: &str,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        sqlx::query!(
            "insert into pulled_image (image, digest, since) values ($1, $2, $3)
             on conflict (image) do update set digest = excluded.digest, since = excluded.since",
            image,
            digest,
            now.as_micros()
        )
        .execute(&self.pool)
        .await?;
        Ok(())
    }
}
