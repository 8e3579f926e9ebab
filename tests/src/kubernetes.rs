//! A Kubernetes cluster of three nodes, in zones a, b and c, that `scripts/kubernetes.sh` has made, and worlds whose brokerd
//! runs engines there. brokerd itself is a process of this machine, with the account that its chart gives it.
//!
//! `BROKERD_TEST_KUBECONFIG` names the cluster, with all rights; `BROKERD_TEST_ACCOUNT` that account, and
//! `BROKERD_TEST_KUBECTL` the client.

use std::{path::PathBuf, process::Command, time::Duration};

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use crate::{
    World, clients, eventually,
    machine::{self, run},
    world::scenario,
};

/// The namespace in which the account has its rights.
const NAMESPACE: &str = "brokerd-default";

/// All kinds of objects that brokerd makes.
const KINDS: &str =
    "pods,secrets,persistentvolumeclaims,services,networkpolicies,poddisruptionbudgets";

/// How long anything may take there: a lost node is missed only after it was silent for a while, and all engines boot on one
/// machine.
pub const TIMEOUT: Duration = Duration::from_secs(180);

/// How many lines of each answer say enough about a failure.
const MAX_LINES: usize = 120;

/// The cluster.
#[derive(Debug, Clone)]
pub struct Cluster {
    admin: PathBuf,
    account: PathBuf,
    kubectl: PathBuf,
}

/// Plays a scenario in a world whose engines run on the cluster. Afterwards its brokers are deleted through the API,
/// and whatever brokerd leaves behind then is a failure. Without a cluster it is skipped.
///
/// # Errors
/// What the scenario returned; or what was left behind.
pub fn scenario_on_kubernetes(
    name: &str,
    settings: &[(&str, &str)],
    play: impl FnOnce(&mut World, &Cluster) -> Result<()>,
) -> Result<()> {
    let Some(cluster) = Cluster::find(name)? else { return Ok(()) };
    let account = cluster.account.display().to_string();
    let on_kubernetes = [
        ("BROKERD_RUNTIME_KIND", "kubernetes"),
        ("BROKERD_RUNTIME_KUBERNETES_KUBECONFIG", account.as_str()),
        ("BROKERD_RUNTIME_KUBERNETES_NAMESPACE", NAMESPACE),
        ("BROKERD_RUNTIME_KUBERNETES_STORAGE_CLASS_EFS", "brokerd-efs"),
        ("BROKERD_RUNTIME_KUBERNETES_IMAGE_PULL_POLICY", "Never"),
    ];
    let mut installation = None;
    let played = scenario(name, &[&on_kubernetes, settings].concat(), |world| {
        installation = Some(world.installation.clone());
        play(world, &cluster).inspect_err(|_| cluster.explain(&world.installation))
    });
    let Some(installation) = installation else { return played };
    let left = cluster.objects(&installation);
    let removed = cluster.remove_all(&installation);
    played?;
    let left = left?;
    ensure!(left.is_empty(), "all brokers are deleted, but this is left: {left:?}");
    removed
}

impl Cluster {
    /// The cluster; none: there is none, or there are no clients, which is told.
    ///
    /// # Errors
    /// When one of them is missing on a build machine, or the cluster is not described as a whole.
    pub fn find(what: &str) -> Result<Option<Self>> {
        // Clients are told to be missing by themselves.
        if clients::python()?.is_none() {
            return Ok(None);
        }
        let of = |name: &str| machine::variable(name).map(PathBuf::from);
        let Some(admin) = of("BROKERD_TEST_KUBECONFIG") else {
            let why = "BROKERD_TEST_KUBECONFIG names no cluster: run scripts/kubernetes.sh test";
            machine::skip(what, why)?;
            return Ok(None);
        };
        let account = of("BROKERD_TEST_ACCOUNT").context("BROKERD_TEST_ACCOUNT is not set")?;
        let kubectl = of("BROKERD_TEST_KUBECTL").unwrap_or_else(|| "kubectl".into());
        Ok(Some(Self { admin, account, kubectl }))
    }

