//! The claim of a volume, which outlives pods.

use brokerd_domain::instance::{InstanceSpec, VolumeSpec};
use serde_json::{Value, json};

use crate::runtime::kubernetes::{labels, options::KubernetesOptions, quantity};

/// What is claimed for data whose size nobody names.
const UNSIZED: u64 = 8 << 30;

/// The claim of a kept volume.
///
/// # Errors
/// A sentence: what an operator has to do first.
pub(crate) fn claim(
    spec: &InstanceSpec,
    volume: &VolumeSpec,
    options: &KubernetesOptions,
) -> Result<Value, String> {
    let (mode, class) = if volume.shared {
        let class = options.shared_class.as_ref().ok_or(
            "the instances of a pair have one volume, for which no storage class is configured: set runtime.kubernetes.storage_class_efs to one whose volumes several nodes mount at once (ReadWriteMany)",
        )?;
        ("ReadWriteMany", Some(class))
    } else {
        ("ReadWriteOnce", options.instance_class.as_ref())
    };
    let size = quantity::bytes(spec.disk_bytes.unwrap_or(UNSIZED));
    let mut claim = json!({
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {
            "name": labels::claim_name(&spec.name, volume),
            "labels": labels::of_volume(&spec.name, volume),
        },
        "spec": {
            "accessModes": [mode],
            "resources": { "requests": { "storage": size } },
        },
    });
    if let Some(class) = class {
        claim["spec"]["storageClassName"] = class.as_str().into();
    }
    Ok(claim)
}
