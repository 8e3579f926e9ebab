//! What brokers count against the quotas of their accounts. A trigger refuses new ones for which there is no room.

use brokerd_domain::{BrokerResources, BrokerSpec, PendingChanges};

/// What a broker counts against its account's quotas: MiB of memory and GiB of storage.
pub(crate) fn counted_columns(spec: &BrokerSpec, pending: &PendingChanges) -> (i32, i32) {
    let column = |number| i32::try_from(number).unwrap_or(i32::MAX);
    let counted = BrokerResources::of(spec, pending);
    (column(counted.memory_mib), column(counted.storage_gib))
}
