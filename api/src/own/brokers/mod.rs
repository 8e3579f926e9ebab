//! Operations on brokers that Amazon MQ does not have.

pub(crate) mod events;
pub(crate) mod inspect;
pub(crate) mod list;
pub(crate) mod report;
pub(crate) mod validate;
