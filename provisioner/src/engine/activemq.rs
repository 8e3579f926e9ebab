//! ActiveMQ Classic.
//!
//! Sources: "Broker instance types" of the developer guide for the tiers, "ActiveMQ users" and
//! "Broker configurations" for users and groups.

mod document;
mod network;
mod truststore;
mod xml;

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    time::Duration,
};

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use brokerd_domain::{AuthenticationStrategy, DeploymentMode, EngineType, Protocol};

use super::{
    Blueprint, Engine, Unsupported,
    common::{self, GIB, MIB},
};
use crate::{
    catalogue::LoginModule,
    runtime::{InjectedFile, InstanceSpec},
    tls,
};

/// The group of everybody who may use the web console.
const CONSOLE_GROUP: &str = "activemq-webconsole";

/// Up to here the JVM is kept small, from here on it is kept fast.
const LARGE: u64 = 2 * GIB;

/// The variable by which a stock image takes its heap.
const STOCK_HEAP: &str = "ACTIVEMQ_OPTS_MEMORY";

/// The messaging protocols: all but the console, which starts in the background.
const PROBES: &[Protocol] =
    &[Protocol::Openwire, Protocol::Amqp, Protocol::Stomp, Protocol::Mqtt, Protocol::Wss];

/// ActiveMQ Classic.
#[derive(Debug, Clone, Copy)]
pub struct ActiveMq;

impl Engine for ActiveMq {
    fn desired(&self, blueprint: &Blueprint<'_>) -> Result<Vec<InstanceSpec>, Unsupported> {
        let spec = &blueprint.broker.spec;
        if spec.deployment_mode != DeploymentMode::SingleInstance {
            return Err(Unsupported("ActiveMQ pairs can't be run yet".to_owned()));
        }
        if spec.authentication_strategy != AuthenticationStrategy::Simple {
            return Err(Unsupported("only the broker's own users can log in yet".to_owned()));
        }
        // Threads come with connections: one each for WebSockets, some for each of the others.
        let pids = if spec.host_instance_type.wire_connections() < 1000 { 2048 } else { 8192 };
        let limits = common::limits(blueprint, pids)?;
        let heap = heap_mib(limits.memory_bytes);
        let launcher = blueprint.image.login_module != Some(LoginModule::Properties);
        let mut files = shared_files(blueprint, launcher)?;
        if launcher {
            let conf = &blueprint.image.config_root;
            let options = jvm_options(limits.memory_bytes, heap);
            files.push(common::file(conf, "jvm.options", 0o640, options));
            files.push(common::file(conf, "logging.properties", 0o640, LOGGING));
            files.push(common::file(conf, "console.properties", 0o400, console(blueprint)));
        }
        let mut instance = common::instance(blueprint, 1, limits, files, Duration::from_secs(30));
        if !launcher {
            let name = format!("{STOCK_HEAP}=");
            instance.environment.retain(|variable| !variable.starts_with(&name));
            instance.environment.push(format!("{name}-Xms64M -Xmx{heap}M"));
        }
        Ok(vec![instance])
    }

    fn probes(&self) -> &'static [Protocol] {
        PROBES
    }

    fn boot_deadline(&self) -> Duration {
        Duration::from_mins(1)
    }
}

/// The files that every image reads.
fn shared_files(
    blueprint: &Blueprint<'_>,
    launcher: bool,
) -> Result<Vec<InjectedFile>, Unsupported> {
    let conf = &blueprint.image.config_root;
    let damaged = || Unsupported("the broker's stored keystore is damaged".to_owned());
    let keystore = blueprint.materials.keystore.as_deref().ok_or_else(damaged)?;
    let keystore = BASE64.decode(keystore).map_err(|_| damaged())?;
    let document = document::render(blueprint, launcher)?;
    let mode = if document.connects { 0o400 } else { 0o640 };
    let mut files = vec![
        common::file(conf, "activemq.xml", mode, document.text),
        common::file(conf, "login.config", 0o640, login_config(launcher)),
        common::file(conf, "users.properties", 0o400, users(blueprint)?),
        common::file(conf, "groups.properties", 0o640, groups(blueprint)),
        common::file(conf, "broker.p12", 0o400, keystore),
    ];
    if document.connects {
        let authority = tls::certificate(&blueprint.materials.authority_pem).map_err(|_| {
            Unsupported("the stored certificate of the authority is damaged".to_owned())
        })?;
        files.push(common::file(conf, truststore::FILE, 0o640, truststore::trusting(&authority)));
    }
    Ok(files)
}

/// How much of the container is heap: half of a small one, because threads, buffers, code and the
/// JVM itself take about 250 MiB in any; three quarters less that of a larger one.
fn heap_mib(memory_bytes: u64) -> u64 {
    if memory_bytes <= GIB {
        memory_bytes / 2 / MIB
    } else {
        (memory_bytes / 4 * 3 - 256 * MIB) / MIB
    }
}

