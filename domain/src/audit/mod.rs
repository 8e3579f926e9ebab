//! What was done, and by whom: events in the form of AWS CloudTrail.
//!
//! [`AuditEvent`] is one call or one act of brokerd's own, [`AuditEvent::record`] its CloudTrail form, and
//! [`EventLookup`] a question of LookupEvents.

mod caller;
mod event;
mod lookup;
mod mask;
mod name;
mod parameters;
mod query_protocol;
#[cfg(test)]
mod query_protocol_tests;
mod record;
mod resource;
mod source;
#[cfg(test)]
mod tests;
mod time;

pub use caller::CallerIdentity;
pub use event::{ApiCall, AuditEvent, Outcome, ServiceEvent, What};
pub use lookup::{EventLookup, EventPosition, InvalidLookup, LookupAttribute, LookupInput};
pub use name::ServiceEventName;
pub use parameters::RequestParameters;
pub use query_protocol::{answer_of_query, form_parameters};
pub use resource::AuditedResource;
pub use source::EventSource;
