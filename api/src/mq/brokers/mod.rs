//! Brokers.

pub(crate) mod create;
pub(crate) mod delete;
pub(crate) mod describe;
pub(crate) mod list;
pub(crate) mod promote;
pub(crate) mod reboot;
pub(crate) mod requests;
pub(crate) mod security_groups;
pub(crate) mod shared_resources;
pub(crate) mod update;
pub(crate) mod views;

#[cfg(test)]
pub(crate) mod fixtures;
