//! Which cluster, and how it is used.

use std::{fmt, path::PathBuf, sync::Arc};

use brokerd_domain::{Cidr, InstallationId};

use crate::runtime::outgoing::{Outgoing, OutgoingLimits, Unlimited};

/// When nodes fetch images.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PullPolicy {
    /// At every start.
    Always,
    /// When the node has none of that name.
    IfNotPresent,
    /// Never: somebody puts them on the nodes.
    Never,
}

impl fmt::Display for PullPolicy {
    /// As Kubernetes calls it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Always => "Always",
            Self::IfNotPresent => "IfNotPresent",
            Self::Never => "Never",
        })
    }
}

/// Which cluster, and what it is told.
#[derive(Debug, Clone)]
pub struct KubernetesOptions {
    /// The installation, whose objects alone are seen.
    pub installation: InstallationId,
    /// Where its objects are.
    pub namespace: String,
    /// How to reach the cluster; none: as the service account of this process's pod, or as `kubectl` does.
    pub kubeconfig: Option<PathBuf>,
    /// The storage class of volumes that one instance has; none: the cluster's default.
    pub instance_class: Option<String>,
    /// The storage class of volumes that instances share, which several nodes mount at once; none: there are no
    /// such volumes.
    pub shared_class: Option<String>,
    /// When nodes fetch images.
    pub pull_policy: PullPolicy,
    /// Secrets in the namespace with which nodes log in to registries.
    pub pull_secrets: Vec<String>,
    /// The domain of the cluster's names.
    pub cluster_domain: String,
    /// From where engines may be reached, beside brokerd's own pods.
    pub clients: Vec<Cidr>,
    /// What engines may connect to; none: brokerd leaves that to others.
    pub outgoing: Option<Outgoing>,
    /// Which brokers' engines may connect to less.
    pub limits: Arc<dyn OutgoingLimits>,
}

impl KubernetesOptions {
    /// The options that suit most clusters.
    pub fn new(installation: InstallationId) -> Self {
        Self {
            namespace: format!("brokerd-{installation}"),
            installation,
            kubeconfig: None,
            instance_class: None,
            shared_class: None,
            pull_policy: PullPolicy::IfNotPresent,
            pull_secrets: Vec::new(),
            cluster_domain: "cluster.local".to_owned(),
            clients: Vec::new(),
            outgoing: None,
            limits: Arc::new(Unlimited),
        }
    }
}
