//! What can be created here.

pub(crate) mod engine_types;
pub(crate) mod instance_options;
