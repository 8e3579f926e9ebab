//! Destinations: the queues and topics of brokers, what may be asked of them, and what engines answer.
//!
//! A request is an [`EngineCall`], which a provisioner carries out; the outcome is an [`EngineAnswer`]. Both are kept
//! for moments only, and read by processes of another build at most while brokerd is upgraded.

mod answer;
mod call;
mod input;
mod kind;
mod name;
mod page;

pub use answer::{
    BrowsedMessage, DestinationStatus, EngineAnswer, EngineRefusal, RefusalKind, TestedEndpoint,
};
pub use call::{
    BrowseCall, EngineCall, EngineCallKind, ListCall, MessageBody, PropertyValue, PublishCall,
};
pub use input::{
    BrowseInput, ListInput, MAX_BODY_BYTES, MAX_BROWSED_MESSAGES, MAX_PROPERTIES, PublishInput,
};
pub use kind::{BodyEncoding, DestinationKind};
pub use name::{Destination, DestinationInput};
pub use page::DestinationPosition;
