//! Makes the world be what the store says it should be, and keeps it so.
//!
//! One pass on one broker: read the broker and the world, decide purely, act on the difference,
//! record. Nothing is remembered between passes that could be observed instead.

pub mod catalogue;
pub mod engine;
pub mod health;
mod images;
mod lease;
mod lives;
pub mod maintenance;
pub mod materials;
pub mod metrics;
pub mod observe;
pub mod outgoing;
pub mod pass;
pub mod plan;
pub mod port;
pub mod registry;
mod report;
mod resolve;
pub mod rsa_keys;
mod running;
pub mod runtime;
pub mod secrets;
pub mod step_error;
pub mod supervision;
pub mod sweep;
pub mod tls;
pub mod watch;
mod worker;

pub use worker::{Provisioner, Settings, StartError};
