//! Who calls.

pub mod sigv4;
