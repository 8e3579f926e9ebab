//! The vocabulary and the rules of brokerd: what a broker is, what a caller may ask for, and what
//! state follows from what is known.
//!
//! Everything here is pure: no async, no I/O, no ambient clock and no ambient randomness. Time and
//! identifiers come in through [`Clock`] and [`Entropy`], so that every rule can be tested
//! exhaustively. Names are the Amazon MQ service's own wherever it has one.

mod access;
pub mod alarm;
pub mod audit;
mod broker;
mod catalogue;
mod configuration;
pub mod destination;
#[cfg(any(test, feature = "example"))]
pub mod example;
mod fault;
#[cfg(test)]
mod golden;
pub mod instance;
mod kernel;
pub mod log;
mod maintenance;
pub mod metric;
pub mod price;
mod reconcile;
pub mod report;

pub use access::identity;
pub use access::{
    BrokerUser, Cidr, Group, IngressRule, IngressRuleInput, InvalidCidr, LdapServerMetadata,
    LdapServerMetadataInput, MAX_SECRET_BYTES, MAX_USERS, ManagedUser, PendingChange, Secret,
    SecretName, SecretReference, SecurityGroup, SecurityGroupId, Tags, UserAttributes, UserInput,
    UserUpdate, Username, parse_group_description, parse_password, parse_rules, policy,
    rabbitmq_owns_its_users, role_account,
};
pub use broker::{
    ActionCode, ActionRequired, Availability, Broker, BrokerInstance, BrokerOperation,
    BrokerResources, BrokerSpec, BrokerState, BrokerStatus, BrokerSummary, BrokerUpdate,
    CreateBroker, CreateBrokerInput, Creation, CreationContext, DataReplicationMode, DownLink,
    EncryptionOptions, Endpoint, Event, EventKind, Generation, Health, InstanceCondition, Intent,
    Logs, NetworkDefaults, OutOfMemory, PendingChanges, PromoteMode, Protocol, ReportedReasons,
    Target, UpdateBrokerInput, UpdateContext, UpdatedMember, Users, endpoint_host,
};
pub use catalogue::{
    Advisory, AuthenticationStrategy, ClusterLimits, DeploymentMode, EngineModules, EngineType,
    EngineVersion, HostInstanceType, InstanceOption, InvalidStandIn, NotAVersion, Offerings,
    PatchVersion, QueueLimits, RunningEngine, StandIns, StorageType, VhostLimits, WITHOUT_LAUNCHER,
    instance_types,
};
pub use configuration::{
    ActiveMqElement, Configuration, ConfigurationName, ConfigurationRef, ConfigurationRevision,
    Configurations, CreateConfiguration, CreateConfigurationInput, MAX_CONFIGURATIONS,
    MAX_REVISIONS, RabbitMqConfiguration, RabbitMqSettings, Revision, Sanitised,
    SanitizationWarning, SanitizationWarningReason, default_revision, network_uri, parse_revision,
    parse_revision_description, permitted_activemq, sanitise_activemq, xml_attribute_value,
};
pub use fault::{
    AffectedInstance, Fault, FaultInput, FaultKind, FaultSpec, FaultState, Latency, MAX_FAULTS,
    zones_of,
};
pub use kernel::{
    AccountId, Arn, BrokerId, BrokerName, ClientNetwork, Clock, ConfigurationId, Entropy, Error,
    ErrorKind, FaultId, InstallationId, PageSize, Region, Resource, Scope, Timestamp, WorkerId,
    amazon_mq_regions,
};
pub use maintenance::{DayOfWeek, MaintenanceWindow, Occurrence, WindowChanges, due_in_window};
pub use reconcile::{
    CapacityUse, Demand, GrantDecision, HostCapacity, Lane, Lease, Next, PassReport, Reservation,
    VerdictKind, instance_memory,
};
