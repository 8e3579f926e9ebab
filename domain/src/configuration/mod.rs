//! Configurations: revisions, contents, and references of brokers.

mod activemq;
pub(crate) mod association;
mod default_revision;
mod rabbitmq;
mod reference;
mod resource;

pub use activemq::{
    ActiveMqElement, Sanitised, SanitizationWarning, SanitizationWarningReason, network_uri,
    permitted as permitted_activemq, sanitise as sanitise_activemq, xml_attribute_value,
};
pub use default_revision::default_revision;
pub use rabbitmq::{RabbitMqConfiguration, RabbitMqSettings};
pub use reference::{ConfigurationRef, Configurations};
pub use resource::{
    Configuration, ConfigurationName, ConfigurationRevision, CreateConfiguration,
    CreateConfigurationInput, MAX_CONFIGURATIONS, MAX_REVISIONS, Revision, parse_revision,
    parse_revision_description,
};
