//! What clients connect to.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::EngineType;

/// A protocol a broker serves, each over TLS.
///
/// Source: "Endpoints" of the developer guide; the order of [`Protocol::of`] is the one in which the
/// service lists endpoints, and clients index by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Protocol {
    /// ActiveMQ's own protocol.
    Openwire,
    /// AMQP 1.0 on ActiveMQ; AMQP 0-9-1 (and 1.0 from version 4 on) on RabbitMQ.
    Amqp,
    /// STOMP.
    Stomp,
    /// MQTT.
    Mqtt,
    /// STOMP and MQTT over WebSocket.
    Wss,
    /// The web console; on RabbitMQ the management HTTP API too.
    Console,
}

impl Protocol {
    /// The protocols of an engine in the service's order, the console last.
    pub const fn of(engine: EngineType) -> &'static [Self] {
        match engine {
            EngineType::ActiveMq => {
                &[Self::Openwire, Self::Amqp, Self::Stomp, Self::Mqtt, Self::Wss, Self::Console]
            }
            EngineType::RabbitMq => &[Self::Amqp, Self::Console],
        }
    }

    /// The port the engine itself listens on, which is the service's standard port.
    pub const fn engine_port(self, engine: EngineType) -> u16 {
        match self {
            Self::Openwire => 61617,
            Self::Amqp => 5671,
            Self::Stomp => 61614,
            Self::Mqtt => 8883,
            Self::Wss => 61619,
            Self::Console => match engine {
                EngineType::ActiveMq => 8162,
                EngineType::RabbitMq => 15671,
            },
        }
    }

    /// The URL scheme under which the service lists it.
    pub const fn scheme(self, engine: EngineType) -> &'static str {
        match self {
            Self::Openwire => "ssl",
            Self::Amqp => match engine {
                EngineType::ActiveMq => "amqp+ssl",
                EngineType::RabbitMq => "amqps",
            },
            Self::Stomp => "stomp+ssl",
            Self::Mqtt => "mqtt+ssl",
            Self::Wss => "wss",
            Self::Console => "https",
        }
    }

    /// The name used in the database, in logs and in metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Openwire => "openwire",
            Self::Amqp => "amqp",
            Self::Stomp => "stomp",
            Self::Mqtt => "mqtt",
            Self::Wss => "wss",
            Self::Console => "console",
        }
    }

    /// The protocol of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Openwire, Self::Amqp, Self::Stomp, Self::Mqtt, Self::Wss, Self::Console]
            .into_iter()
            .find(|p| p.as_str() == name)
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The address of one protocol of one instance. It belongs to the gateway, is allocated once, and
/// stays for the broker's life.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Endpoint {
    /// What is spoken there.
    pub protocol: Protocol,
    /// The gateway's port.
    pub port: u16,
}

impl Endpoint {
    /// The URL a client is given.
    pub fn url(&self, engine: EngineType, host: &str) -> String {
        format!("{}://{host}:{}", self.protocol.scheme(engine), self.port)
    }
}

/// The addresses of one instance. They are allocated once and stay for the broker's life.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BrokerInstance {
    /// Which instance, from 1 on.
    pub ordinal: u8,
    /// The host name or address that clients are told.
    pub host: String,
    /// The IPv4 address that the service reports for ActiveMQ instances.
    #[serde(default)]
    pub ip_address: Option<String>,
    /// One per protocol, in the service's order, the console last.
    pub endpoints: Vec<Endpoint>,
}

impl BrokerInstance {
    /// The messaging URLs in the service's order.
    pub fn endpoint_urls(&self, engine: EngineType) -> Vec<String> {
        let messaging = self.endpoints.iter().filter(|e| e.protocol != Protocol::Console);
        messaging.map(|e| e.url(engine, &self.host)).collect()
    }

    /// The URL of the console.
    pub fn console_url(&self, engine: EngineType) -> Option<String> {
        let console = self.endpoints.iter().find(|e| e.protocol == Protocol::Console);
        console.map(|e| e.url(engine, &self.host))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoints_are_listed_in_the_services_order() {
        let urls: Vec<_> = Protocol::of(EngineType::ActiveMq)
            .iter()
            .map(|p| {
                Endpoint { protocol: *p, port: p.engine_port(EngineType::ActiveMq) }
                    .url(EngineType::ActiveMq, "h")
            })
            .collect();
        assert_eq!(
            urls,
            [
                "ssl://h:61617",
                "amqp+ssl://h:5671",
                "stomp+ssl://h:61614",
                "mqtt+ssl://h:8883",
                "wss://h:61619",
                "https://h:8162"
            ]
        );
        let rabbit = Endpoint { protocol: Protocol::Amqp, port: 5671 };
        assert_eq!(rabbit.url(EngineType::RabbitMq, "h"), "amqps://h:5671");
    }

    #[test]
    fn protocol_names_are_read_back() {
        for p in Protocol::of(EngineType::ActiveMq) {
            assert_eq!(Protocol::from_name(p.as_str()), Some(*p));
        }
        assert_eq!(Protocol::from_name("http"), None);
    }
}
