//! `activemq.xml`: the owner's configuration and what the service owns, merged.
//!
//! Source: "Amazon MQ broker configuration parameters" and "Elements, child collections … permitted"
//! of the developer guide. What reaches Spring is checked here once more, whoever checked it before:
//! an element that ActiveMQ knows but the service does not permit, or a value that Spring would
//! evaluate, could run code in the broker.

use brokerd_domain::{
    DeploymentMode, EngineType, Protocol, instance::host_name, permitted_activemq,
};

use super::{
    super::blueprint::{Blueprint, Unsupported},
    directory::Directory,
    network, truststore,
    xml::{BEANS, Element},
};
use crate::engine::common::{GIB, MIB, keystore_password};

const CORE: &str = "http://activemq.apache.org/schema/core";

/// The largest message, in bytes; ActiveMQ's own default.
const MAX_FRAME: u64 = 104_857_600;

/// The largest frame that a stock image takes, from strangers as well. What our launcher permits after the login is
/// the same.
fn stock_max_frame(heap_mib: u64) -> u64 {
    (heap_mib * MIB / 8).min(MAX_FRAME)
}

/// A rendered document.
pub(super) struct Rendered {
    pub(super) text: String,
    /// Whether the broker connects to others: then it needs to know whom to trust.
    pub(super) connects: bool,
    /// Whether the text holds passwords.
    pub(super) secret: bool,
}

/// How often ActiveMQ looks how much room there is on its disk, in milliseconds.
const DISK_CHECK: u32 = 1000;

/// The document for an image with our launcher (`launcher`) or with ActiveMQ's own, whose heap has that size.
pub(super) fn render(
    blueprint: &Blueprint<'_>,
    launcher: bool,
    heap_mib: u64,
    directory: Option<&Directory<'_>>,
) -> Result<Rendered, Unsupported> {
    let spec = &blueprint.broker.spec;
    let permitted = permitted_activemq(
        blueprint.image.version,
        spec.authentication_strategy,
        blueprint.configuration,
    )
    .map_err(|e| Unsupported(format!("the configuration can't be used: {e}")))?;
    let mut broker = Element::object(&permitted);
    let mut plugins = broker.take("plugins");
    if let Some(directory) = directory {
        directory.connect_maps(&mut plugins);
    }
    let kaha = broker.take("persistenceAdapter").pop();
    let usage = broker.take("systemUsage").pop();
    let connectors = broker.take("transportConnectors");
    let networks = network::connectors(broker.take("networkConnectors"), blueprint.users)?;
    let connects = !networks.is_empty();

    let max_frame = if launcher { MAX_FRAME } else { stock_max_frame(heap_mib) };
    let data = &blueprint.image.data_root;
    let mut own = Element::new("broker")
        .with("xmlns", &CORE)
        .with("brokerName", &blueprint.broker.name)
        .with("dataDirectory", &data)
        .with("useJmx", &true);
    if launcher {
        own = own.with("start", &false).with("useShutdownHook", &false);
    }
    if blueprint.materials.own_disk {
        // On a disk that something else fills, producers wait for room before the journal fails.
        own = own
            .with("schedulePeriodForDiskUsageCheck", &DISK_CHECK)
            .with("diskUsageCheckRegrowThreshold", &0);
    }
    if plugins.iter().any(|plugin| plugin.name == "redeliveryPlugin") {
        // It does not start without; the owner's own value, if there is one, is the same.
        own = own.with("schedulerSupport", &true);
    }
    if connects {
        // A broker starts whether or not the others can be reached.
        own = own.with("networkConnectorStartAsync", &true);
    }
    broker.attributes.retain(|(name, _)| own.get(name).is_none());
    own.attributes.append(&mut broker.attributes);
    own.children.append(&mut broker.children);
    let mut own = own
        // The console reads JMX inside the process; nothing listens for it.
        .child(
            Element::new("managementContext")
                .with("createConnector", &false)
                .inside("managementContext"),
        );
    if connects {
        let mut collection = Element::new("networkConnectors");
        collection.children = networks;
        own = own.child(collection);
    }
    let own = own
        .child(persistence(kaha, blueprint).inside("persistenceAdapter"))
        .child(authentication(plugins))
        .child(ssl_context(blueprint, connects)?.inside("sslContext"))
        .child(system_usage(usage, blueprint).inside("systemUsage"))
        .child(transport_connectors(&connectors, blueprint, max_frame));

    let beans = Element::new("beans")
        .with("xmlns", &BEANS)
        .with("xmlns:xsi", &"http://www.w3.org/2001/XMLSchema-instance")
        .with(
            "xsi:schemaLocation",
            &format_args!("{BEANS} {BEANS}/spring-beans.xsd {CORE} {CORE}/activemq-core.xsd"),
        )
        .child(published(blueprint))
        .child(own);
    Ok(Rendered { text: beans.document(), connects, secret: connects || directory.is_some() })
}

