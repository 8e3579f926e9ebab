//! Reconciliation: leases and lanes of the queue, the report of a pass, the memory of the host.

mod capacity;
mod lease;
mod report;

pub use capacity::{
    CapacityUse, Demand, GrantDecision, HostCapacity, Reservation, instance_memory,
};
pub use lease::{Lane, Lease, Next};
pub use report::{PassReport, VerdictKind};
