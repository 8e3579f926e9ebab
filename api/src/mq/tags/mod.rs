//! Tags of brokers and configurations.

pub(crate) mod create;
pub(crate) mod delete;
pub(crate) mod list;

use brokerd_domain::{Arn, Error, Tags};
use brokerd_store::PgStore;

use crate::{
    auth::{CallResource, PolicyResource as _, Signed, TagChange},
    http::{error::ApiError, path::PathParams, refusal},
};

/// Source: recorded answers of the service.
fn not_found() -> Error {
    refusal::not_found_overall("Resource was not found")
}

/// Changes the tags of the resource in the path. Whether the caller may is decided by the tags that it has at that moment,
/// which nobody can change meanwhile.
///
/// # Errors
/// The 403 of a caller who may not; the 404 of a resource; what `change` refuses.
async fn change(
    store: &PgStore,
    path: &PathParams,
    signed: &Signed,
    tag_change: TagChange<'_>,
    change: impl FnOnce(&Tags) -> Result<Tags, Error> + Send,
) -> Result<(), ApiError> {
    let tagged = path.tagged(store, signed, tag_change).await?.ok_or_else(not_found)?;
    let Arn { scope, resource } = tagged.arn();
    let (arn, mut denied) = (tagged.policy_arn(), None);
    let changed = store.change_tags(&scope, &resource, |tags| {
        match signed.authorize(CallResource {
            tags: Some(tags),
            tag_change,
            ..CallResource::named(&arn)
        }) {
            Ok(_) => change(tags).map(Some),
            Err(refused) => {
                denied = Some(refused);
                Ok(None)
            }
        }
    });
    changed.await?.ok_or_else(not_found)??;
    denied.map_or(Ok(()), Err)
}
