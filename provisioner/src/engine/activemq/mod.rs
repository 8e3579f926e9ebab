//! ActiveMQ Classic.
//!
//! Sources: "Broker instance types" of the developer guide for the tiers, "ActiveMQ users" and
//! "Broker configurations" for users and groups.

mod directory;
mod document;
mod network;
mod spring;
mod truststore;
mod xml;

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    time::Duration,
};

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use brokerd_domain::{
    BrokerSpec, DeploymentMode, EngineType, Protocol,
    instance::{InjectedFile, InstanceSpec, Limits},
};
use directory::Directory;

use super::{
    blueprint::{Blueprint, Engine, Sizing, Unsupported},
    common::{self, GIB, MIB},
    identity::{instances, login},
};
use crate::{catalogue::LoginModule, pki::tls, runtime::Capacity};

/// The group of everybody who may use the web console.
const CONSOLE_GROUP: &str = "activemq-webconsole";

/// Up to here the JVM is kept small, from here on it is kept fast.
const LARGE: u64 = 2 * GIB;

/// The variable by which a stock image takes the JVM's options. Some set it when they are built, so that it has to
/// be set as a whole.
const STOCK_OPTIONS: &str = "ACTIVEMQ_OPTS";

/// The messaging protocols: all but the console, which starts in the background.
const PROBES: &[Protocol] =
    &[Protocol::Openwire, Protocol::Amqp, Protocol::Stomp, Protocol::Mqtt, Protocol::Wss];

pub use directory::{DirectoryAuthorities, DirectoryAuthoritiesError};

/// ActiveMQ Classic.
#[derive(Debug, Clone, Default)]
pub struct ActiveMq {
    directory_authorities: DirectoryAuthorities,
}

impl ActiveMq {
    /// Brokers that trust these authorities of directories.
    pub fn new(directory_authorities: DirectoryAuthorities) -> Self {
        Self { directory_authorities }
    }

    /// What tells the JVM about a directory: files, and options that name them.
    ///
    /// # Errors
    /// [`Unsupported`] when the account's authorities can't be read.
    fn directory_files(
        &self,
        conf: &str,
        of_account: Option<&str>,
    ) -> Result<(Vec<InjectedFile>, String), Unsupported> {
        let trust = truststore::DIRECTORIES;
        let (mut files, mut options) = (Vec::new(), String::new());
        let parsed = of_account.map(|pem| DirectoryAuthorities::parse(pem.as_bytes())).transpose();
        let of_account = parsed.map_err(|error| {
            Unsupported(format!("the account's authorities of directories can't be read: {error}"))
        })?;
        let authorities = of_account.as_ref().unwrap_or(&self.directory_authorities);
        if let Some(keystore) = authorities.keystore() {
            files.push(common::file(conf, trust, 0o640, keystore));
            let kind = truststore::TYPE;
            options.push_str(&format!(
                "-Djavax.net.ssl.trustStore={conf}/{trust}\n-Djavax.net.ssl.trustStoreType={kind}\n"
            ));
        }
        Ok((files, options))
    }
}

impl Engine for ActiveMq {
    fn desired(&self, blueprint: &Blueprint<'_>) -> Result<Vec<InstanceSpec>, Unsupported> {
        let spec = &blueprint.broker.spec;
        if spec.deployment_mode == DeploymentMode::ClusterMultiAz {
            return Err(Unsupported("ActiveMQ does not run in clusters".to_owned()));
        }
        let limits = self.limits(spec, blueprint.sizing, blueprint.capacity)?;
        let heap = heap_mib(limits.memory_bytes);
        let launcher = blueprint.image.login_module != Some(LoginModule::Properties);
        let directory = Directory::of(blueprint, launcher)?;
        let mut files = shared_files(blueprint, launcher, heap, directory.as_ref())?;
        if launcher {
            let conf = &blueprint.image.config_root;
            let mut options = jvm_options(limits.memory_bytes, heap);
            let security = directory::SECURITY_FILE;
            options.push_str(&format!("-Djava.security.properties={conf}/{security}\n"));
            if blueprint.broker.spec.logs.audit {
                options.push_str(&format!("{AUDIT}\n"));
            }
            let read = if directory.is_some() { directory::SECURITY } else { "" };
            files.push(common::file(conf, security, 0o640, format!("{SUITES}{read}")));
            if directory.is_some() {
                let of_account = blueprint.directory_authorities;
                let (more, jvm_options) = self.directory_files(conf, of_account)?;
                files.extend(more);
                options.push_str(&jvm_options);
            }
            let group = if directory.is_some() { directory::CONSOLE_GROUP } else { CONSOLE_GROUP };
            files.push(common::file(conf, "jvm.options", 0o640, options));
            files.push(common::file(conf, "logging.properties", 0o640, LOGGING));
            files.push(common::file(conf, "console.properties", 0o400, console(blueprint, group)?));
        } else {
            let conf = &blueprint.image.config_root;
            files.push(common::file(conf, "log4j2.properties", 0o640, STOCK_LOGGING));
            files.push(common::file(conf, STOCK_IS_SECURED, 0o640, ""));
        }
        // Both of a pair are the same broker: its name, its users, its certificate, its store.
        let instances = instances(blueprint.broker).into_iter().map(|identity| {
            let mut instance = common::instance(blueprint, identity, limits, files.clone());
            if !launcher {
                let name = format!("{STOCK_OPTIONS}=");
                instance.environment.retain(|variable| !variable.starts_with(&name));
                let mut options = stock_options(&blueprint.image.config_root, limits.memory_bytes);
                if blueprint.broker.spec.logs.audit {
                    options.push(' ');
                    options.push_str(AUDIT);
                }
                instance.environment.push(format!("{name}{options}"));
            }
            instance
        });
        Ok(instances.collect())
    }

