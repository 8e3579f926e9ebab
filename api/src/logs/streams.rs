//! Log streams.

use brokerd_domain::Timestamp;
use brokerd_store::{StreamOrder, StreamPlace};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::call::{Answered, Call, invalid, no_group, no_stream, page_size, stream_name};
use crate::http::page;

/// Source: DescribeLogStreams of the CloudWatch Logs API reference.
const MAX_STREAMS: u32 = 50;

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct DescribeLogStreamsRequest {
    log_group_name: Option<String>,
    log_group_identifier: Option<String>,
    log_stream_name_prefix: Option<String>,
    order_by: Option<String>,
    descending: Option<bool>,
    next_token: Option<String>,
    limit: Option<i64>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct LogStreamView {
    log_stream_name: String,
    creation_time: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    first_event_timestamp: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_event_timestamp: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_ingestion_time: Option<i64>,
    upload_sequence_token: String,
    arn: String,
    stored_bytes: u64,
}

pub(super) async fn describe(call: Call<'_>) -> Answered {
    let input: DescribeLogStreamsRequest = call.input()?;
    let name =
        call.group_name(input.log_group_name.as_deref(), input.log_group_identifier.as_deref())?;
    call.group(&name, "").await?;
    let order = match input.order_by.as_deref() {
        None | Some("LogStreamName") => StreamOrder::Name,
        Some("LastEventTime") => StreamOrder::LastEvent,
        Some(other) => {
            let other: String = other.chars().filter(|c| !c.is_control()).take(100).collect();
            return Err(invalid(format!(
                "1 validation error detected: Value '{other}' at 'orderBy' failed to satisfy constraint: Member must satisfy enum value set: [LogStreamName, LastEventTime]"
            )));
        }
    };
    let prefix = input.log_stream_name_prefix.unwrap_or_default();
    if order == StreamOrder::LastEvent && !prefix.is_empty() {
        return Err(invalid("Cannot order by LastEventTime with a logStreamNamePrefix."));
    }
    let most = page_size(input.limit, MAX_STREAMS, MAX_STREAMS)?;
    let after = input
        .next_token
        .as_deref()
        .map(|token| place(token).ok_or_else(|| invalid("The specified nextToken is invalid.")));
    let after = after.transpose()?;
    let descending = input.descending.unwrap_or(false);
    let scope = call.scope();
    let found = call
        .store
        .log_streams(&scope, &name, &prefix, order, descending, after.as_ref(), most + 1)
        .await?;
    let found = found.ok_or_else(no_group)?;
    let (found, next) = page::first(found, most, |last| token(&last.place()));
    let millis = |moment: Timestamp| moment.as_micros() / 1000;
    let arn = call.group_arn(name.as_str());
    let shown: Vec<_> = found
        .into_iter()
        .map(|stream| LogStreamView {
            arn: format!("{arn}:log-stream:{}", stream.name),
            log_stream_name: stream.name,
            creation_time: millis(stream.created),
            first_event_timestamp: stream.first_at.map(millis),
            last_event_timestamp: stream.last_at.map(millis),
            last_ingestion_time: stream.last_ingested.map(millis),
            upload_sequence_token: stream.id.to_string(),
            stored_bytes: 0,
        })
        .collect();
    let mut output = json!({"logStreams": shown});
    if let Some(next) = next {
        output["nextToken"] = next.into();
    }
    Ok(output)
}

/// No name of a stream has a colon.
fn token(place: &StreamPlace) -> String {
    format!("{}:{}", place.last_at, place.name)
}

fn place(token: &str) -> Option<StreamPlace> {
    let (last_at, name) = token.split_once(':')?;
    Some(StreamPlace { last_at: last_at.parse().ok()?, name: name.to_owned() })
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct DeleteLogStreamRequest {
    log_group_name: Option<String>,
    log_stream_name: Option<String>,
}

pub(super) async fn delete(call: Call<'_>) -> Answered {
    let input: DeleteLogStreamRequest = call.input()?;
    let name = call.group_name(input.log_group_name.as_deref(), None)?;
    let stream = stream_name(input.log_stream_name.as_deref())?;
    call.group(&name, stream.as_str()).await?;
    match call.store.delete_log_stream(&call.scope(), &name, &stream).await? {
        Some(true) => Ok(Value::Null),
        Some(false) => Err(no_stream()),
        None => Err(no_group()),
    }
}
