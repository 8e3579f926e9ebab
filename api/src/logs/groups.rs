//! Log groups and their retention.

use std::collections::{BTreeMap, BTreeSet};

use brokerd_domain::{
    Tags,
    log::{LogGroupName, is_retention},
};
use brokerd_store::LogGroup;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::call::{Answered, Call, invalid, missing, no_group, page_size, refusal};
use crate::{
    auth::TagChange,
    http::{error::ApiError, page},
};

/// Source: DescribeLogGroups of the CloudWatch Logs API reference, as all limits here.
const MAX_GROUPS: u32 = 50;
/// How many groups DescribeLogGroups may name.
const MAX_NAMED: usize = 50;

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct DescribeLogGroupsRequest {
    log_group_name_prefix: Option<String>,
    log_group_name_pattern: Option<String>,
    log_group_identifiers: Option<Vec<String>>,
    log_group_class: Option<String>,
    next_token: Option<String>,
    limit: Option<i64>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct LogGroupView {
    log_group_name: String,
    creation_time: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    retention_in_days: Option<u16>,
    metric_filter_count: u32,
    arn: String,
    stored_bytes: u64,
    log_group_class: &'static str,
    log_group_arn: String,
}

fn view(call: &Call<'_>, group: &LogGroup) -> LogGroupView {
    let arn = call.group_arn(&group.name);
    LogGroupView {
        log_group_name: group.name.clone(),
        creation_time: group.created.as_micros() / 1000,
        retention_in_days: group.retention_days,
        metric_filter_count: 0,
        arn: format!("{arn}:*"),
        stored_bytes: group.stored_bytes,
        log_group_class: "STANDARD",
        log_group_arn: arn,
    }
}

pub(super) async fn describe(call: Call<'_>) -> Answered {
    let input: DescribeLogGroupsRequest = call.input()?;
    call.permit_streams("", "", None, TagChange::None)?;
    let most = page_size(input.limit, MAX_GROUPS, MAX_GROUPS)?;
    let (prefix, part) = (input.log_group_name_prefix, input.log_group_name_pattern);
    if prefix.is_some() && part.is_some() {
        return Err(invalid(
            "LogGroup name prefix and LogGroup name pattern are mutually exclusive parameters.",
        ));
    }
    let is_known = |class: &str| ["STANDARD", "INFREQUENT_ACCESS", "DELIVERY"].contains(&class);
    if input.log_group_class.as_deref().is_some_and(|class| !is_known(class)) {
        return Err(invalid("The log group class is invalid."));
    }
    if input.log_group_class.is_some_and(|class| class != "STANDARD") {
        return Ok(json!({"logGroups": []}));
    }
    if let Some(identifiers) = input.log_group_identifiers.filter(|named| !named.is_empty()) {
        let names = distinct(&identifiers, |identifier| call.group_name(None, Some(identifier)))?;
        let mut found = Vec::new();
        for name in names {
            if let Some(group) = call.store.log_group(&call.scope(), &name).await? {
                found.push(view(&call, &group));
            }
        }
        return Ok(json!({"logGroups": found}));
    }
    let (prefix, part) = (prefix.unwrap_or_default(), part.unwrap_or_default());
    let after = input.next_token.as_deref();
    // One more, which says whether there are more.
    let groups = call.store.log_groups(&call.scope(), &prefix, &part, after, most + 1).await?;
    let (groups, next) = page::first(groups, most, |last| last.name.clone());
    let shown: Vec<_> = groups.iter().map(|group| view(&call, group)).collect();
    let mut output = json!({"logGroups": shown});
    if let Some(next) = next {
        output["nextToken"] = next.into();
    }
    Ok(output)
}

/// The names behind identifiers, each once and in their order.
fn distinct(
    identifiers: &[String],
    name: impl Fn(&str) -> Result<LogGroupName, ApiError>,
) -> Result<BTreeSet<LogGroupName>, ApiError> {
    if identifiers.len() > MAX_NAMED {
        return Err(invalid(format!("At most {MAX_NAMED} log groups can be named.")));
    }
    identifiers.iter().map(|identifier| name(identifier)).collect()
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct CreateLogGroupRequest {
    log_group_name: Option<String>,
    kms_key_id: Option<String>,
    log_group_class: Option<String>,
    tags: Option<BTreeMap<String, String>>,
}

pub(super) async fn create(call: Call<'_>) -> Answered {
    let input: CreateLogGroupRequest = call.input()?;
    let name = call.group_name(input.log_group_name.as_deref(), None)?;
    let tags = input.tags.map(tags).transpose()?;
    let tag_change = TagChange::adding(tags.as_ref());
    call.permit_streams(name.as_str(), "", None, tag_change)?;
    if input.kms_key_id.is_some() {
        return Err(invalid("brokerd encrypts no log groups: leave out kmsKeyId."));
    }
    if input.log_group_class.is_some_and(|class| class != "STANDARD") {
        return Err(invalid("brokerd has only log groups of the class STANDARD."));
    }
    let tags = tags.unwrap_or_default();
    if !call.store.create_log_group(&call.scope(), &name, &tags, call.now()).await? {
        let message = "The specified log group already exists";
        return Err(refusal("ResourceAlreadyExistsException", message));
    }
    Ok(Value::Null)
}

/// Tags of a caller.
pub(super) fn tags(tags: BTreeMap<String, String>) -> Result<Tags, ApiError> {
    Tags::parse(tags).map_err(|wrong| invalid(wrong.message))
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct OfGroup {
    log_group_name: Option<String>,
    retention_in_days: Option<i64>,
}

async fn named(call: &Call<'_>) -> Result<(LogGroupName, OfGroup), ApiError> {
    let input: OfGroup = call.input()?;
    let name = call.group_name(input.log_group_name.as_deref(), None)?;
    call.group(&name, "").await?;
    Ok((name, input))
}

pub(super) async fn delete(call: Call<'_>) -> Answered {
    let (name, _) = named(&call).await?;
    if call.store.delete_log_group(&call.scope(), &name).await? {
        Ok(Value::Null)
    } else {
        Err(no_group())
    }
}

pub(super) async fn put_retention(call: Call<'_>) -> Answered {
    let (name, input) = named(&call).await?;
    let days = input.retention_in_days.ok_or_else(|| missing("retentionInDays"))?;
    if !is_retention(days) {
        return Err(invalid(format!(
            "[{days}] is not a valid number of days for a retention policy."
        )));
    }
    set_retention(&call, &name, u16::try_from(days).ok()).await
}

pub(super) async fn delete_retention(call: Call<'_>) -> Answered {
    let (name, _) = named(&call).await?;
    set_retention(&call, &name, None).await
}

async fn set_retention(call: &Call<'_>, name: &LogGroupName, days: Option<u16>) -> Answered {
    if call.store.set_log_retention(&call.scope(), name, days).await? {
        Ok(Value::Null)
    } else {
        Err(no_group())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_that_are_named_are_looked_up_once_each_and_fifty_at_most() {
        let identifiers =
            |count: usize| -> Vec<String> { (0..count).map(|n| format!("g{}", n % 2)).collect() };
        let names = |count| distinct(&identifiers(count), |name| Ok(LogGroupName::parse(name)?));
        let found = names(50).expect("few enough");
        assert_eq!(found.iter().map(LogGroupName::as_str).collect::<Vec<_>>(), ["g0", "g1"]);
        let refused = format!("{:?}", names(51).expect_err("too many"));
        assert!(refused.contains("InvalidParameterException"), "{refused}");
    }
}
