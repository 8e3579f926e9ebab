//! Configurations and what a broker refers to.

mod activemq;
pub(crate) mod association;
mod rabbitmq;
mod resource;

use serde::{Deserialize, Serialize};

use crate::{ConfigurationId, EngineType, EngineVersion};

pub use activemq::{
    ActiveMqElement, Sanitised, SanitizationWarning, SanitizationWarningReason, network_uri,
    permitted as permitted_activemq, sanitise as sanitise_activemq, xml_attribute_value,
};
pub use rabbitmq::{RabbitMqConfiguration, RabbitMqSettings};
pub use resource::{
    Configuration, ConfigurationName, ConfigurationRevision, CreateConfiguration,
    CreateConfigurationInput, MOST_CONFIGURATIONS, MOST_REVISIONS, Revision, parse_revision,
    parse_revision_description,
};

/// One immutable revision of a configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConfigurationRef {
    /// The configuration.
    pub id: ConfigurationId,
    /// The revision's number, from 1 on.
    pub revision: i32,
}

/// A broker's configurations: what runs, what will, and what did.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Configurations {
    /// In force.
    #[serde(default)]
    pub current: Option<ConfigurationRef>,
    /// In force after the next reboot.
    #[serde(default)]
    pub pending: Option<ConfigurationRef>,
    /// Formerly in force, oldest first.
    #[serde(default)]
    pub history: Vec<ConfigurationRef>,
}

impl Configurations {
    /// Every configuration that is referred to.
    pub fn all(&self) -> impl Iterator<Item = ConfigurationRef> {
        self.current.iter().chain(&self.pending).chain(&self.history).copied()
    }

    /// What is referred to once the pending one is in force: the former current one becomes history.
    #[must_use]
    pub fn applied(&self) -> Self {
        let mut after = self.clone();
        if let Some(pending) = after.pending.take()
            && let Some(former) = after.current.replace(pending)
        {
            after.history.push(former);
        }
        after
    }
}

/// Description and content of revision 1, which the service writes itself.
///
/// Source: "Broker configuration lifecycle" of the developer guide; for RabbitMQ the exact bytes are
/// not published, so the document says which defaults are in force.
pub fn default_revision(
    engine: EngineType,
    version: EngineVersion,
    configuration_name: &str,
) -> (String, String) {
    let description = format!(
        "Auto-generated default for {configuration_name} on {} {version}",
        engine.display_name()
    );
    let data = match engine {
        EngineType::ActiveMq => DEFAULT_ACTIVEMQ.to_owned(),
        EngineType::RabbitMq => DEFAULT_RABBITMQ.to_owned(),
    };
    (description, data)
}

const DEFAULT_ACTIVEMQ: &str = r#"<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<broker schedulePeriodForDestinationPurge="10000" xmlns="http://activemq.apache.org/schema/core">
  <destinationPolicy>
    <policyMap>
      <policyEntries>
        <policyEntry gcInactiveDestinations="true" inactiveTimoutBeforeGC="600000" topic="&gt;">
          <pendingMessageLimitStrategy>
            <constantPendingMessageLimitStrategy limit="1000"/>
          </pendingMessageLimitStrategy>
        </policyEntry>
        <policyEntry gcInactiveDestinations="true" inactiveTimoutBeforeGC="600000" queue="&gt;"/>
      </policyEntries>
    </policyMap>
  </destinationPolicy>
  <plugins/>
</broker>
"#;

const DEFAULT_RABBITMQ: &str =
    "# Default RabbitMQ delivery acknowledgement timeout is 30 minutes in milliseconds
# consumer_timeout = 1800000
";
