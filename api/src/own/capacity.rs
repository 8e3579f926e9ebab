//! DescribeCapacity: the memory of the brokers' host.

use axum::extract::State;
use brokerd_store::PgStore;
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    auth::{Signed, Subject},
    http::{
        error::ApiError,
        respond::{Answer, Reply},
    },
    openapi::ServiceErrors,
};

/// The memory of the host that runs brokers.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DescribeCapacityResponse {
    /// The memory that the instances of all brokers may use together, in bytes.
    usable_memory_bytes: u64,
    /// The memory that is reserved for brokers, in bytes.
    granted_memory_bytes: u64,
    /// The memory that waiting creations need, in bytes.
    awaited_memory_bytes: u64,
    /// The number of creations that wait.
    waiting_brokers: u64,
    /// The maximum time that a creation waits, in seconds.
    wait_seconds: u64,
    /// The factor on the memory and processors of instance types.
    #[schema(example = 0.5)]
    scale: f64,
}

/// Describes the host's memory: how much brokers may use together, how much is reserved, and how much creations
/// wait for.
#[utoipa::path(
    get,
    path = "/brokerd/v1/capacity",
    operation_id = "DescribeCapacity",
    tag = "brokerd",
    responses(
        (status = 200, description = "The memory of the host.", body = DescribeCapacityResponse),
        ServiceErrors,
    ),
    security(("sigv4" = [])),
)]
pub(crate) async fn describe_capacity(
    State(store): State<PgStore>,
    signed: Signed,
) -> Answer<DescribeCapacityResponse> {
    signed.authorize(Subject::NONE)?;
    let Some((room, used)) = store.capacity().await? else {
        return Err(ApiError::unavailable("No provisioner has told yet what its host has."));
    };
    Ok(Reply(DescribeCapacityResponse {
        usable_memory_bytes: room.memory_bytes,
        granted_memory_bytes: used.granted_bytes,
        awaited_memory_bytes: used.waiting_bytes,
        waiting_brokers: used.waiting,
        wait_seconds: room.patience.as_secs(),
        scale: room.scale,
    }))
}
