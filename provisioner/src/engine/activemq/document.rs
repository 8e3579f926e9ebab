//! `activemq.xml`: the owner's configuration and what the service owns, merged.
//!
//! Source: "Amazon MQ broker configuration parameters" and "Elements, child collections … permitted"
//! of the developer guide. What reaches Spring is checked here once more, whoever checked it before:
//! an element that ActiveMQ knows but the service does not permit, or a value that Spring would
//! evaluate, could run code in the broker.

use brokerd_domain::{EngineType, Protocol};

use super::{
    super::{Blueprint, Unsupported},
    permitted,
    xml::{self, Element},
};
use crate::engine::common::GIB;

const CORE: &str = "http://activemq.apache.org/schema/core";
const BEANS: &str = "http://www.springframework.org/schema/beans";

/// The plugins that an owner may switch on.
const PLUGINS: &[&str] = &[
    "authorizationPlugin",
    "discardingDLQBrokerPlugin",
    "forcePersistencyModeBrokerPlugin",
    "redeliveryPlugin",
    "statisticsBrokerPlugin",
    "timeStampingBrokerPlugin",
];

/// The largest message, in bytes; ActiveMQ's own default.
const MAX_FRAME: u32 = 104_857_600;

/// The document for an image with our launcher (`launcher`) or with ActiveMQ's own.
pub(super) fn render(blueprint: &Blueprint<'_>, launcher: bool) -> Result<String, Unsupported> {
    let mut broker = xml::read(blueprint.configuration, CORE).map_err(|e| {
        Unsupported(format!("the configuration is not the XML that ActiveMQ needs: {e}"))
    })?;
    if broker.name != "broker" {
        return Err(Unsupported(format!("the configuration is a {}, not a broker", broker.name)));
    }
    check(&broker)?;
    if !broker.take("networkConnectors").is_empty() {
        return Err(Unsupported("networks of brokers can't be run yet".to_owned()));
    }
    let plugins = only(&mut broker, "plugins", PLUGINS)?;
    let kaha = only(&mut broker, "persistenceAdapter", &["kahaDB"])?.pop();
    let usage = only(&mut broker, "systemUsage", &["systemUsage"])?.pop();
    let connectors = only(&mut broker, "transportConnectors", &["transportConnector"])?;

    let data = &blueprint.image.data_root;
    let mut own = Element::new("broker")
        .with("xmlns", &CORE)
        .with("brokerName", &blueprint.broker.name)
        .with("dataDirectory", &data)
        .with("useJmx", &true);
    if launcher {
        own = own.with("start", &false).with("useShutdownHook", &false);
    }
    broker.attributes.retain(|(name, _)| own.get(name).is_none());
    own.attributes.append(&mut broker.attributes);
    own.children.append(&mut broker.children);
    let own = own
        // The console reads JMX inside the process; nothing listens for it.
        .child(
            Element::new("managementContext")
                .with("createConnector", &false)
                .inside("managementContext"),
        )
        .child(persistence(kaha, data).inside("persistenceAdapter"))
        .child(authentication(plugins))
        .child(
            Element::new("sslContext")
                .with("keyStore", &format_args!("file:{}/broker.p12", blueprint.image.config_root))
                .with("keyStoreType", &"PKCS12")
                .with("keyStorePassword", &blueprint.materials.keystore_password)
                .inside("sslContext"),
        )
        .child(system_usage(usage, blueprint).inside("systemUsage"))
        .child(transport_connectors(&connectors, blueprint));

    let beans = Element::new("beans")
        .with("xmlns", &BEANS)
        .with("xmlns:xsi", &"http://www.w3.org/2001/XMLSchema-instance")
        .with(
            "xsi:schemaLocation",
            &format_args!("{BEANS} {BEANS}/spring-beans.xsd {CORE} {CORE}/activemq-core.xsd"),
        )
        .child(own);
    Ok(beans.document())
}

