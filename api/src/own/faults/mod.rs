//! Faults that callers inject into their brokers.

pub(crate) mod create;
pub(crate) mod delete;
pub(crate) mod describe;
pub(crate) mod list;

use brokerd_domain::{Error, Fault, FaultId, Timestamp};
use serde::Serialize;
use utoipa::ToSchema;

use crate::http::{path::PathParams, refusal};

/// A fault.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Fault)]
pub(crate) struct FaultView {
    /// The identifier.
    id: String,
    /// The kind: `KILL`, `PAUSE`, `ISOLATE`, `ZONE_OUTAGE`, `LATENCY`, `FILL_DISK` or `FAILOVER`.
    #[schema(value_type = String, example = "PAUSE")]
    kind: &'static str,
    /// `PENDING` until the fault starts, then `ACTIVE`; `HEALING` when the duration is over, `ENDED` when the
    /// fault is undone.
    #[schema(value_type = String, example = "ACTIVE")]
    state: &'static str,
    /// The ordinal of the instance, once it is chosen.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    instance: Option<u8>,
    /// The availability zone of the outage.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    zone: Option<String>,
    /// The duration in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    duration_seconds: Option<u64>,
    /// The latency in milliseconds, in each direction.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    latency_milliseconds: Option<u32>,
    /// The maximum of the random latency on top, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    jitter_milliseconds: Option<u32>,
    /// When the fault begins, or began, ISO 8601 in UTC.
    #[schema(format = DateTime)]
    starts_at: String,
    /// When the duration is over; of a fault that happens once, when brokerd no longer tries.
    #[schema(format = DateTime)]
    ends_at: String,
    /// When the fault had ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, format = DateTime)]
    ended_at: Option<String>,
    /// How the fault ended, for a person.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "healed")]
    reason: Option<String>,
}

impl FaultView {
    fn new(fault: Fault, now: Timestamp) -> Self {
        let state = fault.state(now).as_str();
        let instance = fault.affected.as_ref().and_then(|instances| instances.first());
        Self {
            id: fault.id.to_string(),
            kind: fault.spec.kind.as_str(),
            state,
            instance: fault.spec.instance.or(instance.map(|instance| instance.ordinal)),
            zone: fault.spec.zone,
            duration_seconds: fault.spec.duration.map(|duration| duration.as_secs()),
            latency_milliseconds: fault.spec.latency.map(|l| l.milliseconds),
            jitter_milliseconds: fault.spec.latency.map(|l| l.jitter_milliseconds),
            starts_at: fault.starts.to_string(),
            ends_at: fault.ends.to_string(),
            ended_at: fault.ended.map(|ended| ended.to_string()),
            reason: fault.reason,
        }
    }
}

/// The fault's identifier.
///
/// # Errors
/// The 404 of a fault, also for a text that is no identifier.
fn fault_id(path: &PathParams) -> Result<FaultId, Error> {
    path.get("fault-id").parse().map_err(|_| not_found(path))
}

fn not_found(path: &PathParams) -> Error {
    refusal::not_found("fault-id", format!("Cannot find fault ID [{}].", path.get("fault-id")))
}
