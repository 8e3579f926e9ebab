//! ReadBrokerMetrics: the page of all brokers.

use std::sync::Arc;

use axum::{extract::State, http::StatusCode, response::Response};

use super::{fleet_page::page, token::MetricsReader};
use crate::{
    fleet::FleetCache,
    http::{body, error::ApiError, query::Query},
    openapi::BearerErrors,
};

/// Source: the OpenMetrics specification.
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// The metrics of all brokers of all accounts for Prometheus, those of a broker as a whole, each with the labels
/// `account`, `region`, `broker_id`, `broker`, `engine` and `instance`. They are at most fifteen seconds older than
/// the last collection, which is every minute.
#[utoipa::path(
    get,
    path = "/brokerd/v1/metrics/brokers",
    operation_id = "ReadBrokerMetrics",
    tag = "brokerd",
    params(("match" = Option<Vec<String>>, Query, description = "Only brokers with this identifier or name.")),
    responses(
        (status = 200, description = "The metrics, in OpenMetrics text.", body = String, content_type = "application/openmetrics-text"),
        BearerErrors,
    ),
    security(("bearer" = [])),
)]
pub(crate) async fn read_broker_metrics(
    _: MetricsReader,
    State(fleet): State<Arc<FleetCache>>,
    query: Query,
) -> Result<Response, ApiError> {
    let page = page(fleet.get().await?, query.all("match")).map_err(ApiError::internal)?;
    Ok(body::with_type(StatusCode::OK, OPEN_METRICS, page))
}
