//! The pod of an instance.

use k8s_openapi::api::core::v1::Pod;
use serde_json::{Value, json};

use super::files::{LAID, SCRIPT, SECRET, VOLUMES};
use brokerd_domain::instance::{InstanceSpec, Limits, SpecDigest};

use crate::runtime::kubernetes::{
    labels,
    options::KubernetesOptions,
    quantity::{self, resources, resources_to_prepare},
};

/// The container that the engine runs in.
pub(crate) const ENGINE: &str = "engine";
/// The container that lays out its files.
const FILES: &str = "files";
/// The volume that is the secret.
const SECRET_VOLUME: &str = "files";

/// How the instances of a broker are kept apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Spread {
    /// There is but one.
    Alone,
    /// In zones of their own.
    Zones,
    /// On nodes of their own: there are too few zones.
    Nodes,
    /// As far as possible: there are too few nodes.
    AsFarAsPossible,
}

/// The label of a node that names its zone.
pub(crate) const ZONE: &str = "topology.kubernetes.io/zone";
const HOSTNAME: &str = "kubernetes.io/hostname";

/// A text in which Kubernetes is to replace nothing: it takes `$(NAME)` for a variable.
fn literal(text: &str) -> String {
    text.replace('$', "$$")
}

/// The pod. `owner` is the uid of its secret.
pub(crate) fn pod(
    spec: &InstanceSpec,
    digest: &SpecDigest,
    image: &str,
    owner: &str,
    limits: Limits,
    spread: Spread,
    options: &KubernetesOptions,
) -> Value {
    let name = labels::instance_name(&spec.name);
    let service = labels::broker_name(spec.name.broker);
    let mut annotations = labels::annotations(spec, digest);
    annotations.insert(labels::LIMITS.to_owned(), labels::limits_text(limits));
    if spec.disk_bytes.is_some() {
        annotations.insert(labels::DISK.to_owned(), "true".to_owned());
    }
    let search = format!("{service}.{}.svc.{}", options.namespace, options.cluster_domain);
    let pull_secrets: Vec<_> =
        options.pull_secrets.iter().map(|name| json!({ "name": name })).collect();
    let (uid, gid) = spec.user;
    let mut rendered = json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": name,
            "labels": labels::of_instance(&spec.name),
            "annotations": annotations,
            // A pod that nobody controls keeps its node from being drained.
            "ownerReferences": [{
                "apiVersion": "v1",
                "kind": "Secret",
                "name": name,
                "uid": owner,
                "controller": true,
                "blockOwnerDeletion": false,
            }],
        },
        "spec": {
            // brokerd restarts, and nothing else.
            "restartPolicy": "Never",
            "terminationGracePeriodSeconds": spec.stop_grace.as_secs().max(1),
            "hostname": spec.hostname,
            "subdomain": service,
            "dnsConfig": { "searches": [search] },
            "automountServiceAccountToken": false,
            "enableServiceLinks": false,
            // So that the engine is not the process 1, which nobody inside can kill or stop.
            "shareProcessNamespace": true,
            "securityContext": {
                "runAsNonRoot": uid != 0,
                "runAsUser": uid,
                "runAsGroup": gid,
                "fsGroup": gid,
                "fsGroupChangePolicy": "OnRootMismatch",
                "seccompProfile": { "type": "RuntimeDefault" },
            },
            // A node that is cut off still runs it: whoever knows that the node is off says so to Kubernetes.
            "tolerations": [
                toleration("node.kubernetes.io/unreachable"),
                toleration("node.kubernetes.io/not-ready"),
            ],
            "initContainers": [preparing(spec, image, limits, options)],
            "containers": [engine(spec, image, limits, options)],
            "volumes": volumes(spec),
        },
    });
    if let Some(affinity) = affinity(spec, spread) {
        rendered["spec"]["affinity"] = affinity;
    }
    if !pull_secrets.is_empty() {
        rendered["spec"]["imagePullSecrets"] = pull_secrets.into();
    }
    rendered
}

fn toleration(key: &str) -> Value {
    json!({ "key": key, "operator": "Exists", "effect": "NoExecute" })
}

fn affinity(spec: &InstanceSpec, spread: Spread) -> Option<Value> {
    let others = labels::of_broker(&spec.name.installation, spec.name.broker);
    let apart = |topology: &str| json!({ "labelSelector": { "matchLabels": others }, "topologyKey": topology });
    let preferred = |weight: u8, topology: &str| json!({ "weight": weight, "podAffinityTerm": apart(topology) });
    const REQUIRED: &str = "requiredDuringSchedulingIgnoredDuringExecution";
    const PREFERRED: &str = "preferredDuringSchedulingIgnoredDuringExecution";
    let terms = match spread {
        Spread::Alone => return None,
        Spread::Zones => json!({ REQUIRED: [apart(ZONE)] }),
        Spread::Nodes => json!({ REQUIRED: [apart(HOSTNAME)], PREFERRED: [preferred(100, ZONE)] }),
        Spread::AsFarAsPossible => {
            json!({ PREFERRED: [preferred(100, HOSTNAME), preferred(50, ZONE)] })
        }
    };
    Some(json!({ "podAntiAffinity": terms }))
}

fn confined() -> Value {
    json!({
        "allowPrivilegeEscalation": false,
        "capabilities": { "drop": ["ALL"] },
        "readOnlyRootFilesystem": true,
    })
}

fn environment(spec: &InstanceSpec) -> Vec<Value> {
    let pairs = spec.environment.iter().map(|pair| pair.split_once('=').unwrap_or((pair, "")));
    pairs.map(|(name, value)| json!({ "name": name, "value": literal(value) })).collect()
}