/// Refuses what the service does not permit, and values that Spring would not take as text:
/// expressions, placeholders and references to beans.
fn check(element: &Element) -> Result<(), Unsupported> {
    let refuse = |what: &str| Unsupported(format!("the configuration holds {what}"));
    let Some(permitted) = permitted::attributes(&element.name) else {
        return Err(refuse(&format!("element {}, which is not permitted", element.name)));
    };
    for (name, value) in &element.attributes {
        let which = format!("attribute {name} of {}", element.name);
        if permitted.binary_search(&name.as_str()).is_err() {
            return Err(refuse(&format!("{which}, which is not permitted")));
        }
        if value.contains("${") || value.contains("#{") || value.trim_start().starts_with('#') {
            return Err(refuse(&format!("an expression in {which}")));
        }
    }
    element.children.iter().try_for_each(check)
}

/// Takes the wrapped element out of its collection; another one there is none of ours to start.
fn only(
    broker: &mut Element,
    collection: &str,
    names: &[&str],
) -> Result<Vec<Element>, Unsupported> {
    let found = broker.take(collection);
    match found.iter().find(|element| !names.contains(&element.name.as_str())) {
        Some(other) => Err(Unsupported(format!(
            "the configuration holds {} in {collection}, which is not permitted",
            other.name
        ))),
        None => Ok(found),
    }
}

/// The owner's choices for the store; where it is and who may open it is the service's.
fn persistence(kaha: Option<Element>, data: &str) -> Element {
    let mut kaha = kaha.unwrap_or_else(|| Element::new("kahaDB"));
    if kaha.get("journalDiskSyncStrategy").is_none() {
        kaha.set("journalDiskSyncStrategy", &"always");
    }
    kaha.set("directory", &format_args!("{data}/kahadb"));
    kaha.set("journalMaxFileLength", &"32mb");
    kaha.set("checkForCorruptJournalFiles", &true);
    kaha.set("ignoreMissingJournalfiles", &false);
    // A standby finds a lost lock within this time, an active one that it lost it.
    kaha.set("lockKeepAlivePeriod", &1000);
    let locker = Element::new("shared-file-locker").with("lockAcquireSleepInterval", &500);
    kaha.children = vec![locker.inside("locker")];
    kaha
}

/// Who a client is comes before everything that other plugins do with it.
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
        Element::new(name).with("limit", &format_args!("{} gb", bytes / GIB)).inside(name)
    };
    usage.children = vec![
        Element::new("memoryUsage").with("percentOfJvmHeap", &percent).inside("memoryUsage"),
        limited("storeUsage", tier.store_bytes()),
        limited("tempUsage", tier.temp_store_bytes()),
    ];
    usage
}

/// One connector per protocol. The owner may say of `openwire` how it tells clients of other brokers.
fn transport_connectors(theirs: &[Element], blueprint: &Blueprint<'_>) -> Element {
    let connections = blueprint.broker.spec.host_instance_type.wire_connections();
    let mut all = Element::new("transportConnectors");
    for protocol in Protocol::of(EngineType::ActiveMq) {
        let (scheme, tls) = match protocol {
            Protocol::Openwire => ("nio+ssl", "transport.enabledProtocols"),
            Protocol::Amqp => ("amqp+nio+ssl", "transport.enabledProtocols"),
            Protocol::Stomp => ("stomp+nio+ssl", "transport.enabledProtocols"),
            Protocol::Mqtt => ("mqtt+nio+ssl", "transport.enabledProtocols"),
            // Jetty's own choice, which is the same two versions.
            Protocol::Wss => ("wss", ""),
            Protocol::Console => continue,
        };
        let port = protocol.engine_port(EngineType::ActiveMq);
        let mut uri = format!(
            "{scheme}://0.0.0.0:{port}?maximumConnections={connections}&wireFormat.maxFrameSize={MAX_FRAME}"
        );
        if !tls.is_empty() {
            uri.push_str(&format!("&{tls}=TLSv1.2,TLSv1.3"));
        }
        let mut connector = theirs
            .iter()
            .find(|c| c.get("name") == Some(protocol.as_str()))
            .cloned()
            .unwrap_or_else(|| Element::new("transportConnector"));
        connector.set("name", &protocol.as_str());
        connector.set("uri", &uri);
        all.children.push(connector);
    }
    all
}
