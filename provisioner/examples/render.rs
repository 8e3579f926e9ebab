//! Writes the files of one broker, as brokerd would, and what to start it with.
//!
//! ```text
//! cargo run -p brokerd-provisioner --example render -- <directory> <rabbitmq|activemq> <version> <type> [<scale> [<configuration>]]
//! ```
//!
//! `<directory>/conf` and `<directory>/data` then hold the two volumes' files, `ca.pem` the
//! authority, and `instance.json` the rest, with the arguments of `docker create` under `create` and
//! those of `docker cp` under `copy`. The administrator is `admin` with the password
//! `example-password`. `<configuration>` is a file; without it, it is the one the service makes.

#![expect(clippy::print_stdout, reason = "a command prints")]

use std::{fs, os::unix::fs::PermissionsExt, path::Path, time::SystemTime};

use anyhow::{Context, Result, bail};
use brokerd_domain::{
    Broker, BrokerId, BrokerInstance, BrokerUser, EngineType, Entropy, HostInstanceType,
    InstallationId, Timestamp, Username, default_revision, example, instance::InstanceSpec,
    parse_password,
};
use brokerd_provisioner::{
    catalogue::Catalogue,
    engine::{Blueprint, Engines, Sizing},
    pki::{
        authorities::AuthorityStatus,
        materials::{self, IssueInputs},
        rsa_keys, tls,
    },
    runtime::Capacity,
};
use rand::{TryRng, rngs::SysRng};
use serde_json::json;

const USER: &str = "admin";
const PASSWORD: &str = "example-password";

struct System;

impl Entropy for System {
    fn fill(&self, bytes: &mut [u8]) {
        // A file written from bad randomness would be worse than no file.
        assert!(SysRng.try_fill_bytes(bytes).is_ok(), "the system has no randomness");
    }
}

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (directory, engine, version, host, options) = match arguments.as_slice() {
        [d, e, v, h, options @ ..] if options.len() <= 2 => (d, e, v, h, options),
        _ => bail!(
            "usage: render <directory> <rabbitmq|activemq> <version> <type> [<scale> [<configuration>]]"
        ),
    };
    let scale = options.first().map_or("1", String::as_str);
    let kind = EngineType::parse(engine)?;
    let version = version.parse()?;
    let catalogue = Catalogue::built_in()?;
    let configuration = match options.get(1) {
        Some(path) => fs::read_to_string(path).with_context(|| path.clone())?,
        None => default_revision(kind, version, "example").1,
    };
    let image = catalogue.image(kind, version).context("no image for this version")?;
    let broker = broker(kind, version, host)?;
    let users = [BrokerUser {
        username: Username::parse(kind, USER)?,
        password: parse_password(PASSWORD)?,
        groups: std::collections::BTreeSet::new(),
        console_access: true,
        replication_user: false,
    }];
    let now = now()?;
    let authority = tls::new_authority(now, &System)?;
    let rsa_key = rsa_keys::generate()?;
    let inputs = IssueInputs {
        authorities: &AuthorityStatus::of(authority.clone()),
        rsa_key: &rsa_key,
        now,
        entropy: &System,
    };
    let materials = materials::issue(inputs, &broker, &users, image)?;
    let specs = Engines::default().of(kind).desired(&Blueprint {
        installation: &"example".parse::<InstallationId>()?,
        broker: &broker,
        users: &users,
        ldap_password: None,
        directory_authorities: None,
        configuration: &configuration,
        materials: &materials,
        image,
        sizing: Sizing {
            scale: scale.parse().context("scale")?,
            open_files: 20_000,
            sized_volumes: false,
        },
        capacity: Capacity::of_a_host(u64::MAX, cpus()),
    })?;
    let root = Path::new(directory);
    for spec in &specs {
        write(root, spec)?;
    }
    fs::write(root.join("ca.pem"), &authority.certificate_pem)?;
    println!("{}", root.join("instance.json").display());
    Ok(())
}

