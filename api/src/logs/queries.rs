//! Queries of CloudWatch Logs Insights. They are run at once, and their results kept for a week.

use std::time::{Duration, Instant};

use brokerd_domain::{
    Timestamp,
    log::{
        LogGroupName,
        insights::{LogRecord, Query, fields_of},
    },
};
use brokerd_store::{LogQuery, LogRange};
use serde::Deserialize;
use serde_json::json;
use uuid::Uuid;

use super::call::{Answered, Call, invalid, missing, page_size, refusal};
use crate::{auth::CallResource, http::error::ApiError};

/// How many events one statement reads, and how long and how many events a query may take: what it has until then are its
/// results, and its status says that it was ended.
const SCANNED: u32 = 5000;
const MAX_DURATION: Duration = Duration::from_secs(10);
const MAX_EVENTS: u64 = 1_000_000;
/// Source: StartQuery of the CloudWatch Logs API reference.
const MAX_GROUPS: usize = 50;
const MAX_ROWS: u32 = 10_000;
/// Source: DescribeQueries of the CloudWatch Logs API reference.
const MAX_QUERIES: u32 = 1000;
/// How many events tell which fields a group has.
const SAMPLED: u32 = 1000;
/// How many minutes around a moment are looked at for fields.
const SAMPLED_MINUTES: i64 = 8;

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct StartQueryRequest {
    log_group_name: Option<String>,
    log_group_names: Option<Vec<String>>,
    log_group_identifiers: Option<Vec<String>>,
    query_language: Option<String>,
    query_string: Option<String>,
    start_time: Option<i64>,
    end_time: Option<i64>,
    limit: Option<i64>,
}

impl StartQueryRequest {
    fn groups(&self, call: &Call<'_>) -> Result<Vec<LogGroupName>, ApiError> {
        let (one, names, identifiers) =
            (&self.log_group_name, &self.log_group_names, &self.log_group_identifiers);
        let groups = match (one, names, identifiers) {
            (Some(name), None, None) => vec![call.group_name(Some(name), None)?],
            (None, Some(names), None) => {
                let names = names.iter().map(|name| call.group_name(Some(name), None));
                names.collect::<Result<_, _>>()?
            }
            (None, None, Some(identifiers)) => {
                let names = identifiers.iter().map(|name| call.group_name(None, Some(name)));
                names.collect::<Result<_, _>>()?
            }
            (None, None, None) => return Err(missing("logGroupNames")),
            _ => {
                return Err(invalid(
                    "Only one of logGroupName, logGroupNames and logGroupIdentifiers may be set.",
                ));
            }
        };
        if (1..=MAX_GROUPS).contains(&groups.len()) {
            Ok(groups)
        } else {
            Err(invalid(format!("A query is about 1 to {MAX_GROUPS} log groups.")))
        }
    }
}

pub(super) async fn start(call: Call<'_>) -> Answered {
    let input: StartQueryRequest = call.input()?;
    let groups = input.groups(&call)?;
    for group in &groups {
        call.group(group, "").await?;
    }
    if input.query_language.is_some_and(|language| language != "CWLI") {
        return Err(invalid("brokerd has only the query language CWLI."));
    }
    let text = input.query_string.ok_or_else(|| missing("queryString"))?;
    let most = page_size(input.limit, MAX_ROWS, MAX_ROWS)?;
    let seconds = |moment: Option<i64>, member: &str| match moment {
        Some(seconds) if seconds >= 0 => Ok(seconds),
        Some(_) => Err(invalid(format!("{member} must not be negative."))),
        None => Err(missing(member)),
    };
    // In seconds, and the end counts. Some clients send milliseconds, as the service takes them, too.
    let micros = |moment: i64| {
        moment.saturating_mul(if moment > 100_000_000_000 { 1000 } else { 1_000_000 })
    };
    let (start, end) =
        (seconds(input.start_time, "startTime")?, seconds(input.end_time, "endTime")?);
    if micros(start) > micros(end) {
        return Err(invalid("The end time must not be before the start time."));
    }
    let range = LogRange {
        from: Timestamp::from_micros(micros(start)),
        to: Timestamp::from_micros(micros(end).saturating_add(1_000_000)),
    };
    let query = Query::parse(&text, usize::try_from(most).ok())
        .map_err(|wrong| refusal("MalformedQueryException", wrong.to_string()))?;
    let (complete, results) = run(&call, &groups, range, &query).await?;
    let query = LogQuery {
        id: call.new_id(),
        groups: groups.iter().map(ToString::to_string).collect(),
        query: text,
        created: call.now(),
        complete,
        results,
    };
    call.store.save_log_query(&call.scope(), &query).await?;
    Ok(json!({"queryId": query.id}))
}

