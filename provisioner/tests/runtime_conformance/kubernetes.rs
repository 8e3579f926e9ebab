//! A Kubernetes cluster under test. What is done behind the runtime's back is done by `kubectl`.
//!
//! `BROKERD_TEST_KUBECONFIG` names the cluster, with all rights. Its nodes have the image of the suite, this machine
//! reaches its pods, and the storage class [`SHARED_CLASS`] has volumes that several pods mount. `BROKERD_TEST_ACCOUNT`
//! is the kubeconfig file of an account with brokerd's rights in [`GRANTED_IN`] and no others, which the runtime is
//! tried with; without it, it has all rights. `BROKERD_TEST_KUBECTL` is the client, if it is not on the path.

use std::{
    collections::BTreeSet,
    net::{SocketAddr, UdpSocket},
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
    time::{Duration, Instant},
};

use async_trait::async_trait;
use brokerd_domain::{
    BrokerId, Cidr, Clock, InstallationId, Timestamp,
    instance::{InstanceName, InstanceSpec, host_name},
};
use brokerd_provisioner::runtime::{
    Runtime,
    kubernetes::{KubernetesOptions, KubernetesRuntime, PullPolicy},
};
use rand::random;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, copy_bidirectional},
    net::{TcpListener, TcpStream},
    sync::watch,
};
use uuid::Uuid;

use crate::{
    engine::SystemClock,
    scripts::{SERVES, STUBBORN},
    specs::spec,
    subject::{Does, Subject},
};

const SHARED_CLASS: &str = "brokerd-efs";
/// How long names may take to be known.
const NAMED: Duration = Duration::from_secs(60);
/// The namespace in which the account has its rights, and what they are called.
const GRANTED_IN: &str = "brokerd-default";
const GRANT: &str = "brokerd-provisioner";

/// A cluster, and the way to it that can be cut.
#[derive(Clone)]
struct Cluster {
    /// How `kubectl` reaches it.
    direct: PathBuf,
    /// How the runtime does.
    cut: PathBuf,
    /// Whether the runtime has an account of its own.
    has_account: bool,
    /// This machine's address, as the cluster sees it.
    own: Cidr,
    lost: Arc<watch::Sender<bool>>,
}

/// An installation of its own, which is taken down when it goes out of scope.
pub(crate) struct KubernetesSubject {
    runtime: KubernetesRuntime,
    cluster: Cluster,
    installation: InstallationId,
    broker: BrokerId,
    is_first: bool,
}

fn setting(name: &str) -> Option<String> {
    std::env::var_os(name)?.into_string().ok().filter(|value| !value.is_empty())
}

impl Cluster {
    /// The cluster that the environment names, behind a relay on this machine.
    async fn find() -> Option<Self> {
        let Some(direct) = setting("BROKERD_TEST_KUBECONFIG").map(PathBuf::from) else {
            eprintln!("SKIPPED: BROKERD_TEST_KUBECONFIG names no Kubernetes cluster");
            return None;
        };
        let account = setting("BROKERD_TEST_ACCOUNT").map(PathBuf::from);
        let used = account.as_ref().unwrap_or(&direct);
        // Whatever its form was, with the server on a line of its own.
        let text = kubectl(used, &["config", "view", "--raw", "--flatten"]).expect("a kubeconfig");
        let line = text.lines().find(|line| line.trim_start().starts_with("server: https://"));
        let line = line.expect("a server");
        let (indent, server) = line.split_once("server: https://").expect("a server");
        let server = server.trim();
        let host = server.rsplit_once(':').map_or(server, |(host, _)| host);
        let address: SocketAddr = server.parse().expect("an address and a port");

        let relay = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = relay.local_addr().expect("an address").port();
        let (lost, told) = watch::channel(false);
        tokio::spawn(pass_on(relay, address, told));
        let indent = indent.replace('-', " ");
        let here = format!("server: https://127.0.0.1:{port}\n{indent}tls-server-name: {host}");
        let cut =
            std::env::temp_dir().join(format!("brokerd-t-{:08x}.kubeconfig", random::<u32>()));
        std::fs::write(&cut, text.replacen(&format!("server: https://{server}"), &here, 1))
            .expect("written");
        let socket = UdpSocket::bind("0.0.0.0:0").expect("a socket");
        socket.connect(address).expect("a route");
        let own = Cidr::from(socket.local_addr().expect("an address").ip());
        Some(Self { direct, cut, has_account: account.is_some(), own, lost: Arc::new(lost) })
    }

