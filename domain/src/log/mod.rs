//! The logs of brokers, in the form of Amazon CloudWatch Logs.
//!
//! [`classify`] says to which log group of its broker a line of an engine belongs, [`LineBudget`] how much of it is kept,
//! [`FilterPattern`] is the pattern language of FilterLogEvents, and [`EventId`] the identity of an event, of which the
//! tokens of GetLogEvents and FilterLogEvents are made. [`insights`] is the language of queries.

mod budget;
mod category;
mod classify;
mod event_id;
mod filter;
mod group;
pub mod insights;
mod mask;
mod source;

pub use budget::{Dropped, LineBudget, LogLimits};
pub use category::{LogCategory, stream_name};
pub use classify::{Classified, classify};
pub use event_id::{EventId, EventToken};
pub use filter::{FilterPattern, InvalidPattern};
pub use group::{InvalidLogName, LogGroupName, LogStreamName, RETENTION_DAYS, is_retention};
pub use source::{LinePosition, LogSource};
