//! ListTagsForResource, TagResource, UntagResource.

use std::collections::BTreeMap;

use brokerd_domain::{
    Scope, Tags,
    alarm::MetricAlarm,
    metric::query::{CloudWatchError, CloudWatchErrorKind},
};

use super::{
    super::{
        call::{Answer, Call, output},
        shapes::Tag,
    },
    resource::named,
};
use crate::{
    auth::TagChange,
    wire::{Members, Value, shape},
};

shape! {
    TagsInput {
        arn: Option<String> = "ResourceARN",
        tags: Vec<Tag> = "Tags",
        keys: Vec<String> = "TagKeys",
    }
}

shape! {
    ListTagsForResourceOutput {
        tags: Vec<Tag> = "Tags",
    }
}

pub(super) async fn list(call: Call<'_>, input: TagsInput) -> Answer {
    let name = alarm_of(&call.scope(), input.arn)?;
    let (_, found) = named(call, &name, TagChange::None).await?;
    let stored = found.ok_or_else(not_found)?;
    let tag = |(key, value): (&String, &String)| Tag {
        key: Some(key.clone()),
        value: Some(value.clone()),
    };
    output(ListTagsForResourceOutput { tags: stored.tags.as_map().iter().map(tag).collect() })
}

pub(super) async fn add(call: Call<'_>, input: TagsInput) -> Answer {
    let name = alarm_of(&call.scope(), input.arn)?;
    if input.tags.is_empty() {
        return Err(CloudWatchError::missing("Tags").into());
    }
    let added = parsed(input.tags)?;
    let tag_change = TagChange::Adds(&added);
    let (permit, _) = named(call, &name, tag_change).await?;
    let changed =
        permit.store.change_alarm_tags(&permit.scope, &name, |tags| tags.with(&added)).await?;
    match changed {
        None => Err(not_found().into()),
        Some(Err(refused)) => Err(CloudWatchError::invalid(refused.message).into()),
        Some(Ok(_)) => Ok(Some(Value::Structure(Members::default()))),
    }
}

pub(super) async fn remove(call: Call<'_>, input: TagsInput) -> Answer {
    let name = alarm_of(&call.scope(), input.arn)?;
    if input.keys.is_empty() {
        return Err(CloudWatchError::missing("TagKeys").into());
    }
    let tag_change = TagChange::Removes(&input.keys);
    let (permit, _) = named(call, &name, tag_change).await?;
    let keys = &input.keys;
    let changed =
        permit.store.change_alarm_tags(&permit.scope, &name, |tags| Ok(tags.without(keys))).await?;
    match changed {
        Some(_) => Ok(Some(Value::Structure(Members::default()))),
        None => Err(not_found().into()),
    }
}

/// The tags that a call brings.
///
/// # Errors
/// `InvalidParameterValue`.
pub(super) fn parsed(tags: Vec<Tag>) -> Result<Tags, CloudWatchError> {
    let mut all = BTreeMap::new();
    for tag in tags {
        let key = tag.key.ok_or_else(|| CloudWatchError::missing("Tags.member.Key"))?;
        let value = tag.value.ok_or_else(|| CloudWatchError::missing("Tags.member.Value"))?;
        if all.insert(key, value).is_some() {
            return Err(CloudWatchError::invalid("A key of Tags appears more than once."));
        }
    }
    Tags::parse(all).map_err(|refused| CloudWatchError::invalid(refused.message))
}

/// The name of the alarm that an ARN names.
fn alarm_of(scope: &Scope, arn: Option<String>) -> Result<String, CloudWatchError> {
    let arn = arn.ok_or_else(|| CloudWatchError::missing("ResourceARN"))?;
    if !arn.starts_with("arn:aws:cloudwatch:") {
        return Err(CloudWatchError::invalid(
            "The parameter ResourceARN must be the ARN of an alarm.",
        ));
    }
    let own = MetricAlarm::arn_of(scope, "");
    // What belongs to another account or region is not there.
    let name = arn.strip_prefix(&own).filter(|name| !name.is_empty());
    name.map(str::to_owned).ok_or_else(not_found)
}

fn not_found() -> CloudWatchError {
    CloudWatchError::new(
        CloudWatchErrorKind::ResourceNotFoundException,
        "The resource does not exist.",
    )
}
