//! Reports of availability, incidents and cost; they outlive the broker.

pub(crate) mod availability;
mod history;
mod measured;
pub(crate) mod metering;
mod retention;
mod usage;

pub use usage::MeteredBroker;
