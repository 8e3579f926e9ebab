//! One file per operation: wire types, documentation, handler, tests.

pub(crate) mod brokers;
pub(crate) mod catalogue;
pub(crate) mod not_implemented;
pub(crate) mod own;
