//! GetLogEvents and FilterLogEvents.

use brokerd_domain::{
    Timestamp,
    log::{EventId, EventToken, FilterPattern, LogStreamName},
};
use brokerd_store::{FoundLogEvent, LogRange, StreamChoice};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::call::{Answered, Call, invalid, no_group, no_stream, page_size, stream_name};
use crate::http::error::ApiError;

/// Source: GetLogEvents and FilterLogEvents of the CloudWatch Logs API reference: a page has up to 10000 events and one
/// megabyte.
const MAX_EVENTS: u32 = 10_000;
const MAX_BYTES: usize = 1_000_000;
/// What an event counts beside its message.
const OVERHEAD: usize = 26;
/// How many streams FilterLogEvents may name.
const MAX_STREAMS: usize = 100;
/// How many events FilterLogEvents looks at with one statement, and how many of these one page may cost: who looks for
/// what is rare gets shorter pages, and goes on by their tokens.
const SCANNED: u32 = 2000;
const SCANS: u32 = 20;

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct GetLogEventsRequest {
    log_group_name: Option<String>,
    log_group_identifier: Option<String>,
    log_stream_name: Option<String>,
    start_time: Option<i64>,
    end_time: Option<i64>,
    next_token: Option<String>,
    limit: Option<i64>,
    start_from_head: Option<bool>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct OutputLogEvent {
    timestamp: i64,
    message: String,
    ingestion_time: i64,
}

pub(super) async fn get(call: Call<'_>) -> Answered {
    let input: GetLogEventsRequest = call.input()?;
    let name =
        call.group_name(input.log_group_name.as_deref(), input.log_group_identifier.as_deref())?;
    let stream = stream_name(input.log_stream_name.as_deref())?;
    call.group(&name, stream.as_str()).await?;
    let most = page_size(input.limit, MAX_EVENTS, MAX_EVENTS)?;
    let range = LogRange {
        from: moment(input.start_time, "startTime")?.unwrap_or(LogRange::ALL.from),
        to: moment(input.end_time, "endTime")?.unwrap_or(LogRange::ALL.to),
    };
    let token = match input.next_token.as_deref() {
        Some(token) => Some(
            EventToken::parse(token)
                .ok_or_else(|| invalid("The specified nextToken is invalid."))?,
        ),
        None if input.start_from_head.unwrap_or(false) => Some(EventToken::Forward(EventId::FIRST)),
        None => None,
    };
    let scope = call.scope();
    let found =
        call.store.log_events(&scope, &name, &stream, range, token, most, call.now()).await?;
    let mut events = found.ok_or_else(no_stream)?;
    cut(&mut events, matches!(token, Some(EventToken::Forward(_))));
    let (backward, forward) = ends(&events, token);
    let events: Vec<_> = events
        .into_iter()
        .map(|event| OutputLogEvent {
            timestamp: millis(event.id.at),
            message: event.message,
            ingestion_time: millis(event.ingested),
        })
        .collect();
    Ok(json!({
        "events": events,
        "nextForwardToken": EventToken::Forward(forward).to_string(),
        "nextBackwardToken": EventToken::Backward(backward).to_string(),
    }))
}

/// Between which events a page lies. At an end the token is the one that the page was asked for with.
fn ends(events: &[FoundLogEvent], token: Option<EventToken>) -> (EventId, EventId) {
    match (events.first(), events.last(), token) {
        (Some(first), Some(last), _) => (first.id, last.id),
        (_, _, Some(EventToken::Forward(id))) => {
            (EventId { position: id.position.saturating_add(1), ..id }, id)
        }
        (_, _, Some(EventToken::Backward(id))) => {
            (id, EventId { position: (id.position - 1).max(0), ..id })
        }
        (_, _, None) => (EventId::FIRST, EventId::FIRST),
    }
}

/// Leaves as many events as a page may have bytes: the first ones, or the last ones.
fn cut(events: &mut Vec<FoundLogEvent>, first: bool) {
    let mut bytes = 0;
    let mut fits = |event: &FoundLogEvent| {
        bytes += event.message.len() + OVERHEAD;
        bytes <= MAX_BYTES
    };
    let kept = if first {
        events.iter().take_while(|event| fits(event)).count()
    } else {
        events.iter().rev().take_while(|event| fits(event)).count()
    };
    // A single one always fits: it is smaller than a page.
    if first {
        events.truncate(kept);
    } else {
        events.drain(..events.len() - kept);
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct FilterLogEventsRequest {
    log_group_name: Option<String>,
    log_group_identifier: Option<String>,
    log_stream_names: Option<Vec<String>>,
    log_stream_name_prefix: Option<String>,
    start_time: Option<i64>,
    end_time: Option<i64>,
    filter_pattern: Option<String>,
    next_token: Option<String>,
    limit: Option<i64>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct FilteredLogEvent {
    log_stream_name: String,
    timestamp: i64,
    message: String,
    ingestion_time: i64,
    event_id: String,
}

pub(super) async fn filter(call: Call<'_>) -> Answered {
    let input: FilterLogEventsRequest = call.input()?;
    let name =
        call.group_name(input.log_group_name.as_deref(), input.log_group_identifier.as_deref())?;
    call.group(&name, "").await?;
    let most =
        usize::try_from(page_size(input.limit, MAX_EVENTS, MAX_EVENTS)?).unwrap_or(usize::MAX);
    let pattern = FilterPattern::parse(input.filter_pattern.as_deref().unwrap_or_default())
        .map_err(|wrong| invalid(wrong.to_string()))?;
    // The end counts, unlike that of GetLogEvents.
    let after_end = input.end_time.map(|end| end.saturating_add(1));
    let range = LogRange {
        from: moment(input.start_time, "startTime")?.unwrap_or(LogRange::ALL.from),
        to: moment(after_end, "endTime")?.unwrap_or(LogRange::ALL.to),
    };
    let names = input.log_stream_names.filter(|names| !names.is_empty());
    let prefix = input.log_stream_name_prefix;
    if names.is_some() && prefix.is_some() {
        return Err(invalid("logStreamNames and logStreamNamePrefix are mutually exclusive."));
    }
    if names.as_ref().is_some_and(|names| names.len() > MAX_STREAMS) {
        return Err(invalid(format!("At most {MAX_STREAMS} log streams can be named.")));
    }
    let names = names.map(|names| {
        names.iter().map(|name| LogStreamName::parse(name)).collect::<Result<Vec<_>, _>>()
    });
    let names = names.transpose()?;
    let choice = match &names {
        Some(names) => StreamChoice::Named(names),
        None => StreamChoice::Beginning(prefix.as_deref().unwrap_or_default()),
    };
    let mut after = match input.next_token.as_deref() {
        None => EventId::FIRST,
        Some(token) => {
            EventId::parse(token).ok_or_else(|| invalid("The specified nextToken is invalid."))?
        }
    };
    let (scope, now) = (call.scope(), call.now());
    let (mut events, mut bytes) = (Vec::new(), 0);
    for _ in 0..SCANS {
        let found =
            call.store.scan_log_events(&scope, &name, choice, range, after, SCANNED, now).await?;
        let found = found.ok_or_else(no_group)?;
        let is_last = found.events.len() < usize::try_from(SCANNED).unwrap_or(usize::MAX);
        for event in found.events {
            if pattern.matches(&event.message) {
                bytes += event.message.len() + OVERHEAD;
                if events.len() == most || (bytes > MAX_BYTES && !events.is_empty()) {
                    return Ok(json!({
                        "events": events, "searchedLogStreams": [], "nextToken": after.to_string(),
                    }));
                }
                events.push(FilteredLogEvent {
                    log_stream_name: found
                        .streams
                        .get(&event.id.stream)
                        .cloned()
                        .unwrap_or_default(),
                    timestamp: millis(event.id.at),
                    message: event.message,
                    ingestion_time: millis(event.ingested),
                    event_id: event.id.to_string(),
                });
            }
            after = event.id;
        }
        if is_last {
            return Ok(json!({"events": events, "searchedLogStreams": []}));
        }
    }
    Ok(json!({"events": events, "searchedLogStreams": [], "nextToken": after.to_string()}))
}

fn millis(moment: Timestamp) -> i64 {
    moment.as_micros() / 1000
}

fn moment(millis: Option<i64>, member: &str) -> Result<Option<Timestamp>, ApiError> {
    let Some(millis) = millis else { return Ok(None) };
    if millis < 0 {
        return Err(invalid(format!(
            "1 validation error detected: Value '{millis}' at '{member}' failed to satisfy constraint: Member must have value greater than or equal to 0"
        )));
    }
    Ok(Some(Timestamp::from_micros(millis.saturating_mul(1000))))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(position: i64, bytes: usize) -> FoundLogEvent {
        FoundLogEvent {
            id: EventId { at: Timestamp::from_micros(position), stream: 1, position },
            ingested: Timestamp::from_micros(0),
            message: "x".repeat(bytes),
        }
    }

    #[test]
    fn a_page_has_a_megabyte_at_the_end_that_it_was_asked_for() {
        let events: Vec<_> = (1..=5).map(|n| event(n, 300_000)).collect();
        let positions = |first| {
            let mut page = events.clone();
            cut(&mut page, first);
            page.iter().map(|event| event.id.position).collect::<Vec<_>>()
        };
        assert_eq!((positions(true), positions(false)), (vec![1, 2, 3], vec![3, 4, 5]));
    }

    #[test]
    fn at_an_end_the_token_stays() {
        let id = event(7, 1).id;
        let (backward, forward) = ends(&[], Some(EventToken::Forward(id)));
        assert!(forward == id && backward > id, "back leads to the last one again");
        let (backward, forward) = ends(&[], Some(EventToken::Backward(id)));
        assert!(backward == id && forward < id, "on leads to the first one again");
        assert_eq!(ends(&[event(1, 1), event(2, 1)], None), (event(1, 1).id, event(2, 1).id));
        assert_eq!(ends(&[], None), (EventId::FIRST, EventId::FIRST));
        // Tokens come from callers, who may write what they like.
        let forged = event(i64::MAX, 1).id;
        assert_eq!(ends(&[], Some(EventToken::Forward(forged))), (forged, forged));
    }
}
