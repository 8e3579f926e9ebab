//! Reports of availability, incidents and cost; they outlive the broker.

mod availability;
mod broker;
mod cause;
mod incident;
mod minutes;
mod period;
mod transition;

pub use availability::{AvailabilityInterval, AvailabilityRecord, AvailabilitySummary, Outage};
pub use broker::ReportedBroker;
pub use cause::OutageCause;
pub use incident::{Failover, InstanceOutage, MessageCounts};
pub use period::{Granularity, MAX_PERIOD, Period};
pub use transition::{Finding, InstanceTransition, ReportedChange, Takeover, Transitions};