/// The broker's key, and whom it trusts when it connects to others.
fn ssl_context(blueprint: &Blueprint<'_>, connects: bool) -> Result<Element, Unsupported> {
    let conf = &blueprint.image.config_root;
    let context = Element::new("sslContext")
        .with("keyStore", &format_args!("file:{conf}/broker.p12"))
        .with("keyStoreType", &"PKCS12")
        .with("keyStorePassword", &keystore_password(blueprint)?);
    if !connects {
        return Ok(context);
    }
    Ok(context
        .with("trustStore", &format_args!("file:{conf}/{}", truststore::BROKERS))
        .with("trustStoreType", &truststore::TYPE))
}

/// The owner's choices for the store; where it is and who may open it is the service's.
fn persistence(kaha: Option<Element>, blueprint: &Blueprint<'_>) -> Element {
    let data = &blueprint.image.data_root;
    let mut kaha = kaha.unwrap_or_else(|| Element::new("kahaDB"));
    if kaha.get("journalDiskSyncStrategy").is_none() {
        kaha.set("journalDiskSyncStrategy", &"always");
    }
    if blueprint.materials.own_disk && kaha.get("preallocationStrategy").is_none() {
        // A write into a sparse journal that finds no room leaves half a record, with which the store does
        // not open.
        kaha.set("preallocationStrategy", &"chunked_zeros");
    }
    kaha.set("directory", &format_args!("{data}/kahadb"));
    kaha.set("journalMaxFileLength", &"32mb");
    kaha.set("checkForCorruptJournalFiles", &true);
    kaha.set("ignoreMissingJournalfiles", &false);
    // A standby finds a lost lock within this time, an active one that it lost it.
    kaha.set("lockKeepAlivePeriod", &1000);
    // How often a standby asks for the lock. Opening the store takes it a second more, so that asking
    // more often gains nothing.
    let interval = match blueprint.broker.spec.deployment_mode {
        DeploymentMode::ActiveStandbyMultiAz => 200,
        DeploymentMode::SingleInstance | DeploymentMode::ClusterMultiAz => 500,
    };
    let locker = Element::new("shared-file-locker").with("lockAcquireSleepInterval", &interval);
    kaha.children = vec![locker.inside("locker")];
    kaha
}

/// Authentication comes first, because other plugins use the client's identity.
fn authentication(plugins: Vec<Element>) -> Element {
    let mut all = Element::new("plugins")
        .child(Element::new("jaasAuthenticationPlugin").with("configuration", &"activemq"));
    all.children.extend(plugins);
    all
}

/// The tier's room for messages. Only the share of the heap is the owner's.
fn system_usage(usage: Option<Element>, blueprint: &Blueprint<'_>) -> Element {
    let mut usage = usage.unwrap_or_else(|| Element::new("systemUsage"));
    let memory = usage.take("memoryUsage").pop();
    let percent =
        memory.as_ref().and_then(|m| m.get("percentOfJvmHeap")).unwrap_or("70").to_owned();
    let tier = blueprint.broker.spec.host_instance_type;
    let limited = |name: &str, bytes: u64| {
        let usage = Element::new(name);
        if !blueprint.materials.own_disk {
            return usage.with("limit", &format_args!("{} gb", bytes / GIB)).inside(name);
        }
        // Only a share of the disk grows again when there is room again.
        let all = tier.store_bytes() + tier.temp_store_bytes();
        usage.with("percentLimit", &(bytes * 100 / all)).inside(name)
    };
    usage.children = vec![
        Element::new("memoryUsage").with("percentOfJvmHeap", &percent).inside("memoryUsage"),
        limited("storeUsage", tier.store_bytes()),
        limited("tempUsage", tier.temp_store_bytes()),
    ];
    usage
}

