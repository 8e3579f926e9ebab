//! Reconciliation: leases and lanes of the queue, the report of a pass, the memory of the host.

mod lease;
mod memory_grants;
mod report;

pub use lease::{Lane, Lease, Next};
pub use memory_grants::{
    CapacityUse, Demand, GrantDecision, HostCapacity, Reservation, instance_memory,
};
pub use report::{PassReport, VerdictKind};
