//! The queue of brokers to work on: who works on which, what a pass reads and records, and the memory of the host.

mod capacity;
mod leases;
mod materials;
mod ownership;
mod record;
mod work;

pub use ownership::Term;
pub use work::Work;
