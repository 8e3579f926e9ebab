//! The logs that a broker has: a log group each.

use crate::{catalogue::EngineType, kernel::BrokerId};

/// A log of a broker.
///
/// Source: "Configuring Amazon MQ for ActiveMQ logs" and "Configuring Amazon MQ for RabbitMQ logs" of the developer
/// guide; the categories are those of RabbitMQ's own log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LogCategory {
    /// What belongs to no other one.
    General,
    /// What was done by the web console or JMX (ActiveMQ).
    Audit,
    /// Channels (RabbitMQ).
    Channel,
    /// Connections and logins (RabbitMQ).
    Connection,
    /// Links to other brokers (RabbitMQ).
    Federation,
    /// Mirrored queues (RabbitMQ 3).
    Mirroring,
    /// Queues (RabbitMQ).
    Queue,
    /// Upgrades of stored data (RabbitMQ).
    Upgrade,
}

impl LogCategory {
    /// Every one.
    pub const ALL: [Self; 8] = [
        Self::General,
        Self::Audit,
        Self::Channel,
        Self::Connection,
        Self::Federation,
        Self::Mirroring,
        Self::Queue,
        Self::Upgrade,
    ];

    /// The last part of the group's name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::General => "general",
            Self::Audit => "audit",
            Self::Channel => "channel",
            Self::Connection => "connection",
            Self::Federation => "federation",
            Self::Mirroring => "mirroring",
            Self::Queue => "queue",
            Self::Upgrade => "upgrade",
        }
    }

    /// The category of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|category| category.as_str() == name)
    }

    /// The name of the log group: `/aws/amazonmq/broker/<broker-id>/<category>`.
    pub fn group(self, broker: BrokerId) -> String {
        format!("/aws/amazonmq/broker/{broker}/{}", self.as_str())
    }
}

/// The name of the log stream of an instance: `activemq-<broker-id>-<ordinal>.log`, as the service has it. That of
/// RabbitMQ is alike; the service does not document its own.
pub fn stream_name(engine: EngineType, broker: BrokerId, ordinal: u8) -> String {
    let engine = match engine {
        EngineType::ActiveMq => "activemq",
        EngineType::RabbitMq => "rabbitmq",
    };
    format!("{engine}-{broker}-{ordinal}.log")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_and_streams_are_called_as_in_the_service() {
        let broker = BrokerId::from(uuid::Uuid::from_u128(7));
        let group = LogCategory::Audit.group(broker);
        assert_eq!(group, "/aws/amazonmq/broker/b-00000000-0000-0000-0000-000000000007/audit");
        assert_eq!(
            stream_name(EngineType::ActiveMq, broker, 2),
            "activemq-b-00000000-0000-0000-0000-000000000007-2.log"
        );
        for category in LogCategory::ALL {
            assert_eq!(LogCategory::named(category.as_str()), Some(category));
        }
        assert_eq!(LogCategory::named("GENERAL"), None);
    }
}
