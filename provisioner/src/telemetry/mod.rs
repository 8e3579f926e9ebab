//! What engines tell of themselves: what they print, and what they measure.

pub mod logs;
pub mod metrics;