    /// Runs kubectl with all rights.
    ///
    /// # Errors
    /// When it fails: what it says.
    pub fn kubectl(&self, arguments: &[&str]) -> Result<String> {
        self.kubectl_in(NAMESPACE, arguments)
    }

    /// The same in another namespace.
    ///
    /// # Errors
    /// When it fails: what it says.
    pub fn kubectl_in(&self, namespace: &str, arguments: &[&str]) -> Result<String> {
        let mut command = Command::new(&self.kubectl);
        run(command.env("KUBECONFIG", &self.admin).args(["--namespace", namespace]).args(arguments))
    }

    /// Switches the node of a zone off.
    ///
    /// # Errors
    /// When it does not run.
    pub fn kill_node(&self, zone: &str) -> Result<LostNode> {
        script(&["kill-node", zone])?;
        Ok(LostNode { zone: zone.to_owned(), back: Some("start-node") })
    }

    /// Stops the kubelet of a zone's node, as if it hung. Everything else goes on running.
    ///
    /// # Errors
    /// When it does not run.
    pub fn freeze_kubelet(&self, zone: &str) -> Result<LostNode> {
        script(&["freeze-kubelet", zone])?;
        Ok(LostNode { zone: zone.to_owned(), back: Some("thaw-kubelet") })
    }

    /// Has the node of a zone evict its pods, and take no new ones.
    ///
    /// # Errors
    /// When an eviction is refused.
    pub fn drain(&self, zone: &str) -> Result<LostNode> {
        let node = LostNode { zone: zone.to_owned(), back: Some("uncordon-node") };
        script(&["drain-node", zone])?;
        Ok(node)
    }

    /// Waits until Kubernetes misses the node of a zone.
    ///
    /// # Errors
    /// When it does not in time.
    pub fn until_silent(&self, zone: &str) -> Result<()> {
        let node = format!("node-{zone}");
        let ready = "jsonpath={.status.conditions[?(@.type==\"Ready\")].status}";
        eventually(&format!("{node} is missed"), TIMEOUT, || {
            let said = self.kubectl(&["get", "node", &node, "--output", ready])?;
            Ok((said.trim() == "Unknown").then_some(()))
        })
    }

    /// Cuts the network of a zone's node, on which everything goes on running.
    ///
    /// # Errors
    /// When it does not run.
    pub fn cut_node(&self, zone: &str) -> Result<LostNode> {
        script(&["cut-node", zone])?;
        Ok(LostNode { zone: zone.to_owned(), back: Some("heal-node") })
    }

    /// The pod of an instance; none: there is none now.
    ///
    /// # Errors
    /// When the cluster does not answer.
    pub fn pod(&self, broker: &str, ordinal: u8) -> Result<Option<Pod>> {
        let name = format!("{broker}-{ordinal}");
        let found =
            self.kubectl(&["get", "pod", &name, "--ignore-not-found", "--output", "json"])?;
        if found.trim().is_empty() {
            return Ok(None);
        }
        Ok(Some(Pod { name, object: serde_json::from_str(&found)? }))
    }

    /// The running pod of an instance, which is waited for.
    ///
    /// # Errors
    /// When there is none in time.
    pub fn running(&self, broker: &str, ordinal: u8) -> Result<Pod> {
        let what = format!("instance {ordinal} of {broker} runs");
        eventually(&what, TIMEOUT, || Ok(self.pod(broker, ordinal)?.filter(Pod::runs)))
    }

    /// Ends all processes of a pod's engine at once.
    ///
    /// # Errors
    /// When there is no such pod.
    pub fn kill9(&self, pod: &Pod) -> Result<()> {
        let kill = ["/bin/sh", "-c", "kill -KILL -1"];
        let exec = [&["exec", &pod.name, "--container", "engine", "--"], &kill[..]].concat();
        // The way to it ends with it.
        let said = self.kubectl(&exec);
        match said {
            Err(error) if format!("{error:#}").contains("NotFound") => bail!(error),
            _ => Ok(()),
        }
    }

    /// What an installation has on the cluster, each as `kind/name`.
    ///
    /// # Errors
    /// When the cluster does not answer.
    pub fn objects(&self, installation: &str) -> Result<Vec<String>> {
        self.objects_in(NAMESPACE, installation)
    }

