//! The vocabulary and the rules of brokerd: what a broker is, what a caller may ask for, and what
//! state follows from what is known.
//!
//! Everything here is pure: no async, no I/O, no ambient clock and no ambient randomness. Time and
//! identifiers come in through [`Clock`] and [`Entropy`], so that every rule can be tested
//! exhaustively. Names are the Amazon MQ service's own wherever it has one.

mod advisory;
mod arn;
mod broker;
mod clock;
mod cluster_limits;
mod configuration;
mod create;
mod data_replication;
mod endpoint;
mod engine;
mod error;
mod event;
pub mod example;
mod fault;
mod id;
mod instance_type;
mod ldap;
mod maintenance;
mod network;
mod offering;
mod operation;
mod page;
mod pending;
mod reconcile;
mod region;
mod room;
mod secret;
mod security_group;
mod source;
mod stand_in;
mod storage_size;
mod tag;
mod text;
mod update;
mod upgrade;
mod user;

pub use advisory::{Advisory, EngineModules, NotAVersion, PatchVersion, WITHOUT_LAUNCHER};
pub use arn::{Arn, Resource};
pub use broker::{
    ActionRequired, Broker, BrokerName, BrokerSpec, BrokerState, BrokerStatus, BrokerSummary,
    Creation, DownLink, EncryptionOptions, Health, InstanceCondition, Intent, Logs, OutOfMemory,
    Scope, Told,
};
pub use clock::{Clock, Entropy, Timestamp};
pub use cluster_limits::ClusterLimits;
pub use configuration::{
    ActiveMqElement, Configuration, ConfigurationName, ConfigurationRef, ConfigurationRevision,
    Configurations, CreateConfiguration, CreateConfigurationInput, MOST_CONFIGURATIONS,
    MOST_REVISIONS, RabbitMqConfiguration, RabbitMqSettings, Revision, Sanitised,
    SanitizationWarning, SanitizationWarningReason, default_revision, network_uri, parse_revision,
    parse_revision_description, permitted_activemq, sanitise_activemq, xml_attribute_value,
};
pub use create::{CreateBroker, CreateBrokerInput, Users};
pub use data_replication::{DataReplicationMode, PromoteMode};
pub use endpoint::{BrokerInstance, Endpoint, Protocol, Target, endpoint_host};
pub use engine::{AuthenticationStrategy, DeploymentMode, EngineType, EngineVersion, StorageType};
pub use error::{Error, ErrorKind};
pub use event::{Event, EventKind};
pub use fault::{
    Fault, FaultInput, FaultKind, FaultSpec, FaultState, Latency, MOST_FAULTS, Struck,
};
pub use id::{AccountId, BrokerId, ConfigurationId, FaultId, InstallationId, Region, WorkerId};
pub use instance_type::{HostInstanceType, QueueLimits, instance_types};
pub use ldap::{LdapServerMetadata, LdapServerMetadataInput};
pub use maintenance::{DayOfWeek, MaintenanceWindow, Occurrence, WindowChanges, due_in_window};
pub use network::NetworkDefaults;
pub use offering::{InstanceOption, Offerings, SUPPORTED_DEPLOYMENT_MODES};
pub use operation::BrokerOperation;
pub use page::PageSize;
pub use pending::PendingChanges;
pub use reconcile::{Generation, Lane, Lease, Next, PassReport, VerdictKind};
pub use region::amazon_mq_regions;
pub use room::{Demand, Reservation, Room, RoomUse, Turn, instance_memory};
pub use secret::{LARGEST_SECRET, Secret, SecretName, SecretReference, role_account};
pub use security_group::{
    Cidr, IngressRule, IngressRuleInput, InvalidCidr, SecurityGroup, SecurityGroupId,
    parse_group_description, parse_rules,
};
pub use source::Source;
pub use stand_in::{InvalidStandIn, RunningEngine, StandIns};
pub use tag::Tags;
pub use update::{BrokerUpdate, UpdateBrokerInput, UpdateContext, UpdatedMember};
pub use user::{
    BrokerUser, Group, MOST_USERS, ManagedUser, PendingChange, UserAttributes, UserInput,
    UserUpdate, Username, parse_password, rabbitmq_owns_its_users,
};
