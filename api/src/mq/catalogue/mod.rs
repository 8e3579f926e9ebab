//! The engine versions and instance types that can be created.

pub(crate) mod engine_types;
pub(crate) mod instance_options;
