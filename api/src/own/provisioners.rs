//! DescribeProvisioners: the provisioners that are alive, and their passes.

use std::sync::Arc;

use axum::extract::State;
use brokerd_domain::Lane;
use brokerd_store::{PassState, PassStatus, PgStore, ProvisionerStatus};
use serde::Serialize;
use utoipa::ToSchema;

use super::accounts::authorize_operator;
use crate::{
    ApiSettings,
    auth::{CallResource, Signed},
    http::respond::{Answer, Reply},
    openapi::ServiceErrors,
};

/// A provisioner: the part of brokerd that reconciles brokers with their specification.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ProvisionerView {
    /// Its ID, which is new after every start.
    #[schema(example = "w-1b8c9a54-40a7-44c1-9d2f-0f6f0a4b7f10")]
    provisioner_id: String,
    /// `ALIVE`, or `DEAD`: its heartbeat is overdue; other provisioners take over its brokers.
    #[schema(value_type = String, example = "ALIVE")]
    state: &'static str,
    /// The time of the last heartbeat, ISO 8601 in UTC.
    #[schema(format = DateTime)]
    seen: String,
    /// The number of brokers that it watches.
    brokers: u64,
    /// The number of passes that it runs.
    running_passes: u64,
}

impl From<ProvisionerStatus> for ProvisionerView {
    fn from(seen: ProvisionerStatus) -> Self {
        Self {
            provisioner_id: seen.id.to_string(),
            state: if seen.is_alive { "ALIVE" } else { "DEAD" },
            seen: seen.seen.to_string(),
            brokers: seen.brokers,
            running_passes: seen.running,
        }
    }
}

/// The numbers of passes by state. A pass reconciles one broker once.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PassCountsView {
    /// Those that run.
    running: u64,
    /// Those that are due and have not begun.
    due: u64,
    /// Those that wait because the one before them has failed.
    retrying: u64,
    /// The brokers that need nothing and are looked at again later.
    scheduled: u64,
}

/// A pass on a broker.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PassView {
    /// The broker.
    #[schema(example = "b-1b8c9a54-40a7-44c1-9d2f-0f6f0a4b7f10")]
    broker_id: String,
    /// Its name.
    broker_name: String,
    /// Its account.
    #[schema(example = "123456789012")]
    account_id: String,
    /// Its region.
    #[schema(example = "eu-central-1")]
    region: String,
    /// `RUNNING`; `DUE`: it waits for a provisioner; `RETRYING`: it backs off after a failure.
    #[schema(value_type = String, example = "DUE")]
    state: &'static str,
    /// `URGENT`, with provisioners' permits of its own: pairs and clusters that have run, and brokers of which a change
    /// was seen; or `NORMAL`.
    #[schema(value_type = String, example = "NORMAL")]
    lane: &'static str,
    /// The passes in a row that have failed.
    failed_attempts: u32,
    /// When it became or becomes due, ISO 8601 in UTC.
    #[schema(format = DateTime)]
    due: String,
    /// The provisioner that runs it, or else the one that watches the broker.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    provisioner_id: Option<String>,
}

impl From<PassStatus> for PassView {
    fn from(pass: PassStatus) -> Self {
        Self {
            broker_id: pass.broker.to_string(),
            broker_name: pass.name,
            account_id: pass.account,
            region: pass.region,
            state: match pass.state {
                PassState::Running => "RUNNING",
                PassState::Due => "DUE",
                PassState::Retrying => "RETRYING",
            },
            lane: match pass.lane {
                Lane::Urgent => "URGENT",
                Lane::Normal => "NORMAL",
            },
            failed_attempts: pass.failed,
            due: pass.due.to_string(),
            provisioner_id: pass.provisioner.map(|id| id.to_string()),
        }
    }
}

/// The provisioners of the installation, and their work.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DescribeProvisionersResponse {
    /// The provisioners.
    provisioners: Vec<ProvisionerView>,
    /// How many passes there are.
    pass_counts: PassCountsView,
    /// Passes that run, then those that are due, then those that wait after a failure, at most 100.
    passes: Vec<PassView>,
}

/// Describes the provisioners of the installation and the passes on brokers that run, are due or have failed, of all
/// accounts. Only the operator's account may.
#[utoipa::path(
    get,
    path = "/brokerd/v1/provisioners",
    operation_id = "DescribeProvisioners",
    tag = "brokerd",
    responses(
        (status = 200, description = "The provisioners and their work.", body = DescribeProvisionersResponse),
        ServiceErrors,
    ),
    security(("sigv4" = [])),
)]
pub(crate) async fn describe_provisioners(
    State(settings): State<Arc<ApiSettings>>,
    State(store): State<PgStore>,
    signed: Signed,
) -> Answer<DescribeProvisionersResponse> {
    authorize_operator(&settings, &signed, "brokerd:DescribeProvisioners", CallResource::NONE)?;
    let overview = store.overview().await?;
    Ok(Reply(DescribeProvisionersResponse {
        provisioners: overview.provisioners.into_iter().map(Into::into).collect(),
        pass_counts: PassCountsView {
            running: overview.running,
            due: overview.due,
            retrying: overview.retrying,
            scheduled: overview.scheduled,
        },
        passes: overview.passes.into_iter().map(Into::into).collect(),
    }))
}
