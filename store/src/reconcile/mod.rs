//! Reconciliation: the queue with its leases and owners, the input and the record of a pass, the memory of the host.

mod capacity;
mod leases;
mod materials;
mod ownership;
mod record;
mod work;

pub use ownership::Term;
pub use work::Work;
