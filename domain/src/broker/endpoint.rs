//! Endpoints: protocols, ports, URLs and host names.

use std::{fmt, net::SocketAddr};

use serde::{Deserialize, Serialize};

use super::spec::BrokerSpec;
use crate::{
    catalogue::{DeploymentMode, EngineType, EngineVersion, HostInstanceType},
    kernel::{BrokerId, Region},
};

/// HTTPS URLs need not say it.
const HTTPS: u16 = 443;

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

    /// The ports on which the service has it, the one that its URLs name first.
    ///
    /// Source: "Endpoints" and "API ports" of the developer guide; RabbitMQ's console is on both.
    pub const fn standard_ports(self, engine: EngineType) -> &'static [u16] {
        match self {
            Self::Openwire => &[61617],
            Self::Amqp => &[5671],
            Self::Stomp => &[61614],
            Self::Mqtt => &[8883],
            Self::Wss => &[61619],
            Self::Console => match engine {
                EngineType::ActiveMq => &[8162],
                EngineType::RabbitMq => &[HTTPS, 15671],
            },
        }
    }

    /// How many connections one endpoint of such a broker takes; none: as many as come. What an owner may
    /// set is not looked at, only the most that it can be set to: the engine minds the rest.
    ///
    /// Source: quota page (wire-level connections) and "Resource limits" of the developer guide.
    pub fn connection_limit(self, spec: &BrokerSpec) -> Option<u32> {
        let (tier, mode) = (spec.host_instance_type, spec.deployment_mode);
        self.connection_limit_of(spec.engine_type, spec.engine_version, tier, mode)
    }

    /// The same, of any broker of this engine, instance type and deployment mode.
    pub fn connection_limit_of(
        self,
        engine: EngineType,
        version: EngineVersion,
        tier: HostInstanceType,
        mode: DeploymentMode,
    ) -> Option<u32> {
        match (engine, self) {
            (_, Self::Console) => None,
            (EngineType::ActiveMq, _) => Some(tier.wire_connections()),
            (EngineType::RabbitMq, _) => {
                let per_node = tier
                    .queue_limit_maxima(version, mode)
                    .or_else(|| tier.queue_limits(version, mode))?;
                Some(per_node.connections.saturating_mul(u32::from(mode.instances())))
            }
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
    /// The protocol.
    pub protocol: Protocol,
    /// The port that clients are told: the gateway's own, or the standard one of a host name of the broker's
    /// own.
    pub port: u16,
}

impl Endpoint {
    /// The URL a client is given.
    pub fn url(&self, engine: EngineType, host: &str) -> String {
        let scheme = self.protocol.scheme(engine);
        match (self.protocol, self.port) {
            // Source: the console URL of a RabbitMQ broker has no port.
            (Protocol::Console, HTTPS) => format!("{scheme}://{host}"),
            (_, port) => format!("{scheme}://{host}:{port}"),
        }
    }
}

/// The host name of an instance's own endpoints below a domain, as the service has it below its own.
///
/// Source: "Endpoints" of the developer guide. A RabbitMQ broker is one endpoint, whatever stands behind it.
pub fn endpoint_host(
    broker: BrokerId,
    engine: EngineType,
    ordinal: u8,
    region: &Region,
    domain: &str,
) -> String {
    match engine {
        EngineType::ActiveMq => format!("{broker}-{ordinal}.mq.{region}.{domain}"),
        EngineType::RabbitMq => format!("{broker}.mq.{region}.{domain}"),
    }
}

/// The addresses of one instance. They are allocated once and stay for the broker's life.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BrokerInstance {
    /// Which instance, from 1 on.
    pub ordinal: u8,
    /// The host name or address that clients are told.
    pub host: String,
    /// The IPv4 address of its endpoints, which the service reports for ActiveMQ instances.
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

/// The backends of one endpoint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Target {
    /// The instance's ordinal.
    pub ordinal: u8,
    /// The protocol.
    pub protocol: Protocol,
    /// The engines' own ports, as the runtime publishes them. Of several, each new connection gets one;
    /// of none, it waits.
    pub addresses: Vec<SocketAddr>,
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
        let console = Endpoint { protocol: Protocol::Console, port: 443 };
        assert_eq!(console.url(EngineType::RabbitMq, "h"), "https://h");
    }

    #[test]
    fn host_names_are_those_of_the_service_below_another_domain() {
        let id = "b-1234a5b6-78cd-401e-af00-314506001789";
        let broker = id.parse().expect("an identifier");
        let region = "eu-west-1".parse().expect("a region");
        let host = |engine| endpoint_host(broker, engine, 2, &region, "example.com");
        assert_eq!(host(EngineType::ActiveMq), format!("{id}-2.mq.eu-west-1.example.com"));
        assert_eq!(host(EngineType::RabbitMq), format!("{id}.mq.eu-west-1.example.com"));
    }

    #[test]
    fn an_engine_listens_on_a_standard_port() {
        for engine in [EngineType::ActiveMq, EngineType::RabbitMq] {
            for protocol in Protocol::of(engine) {
                let standard = protocol.standard_ports(engine);
                assert!(standard.contains(&protocol.engine_port(engine)), "{engine:?} {protocol}");
            }
        }
    }

    #[test]
    fn protocol_names_are_read_back() {
        for p in Protocol::of(EngineType::ActiveMq) {
            assert_eq!(Protocol::from_name(p.as_str()), Some(*p));
        }
        assert_eq!(Protocol::from_name("http"), None);
    }
}