/// Runs a query; whether it came to its end, and what it has found.
async fn run(
    call: &Call<'_>,
    groups: &[LogGroupName],
    range: LogRange,
    query: &Query,
) -> Result<(bool, brokerd_domain::log::insights::QueryResults), ApiError> {
    let (scope, now, began) = (call.scope(), call.now(), Instant::now());
    let (mut execution, mut before, mut scanned) = (query.begin(), None, 0_u64);
    loop {
        let found =
            call.store.recent_log_events(&scope, groups, range, before, SCANNED, now).await?;
        let is_last = found.events.len() < usize::try_from(SCANNED).unwrap_or(usize::MAX);
        before = found.events.last().map(|event| event.id).or(before);
        scanned += found.events.len() as u64;
        for event in found.events {
            let (group, stream) = found.streams.get(&event.id.stream).cloned().unwrap_or_default();
            execution.add(LogRecord {
                timestamp: event.id.at.as_micros() / 1000,
                ingested: event.ingested.as_micros() / 1000,
                message: event.message,
                stream,
                log: format!("{}:{group}", scope.account),
                pointer: event.id.to_string(),
            });
        }
        if is_last || execution.is_full() {
            return Ok((true, execution.finish()));
        }
        if began.elapsed() > MAX_DURATION || scanned > MAX_EVENTS {
            return Ok((false, execution.finish()));
        }
        tokio::task::yield_now().await;
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct OfQuery {
    query_id: Option<String>,
}

async fn query(call: &Call<'_>) -> Result<LogQuery, ApiError> {
    call.permit(CallResource::NONE)?;
    let input: OfQuery = call.input()?;
    let id = input.query_id.ok_or_else(|| missing("queryId"))?;
    let none = || refusal("ResourceNotFoundException", "The specified query does not exist.");
    let id: Uuid = id.parse().map_err(|_| none())?;
    call.store.log_query(&call.scope(), id).await?.ok_or_else(none)
}

const fn status(query: &LogQuery) -> &'static str {
    if query.complete { "Complete" } else { "Timeout" }
}

pub(super) async fn results(call: Call<'_>) -> Answered {
    let query = query(&call).await?;
    let rows: Vec<Vec<_>> = query
        .results
        .rows
        .iter()
        .map(|row| {
            row.iter().map(|field| json!({"field": field.field, "value": field.value})).collect()
        })
        .collect();
    Ok(json!({
        "queryLanguage": "CWLI",
        "results": rows,
        "statistics": {
            "recordsMatched": query.results.matched,
            "recordsScanned": query.results.scanned,
            "estimatedRecordsSkipped": 0,
            "bytesScanned": query.results.scanned_bytes,
            "estimatedBytesSkipped": 0,
            "logGroupsScanned": query.groups.len(),
        },
        "status": status(&query),
    }))
}

/// Every query has ended when its id is known.
pub(super) async fn stop(call: Call<'_>) -> Answered {
    query(&call).await?;
    Err(invalid("The query has already ended."))
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct DescribeQueriesRequest {
    log_group_name: Option<String>,
    status: Option<String>,
    max_results: Option<i64>,
}

pub(super) async fn describe(call: Call<'_>) -> Answered {
    call.permit(CallResource::NONE)?;
    let input: DescribeQueriesRequest = call.input()?;
    let most = page_size(input.max_results, MAX_QUERIES, MAX_QUERIES)?;
    let group = input.log_group_name.as_deref();
    let queries = call.store.log_queries(&call.scope(), group, most).await?;
    let shown: Vec<_> = queries
        .iter()
        .filter(|query| input.status.as_deref().is_none_or(|wanted| wanted == status(query)))
        .map(|query| {
            json!({
                "queryLanguage": "CWLI",
                "queryId": query.id,
                "queryString": query.query,
                "status": status(query),
                "createTime": query.created.as_micros() / 1000,
                "logGroupName": query.groups.first(),
            })
        })
        .collect();
    Ok(json!({"queries": shown}))
}

/// Nobody can store definitions of queries here.
pub(super) fn definitions(call: Call<'_>) -> Answered {
    call.permit(CallResource::NONE)?;
    Ok(json!({"queryDefinitions": []}))
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct GetLogGroupFieldsRequest {
    log_group_name: Option<String>,
    log_group_identifier: Option<String>,
    time: Option<i64>,
}

pub(super) async fn fields(call: Call<'_>) -> Answered {
    let input: GetLogGroupFieldsRequest = call.input()?;
    let name =
        call.group_name(input.log_group_name.as_deref(), input.log_group_identifier.as_deref())?;
    call.group(&name, "").await?;
    let now = call.now();
    let minute = 60_000_000;
    let range = match input.time {
        // The last minutes, or those around a moment in seconds.
        None => LogRange {
            from: Timestamp::from_micros(now.as_micros() - 15 * minute),
            to: LogRange::ALL.to,
        },
        Some(time) => {
            let at = time.saturating_mul(1_000_000);
            LogRange {
                from: Timestamp::from_micros(at.saturating_sub(SAMPLED_MINUTES * minute)),
                to: Timestamp::from_micros(at.saturating_add(SAMPLED_MINUTES * minute)),
            }
        }
    };
    let groups = [name];
    let found =
        call.store.recent_log_events(&call.scope(), &groups, range, None, SAMPLED, now).await?;
    let fields = fields_of(found.events.iter().map(|event| event.message.as_str()));
    let fields: Vec<_> = fields
        .into_iter()
        .map(|(name, percent)| json!({"name": name, "percent": percent}))
        .collect();
    Ok(json!({"logGroupFields": fields}))
}