    /// The same in another namespace.
    ///
    /// # Errors
    /// When the cluster does not answer.
    pub fn objects_in(&self, namespace: &str, installation: &str) -> Result<Vec<String>> {
        let selector = format!("brokerd.installation={installation}");
        let get = ["get", KINDS, "--selector", &selector, "--output", "name"];
        let found = self.kubectl_in(namespace, &get)?;
        Ok(found.lines().map(str::to_owned).collect())
    }

    fn remove_all(&self, installation: &str) -> Result<()> {
        let selector = format!("brokerd.installation={installation}");
        self.kubectl(&["delete", KINDS, "--selector", &selector, "--wait=false"]).map(drop)
    }

    /// Prints what helps to understand a failure.
    fn explain(&self, installation: &str) {
        let selector = format!("brokerd.installation={installation}");
        let of_installation = ["--selector", selector.as_str()];
        let logs = ["logs", "--container", "engine", "--prefix", "--tail", "40"];
        for what in [
            &["get", "pods", "--output", "wide", of_installation[0], of_installation[1]][..],
            &["get", "events", "--sort-by", ".lastTimestamp"],
            &[&logs, &of_installation[..]].concat(),
        ] {
            let told = self.kubectl(what).unwrap_or_else(|error| format!("{error:#}"));
            let lines: Vec<_> = told.lines().collect();
            machine::say(&lines[lines.len().saturating_sub(MAX_LINES)..].join("\n"));
        }
    }
}

/// Runs a command of `scripts/kubernetes.sh`.
///
/// # Errors
/// When it fails: what it says.
pub fn script(arguments: &[&str]) -> Result<()> {
    let script = machine::repository().join("scripts/kubernetes.sh");
    run(Command::new(script).args(arguments)).map(drop)
}

/// A node that is off, unreachable, drained or does not answer. It comes back when this goes out of scope.
#[derive(Debug)]
pub struct LostNode {
    zone: String,
    back: Option<&'static str>,
}

impl LostNode {
    /// Switches it off as well, if only its network was cut.
    ///
    /// # Errors
    /// When it does not run.
    pub fn kill(&mut self) -> Result<()> {
        self.back = Some("start-node");
        script(&["kill-node", &self.zone])
    }

    /// Tells Kubernetes that it is off for certain.
    ///
    /// # Errors
    /// When it runs.
    pub fn fence(&self) -> Result<()> {
        script(&["fence-node", &self.zone])
    }

    /// Brings it back, and waits until it is ready.
    ///
    /// # Errors
    /// When it does not become ready.
    pub fn bring_back(mut self) -> Result<()> {
        self.back.take().map_or(Ok(()), |back| script(&[back, &self.zone]))
    }
}

impl Drop for LostNode {
    fn drop(&mut self) {
        if let Some(back) = self.back.take()
            && let Err(error) = script(&[back, &self.zone])
        {
            machine::say(&format!("the node of zone {} did not come back: {error:#}", self.zone));
        }
    }
}

/// A pod.
#[derive(Debug, Clone)]
pub struct Pod {
    /// Its name.
    pub name: String,
    object: Value,
}

impl Pod {
    /// What it is, as long as it is: another pod of the same name has another one.
    pub fn uid(&self) -> &str {
        self.object["metadata"]["uid"].as_str().unwrap_or_default()
    }

    /// The zone of its node: a, b or c; empty, if it has none yet.
    pub fn zone(&self) -> &str {
        let node = self.object["spec"]["nodeName"].as_str().unwrap_or_default();
        node.strip_prefix("node-").unwrap_or_default()
    }

    /// Whether its engine runs, and nobody ends it.
    pub fn runs(&self) -> bool {
        let is_ending = self.object["metadata"]["deletionTimestamp"].is_string();
        let states = self.object["status"]["containerStatuses"].as_array();
        let engine = states.and_then(|all| all.iter().find(|one| one["name"] == "engine"));
        !is_ending && engine.is_some_and(|engine| engine["state"]["running"].is_object())
    }
}
