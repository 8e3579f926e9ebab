//! What brokers cost.

pub(crate) mod estimate;
pub(crate) mod history;
pub(crate) mod lines;
pub(crate) mod views;