    async fn connect(&self, installation: &InstallationId) -> KubernetesRuntime {
        let options = KubernetesOptions {
            kubeconfig: Some(self.cut.clone()),
            pull_policy: PullPolicy::Never,
            shared_class: Some(SHARED_CLASS.to_owned()),
            clients: vec![self.own],
            ..KubernetesOptions::new(installation.clone())
        };
        let connected = KubernetesRuntime::connect(options, Arc::new(SystemClock)).await;
        connected.expect("the cluster answers")
    }

    fn kubectl(&self, arguments: &[&str]) -> Result<String, String> {
        kubectl(&self.direct, arguments)
    }

    /// Makes a namespace in which the account has the rights that it has in its own.
    fn grant(&self, namespace: &str) {
        self.kubectl(&["create", "namespace", namespace]).expect("a namespace");
        let enforce = "pod-security.kubernetes.io/enforce=restricted";
        self.kubectl(&["label", "namespace", namespace, enforce]).expect("labelled");
        for kind in ["role", "rolebinding"] {
            let get = ["get", kind, GRANT, "--namespace", GRANTED_IN, "--output", "json"];
            let granted = self.kubectl(&get).expect("a grant");
            let mut granted: Value = serde_json::from_str(&granted).expect("JSON");
            granted["metadata"] = json!({ "name": GRANT, "namespace": namespace });
            let file = std::env::temp_dir().join(format!("{namespace}-{kind}.json"));
            std::fs::write(&file, granted.to_string()).expect("written");
            let path = file.display().to_string();
            self.kubectl(&["create", "--filename", &path]).expect("granted");
            let _ = std::fs::remove_file(&file);
        }
    }
}

/// Passes connections on, until the way is lost: then those that there are end, and new ones do at once.
async fn pass_on(relay: TcpListener, server: SocketAddr, lost: watch::Receiver<bool>) {
    while let Ok((mut client, _)) = relay.accept().await {
        let mut lost = lost.clone();
        if *lost.borrow() {
            continue;
        }
        tokio::spawn(async move {
            let Ok(mut server) = TcpStream::connect(server).await else { return };
            tokio::select! {
                _ = copy_bidirectional(&mut client, &mut server) => {}
                _ = lost.wait_for(|lost| *lost) => {}
            }
        });
    }
}

fn kubectl(kubeconfig: &Path, arguments: &[&str]) -> Result<String, String> {
    let program = setting("BROKERD_TEST_KUBECTL").unwrap_or_else(|| "kubectl".to_owned());
    let mut command = Command::new(program);
    command.env("KUBECONFIG", kubeconfig).args(arguments);
    let output = command.output().map_err(|error| format!("no kubectl: {error}"))?;
    if output.status.success() {
        Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    } else {
        Err(String::from_utf8_lossy(&output.stderr).trim().to_owned())
    }
}

impl Drop for KubernetesSubject {
    fn drop(&mut self) {
        let namespace = self.namespace();
        let delete = ["delete", "namespace", &namespace, "--wait=false", "--ignore-not-found"];
        let _ = self.cluster.kubectl(&delete);
        if self.is_first {
            let _ = std::fs::remove_file(&self.cluster.cut);
        }
    }
}

impl KubernetesSubject {
    /// A new installation; nothing, if there is no cluster to try it on.
    pub(crate) async fn new() -> Option<Self> {
        let cluster = Cluster::find().await?;
        Some(Self::of(cluster, BrokerId::from(Uuid::from_u128(random())), true).await)
    }

    async fn of(cluster: Cluster, broker: BrokerId, is_first: bool) -> Self {
        let installation: InstallationId =
            format!("t-{:08x}", random::<u32>()).parse().expect("installation");
        if cluster.has_account {
            cluster.grant(&format!("brokerd-{installation}"));
        }
        let runtime = cluster.connect(&installation).await;
        Self { runtime, cluster, installation, broker, is_first }
    }

    fn namespace(&self) -> String {
        format!("brokerd-{}", self.installation)
    }

    fn kubectl(&self, arguments: &[&str]) -> Result<String, String> {
        let namespace = self.namespace();
        self.cluster.kubectl(&[&["--namespace", &namespace], arguments].concat())
    }

