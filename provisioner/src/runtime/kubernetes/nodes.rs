//! The nodes of the cluster: how large they are, where, and which images they have.

use std::{collections::BTreeSet, sync::atomic::Ordering};

use k8s_openapi::api::core::v1::Node;
use kube::{Api, api::ListParams};

use super::{
    KubernetesRuntime,
    error::{error, request},
    options::PullPolicy,
    quantity,
    render::{Spread, ZONE},
};
use brokerd_domain::instance::Limits;

use crate::{
    catalogue::split_tag,
    runtime::{Capacity, ImageInfo, RuntimeError, RuntimeErrorClass},
};

impl KubernetesRuntime {
    async fn nodes(&self, operation: &'static str) -> Result<Vec<Node>, RuntimeError> {
        let nodes: Api<Node> = Api::all(self.client.clone());
        Ok(request(operation, nodes.list(&ListParams::default())).await?.items)
    }

    /// What the largest node has for pods, and all of them together.
    pub(super) async fn largest_node(&self) -> Result<Capacity, RuntimeError> {
        const OPERATION: &str = "ask the cluster for its capacity";
        let capacity = largest(&self.nodes(OPERATION).await?).ok_or_else(|| {
            let message = "no node of the cluster is ready";
            error(RuntimeErrorClass::Transient, OPERATION, message)
        })?;
        self.cpus.store(capacity.cpus, Ordering::Relaxed);
        Ok(capacity)
    }

    /// The limits, as far as a node can give them.
    pub(super) fn at_most(&self, limits: Limits) -> Limits {
        let all = u64::from(self.cpus.load(Ordering::Relaxed)).saturating_mul(1_000_000_000);
        Limits { nano_cpus: limits.nano_cpus.min(all), ..limits }
    }

    /// How far so many instances of a broker can be kept apart at present.
    pub(super) async fn spread(
        &self,
        operation: &'static str,
        instances: u8,
    ) -> Result<Spread, RuntimeError> {
        if instances < 2 {
            return Ok(Spread::Alone);
        }
        Ok(spread(&self.nodes(operation).await?, instances))
    }

    /// The image of that name. Nodes tell only of some of theirs, and fetch what they lack unless they are told not
    /// to, or no registry is named: then it is there if a node tells of it.
    pub(super) async fn find_image(
        &self,
        reference: &str,
    ) -> Result<Option<ImageInfo>, RuntimeError> {
        let nodes = self.nodes("look for an image").await?;
        let names = names_of(&nodes, reference);
        if names.is_empty()
            && (self.options.pull_policy == PullPolicy::Never || is_built(reference))
        {
            return Ok(None);
        }
        let digests = names.into_iter().filter(|name| name.contains('@')).collect();
        // Kubernetes tells what an image is only of those that run.
        Ok(Some(ImageInfo { id: reference.to_owned(), digests, true_version: None, modules: None }))
    }

    /// Nodes fetch images by themselves, when they need them.
    pub(super) fn leave_to_nodes(&self, reference: &str) -> Result<(), RuntimeError> {
        match self.options.pull_policy {
            PullPolicy::Always | PullPolicy::IfNotPresent => Ok(()),
            PullPolicy::Never => {
                let message = format!(
                    "no node has the image {reference}, and none may fetch it (runtime.kubernetes.image_pull_policy is Never)"
                );
                Err(error(RuntimeErrorClass::Blocked, "fetch an image", message))
            }
        }
    }
}

fn is_ready(node: &Node) -> bool {
    let conditions = node.status.as_ref().and_then(|status| status.conditions.as_ref());
    let mut conditions = conditions.into_iter().flatten();
    let closed = node.spec.as_ref().and_then(|spec| spec.unschedulable).unwrap_or(false);
    !closed && conditions.any(|condition| condition.type_ == "Ready" && condition.status == "True")
}

fn largest(nodes: &[Node]) -> Option<Capacity> {
    let sizes = nodes.iter().filter(|node| is_ready(node)).filter_map(|node| {
        let has = node.status.as_ref()?.allocatable.as_ref()?;
        let cpus = quantity::nano(has.get("cpu")?)? / 1_000_000_000;
        let memory_bytes = quantity::whole(has.get("memory")?)?;
        Some((memory_bytes, u32::try_from(cpus).unwrap_or(u32::MAX).max(1)))
    });
    let sizes: Vec<_> = sizes.collect();
    let all_memory_bytes = sizes.iter().map(|(memory, _)| *memory).fold(0, u64::saturating_add);
    let (memory_bytes, cpus) = sizes.into_iter().max()?;
    Some(Capacity { memory_bytes, cpus, all_memory_bytes })
}

