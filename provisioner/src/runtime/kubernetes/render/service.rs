//! What the instances of a broker have together: the names by which they find each other, and what a drain of nodes
//! has to leave of them.

use brokerd_domain::instance::InstanceSpec;
use serde_json::{Value, json};

use crate::runtime::kubernetes::labels;

/// The service by which instances have names. It leads nowhere, and knows instances that don't serve yet.
pub(crate) fn service(spec: &InstanceSpec) -> Value {
    let of_broker = labels::of_broker(&spec.name.installation, spec.name.broker);
    let ports: Vec<_> = spec
        .ports
        .iter()
        .map(|port| json!({ "name": format!("p{port}"), "port": port, "protocol": "TCP" }))
        .collect();
    json!({
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": { "name": labels::broker_name(spec.name.broker), "labels": of_broker },
        "spec": {
            "clusterIP": "None",
            "publishNotReadyAddresses": true,
            "selector": of_broker,
            "ports": ports,
        },
    })
}

/// What has to be left of the instances of a broker while nodes are drained: all but one. One that does not run may
/// always be moved. None: there is but one, which a drain ends for a moment.
///
/// A number, because of pods that nobody scales Kubernetes knows no other measure.
pub(crate) fn budget(spec: &InstanceSpec) -> Option<Value> {
    if spec.instances < 2 {
        return None;
    }
    let of_broker = labels::of_broker(&spec.name.installation, spec.name.broker);
    Some(json!({
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": { "name": labels::broker_name(spec.name.broker), "labels": of_broker },
        "spec": {
            "minAvailable": spec.instances - 1,
            "selector": { "matchLabels": of_broker },
            "unhealthyPodEvictionPolicy": "AlwaysAllow",
        },
    }))
}
