//! Tags of log groups, by their ARN and, as older clients do, by their name.

use std::collections::BTreeMap;

use brokerd_domain::{Tags, log::LogGroupName};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    call::{Answered, Call, invalid, missing, no_group},
    groups,
};
use crate::{
    auth::{CallResource, TagChange},
    http::error::ApiError,
};

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct OfResource {
    resource_arn: Option<String>,
    tags: Option<BTreeMap<String, String>>,
    tag_keys: Option<Vec<String>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct OfGroup {
    log_group_name: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Added {
    tags: Option<BTreeMap<String, String>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Removed {
    tags: Option<Vec<String>>,
}

fn of_resource(call: &Call<'_>) -> Result<(LogGroupName, OfResource), ApiError> {
    let input: OfResource = call.input()?;
    let arn = input.resource_arn.as_deref().ok_or_else(|| missing("resourceArn"))?;
    let name = LogGroupName::parse(call.group_of_arn(arn)?)?;
    Ok((name, input))
}

fn of_group(call: &Call<'_>) -> Result<LogGroupName, ApiError> {
    let input: OfGroup = call.input()?;
    call.group_name(input.log_group_name.as_deref(), None)
}

/// The tags of the group, if the caller may do this. The ARN is that of the group itself.
async fn tags_of(
    call: &Call<'_>,
    name: &LogGroupName,
    tag_change: TagChange<'_>,
) -> Result<Tags, ApiError> {
    let found = call.store.log_group(&call.scope(), name).await?;
    let tags = found.as_ref().map(|group| &group.tags);
    let arn = call.group_arn(name.as_str());
    call.permit(CallResource { tags, tag_change, ..CallResource::named(&arn) })?;
    found.map(|group| group.tags).ok_or_else(no_group)
}

async fn listed(call: &Call<'_>, name: &LogGroupName) -> Answered {
    let tags = tags_of(call, name, TagChange::None).await?;
    Ok(json!({"tags": tags.as_map()}))
}

async fn added(
    call: &Call<'_>,
    name: &LogGroupName,
    tags: Option<BTreeMap<String, String>>,
) -> Answered {
    let tags = groups::tags(tags.ok_or_else(|| missing("tags"))?)?;
    tags_of(call, name, TagChange::Adds(&tags)).await?;
    let change = |before: &Tags| before.with(&tags);
    let changed = call.store.change_log_group_tags(&call.scope(), name, change).await?;
    done(changed)
}

async fn removed(call: &Call<'_>, name: &LogGroupName, keys: Option<Vec<String>>) -> Answered {
    let keys = keys.ok_or_else(|| missing("tagKeys"))?;
    tags_of(call, name, TagChange::Removes(&keys)).await?;
    let change = |before: &Tags| Ok(before.without(&keys));
    let changed = call.store.change_log_group_tags(&call.scope(), name, change).await?;
    done(changed)
}

fn done(changed: Option<Result<(), brokerd_domain::Error>>) -> Answered {
    match changed {
        Some(Ok(())) => Ok(Value::Null),
        Some(Err(refused)) => Err(invalid(refused.message)),
        None => Err(no_group()),
    }
}

pub(super) async fn list(call: Call<'_>) -> Answered {
    let (name, _) = of_resource(&call)?;
    listed(&call, &name).await
}

pub(super) async fn add(call: Call<'_>) -> Answered {
    let (name, input) = of_resource(&call)?;
    added(&call, &name, input.tags).await
}

pub(super) async fn remove(call: Call<'_>) -> Answered {
    let (name, input) = of_resource(&call)?;
    removed(&call, &name, input.tag_keys).await
}

pub(super) async fn list_of_group(call: Call<'_>) -> Answered {
    let name = of_group(&call)?;
    listed(&call, &name).await
}

pub(super) async fn add_to_group(call: Call<'_>) -> Answered {
    let name = of_group(&call)?;
    added(&call, &name, call.input::<Added>()?.tags).await
}

pub(super) async fn remove_from_group(call: Call<'_>) -> Answered {
    let name = of_group(&call)?;
    removed(&call, &name, call.input::<Removed>()?.tags).await
}
