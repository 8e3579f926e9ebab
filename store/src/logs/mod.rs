//! Logs of brokers: groups, streams, events, and how far the outputs of containers were read.

mod append;
mod events;
mod followed;
mod groups;
mod queries;
mod retention;
mod streams;

pub use append::{LogBatch, NewLogEvent};
pub use events::{FoundLogEvent, LogRange, ScannedLogEvents, StreamChoice};
pub use followed::{FollowedBroker, ReadPosition};
pub use groups::LogGroup;
pub use queries::{LogQuery, RecentLogEvents};
pub use retention::PrunedLogs;
pub use streams::{LogStream, StreamOrder, StreamPlace};
