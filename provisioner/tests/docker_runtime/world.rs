//! An installation of its own for every test, taken down when it goes out of scope.

use std::{
    process::Command,
    sync::Arc,
    time::{Duration, Instant},
};

use brokerd_domain::{BrokerId, Clock, Generation, InstallationId, Timestamp};
use brokerd_provisioner::runtime::{
    ContainerState, Ensured, InjectedFile, InstanceName, InstanceSpec, InstanceStatus, Limits,
    Runtime, RuntimeError, RuntimeErrorClass, VolumeSpec,
    docker::{DockerOptions, DockerRuntime},
};
use rand::random;
use uuid::Uuid;

pub(crate) const IMAGE: &str = "brokerd/base:trixie";
pub(crate) const HELPER: &str = "brokerd/disk:trixie";
/// What the helper needs to be run by hand.
pub(crate) const DEVICES: [&str; 6] = [
    "--device-cgroup-rule",
    "b 7:* rwm",
    "--device-cgroup-rule",
    "c 10:237 rwm",
    "-v",
    "/dev:/dev",
];
pub(crate) const MIB: u64 = 1 << 20;

pub(crate) struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the engine's clock is the real one")]
    fn now(&self) -> Timestamp {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        let micros = since.expect("after 1970").as_micros();
        Timestamp::from_micros(i64::try_from(micros).expect("before the end of time"))
    }
}

/// Runs the command line client, which sees the engine independently of the code under test.
pub(crate) fn docker(arguments: &[&str]) -> Result<String, String> {
    let output = Command::new("docker").args(arguments).output().map_err(|e| e.to_string())?;
    if output.status.success() {
        Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    } else {
        Err(String::from_utf8_lossy(&output.stderr).trim().to_owned())
    }
}

/// One installation, which is taken down when it goes out of scope.
pub(crate) struct World {
    pub(crate) installation: InstallationId,
    pub(crate) broker: BrokerId,
    pub(crate) runtime: DockerRuntime,
}

impl Drop for World {
    fn drop(&mut self) {
        self.detach_disks();
        for [list, remove] in [
            [&["ps", "-aq"] as &[&str], &["rm", "-f", "-v"]],
            [&["volume", "ls", "-q"], &["volume", "rm", "-f"]],
            [&["network", "ls", "-q"], &["network", "rm"]],
        ] {
            let filter = format!("label=brokerd.installation={}", self.installation);
            let found = docker(&[list, &["--filter", &filter]].concat()).unwrap_or_default();
            for id in found.lines() {
                let _ = docker(&[remove, &[id]].concat());
            }
        }
    }
}

/// A new installation; nothing, if there is no engine to try it on.
pub(crate) async fn world() -> Option<World> {
    let installation: InstallationId =
        format!("t-{:08x}", random::<u32>()).parse().expect("installation");
    let options = DockerOptions::new(None, installation.clone());
    match DockerRuntime::connect(options, Arc::new(SystemClock)).await {
        Ok(runtime) => {
            let broker = BrokerId::from(Uuid::from_u128(random()));
            Some(World { installation, broker, runtime })
        }
        Err(error) => {
            let must = std::env::var_os("CI").is_some_and(|value| value == "true");
            assert!(!must, "no Docker engine to test with: {error}");
            eprintln!("SKIPPED: no Docker engine answers ({error})");
            None
        }
    }
}

pub(crate) const WAIT: &str = "trap 'exit 0' TERM; echo up; while :; do sleep 0.05; done";

impl World {
    pub(crate) fn name(&self, ordinal: u8) -> InstanceName {
        InstanceName { installation: self.installation.clone(), broker: self.broker, ordinal }
    }

