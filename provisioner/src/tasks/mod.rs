//! What runs in the background beside passes, each task with what it uses and no more.

pub mod capacity;
pub(crate) mod expire;
pub(crate) mod images;
pub mod maintenance;
pub(crate) mod repeat;
pub(crate) mod retention;
pub mod supervise;
pub mod sweep;
pub(crate) mod worker_registry;

pub use capacity::CapacitySettings;