/// The name by which the connectors know [`published`].
const PUBLISHED: &str = "publishedAddress";

/// What the broker calls itself to clients and to other brokers, before they log in and when the members of a
/// network change: the endpoint of its first instance, which leads to the one that serves, instead of the
/// instance's address in its network.
fn published(blueprint: &Blueprint<'_>) -> Element {
    let broker = blueprint.broker;
    let map = |property: &str, entries: Vec<(String, String)>| {
        let mut map = Element::new("map");
        map.children = entries
            .iter()
            .map(|(key, value)| Element::new("entry").with("key", key).with("value", value))
            .collect();
        Element::new("property").with("name", &property).child(map)
    };
    let first = broker.instances.first();
    let host = first.map(|instance| instance.host.clone());
    let openwire = first
        .and_then(|i| i.endpoints.iter().find(|endpoint| endpoint.protocol == Protocol::Openwire));
    let inside = Protocol::Openwire.engine_port(EngineType::ActiveMq);
    let hosts = (1..=broker.spec.deployment_mode.instances())
        .filter_map(|ordinal| Some((host_name(broker.id, ordinal), host.clone()?)));
    let ports = openwire.map(|endpoint| (inside.to_string(), endpoint.port.to_string()));
    Element::new("bean")
        .with("id", &PUBLISHED)
        .with("class", &"org.apache.activemq.broker.PublishedAddressPolicy")
        .child(map("hostMapping", hosts.collect()))
        .child(map("portMapping", ports.into_iter().collect()))
}

/// One connector per protocol, with a thread for each connection. The owner may say of `openwire` how it
/// tells clients of other brokers.
///
/// ActiveMQ's NIO connectors are not used: of all versions before 5.19.9 they can be made to use up memory
/// and threads before a login (CVE-2026-39304, -53916, -59878), take a STOMP client's first frame twice, and
/// misread packets of MQTT that come in parts. TLS 1.2 is what the service documents.
fn transport_connectors(theirs: &[Element], blueprint: &Blueprint<'_>, max_frame: u64) -> Element {
    let connections = blueprint.broker.spec.host_instance_type.wire_connections();
    let mut all = Element::new("transportConnectors");
    for protocol in Protocol::of(EngineType::ActiveMq) {
        let scheme = match protocol {
            Protocol::Openwire => "ssl",
            Protocol::Amqp => "amqp+ssl",
            Protocol::Stomp => "stomp+ssl",
            Protocol::Mqtt => "mqtt+ssl",
            Protocol::Wss => "wss",
            Protocol::Console
            | Protocol::PrometheusNode1
            | Protocol::PrometheusNode2
            | Protocol::PrometheusNode3 => continue,
        };
        let port = protocol.engine_port(EngineType::ActiveMq);
        let mut uri = format!(
            "{scheme}://0.0.0.0:{port}?maximumConnections={connections}&wireFormat.maxFrameSize={max_frame}"
        );
        // Jetty, which serves WebSockets, never delays by itself. What the others delay is the second of two
        // small answers: a login took 40 ms longer.
        if *protocol != Protocol::Wss {
            uri.push_str("&transport.enabledProtocols=TLSv1.2&transport.tcpNoDelay=true");
        }
        let mut connector = theirs
            .iter()
            .find(|c| c.get("name") == Some(protocol.as_str()))
            .cloned()
            .unwrap_or_else(|| Element::new("transportConnector"));
        connector.set("name", &protocol.as_str());
        connector.set("uri", &uri);
        if *protocol == Protocol::Openwire {
            connector.set("publishedAddressPolicy", &format_args!("#{PUBLISHED}"));
        }
        all.children.push(connector);
    }
    all
}
