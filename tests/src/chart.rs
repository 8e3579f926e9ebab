//! A brokerd in the Kubernetes cluster of tests, installed by its chart as its users do it.

use std::{fs, path::PathBuf, process::Command, sync::Arc};

use anyhow::{Context, Result, ensure};
use tokio::runtime::Runtime;

use crate::{
    Api, compose, eventually, http,
    kubernetes::{Cluster, TIMEOUT},
    machine::{self, run},
    world::{REGION, SCALE},
};

/// The name of the release, and of all that belongs to it.
const RELEASE: &str = "brokerd";

/// The parts that run in several replicas.
const PARTS: [&str; 3] = ["api", "provisioner", "gateway"];

/// A release.
#[derive(Debug)]
pub struct Release {
    /// The API, as the owner of the access key that the first start made.
    pub api: Api,
    /// The certificate that clients have to trust.
    pub ca: PathBuf,
    cluster: Cluster,
    /// The namespace of brokerd itself, and the name of the installation.
    namespace: String,
    values: Vec<String>,
    directory: PathBuf,
}

impl Release {
    /// Installs the brokerd to test, two replicas of each part, and a PostgreSQL. Endpoints are at the address that the
    /// gateways' Service has in the cluster, which this machine has a route to.
    ///
    /// # Errors
    /// When something of it does not become ready.
    pub fn install(cluster: &Cluster) -> Result<Self> {
        let namespace = format!("release-{}", machine::random_hex(3)?);
        let directory = std::env::temp_dir().join(format!("brokerd-{namespace}"));
        fs::create_dir(&directory)?;
        let image = compose::build_image()?;
        let (_, tag) = image.rsplit_once(':').context("an image without a tag")?;
        crate::kubernetes::script(&["images", image, "brokerd/postgres:17"])?;
        let values = [
            format!("installation={namespace}"),
            format!("image.tag={tag}"),
            "postgres.enabled=true".to_owned(),
            "engines.storageClasses.efs=brokerd-efs".to_owned(),
            format!("settings.sizing\\.scale={SCALE}"),
            "settings.sizing\\.memory_share=4".to_owned(),
        ];
        let runtime = Arc::new(tokio::runtime::Builder::new_multi_thread().enable_all().build()?);
        let nobody = Api::nobody(&runtime, "127.0.0.1:1");
        let mut release = Self {
            api: nobody,
            ca: directory.join("ca.pem"),
            cluster: cluster.clone(),
            namespace,
            values: values.into(),
            directory,
        };
        release.upgrade(&[])?;
        let host = release.address("gateway")?;
        release.values.push(format!("endpoints.host={host}"));
        release.upgrade(&[])?;
        release.find_api(&runtime)?;
        Ok(release)
    }

    /// Installs it, or upgrades it with more values, and waits until all that is replaced has been.
    ///
    /// # Errors
    /// When something of it does not become ready.
    pub fn upgrade(&self, more: &[&str]) -> Result<()> {
        let values = self.values.iter().map(String::as_str).chain(more.iter().copied());
        let values: Vec<_> = values.flat_map(|value| ["--set-string", value]).collect();
        let chart = machine::repository().join("kubernetes/chart").display().to_string();
        let upgrade = ["helm", "upgrade", RELEASE, &chart, "--install", "--create-namespace"];
        let namespace = ["--namespace", self.namespace.as_str()];
        crate::kubernetes::script(&[&upgrade[..], &namespace, &values].concat())?;
        for part in PARTS {
            let deployment = format!("deployment/{RELEASE}-{part}");
            self.kubectl(&["rollout", "status", &deployment, "--timeout=180s"])?;
        }
        Ok(())
    }

    /// The names of a part's pods.
    ///
    /// # Errors
    /// When the cluster does not answer.
    pub fn pods(&self, part: &str) -> Result<Vec<String>> {
        let selector = format!("app.kubernetes.io/component={part}");
        let found = self.kubectl(&["get", "pods", "--selector", &selector, "--output", "name"])?;
        Ok(found.lines().map(str::to_owned).collect())
    }

    /// Ends a pod of a part at once, and waits until there are as many that are ready as before.
    ///
    /// # Errors
    /// When there is none, or it is not replaced.
    pub fn kill_one(&self, part: &str) -> Result<()> {
        let pods = self.pods(part)?;
        let pod = pods.first().with_context(|| format!("no pod of {part}"))?;
        self.kubectl(&["delete", pod, "--grace-period=1", "--wait=false"])?;
        let deployment = format!("deployment/{RELEASE}-{part}");
        eventually("it is gone", TIMEOUT, || Ok((!self.pods(part)?.contains(pod)).then_some(())))?;
        self.kubectl(&["rollout", "status", &deployment, "--timeout=180s"]).map(drop)
    }

    /// What it has in the namespace of engines.
    ///
    /// # Errors
    /// When the cluster does not answer.
    pub fn objects(&self) -> Result<Vec<String>> {
        self.cluster.objects_in(&self.engines(), &self.namespace)
    }

    /// The namespace of its engines.
    pub fn engines(&self) -> String {
        format!("brokerd-{}", self.namespace)
    }

    fn kubectl(&self, arguments: &[&str]) -> Result<String> {
        self.cluster.kubectl_in(&self.namespace, arguments)
    }

    /// The address of a part's Service in the cluster.
    fn address(&self, part: &str) -> Result<String> {
        let service = format!("{RELEASE}-{part}");
        let ip = "jsonpath={.spec.clusterIP}";
        Ok(self.kubectl(&["get", "service", &service, "--output", ip])?.trim().to_owned())
    }

    fn find_api(&mut self, runtime: &Arc<Runtime>) -> Result<()> {
        let address = format!("{}:8642", self.address("api")?);
        let deployment = format!("deployment/{RELEASE}-api");
        let exports = self.kubectl(&["exec", &deployment, "--", "brokerd", "env"])?;
        let value = |name: &str| {
            let prefix = format!("export {name}='");
            let line = exports.lines().find_map(|line| line.strip_prefix(&prefix));
            line.and_then(|rest| rest.strip_suffix('\'')).context(name.to_owned())
        };
        let (key, secret) = (value("AWS_ACCESS_KEY_ID")?, value("AWS_SECRET_ACCESS_KEY")?);
        self.api = Api::new(runtime, &address, REGION, key, secret);
        let ca = http::get(&address, "/brokerd/v1/ca.pem")?;
        ensure!(ca.status == 200, "{ca:?}");
        fs::write(&self.ca, ca.body)?;
        Ok(())
    }
}

impl Drop for Release {
    fn drop(&mut self) {
        let helm = ["helm", "uninstall", RELEASE, "--ignore-not-found"];
        let namespace = ["--namespace", self.namespace.as_str()];
        let script = machine::repository().join("scripts/kubernetes.sh");
        let removed = run(Command::new(script).args(helm).args(namespace))
            .and_then(|_| {
                let namespaces = ["delete", "namespace", &self.namespace, &self.engines()];
                self.kubectl(&[&namespaces[..], &["--ignore-not-found", "--wait=false"]].concat())
            })
            .and_then(|_| Ok(fs::remove_dir_all(&self.directory)?));
        if let Err(error) = removed {
            machine::say(&format!("{} was not removed: {error:#}", self.namespace));
        }
    }
}
