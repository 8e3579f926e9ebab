//! The base of all modules: identifiers, time, errors, pages, texts.

mod arn;
mod client_network;
mod clock;
mod error;
mod id;
mod name;
mod page;
mod region;
mod scope;
pub(crate) mod text;
pub(crate) mod wire_enum;

pub use arn::{Arn, Resource};
pub use client_network::ClientNetwork;
pub use clock::{Clock, Entropy, Timestamp};
pub(crate) use error::required;
pub use error::{Error, ErrorKind};
pub(crate) use id::is_resource_id;
pub use id::{AccountId, BrokerId, ConfigurationId, FaultId, InstallationId, Region, WorkerId};
pub use name::BrokerName;
pub use page::PageSize;
pub use region::amazon_mq_regions;
pub use scope::Scope;
