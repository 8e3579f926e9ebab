//! Reports: what brokers were billed as, and whether they kept what was promised. Everything here outlives its broker.

pub(crate) mod availability;
mod kept;
mod measured;
pub(crate) mod metering;
mod retention;
mod usage;

pub use usage::MeteredBroker;
