//! Metering: each change of what is billed of a broker ends an interval and begins the next one, in the transaction of
//! the change. Creation and deletion do so in their own statements.

use brokerd_domain::{BrokerSpec, Timestamp, price::billed_disk_gib};
use uuid::Uuid;

use crate::kernel::{StoreError, pool::Transaction};

/// The size of each disk as a column, where that is billed.
pub(crate) fn billed_disk(spec: &BrokerSpec) -> Option<i32> {
    billed_disk_gib(spec).map(|gib| i32::try_from(gib).unwrap_or(i32::MAX))
}

/// Begins another interval, if what is billed has changed.
pub(crate) async fn change(
    transaction: &mut Transaction,
    id: Uuid,
    (before, after): (&BrokerSpec, &BrokerSpec),
    at: Timestamp,
) -> Result<(), StoreError> {
    let billed = |spec: &BrokerSpec| {
        (spec.deployment_mode, spec.host_instance_type, spec.storage_type, billed_disk(spec))
    };
    if billed(before) == billed(after) {
        return Ok(());
    }
    sqlx::query!(
        "update metered_interval set ended = greatest(began, $2) where broker_id = $1 and ended is null",
        id,
        at.as_micros()
    )
    .execute(&mut **transaction)
    .await?;
    sqlx::query!(
        "insert into metered_interval (broker_id, began, deployment_mode, host_instance_type, storage_type,
                                       disk_gib)
         values ($1, $2, $3, $4, $5, $6)",
        id,
        at.as_micros(),
        after.deployment_mode.as_str(),
        after.host_instance_type.name(),
        after.storage_type.as_str(),
        billed_disk(after)
    )
    .execute(&mut **transaction)
    .await?;
    Ok(())
}

/// Bills nothing of a broker that could not be created.
pub(crate) async fn cancel(transaction: &mut Transaction, id: Uuid) -> Result<(), StoreError> {
    sqlx::query!(
        "update metered_interval set ended = began where broker_id = $1 and ended is null",
        id
    )
    .execute(&mut **transaction)
    .await?;
    Ok(())
}
