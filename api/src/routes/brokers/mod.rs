//! Brokers.

pub(crate) mod create;
pub(crate) mod delete;
pub(crate) mod describe;
pub(crate) mod events;
pub(crate) mod list;
pub(crate) mod reboot;

#[cfg(test)]
pub(crate) mod fixtures;
