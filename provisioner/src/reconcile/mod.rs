//! Passes and looks at one broker.
//!
//! A pass loads the broker, observes, plans, acts and records, under a lease. A look observes and plans, and starts a
//! pass only if there is something to do or to record.

pub mod background_steps;
mod context;
mod drain;
mod execute;
pub mod observe;
mod partial_plan;
mod pass;
mod port;
mod render;
mod report;
mod resolve;
mod running;
mod step_error;
mod stored_materials;
mod supervision;
mod trace;
mod watched;

pub use context::{EndpointSettings, PassContext, PortCheck};
pub use drain::LogDrain;
pub use observe::RunningInstance;
pub use pass::Passed;
pub use port::ReconcileStore;
pub use step_error::StepError;
pub use trace::TARGET as TRACE_TARGET;
pub use watched::{Measurable, MonitorObservation, ObservationOutcome, WatchedBroker};
