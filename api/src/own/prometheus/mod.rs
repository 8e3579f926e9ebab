//! What Prometheus of the operator reads: the brokers of all accounts, and where their nodes' metrics pages are.

pub(crate) mod brokers;
mod fleet_page;
mod names;
pub(crate) mod targets;
mod token;
