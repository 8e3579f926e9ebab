//! Instances as pods of a Kubernetes cluster, 1.33 or later.
//!
//! An instance is a bare pod, because a pod is what the trait speaks of: it has the instance's own name and zone,
//! ends alone, and nobody but brokerd starts it again. A process that ends takes its pod with it; the next life is
//! another pod of the same name. What lasts from one life to the next is a secret with the instance's files, which
//! owns the pod, and whose uid is the instance's id. Nothing ends a pod by force: one whose node does not say that it
//! has ended may still run, and its successor would meet it on its volume.
//!
//! Kubernetes gives a pod no limit of processes or of open files; both are its nodes' affair. [`InstanceStatus`] tells
//! the former as it was given. An instance's volumes that are not kept are made anew for each of its lives.

mod apply;
mod client;
mod connect;
mod counters;
mod disturb;
mod error;
mod found;
mod inside;
mod labels;
mod life;
mod logs;
mod nodes;
mod options;
mod policies;
mod quantity;
mod removal;
mod render;
mod statistics;
mod watch;
mod writing;

use std::{
    net::IpAddr,
    sync::{Arc, atomic::AtomicU32},
    time::Duration,
};

use async_trait::async_trait;
use brokerd_domain::{
    BrokerId, Clock, Timestamp,
    instance::{
        Disturbance, InstanceName, InstanceSpec, InstanceStatus, Limits, RuntimeId, Volumes,
    },
};
use futures_util::stream::BoxStream;
use k8s_openapi::{
    NamespaceResourceScope,
    api::core::v1::{Pod, Secret},
};
use kube::{Api, Client, Resource};

pub use self::connect::ConnectKubernetes;
pub use self::options::{KubernetesOptions, PullPolicy};

use self::{counters::Told, found::Phase, policies::Policies};
use super::{
    Capacity, ContainerStatistics, Ensured, ImageInfo, LogLine, Pulled, Runtime, RuntimeError,
    RuntimeObject,
};
use crate::runtime::registry::RegistryLogin;

/// Runs instances in one namespace of a cluster.
pub struct KubernetesRuntime {
    client: Client,
    options: Arc<KubernetesOptions>,
    policies: Policies,
    /// How many processors the largest node had when it was last asked.
    cpus: AtomicU32,
    told: Told,
    clock: Arc<dyn Clock>,
}

impl KubernetesRuntime {
    /// Connects, makes the namespace be there and asks how large the nodes are.
    ///
    /// # Errors
    /// [`RuntimeError`] when nothing answers there, or something is not permitted.
    pub async fn connect(
        options: KubernetesOptions,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, RuntimeError> {
        let (client, neighbours) = client::connect(&options).await?;
        let options = Arc::new(options);
        tracing::info!(
            namespace = options.namespace,
            in_cluster = neighbours.brokerd_namespace.is_some(),
            "connected to the Kubernetes cluster"
        );
        if options.outgoing.is_none() {
            tracing::warn!(
                "runtime.firewall is \"never\": engines can reach the cluster's services and link-local addresses"
            );
        }
        let policies = Policies::new(client.clone(), Arc::clone(&options), neighbours);
        let (cpus, told) = (AtomicU32::new(1), Told::default());
        let runtime = Self { client, options, policies, cpus, told, clock };
        runtime.largest_node().await?;
        Ok(runtime)
    }

    /// What keeps engines from where they may not connect to.
    fn policies(&self) -> Policies {
        self.policies.clone()
    }

    /// The objects of a kind in the namespace.
    fn api<K>(&self) -> Api<K>
    where
        K: Resource<Scope = NamespaceResourceScope, DynamicType = ()>,
    {
        Api::namespaced(self.client.clone(), &self.options.namespace)
    }

    fn pods(&self) -> Api<Pod> {
        self.api()
    }

    fn secrets(&self) -> Api<Secret> {
        self.api()
    }
}

#[async_trait]
impl Runtime for KubernetesRuntime {
    fn host_address(&self) -> Option<IpAddr> {
        None
    }

    async fn capacity(&self) -> Result<Capacity, RuntimeError> {
        self.largest_node().await
    }

    async fn image(&self, reference: &str) -> Result<Option<ImageInfo>, RuntimeError> {
        self.find_image(reference).await
    }

    async fn pull(
        &self,
        reference: &str,
        _: Option<&str>,
        _: Option<&RegistryLogin>,
        _: &Pulled,
    ) -> Result<(), RuntimeError> {
        self.leave_to_nodes(reference)
    }

    async fn apply(&self, spec: &InstanceSpec) -> Result<Ensured, RuntimeError> {
        self.ensure_instance(spec).await
    }

    async fn status(&self, name: &InstanceName) -> Result<Option<InstanceStatus>, RuntimeError> {
        const OPERATION: &str = "look at an instance";
        let pod = labels::instance_name(name);
        if let Some(found) = self.find(OPERATION, &pod).await? {
            if found.made_from.name != *name {
                return Ok(None);
            }
            let output = match found.phase {
                Phase::Exited { .. } => self.last_output(&found).await,
                Phase::Waiting { .. } | Phase::Running(_) | Phase::Paused => None,
            };
            return Ok(Some(found.status(output)));
        }
        let unstarted = self.find_unstarted(OPERATION, &pod).await?;
        let unstarted = unstarted.filter(|there| there.made_from.name == *name && !there.is_ending);
        Ok(unstarted.map(|unstarted| unstarted.status()))
    }

    async fn list(&self) -> Result<Vec<RuntimeObject>, RuntimeError> {
        self.list_objects(None).await
    }

    async fn list_of(&self, broker: BrokerId) -> Result<Vec<RuntimeObject>, RuntimeError> {
        self.list_objects(Some(broker)).await
    }

    async fn watch(&self) -> Result<BoxStream<'static, BrokerId>, RuntimeError> {
        self.hints().await
    }

    async fn logs(
        &self,
        id: &RuntimeId,
        since: Timestamp,
        follow: bool,
    ) -> Result<BoxStream<'static, Result<LogLine, RuntimeError>>, RuntimeError> {
        self.read_logs(id, since, follow).await
    }

    async fn statistics(&self, id: &RuntimeId) -> Result<ContainerStatistics, RuntimeError> {
        self.read_statistics(id).await
    }

    async fn start(&self, id: &RuntimeId) -> Result<Ensured, RuntimeError> {
        self.start_instance(id).await
    }

    async fn restart(&self, id: &RuntimeId) -> Result<Ensured, RuntimeError> {
        self.restart_instance(id).await
    }

    async fn stop(&self, id: &RuntimeId, grace: Duration) -> Result<Ensured, RuntimeError> {
        self.stop_instance(id, grace).await
    }

    async fn set_limits(&self, id: &RuntimeId, limits: Limits) -> Result<Ensured, RuntimeError> {
        self.change_limits(id, limits).await
    }

    async fn remove(&self, name: &InstanceName, volumes: Volumes) -> Result<Ensured, RuntimeError> {
        self.remove_instance(name, volumes).await
    }

    async fn inject(
        &self,
        id: &RuntimeId,
        disturbance: Disturbance,
    ) -> Result<Ensured, RuntimeError> {
        self.disturb(id, disturbance).await
    }

    async fn heal(
        &self,
        id: &RuntimeId,
        disturbance: Disturbance,
    ) -> Result<Ensured, RuntimeError> {
        self.undisturb(id, disturbance).await
    }

    async fn is_filled(&self, id: &RuntimeId) -> Result<bool, RuntimeError> {
        self.has_filled(id).await
    }
}