    fn inside(&self, name: &InstanceName, command: &[&str]) -> Result<String, String> {
        let pod = host_name(name.broker, name.ordinal);
        self.kubectl(&[&["exec", &pod, "--container", "engine", "--"], command].concat())
    }

    /// The objects of a kind that the installation has.
    fn objects(&self, kind: &str) -> Vec<Value> {
        let selector = format!("brokerd.installation={}", self.installation);
        let listed = self.kubectl(&["get", kind, "--selector", &selector, "--output", "json"]);
        let listed: Value = serde_json::from_str(&listed.expect("listed")).expect("JSON");
        listed["items"].as_array().expect("items").clone()
    }
}

#[async_trait]
impl Subject for KubernetesSubject {
    fn runtime(&self) -> &dyn Runtime {
        &self.runtime
    }

    async fn another_control_plane(&self) -> Box<dyn Runtime> {
        Box::new(self.cluster.connect(&self.installation).await)
    }

    async fn neighbour(&self) -> Box<dyn Subject> {
        Box::new(Self::of(self.cluster.clone(), self.broker, false).await)
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

    fn precision(&self) -> Duration {
        Duration::from_secs(1)
    }

    fn lives_begin_anew(&self) -> bool {
        true
    }

    async fn pass(&self) {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }

    async fn until_up(&self, name: &InstanceName) {
        let (begun, pod) = (Instant::now(), host_name(name.broker, name.ordinal));
        while !self.kubectl(&["logs", &pod]).unwrap_or_default().contains("up") {
            assert!(begun.elapsed() < Duration::from_secs(60), "never up");
            self.pass().await;
        }
    }

    async fn kill(&self, name: &InstanceName) {
        // The way to it ends with it.
        let _ = self.inside(name, &["/bin/sh", "-c", "kill -KILL -1"]);
    }

    async fn leave_unstarted(&self, spec: &InstanceSpec) {
        self.runtime.apply(spec).await.expect("applied");
        // What is left when a worker dies before it makes the pod.
        let pod = host_name(spec.name.broker, spec.name.ordinal);
        self.kubectl(&["delete", "pod", &pod, "--grace-period=1"]).expect("deleted");
    }

    async fn read(&self, name: &InstanceName, path: &str) -> Option<String> {
        self.inside(name, &["cat", path]).ok()
    }

    async fn write(&self, name: &InstanceName, path: &str, content: &str) {
        let write = format!("printf %s '{content}' > {path}");
        self.inside(name, &["/bin/sh", "-c", &write]).expect("written");
    }

    async fn finds(&self, name: &InstanceName, hostname: &str) -> bool {
        // The cluster's DNS learns of pods, and policies let them ask it, a moment after they run. A question that was
        // lost meanwhile would be waited for longer than anything else here.
        let begun = Instant::now();
        let ask = ["env", "RES_OPTIONS=timeout:1 attempts:1", "getent", "hosts", hostname];
        while let Err(error) = self.inside(name, &ask) {
            if begun.elapsed() >= NAMED {
                eprintln!("{hostname} is not known in {name:?}: {error}");
                return false;
            }
            self.pass().await;
        }
        true
    }

    async fn answers(&self, address: SocketAddr) -> bool {
        let ask = async {
            let mut stream = TcpStream::connect(address).await.ok()?;
            let mut said = [0; 2];
            stream.read_exact(&mut said).await.ok()?;
            (said == *b"up").then_some(())
        };
        matches!(tokio::time::timeout(Duration::from_secs(2), ask).await, Ok(Some(())))
    }

    async fn belongings(&self) -> [usize; 3] {
        let pods = self.objects("pods");
        let names = pods
            .iter()
            .chain(&self.objects("secrets"))
            .map(|object| object["metadata"]["name"].as_str().expect("a name").to_owned())
            .collect::<BTreeSet<_>>();
        // A volume that is not kept is the pod's own; one in memory is no volume.
        let volumes = pods.iter().filter_map(|pod| pod["spec"]["volumes"].as_array()).flatten();
        let own = volumes.filter(|volume| {
            volume.get("emptyDir").is_some_and(|volume| volume["medium"] != "Memory")
        });
        let volumes = own.count() + self.objects("persistentvolumeclaims").len();
        [names.len(), volumes, self.objects("services").len()]
    }

    async fn lose_the_engine(&self, lost: bool) {
        self.cluster.lost.send_replace(lost);
    }
}
