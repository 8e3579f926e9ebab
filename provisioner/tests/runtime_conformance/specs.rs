//! The specification that both runtimes are given.

use std::time::Duration;

use brokerd_domain::{
    Generation,
    instance::{InjectedFile, InstanceName, InstanceSpec, Limits, VolumeSpec},
};

/// An image that is there, and small.
pub(crate) const IMAGE: &str = "brokerd/base:trixie";

const MIB: u64 = 1 << 20;

/// An instance that runs a command.
pub(crate) fn spec(name: InstanceName, command: Vec<String>) -> InstanceSpec {
    InstanceSpec {
        generation: Generation(3),
        reboot: 2,
        instances: 1,
        hostname: format!("node-{}", name.ordinal),
        name,
        image: IMAGE.to_owned(),
        former_image: None,
        user: (1234, 2345),
        owns_data: true,
        command,
        environment: vec!["COLOUR=blue".to_owned()],
        ports: vec![5671, 15671],
        volumes: vec![
            VolumeSpec {
                role: "conf",
                mount: "/etc/engine".to_owned(),
                keep: false,
                shared: false,
            },
            VolumeSpec { role: "data", mount: "/var/tmp".to_owned(), keep: true, shared: false },
        ],
        disk_bytes: None,
        tmpfs: vec![("/tmp".to_owned(), "rw,nosuid,nodev,size=16m,mode=1777".to_owned())],
        files: vec![
            file("/etc/engine", "engine.conf", 0o640, "colour = blue"),
            file("/etc/engine", "tls/server.key", 0o400, "s3cret-in-a-file"),
            file("/var/tmp", ".cookie", 0o400, "s3cret-in-a-cookie"),
        ],
        limits: Limits {
            memory_bytes: 64 * MIB,
            nano_cpus: 500_000_000,
            cpu_shares: Limits::BOOTING_SHARES,
            pids: 64,
        },
        open_files: 2048,
        stop_grace: Duration::from_secs(5),
    }
}

/// A file of the engine's user.
pub(crate) fn file(root: &str, path: &str, mode: u32, content: &str) -> InjectedFile {
    InjectedFile {
        root: root.to_owned(),
        path: path.to_owned(),
        mode,
        content: content.as_bytes().to_vec(),
    }
}
