//! What runs instances, and how.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::{
    outgoing::Range,
    sections::{InvalidSetting, in_range},
};

/// Whether the container that brokerd runs in, if it runs in one, joins the networks of brokers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum JoinNetworks {
    /// Engines are reached in their networks and publish no ports. A brokerd in a container of the same
    /// container engine joins these networks, and so do its gateways.
    Auto,
    /// Engines publish ports on the loopback of the host, and are reached there.
    Never,
}

/// Whether brokerd has the engine's host restrict what engines connect to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Firewall {
    /// brokerd installs rules on the host of the container engine, where it can, or network policies on Kubernetes.
    Auto,
    /// The operator restricts what engines connect to.
    Never,
}

/// What runs instances.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum RuntimeKind {
    /// A container engine that speaks Docker's API.
    Docker,
    /// A Kubernetes cluster, see [Kubernetes](kubernetes.md).
    Kubernetes,
}

/// When the nodes of a Kubernetes cluster fetch images, as Kubernetes calls it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum ImagePullPolicy {
    /// A node asks the registry at every start.
    Always,
    /// A node fetches an image that it does not have.
    IfNotPresent,
    /// The operator puts images on the nodes.
    Never,
}

/// How instances are run on Kubernetes.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Kubernetes {
    /// The namespace of this installation's pods and volumes. Without it: `brokerd-<installation>`. brokerd makes the
    /// namespace where it may.
    pub(crate) namespace: Option<String>,
    /// The kubeconfig file with which brokerd reaches the cluster. Without it: the service account of the pod that
    /// brokerd runs in, or else the file that `kubectl` uses.
    pub(crate) kubeconfig: Option<PathBuf>,
    /// The storage class of the volumes of brokers whose storage is EBS. Without it: the cluster's default class.
    pub(crate) storage_class_ebs: Option<String>,
    /// The storage class of the volumes that both instances of an ActiveMQ pair mount, and whose access mode is
    /// ReadWriteMany. Without it no pair is created.
    pub(crate) storage_class_efs: Option<String>,
    /// When nodes fetch images.
    pub(crate) image_pull_policy: ImagePullPolicy,
    /// Secrets in the namespace with which nodes log in to registries.
    pub(crate) image_pull_secrets: Vec<String>,
    /// The domain of the cluster's names.
    pub(crate) cluster_domain: String,
    /// Ranges from which engines may be reached, beside brokerd's own pods: those of gateways outside the cluster. A
    /// brokerd outside the cluster adds its own address.
    pub(crate) clients: Vec<Range>,
}

impl Default for Kubernetes {
    fn default() -> Self {
        Self {
            namespace: None,
            kubeconfig: None,
            storage_class_ebs: None,
            storage_class_efs: None,
            image_pull_policy: ImagePullPolicy::IfNotPresent,
            image_pull_secrets: Vec::new(),
            cluster_domain: "cluster.local".to_owned(),
            clients: Vec::new(),
        }
    }
}

impl Kubernetes {
    fn validate(&self) -> Result<(), InvalidSetting> {
        // Source: RFC 1123, to which Kubernetes refers for names.
        let is_label = |name: &str| {
            let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
            (1..=63).contains(&name.len())
                && name.chars().all(allowed)
                && !name.starts_with('-')
                && !name.ends_with('-')
        };
        let is_name = |name: &str| name.len() <= 253 && name.split('.').all(is_label);
        if let Some(name) = self.namespace.as_deref().filter(|name| !is_label(name)) {
            let why = format!("{name:?} is not a valid namespace name");
            return Err(("runtime.kubernetes.namespace", why));
        }
        for (key, class) in [
            ("runtime.kubernetes.storage_class_ebs", &self.storage_class_ebs),
            ("runtime.kubernetes.storage_class_efs", &self.storage_class_efs),
        ] {
            if let Some(class) = class.as_deref().filter(|class| !is_name(class)) {
                return Err((key, format!("{class:?} is not a valid storage class name")));
            }
        }
        if let Some(secret) = self.image_pull_secrets.iter().find(|secret| !is_name(secret)) {
            let why = format!("{secret:?} is not a valid secret name");
            return Err(("runtime.kubernetes.image_pull_secrets", why));
        }
        if !is_name(&self.cluster_domain) {
            let why = format!("{:?} is not a domain in lower case", self.cluster_domain);
            return Err(("runtime.kubernetes.cluster_domain", why));
        }
        Ok(())
    }
}

/// How instances are run.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Runtime {
    /// What runs instances. All processes of an installation need the same value.
    pub(crate) kind: RuntimeKind,
    /// How many files an engine may have open, from 1024 to 1048576; for containers that are made from then on. On
    /// Kubernetes the nodes decide.
    pub(crate) nofile: u32,
    /// How brokerd reaches engines.
    pub(crate) join_networks: JoinNetworks,
    /// Whether brokers that are created from then on have disks of their tier's size, see [Disks](storage.md).
    /// Other brokers keep what they have. All API and provisioner processes need the same value. On Kubernetes they
    /// always have.
    pub(crate) sized_volumes: bool,
    /// Whether brokerd restricts what engines connect to, see [Outgoing
    /// connections](security.md#outgoing-connections).
    pub(crate) firewall: Firewall,
    pub(crate) kubernetes: Kubernetes,
}

impl Default for Runtime {
    fn default() -> Self {
        Self {
            kind: RuntimeKind::Docker,
            nofile: 20_000,
            join_networks: JoinNetworks::Auto,
            sized_volumes: false,
            firewall: Firewall::Auto,
            kubernetes: Kubernetes::default(),
        }
    }
}

impl Runtime {
    pub(crate) fn validate(&self) -> Result<(), InvalidSetting> {
        in_range("runtime.nofile", self.nofile, 1024..=1_048_576)?;
        self.kubernetes.validate()
    }

    /// Whether brokers that are created from now on have disks of their tier's size. Volumes of Kubernetes always
    /// have a size.
    pub(crate) fn has_sized_volumes(&self) -> bool {
        self.sized_volumes || self.kind == RuntimeKind::Kubernetes
    }

    /// Whether those disks can be filled on purpose.
    pub(crate) fn has_fillable_volumes(&self) -> bool {
        self.sized_volumes && self.kind == RuntimeKind::Docker
    }
}
