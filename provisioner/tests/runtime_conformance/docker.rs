//! A Docker engine under test. What is done behind the runtime's back is done by the command line client.

use std::{
    net::SocketAddr,
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use async_trait::async_trait;
use brokerd_domain::{
    BrokerId, Clock, InstallationId, Timestamp,
    instance::{InstanceName, InstanceSpec},
};
use brokerd_provisioner::runtime::{
    Runtime,
    docker::{DockerOptions, DockerRuntime},
};
use rand::random;
use tokio::{io::AsyncReadExt, net::TcpStream};
use uuid::Uuid;

use crate::{
    engine::{SystemClock, docker, engine_or_skip, sweep},
    scripts::{SERVES, STUBBORN},
    specs::{IMAGE, spec},
    subject::{Does, Subject},
};

/// Where the engine listens.
const SOCKET: &str = "/var/run/docker.sock";

/// An installation of its own, which is taken down when it goes out of scope.
pub(crate) struct DockerSubject {
    runtime: DockerRuntime,
    installation: InstallationId,
    broker: BrokerId,
    socket: PathBuf,
}

impl Drop for DockerSubject {
    fn drop(&mut self) {
        sweep(&self.installation);
        let _ = std::fs::remove_file(&self.socket);
    }
}

async fn connect(socket: &std::path::Path, installation: &InstallationId) -> DockerRuntime {
    let host = Some(format!("unix://{}", socket.display()));
    let options = DockerOptions::new(host, installation.clone());
    DockerRuntime::connect(options, Arc::new(SystemClock)).await.expect("the engine answers")
}

impl DockerSubject {
    /// A new installation; nothing, if there is no engine to try it on.
    pub(crate) async fn new() -> Option<Self> {
        engine_or_skip(&"t-nobody".parse().expect("valid")).await?;
        Some(Self::of(BrokerId::from(Uuid::from_u128(random()))).await)
    }

    async fn of(broker: BrokerId) -> Self {
        let installation: InstallationId =
            format!("t-{:08x}", random::<u32>()).parse().expect("installation");
        // The engine can't be asked any more when this is not there.
        let socket = std::env::temp_dir().join(format!("brokerd-{installation}.sock"));
        std::os::unix::fs::symlink(SOCKET, &socket).expect("a link");
        let runtime = connect(&socket, &installation).await;
        Self { runtime, installation, broker, socket }
    }

    fn count(&self, list: &[&str]) -> usize {
        let filter = format!("label=brokerd.installation={}", self.installation);
        docker(&[list, &["--filter", &filter]].concat()).expect("listed").lines().count()
    }
}

#[async_trait]
impl Subject for DockerSubject {
    fn runtime(&self) -> &dyn Runtime {
        &self.runtime
    }

    async fn another_control_plane(&self) -> Box<dyn Runtime> {
        Box::new(connect(&self.socket, &self.installation).await)
    }

    async fn neighbour(&self) -> Box<dyn Subject> {
        Box::new(Self::of(self.broker).await)
    }

    fn broker(&self) -> BrokerId {
        self.broker
    }

    fn spec(&self, ordinal: u8, does: Does) -> InstanceSpec {
        let script = match does {
            Does::Serves => SERVES.to_owned(),
            Does::Stubborn => STUBBORN.to_owned(),
            Does::Ends(code, words) => format!("echo '{words}' >&2; exit {code}"),
            Does::Starves => "exec tail /dev/zero".to_owned(),
        };
        let installation = self.installation.clone();
        let name = InstanceName { installation, broker: self.broker, ordinal };
        let mut spec = spec(name, ["/bin/sh", "-c", &script].map(str::to_owned).to_vec());
        if does == Does::Starves {
            spec.limits.memory_bytes = 16 << 20;
        }
        spec
    }

    fn now(&self) -> Timestamp {
        SystemClock.now()
    }

    async fn pass(&self) {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }

    async fn until_up(&self, name: &InstanceName) {
        let begun = Instant::now();
        while !docker(&["logs", &name.to_string()]).unwrap_or_default().contains("up") {
            assert!(begun.elapsed() < Duration::from_secs(60), "never up");
            self.pass().await;
        }
    }

    async fn kill(&self, name: &InstanceName) {
        docker(&["kill", &name.to_string()]).expect("killed");
    }

    async fn leave_unstarted(&self, spec: &InstanceSpec) {
        let name = spec.name.to_string();
        let labels = [
            format!("brokerd.installation={}", self.installation),
            format!("brokerd.broker={}", self.broker),
            format!("brokerd.ordinal={}", spec.name.ordinal),
            format!("brokerd.generation={}", spec.generation.0),
            format!("brokerd.reboot={}", spec.reboot),
            format!("brokerd.spec={}", spec.digest().0),
        ];
        let network = format!("brokerd-{}-{}", self.installation, self.broker);
        let mut create = vec!["create", "--name", &name, "--network", &network, "--read-only"];
        create.extend(["--user", "1234:2345"]);
        create.extend(labels.iter().flat_map(|label| ["--label", label]));
        let mut mounts = Vec::new();
        for volume in &spec.volumes {
            let volume_name = format!("{name}-{}", volume.role);
            let mut make = vec!["volume", "create", &volume_name];
            let keep = format!("brokerd.keep={}", volume.keep);
            make.extend(labels[..3].iter().flat_map(|label| ["--label", label]));
            make.extend(["--label", &keep]);
            docker(&make).expect("a volume");
            mounts.push(format!("{volume_name}:{}", volume.mount));
        }
        create.extend(mounts.iter().flat_map(|mount| ["-v", mount]));
        create.push(IMAGE);
        create.extend(spec.command.iter().map(String::as_str));
        docker(&create).expect("created");
    }

    async fn read(&self, name: &InstanceName, path: &str) -> Option<String> {
        docker(&["exec", &name.to_string(), "cat", path]).ok()
    }

    async fn write(&self, name: &InstanceName, path: &str, content: &str) {
        let write = format!("printf %s '{content}' > {path}");
        docker(&["exec", &name.to_string(), "/bin/sh", "-c", &write]).expect("written");
    }

    async fn finds(&self, name: &InstanceName, hostname: &str) -> bool {
        docker(&["exec", &name.to_string(), "getent", "hosts", hostname]).is_ok()
    }

    async fn answers(&self, address: SocketAddr) -> bool {
        let ask = async {
            let mut stream = TcpStream::connect(address).await.ok()?;
            let mut said = [0; 2];
            stream.read_exact(&mut said).await.ok()?;
            (said == *b"up").then_some(())
        };
        matches!(tokio::time::timeout(Duration::from_secs(5), ask).await, Ok(Some(())))
    }

    async fn belongings(&self) -> [usize; 3] {
        [&["ps", "-aq"] as &[&str], &["volume", "ls", "-q"], &["network", "ls", "-q"]]
            .map(|list| self.count(list))
    }

    async fn lose_the_engine(&self, lost: bool) {
        let done = if lost {
            std::fs::remove_file(&self.socket)
        } else {
            std::os::unix::fs::symlink(SOCKET, &self.socket)
        };
        done.expect("the link is changed");
    }
}
