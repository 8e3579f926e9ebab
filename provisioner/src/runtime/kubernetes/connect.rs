//! Kubernetes as the runtime of a provisioner.

use std::sync::Arc;

use async_trait::async_trait;
use brokerd_domain::Clock;

use crate::runtime::{
    RuntimeError,
    connect::{Connect, Connected, Upkeep},
    kubernetes::{KubernetesOptions, KubernetesRuntime},
};

/// Connects to a cluster.
pub struct ConnectKubernetes {
    options: KubernetesOptions,
    clock: Arc<dyn Clock>,
}

impl ConnectKubernetes {
    /// To the cluster that the options name.
    pub fn new(options: KubernetesOptions, clock: Arc<dyn Clock>) -> Self {
        Self { options, clock }
    }
}

#[async_trait]
impl Connect for ConnectKubernetes {
    async fn connect(&self) -> Result<Connected, RuntimeError> {
        let runtime = KubernetesRuntime::connect(self.options.clone(), self.clock.clone()).await?;
        let policies = runtime.policies();
        let upkeep: Upkeep = Arc::new(move |stop| Box::pin(policies.clone().look_after(stop)));
        Ok(Connected { runtime: Arc::new(runtime), upkeep: vec![("network-policies", upkeep)] })
    }

    fn unreachable(&self) -> &'static str {
        "no Kubernetes cluster answers: name one with runtime.kubernetes.kubeconfig or KUBECONFIG, or run brokerd in it; trying again"
    }
}
