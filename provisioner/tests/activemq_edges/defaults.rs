//! What a broker has whose owner has configured nothing: compared with what an engine of each version and mode really
//! has, in one table.
//!
//! Source: "Amazon MQ broker configuration parameters", "Broker instance types" and "Logging" of the developer
//! guide, and the default configuration that the service makes.

use brokerd_domain::{DeploymentMode, EngineType, EngineVersion, Protocol};

use crate::{engine::Engine, example::Example, without_keys};

/// How much a message may have, in bytes: ActiveMQ's own limit.
const MAX_FRAME_SIZE: &str = "104857600";

/// What is the same in every version and mode, by the engine's own names.
const EVERYWHERE: &[(&str, &str)] = &[
    ("broker.advisorySupport", "true"),
    ("broker.deleteAllMessagesOnStartup", "false"),
    ("broker.persistent", "true"),
    ("broker.schedulePeriodForDestinationPurge", "10000"),
    ("broker.schedulerSupport", "false"),
    ("broker.useJmx", "true"),
    // There is no authorization map: who has logged in may do everything.
    ("plugins", "JaasAuthenticationPlugin"),
    ("queue.gcInactiveDestinations", "true"),
    ("queue.inactiveTimeoutBeforeGC", "600000"),
    ("queue.pendingMessageLimit", ""),
    ("store.concurrentStoreAndDispatchQueues", "true"),
    ("store.journalDiskSyncStrategy", "ALWAYS"),
    ("topic.gcInactiveDestinations", "true"),
    ("topic.inactiveTimeoutBeforeGC", "600000"),
    ("topic.pendingMessageLimit", "1000"),
    ("usage.memory.percentOfJvmHeap", "70"),
    ("usage.sendFailIfNoSpace", "false"),
];

/// The connectors by the engine's names and schemes.
const CONNECTORS: &[(&str, &str, Protocol)] = &[
    ("openwire", "ssl", Protocol::Openwire),
    ("amqp", "amqp+ssl", Protocol::Amqp),
    ("stomp", "stomp+ssl", Protocol::Stomp),
    ("mqtt", "mqtt+ssl", Protocol::Mqtt),
    ("wss", "wss", Protocol::Wss),
];

#[test]
fn a_broker_has_the_services_defaults_in_every_version_and_mode() {
    for version in [EngineVersion::new(5, 19), EngineVersion::new(5, 18)] {
        let Some(mut engine) = Engine::describing(version) else { return };
        for (mode, host) in [
            (DeploymentMode::SingleInstance, "mq.t3.micro"),
            (DeploymentMode::SingleInstance, "mq.m5.large"),
            (DeploymentMode::ActiveStandbyMultiAz, "mq.m5.large"),
        ] {
            let at = format!("{version} {mode:?} {host}");
            let mut example = Example::new(EngineType::ActiveMq, &version.to_string(), host);
            example.broker.spec.deployment_mode = mode;
            for instance in example.render_all().expect("rendered") {
                let file = |path: &str| {
                    let file = instance.files.iter().find(|file| file.path == path).expect(path);
                    String::from_utf8(file.content.clone()).expect("text")
                };
                let told = engine.why_not(&without_keys(&file("activemq.xml")));
                let has = |name: &str| {
                    let line =
                        told.lines().find_map(|line| line.split_once('=').filter(|l| l.0 == name));
                    line.map(|(_, value)| value).unwrap_or_default().to_owned()
                };
                for (name, value) in EVERYWHERE {
                    assert_eq!(has(name), *value, "{at}: {name}\n{told}");
                }
                let connections = example.broker.spec.host_instance_type.wire_connections();
                for (name, scheme, protocol) in CONNECTORS {
                    let port = protocol.engine_port(EngineType::ActiveMq);
                    let uri = has(&format!("connector.{name}"));
                    let beginning = format!("{scheme}://0.0.0.0:{port}?");
                    assert!(uri.starts_with(&beginning), "{at}: {uri}");
                    for option in [
                        format!("maximumConnections={connections}&"),
                        format!("wireFormat.maxFrameSize={MAX_FRAME_SIZE}"),
                    ] {
                        assert!(uri.contains(&option), "{at}: {option} {uri}");
                    }
                }
                let listens = told.lines().filter(|line| line.starts_with("connector.")).count();
                assert_eq!(listens, CONNECTORS.len(), "{at}: {told}");
                // Both are the service's to set, whoever the users are.
                assert!(file("logging.properties").contains("\n.level=INFO\n"), "{at}");
                assert!(
                    file("console.properties").contains("groups=activemq-webconsole\n"),
                    "{at}"
                );
                assert!(file("groups.properties").contains("activemq-webconsole=alice\n"), "{at}");
            }
        }
    }
}
