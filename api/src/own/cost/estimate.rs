//! GetCostEstimate.

use std::sync::Arc;

use axum::extract::State;
use brokerd_domain::{
    Error, Region,
    price::{EstimateInput, EstimateRequest, Price, amount, cents},
};
use serde::Serialize;
use utoipa::ToSchema;

use super::views::PriceView;
use crate::{
    ApiSettings,
    auth::{CallResource, Signed},
    http::{
        query::Query,
        respond::{Answer, Reply},
    },
    openapi::ServiceErrors,
};

/// What a broker would cost.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct GetCostEstimateResponse {
    /// The currency of all amounts.
    #[schema(example = "USD")]
    currency: String,
    /// The region.
    #[schema(example = "us-east-1")]
    region: String,
    /// The time, in hours.
    #[schema(example = "730")]
    hours: String,
    /// The instances that are paid for.
    instances: InstancesView,
    /// The storage that is paid for.
    storage: StorageView,
    /// The cost of both, rounded half-up to cents, without data transfer; absent: a part has no price.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "211.24")]
    total: Option<String>,
    /// What the price list lacks, in sentences.
    missing: Vec<String>,
}

/// The instances of a broker.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct InstancesView {
    /// The instance type.
    #[schema(example = "mq.m5.large")]
    host_instance_type: &'static str,
    /// How many there are.
    count: u8,
    /// The price of one per hour; absent: there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    hourly_price: Option<PriceView>,
    /// The cost of all of them; absent: there is no price.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "210.24")]
    cost: Option<String>,
}

/// The storage of a broker.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct StorageView {
    /// `EBS` or `EFS`.
    #[schema(value_type = String, example = "EBS")]
    storage_type: &'static str,
    /// Gigabytes on one disk.
    #[schema(example = "10")]
    gb: String,
    /// How many disks are paid for: one, or one for each node of a cluster.
    disks: u8,
    /// The price of a gigabyte per month; absent: there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    monthly_price: Option<PriceView>,
    /// The cost of all of it; absent: there is no price.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "1")]
    cost: Option<String>,
}

/// Estimates what a broker would cost. Amounts are decimal numbers in text, because JSON numbers are not exact.
#[utoipa::path(
    get,
    path = "/brokerd/v1/cost/estimate",
    operation_id = "GetCostEstimate",
    tag = "brokerd",
    params(
        ("engineType" = String, Query, description = "`ACTIVEMQ` or `RABBITMQ`."),
        ("deploymentMode" = String, Query, description = "`SINGLE_INSTANCE`, `ACTIVE_STANDBY_MULTI_AZ` or `CLUSTER_MULTI_AZ`."),
        ("hostInstanceType" = String, Query, description = "The instance type."),
        ("storageType" = Option<String>, Query, description = "`EBS` or `EFS`; default as CreateBroker has it."),
        ("storageGb" = Option<String>, Query, description = "Gigabytes that are stored on average, of a cluster those of one node; default 0."),
        ("hours" = Option<String>, Query, description = "The time, in hours; default 730, a month."),
        ("region" = Option<String>, Query, description = "The region; default that of the request."),
    ),
    responses(
        (status = 200, description = "The estimate.", body = GetCostEstimateResponse),
        ServiceErrors,
    ),
    security(("sigv4" = [])),
)]
pub(crate) async fn get_cost_estimate(
    State(settings): State<Arc<ApiSettings>>,
    query: Query,
    signed: Signed,
) -> Answer<GetCostEstimateResponse> {
    let scope = signed.authorize(CallResource::NONE)?;
    Ok(estimate(&settings, &query, &scope.region)?)
}

/// The estimate that a query asks for, in `region` unless it names one.
///
/// # Errors
/// A 400 that names the parameter.
pub(crate) fn estimate(
    settings: &ApiSettings,
    query: &Query,
    region: &Region,
) -> Result<Reply<GetCostEstimateResponse>, Error> {
    let text = |name| query.get(name).map(str::to_owned);
    let input = EstimateInput {
        engine_type: text("engineType"),
        deployment_mode: text("deploymentMode"),
        host_instance_type: text("hostInstanceType"),
        storage_type: text("storageType"),
        storage_gb: text("storageGb"),
        hours: text("hours"),
        region: text("region"),
    };
    let asked = EstimateRequest::parse(input, region)?;
    let estimate = asked.estimate(&settings.prices);
    let engine = asked.engine_type.display_name();
    let lacks = |price: &Option<Price>, what: String| {
        price.is_none().then(|| format!("There is no price of {what} for {engine}."))
    };
    let missing = [
        lacks(&estimate.instance_hour, format!("instance type {}", asked.host_instance_type)),
        lacks(&estimate.storage_gb_month, format!("storage type {}", asked.storage_type)),
    ];
    Ok(Reply(GetCostEstimateResponse {
        currency: settings.prices.currency().to_owned(),
        region: asked.region.to_string(),
        hours: amount(asked.hours),
        total: estimate.total().map(cents),
        instances: InstancesView {
            host_instance_type: asked.host_instance_type.name(),
            count: estimate.instances,
            hourly_price: estimate.instance_hour.as_ref().map(Into::into),
            cost: estimate.instance_cost.map(amount),
        },
        storage: StorageView {
            storage_type: asked.storage_type.as_str(),
            gb: amount(asked.storage_gb),
            disks: estimate.storage_copies,
            monthly_price: estimate.storage_gb_month.as_ref().map(Into::into),
            cost: estimate.storage_cost.map(amount),
        },
        missing: missing.into_iter().flatten().collect(),
    }))
}
