//! The operations of Amazon MQ: wire types, documentation, handler and tests of one operation in one file.

pub(crate) mod brokers;
pub(crate) mod catalogue;
pub(crate) mod configurations;
pub(crate) mod tags;
pub(crate) mod users;