#[expect(
    clippy::disallowed_methods,
    reason = "the one place of this program that looks at the clock"
)]
fn now() -> Result<Timestamp> {
    let since_epoch = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?;
    Ok(Timestamp::from_micros(i64::try_from(since_epoch.as_micros())?))
}

fn cpus() -> u32 {
    std::thread::available_parallelism().ok().and_then(|n| u32::try_from(n.get()).ok()).unwrap_or(1)
}

fn write(root: &Path, spec: &InstanceSpec) -> Result<()> {
    for volume in &spec.volumes {
        fs::create_dir_all(root.join(volume.role))?;
    }
    for file in &spec.files {
        let volume = spec.volumes.iter().find(|v| v.mount == file.root).context("no volume")?;
        let path = root.join(volume.role).join(&file.path);
        fs::create_dir_all(path.parent().context("no directory")?)?;
        // A file of an earlier run may be read-only.
        let _ = fs::remove_file(&path);
        fs::write(&path, &file.content)?;
        fs::set_permissions(&path, fs::Permissions::from_mode(file.mode))?;
    }
    let summary = json!({
        "image": spec.image,
        "hostname": spec.hostname,
        "user": spec.user,
        "command": spec.command,
        "environment": spec.environment,
        "ports": spec.ports,
        "memory_bytes": spec.limits.memory_bytes,
        "nano_cpus": spec.limits.nano_cpus,
        "pids": spec.limits.pids,
        "stop_grace_seconds": spec.stop_grace.as_secs(),
        "administrator": { "username": USER, "password": PASSWORD },
        "create": create(spec),
        "copy": spec.volumes.iter()
            .map(|v| json!({ "from": root.join(v.role), "to": v.mount, "owner": spec.user }))
            .collect::<Vec<_>>(),
    });
    fs::write(root.join("instance.json"), format!("{summary:#}\n"))?;
    Ok(())
}

/// The arguments of `docker create`, with the restrictions that brokerd sets for a boot: all the
/// processors there are, whatever `nano_cpus` allows later.
fn create(spec: &InstanceSpec) -> Vec<String> {
    let (uid, gid) = spec.user;
    let memory = spec.limits.memory_bytes;
    let mut all: Vec<String> =
        ["--read-only", "--cap-drop=ALL", "--security-opt=no-new-privileges", "--restart=no"]
            .map(str::to_owned)
            .into();
    all.extend(
        ["--no-healthcheck", "--log-opt=max-size=10m", "--log-opt=max-file=2"].map(str::to_owned),
    );
    all.push(format!("--hostname={}", spec.hostname));
    all.push(format!("--user={uid}:{gid}"));
    all.push(format!("--memory={memory}"));
    all.push(format!("--memory-swap={memory}"));
    all.push(format!("--cpus={}", cpus()));
    all.push(format!("--pids-limit={}", spec.limits.pids));
    all.push(format!("--ulimit=nofile={0}:{0}", spec.open_files));
    all.extend(spec.volumes.iter().map(|v| format!("--volume={}", v.mount)));
    all.extend(spec.tmpfs.iter().map(|(path, options)| format!("--tmpfs={path}:{options}")));
    all.extend(spec.environment.iter().map(|variable| format!("--env={variable}")));
    all.extend(spec.ports.iter().map(|port| format!("--publish=127.0.0.1::{port}")));
    all.push(spec.image.clone());
    all.extend(spec.command.iter().cloned());
    all
}

fn broker(
    engine_type: EngineType,
    engine_version: brokerd_domain::EngineVersion,
    host: &str,
) -> Result<Broker> {
    let mut broker = example::broker(engine_type);
    broker.id = BrokerId::generate(&System);
    broker.spec.engine_version = engine_version;
    broker.spec.host_instance_type = HostInstanceType::parse(engine_type, host)?;
    broker.instances = vec![BrokerInstance {
        ordinal: 1,
        host: "127.0.0.1".to_owned(),
        ip_address: None,
        endpoints: Vec::new(),
    }];
    Ok(broker)
}
