//! The vocabulary and the rules of brokerd: what a broker is, what a caller may ask for, and what
//! state follows from what is known.
//!
//! Everything here is pure: no async, no I/O, no ambient clock and no ambient randomness. Time and
//! identifiers come in through [`Clock`] and [`Entropy`], so that every rule can be tested
//! exhaustively. Names are the Amazon MQ service's own wherever it has one.

mod arn;
mod broker;
mod clock;
mod configuration;
mod create;
mod endpoint;
mod engine;
mod error;
mod event;
mod id;
mod instance_type;
mod maintenance;
mod network;
mod offering;
mod page;
mod reconcile;
mod tag;
mod user;

pub use arn::{Arn, Resource};
pub use broker::{
    ActionRequired, Broker, BrokerInstance, BrokerName, BrokerSpec, BrokerState, BrokerStatus,
    EncryptionOptions, Health, InstanceCondition, Intent, Logs, Scope,
};
pub use clock::{Clock, Entropy, Timestamp};
pub use configuration::{
    ActiveMqElement, ConfigurationRef, Configurations, Sanitised, SanitizationWarning,
    SanitizationWarningReason, default_revision, permitted_activemq, sanitise_activemq,
    xml_attribute_value,
};
pub use create::{CreateBroker, CreateBrokerInput, UserInput, Users};
pub use endpoint::{Endpoint, Protocol};
pub use engine::{AuthenticationStrategy, DeploymentMode, EngineType, EngineVersion, StorageType};
pub use error::{Error, ErrorKind};
pub use event::{Event, EventKind};
pub use id::{AccountId, BrokerId, ConfigurationId, InstallationId, Region, WorkerId};
pub use instance_type::{HostInstanceType, QueueLimits, instance_types};
pub use maintenance::{DayOfWeek, MaintenanceWindow};
pub use network::NetworkDefaults;
pub use offering::{InstanceOption, Offerings, SUPPORTED_DEPLOYMENT_MODES};
pub use page::PageSize;
pub use reconcile::{Generation, Lease, Next, PassReport, VerdictKind};
pub use tag::Tags;
pub use user::{BrokerUser, Group, PendingChange, Username, parse_password};
