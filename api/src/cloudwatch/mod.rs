//! Amazon CloudWatch: what brokers measure, and alarms on it, in the three protocols of the service.
//!
//! An operation reads a structure and answers one; `protocol.rs` and the codecs of `crate::wire` know the rest.
//!
//! Source: CloudWatch API reference, version 2010-08-01.

mod alarms;
mod call;
mod list_metrics;
mod metric_data;
mod metric_statistics;
mod protocol;
mod range;
mod shapes;
mod token;

use axum::{http::HeaderMap, response::Response};
use brokerd_domain::{
    metric::query::{CloudWatchError, CloudWatchErrorKind},
    policy::OperationPermissions,
};
use uuid::Uuid;

pub(crate) use self::protocol::Protocol;
use self::{
    call::{Answer, Call},
    protocol::input,
};
use crate::{auth::Signed, http::error::ApiError, service_parts::ServiceParts, wire::Value};

/// Answers a call of the service.
pub(crate) async fn answer(
    services: &ServiceParts,
    signed: &Signed,
    protocol: Protocol,
    (path, headers): (&str, &HeaderMap),
    request_id: Uuid,
) -> Response {
    let answered = match protocol.call(path, headers, &signed.body) {
        Ok((operation, value)) => dispatch(services, signed, protocol, &operation, value).await,
        Err(refused) => Err(refused),
    };
    match answered {
        Ok((operation, output)) => protocol.answer(operation, output, request_id),
        Err(refused) => protocol.refuse(refused, request_id),
    }
}

async fn dispatch(
    services: &ServiceParts,
    signed: &Signed,
    protocol: Protocol,
    operation: &str,
    value: Value,
) -> Result<(&'static str, Option<Value>), ApiError> {
    let Some(permissions) = OperationPermissions::of_cloudwatch(operation) else {
        return Err(unsupported(operation).unwrap_or_else(|| protocol.unknown(operation)));
    };
    let operation = permissions.operation;
    tracing::Span::current().record("aws.action", format!("cloudwatch:{operation}"));
    let call = Call::new(services, &signed.caller, permissions);
    Ok((operation, perform(operation, call, value).await?))
}

async fn perform(operation: &str, call: Call<'_>, value: Value) -> Answer {
    match operation {
        "GetMetricData" => metric_data::answer(call, input(value)?).await,
        "GetMetricStatistics" => metric_statistics::answer(call, input(value)?).await,
        "ListMetrics" => list_metrics::answer(call, input(value)?).await,
        _ => match alarms::answer(operation, call, value).await {
            Some(answer) => answer,
            None => Err(not_here(operation)),
        },
    }
}

/// The refusal of what the service has and brokerd has not; none: the service has no such operation, either.
fn unsupported(operation: &str) -> Option<ApiError> {
    let message = match operation {
        "PutMetricData" => {
            "brokerd keeps the metrics of its brokers only, and nobody can put values there. Send metrics of applications to a system that keeps them."
                .to_owned()
        }
        _ if UNSUPPORTED.iter().any(|end| operation.ends_with(end)) => {
            return Some(not_here(operation));
        }
        _ => return None,
    };
    Some(CloudWatchError::new(CloudWatchErrorKind::Unsupported, message).into())
}

fn not_here(operation: &str) -> ApiError {
    let name: String = operation.chars().take(64).collect();
    let message = format!("brokerd does not have the operation {}.", name.escape_debug());
    CloudWatchError::new(CloudWatchErrorKind::Unsupported, message).into()
}

/// How operations end that brokerd has not.
const UNSUPPORTED: [&str; 16] = [
    "AlarmContributors",
    "AlarmMuteRule",
    "AlarmMuteRules",
    "AnomalyDetector",
    "AnomalyDetectors",
    "CompositeAlarm",
    "Dashboard",
    "Dashboards",
    "InsightRule",
    "InsightRuleReport",
    "InsightRules",
    "LogAlarm",
    "MetricStream",
    "MetricStreams",
    "MetricWidgetImage",
    "ManagedInsightRules",
];
