//! The fence: a worker can record only while it holds the lease.

use brokerd_domain::Lease;

use super::{error::StoreError, pool::Transaction, store::PgStore};

impl PgStore {
    /// A transaction that holds the lease: the broker can't be claimed before it ends.
    pub(crate) async fn fenced(&self, lease: &Lease) -> Result<Transaction, StoreError> {
        let mut transaction = self.pool.begin().await?;
        lock_lease(&mut transaction, lease).await?;
        Ok(transaction)
    }
}

/// Holds the lease until the end of a transaction.
pub(crate) async fn lock_lease(
    transaction: &mut Transaction,
    lease: &Lease,
) -> Result<(), StoreError> {
    let row = sqlx::query_scalar!(
        "select broker_id from reconcile
         where broker_id = $1 and lease_holder = $2 and lease_epoch = $3
           and lease_expires_at > clock_timestamp() for share",
        lease.broker.uuid(),
        lease.holder.uuid(),
        lease.epoch
    )
    .fetch_optional(&mut **transaction)
    .await?;
    if row.is_some() { Ok(()) } else { Err(StoreError::LeaseLost) }
}
