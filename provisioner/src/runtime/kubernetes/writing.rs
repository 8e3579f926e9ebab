//! How objects are written.

use kube::{
    Api, Resource,
    api::{Patch, PatchParams},
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

use super::error::{answered, error, request};
use crate::runtime::{RuntimeError, RuntimeErrorClass};

/// Who writes what is applied.
const MANAGER: &str = "brokerd";

/// A rendered object, as the client wants it.
pub(super) fn typed<T: DeserializeOwned>(
    operation: &'static str,
    rendered: Value,
) -> Result<T, RuntimeError> {
    serde_json::from_value(rendered)
        .map_err(|cause| error(RuntimeErrorClass::Rejected, operation, cause.to_string()))
}

/// Applies an object as a whole. Of two who do that at the same time, one may have to do it again.
pub(super) async fn put<K>(
    operation: &'static str,
    api: &Api<K>,
    rendered: &Value,
) -> Result<(), RuntimeError>
where
    K: Resource + Clone + DeserializeOwned + std::fmt::Debug,
{
    let name = rendered["metadata"]["name"].as_str().unwrap_or_default();
    let parameters = PatchParams::apply(MANAGER).force();
    let patch = Patch::Apply(rendered);
    match answered(api.patch(name, &parameters, &patch)).await {
        Ok(_) => Ok(()),
        Err(cause) if cause.is_conflict() => {
            request(operation, api.patch(name, &parameters, &patch)).await.map(drop)
        }
        Err(cause) => Err(cause.named(operation)),
    }
}

/// Changes a part of an object.
pub(super) async fn merge<K>(
    operation: &'static str,
    api: &Api<K>,
    name: &str,
    change: &(impl Serialize + std::fmt::Debug),
) -> Result<K, RuntimeError>
where
    K: Resource + Clone + DeserializeOwned + std::fmt::Debug,
{
    let patch = Patch::Merge(change);
    request(operation, api.patch(name, &PatchParams::default(), &patch)).await
}
