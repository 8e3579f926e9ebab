//! What an instance is to be.

use std::{fmt, time::Duration};

use sha2::{Digest, Sha256};

use crate::{BrokerId, Generation, InstallationId};

/// Which instance of which broker of which installation.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct InstanceName {
    /// The installation.
    pub installation: InstallationId,
    /// The broker.
    pub broker: BrokerId,
    /// From 1 on.
    pub ordinal: u8,
}

impl fmt::Display for InstanceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "brokerd-{}-{}-{}", self.installation, self.broker, self.ordinal)
    }
}

/// The host name of an instance inside its broker's network, by which its peers call it.
pub fn host_name(broker: BrokerId, ordinal: u8) -> String {
    format!("{broker}-{ordinal}")
}

/// How much of the host an instance may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Memory in bytes; swap is not granted on top.
    pub memory_bytes: u64,
    /// Processor time in billionths of a processor.
    pub nano_cpus: u64,
    /// The weight among instances that compete for the same processors, as in Docker: twice the weight gets
    /// twice the time. Idle time may be used without limit.
    pub cpu_shares: u32,
    /// Processes and threads.
    pub pids: u32,
}

impl Limits {
    /// The share of an instance that serves or stands by: what a container has that nobody gave another one.
    pub const SERVING_SHARES: u32 = 1024;
    /// The share of an instance that boots beside others which serve. Eight of them take as much as one of those.
    pub const BOOTING_SHARES: u32 = 128;
}

/// A volume of an instance, mounted where the image expects its data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VolumeSpec {
    /// Distinguishes the volumes of one instance: `data`, `conf`.
    pub role: &'static str,
    /// The absolute path in the container, which is also an upload root.
    pub mount: String,
    /// Whether it outlives the replacement of the container.
    pub keep: bool,
    /// Whether all instances of the broker have it together: it goes with the last of them.
    pub shared: bool,
}

/// A file put into the container before it starts.
#[derive(Clone, PartialEq, Eq)]
pub struct InjectedFile {
    /// The mount of the volume it goes to.
    pub root: String,
    /// The path below `root`.
    pub path: String,
    /// Permission bits; the owner is the spec's user.
    pub mode: u32,
    /// The content, at most 500 kB, which may be secret: nothing that a runtime tells or labels shows it.
    pub content: Vec<u8>,
}

impl fmt::Debug for InjectedFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{} ({:o}, {} bytes)", self.root, self.path, self.mode, self.content.len())
    }
}

/// One instance, down to the last byte: nothing is left to choose when it is applied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InstanceSpec {
    /// The instance's name.
    pub name: InstanceName,
    /// The generation it was rendered from; a container with a higher one is newer than we are.
    pub generation: Generation,
    /// Which reboot it embodies.
    pub reboot: u32,
    /// How many instances the broker has. A runtime of several hosts keeps them apart: in zones of their own, if there
    /// are enough.
    pub instances: u8,
    /// The host name inside the broker's network, by which its peers call it.
    pub hostname: String,
    /// The image.
    pub image: String,
    /// The runtime's own name for the image that ran the broker before, which is what to make the container from
    /// as long as it is there.
    pub former_image: Option<FormerImage>,
    /// The user and group the engine runs as.
    pub user: (u32, u32),
    /// Whether the image's directories for kept volumes belong to that user. Where they don't, kept volumes begin
    /// empty and are given to it.
    pub owns_data: bool,
    /// The command, if it is not the image's own.
    pub command: Vec<String>,
    /// Environment variables, none of them secret.
    pub environment: Vec<String>,
    /// The engine's ports.
    pub ports: Vec<u16>,
    /// The volumes.
    pub volumes: Vec<VolumeSpec>,
    /// How large the file system of each kept volume is, at least; none: it is a directory on the host's disk.
    pub disk_bytes: Option<u64>,
    /// Paths in memory, with mount options.
    pub tmpfs: Vec<(String, String)>,
    /// The files.
    pub files: Vec<InjectedFile>,
    /// The tier.
    pub limits: Limits,
    /// How many files may be open.
    pub open_files: u64,
    /// How long an orderly stop may take.
    pub stop_grace: Duration,
}

/// The image that ran a broker before, by the runtime's own name for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FormerImage {
    /// It is to be taken, whatever the name means now; what the name means only if it is not there any more.
    First(String),
    /// It is to be taken only if nothing has the name any more.
    Last(String),
}

/// A digest of what makes an [`InstanceSpec`] need another container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpecDigest(pub String);

