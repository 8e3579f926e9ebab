//! What engines tell of themselves.

pub mod metrics;
