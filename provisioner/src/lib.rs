//! Makes the world be what the store says it should be, and keeps it so.
//!
//! One pass on one broker: read the broker and the world, decide purely, act on the difference,
//! record. Nothing is remembered between passes that could be observed instead.
//!
//! The modules, from the lowest layer to the highest: `plan` (pure) and `runtime`, `catalogue`, `pki`, `health`,
//! `engine`, `secrets`, `https`, `metrics`; `reconcile`, which makes passes; `monitor` and `queue`, which say when; `tasks`,
//! which run beside them, `alarms`, which evaluates alarms and delivers their notifications, `telemetry`, which reads what engines
//! print and measure, and `destinations`, which asks engines for API requests; and the role itself, which starts all of it.

pub mod alarms;
pub mod catalogue;
mod destinations;
pub mod engine;
pub mod health;
pub mod https;
pub mod metrics;
pub mod monitor;
mod pause;
pub mod pki;
pub mod plan;
mod provisioner;
pub mod queue;
pub mod reconcile;
pub mod runtime;
pub mod secrets;
pub mod tasks;
pub mod telemetry;

pub use metrics::{TaskDown, TaskHealth};
pub use provisioner::{Host, Provisioner, Settings, StartError};