    pub(crate) fn spec(&self, script: &str) -> InstanceSpec {
        InstanceSpec {
            name: self.name(1),
            generation: Generation(3),
            reboot: 2,
            hostname: "node-1".to_owned(),
            image: IMAGE.to_owned(),
            former_image: None,
            user: (1234, 2345),
            owns_data: true,
            command: ["/bin/sh", "-c", script].map(str::to_owned).to_vec(),
            environment: vec!["COLOUR=blue".to_owned()],
            ports: vec![5671, 15671],
            volumes: vec![
                VolumeSpec {
                    role: "conf",
                    mount: "/etc/engine".to_owned(),
                    keep: false,
                    shared: false,
                },
                VolumeSpec {
                    role: "data",
                    mount: "/var/tmp".to_owned(),
                    keep: true,
                    shared: false,
                },
            ],
            disk_bytes: None,
            tmpfs: vec![("/tmp".to_owned(), "rw,nosuid,nodev,size=16m,mode=1777".to_owned())],
            files: vec![
                file("/etc/engine", "engine.conf", 0o640, "colour = blue"),
                file("/etc/engine", "tls/server.key", 0o400, "s3cret-in-a-file"),
                file("/var/tmp", ".cookie", 0o400, "s3cret-in-a-cookie"),
            ],
            limits: Limits { memory_bytes: 64 * MIB, nano_cpus: 500_000_000, pids: 64 },
            open_files: 2048,
            stop_grace: Duration::from_secs(5),
        }
    }

    pub(crate) async fn apply(&self, spec: &InstanceSpec) -> Result<Ensured, RuntimeError> {
        self.runtime.apply(spec).await
    }

    pub(crate) async fn status(&self) -> InstanceStatus {
        self.runtime.status(&self.name(1)).await.expect("status").expect("an instance")
    }

    /// The status, once the container is in a state that `wanted` takes.
    pub(crate) async fn until(&self, wanted: impl Fn(&ContainerState) -> bool) -> InstanceStatus {
        let begun = Instant::now();
        loop {
            let status = self.status().await;
            if wanted(&status.state) {
                return status;
            }
            assert!(begun.elapsed() < Duration::from_secs(60), "still {status:?}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Waits for the second after the one in which the container was started: an engine tells of what happened
    /// in whole seconds, and so of the start again to whoever begins to watch it in the same one.
    pub(crate) async fn until_its_start_is_history(&self) {
        let status = self.status().await;
        let ContainerState::Running { since } = status.state else { panic!("{status:?}") };
        let begun = Instant::now();
        while SystemClock.now().as_seconds() <= since.as_seconds() {
            assert!(begun.elapsed() < Duration::from_secs(60), "started in the future");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// The status, once the container's process has printed its first line.
    pub(crate) async fn until_up(&self) -> InstanceStatus {
        let begun = Instant::now();
        let name = self.name(1).to_string();
        while !docker(&["logs", &name]).unwrap_or_default().contains("up") {
            assert!(begun.elapsed() < Duration::from_secs(60), "never up");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        self.status().await
    }

    pub(crate) fn inspect(&self, format: &str) -> String {
        docker(&["inspect", "--format", format, &self.name(1).to_string()]).expect("inspect")
    }

    pub(crate) fn exec(&self, script: &str) -> Result<String, String> {
        docker(&["exec", &self.name(1).to_string(), "/bin/sh", "-c", script])
    }

    /// Takes every disk of the installation off its device, as a restart of the host would.
    pub(crate) fn detach_disks(&self) {
        let ours = format!("label=brokerd.installation={}", self.installation);
        let files = docker(&[
            "volume",
            "ls",
            "-q",
            "--filter",
            &ours,
            "--filter",
            "label=brokerd.role=disk",
        ]);
        for file in files.unwrap_or_default().lines() {
            let volume = file.trim_end_matches("-disk");
            let link = format!("/dev/brokerd-{}/{volume}", self.installation);
            let mount = format!("{file}:/disk");
            let detach = ["-v", &mount, HELPER, "detach", &link];
            let _ = docker(&[&["run", "--rm"], &DEVICES[..], &detach].concat());
        }
    }

    /// How many containers, volumes and networks there are.
    pub(crate) fn count(&self) -> [usize; 3] {
        let filter = format!("label=brokerd.installation={}", self.installation);
        [&["ps", "-aq"] as &[&str], &["volume", "ls", "-q"], &["network", "ls", "-q"]].map(|list| {
            docker(&[list, &["--filter", &filter]].concat()).expect("list").lines().count()
        })
    }
}

pub(crate) fn file(root: &str, path: &str, mode: u32, content: &str) -> InjectedFile {
    InjectedFile {
        root: root.to_owned(),
        path: path.to_owned(),
        mode,
        content: content.as_bytes().to_vec(),
    }
}

pub(crate) fn class(result: Result<Ensured, RuntimeError>) -> Option<RuntimeErrorClass> {
    result.err().map(|error| error.class)
}

pub(crate) fn is_running(state: &ContainerState) -> bool {
    matches!(state, ContainerState::Running { .. })
}