impl InstanceSpec {
    /// The digest. It covers everything but the generation, the processor limits and the size of disks, which
    /// change without another container, how many instances there are beside it, and what is behind the image's name.
    pub fn digest(&self) -> SpecDigest {
        let mut hash = Sha256::new();
        let mut add = |label: &str, bytes: &[u8]| {
            hash.update((label.len() as u64).to_le_bytes());
            hash.update(label.as_bytes());
            hash.update((bytes.len() as u64).to_le_bytes());
            hash.update(bytes);
        };
        add("name", self.name.to_string().as_bytes());
        add("reboot", &self.reboot.to_le_bytes());
        add("hostname", self.hostname.as_bytes());
        add("image", self.image.as_bytes());
        add("user", format!("{:?}", self.user).as_bytes());
        add("command", format!("{:?}", self.command).as_bytes());
        add("environment", format!("{:?}", self.environment).as_bytes());
        add("ports", format!("{:?}", self.ports).as_bytes());
        add("volumes", format!("{:?}", self.volumes).as_bytes());
        add("tmpfs", format!("{:?}", self.tmpfs).as_bytes());
        add("memory", &self.limits.memory_bytes.to_le_bytes());
        add("pids", &self.limits.pids.to_le_bytes());
        add("open files", &self.open_files.to_le_bytes());
        for file in &self.files {
            add(&format!("{file:?}"), &file.content);
        }
        SpecDigest(hex::encode(hash.finalize()))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn spec() -> InstanceSpec {
        InstanceSpec {
            name: InstanceName {
                installation: "test".parse().expect("valid"),
                broker: BrokerId::from(uuid::Uuid::from_u128(7)),
                ordinal: 1,
            },
            generation: Generation(1),
            reboot: 0,
            instances: 2,
            hostname: "here".to_owned(),
            image: "brokerd/activemq:5.19".to_owned(),
            former_image: None,
            user: (1000, 1000),
            owns_data: true,
            command: vec!["activemq".to_owned()],
            environment: vec!["LANG=C".to_owned()],
            ports: vec![61617],
            volumes: vec![VolumeSpec {
                role: "data",
                mount: "/data".to_owned(),
                keep: true,
                shared: true,
            }],
            disk_bytes: None,
            tmpfs: vec![("/tmp".to_owned(), "size=1m".to_owned())],
            files: vec![InjectedFile {
                root: "/conf".to_owned(),
                path: "activemq.xml".to_owned(),
                mode: 0o600,
                content: b"<beans/>".to_vec(),
            }],
            limits: Limits {
                memory_bytes: 1 << 30,
                nano_cpus: 1_000_000_000,
                cpu_shares: Limits::SERVING_SHARES,
                pids: 512,
            },
            open_files: 1024,
            stop_grace: Duration::from_secs(1),
        }
    }

    fn changed(change: fn(&mut InstanceSpec)) -> SpecDigest {
        let mut changed = spec();
        change(&mut changed);
        changed.digest()
    }

    #[test]
    fn whatever_needs_another_container_has_a_digest_of_its_own() {
        let changes: [fn(&mut InstanceSpec); 20] = [
            |_| (),
            |it| it.name.ordinal = 2,
            |it| it.reboot = 1,
            |it| it.hostname.push('2'),
            |it| it.image.push('2'),
            |it| it.user.1 = 0,
            |it| it.command.push("console".to_owned()),
            |it| it.environment.clear(),
            |it| it.ports.push(5671),
            |it| it.volumes[0].keep = false,
            |it| it.volumes[0].shared = false,
            |it| it.volumes.clear(),
            |it| it.tmpfs[0].1 = "size=2m".to_owned(),
            |it| it.files[0].root.push('2'),
            |it| it.files[0].path.push('2'),
            |it| it.files[0].mode = 0o644,
            |it| it.files[0].content[0] = b' ',
            |it| it.limits.memory_bytes += 1,
            |it| it.limits.pids += 1,
            |it| it.open_files += 1,
        ];
        let digests: BTreeSet<_> = changes.map(|change| changed(change).0).into_iter().collect();
        assert_eq!(digests.len(), changes.len());
    }

    #[test]
    fn what_a_running_container_is_given_or_never_asks_again_is_not_in_the_digest() {
        let changes: [fn(&mut InstanceSpec); 8] = [
            |it| it.generation = Generation(2),
            |it| it.instances = 1,
            |it| it.former_image = Some(FormerImage::First("sha256:0".to_owned())),
            |it| it.owns_data = false,
            |it| it.disk_bytes = Some(1 << 30),
            |it| it.limits.nano_cpus += 1,
            |it| it.limits.cpu_shares = Limits::BOOTING_SHARES,
            |it| it.stop_grace *= 2,
        ];
        for change in changes {
            assert_eq!(changed(change), spec().digest());
        }
    }

    /// Containers are labelled with it: with another algorithm an upgrade of brokerd would replace all of them.
    #[test]
    fn the_digest_is_the_one_that_containers_of_earlier_versions_have() {
        assert_eq!(
            spec().digest().0,
            "1f43467a322ead3bfdd2ea88c47661acd04eadf3fb44342f2ff8bfeb66987ada"
        );
    }

    #[test]
    fn the_content_of_a_file_is_not_shown() {
        let shown = format!("{:?}", spec());
        assert!(shown.contains("/conf/activemq.xml (600, 8 bytes)"), "{shown}");
        assert!(!shown.contains("beans") && !shown.contains("60, 98"), "{shown}");
    }
}