fn engine(spec: &InstanceSpec, image: &str, limits: Limits, options: &KubernetesOptions) -> Value {
    let data = spec
        .volumes
        .iter()
        .map(|volume| json!({ "name": volume.role, "mountPath": volume.mount, "subPath": LAID }));
    let memory = spec
        .tmpfs
        .iter()
        .enumerate()
        .map(|(number, (path, _))| json!({ "name": tmpfs_name(number), "mountPath": path }));
    let mounts: Vec<_> = data.chain(memory).collect();
    let ports: Vec<_> =
        spec.ports.iter().map(|port| json!({ "containerPort": port, "protocol": "TCP" })).collect();
    let mut container = json!({
        "name": ENGINE,
        "image": image,
        "imagePullPolicy": options.pull_policy.to_string(),
        "env": environment(spec),
        "ports": ports,
        "resources": resources(limits),
        "securityContext": confined(),
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "volumeMounts": mounts,
    });
    if !spec.command.is_empty() {
        // As with Docker, the image's own entry point stays.
        let arguments: Vec<_> = spec.command.iter().map(|word| literal(word)).collect();
        container["args"] = arguments.into();
    }
    container
}

/// The same image lays out the files, so that nothing else has to be there.
fn preparing(
    spec: &InstanceSpec,
    image: &str,
    limits: Limits,
    options: &KubernetesOptions,
) -> Value {
    let data = spec.volumes.iter().map(
        |volume| json!({ "name": volume.role, "mountPath": format!("{VOLUMES}/{}", volume.role) }),
    );
    let secret = json!({ "name": SECRET_VOLUME, "mountPath": SECRET, "readOnly": true });
    let mounts: Vec<_> = data.chain([secret]).collect();
    json!({
        "name": FILES,
        "image": image,
        "imagePullPolicy": options.pull_policy.to_string(),
        "command": ["/bin/sh", format!("{SECRET}/{SCRIPT}")],
        "resources": resources_to_prepare(limits),
        "securityContext": confined(),
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "volumeMounts": mounts,
    })
}

fn tmpfs_name(number: usize) -> String {
    format!("memory-{number}")
}

fn volumes(spec: &InstanceSpec) -> Vec<Value> {
    let data = spec.volumes.iter().map(|volume| {
        if volume.keep {
            let claim = labels::claim_name(&spec.name, volume);
            json!({ "name": volume.role, "persistentVolumeClaim": { "claimName": claim } })
        } else {
            json!({ "name": volume.role, "emptyDir": {} })
        }
    });
    let memory = spec.tmpfs.iter().enumerate().map(|(number, (_, options))| {
        let mut medium = json!({ "medium": "Memory" });
        if let Some(size) = tmpfs_bytes(options) {
            medium["sizeLimit"] = quantity::bytes(size).into();
        }
        json!({ "name": tmpfs_name(number), "emptyDir": medium })
    });
    let secret = json!({
        "name": SECRET_VOLUME,
        // The group of the pod may read them besides.
        "secret": { "secretName": labels::instance_name(&spec.name), "defaultMode": 0o440 },
    });
    data.chain(memory).chain([secret]).collect()
}

/// The size among mount options such as `rw,size=16m,mode=1777`.
fn tmpfs_bytes(options: &str) -> Option<u64> {
    let size = options.split(',').find_map(|option| option.strip_prefix("size="))?;
    let (number, power) = match size.strip_suffix(['k', 'K', 'm', 'M', 'g', 'G']) {
        Some(number) => (
            number,
            match size.as_bytes().last()?.to_ascii_lowercase() {
                b'k' => 10,
                b'm' => 20,
                _ => 30,
            },
        ),
        None => (size, 0),
    };
    number.parse::<u64>().ok()?.checked_mul(1 << power)
}

/// The pod of an instance's next life, from that of the last one: as it was made, where the scheduler likes, neither
/// paused nor cut off.
pub(crate) fn again(last: &Pod) -> Pod {
    let mut metadata = last.metadata.clone();
    let (name, mut labels, mut annotations, owners) = (
        metadata.name.take(),
        metadata.labels.take(),
        metadata.annotations.take(),
        metadata.owner_references.take(),
    );
    if let Some(labels) = &mut labels {
        labels.remove(labels::ISOLATED);
    }
    if let Some(annotations) = &mut annotations {
        annotations.remove(labels::PAUSED);
    }
    let mut next = Pod { metadata: Default::default(), spec: last.spec.clone(), status: None };
    (next.metadata.name, next.metadata.labels) = (name, labels);
    (next.metadata.annotations, next.metadata.owner_references) = (annotations, owners);
    if let Some(spec) = &mut next.spec {
        spec.node_name = None;
        // That is how the last life was ended.
        spec.active_deadline_seconds = None;
    }
    next
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_in_memory_are_those_of_the_mount_options() {
        for (options, bytes) in [
            ("rw,nosuid,nodev,size=16m,mode=1777", Some(16 << 20)),
            ("size=64k", Some(64 << 10)),
            ("size=1G,rw", Some(1 << 30)),
            ("size=4096", Some(4096)),
            ("rw", None),
            ("size=50%", None),
        ] {
            assert_eq!(tmpfs_bytes(options), bytes, "{options}");
        }
    }

    #[test]
    fn texts_are_taken_as_they_are() {
        assert_eq!(literal("$(X) $y $$"), "$$(X) $$y $$$$");
    }
}
