//! One file per operation: wire types, documentation, handler, tests.

pub(crate) mod brokers;
pub(crate) mod catalogue;
pub(crate) mod configurations;
pub(crate) mod faults;
pub(crate) mod own;
pub(crate) mod secrets;
pub(crate) mod security_groups;
pub(crate) mod tags;
pub(crate) mod users;
