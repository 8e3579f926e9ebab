//! What is there, and how it goes.

use std::{collections::BTreeSet, fmt::Debug, time::Duration};

use brokerd_domain::{
    BrokerId,
    instance::{InstanceName, Volumes},
};
use k8s_openapi::api::{
    core::v1::{PersistentVolumeClaim, Pod, Secret, Service},
    networking::v1::NetworkPolicy,
    policy::v1::PodDisruptionBudget,
};
use kube::{
    Api, Resource,
    api::{DeleteParams, ListParams, Preconditions},
};
use serde::de::DeserializeOwned;
use tokio::time::Instant;

use super::{
    KubernetesRuntime,
    apply::{LOOK_FIRST, LOOK_LATER},
    error::{answered, error, request, request_opt},
    labels::{self, Labels},
};
use crate::runtime::{Ensured, RuntimeError, RuntimeErrorClass, RuntimeObject};

const REMOVE: &str = "remove an instance";
const LIST: &str = "list what the cluster has";

/// How long it may take until a claim is gone that no pod uses any more.
const CLAIM_TIMEOUT: Duration = Duration::from_secs(30);

impl KubernetesRuntime {
    /// What tells of an instance or a broker goes last: until then it is found and removed again.
    pub(super) async fn remove_instance(
        &self,
        name: &InstanceName,
        volumes: Volumes,
    ) -> Result<Ensured, RuntimeError> {
        let mut any = self.remove_pod(name).await?;
        let of_instance = labels::selector_of_instance(name);
        let claims: Api<PersistentVolumeClaim> = self.api();
        if volumes == Volumes::Delete {
            any |= self.remove_claims(&claims, &of_instance).await?;
        }
        any |= self.remove_all(&self.secrets(), &of_instance).await?;
        if volumes == Volumes::Delete && !self.has_instances(name).await? {
            let of_broker = labels::selector_of(&name.installation, name.broker);
            let budgets: Api<PodDisruptionBudget> = self.api();
            any |= self.remove_all(&budgets, &of_broker).await?;
            let policies: Api<NetworkPolicy> = self.api();
            any |= self.remove_all(&policies, &of_broker).await?;
            let shared = format!("{of_broker},!{}", labels::ORDINAL);
            any |= self.remove_claims(&claims, &shared).await?;
            let services: Api<Service> = self.api();
            any |= self.remove_all(&services, &of_broker).await?;
        }
        Ok(if any { Ensured::Updated } else { Ensured::AlreadyRight })
    }

    /// Ends the pod, and waits until its node says so: what may still run must not meet its successor on one volume.
    async fn remove_pod(&self, name: &InstanceName) -> Result<bool, RuntimeError> {
        let pod = labels::instance_name(name);
        let Some(found) = self.find(REMOVE, &pod).await? else { return Ok(false) };
        if found.made_from.name != *name {
            // Another installation's.
            return Ok(false);
        }
        self.delete_pod(REMOVE, &found.name, &found.uid, 1).await?;
        self.until_gone(REMOVE, &found).await?;
        Ok(true)
    }

    /// Removes exactly this secret; what is gone already is fine.
    pub(super) async fn delete_secret(
        &self,
        operation: &'static str,
        name: &str,
        uid: &str,
    ) -> Result<(), RuntimeError> {
        let exactly = Preconditions { uid: Some(uid.to_owned()), resource_version: None };
        let parameters = DeleteParams::default().preconditions(exactly);
        match answered(self.secrets().delete(name, &parameters)).await {
            Ok(_) => Ok(()),
            Err(cause) if cause.is_conflict() || cause.is_missing_object() => Ok(()),
            Err(cause) => Err(cause.named(operation)),
        }
    }

    /// Removes what a selector selects; whether there was something.
    async fn remove_all<K>(&self, api: &Api<K>, selector: &str) -> Result<bool, RuntimeError>
    where
        K: Resource + Clone + DeserializeOwned + Debug,
    {
        let (mut any, parameters) = (false, DeleteParams::default());
        for name in names(api, selector).await? {
            let removal = api.delete(&name, &parameters);
            any |= request_opt(REMOVE, removal).await?.is_some();
        }
        Ok(any)
    }

    /// Removes claims, and waits until they are gone: until then nothing new can have their names.
    async fn remove_claims(
        &self,
        claims: &Api<PersistentVolumeClaim>,
        selector: &str,
    ) -> Result<bool, RuntimeError> {
        if !self.remove_all(claims, selector).await? {
            return Ok(false);
        }
        let (begun, mut pause) = (Instant::now(), LOOK_FIRST);
        loop {
            let left = names(claims, selector).await?;
            let Some(name) = left.first() else { return Ok(true) };
            if begun.elapsed() >= CLAIM_TIMEOUT {
                let message = format!("the claim {name} is still there; does a pod use it?");
                return Err(error(RuntimeErrorClass::Transient, REMOVE, message));
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 5 / 4).min(LOOK_LATER);
        }
    }

    /// Whether the broker has instances, whatever they do.
    async fn has_instances(&self, name: &InstanceName) -> Result<bool, RuntimeError> {
        let selector = labels::selector_of(&name.installation, name.broker);
        Ok(!names(&self.secrets(), &selector).await?.is_empty()
            || !names(&self.pods(), &selector).await?.is_empty())
    }

    /// Everything of this installation, or of one of its brokers.
    pub(super) async fn list_objects(
        &self,
        of: Option<BrokerId>,
    ) -> Result<Vec<RuntimeObject>, RuntimeError> {
        let installation = &self.options.installation;
        let selector = match of {
            Some(broker) => labels::selector_of(installation, broker),
            None => labels::selector(installation),
        };
        let (pods, secrets): (Api<Pod>, Api<Secret>) = (self.api(), self.api());
        let claims: Api<PersistentVolumeClaim> = self.api();
        let services: Api<Service> = self.api();
        let (pods, secrets, claims, services) = tokio::try_join!(
            all(&pods, &selector),
            all(&secrets, &selector),
            all(&claims, &selector),
            all(&services, &selector),
        )?;
        let labels = [pods, secrets, claims, services].into_iter().flatten();
        let objects: BTreeSet<_> = labels.filter_map(|labels| labels::object(&labels)).collect();
        Ok(objects.into_iter().collect())
    }
}

/// The labels of what a selector selects.
async fn all<K>(api: &Api<K>, selector: &str) -> Result<Vec<Labels>, RuntimeError>
where
    K: Resource + Clone + DeserializeOwned + Debug,
{
    let listed = request(LIST, api.list_metadata(&ListParams::default().labels(selector))).await?;
    Ok(listed.items.into_iter().filter_map(|object| object.metadata.labels).collect())
}

/// The names of what a selector selects.
async fn names<K>(api: &Api<K>, selector: &str) -> Result<Vec<String>, RuntimeError>
where
    K: Resource + Clone + DeserializeOwned + Debug,
{
    let listed =
        request(REMOVE, api.list_metadata(&ListParams::default().labels(selector))).await?;
    Ok(listed.items.into_iter().filter_map(|object| object.metadata.name).collect())
}
