//! Amazon CloudWatch Logs, by AWS JSON 1.1: the logs of brokers.

mod call;
mod events;
mod groups;
mod queries;
mod streams;
mod tags;

use axum::{
    http::{HeaderMap, StatusCode},
    response::Response,
};
use brokerd_domain::{Clock, Entropy, policy::OperationPermissions};
use brokerd_store::PgStore;
use serde_json::Value;
use uuid::Uuid;

use self::call::{Answered, Call};
use crate::{
    auth::Signed,
    http::error::ApiError,
    wire::aws_json::{self, Refusals},
};

/// What every operation of the service is called after, in the header `X-Amz-Target`.
const PREFIX: &str = "Logs_20140328.";

/// Answers a call of the service.
pub(crate) async fn answer(
    store: &PgStore,
    clock: &dyn Clock,
    entropy: &dyn Entropy,
    signed: &Signed,
    headers: &HeaderMap,
    request_id: Uuid,
) -> Response {
    let answered = match aws_json::operation(headers, PREFIX) {
        Some(operation) => answered(operation, store, clock, entropy, signed).await,
        None => Err(aws_json::unknown_operation()),
    };
    match answered {
        // What has no output has no body, as in the service.
        Ok(Value::Null) => aws_json::answer(&serde_json::json!({})),
        Ok(output) => aws_json::answer(&output),
        Err(refused) => Refusals::COMMON.refuse(refused, request_id),
    }
}

async fn answered(
    operation: &str,
    store: &PgStore,
    clock: &dyn Clock,
    entropy: &dyn Entropy,
    signed: &Signed,
) -> Answered {
    let permissions = OperationPermissions::of_logs(operation).ok_or_else(unsupported)?;
    let call = Call::new(store, clock, entropy, signed, permissions);
    match operation {
        "DescribeLogGroups" => groups::describe(call).await,
        "CreateLogGroup" => groups::create(call).await,
        "DeleteLogGroup" => groups::delete(call).await,
        "PutRetentionPolicy" => groups::put_retention(call).await,
        "DeleteRetentionPolicy" => groups::delete_retention(call).await,
        "DescribeLogStreams" => streams::describe(call).await,
        "DeleteLogStream" => streams::delete(call).await,
        "GetLogEvents" => events::get(call).await,
        "FilterLogEvents" => events::filter(call).await,
        "StartQuery" => queries::start(call).await,
        "StopQuery" => queries::stop(call).await,
        "GetQueryResults" => queries::results(call).await,
        "DescribeQueries" => queries::describe(call).await,
        "DescribeQueryDefinitions" => queries::definitions(call),
        "GetLogGroupFields" => queries::fields(call).await,
        "ListTagsForResource" => tags::list(call).await,
        "TagResource" => tags::add(call).await,
        "UntagResource" => tags::remove(call).await,
        "ListTagsLogGroup" => tags::list_of_group(call).await,
        "TagLogGroup" => tags::add_to_group(call).await,
        "UntagLogGroup" => tags::remove_from_group(call).await,
        _ => Err(unsupported()),
    }
}

/// An operation that brokerd does not have.
fn unsupported() -> ApiError {
    ApiError::named(
        StatusCode::BAD_REQUEST,
        "UnsupportedOperationException",
        "brokerd does not have this operation of CloudWatch Logs.",
    )
}
