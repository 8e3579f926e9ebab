//! What brokerd tells of brokers beside what the service does.

pub(crate) mod events;
pub(crate) mod inspect;
