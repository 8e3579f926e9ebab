//! DescribeCapacity: what the caller's account has of the memory of the brokers' host.

use std::sync::Arc;

use axum::extract::State;
use brokerd_domain::CapacityUse;
use brokerd_store::PgStore;
use serde::Serialize;
use utoipa::ToSchema;

use super::accounts::{is_operator, usage::AccountUsageView};
use crate::{
    ApiSettings,
    auth::{CallResource, Signed},
    http::{
        error::ApiError,
        respond::{Answer, Reply},
    },
    openapi::ServiceErrors,
};

/// How brokers use the memory of the host.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CapacityUseView {
    /// The memory that is reserved for brokers, in bytes.
    reserved_memory_bytes: u64,
    /// The memory that waiting creations need, in bytes.
    waiting_memory_bytes: u64,
    /// The number of creations that wait.
    waiting_brokers: u64,
}

impl From<CapacityUse> for CapacityUseView {
    fn from(used: CapacityUse) -> Self {
        Self {
            reserved_memory_bytes: used.granted_bytes,
            waiting_memory_bytes: used.waiting_bytes,
            waiting_brokers: used.waiting,
        }
    }
}

/// The memory of the host, and how the brokers of all accounts use it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct HostView {
    /// The memory that the instances of all brokers may use together, in bytes.
    usable_memory_bytes: u64,
    #[serde(flatten)]
    used: CapacityUseView,
}

/// What the account has of the memory of the host that runs brokers.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DescribeCapacityResponse {
    /// What the brokers of the account use, in all regions together.
    #[serde(flatten)]
    used: CapacityUseView,
    /// What counts against the quotas of the account.
    #[serde(flatten)]
    usage: AccountUsageView,
    /// The maximum time that a creation waits, in seconds.
    wait_seconds: u64,
    /// The factor on the memory and processors of instance types.
    #[schema(example = 0.5)]
    scale: f64,
    /// The host as a whole; only the operator's account is told.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    host: Option<HostView>,
}

/// Describes what the account has of the host's memory: how much is reserved for its brokers, how much its creations
/// wait for, and what its quotas leave. The operator's account is also told of the host as a whole.
#[utoipa::path(
    get,
    path = "/brokerd/v1/capacity",
    operation_id = "DescribeCapacity",
    tag = "brokerd",
    responses(
        (status = 200, description = "The memory that the account has.", body = DescribeCapacityResponse),
        ServiceErrors,
    ),
    security(("sigv4" = [])),
)]
pub(crate) async fn describe_capacity(
    State(settings): State<Arc<ApiSettings>>,
    State(store): State<PgStore>,
    signed: Signed,
) -> Answer<DescribeCapacityResponse> {
    let id = &signed.authorize(CallResource::NONE)?.account;
    let Some((room, used)) = store.capacity_of_account(id).await? else {
        return Err(ApiError::unavailable(
            "No provisioner has reported its host's memory yet. Try again.",
        ));
    };
    let account = store.account(id).await?;
    let quotas = account.map(|account| account.quotas).unwrap_or_default();
    let usage = store.account_usage(id).await?.unwrap_or_default();
    let host = if is_operator(&settings, id) {
        store.capacity().await?.map(|(room, used)| HostView {
            usable_memory_bytes: room.memory_bytes,
            used: used.into(),
        })
    } else {
        None
    };
    Ok(Reply(DescribeCapacityResponse {
        used: used.into(),
        usage: AccountUsageView::of(usage, quotas),
        wait_seconds: room.wait_limit.as_secs(),
        scale: room.scale,
        host,
    }))
}
