//! The first revision of every configuration.

use crate::catalogue::{EngineType, EngineVersion};

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
