//! Keeps the policies in force by which engines reach no more than they may.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use brokerd_domain::{BrokerId, Cidr};
use k8s_openapi::api::networking::v1::NetworkPolicy;
use kube::{Api, Client, api::ListParams};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::{
    error::{error, request},
    labels,
    options::KubernetesOptions,
    render::{Neighbours, isolation, policy},
    writing::put,
};
use crate::runtime::{RuntimeError, RuntimeErrorClass, outgoing::HostService};

const OPERATION: &str = "restrict what engines connect to";

/// How often somebody looks whether accounts permit something else than before.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// The policies of one installation.
#[derive(Clone)]
pub(super) struct Policies {
    client: Client,
    options: Arc<KubernetesOptions>,
    neighbours: Arc<Neighbours>,
}

impl Policies {
    pub(super) fn new(
        client: Client,
        options: Arc<KubernetesOptions>,
        neighbours: Neighbours,
    ) -> Self {
        let named = options.outgoing.iter().flat_map(|outgoing| &outgoing.host_services);
        for service in named.filter(|service| matches!(service, HostService::Anywhere(_))) {
            tracing::warn!(
                %service,
                "network.host_services names a port of the host of the engines, of which Kubernetes has many: name an address, too"
            );
        }
        Self { client, options, neighbours: Arc::new(neighbours) }
    }

    fn api(&self) -> Api<NetworkPolicy> {
        Api::namespaced(self.client.clone(), &self.options.namespace)
    }

    async fn limits(
        &self,
        operation: &'static str,
    ) -> Result<BTreeMap<BrokerId, Vec<Cidr>>, RuntimeError> {
        let limits = self.options.limits.current().await;
        limits.map_err(|why| error(RuntimeErrorClass::Transient, operation, why))
    }

    /// Makes the policies of a broker be there, as they are to be now.
    ///
    /// # Errors
    /// Also when nobody knows whether the broker has a limit.
    pub(super) async fn ensure(
        &self,
        operation: &'static str,
        broker: BrokerId,
    ) -> Result<(), RuntimeError> {
        let limits = self.limits(operation).await?;
        self.apply(operation, broker, limits.get(&broker).map(Vec::as_slice)).await
    }

    async fn apply(
        &self,
        operation: &'static str,
        broker: BrokerId,
        limit: Option<&[Cidr]>,
    ) -> Result<(), RuntimeError> {
        let installation = &self.options.installation;
        let outgoing = self.options.outgoing.as_ref();
        let api = self.api();
        let isolation = isolation(installation, broker);
        let policy = policy(installation, broker, &self.neighbours, outgoing, limit);
        tokio::try_join!(put(operation, &api, &isolation), put(operation, &api, &policy)).map(drop)
    }

    /// Renews the policies at the start, and whenever accounts permit something else, until cancelled.
    pub(super) async fn look_after(self, shutdown: CancellationToken) {
        let mut in_force = None;
        let mut told = false;
        while !shutdown.is_cancelled() {
            match self.renew(in_force.as_ref()).await {
                Ok(limits) => (in_force, told) = (Some(limits), false),
                Err(error) if told => tracing::debug!(%error, "network policies still not renewed"),
                Err(error) => {
                    told = true;
                    tracing::warn!(%error, "network policies not renewed; retried");
                }
            }
            tokio::select! {
                () = shutdown.cancelled() => return,
                () = sleep(LOOK_EVERY) => {}
            }
        }
    }

    /// Renews all policies, if the limits are others than those in force; the limits.
    async fn renew(
        &self,
        in_force: Option<&BTreeMap<BrokerId, Vec<Cidr>>>,
    ) -> Result<BTreeMap<BrokerId, Vec<Cidr>>, RuntimeError> {
        let limits = self.limits(OPERATION).await?;
        if in_force == Some(&limits) {
            return Ok(limits);
        }
        let selector = labels::selector(&self.options.installation);
        let (policies, parameters) = (self.api(), ListParams::default().labels(&selector));
        let listed = request(OPERATION, policies.list_metadata(&parameters)).await?;
        let of_ours = listed.items.iter().filter_map(|policy| policy.metadata.labels.as_ref());
        let brokers: BTreeSet<BrokerId> =
            of_ours.filter_map(labels::object).map(|object| object.broker).collect();
        for broker in brokers {
            let limit = limits.get(&broker).map(Vec::as_slice);
            let before = in_force.map(|in_force| in_force.get(&broker).map(Vec::as_slice));
            if before != Some(limit) {
                self.apply(OPERATION, broker, limit).await?;
            }
        }
        Ok(limits)
    }
}

impl std::fmt::Debug for Policies {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Policies").field("options", &self.options).finish_non_exhaustive()
    }
}
