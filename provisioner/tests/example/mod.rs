//! One broker and what belongs to it, the same in every run.

use std::{
    collections::BTreeSet,
    fmt::Write as _,
    fs,
    path::PathBuf,
    sync::{LazyLock, Mutex},
};

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use brokerd_domain::{
    Broker, BrokerId, BrokerInstance, BrokerUser, EngineType, EngineVersion, Entropy, Generation,
    Group, HostInstanceType, InstallationId, Timestamp, Username, default_revision, example,
    instance::InstanceSpec, parse_password,
};
use brokerd_provisioner::{
    catalogue::{Catalogue, Image},
    engine::{
        Blueprint, Engines, Sizing, Unsupported,
        activemq::{ActiveMq, DirectoryAuthorities},
    },
    pki::{
        materials::{Identity, Materials, Monitoring, PreparedPassword, Resolved},
        rsa_keys,
    },
    runtime::Capacity,
};
use secrecy::SecretString;
use uuid::Uuid;

pub const GIB: u64 = 1 << 30;

/// 2026-01-01T00:00:00Z.
pub const NOW: Timestamp = Timestamp::from_micros(1_767_225_600_000_000);

/// Gives these bytes, then counts.
pub struct Scripted(Mutex<(Vec<u8>, u8)>);

impl Scripted {
    pub fn new(first: &[u8]) -> Self {
        Self(Mutex::new((first.iter().rev().copied().collect(), 0)))
    }
}

impl Entropy for Scripted {
    fn fill(&self, bytes: &mut [u8]) {
        let mut state = self.0.lock().expect("not poisoned");
        for byte in bytes {
            state.1 = state.1.wrapping_add(1);
            let counted = state.1;
            *byte = state.0.pop().unwrap_or(counted);
        }
    }
}

/// The same RSA key for everybody: making one takes as long as some hundred passes.
pub fn rsa_key() -> &'static SecretString {
    static KEY: LazyLock<SecretString> =
        LazyLock::new(|| rsa_keys::generate().expect("the system has randomness"));
    &KEY
}

pub fn user(engine: EngineType, name: &str, password: &str, groups: &[&str]) -> BrokerUser {
    BrokerUser {
        username: Username::parse(engine, name).expect("a permitted name"),
        password: parse_password(password).expect("a permitted password"),
        groups: groups.iter().map(|g| Group::parse(g).expect("a permitted group")).collect(),
        console_access: false,
        replication_user: false,
    }
}

pub fn broker(engine_type: EngineType, engine_version: EngineVersion, host: &str) -> Broker {
    let mut broker = example::broker(engine_type);
    broker.id = BrokerId::from(Uuid::from_u128(0x1234_a5b6_78cd_401e_af00_3145_0600_1789));
    broker.created = NOW;
    broker.spec.engine_version = engine_version;
    broker.spec.host_instance_type = HostInstanceType::from_name(host).expect("known");
    broker.generation = Generation(3);
    broker.reboots_requested = 1;
    broker.instances = vec![BrokerInstance {
        ordinal: 1,
        host: "mq.example.test".to_owned(),
        ip_address: Some("192.0.2.7".to_owned()),
        endpoints: Vec::new(),
    }];
    broker
}

/// Everything a rendering needs, to be changed by a test before it renders.
pub struct Example {
    pub installation: InstallationId,
    pub broker: Broker,
    pub users: Vec<BrokerUser>,
    pub ldap_password: Option<SecretString>,
    pub directory_authorities: DirectoryAuthorities,
    pub account_authorities: Option<String>,
    pub configuration: String,
    pub materials: Materials,
    pub image: Image,
    pub sizing: Sizing,
    pub capacity: Capacity,
}