    fn limits(
        &self,
        spec: &BrokerSpec,
        sizing: Sizing,
        capacity: Capacity,
    ) -> Result<Limits, Unsupported> {
        // Each connection of four protocols has a thread; WebSockets, the store and the JVM share some hundred.
        let pids = if spec.host_instance_type.wire_connections() < 1000 { 2048 } else { 12_288 };
        common::limits(spec, sizing, capacity, pids)
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
    heap_mib: u64,
    directory: Option<&Directory<'_>>,
) -> Result<Vec<InjectedFile>, Unsupported> {
    let conf = &blueprint.image.config_root;
    let damaged = || Unsupported("the broker's stored keystore is damaged".to_owned());
    let keystore = blueprint.materials.keystore.as_deref().ok_or_else(damaged)?;
    let keystore = BASE64.decode(keystore).map_err(|_| damaged())?;
    let document = document::render(blueprint, launcher, heap_mib, directory)?;
    let mode = if document.secret { 0o400 } else { 0o640 };
    let mut files = vec![common::file(conf, "activemq.xml", mode, document.text)];
    match directory {
        Some(directory) => {
            files.push(common::file(conf, "login.config", 0o400, directory.login_config()));
        }
        None => files.extend([
            common::file(conf, "login.config", 0o640, login_config(launcher)),
            common::file(conf, "users.properties", 0o400, users(blueprint)?),
            common::file(conf, "groups.properties", 0o640, groups(blueprint)),
        ]),
    }
    files.push(common::file(conf, "broker.p12", 0o400, keystore));
    if document.connects {
        let authorities = tls::certificates(blueprint.materials.trusted()).map_err(|_| {
            Unsupported("the stored certificate of the authority is damaged".to_owned())
        })?;
        let named = authorities.iter().enumerate().map(|(at, certificate)| {
            let alias = if at == 0 { "brokerd".to_owned() } else { format!("brokerd-{}", at + 1) };
            (alias, &**certificate)
        });
        let keystore = truststore::trusting(named);
        files.push(common::file(conf, truststore::BROKERS, 0o640, keystore));
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

/// The JVM's options for a stock image, in a line.
fn stock_options(conf: &str, memory_bytes: u64) -> String {
    let options = jvm_options(memory_bytes, heap_mib(memory_bytes)).replace('\n', " ");
    format!(
        "{options}-Djdk.tls.rejectClientInitiatedRenegotiation=true -Djava.util.logging.config.file=logging.properties -Djava.security.auth.login.config={conf}/login.config"
    )
}

/// Has the broker and its web console log who did what by them, as `org.apache.activemq.audit`.
const AUDIT: &str = "-Dorg.apache.activemq.audit=true";

/// The file by which the entry point of stock images knows that it need not add a plugin to `activemq.xml`.
const STOCK_IS_SECURED: &str = "connection.security.enabled";

/// What a stock image prints, as ours do. Its own files of logs would be in the volume, which a pair shares.
const STOCK_LOGGING: &str = "rootLogger.level=INFO
rootLogger.appenderRef.console.ref=Console
appender.console.type=Console
appender.console.name=Console
appender.console.layout.type=PatternLayout
appender.console.layout.pattern=%d{yyyy-MM-dd'T'HH:mm:ss.SSS'Z'}{UTC} %p %c %m%n
logger.spring.name=org.springframework
logger.spring.level=WARN
logger.jetty.name=org.eclipse.jetty
logger.jetty.level=WARN
";

/// What JDK 21 disables by itself, but for `TLS_RSA_*`: suites of the service's list whose clients encrypt to the
/// certificate's key.
const SUITES: &str = "jdk.tls.disabledAlgorithms=SSLv3, TLSv1, TLSv1.1, DTLSv1.0, RC4, DES, MD5withRSA, \
    DH keySize < 1024, EC keySize < 224, 3DES_EDE_CBC, anon, NULL, ECDH, \
    rsa_pkcs1_sha1 usage HandshakeSignature, ecdsa_sha1 usage HandshakeSignature, \
    dsa_sha1 usage HandshakeSignature\n";

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

fn console(blueprint: &Blueprint<'_>, group: &str) -> Result<String, Unsupported> {
    let port = Protocol::Console.engine_port(EngineType::ActiveMq);
    let password = common::keystore_password(blueprint)?;
    let (port, login) = (port.to_string(), login(blueprint.materials));
    let authorization = login.map(|login| login.basic_authorization());
    let links = authorization.as_deref().map(|header| ("linksAuthorization", header));
    let console = [
        ("port", port.as_str()),
        ("keyStore", "broker.p12"),
        ("keyStorePassword", password),
        ("groups", group),
    ];
    Ok(properties(console.into_iter().chain(links)))
}

fn users(blueprint: &Blueprint<'_>) -> Result<String, Unsupported> {
    let mut stored = BTreeMap::new();
    for user in blueprint.users {
        let name = user.username.as_str();
        stored.insert(name, common::stored_password(blueprint, name)?);
    }
    Ok(properties(stored))
}

/// The groups and their users. Users with console access are in the console's group, too, which exists even
/// without users, because the console looks for it.
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