/// A small JVM starts faster and is smaller with one collector thread and the quick compiler; a large
/// one has the processors to make use of JDK's defaults.
fn jvm_options(memory_bytes: u64, heap_mib: u64) -> String {
    let mut text = format!("-Xms64m\n-Xmx{heap_mib}m\n");
    if memory_bytes < LARGE {
        text.push_str("-XX:+UseSerialGC\n-XX:TieredStopAtLevel=1\n");
    }
    text.push_str(
        "-XX:-UsePerfData\n-XX:+ExitOnOutOfMemoryError\n-Xlog:disable\n-Xlog:all=error:stderr\n",
    );
    text
}

const LOGGING: &str = "handlers=java.util.logging.ConsoleHandler
.level=INFO
java.util.logging.SimpleFormatter.format=%1$tFT%1$tT.%1$tLZ %4$s %3$s %5$s%6$s%n
org.springframework.level=WARNING
org.eclipse.jetty.level=WARNING
";

fn login_config(launcher: bool) -> String {
    let (module, reload) = if launcher {
        ("brokerd.HashedLoginModule", "")
    } else {
        ("org.apache.activemq.jaas.PropertiesLoginModule", "\n    reload=true")
    };
    format!(
        "activemq {{
  {module} required
    org.apache.activemq.jaas.properties.user=\"users.properties\"
    org.apache.activemq.jaas.properties.group=\"groups.properties\"{reload};
}};
"
    )
}

fn console(blueprint: &Blueprint<'_>) -> String {
    let port = Protocol::Console.engine_port(EngineType::ActiveMq);
    let password = &blueprint.materials.keystore_password;
    properties([
        ("port", port.to_string().as_str()),
        ("keyStore", "broker.p12"),
        ("keyStorePassword", password),
        ("groups", CONSOLE_GROUP),
    ])
}

fn users(blueprint: &Blueprint<'_>) -> Result<String, Unsupported> {
    let mut stored = BTreeMap::new();
    for user in blueprint.users {
        let name = user.username.as_str();
        stored.insert(name, common::stored_password(blueprint, name)?);
    }
    Ok(properties(stored))
}

/// Who is in which group. Users with console access are in the console's group too; it exists even
/// when nobody is in it, because the console looks for it.
fn groups(blueprint: &Blueprint<'_>) -> String {
    let mut groups: BTreeMap<&str, BTreeSet<&str>> =
        BTreeMap::from([(CONSOLE_GROUP, BTreeSet::new())]);
    for user in blueprint.users {
        let console = user.console_access.then_some(CONSOLE_GROUP);
        for group in user.groups.iter().map(brokerd_domain::Group::as_str).chain(console) {
            groups.entry(group).or_default().insert(user.username.as_str());
        }
    }
    let lines: Vec<(&str, String)> = groups
        .into_iter()
        .map(|(group, members)| (group, members.into_iter().collect::<Vec<_>>().join(",")))
        .collect();
    properties(lines.iter().map(|(group, members)| (*group, members.as_str())))
}

/// A file that `java.util.Properties` reads back as these entries.
fn properties<'a>(entries: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let mut text = String::new();
    for (key, value) in entries {
        // Writing to a String can't fail.
        let _ = writeln!(text, "{}={}", escaped(key, true), escaped(value, false));
    }
    text
}

/// Source: `java.util.Properties.load`.
fn escaped(text: &str, key: bool) -> String {
    let mut out = String::with_capacity(text.len());
    for (at, c) in text.chars().enumerate() {
        match c {
            '\\' => out.push_str("\\\\"),
            '\t' => out.push_str("\\t"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            ' ' if key || at == 0 => out.push_str("\\ "),
            '=' | ':' | '#' | '!' if key => {
                out.push('\\');
                out.push(c);
            }
            c if c.is_ascii_graphic() || c == ' ' => out.push(c),
            c => {
                let mut units = [0; 2];
                for unit in c.encode_utf16(&mut units) {
                    let _ = write!(out, "\\u{unit:04x}");
                }
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn properties_are_escaped() {
        let text = properties([("a b=c:#!", " x\\y= # \u{e4}\n"), ("n~-._", "v")]);
        assert_eq!(text, "a\\ b\\=c\\:\\#\\!=\\ x\\\\y= # \\u00e4\\n\nn~-._=v\n");
    }

    #[test]
    fn the_heap_leaves_room_for_the_rest() {
        assert_eq!(heap_mib(512 * MIB), 256);
        assert_eq!(heap_mib(GIB), 512);
        assert_eq!(heap_mib(8 * GIB), 5888);
    }
}