impl Example {
    /// With materials that are recognizable in a golden.
    pub fn new(kind: EngineType, version: &str, host: &str) -> Self {
        let version: EngineVersion = version.parse().expect("a version");
        let catalogue = Catalogue::built_in().expect("well-formed");
        let users = match kind {
            EngineType::ActiveMq => {
                let mut alice = user(kind, "alice", "correct-horse-battery", &["admins", "users"]);
                alice.console_access = true;
                vec![alice, user(kind, "bob.b_b~b-b", "pass & <word> \"'", &["users"])]
            }
            EngineType::RabbitMq => vec![user(kind, "alice", "correct-horse-battery", &[])],
        };
        let pem = |what: &str| format!("-----BEGIN {what}-----\nVEVTVA==\n-----END {what}-----\n");
        Self {
            installation: "test".parse().expect("an installation"),
            broker: broker(kind, version, host),
            ldap_password: None,
            directory_authorities: DirectoryAuthorities::default(),
            account_authorities: None,
            configuration: default_revision(kind, version, "orders-configuration").1,
            materials: Materials {
                authority_pem: pem("CERTIFICATE"),
                trusted_pem: String::new(),
                certificate_pem: pem("CERTIFICATE"),
                private_key_pem: pem("PRIVATE KEY"),
                rsa: Some(Identity {
                    certificate_pem: pem("CERTIFICATE"),
                    private_key_pem: pem("PRIVATE KEY"),
                }),
                keystore: Some(BASE64.encode("a PKCS#12 of the test\n")),
                keystore_password: Some("TestKeystorePassword".to_owned()),
                erlang_cookie: Some("TESTCOOKIETESTCOOKIETEST".to_owned()),
                passwords: users
                    .iter()
                    .map(|u| {
                        let name = u.username.as_str();
                        let stored = format!("hash$of${name}");
                        (name.to_owned(), PreparedPassword { stored, of: String::new() })
                    })
                    .collect(),
                monitoring: (kind == EngineType::RabbitMq).then(|| Monitoring {
                    password: "monitoring-password".to_owned(),
                    stored: "hash$of$monitoring".to_owned(),
                }),
                seed: None,
                resolved: Resolved::default(),
                own_disk: false,
                certificate_expires_at: 1_801_526_400,
            },
            users,
            image: catalogue.image(kind, version).expect("offered").clone(),
            sizing: Sizing { scale: 1.0, open_files: 20_000, sized_volumes: false },
            capacity: Capacity::of_a_host(512 * GIB, 64),
        }
    }

    pub fn render(&self) -> Result<InstanceSpec, Unsupported> {
        let mut specs = self.render_all()?;
        assert_eq!(specs.len(), 1, "a single instance");
        Ok(specs.remove(0))
    }

    pub fn render_all(&self) -> Result<Vec<InstanceSpec>, Unsupported> {
        let blueprint = Blueprint {
            installation: &self.installation,
            broker: &self.broker,
            users: &self.users,
            ldap_password: self.ldap_password.as_ref(),
            directory_authorities: self.account_authorities.as_deref(),
            configuration: &self.configuration,
            materials: &self.materials,
            image: &self.image,
            sizing: self.sizing,
            capacity: self.capacity,
        };
        let engines = Engines {
            activemq: ActiveMq::new(self.directory_authorities.clone()),
            ..Engines::default()
        };
        engines.of(self.broker.spec.engine_type).desired(&blueprint)
    }

    pub fn refusal(&self) -> String {
        self.render().expect_err("refused").0
    }

    pub fn text(&self, path: &str) -> String {
        let spec = self.render().expect("rendered");
        let file = spec.files.iter().find(|f| f.path == path).expect(path);
        String::from_utf8(file.content.clone()).expect("text")
    }
}

pub fn groups(names: &[&str]) -> BTreeSet<Group> {
    names.iter().map(|g| Group::parse(g).expect("a permitted group")).collect()
}

/// With `UPDATE_GOLDEN` set, writes the golden instead.
pub fn compare_with_golden(name: &str, content: &[u8]) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/goldens").join(name);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::create_dir_all(path.parent().expect("a directory")).expect("made");
        fs::write(&path, content).expect("written");
        return;
    }
    let golden = fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    assert_eq!(
        String::from_utf8_lossy(content),
        String::from_utf8_lossy(&golden),
        "{name} differs from its golden"
    );
}

/// The one file that is in no golden.
pub const TRUSTED: &str = "tls/trusted.pem";

/// Everything of a spec but the content of its files.
pub fn outline(spec: &InstanceSpec) -> String {
    let mut text = String::new();
    let mut line = |what: &str, value: &dyn std::fmt::Debug| {
        writeln!(text, "{what}: {value:?}").expect("a String takes it");
    };
    line("name", &spec.name.to_string());
    line("generation", &spec.generation.0);
    line("reboot", &spec.reboot);
    line("hostname", &spec.hostname);
    line("image", &spec.image);
    line("user", &spec.user);
    line("command", &spec.command);
    line("environment", &spec.environment);
    line("ports", &spec.ports);
    line("limits", &spec.limits);
    line("open files", &spec.open_files);
    line("stop grace", &spec.stop_grace);
    for volume in &spec.volumes {
        line("volume", volume);
    }
    for tmpfs in &spec.tmpfs {
        line("tmpfs", tmpfs);
    }
    for file in &spec.files {
        // It grows and shrinks with the public authorities.
        if file.path == TRUSTED {
            line("file", &format_args!("{}/{} ({:o})", file.root, file.path, file.mode));
        } else {
            line("file", file);
        }
    }
    text
}

/// Compares a spec and its files with their goldens.
pub fn golden_of(spec: &InstanceSpec, directory: &str) {
    compare_with_golden(&format!("{directory}/outline.txt"), outline(spec).as_bytes());
    for file in spec.files.iter().filter(|f| f.path != TRUSTED) {
        compare_with_golden(&format!("{directory}/{}", file.path), &file.content);
    }
}
