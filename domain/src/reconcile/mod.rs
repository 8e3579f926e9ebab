//! What the reconciler and the store tell each other.

mod capacity;
mod lease;
mod report;

pub use capacity::{Admission, CapacityUse, Demand, HostCapacity, Reservation, instance_memory};
pub use lease::{Lane, Lease, Next};
pub use report::{PassReport, VerdictKind};
