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

/// The first version of RabbitMQ whose nodes have metrics pages for clients.
const METRICS_PAGES_SINCE: EngineVersion = EngineVersion::new(4, 2);

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
    /// The metrics pages of a RabbitMQ broker's first node, for Prometheus.
    PrometheusNode1,
    /// Those of its second node.
    PrometheusNode2,
    /// Those of its third node.
    PrometheusNode3,
}

impl Protocol {
    /// The metrics pages of RabbitMQ's nodes, by the nodes' ordinals.
    pub const METRICS_PAGES: &'static [Self] =
        &[Self::PrometheusNode1, Self::PrometheusNode2, Self::PrometheusNode3];

    /// The protocols of a broker in the service's order: the console after those for messages, then the metrics
    /// pages, one per node.
    pub fn of_broker(spec: &BrokerSpec) -> Vec<Self> {
        let (engine, version, mode) = (spec.engine_type, spec.engine_version, spec.deployment_mode);
        [Self::of(engine), Self::metrics_pages(engine, version, mode)].concat()
    }

    /// The metrics pages of a broker, by the order of its nodes.
    ///
    /// Source: "Prometheus metrics" of the developer guide: RabbitMQ from 4.2 on.
    pub fn metrics_pages(
        engine: EngineType,
        version: EngineVersion,
        mode: DeploymentMode,
    ) -> &'static [Self] {
        let nodes = match engine {
            EngineType::RabbitMq if version >= METRICS_PAGES_SINCE => usize::from(mode.instances()),
            EngineType::RabbitMq | EngineType::ActiveMq => 0,
        };
        Self::METRICS_PAGES.get(..nodes).unwrap_or_default()
    }

    /// The node whose metrics page it is; none: it is not one.
    pub const fn metrics_of_node(self) -> Option<u8> {
        match self {
            Self::PrometheusNode1 => Some(1),
            Self::PrometheusNode2 => Some(2),
            Self::PrometheusNode3 => Some(3),
            Self::Openwire | Self::Amqp | Self::Stomp | Self::Mqtt | Self::Wss | Self::Console => {
                None
            }
        }
    }

    /// The protocols that every broker of an engine has, in the service's order, the console last.
    pub const fn of(engine: EngineType) -> &'static [Self] {
        match engine {
            EngineType::ActiveMq => {
                &[Self::Openwire, Self::Amqp, Self::Stomp, Self::Mqtt, Self::Wss, Self::Console]
            }
            EngineType::RabbitMq => &[Self::Amqp, Self::Console],
        }
    }

    /// The port the engine itself listens on, which is the service's standard port, but for metrics pages: each node
    /// has its own on RabbitMQ's default port for them.
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
            Self::PrometheusNode1 | Self::PrometheusNode2 | Self::PrometheusNode3 => 15691,
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
            Self::PrometheusNode1 => &[16001],
            Self::PrometheusNode2 => &[16002],
            Self::PrometheusNode3 => &[16003],
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
            (
                _,
                Self::Console
                | Self::PrometheusNode1
                | Self::PrometheusNode2
                | Self::PrometheusNode3,
            ) => None,
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
            Self::Console
            | Self::PrometheusNode1
            | Self::PrometheusNode2
            | Self::PrometheusNode3 => "https",
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
            Self::PrometheusNode1 => "prometheus-node1",
            Self::PrometheusNode2 => "prometheus-node2",
            Self::PrometheusNode3 => "prometheus-node3",
        }
    }

    /// The protocol of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        let known = Self::of(EngineType::ActiveMq).iter().chain(Self::METRICS_PAGES);
        known.copied().find(|p| p.as_str() == name)
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
    /// One per protocol, in the order of [`Protocol::of_broker`], but for those that were added later.
    pub endpoints: Vec<Endpoint>,
}

impl BrokerInstance {
    /// The URLs in the service's order, without the console's: those for messages, then the metrics pages, if the
    /// broker as it is has some.
    pub fn endpoint_urls(&self, spec: &BrokerSpec) -> Vec<String> {
        let protocols = Protocol::of_broker(spec);
        let listed = protocols.iter().filter(|p| **p != Protocol::Console);
        let endpoints = listed.filter_map(|p| self.endpoints.iter().find(|e| e.protocol == *p));
        endpoints.map(|e| e.url(spec.engine_type, &self.host)).collect()
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
    fn rabbitmq_has_a_metrics_page_per_node_from_4_2_on() {
        let pages = |version: EngineVersion, mode: DeploymentMode| {
            let mut broker = crate::example::broker(EngineType::RabbitMq);
            (broker.spec.engine_version, broker.spec.deployment_mode) = (version, mode);
            let protocols = Protocol::of_broker(&broker.spec);
            assert!(protocols.starts_with(Protocol::of(EngineType::RabbitMq)));
            let nodes: Vec<_> = protocols.iter().filter_map(|p| p.metrics_of_node()).collect();
            nodes
        };
        let (old, new) = (EngineVersion::new(4, 1), EngineVersion::new(4, 2));
        assert_eq!(pages(new, DeploymentMode::SingleInstance), [1]);
        assert_eq!(pages(new, DeploymentMode::ClusterMultiAz), [1, 2, 3]);
        assert!(pages(old, DeploymentMode::ClusterMultiAz).is_empty());
        let activemq = crate::example::broker(EngineType::ActiveMq);
        assert_eq!(Protocol::of_broker(&activemq.spec), Protocol::of(EngineType::ActiveMq));
    }

    #[test]
    fn metrics_pages_are_listed_after_the_protocols_for_messages() {
        let endpoint = |(protocol, port)| Endpoint { protocol, port };
        let instance = BrokerInstance {
            ordinal: 1,
            host: "h".to_owned(),
            ip_address: None,
            endpoints: [
                (Protocol::Amqp, 5671),
                (Protocol::Console, 443),
                (Protocol::PrometheusNode1, 16001),
                (Protocol::PrometheusNode2, 16002),
            ]
            .map(endpoint)
            .to_vec(),
        };
        let mut spec = crate::example::broker(EngineType::RabbitMq).spec;
        spec.deployment_mode = DeploymentMode::ClusterMultiAz;
        spec.engine_version = EngineVersion::new(4, 2);
        let urls = instance.endpoint_urls(&spec);
        assert_eq!(urls, ["amqps://h:5671", "https://h:16001", "https://h:16002"]);
        // An upgrade that was given up leaves addresses behind.
        spec.engine_version = EngineVersion::new(3, 13);
        assert_eq!(instance.endpoint_urls(&spec), ["amqps://h:5671"]);
        assert_eq!(instance.console_url(EngineType::RabbitMq).as_deref(), Some("https://h"));
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
        for p in Protocol::of(EngineType::ActiveMq).iter().chain(Protocol::METRICS_PAGES) {
            assert_eq!(Protocol::from_name(p.as_str()), Some(*p));
            let stored = serde_json::to_value(p).expect("stored");
            assert_eq!(stored, p.as_str(), "the database has one name for it");
        }
        assert_eq!(Protocol::from_name("http"), None);
    }
}
