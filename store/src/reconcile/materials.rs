//! Materials: secrets and certificates of a broker, which can't be observed again.

use brokerd_domain::{BrokerId, Lease};
use secrecy::SecretBox;
use uuid::Uuid;

use crate::kernel::{
    PgStore, StoreError,
    sealed_column::{MATERIALS, Place},
};

fn materials_place(broker: Uuid) -> Place {
    MATERIALS.place(&[broker.to_string()])
}

impl PgStore {
    /// The materials of up to `most` brokers, in the order of their ids, after `last`.
    ///
    /// # Errors
    /// [`StoreError::Seal`] when something was sealed with another master key.
    pub async fn materials_after(
        &self,
        last: Option<BrokerId>,
        most: i64,
    ) -> Result<Vec<(BrokerId, SecretBox<Vec<u8>>)>, StoreError> {
        let rows = sqlx::query!(
            "select broker_id, materials from broker_secret
             where $1::uuid is null or broker_id > $1 order by broker_id limit $2",
            last.map(BrokerId::uuid),
            most
        )
        .fetch_all(&self.pool)
        .await?;
        let open =
            |id: Uuid, sealed: &[u8]| Ok((BrokerId::from(id), self.open_materials(id, sealed)?));
        rows.into_iter().map(|row| open(row.broker_id, &row.materials)).collect()
    }

    /// Seals and stores the materials of a broker.
    ///
    /// # Errors
    /// [`StoreError::LeaseLost`].
    pub async fn save_materials(&self, lease: &Lease, materials: &[u8]) -> Result<(), StoreError> {
        let id = lease.broker.uuid();
        let sealed = self.key.seal(&*self.entropy, &materials_place(id), materials)?;
        let mut transaction = self.fenced(lease).await?;
        sqlx::query!(
            "insert into broker_secret (broker_id, materials) values ($1, $2)
             on conflict (broker_id) do update set materials = excluded.materials",
            id,
            sealed
        )
        .execute(&mut *transaction)
        .await?;
        transaction.commit().await?;
        Ok(())
    }

    pub(crate) fn open_materials(
        &self,
        broker: Uuid,
        sealed: &[u8],
    ) -> Result<SecretBox<Vec<u8>>, StoreError> {
        let opened = self.key.open(&materials_place(broker), sealed)?;
        Ok(SecretBox::new(Box::new(opened.to_vec())))
    }
}