fn spread(nodes: &[Node], instances: u8) -> Spread {
    let ready: Vec<_> = nodes.iter().filter(|node| is_ready(node)).collect();
    let zone = |node: &&Node| node.metadata.labels.as_ref()?.get(ZONE).cloned();
    let zones: BTreeSet<String> = ready.iter().filter_map(zone).collect();
    let instances = usize::from(instances);
    if zones.len() >= instances {
        Spread::Zones
    } else if ready.len() >= instances {
        Spread::Nodes
    } else {
        Spread::AsFarAsPossible
    }
}

/// Whether it is an image that `docker/build.sh` builds, as it is called where no registry has it.
fn is_built(reference: &str) -> bool {
    reference.starts_with("brokerd/")
}

/// The names that nodes have for an image.
fn names_of(nodes: &[Node], reference: &str) -> BTreeSet<String> {
    let wanted = in_full(reference);
    let images = nodes.iter().filter_map(|node| node.status.as_ref()?.images.as_ref()).flatten();
    let of_it = images
        .filter_map(|image| image.names.as_ref())
        .filter(|names| names.iter().any(|name| in_full(name) == wanted));
    of_it.flatten().cloned().collect()
}

/// A name as nodes write it: with its registry and a tag.
fn in_full(name: &str) -> String {
    let first = name.split('/').next().unwrap_or(name);
    let has_registry = name.contains('/') && (first.contains(['.', ':']) || first == "localhost");
    let mut full = if has_registry {
        name.to_owned()
    } else if name.contains('/') {
        format!("docker.io/{name}")
    } else {
        format!("docker.io/library/{name}")
    };
    if !full.contains('@') && split_tag(&full).1.is_none() {
        full.push_str(":latest");
    }
    full
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn node(zone: Option<&str>, ready: &str, cpu: &str, memory: &str) -> Node {
        let labels = zone.map(|zone| json!({ ZONE: zone })).unwrap_or_default();
        serde_json::from_value(json!({
            "metadata": { "labels": labels },
            "status": {
                "conditions": [{ "type": "Ready", "status": ready }],
                "allocatable": { "cpu": cpu, "memory": memory },
                "images": [{ "names": [
                    "docker.io/brokerd/rabbitmq@sha256:abc", "docker.io/brokerd/rabbitmq:4.3",
                ] }],
            },
        }))
        .expect("a node")
    }

    #[test]
    fn the_capacity_is_that_of_the_largest_node_which_is_ready() {
        let nodes = [
            node(None, "True", "1900m", "4Gi"),
            node(None, "True", "3", "8Gi"),
            node(None, "Unknown", "64", "512Gi"),
        ];
        let capacity = Capacity { memory_bytes: 8 << 30, cpus: 3, all_memory_bytes: 12 << 30 };
        assert_eq!(largest(&nodes), Some(capacity));
        assert_eq!(largest(&nodes[..1]).map(|capacity| capacity.cpus), Some(1));
        assert_eq!(largest(&nodes[2..]), None);
    }

    #[test]
    fn instances_are_kept_apart_as_far_as_there_are_zones_and_nodes() {
        let of = |zones: &[&str]| -> Vec<Node> {
            zones.iter().map(|zone| node(Some(zone), "True", "1", "1Gi")).collect()
        };
        assert_eq!(spread(&of(&["a", "b", "c"]), 3), Spread::Zones);
        assert_eq!(spread(&of(&["a", "b", "b"]), 3), Spread::Nodes);
        assert_eq!(spread(&of(&["a", "b", "b"]), 2), Spread::Zones);
        assert_eq!(spread(&of(&["a"]), 2), Spread::AsFarAsPossible);
        let unlabelled = [node(None, "True", "1", "1Gi"), node(None, "True", "1", "1Gi")];
        assert_eq!(spread(&unlabelled, 2), Spread::Nodes);
        let lost = [node(Some("a"), "True", "1", "1Gi"), node(Some("b"), "Unknown", "1", "1Gi")];
        assert_eq!(spread(&lost, 2), Spread::AsFarAsPossible);
    }

    #[test]
    fn images_are_found_by_the_names_that_people_write() {
        let nodes = [node(None, "True", "1", "1Gi")];
        assert_eq!(names_of(&nodes, "brokerd/rabbitmq:4.3").len(), 2);
        assert!(names_of(&nodes, "brokerd/rabbitmq:4.0").is_empty());
        for (name, full) in [
            ("rabbitmq", "docker.io/library/rabbitmq:latest"),
            ("rabbitmq:4-management", "docker.io/library/rabbitmq:4-management"),
            ("apache/activemq-classic", "docker.io/apache/activemq-classic:latest"),
            ("registry.test:5000/a/b:1", "registry.test:5000/a/b:1"),
            ("localhost/a", "localhost/a:latest"),
            ("a/b@sha256:abc", "docker.io/a/b@sha256:abc"),
        ] {
            assert_eq!(in_full(name), full, "{name}");
        }
    }
}
