//! Makes the world be what the store says it should be, and keeps it so.
//!
//! One pass on one broker: read the broker and the world, decide purely, act on the difference,
//! record. Nothing is remembered between passes that could be observed instead.

pub mod authorities;
pub mod catalogue;
pub mod engine;
mod execute;
pub mod health;
mod images;
mod lives;
pub mod maintenance;
pub mod materials;
pub mod metrics;
pub mod monitor;
pub mod observe;
pub mod operations;
pub mod outgoing;
mod ownership;
pub mod pass;
pub mod plan;
pub mod port;
mod provisioner;
pub mod queue;
pub mod registry;
mod render;
mod report;
mod resolve;
mod retention;
mod room;
pub mod rsa_keys;
mod running;
pub mod runtime;
pub mod secrets;
pub mod step_error;
pub mod supervision;
pub mod sweep;
mod task_health;
mod tasks;
pub mod tls;

pub use provisioner::{Host, Provisioner, Settings, StartError};
pub use room::RoomSettings;
pub use task_health::{TaskDown, TaskHealth};
